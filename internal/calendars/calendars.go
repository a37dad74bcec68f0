// Package calendars reads the calendars that window rules name, from files of
// the repository and from the network.
//
// What was fetched is kept, in memory and on disk. It is used while it cannot
// be fetched again, as long as it is not older than the rule allows, and the
// rule says so; then the rule is unreadable, which closes. What cannot be
// understood is as good as not fetched.
//
// The address of a calendar may be all that protects it. It is never part of
// what is said: that names the host. The files of the cache tell neither the
// address nor the calendar to those who do not know the address.
package calendars

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fairtide-dev/fairtide/internal/diskcache"
	"github.com/fairtide-dev/fairtide/internal/ical"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	// defaultPause is how long an answer counts as fresh, and a failure as the
	// last word.
	defaultPause = time.Minute
	// defaultTimeout is how long a calendar may take.
	defaultTimeout = 5 * time.Second

	atOnce   = 8   // calendars that are fetched
	maxKnown = 128 // calendars that are kept parsed
)

// Config says how calendars are read.
type Config struct {
	HTTP    *http.Client     // whose transport is used; nil: the default one
	Cache   *diskcache.Cache // nil: what was fetched is kept in memory only
	Now     func() time.Time // nil: time.Now
	Pause   time.Duration    // between two questions to the same address; 0: a minute
	Timeout time.Duration    // of one question; 0: five seconds
}

// OpenCache uses a directory within cacheDir for what is fetched. The versions
// of the program share it.
func OpenCache(cacheDir string, now func() time.Time) (*diskcache.Cache, error) {
	return diskcache.Open(filepath.Join(cacheDir, "calendars"), diskcache.Options{ToolVersion: "calendars 1", Now: now})
}

// File reads a file of the repository.
type File = func(ctx context.Context, path string) ([]byte, error)

// Reader reads calendars. It is safe for concurrent use, and its users share
// what it has read.
type Reader struct {
	client  *http.Client
	cache   *diskcache.Cache
	now     func() time.Time
	pause   time.Duration
	timeout time.Duration

	mu    sync.Mutex
	feeds map[string]*feed // by address
	known map[parsedKey]parsed
}

// New returns a reader that has read nothing yet.
func New(c Config) *Reader {
	if c.Now == nil {
		c.Now = time.Now
	}
	r := &Reader{
		cache: c.Cache, now: c.Now, pause: cmp.Or(c.Pause, defaultPause), timeout: cmp.Or(c.Timeout, defaultTimeout),
		feeds: map[string]*feed{}, known: map[parsedKey]parsed{},
	}
	r.client = client(c.HTTP)
	return r
}

// Read returns the rules with the spans of their calendars, or with what keeps
// them from being read (Unreadable), or with what is to be known of how they
// were read (Aside). The rules given stay as they are. File may be nil where
// there is no repository.
func (r *Reader) Read(ctx context.Context, rules []model.WindowRule, file File) []model.WindowRule {
	return r.read(ctx, rules, file, r.fetched)
}

// Cached is Read without the network: addresses are as they were last fetched.
func (r *Reader) Cached(ctx context.Context, rules []model.WindowRule, file File) []model.WindowRule {
	return r.read(ctx, rules, file, func(_ context.Context, f *feed, loc *time.Location) state { return r.peek(f, loc) })
}

// state is what is known of an address.
type state struct {
	body    []byte // that was understood; nil: none
	fetched time.Time
	problem string // why it is not fresh; empty: it is
}

// content is what a source has.
type content struct {
	place string // the file or the host
	name  string // the same, in words
	body  []byte
	aside string
	wrong string
}

func (r *Reader) read(ctx context.Context, rules []model.WindowRule, file File, ask func(context.Context, *feed, *time.Location) state) []model.WindowRule {
	out := make([]model.WindowRule, len(rules))
	copy(out, rules)
	files := &files{read: file, known: map[string]func() ([]byte, error){}}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range out {
		rule := &out[i]
		if rule.Source == nil {
			continue
		}
		group.Go(func() error {
			var c content
			switch {
			case rule.Location == nil:
				c.wrong = "the rule has no time zone; set its timeZone"
			case rule.Source.File != "":
				c = files.content(ctx, rule.Source.File)
			default:
				c = r.remote(ctx, rule, ask)
			}
			r.complete(rule, c)
			return nil
		})
	}
	_ = group.Wait() // what goes wrong is said by the rules
	return out
}

// complete sets what a rule's source has.
func (r *Reader) complete(rule *model.WindowRule, c content) {
	rule.Unreadable, rule.Aside = c.wrong, c.aside
	if c.wrong == "" {
		p := r.parse(c.body, rule.Location)
		if p.err != nil {
			rule.Unreadable, rule.Aside = fmt.Sprintf("%s: %v", c.place, p.err), ""
		} else {
			spans := &named{Calendar: p.calendar, name: c.name}
			rule.Allow, rule.Freeze = with(rule.Allow, spans), with(rule.Freeze, spans)
		}
	}
	if rule.Unreadable != "" {
		if !strings.Contains(rule.Unreadable, "; ") {
			rule.Unreadable += "; try again later"
		}
		rule.Unreadable += ", or override with a reason"
	}
}

// named is a calendar by where it is from: files with the same content share one.
type named struct {
	*ical.Calendar
	name string
}

func (n *named) String() string { return n.name }

// with is a copy of a schedule with spans; nil stays nil.
func with(s *model.Schedule, spans model.Spans) *model.Schedule {
	if s == nil {
		return nil
	}
	c := *s
	c.Spans = spans
	return &c
}

// parsedKey is a content and the zone it is read in.
type parsedKey struct {
	sum  [sha256.Size]byte
	zone string
}

type parsed struct {
	calendar *ical.Calendar
	err      error
}

// parse reads a calendar once.
func (r *Reader) parse(body []byte, loc *time.Location) parsed {
	key := parsedKey{sha256.Sum256(body), loc.String()}
	r.mu.Lock()
	p, ok := r.known[key]
	r.mu.Unlock()
	if ok {
		return p
	}
	p.calendar, p.err = ical.Parse("a calendar", body, loc)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxKnown {
		clear(r.known)
	}
	r.known[key] = p
	return p
}

// files reads each file of the repository once.
type files struct {
	read  File
	mu    sync.Mutex
	known map[string]func() ([]byte, error)
}

func (f *files) content(ctx context.Context, path string) content {
	c := content{place: path, name: "the calendar " + path}
	if f.read == nil {
		c.wrong = path + " is a file of the repository, which is not there; run this where the repository is"
		return c
	}
	f.mu.Lock()
	read := f.known[path]
	if read == nil {
		read = sync.OnceValues(func() ([]byte, error) { return f.read(ctx, path) })
		f.known[path] = read
	}
	f.mu.Unlock()
	var err error
	if c.body, err = read(); err != nil {
		c.wrong = fmt.Sprintf("%s: %v; restore the file or change the rule", path, err)
	}
	return c
}
