package forge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/model"
)

// Tokens of the world's users, so that a test can look for them where they
// must not be.
const (
	devToken = "token-of-dev1-0123456789abcdef"
	opToken  = "token-of-op1-0123456789abcdef"
)

// clock is a clock that stands still until something waits by it.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	waits []time.Duration
}

func newClock() *clock {
	return &clock{now: time.Date(2026, time.October, 5, 9, 0, 0, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.waits = append(c.waits, d)
	return ctx.Err()
}

func (c *clock) waited() (sum time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.waits {
		sum += d
	}
	return sum
}

// world is a server with a repository, and two people.
type world struct {
	*githubtest.Server
	t     *testing.T
	clock *clock
	first string // the first commit of main
}

func newWorld(t *testing.T, o githubtest.Options) *world {
	t.Helper()
	w := &world{t: t, clock: newClock()}
	o.Now = w.clock.Now
	s, err := githubtest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the server: %v", err)
		}
	})
	w.Server = s
	s.AddUser(githubtest.User{Login: "dev1", Token: devToken, Right: githubtest.Write})
	s.AddUser(githubtest.User{Login: "op1", Token: opToken, Right: githubtest.Write})
	w.first = w.commit("main", "first", map[string]string{"environments/production/app.yaml": "replicas: 1\n", "README.md": "shop\n"})
	return w
}

func (w *world) commit(branch, message string, files map[string]string) string {
	w.t.Helper()
	sha, err := w.Commit(githubtest.Commit{Branch: branch, Message: message, Files: files})
	if err != nil {
		w.t.Fatal(err)
	}
	return sha
}

// propose makes a branch with a commit and its pull request by dev1.
func (w *world) propose(branch string, files map[string]string) (number int, head string) {
	w.t.Helper()
	head = w.commit(branch, "Change "+branch, files)
	number, err := w.Propose("dev1", githubtest.Proposal{Title: "Title of " + branch, Head: branch, Base: "main"})
	if err != nil {
		w.t.Fatal(err)
	}
	return number, head
}

func (w *world) repository() forge.Repository {
	w.t.Helper()
	r, err := forge.ParseRemote(w.CloneURL())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// client is a client with a token whose waits take no time.
func (w *world) client(token string, change ...func(*forge.Config)) *forge.GitHub {
	w.t.Helper()
	c := forge.Config{
		Repository: w.repository(), Token: forge.NewToken(token), TokenSource: "GH_TOKEN",
		Now: w.clock.Now, Wait: w.clock.Wait,
	}
	for _, f := range change {
		f(&c)
	}
	return forge.New(c)
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// count is how many requests a predicate holds for.
func (w *world) count(is func(githubtest.Request) bool) (n int) {
	for _, r := range w.Log() {
		if is(r) {
			n++
		}
	}
	return n
}

func to(method, part string) func(githubtest.Request) bool {
	return func(r githubtest.Request) bool { return r.Method == method && strings.Contains(r.Path, part) }
}

// checkError asks of an error what all of this package's keep: kind, exit
// code, the repository's name, and no token in any way of printing it.
func checkError(t *testing.T, w *world, err error, kind error, code model.ExitCode, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want one that is %q", err, kind)
	}
	if got := model.CodeOf(err, -1); got != code {
		t.Errorf("exit code %d, want %d: %v", got, code, err)
	}
	var p *forge.Problem
	if !errors.As(err, &p) {
		t.Errorf("no Problem in %v", err)
	}
	for _, word := range append(words, w.repository().Host) {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("trouble", "error", err, "problem", p)
	asJSON, jsonErr := json.Marshal(p)
	if jsonErr != nil {
		t.Error(jsonErr)
	}
	all := fmt.Sprintf("%v %+v %#v %s %s %v", err, err, err, log.String(), asJSON, w.Log())
	for _, token := range []string{devToken, opToken} {
		if strings.Contains(all, token) {
			t.Errorf("the token is in %s", all)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("%q has control characters", err)
	}
}

// transport lets a test change or watch what goes over the wire.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
