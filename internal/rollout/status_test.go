package rollout

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// unlocked is a cluster without a lock, whose state of some environments cannot
// be read.
type unlocked struct {
	*memory
	away string
}

func (unlocked) ReadLock(context.Context, string) (*model.Lock, error) { return nil, nil }

func (u unlocked) ReadState(ctx context.Context, env string) (model.State, error) {
	if env == u.away {
		return model.State{}, errors.New("connection refused")
	}
	return u.memory.ReadState(ctx, env)
}

// History is walked once, for the environments whose state could be read.
func TestStatusAllAsksForHistoryOnce(t *testing.T) {
	m, _ := newMemory()
	r := &shared{pending: model.Pending{Changes: make([]model.Change, 3)}}
	r.config = "apiVersion: fairtide.dev/v1\nenvironments:\n- {name: dev, tier: development, path: env/dev}\n- {name: staging, tier: staging, path: env/staging}\n- {name: production, tier: production, path: env/production}\n"
	u := unlocked{memory: m, away: "staging"}
	e := New(Config{
		Repository: r, File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (Cluster, error) { return &u, nil },
	})
	all, err := e.StatusAll(t.Context(), []string{"production", "staging", "dev"})
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for i, want := range []struct {
		name    string
		pending int
		problem string
	}{{"production", 3, ""}, {"staging", 0, "staging: connection refused"}, {"dev", 3, ""}} {
		if got := all[i]; got.Name != want.name || got.Pending != want.pending || got.Problem != want.problem || got.Branch != "main" || got.Clock.IsZero() {
			t.Errorf("%d: %+v, want %+v", i, got, want)
		}
	}
	var asked []string
	for _, a := range r.asked {
		asked = append(asked, a.Environment.Name+" "+a.Deployed+" "+a.Head)
	}
	if want := []string{"production " + oldCommit + " " + newCommit, "dev " + oldCommit + " " + newCommit}; !slices.Equal(asked, want) || r.calls != 1 {
		t.Errorf("asked %q in %d calls, want %q in one", asked, r.calls, want)
	}

	r.unlisted = errors.New("a damaged pack")
	if st, err := e.Status(t.Context(), "dev"); err != nil || st.Problem != "dev: a damaged pack" {
		t.Errorf("without a list: %+v, %v", st, err)
	}
	u.away, r.asked, r.calls = "dev", nil, 0
	if st, err := e.Status(t.Context(), "dev"); err != nil || !strings.Contains(st.Problem, "refused") || r.calls != 0 {
		t.Errorf("without a state: %+v, %v, %d calls", st, err, r.calls)
	}
	if _, err := e.StatusAll(t.Context(), []string{"dev", "none"}); model.CodeOf(err, 0) != model.ExitUsage {
		t.Errorf("an environment that does not exist: %v", err)
	}
}

// fading is a cluster whose records can be read once.
type fading struct {
	*memory
	reads int
}

func (f *fading) Runs(ctx context.Context, env string) ([]model.Run, error) {
	if f.reads++; f.reads > 1 {
		return nil, errors.New("connection refused")
	}
	return f.memory.Runs(ctx, env)
}

// A history that could not be read again is shown as it was, and that is said.
func TestHistoryTellsThatItCouldNotBeReadAgain(t *testing.T) {
	m, e := newMemory()
	f := &fading{memory: m}
	m.runs = []model.Run{{ID: "staging-1", State: model.RunApplying}}
	e.cfg.Connect = func(string, string) (Cluster, error) { return f, nil }
	runs, err := e.History(t.Context(), "staging")
	if len(runs) != 1 || runs[0].State != model.RunInterrupted || err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%+v, %v", runs, err)
	}
}
