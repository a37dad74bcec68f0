package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// line is a repository whose branch is a line of commits: "c1" to "c9". A
// commit is on the line of every later one. A draft is one commit on top of
// another.
type line struct {
	Repository
	drafts map[string]string // onto what
	titles map[string]string
}

func (l *line) number(commit string) int {
	var n int
	if _, err := fmt.Sscanf(commit, "c%d", &n); err != nil {
		return 0
	}
	return n
}

func (l *line) NewestOn(_ context.Context, commits []string, _, head string) (int, error) {
	if onto, ok := l.drafts[head]; ok {
		head = onto
	}
	if l.number(head) == 0 {
		return 0, errors.New("no such commit")
	}
	for i, c := range commits {
		if l.number(c) <= l.number(head) {
			return i, nil
		}
	}
	return len(commits), nil
}

func (l *line) change(commit string) model.Change {
	c := model.Change{Commit: commit, Title: "title of " + commit, RendersChange: true}
	if title := l.titles[commit]; title != "" {
		c.Title = title
	}
	return c
}

func (l *line) Outline(_ context.Context, asks []model.PendingAsk) []model.PendingAnswer {
	out := make([]model.PendingAnswer, len(asks))
	for i, a := range asks {
		head := a.Head
		if onto, ok := l.drafts[head]; ok {
			out[i].Pending.Changes = append(out[i].Pending.Changes, l.change(head))
			head = onto
		}
		for n := l.number(head); n > l.number(a.Deployed); n-- {
			out[i].Pending.Changes = append(out[i].Pending.Changes, l.change(fmt.Sprintf("c%d", n)))
		}
	}
	return out
}

var judgedAt = time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC) // a Monday

// ran is a run that ended so many hours ago.
func ran(id int, commit string, state model.RunState, hours float64, tests ...model.TestResult) model.Run {
	return model.Run{
		ID: fmt.Sprintf("staging-%d", id), Commit: commit, State: state, Tests: tests,
		FinishedAt: judgedAt.Add(-time.Duration(hours * float64(time.Hour))),
	}
}

func tested(name string, state model.TestState, required bool) model.TestResult {
	return model.TestResult{Name: name, State: state, Required: required}
}

// pastOf is what runs say of changes, newest first.
func pastOf(t *testing.T, l *line, runs []model.Run, changes ...string) past {
	t.Helper()
	e := New(Config{Repository: l})
	p := past{env: "staging", runs: runs, live: map[string][]bool{}}
	for _, c := range changes {
		p.changes = append(p.changes, l.change(c))
	}
	for _, r := range runs {
		live, err := e.leavesLive(t.Context(), model.Environment{}, p.changes, "c1", r.Commit)
		if err != nil {
			t.Fatal(err)
		}
		p.live[r.Commit] = live
	}
	return p
}

func TestSoak(t *testing.T) {
	t.Parallel()
	const ok, failed, aborted, applying = model.RunSucceeded, model.RunFailed, model.RunAborted, model.RunApplying
	for _, c := range []struct {
		name string
		runs []model.Run // newest first
		want string      // empty: met
	}{
		{"no run", nil, "c4 is not live in staging: no run on record has shipped it there; do that first (it takes 24 h live and healthy)"},
		{"long enough", []model.Run{ran(1, "c4", ok, 25)}, ""},
		{"to the second", []model.Run{ran(1, "c4", ok, 24)}, ""},
		{"a second short", []model.Run{ran(1, "c4", ok, 24-1./3600)}, "(23 h 59 min of 24 h); wait until Mon 2026-10-05 09:01 UTC"},
		{"two hours", []model.Run{ran(1, "c4", ok, 2)}, "c4 is live in staging since Mon 2026-10-05 07:00 UTC (2 h of 24 h); wait until Tue 2026-10-06 07:00 UTC"},
		{"by a clock that is ahead", []model.Run{ran(1, "c4", ok, -1)}, "(0 min of 24 h); wait until Tue 2026-10-06 10:00 UTC"},
		{"by a later commit", []model.Run{ran(1, "c6", ok, 30)}, ""},
		{"an earlier commit only", []model.Run{ran(1, "c3", ok, 30)}, "no run on record has shipped it"},
		{"a later one was shipped on top", []model.Run{ran(2, "c5", ok, 1), ran(1, "c4", ok, 25)}, ""},
		{"shipped again", []model.Run{ran(2, "c4", ok, 1), ran(1, "c4", ok, 25)}, ""},
		{"taken back since", []model.Run{ran(2, "c3", ok, 1), ran(1, "c4", ok, 30)}, "c4 is not live in staging any more since run staging-2 shipped c3: ship it there again"},
		{"away in between", []model.Run{ran(3, "c4", ok, 3), ran(2, "c3", ok, 10), ran(1, "c4", ok, 50)}, "(3 h of 24 h)"},
		{"failed", []model.Run{ran(1, "c4", failed, 30)}, "c4 is not healthy in staging, as run staging-1 is failed"},
		{"failed since", []model.Run{ran(2, "c5", failed, 1), ran(1, "c4", ok, 30)}, "not healthy in staging, as run staging-2 is failed"},
		{"aborted since", []model.Run{ran(2, "c5", aborted, 1), ran(1, "c4", ok, 30)}, "as run staging-2 is aborted"},
		{"failed in between", []model.Run{ran(3, "c5", ok, 5), ran(2, "c5", failed, 6), ran(1, "c4", ok, 30)}, "(5 h of 24 h)"},
		{"failed before", []model.Run{ran(2, "c4", ok, 26), ran(1, "c4", failed, 30)}, ""},
		{"one is under way", []model.Run{ran(2, "c5", applying, 0), ran(1, "c4", ok, 30)}, "while run staging-2 is under way: wait for its end"},
		{"a commit that is gone", []model.Run{ran(2, "gone", ok, 1), ran(1, "c4", ok, 30)}, "not live in staging any more since run staging-2"},
	} {
		got := pastOf(t, &line{}, c.runs, "c4").unsoaked(model.Soak{Environment: "staging", For: 24 * time.Hour}, judgedAt)
		if said := strings.Join(got, "; "); (c.want == "") != (said == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: %q, want %q", c.name, said, c.want)
		}
	}
}

func TestRevertOf(t *testing.T) {
	t.Parallel()
	c := model.Change{Commit: newCommit, Title: `cart "1.4.2"`, PullRequest: &model.PullRequest{Number: 42}}
	for _, r := range []struct {
		title, body string
		reverts     bool
	}{
		{`Revert "cart \"1.4.2\""`, "", true},
		{`Revert "cart "1.4.2""`, "", true},
		{"x", "This reverts commit " + newCommit + ".", true},
		{"x", "why\n\nReverts commit " + newCommit[:8] + " (#7).", true},
		{"x", "Reverts petstore/environments#42", true},
		{"x", "reverts #42, which broke it", true},
		{"x", "This reverts commit " + oldCommit, false},
		{"x", "Reverts #421", false},
		{"Revert something", "", false},
		{"x", "#42", false},
	} {
		if got := revertOf(c, []model.Change{{}, {Title: r.title, Body: r.body}}); (got == 1) != r.reverts || got == 0 {
			t.Errorf("%q, %q: %d", r.title, r.body, got)
		}
	}
	if revertOf(model.Change{Commit: oldCommit}, []model.Change{{Body: "Reverts #0"}}) >= 0 {
		t.Error("a change without a pull request was reverted by number")
	}
}

// A change whose revert is live is not, also by a draft that was applied before
// it was merged.
func TestARevertedChangeIsNotLive(t *testing.T) {
	t.Parallel()
	l := &line{titles: map[string]string{"c6": `Revert "title of c4"`}, drafts: map[string]string{"draft": "c5"}}
	for commit, want := range map[string]string{
		"c5": "",
		"c6": "c4 is not live in staging any more since run staging-2 shipped c6",
		"c7": "c4 is not live in staging any more since run staging-2 shipped c7",
	} {
		runs := []model.Run{ran(2, commit, model.RunSucceeded, 30), ran(1, "c5", model.RunSucceeded, 60)}
		got := strings.Join(pastOf(t, l, runs, "c5", "c4").unsoaked(model.Soak{For: 24 * time.Hour}, judgedAt), "; ")
		if (want == "") != (got == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", commit, got)
		}
	}
	l.titles["draft"] = `Revert "title of c5"`
	runs := []model.Run{ran(2, "draft", model.RunSucceeded, 30), ran(1, "c5", model.RunSucceeded, 60)}
	if got := pastOf(t, l, runs, "c5", "c4").unsoaked(model.Soak{For: 24 * time.Hour}, judgedAt); len(got) != 1 || !strings.HasPrefix(got[0], "c5 is not live in staging any more") {
		t.Errorf("reverted by a draft: %q", got)
	}
	// Several changes of which the same is to be said are one sentence.
	if got := pastOf(t, l, nil, "c5", "c4").untested(); len(got) != 1 || !strings.HasPrefix(got[0], "c5, c4 are not live in staging") {
		t.Errorf("grouped: %q", got)
	}
}

func TestTestsPassed(t *testing.T) {
	t.Parallel()
	good, bad := tested("smoke", model.TestPassed, true), tested("smoke", model.TestFailed, true)
	for _, c := range []struct {
		name string
		runs []model.Run
		want string
	}{
		{"passed", []model.Run{ran(1, "c4", model.RunSucceeded, 1, good)}, ""},
		{"by a later commit", []model.Run{ran(1, "c9", model.RunSucceeded, 1, good)}, ""},
		{"one that is not required failed", []model.Run{ran(1, "c4", model.RunSucceeded, 1, good, tested("slow", model.TestFailed, false))}, ""},
		{"failed", []model.Run{ran(1, "c4", model.RunFailed, 1, bad, tested("b", model.TestError, true))}, "in run staging-1 smoke, b did not pass"},
		{"skipped", []model.Run{ran(1, "c4", model.RunFailed, 1, tested("smoke", model.TestSkipped, true))}, "smoke did not pass"},
		{"the last one counts", []model.Run{ran(2, "c4", model.RunFailed, 1, bad), ran(1, "c4", model.RunSucceeded, 2, good)}, "in run staging-2 smoke did not pass"},
		{"mended", []model.Run{ran(2, "c5", model.RunSucceeded, 1, good), ran(1, "c4", model.RunFailed, 2, bad)}, ""},
		{"gone back since", []model.Run{ran(2, "c3", model.RunFailed, 1, bad), ran(1, "c4", model.RunSucceeded, 2, good)}, ""},
		{"never there", []model.Run{ran(1, "c3", model.RunSucceeded, 2, good)}, "no run on record has shipped it there"},
		{"not ready", []model.Run{ran(1, "c4", model.RunFailed, 1)}, "run staging-1 is failed, and came to no tests"},
		{"no tests", []model.Run{ran(1, "c4", model.RunSucceeded, 1)}, "run staging-1 had no tests"},
		{"under way", []model.Run{ran(2, "c4", model.RunTesting, 0), ran(1, "c4", model.RunSucceeded, 1, good)}, "by run staging-2: wait for its tests"},
	} {
		got := strings.Join(pastOf(t, &line{}, c.runs, "c4").untested(), "; ")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 min", 59 * time.Second: "0 min", 90 * time.Minute: "1 h 30 min", 24 * time.Hour: "24 h",
		47 * time.Hour: "47 h", 48 * time.Hour: "2 d", 75 * time.Hour: "3 d 3 h",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
