package calendars

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/fairtide-dev/fairtide/internal/ical"
	"github.com/fairtide-dev/fairtide/model"
)

const secret = "private-0123456789abcdef"

func ics(summary string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:" + summary +
		"\r\nDTSTART;VALUE=DATE:20261224\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

// world is a server whose answers can be set, a clock and a cache directory.
type world struct {
	t      *testing.T
	server *httptest.Server
	asked  atomic.Int64
	dir    string

	mu     sync.Mutex
	answer http.HandlerFunc
	now    time.Time
}

func newWorld(t *testing.T, answer http.HandlerFunc) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), answer: answer, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		w.mu.Lock()
		answer := w.answer
		w.mu.Unlock()
		answer(out, r)
	}))
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) set(answer http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// reader is that of a process of its own.
func (w *world) reader() *Reader {
	w.t.Helper()
	cache, err := OpenCache(w.dir, w.clock)
	if err != nil {
		w.t.Fatal(err)
	}
	return New(Config{Cache: cache, Now: w.clock, Timeout: 2 * time.Second})
}

func (w *world) url() string { return w.server.URL + "/" + secret + "/basic.ics?token=" + secret }

func berlin(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func freeze(t *testing.T, source model.WindowSource) model.WindowRule {
	return model.WindowRule{Name: "holidays", Location: berlin(t), Freeze: &model.Schedule{}, Source: &source}
}

// one reads the rule of the world's address, and checks that the address is
// nowhere in what it says.
func (w *world) one(r *Reader) model.WindowRule {
	w.t.Helper()
	return w.check(r.Read(w.t.Context(), []model.WindowRule{freeze(w.t, model.WindowSource{URL: w.url(), MaxAge: 24 * time.Hour})}, nil)[0])
}

func (w *world) check(rule model.WindowRule) model.WindowRule {
	w.t.Helper()
	said := rule.Unreadable + rule.Aside
	if rule.Freeze.Spans != nil {
		said += rule.Freeze.Spans.String()
	}
	if strings.Contains(said, secret) || strings.Contains(said, "token") {
		w.t.Errorf("the address is told: %s", said)
	}
	if (rule.Unreadable == "") != (rule.Freeze.Spans != nil) {
		w.t.Errorf("unreadable %q with spans %v", rule.Unreadable, rule.Freeze.Spans)
	}
	return rule
}

// event is what the only event of a rule's calendar is called.
func event(t *testing.T, rule model.WindowRule) string {
	t.Helper()
	if rule.Unreadable != "" {
		t.Fatalf("unreadable: %s", rule.Unreadable)
	}
	from, to, name, ok := rule.Freeze.Spans.Next(0, 1<<40)
	if !ok || to-from != 24*60*60 || time.Unix(from, 0).In(rule.Location).Format(time.RFC3339) != "2026-12-24T00:00:00+01:00" {
		t.Fatalf("the event is from %d to %d, %v", from, to, ok)
	}
	return name
}

func answers(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func TestFilesOfTheRepository(t *testing.T) {
	read := 0
	file := func(_ context.Context, path string) ([]byte, error) {
		switch path {
		case "holidays/de.ics":
			read++
			return []byte(ics("Xmas")), nil
		case "broken.ics":
			return []byte(strings.Replace(ics("broken one"), "20261224", "soon", 1)), nil
		}
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	allow := model.WindowRule{Name: "allow", Location: berlin(t), Allow: &model.Schedule{}, Source: &model.WindowSource{File: "holidays/de.ics"}}
	weekly := model.WindowRule{Name: "weekly", Location: time.UTC, Allow: &model.Schedule{Days: []time.Weekday{1}}}
	nowhere := freeze(t, model.WindowSource{File: "holidays/de.ics"})
	nowhere.Location = nil
	rules := []model.WindowRule{
		freeze(t, model.WindowSource{File: "holidays/de.ics"}), allow, weekly,
		freeze(t, model.WindowSource{File: "none.ics"}), freeze(t, model.WindowSource{File: "broken.ics"}), nowhere,
	}
	r := New(Config{})
	got := r.Read(t.Context(), rules, file)
	if read != 1 {
		t.Errorf("the file was read %d times", read)
	}
	if name := event(t, got[0]); name != "Xmas" || got[0].Freeze.Spans.String() != "the calendar holidays/de.ics" || got[0].Aside != "" {
		t.Errorf("%q %q %q", name, got[0].Freeze.Spans, got[0].Aside)
	}
	if rules[0].Freeze.Spans != nil || rules[1].Allow.Spans != nil {
		t.Error("the rules given were changed")
	}
	if got[1].Allow.Spans == nil || got[1].Freeze != nil {
		t.Error("the allow rule has no spans")
	}
	if got[2].Allow != weekly.Allow {
		t.Error("a rule without a calendar was changed")
	}
	for i, want := range map[int]string{
		3: "none.ics: none.ics: file does not exist; restore the file or change the rule, or override with a reason",
		4: `broken.ics: line 6: the event "broken one": DTSTART: "soon" is neither a date such as 20261231 nor a time such as 20261231T180000; correct the event where the calendar is kept, or delete it there, or override with a reason`,
		5: "the rule has no time zone; set its timeZone, or override with a reason",
	} {
		if got[i].Unreadable != want || got[i].Freeze.Spans != nil {
			t.Errorf("got  %s\nwant %s", got[i].Unreadable, want)
		}
	}
	if got := r.Cached(t.Context(), rules[:1], file); event(t, got[0]) != "Xmas" {
		t.Error("a file is not read without the network")
	}
	if got := r.Read(t.Context(), rules[:1], nil)[0].Unreadable; !strings.Contains(got, "which is not there; run this where the repository is") {
		t.Error(got)
	}
	// The same calendar in another zone is another.
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	rules[0].Location = tokyo
	from, _, _, _ := r.Read(t.Context(), rules[:1], file)[0].Freeze.Spans.Next(0, 1<<40)
	if got := time.Unix(from, 0).UTC().Format(time.RFC3339); got != "2026-12-23T15:00:00Z" {
		t.Error(got)
	}
}

func TestFetchedOnceAMinuteAndRevalidated(t *testing.T) {
	var validated atomic.Int64
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Last-Modified", "Sun, 01 Nov 2026 10:00:00 GMT")
		if r.Header.Get("If-None-Match") == `"v1"` && r.Header.Get("If-Modified-Since") != "" {
			validated.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(ics("v1")))
	})
	r := w.reader()
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if rule := w.one(r); rule.Aside != "" || rule.Unreadable != "" {
				t.Errorf("%q %q", rule.Aside, rule.Unreadable)
			}
		})
	}
	group.Wait()
	if n := w.asked.Load(); n != 1 {
		t.Errorf("20 at once asked %d times", n)
	}
	w.pass(59 * time.Second)
	if event(t, w.one(r)) != "v1" || w.asked.Load() != 1 {
		t.Error("it was asked again within a minute")
	}
	w.pass(2 * time.Second)
	if event(t, w.one(r)) != "v1" || validated.Load() != 1 {
		t.Error("it was not asked whether it is still the same")
	}
	// Another process asks by what is on disk.
	if event(t, w.one(w.reader())) != "v1" || validated.Load() != 2 {
		t.Error("another process fetched all of it")
	}
	w.set(answers(ics("v2")))
	w.pass(2 * time.Minute)
	if rule := w.one(r); event(t, rule) != "v2" || rule.Aside != "" {
		t.Error("a new calendar is not used")
	}
	if n := len(r.known); n != 2 {
		t.Errorf("%d calendars were parsed, want 2", n)
	}
}

// Every way to fail uses the last good calendar while it is young enough.
func TestFaults(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		why    string
	}{
		"500":      {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, secret, http.StatusInternalServerError) }, "127.0.0.1 answered 500 Internal Server Error"},
		"404":      {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, secret, http.StatusNotFound) }, "127.0.0.1 answered 404 Not Found; check that the calendar is still shared"},
		"web page": {answers("<html>" + secret + "</html>"), "127.0.0.1 answered, but: line 1: it is no iCalendar file, which begins with BEGIN:VCALENDAR: it looks like a web page"},
		"empty":    {answers(""), "it is empty"},
		"broken":   {answers(strings.Replace(ics("x"), "20261224", "soon", 1)), `the event "x": DTSTART`},
		"part":     {answers(strings.Split(ics("x"), "END:")[0]), "it breaks off within VEVENT"},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write([]byte(ics("truncated")))
		}, "127.0.0.1 broke off its answer"},
		"cut off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "127.0.0.1 cannot be reached"},
		"huge":    {answers(ics("x") + strings.Repeat("\r\n", ical.MaxBytes)), "more than 4 MiB"},
		"silent": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, "127.0.0.1 has not answered within 2 s"},
		"slow body": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("BEGIN:VCALENDAR\r\n"))
			_ = http.NewResponseController(w).Flush()
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, "127.0.0.1 has not answered within 2 s"},
		"to http": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://calendar.invalid/"+secret, http.StatusFound)
		}, "127.0.0.1 leads to an address that is not https; correct"},
		"to nothing readable": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "://"+secret)
			w.WriteHeader(http.StatusFound)
		}, "127.0.0.1 cannot be reached"},
		"round and round":        {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }, "127.0.0.1 leads from one address to the next without end"},
		"304 to who has nothing": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, ""},
		"file scheme": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/"+secret, http.StatusFound)
		}, "leads to an address that is not https"},
		"not what it says it is":  {answers("\x1f\x8b" + secret), "it is no iCalendar file"},
		"a line that is not told": {answers("BEGIN:VCALENDAR\r\nhttps//" + secret + "\r\nEND:VCALENDAR"), "line 2: it is not NAME:VALUE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.answer)
			why := test.why
			if why == "" {
				why = "127.0.0.1 answered 304 Not Modified"
			}
			rule := w.one(w.reader())
			if !strings.HasPrefix(rule.Unreadable, "127.0.0.1 ") || !strings.Contains(rule.Unreadable, why) ||
				!strings.HasSuffix(rule.Unreadable, ", or override with a reason") {
				t.Errorf("with nothing in the cache: %s", rule.Unreadable)
			}
			w.set(answers(ics("good")))
			if event(t, w.one(w.reader())) != "good" {
				t.Error("it is not read")
			}
			w.set(test.answer)
			w.pass(3 * time.Hour)
			rule = w.one(w.reader())
			if test.why == "" { // it is still the same
				if event(t, rule) != "good" || rule.Aside != "" {
					t.Errorf("%q %q", rule.Unreadable, rule.Aside)
				}
				return
			}
			if event(t, rule) != "good" || !strings.HasPrefix(rule.Aside, "holidays: from the cache, fetched 3 h ago: ") || !strings.Contains(rule.Aside, test.why) {
				t.Errorf("from the cache: %q", rule.Aside)
			}
			w.pass(22 * time.Hour)
			r := w.reader()
			for range 2 { // the second is not asked again
				if got := w.one(r).Unreadable; !strings.Contains(got, test.why) || !strings.Contains(got, "; what was fetched 25 h ago is older than 24 h; try again later, or override with a reason") {
					t.Errorf("too old: %s", got)
				}
			}
			w.set(answers(ics("again")))
			w.pass(2 * time.Minute)
			if rule := w.one(r); event(t, rule) != "again" || rule.Aside != "" {
				t.Errorf("after that: %q", rule.Aside)
			}
		})
	}
}

func TestHostsThatAreNotThere(t *testing.T) {
	w := newWorld(t, answers(ics("good")))
	url := w.url()
	r := w.reader()
	w.one(r)
	w.server.Close()
	w.pass(5 * time.Minute)
	if rule := w.one(r); event(t, rule) != "good" || !strings.Contains(rule.Aside, "fetched 5 min ago: 127.0.0.1 cannot be reached: dial: connect: connection refused") {
		t.Error(rule.Aside)
	}
	// A clock that was set back makes nothing younger.
	w.pass(-26 * time.Hour)
	if got := w.one(w.reader()).Unreadable; !strings.Contains(got, "fetched in the future, by this machine's clock is older") {
		t.Error(got)
	}
	secure := httptest.NewUnstartedServer(answers(ics("secure")))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // that it is not trusted
	secure.StartTLS()
	defer secure.Close()
	for url, want := range map[string]string{
		strings.Replace(url, "127.0.0.1", "calendar.invalid", 1):              "is not asked for by https; correct the rule's url",
		"https://calendar.invalid/" + secret:                                  "calendar.invalid ",
		"ftp://127.0.0.1/" + secret:                                           "is not asked for by https",
		"https:///" + secret:                                                  "the calendar's address is no URL",
		"http://[::1/" + secret + "%zz":                                       "the calendar's address is no URL",
		strings.Replace(secure.URL, "https", "webcal", 1) + "/?t=" + secret:   "the certificate of 127.0.0.1 is not trusted",
		"webcal://user:" + secret + "@calendar.invalid/" + secret + "#" + "x": "calendar.invalid ",
	} {
		rule := w.check(r.Read(t.Context(), []model.WindowRule{freeze(t, model.WindowSource{URL: url})}, nil)[0])
		if !strings.Contains(rule.Unreadable, want) {
			t.Errorf("%s: %s", url, rule.Unreadable)
		}
	}
	trusting := New(Config{HTTP: secure.Client(), Now: w.clock})
	rule := trusting.Read(t.Context(), []model.WindowRule{freeze(t, model.WindowSource{URL: strings.Replace(secure.URL, "https", "webcal", 1)})}, nil)[0]
	if event(t, rule) != "secure" {
		t.Error("webcal is not https")
	}
}

func TestFromHTTPSToHTTPIsRefused(t *testing.T) {
	plain := newWorld(t, answers(ics("plain")))
	var referer atomic.Value
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		referer.Store(r.Header.Get("Referer"))
		_, _ = w.Write([]byte(ics("other")))
	}))
	defer other.Close()
	to := plain.url()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" {
			to = other.URL
		}
		http.Redirect(w, r, to, http.StatusFound)
	}))
	defer secure.Close()
	r := New(Config{HTTP: secure.Client()})
	rule := plain.check(r.Read(t.Context(), []model.WindowRule{freeze(t, model.WindowSource{URL: secure.URL})}, nil)[0])
	if !strings.Contains(rule.Unreadable, "leads to an address that is not https") || plain.asked.Load() != 0 {
		t.Error(rule.Unreadable)
	}
	rule = r.Read(t.Context(), []model.WindowRule{freeze(t, model.WindowSource{URL: secure.URL + "/other?" + secret})}, nil)[0]
	if event(t, rule) != "other" || referer.Load() != "" {
		t.Errorf("the other host was told %q", referer.Load())
	}
}

func TestCachedAsksNobody(t *testing.T) {
	w := newWorld(t, answers(ics("good")))
	rules := []model.WindowRule{freeze(t, model.WindowSource{URL: w.url()})}
	r := w.reader()
	if got := w.check(r.Cached(t.Context(), rules, nil)[0]); !strings.HasSuffix(got.Unreadable, "127.0.0.1 has not been fetched yet; try again later, or override with a reason") {
		t.Error(got.Unreadable)
	}
	if w.asked.Load() != 0 {
		t.Fatal("it was asked")
	}
	w.one(r)
	if got := w.check(r.Cached(t.Context(), rules, nil)[0]); event(t, got) != "good" || got.Aside != "" {
		t.Errorf("%q", got.Aside)
	}
	w.pass(3 * time.Hour)
	if got := w.check(w.reader().Cached(t.Context(), rules, nil)[0]); event(t, got) != "good" || got.Aside != "holidays: from the cache, fetched 3 h ago: 127.0.0.1 has not been asked again yet" {
		t.Errorf("%q", got.Aside)
	}
	w.pass(22 * time.Hour) // of the 24 hours that hold where none are set
	if got := w.check(w.reader().Cached(t.Context(), rules, nil)[0]); !strings.Contains(got.Unreadable, "older than 24 h") {
		t.Errorf("%q", got.Unreadable)
	}
	if w.asked.Load() != 1 {
		t.Error("it was asked again")
	}
}

func TestWhoLeavesDoesNotEndItForOthers(t *testing.T) {
	release := make(chan struct{})
	w := newWorld(t, func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = w.Write([]byte(ics("good")))
	})
	r := w.reader()
	rules := []model.WindowRule{freeze(t, model.WindowSource{URL: w.url()})}
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan model.WindowRule), make(chan model.WindowRule)
	go func() { first <- r.Read(ctx, rules, nil)[0] }()
	go func() { second <- r.Read(t.Context(), rules, nil)[0] }()
	for w.asked.Load() == 0 {
		select {
		case <-t.Context().Done():
			t.Fatal("nobody asked")
		default:
		}
	}
	cancel()
	if got := w.check(<-first); !strings.Contains(got.Unreadable, "127.0.0.1 has not answered in time") {
		t.Error(got.Unreadable)
	}
	close(release)
	if event(t, <-second) != "good" || w.asked.Load() != 1 {
		t.Errorf("it was asked %d times", w.asked.Load())
	}
}

func TestTheDiskTellsNothing(t *testing.T) {
	w := newWorld(t, answers(ics("a very telling name")))
	w.one(w.reader())
	files := 0
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %s", path, info.Mode())
		}
		data, err := os.ReadFile(path)
		for _, word := range []string{secret, "127.0.0.1", "telling", "VCALENDAR"} {
			if strings.Contains(path, word) || bytes.Contains(data, []byte(word)) {
				t.Errorf("%s tells %s", path, word)
			}
		}
		return errors.Join(err, os.WriteFile(path, append(data[:len(data)-1], 'x'), 0o600))
	})
	if err != nil || files != 2 {
		t.Fatal(files, err)
	}
	// What was damaged is as good as none.
	w.set(answers("nothing"))
	if got := w.one(w.reader()).Unreadable; !strings.Contains(got, "it is no iCalendar file") {
		t.Error(got)
	}
}
