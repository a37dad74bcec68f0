package notify

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Config is what a Notifier is made of.
type Config struct {
	Slack     *Slack // nil: none
	Webhooks  []Webhook
	Transport http.RoundTripper // default: http.DefaultTransport
	Now       func() time.Time  // required
	Timing    Timing
}

// Slack says where the message of a run goes. The token is a bot's and needs
// the scope chat:write; the bot has to be a member of the channel.
type Slack struct {
	Token   Secret
	Channel string // name with "#", or ID
	API     string // default: https://slack.com/api
	// Continue is the message of a run that another process has begun. It is
	// updated instead of posting a new one.
	Continue Thread
}

// Thread names a Slack message and the thread under it.
type Thread struct {
	Channel string `json:"channel"` // ID
	TS      string `json:"ts"`
}

// Webhook is an address that gets a POST with a JSON [Payload] for each turn of
// a run. The address counts as secret: it often carries its credential.
type Webhook struct {
	Name string // in messages to the operator
	URL  Secret
	Key  Secret // for X-Fairtide-Signature; empty: not signed
}

// Timing is the patience with those who are told. Zero fields take the
// defaults.
type Timing struct {
	Cap   time.Duration // of one message with its retries. Default 10 s.
	Pause time.Duration // before the first retry; doubles. Default 500 ms.
	Gap   time.Duration // between messages to Slack, which allows one a second. Default 1.2 s.
	Rest  time.Duration // after a message that did not get through. Default 5 s.
}

func (t Timing) withDefaults() Timing {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Cap, 10 * time.Second}, {&t.Pause, 500 * time.Millisecond},
		{&t.Gap, 1200 * time.Millisecond}, {&t.Rest, 5 * time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return t
}

// Message says what a run is about.
type Message struct {
	Run         string
	Environment string
	Tier        model.Tier
	Commit      string
	Title       string // of the commit or its pull request
	URL         string // of the pull request or the commit; http or https, else it is left out
	Operator    string
	Override    string // the reason, when the run overrides a rule
	// Exception is who overrode which rules; nil: nobody did.
	Exception *model.Exception
}

// Notifier tells one run's story. It is safe for concurrent use.
type Notifier struct {
	now      func() time.Time
	slack    *slackSink
	webhooks []*webhookSink

	mu      sync.Mutex
	started bool
	closed  bool
	told    bool // the verdict
	story   story
}

// New makes a Notifier and starts what delivers its messages; Close ends it.
// It makes no network call of its own.
func New(cfg Config) *Notifier {
	cfg.Timing = cfg.Timing.withDefaults()
	n := &Notifier{now: cfg.Now}
	client := &http.Client{
		Transport: cfg.Transport,
		// A redirect would carry token or signature to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if cfg.Slack != nil {
		n.slack = newSlackSink(*cfg.Slack, cfg.Timing, client)
	}
	for _, w := range cfg.Webhooks {
		n.webhooks = append(n.webhooks, newWebhookSink(w, cfg.Timing, client))
	}
	return n
}

// Start tells that the run has begun. Events before it are not told, so that a
// run which is refused at the door makes no noise; a second Start is ignored.
func (n *Notifier) Start(m Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.started || n.closed {
		return
	}
	n.started = true
	n.story = newStory(m)
	n.updateSlack()
	n.post("run.started", "", nil)
}

// Event takes the run's next event. It never blocks.
func (n *Notifier) Event(e model.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.started || n.closed {
		return
	}
	changed, detail := n.story.take(e)
	if changed {
		n.updateSlack()
	}
	if detail != "" && n.slack != nil {
		n.slack.reply(detail)
	}
	switch e.Type {
	case model.EventCause:
		n.post("run.cause", e.Message, e.Object)
	case model.EventTest:
		n.post("run.test", e.Source+": "+e.Message, nil)
	}
}

// Finish tells the run's verdict, once. Without it Close tells the one of the
// event of type finished, and without that one that the run was interrupted: no
// message stays behind that says it is still going on.
func (n *Notifier) Finish(run model.Run) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.started || n.closed {
		return
	}
	n.story.finish(run)
	n.verdict()
}

func (n *Notifier) verdict() {
	if n.told {
		return
	}
	n.told = true
	n.updateSlack()
	n.post("run.finished", n.story.reason, nil)
	if n.slack == nil || n.story.state == model.RunSucceeded {
		return
	}
	for _, line := range n.story.failures() {
		n.slack.reply(line)
	}
	n.slack.announce(n.story.headline())
}

func (n *Notifier) updateSlack() {
	if n.slack != nil {
		n.slack.update(n.story.parent())
	}
}

func (n *Notifier) post(event, message string, object *model.ObjectID) {
	for _, w := range n.webhooks {
		w.push(n.story.payload(event, n.now(), message, object))
	}
}

// Thread is the message of the run in Slack, for its record; empty as long as
// it was not posted.
func (n *Notifier) Thread() (channel, ts string) {
	if n.slack == nil {
		return "", ""
	}
	t := n.slack.where()
	return t.Channel, t.TS
}

// Close delivers what is left, as long as ctx allows, and ends the Notifier.
// It returns one line about what was lost; empty: nothing.
func (n *Notifier) Close(ctx context.Context) string {
	n.mu.Lock()
	if n.started && !n.closed {
		if !n.story.state.Final() {
			n.story.state, n.story.reason = model.RunInterrupted, "the program ended before the run did"
		}
		n.verdict()
	}
	n.closed = true
	n.mu.Unlock()
	var ends []func(context.Context) string
	if n.slack != nil {
		ends = append(ends, n.slack.close)
	}
	for _, w := range n.webhooks {
		ends = append(ends, w.close)
	}
	lines := make([]string, len(ends))
	var all sync.WaitGroup
	for i, end := range ends {
		all.Go(func() { lines[i] = end(ctx) })
	}
	all.Wait()
	return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "; ")
}
