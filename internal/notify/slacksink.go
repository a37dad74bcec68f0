package notify

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// maxReplies is how many lines wait for the thread at most.
const maxReplies = 100

// slackSink delivers a run's message and its thread, one call at a time. Of
// the message only the newest form counts, and lines for the thread are joined,
// so that Slack's limit of one message a second is kept without a long queue.
type slackSink struct {
	client  slackClient
	channel string
	timing  Timing
	wake    chan struct{}
	done    chan struct{}
	ctx     context.Context // ends when Close has waited long enough
	cancel  context.CancelFunc

	mu           sync.Mutex
	thread       Thread
	pending      *slackMessage // the message's form that is not delivered
	replies      []string
	announcement string // for the thread and the channel
	closing      bool
	dead         bool // a failure that will not go away
	losses       losses
	// parentLast: the last call was for the message; the thread's turn.
	parentLast bool
	replaced   bool // a message that cannot be updated was posted anew
	notBefore  time.Time
}

func newSlackSink(cfg Slack, t Timing, client *http.Client) *slackSink {
	if cfg.API == "" {
		cfg.API = slackAPI
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &slackSink{
		client: slackClient{token: cfg.Token, api: cfg.API, client: client}, channel: cfg.Channel, timing: t,
		wake: make(chan struct{}, 1), done: make(chan struct{}), ctx: ctx, cancel: cancel, thread: cfg.Continue,
	}
	go s.work()
	return s
}

func (s *slackSink) where() Thread {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.thread
}

// change runs f under the lock and wakes the worker.
func (s *slackSink) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// update replaces the message.
func (s *slackSink) update(m slackMessage) {
	s.change(func() {
		if s.pending == nil {
			s.losses.total++
		}
		s.pending = &m
	})
}

// reply adds an escaped line to the thread.
func (s *slackSink) reply(line string) {
	s.change(func() {
		s.losses.total++
		if len(s.replies) == maxReplies {
			s.losses.lose(1, "too many at once")
			return
		}
		s.replies = append(s.replies, line)
	})
}

// announce adds a line to the thread that the channel sees too.
func (s *slackSink) announce(line string) {
	s.change(func() {
		s.losses.total++
		s.announcement = line
	})
}

// close delivers what is left while ctx lasts.
func (s *slackSink) close(ctx context.Context) string {
	s.change(func() { s.closing = true })
	select {
	case <-s.done:
	case <-ctx.Done():
		s.cancel()
		<-s.done
	}
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.losses.line("Slack")
}

// job is one call to Slack.
type job struct {
	method       string
	message      slackMessage
	lines        int // how many replies are in it
	announcement bool
}

func (s *slackSink) work() {
	defer close(s.done)
	for {
		j, ok := s.next()
		if !ok {
			return
		}
		var at Thread
		f := deliver(s.ctx, s.timing, func(ctx context.Context) (f *failure) {
			at, f = s.client.call(ctx, j.method, j.message)
			return f
		})
		s.settle(j, at, f)
	}
}

// next waits for something to do and for the moment when it may be done; false:
// there is nothing more.
func (s *slackSink) next() (job, bool) {
	for {
		s.mu.Lock()
		j, ok := s.pick()
		closing, wait := s.closing, time.Until(s.notBefore)
		if s.ctx.Err() != nil || closing && !ok {
			s.abandon()
			s.mu.Unlock()
			return job{}, false
		}
		// At the end a burst is better than to keep the operator waiting.
		if ok && (wait <= 0 || closing) {
			s.take(j)
			s.mu.Unlock()
			return j, true
		}
		s.mu.Unlock()
		if !ok {
			wait = time.Hour // until woken
		}
		s.pause(wait)
	}
}

// pause waits for a change that may matter, or for d.
func (s *slackSink) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.wake:
	case <-timer.C:
	case <-s.ctx.Done():
	}
}

// pick chooses the next call: message and thread take turns, and nothing is in
// a thread before there is a message.
func (s *slackSink) pick() (job, bool) {
	threaded := s.thread.TS != "" && (len(s.replies) > 0 || s.announcement != "")
	switch {
	case s.dead:
		return job{}, false
	case s.pending != nil && (!s.parentLast || !threaded || s.closing):
		m := *s.pending
		if s.thread.TS == "" {
			m.Channel = s.channel
			return job{method: "chat.postMessage", message: m}, true
		}
		m.Channel, m.TS = s.thread.Channel, s.thread.TS
		return job{method: "chat.update", message: m}, true
	case !threaded:
		return job{}, false
	}
	j := job{method: "chat.postMessage", message: slackMessage{Channel: s.thread.Channel, ThreadTS: s.thread.TS}}
	if len(s.replies) > 0 {
		j.message.Text, j.lines = batch(s.replies)
	} else {
		j.message.Text, j.message.Broadcast, j.announcement = s.announcement, true, true
	}
	return j, true
}

// take removes a job from what is waiting.
func (s *slackSink) take(j job) {
	switch {
	case j.announcement:
		s.announcement = ""
	case j.lines > 0:
		s.replies = s.replies[j.lines:]
	default:
		s.pending = nil
	}
	s.parentLast = j.lines == 0 && !j.announcement
}

// settle notes how a call went.
func (s *slackSink) settle(j job, at Thread, f *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	threaded := j.lines > 0 || j.announcement
	if f == nil {
		s.notBefore = time.Now().Add(s.timing.Gap)
		if !threaded {
			s.thread = at
		}
		return
	}
	s.losses.why = f.text
	s.dead = s.dead || f.fatal
	s.notBefore = time.Now().Add(max(s.timing.Rest, f.after))
	if f.missing && j.method == "chat.update" && !s.replaced {
		// Deleted, or another bot's: the verdict has to be somewhere.
		s.thread, s.replaced, s.notBefore = Thread{}, true, time.Time{}
	}
	switch {
	case threaded:
		s.losses.lose(max(j.lines, 1), f.text)
	case s.pending != nil: // a newer form is waiting, this one is no loss
		s.losses.total--
	case s.closing && (!f.missing || s.thread.TS != ""):
		s.losses.lose(1, f.text)
	default:
		m := j.message
		m.Channel, m.TS = "", ""
		s.pending = &m
	}
}

// abandon counts what is left as lost.
func (s *slackSink) abandon() {
	left := len(s.replies)
	if s.pending != nil {
		left++
	}
	if s.announcement != "" {
		left++
	}
	why := ""
	if s.losses.why == "" {
		why = "the program did not wait longer"
	}
	s.losses.lose(left, why)
	s.pending, s.replies, s.announcement = nil, nil, ""
}
