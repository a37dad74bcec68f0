package calendars

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// feed is an address and what it has answered.
type feed struct {
	url *url.URL

	mu      sync.Mutex
	loaded  bool      // the disk has been looked at
	asked   time.Time // when the last question was answered, or failed
	good    answer    // the last that was understood
	problem string    // why the last question has brought nothing
	running chan struct{}
}

// answer is a body and how to ask whether it is still the same.
type answer struct {
	body     []byte
	fetched  time.Time
	etag     string
	modified string
}

// remote is the calendar of a rule's address.
func (r *Reader) remote(ctx context.Context, rule *model.WindowRule, ask func(context.Context, *feed, *time.Location) state) content {
	u, err := address(rule.Source.URL)
	if err != nil {
		return content{wrong: err.Error()}
	}
	c := content{place: u.Host, name: "the calendar at " + u.Host}
	s := ask(ctx, r.feed(u), rule.Location)
	c.body = s.body
	if s.problem == "" {
		return c
	}
	limit := rule.Source.MaxAge
	if limit <= 0 {
		limit = model.DefaultCalendarAge
	}
	// An age in the future is of a clock that was set: no reason to trust it.
	age := r.now().Sub(s.fetched)
	switch {
	case s.body == nil:
		c.wrong = s.problem
	case age.Abs() > limit:
		c.wrong = fmt.Sprintf("%s; what was fetched %s is older than %s; try again later", s.problem, ago(age), words(limit))
	default:
		c.aside = fmt.Sprintf("%s: from the cache, fetched %s: %s", rule.Name, ago(age), s.problem)
	}
	return c
}

// feed is that of an address, the same for all who ask.
func (r *Reader) feed(u *url.URL) *feed {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.feeds[u.String()]
	if f == nil {
		f = &feed{url: u}
		r.feeds[u.String()] = f
	}
	return f
}

// peek is what is known of an address without asking.
func (r *Reader) peek(f *feed, loc *time.Location) state {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.load(f, loc)
	s := f.state()
	switch {
	case s.problem != "" || r.fresh(f):
	case s.body == nil:
		s.problem = f.url.Hostname() + " has not been fetched yet"
	default:
		s.problem = f.url.Hostname() + " has not been asked again yet"
	}
	return s
}

// fetched asks, unless that was done just now. Those who ask at once share a
// question; one whose context ends does not end it for the others.
func (r *Reader) fetched(ctx context.Context, f *feed, loc *time.Location) state {
	f.mu.Lock()
	r.load(f, loc)
	if r.fresh(f) {
		defer f.mu.Unlock()
		return f.state()
	}
	if f.running == nil {
		f.running = make(chan struct{})
		go r.renew(context.WithoutCancel(ctx), f, loc, f.good)
	}
	running := f.running
	f.mu.Unlock()
	select {
	case <-running:
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.state()
	case <-ctx.Done():
		f.mu.Lock()
		defer f.mu.Unlock()
		s := f.state()
		s.problem = f.url.Hostname() + " has not answered in time"
		return s
	}
}

// fresh reports whether the last question still counts.
func (r *Reader) fresh(f *feed) bool {
	return !f.asked.IsZero() && r.now().Sub(f.asked).Abs() < r.pause
}

func (f *feed) state() state { return state{f.good.body, f.good.fetched, f.problem} }

// renew asks, and keeps what the answer is. What cannot be understood, in the
// zone of who asked first, does not replace what could.
func (r *Reader) renew(ctx context.Context, f *feed, loc *time.Location, last answer) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	next, err := r.get(ctx, f.url, last)
	if err == nil {
		if p := r.parse(next.body, loc); p.err != nil {
			err = fmt.Errorf("%s answered, but: %w", f.url.Hostname(), p.err)
		}
	}
	now := r.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = now
	if err != nil {
		f.problem = err.Error()
	} else {
		next.fetched = now
		f.good, f.problem = next, ""
		r.keep(f)
	}
	close(f.running)
	f.running = nil
}

// header is what the disk keeps of an answer beside its body.
type header struct {
	Fetched  time.Time
	ETag     string
	Modified string
	Body     string // the sum of the body
}

// The keys of the disk cache. They hold the address, which is what makes its
// files unreadable to others.
func headerKey(u *url.URL) []byte { return []byte("header\x00" + u.String()) }

func bodyKey(u *url.URL, sum string) []byte { return []byte("body\x00" + sum + "\x00" + u.String()) }

// keep writes the last good answer to disk. A disk that takes nothing is none:
// the calendar was fetched, and the next process asks again.
func (r *Reader) keep(f *feed) {
	hash := sha256.Sum256(f.good.body)
	sum := hex.EncodeToString(hash[:])
	if _, there := r.cache.Get(bodyKey(f.url, sum)); !there {
		if r.cache.Put(bodyKey(f.url, sum), f.good.body) != nil {
			return
		}
	}
	if data, err := json.Marshal(header{f.good.fetched, f.good.etag, f.good.modified, sum}); err == nil {
		_ = r.cache.Put(headerKey(f.url), data)
	}
}

// load takes the last good answer from disk, once.
func (r *Reader) load(f *feed, loc *time.Location) {
	if f.loaded {
		return
	}
	f.loaded = true
	data, ok := r.cache.Get(headerKey(f.url))
	var h header
	if !ok || json.Unmarshal(data, &h) != nil {
		return
	}
	body, ok := r.cache.Get(bodyKey(f.url, h.Body))
	if !ok || r.parse(body, loc).err != nil {
		return
	}
	f.good = answer{body: body, fetched: h.Fetched, etag: h.ETag, modified: h.Modified}
}

// ago says how long ago something was.
func ago(age time.Duration) string {
	switch {
	case age < 0:
		return "in the future, by this machine's clock"
	case age < time.Minute:
		return "just now"
	}
	return words(age) + " ago"
}

// words tells a length of time in its largest unit.
func words(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d d", d/(24*time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
