package rollout

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairtide-dev/fairtide/internal/calendars"
	"github.com/fairtide-dev/fairtide/internal/notify"
	"github.com/fairtide-dev/fairtide/model"
)

// board is a forge that keeps comments, and refuses some.
type board struct {
	Forge
	mu       sync.Mutex
	comments map[int]string // with the marker in front
	refuse   func(ctx context.Context, number int) error
}

func (b *board) UpsertComment(ctx context.Context, number int, marker, body string) error {
	if b.refuse != nil {
		if err := b.refuse(ctx, number); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.comments[number] = marker + " " + body
	return nil
}

func (*board) PullRequestsOf(context.Context, []string) (map[string]model.PullRequest, error) {
	return nil, nil
}

// herald keeps what it is told.
type herald struct {
	about notify.Message
	lost  string
	hangs bool
}

func (h *herald) Start(m notify.Message)          { h.about = m }
func (*herald) Event(model.Event)                 {}
func (*herald) Finish(model.Run)                  {}
func (*herald) Thread() (channel, message string) { return "", "" }
func (h *herald) Close(ctx context.Context) string {
	if h.hangs {
		<-ctx.Done()
	}
	return h.lost
}

// overrides ships two pull requests by overriding an approval.
func overrides(t *testing.T, b *board, change func(*Config)) (model.Run, []model.Event) {
	t.Helper()
	_, r, _, e := newShared(", requires: {approvals: 1}, override: {allowed: true}")
	r.pending.Changes = []model.Change{
		{Commit: newCommit, RendersChange: true, PullRequest: &model.PullRequest{Number: 7}},
		{Commit: oldCommit, RendersChange: true, PullRequest: &model.PullRequest{Number: 9}},
	}
	e.cfg.Forge = func(context.Context, string) (Forge, error) { return b, nil }
	change(&e.cfg)
	plan, err := e.Plan(t.Context(), "production", "")
	if err != nil {
		t.Fatal(err)
	}
	var events []model.Event
	run, err := e.Apply(t.Context(), model.Approval{Plan: plan, Override: "checkout is @down"}, func(e model.Event) { events = append(events, e) })
	if err != nil || run.State != model.RunSucceeded || events[len(events)-1].Type != model.EventFinished {
		t.Fatalf("%s, %v, last %+v", run.State, err, events[len(events)-1])
	}
	return run, events
}

func TestAnOverrideIsToldAtThePullRequests(t *testing.T) {
	t.Parallel()
	b, h := &board{comments: map[int]string{}}, &herald{}
	run, _ := overrides(t, b, func(c *Config) {
		c.Notifier = func(model.Notify) (Notifier, error) { return h, nil }
	})
	for _, n := range []int{7, 9} {
		for _, want := range []string{
			"fairtide-override-" + run.ID + " Run " + run.ID + " to production began although a rule forbids it",
			`"approvals" is not met`, "overridden by op1", "Reason: checkout is @\u200bdown",
		} {
			if !strings.Contains(b.comments[n], want) {
				t.Errorf("#%d has %q, want %q", n, b.comments[n], want)
			}
		}
	}
	if x := h.about.Exception; x == nil || x.By != "op1" || x.Reason != "checkout is @down" || len(x.Rules) != 1 {
		t.Errorf("others are told %+v", h.about)
	}
}

// A forge that refuses, or that does not answer, neither fails a run nor holds
// it up for long.
func TestAnOverrideThatIsNotTold(t *testing.T) {
	t.Parallel()
	note := func(t *testing.T, events []model.Event, says ...string) {
		t.Helper()
		for _, e := range events {
			if e.Type == model.EventNote && strings.Contains(e.Message, "could not be written to "+says[0]) && strings.Contains(e.Message, says[1]) {
				return
			}
		}
		t.Errorf("nobody says %q: %+v", says, events)
	}
	b := &board{comments: map[int]string{}, refuse: func(_ context.Context, n int) error {
		if n == 9 {
			return errors.New("locked")
		}
		return nil
	}}
	_, events := overrides(t, b, func(*Config) {})
	note(t, events, "#9", "locked")
	if len(b.comments) != 1 {
		t.Errorf("comments %v", b.comments)
	}
	_, events = overrides(t, b, func(c *Config) {
		c.Forge = func(context.Context, string) (Forge, error) { return nil, errors.New("no token") }
	})
	note(t, events, "#", "no token")
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		b := &board{refuse: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		_, events := overrides(t, b, func(*Config) {})
		note(t, events, "#", "context canceled")
		if took := time.Since(begin); took > commentGrace+2*time.Second {
			t.Errorf("the run was held up for %s", took)
		}
	})
}

// What others were not told is said once the verdict was shown, soon.
func TestLostMessagesAreSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &herald{lost: "Slack: 2 of 2 messages could not be delivered: status 503", hangs: true}
		var shown time.Time
		var lost string
		_, events := overrides(t, &board{comments: map[int]string{}}, func(c *Config) {
			c.Notifier = func(model.Notify) (Notifier, error) { return h, nil }
			c.Lost = func(line string) { lost = line }
		})
		if lost != h.lost {
			t.Errorf("said %q", lost)
		}
		shown = events[len(events)-1].Time
		if late := time.Since(shown); late < flush || late > flush+time.Second {
			t.Errorf("the end came %s after the verdict", late)
		}
	})
}

// manual lets an operator through every rule.
type manual struct{}

func (manual) Read(_ context.Context, rules []model.WindowRule, _ calendars.File) []model.WindowRule {
	rules = slices.Clone(rules)
	for i := range rules {
		rules[i].Manual = true
	}
	return rules
}

func (m manual) Cached(ctx context.Context, rules []model.WindowRule, file calendars.File) []model.WindowRule {
	return m.Read(ctx, rules, file)
}

// A rule that lets a person through holds up a pass that nobody confirms.
func TestAnAutomaticPassIsNoPerson(t *testing.T) {
	t.Parallel()
	m, r, _, e := newShared(", deploy: auto, windows: [{name: freeze, timeZone: UTC, freeze: {from: 2026-10-05, to: 2026-10-06}}]")
	e.cfg.Calendars = manual{}
	r.pending.Changes = []model.Change{{Commit: newCommit, RendersChange: true}}
	silent := func(model.Event) {}
	results, err := e.RunOnce(t.Context(), "", silent)
	if err != nil || len(results) != 1 || model.CodeOf(results[0].Err, 0) != model.ExitWindowClosed || len(m.runs) != 0 {
		t.Fatalf("%+v, %v", results, err)
	}
	plan, err := e.Plan(t.Context(), "production", "")
	if err != nil {
		t.Fatal(err)
	}
	if run, err := e.Apply(t.Context(), model.Approval{Plan: plan}, silent); err != nil || run.Exception != nil {
		t.Errorf("by hand: %v, %+v", err, run)
	}
}
