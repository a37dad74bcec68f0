package home

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

func fill(p *Page, commits ...string) {
	p.Environments.Value = []model.Environment{{Name: "staging"}}
	changes := make([]model.Change, len(commits))
	for i, c := range commits {
		changes[i].Commit = c
	}
	p.Pending("staging").Value = model.Pending{Changes: changes}
	p.Sync()
}

func selected(t *testing.T, p *Page) string {
	t.Helper()
	c, ok := p.Change()
	if !ok {
		t.Fatal("nothing is selected")
	}
	return c.Commit
}

func TestTheSelectionFollowsTheHeadUntilItIsMoved(t *testing.T) {
	p := New("shop")
	fill(p, "c2", "c1")
	if got := selected(t, p); got != "c2" {
		t.Fatalf("selected %s at first, want the head", got)
	}
	fill(p, "c3", "c2", "c1")
	if got := selected(t, p); got != "c3" {
		t.Errorf("selected %s after a merge, want the new head", got)
	}

	// In the list, what was chosen stays chosen.
	p.inList = true
	fill(p, "c4", "c3", "c2", "c1")
	if got := selected(t, p); got != "c3" {
		t.Errorf("selected %s after a merge, want what the operator was on", got)
	}
	p.move("staging", 1)
	p.Leave()
	fill(p, "c5", "c4", "c3", "c2", "c1")
	if got := selected(t, p); got != "c2" {
		t.Errorf("selected %s after leaving the list, want what was chosen in it", got)
	}
}

func TestTheFilter(t *testing.T) {
	p := New("shop")
	p.Environments.Value = []model.Environment{{Name: "staging"}}
	p.Pending("staging").Value = model.Pending{Changes: []model.Change{
		{Commit: "c3", Title: "Petstore 1.4.2", Author: "dev1", PullRequest: &model.PullRequest{Number: 42}},
		{Commit: "c2", Title: "gateway timeout", Author: "dev2", PullRequest: &model.PullRequest{Number: 41, Author: "bot1"},
			Objects: []model.ChangedObject{{ID: model.ObjectID{Kind: "ConfigMap", Name: "edge"}, Summary: "data.timeout"}}},
		{Commit: "c1", Title: "base", Author: "dev1"},
	}}
	p.Sync()
	for query, want := range map[string]string{
		"": "3 of 3", "petstore": "1 of 3", "PETSTORE": "1 of 3", "#4": "2 of 3", "#42": "1 of 3", "by:dev1": "2 of 3", "by:bot1": "1 of 3",
		"configmap": "1 of 3", "edge timeout": "1 of 3", "edge petstore": "0 of 3", "c1": "1 of 3", "  ": "3 of 3", "by:dev1 base": "1 of 3",
	} {
		if p.Filter(query); p.Matching() != want {
			t.Errorf("%q: %s, want %s", query, p.Matching(), want)
		}
	}
	p.Filter("gateway")
	p.Enter()
	if got := selected(t, p); got != "c2" {
		t.Errorf("selected %s, want what is listed", got)
	}
	if shipped, newer := p.Shipped("staging", "c2"); len(shipped) != 2 || newer != 1 {
		t.Errorf("ships %d and leaves %d: the filter must not alter what is shipped", len(shipped), newer)
	}
	p.Leave()
	if p.Query() != "" || p.Matching() != "3 of 3" || selected(t, p) != "c2" {
		t.Errorf("after leaving: %q, %s, %s", p.Query(), p.Matching(), selected(t, p))
	}
}

// draw is a page with 30 environments, and 500 changes pending in the first.
func draw(w, h int) (*Page, frame.Frame) { return drawMany(w, h, 500) }

func drawMany(w, h, n int) (*Page, frame.Frame) {
	p := New("shop")
	for i := range 30 {
		p.Environments.Value = append(p.Environments.Value, model.Environment{Name: fmt.Sprintf("env-%02d", i)})
	}
	var changes []model.Change
	for i := range n {
		changes = append(changes, model.Change{Commit: fmt.Sprintf("c%03d", i), Title: "change"})
	}
	s := p.Pending("env-00")
	s.Value, s.Loaded = model.Pending{Changes: changes}, true
	p.Sync()
	return p, frame.Frame{W: w, H: h, Now: time.Date(2026, 11, 24, 8, 18, 0, 0, time.UTC), Theme: theme.New(theme.Options{Depth: theme.Mono})}
}

func TestTheMouseOnHome(t *testing.T) {
	for _, size := range [][2]int{{60, 11}, {80, 20}, {120, 36}, {200, 56}} {
		p, f := draw(size[0], size[1])
		p.Draw(f)
		changes := p.drawn.changes
		if changes.h == 0 || p.drawn.envs.h == 0 {
			t.Fatalf("%v: nothing is where it could be clicked: %+v", size, p.drawn)
		}
		if _, ok := p.Click(changes.x+4, changes.y+changes.h-1); !ok || !p.inList {
			t.Fatalf("%v: a click on a change does not select it", size)
		}
		if want := fmt.Sprintf("c%03d", changes.h-1); selected(t, p) != want {
			t.Errorf("%v: selected %s, want %s", size, selected(t, p), want)
		}
		p.Wheel(changes.x+4, changes.y, 100)
		if want := fmt.Sprintf("c%03d", changes.h-1+100); selected(t, p) != want {
			t.Errorf("%v: selected %s, want %s", size, selected(t, p), want)
		}
		p.Draw(f)
		if got := p.drawn.changes; got.h != changes.h {
			t.Errorf("%v: %d changes are in sight after scrolling, were %d", size, got.h, changes.h)
		}
		if _, ok := p.Click(4, p.drawn.envs.y+2); !ok || p.inList {
			t.Fatalf("%v: a click on an environment does not select it", size)
		}
		if env, _ := p.Environment(); env.Name != "env-02" {
			t.Errorf("%v: selected %s", size, env.Name)
		}
		p.Wheel(4, p.drawn.envs.y, 3)
		if env, _ := p.Environment(); env.Name != "env-05" {
			t.Errorf("%v: selected %s after the wheel", size, env.Name)
		}
		if _, ok := p.Click(4, size[1]-1); ok {
			t.Errorf("%v: a click on the details selects something", size)
		}
	}
}

func TestTheDividerOfHome(t *testing.T) {
	p, f := draw(120, 36)
	for _, c := range [][2]int{{60, 60}, {10, 46}, {119, 74}} {
		p.Divide(c[0])
		if got := p.Draw(f).Split; got != c[1] {
			t.Errorf("put at %d, it is at %d, want %d", c[0], got, c[1])
		}
	}
}

func TestALongFilterFitsTheScreen(t *testing.T) {
	p, f := drawMany(131, 14, 3)
	p.Filter(strings.Repeat("nothing ", 10))
	for _, l := range p.Draw(f).Lines {
		if n := ansi.StringWidth(l); n > f.W {
			t.Errorf("%d cells on a screen of %d: %q", n, f.W, ansi.Strip(l))
		}
	}
}

func TestTheNextStep(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 18, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		prepare func(*Page)
		want    action.ID
	}{
		"changes":         {func(*Page) {}, action.OpenReview},
		"a run under way": {func(p *Page) { p.Running["staging"] = Running{State: model.RunApplying} }, action.OpenRun},
		"nothing pending": {func(p *Page) { p.Pending("staging").Value.Changes = nil }, action.OpenProposed},
		"all filtered":    {func(p *Page) { p.Filter("nothing at all") }, action.Back},
		"a failed run": {func(p *Page) {
			p.Pending("staging").Value.Changes = nil
			p.Status("staging").Value.LastRun = &model.RunRef{ID: "staging-7", State: model.RunFailed}
		}, action.OpenHistory},
	} {
		p := New("shop")
		fill(p, "c2", "c1")
		for _, loaded := range []*bool{&p.Status("staging").Loaded, &p.Pending("staging").Loaded} {
			*loaded = true
		}
		p.Status("staging").At = now
		c.prepare(p)
		p.Sync()
		env, _ := p.Environment()
		if got, why := p.next(env); got != c.want || why == "" {
			t.Errorf("%s: %s (%q), want %s", name, got, why, c.want)
		}
		if got := p.Hints()[0]; got != c.want {
			t.Errorf("%s: the footer begins with %s, want %s", name, got, c.want)
		}
	}
}

// TestALockExpiresByTheClusterClock has this computer's clock an hour off,
// either way.
func TestALockExpiresByTheClusterClock(t *testing.T) {
	cluster := time.Date(2026, 11, 24, 8, 18, 0, 0, time.UTC)
	for _, skew := range []time.Duration{-time.Hour, 0, time.Hour} {
		for _, held := range []bool{true, false} {
			p, f := drawMany(200, 56, 6)
			f.Now = cluster.Add(skew)
			expires := cluster.Add(-time.Minute)
			if held {
				expires = cluster.Add(time.Minute)
			}
			st := p.Status("env-00")
			st.At, st.Loaded = f.Now, true
			st.Value = model.EnvironmentStatus{
				Skew: skew, Lock: &model.Lock{Holder: "op2@vm", Expires: expires, Since: cluster.Add(-time.Hour)},
				Window: &model.WindowState{}, Deployed: &model.Deployed{Commit: "c9", At: f.Now, By: "op1@vm"},
			}
			env, _ := p.Environment()
			next, why := p.next(env)
			body := ansi.Strip(strings.Join(p.Draw(f).Lines, "\n"))
			for text, is := range map[string]bool{"locked op2": held, "expires in 1 m": held, "watch op2@vm's run": held, "expired op2": !held, ", expired": !held} {
				if strings.Contains(body, text) != is {
					t.Errorf("skew %s, held %t: %q is shown: %t\n%s", skew, held, text, !is, body)
				}
			}
			if want := map[bool]action.ID{true: action.OpenRun, false: action.OpenReview}[held]; next != want || p.Hints()[0] != want {
				t.Errorf("skew %s, held %t: next is %s (%s), the footer begins with %s", skew, held, next, why, p.Hints()[0])
			}
			if !strings.Contains(body, "c9  just now, at ") || strings.Contains(body, "for now") {
				t.Errorf("what went live just now:\n%s", body)
			}
		}
	}
}

func TestDrawingCostsNoMoreWithMoreChanges(t *testing.T) {
	allocated := func(n int) float64 {
		p, f := drawMany(120, 36, n)
		p.Filter("change")
		p.Enter()
		return testing.AllocsPerRun(20, func() {
			p.Do(action.Down)
			p.Draw(f)
		})
	}
	if few, many := allocated(100), allocated(10_000); many > few*1.1 {
		t.Errorf("a frame allocates %.0f times with 10,000 changes, %.0f with 100", many, few)
	}
}

func BenchmarkDraw(b *testing.B) {
	p, f := drawMany(200, 56, 500)
	p.Enter()
	b.ReportAllocs()
	for b.Loop() {
		p.Do(action.Down)
		p.Draw(f)
	}
}
