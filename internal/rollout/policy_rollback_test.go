package rollout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const rollsBack = ", deploy: auto, rollout: {onFailure: rollback}"

// An environment that says so is brought back by a run of its own after a
// failure, be it of an object or of a test.
func TestRollback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fails   bool // an object, else a test
		code    model.ExitCode
		says    string
		results string
	}{
		{"an object", true, model.ExitRolloutFailed, "cannot pull cart:2", "made ready, settings ready, cart failed, front pending, goes pending"},
		{"a test", false, model.ExitTestsFailed, "healthz", "made ready, settings ready, cart ready, front ready, goes pruned"},
	} {
		w, e := newRolling(t, rollsBack)
		w.live(settings, shopping, custom, goes)
		bad := w.merge(settings.at("2"), shopping.at("2"), custom.at("2"), piece{kind: "ConfigMap", name: "made", content: "1"})
		was := w.contents()
		if c.fails {
			w.becomes["cart2"] = failing("cannot pull cart:2")
		} else {
			w.tested(t)
		}
		run, err := w.ship(e)
		if model.CodeOf(err, 0) != c.code || err == nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, s := range []string{c.says, "run staging-1 was rolled back to " + model.Short(baseCommit) + " by run staging-2"} {
			if strings.Count(err.Error(), s) != 1 {
				t.Errorf("%s: %q does not say %q once", c.name, err, s)
			}
		}
		if w.contents() != was || w.wrote[len(w.wrote)-1] != "-made" {
			t.Errorf("%s: live are %s, before were %s; written %s", c.name, w.contents(), was, w.wrote)
		}
		failed, back := w.run("staging-1"), w.run("staging-2")
		if run.ID != failed.ID || failed.State != model.RunFailed || failed.RollsBack != "" || failed.Commit != bad || strings.Contains(failed.Reason, "rolled back") {
			t.Errorf("%s: the failed run is %+v", c.name, failed)
		}
		if back.State != model.RunSucceeded || back.RollsBack != "staging-1" || back.Commit != baseCommit || back.From != baseCommit || !strings.Contains(back.Window, "takes back run staging-1") {
			t.Errorf("%s: the rollback is %+v", c.name, back)
		}
		if got := results(failed); got != c.results {
			t.Errorf("%s: %s, want %s", c.name, got, c.results)
		}
		last := w.state.LastRun
		if w.state.Deployed.Commit != baseCommit || w.state.Deployed.Run != "staging-2" || last.ID != "staging-2" || last.State != model.RunSucceeded || last.TakesBack != bad || w.freed != 2 {
			t.Errorf("%s: deployed %+v, last run %+v, freed %d times", c.name, w.state.Deployed, last, w.freed)
		}
		if end := w.story[len(w.story)-1]; end.Run != "staging-1" || end.State != model.RunFailed || end.Message != err.Error() {
			t.Errorf("%s: the end is %+v", c.name, end)
		}
		w.wantNotAgain(e, bad)
	}
}

// tested gives the environment a test that fails while the second cart is live.
func (w *rolling) tested(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		if strings.Contains(w.contents(), "cart=2") {
			out.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	w.policy += fmt.Sprintf(", tests: [{name: healthz, http: {url: %q}}]", server.URL+"/")
}

// wantNotAgain checks that an automatic pass leaves the commit alone that has
// failed, and ships the next one.
func (w *rolling) wantNotAgain(e *Engine, bad string) {
	w.t.Helper()
	n := len(w.runs)
	got, err := e.RunOnce(w.t.Context(), "", w.hear)
	if err != nil || len(got) != 1 || got[0].Run != nil || len(w.runs) != n || model.CodeOf(got[0].Err, 0) != model.ExitRolloutFailed ||
		!strings.Contains(got[0].Message, model.Short(bad)+" has failed") || !strings.Contains(got[0].Message, "is not tried again; merge a revert or a fix") {
		w.t.Errorf("the failed commit again: %+v, %v", got, err)
	}
	w.guard.Lock()
	w.becomes, w.refuses, w.named = map[string]model.Progress{}, map[string]error{}, map[string]bool{}
	w.guard.Unlock()
	fixed := w.merge(settings.at("3"), shopping.at("3"), custom.at("3"))
	got, err = e.RunOnce(w.t.Context(), "", w.hear)
	if err != nil || len(got) != 1 || got[0].Err != nil || got[0].Run == nil || w.state.Deployed.Commit != fixed {
		w.t.Errorf("the next merge: %+v, %v; deployed %s", got, err, w.state.Deployed.Commit)
	}
}

// A rollback that is not possible, or fails itself, is told, and is not repeated.
func TestRollbackThatDoesNotHappen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(w *rolling)
		says string
		runs int
	}{
		{"it fails", func(w *rolling) {
			w.refuses["cart1"] = model.Errorf(model.ExitRolloutFailed, "a webhook says no")
		}, "run staging-1 is not rolled back: run staging-2 was to apply 0a0b0c0 again, and failed: staging: a webhook says no; it is not tried again by itself", 2},
		{"it does not become ready", func(w *rolling) {
			w.becomes["cart1"] = failing("crashes")
		}, "and failed: staging: Deployment shop/cart will not become ready: crashes", 2},
		{"nothing was deployed", func(w *rolling) {
			w.state.Deployed = nil
		}, "run staging-1 is not rolled back: nothing was deployed before it", 1},
		{"nothing was written", func(w *rolling) {
			w.refuses["settings2"], w.refuses["made1"] = errors.New("a webhook says no"), errors.New("a webhook says no")
		}, "run staging-1 is not rolled back: it has written nothing", 1},
		{"something does not come back", func(w *rolling) {
			w.named["made"] = true
		}, "then: fairtide apply -e staging --commit 0a0b0c0 --confirm ConfigMap/shop/made", 1},
	} {
		w, e := newRolling(t, rollsBack)
		w.live(settings, shopping, custom, goes)
		bad := w.merge(settings.at("2"), shopping.at("2"), custom, piece{kind: "ConfigMap", name: "made", content: "1"})
		w.becomes["cart2"] = failing("cannot pull cart:2")
		c.make(w)
		_, err := w.ship(e)
		if model.CodeOf(err, 0) != model.ExitRolloutFailed || !strings.Contains(err.Error(), c.says) || len(w.runs) != c.runs {
			t.Errorf("%s: %d runs, %v", c.name, len(w.runs), err)
			continue
		}
		for _, r := range w.runs {
			if r.State != model.RunFailed || r.FinishedAt.IsZero() {
				t.Errorf("%s: run %s is %s", c.name, r.ID, r.State)
			}
		}
		if w.state.Deployed != nil && w.state.Deployed.Commit != baseCommit || w.state.LastRun.State != model.RunFailed || w.freed != c.runs {
			t.Errorf("%s: deployed %+v, last run %+v, freed %d times", c.name, w.state.Deployed, w.state.LastRun, w.freed)
		}
		if w.state.Deployed != nil {
			w.wantNotAgain(e, bad)
		}
	}
}

// What is no failure of the commit is not rolled back.
func TestNoRollback(t *testing.T) {
	t.Parallel()
	w, e := newRolling(t, rollsBack)
	w.next()
	w.holds["cart2"] = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	w.when(func(ev model.Event) bool { return ev.Object != nil && ev.Object.Name == "cart" && ev.Progress != nil }, cancel)
	plan, err := e.Plan(ctx, "staging", "")
	if err != nil {
		t.Fatal(err)
	}
	if run, err := e.Apply(ctx, model.Approval{Plan: plan}, w.hear); run.State != model.RunAborted || model.CodeOf(err, 0) != model.ExitInterrupted || len(w.runs) != 1 {
		t.Errorf("the operator's abort: %s, %v, %d runs", run.State, err, len(w.runs))
	}
	// What was there before is live again, and fails again by itself: there is no way back.
	w.branch = w.branch[:1]
	w.onEvent = nil
	w.becomes["cart1"] = failing("crashes")
	if run, err := w.ship(e); run.State != model.RunFailed || strings.Contains(err.Error(), "roll") || len(w.runs) != 2 {
		t.Errorf("what is deployed: %s, %v, %d runs", run.State, err, len(w.runs))
	}
}

// Those who are told of runs are told of both.
func TestRollbackIsTold(t *testing.T) {
	t.Parallel()
	w, _ := newRolling(t, rollsBack)
	w.next()
	w.becomes["cart2"] = failing("cannot pull cart:2")
	var mu sync.Mutex
	var told, lost []string
	cfg := w.wiring()
	cfg.Notifier = func(model.Notify) (Notifier, error) {
		return &hearer{mu: &mu, told: &told, lostSome: true}, nil
	}
	cfg.Lost = func(line string) { lost = append(lost, line) }
	if _, err := w.ship(New(cfg)); err == nil {
		t.Fatal("it succeeded")
	}
	want := "start staging-1 " + model.Short(w.branch[1]) + "; start staging-2 " + model.Short(baseCommit) + "; finish staging-2 succeeded; finish staging-1 failed"
	if got := strings.Join(told, "; "); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if got := strings.Join(lost, "; "); got != "not told: staging-2; not told: staging-1" {
		t.Errorf("lost: %q", got)
	}
}

// pulled is a repository whose changes came by pull requests.
type pulled struct{ rollingGit }

func (pulled) RemoteURL() string { return "https://forge.example/shop/envs" }

func (g pulled) Pending(ctx context.Context, env model.Environment, from, to string) (model.Pending, error) {
	p, err := g.rollingGit.Pending(ctx, env, from, to)
	for i := range p.Changes {
		p.Changes[i].PullRequest = &model.PullRequest{Number: i + 1}
	}
	return p, err
}

// What is still told of a failed run while another one takes it back is told in
// turn with that one's story.
func TestRollbackIsToldInTurn(t *testing.T) {
	t.Parallel()
	w, _ := newRolling(t, rollsBack+", requires: {approvals: 1}, override: {allowed: true}")
	w.next()
	w.becomes["cart2"] = failing("cannot pull cart:2")
	back := make(chan struct{}) // is closed once the second run tells something
	b := &board{refuse: func(context.Context, int) error {
		<-back
		return errors.New("locked")
	}}
	cfg := w.wiring()
	cfg.Repository = pulled{rollingGit{w: w}}
	cfg.Forge = func(context.Context, string) (Forge, error) { return b, nil }
	var telling atomic.Int32
	var once sync.Once
	overlap, noted := make(chan struct{}, 1), false
	w.onEvent = func(ev model.Event) {
		if telling.Add(1) > 1 {
			overlap <- struct{}{}
		}
		defer telling.Add(-1)
		noted = noted || strings.Contains(ev.Message, "could not be written to #1: locked")
		if ev.Run != "staging-2" {
			return
		}
		once.Do(func() {
			close(back)
			select {
			case <-overlap:
				t.Error("two events are told at a time")
			case <-time.After(100 * time.Millisecond): // the forge's refusal waits for its turn
			}
		})
	}
	if _, err := w.ship(New(cfg), func(a *model.Approval) { a.Override = "it burns" }); err == nil || len(w.runs) != 2 {
		t.Fatalf("%v, %d runs", err, len(w.runs))
	}
	if !noted {
		t.Errorf("nobody says that the override is not at the pull request: %+v", w.story)
	}
}
