package tui

import (
	"maps"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// watched gives the backend a watch whose news a test sends.
func watched(b *tuitest.Backend, _ *Config) { b.Moves = make(chan model.Observation) }

// moves changes an object of production's plan as if somebody had scaled it
// live, and has the watch tell.
func (x table) moves(t *testing.T, name string, replicas int64) {
	t.Helper()
	var id model.ObjectID
	x.backend.Set(func(b *tuitest.Backend) {
		p := *b.Plans["production"]
		p.Objects = append([]model.PlannedObject{}, p.Objects...)
		for i, o := range p.Objects {
			if o.ID.Kind != "Deployment" || o.ID.Name != name {
				continue
			}
			id = o.ID
			before := maps.Clone(o.Before)
			spec := maps.Clone(before["spec"].(map[string]any))
			spec["replicas"] = replicas
			before["spec"] = spec
			o.Before = before
			o.Live.ResourceVersion += "+"
			p.Objects[i] = o
		}
		p.Digest += "+"
		b.Plans["production"] = &p
	})
	if id.Name == "" {
		t.Fatalf("the plan has no Deployment %s", name)
	}
	x.backend.Moves <- model.Observation{Moved: []model.ObjectID{id}}
	x.Pass(3 * time.Second)
}

func TestAPlanIsKeptCurrent(t *testing.T) {
	play(t, 120, 40, watched, func(t *testing.T, x table) {
		x.Press("3", "enter", "G")
		plans := x.backend.Count("Plan")
		selected, _ := x.app.review.Selected()
		x.Lacks(" changed │")
		x.moves(t, "petstore", 7)
		x.Has("objects          1 changed │", "Deployment petstore  changed │")
		if now, _ := x.app.review.Selected(); now.ID != selected.ID {
			t.Errorf("the cursor jumped from %s to %s", selected.ID, now.ID)
		}
		if n := x.backend.Count("Plan production 8f2c1d7"); n == 0 || x.backend.Count("Plan") != plans+1 {
			t.Errorf("read again %d times, and of the commit on the screen %d times: %q", x.backend.Count("Plan")-plans, n, x.backend.Calls())
		}
		x.moves(t, "petstore", 3) // as it was
		x.Lacks(" changed │")
		x.Press("esc", "esc")
		x.Pass(time.Second)
		select {
		case x.backend.Moves <- model.Observation{}:
			t.Error("the watch goes on after the page was left")
		default:
		}
	})
}

func TestWhatIsInSightStays(t *testing.T) {
	play(t, 120, 20, watched, func(t *testing.T, x table) {
		x.Press("3", "enter")
		for o, _ := x.app.review.Selected(); o.ID.Name != "petstore"; o, _ = x.app.review.Selected() {
			x.Press("]")
		}
		x.Press("enter", "z", "G")
		before := x.Screen()
		x.moves(t, "petstore", 7)
		x.Has("1 changed │")
		x.Press("g")
		x.Has("replicas: 7")
		x.Press("G")
		if tail(x.Screen()) != tail(before) {
			t.Errorf("the end of the diff was\n%s\nand is\n%s", tail(before), tail(x.Screen()))
		}
	})
}

// tail is the last lines of a screen's diff.
func tail(screen string) string {
	lines := strings.Split(screen, "\n")
	return strings.Join(lines[len(lines)-6:], "\n")
}

func TestAMovedPlanIsNotConfirmed(t *testing.T) {
	play(t, 120, 40, watched, func(t *testing.T, x table) {
		x.confirm()
		x.Type("production")
		x.moves(t, "petstore", 7)
		x.Has("The plan moved while this was open", "Deployment shop/petstore spec.replicas 3 → 7")
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter")
		x.applied(t, 0)
		x.Press("esc", "s")
		x.Has("1 object changed since you looked")
		x.Lacks("Ship to")
		if o, _ := x.app.review.Selected(); o.ID.Name != "petstore" {
			t.Errorf("what moved is not shown, but %s", o.ID)
		}
		x.Press("s")
		x.Has("Ship to")
		x.Lacks("The plan moved")
	})
}

func TestAPlanThatCannotBeWatched(t *testing.T) {
	play(t, 120, 40, watched, func(t *testing.T, x table) {
		x.Press("3", "enter")
		plans := x.backend.Count("Plan")
		x.backend.Moves <- model.Observation{Unwatched: `cannot watch secrets: forbidden (needs "list,watch secrets" in "shop")`}
		x.Settle()
		x.Has("not kept current, ctrl+r reads it again: cannot watch secrets")
		x.Send(tea.FocusMsg{})
		if n := x.backend.Count("Plan"); n != plans {
			t.Errorf("a fresh plan was read again: %d", n-plans)
		}
		x.Pass(10 * time.Second)
		if n := x.backend.Count("Plan"); n != plans {
			t.Errorf("an idle page reads the plan: %d", n-plans)
		}
		x.Send(tea.FocusMsg{})
		if n := x.backend.Count("Plan"); n != plans+1 {
			t.Errorf("coming back reads the plan %d times, want 1", n-plans)
		}
	})
}

func TestHiddenDifferences(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		for i := range b.Plans["production"].Objects {
			o := &b.Plans["production"].Objects[i]
			if o.ID.Kind == "Deployment" && o.ID.Name == "petstore" {
				o.Hidden, o.Shown, o.OnlyHidden = []model.HiddenPath{{Path: "spec.template.spec.containers[petstore].image", Rule: "hide kind Deployment /spec"}}, o.Before, true
			}
		}
	}, func(t *testing.T, x table) {
		x.Press("3", "enter")
		for o, _ := x.app.review.Selected(); o.ID.Name != "petstore"; o, _ = x.app.review.Selected() {
			x.Press("]")
		}
		x.Has("only a hidden difference, written all the same: . shows it", "only hidden")
		x.Lacks("petstore:1.4.2")
		x.Press(".")
		x.Has("petstore:1.4.2", "hide kind Deployment /spec: spec.template.spec.containers")
		x.Press(".")
		x.Lacks("petstore:1.4.2")
	})
}
