package tui

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// troubled makes what several pages need fail.
func troubled(b *tuitest.Backend, _ *Config) {
	b.Fail("Status staging", errors.New("staging: cannot reach gke-staging at https://10.0.0.1: connection refused; check the VPN, then refresh"))
	b.Fail("History production", errors.New("production: cannot read the records: forbidden (needs \"list configmaps\" in \"shop\")\nask who runs the cluster for the role in docs/rbac.md"))
}

func TestProblemsStayUntilTheyAreDismissed(t *testing.T) {
	play(t, 120, 40, troubled, func(t *testing.T, x table) {
		x.Has("! 1 problem")
		x.Press("3", "h")
		x.Has("! 2 problems", "forbidden")
		x.Press("ctrl+r", "esc") // the same again is no third one
		x.Has("! 2 problems")
		x.Press("!")
		x.Has("2 problems", "production  reading its history", "2 times", "staging", "ask who runs the cluster")
		x.backend.Fail("Status staging", nil)
		x.Press("esc")
		x.Pass(2 * time.Minute) // the home page reads again
		x.Has("! 2 problems")
		x.Press("!", "j")
		x.Has("it works again", "connection refused")
		x.Press("d")
		x.Has(" 1 problem\n", "production: reading its history")
		x.Lacks("connection refused")
		x.Press("!") // leads back too
		x.Has("ENVIRONMENTS", "! 1 problem")
		x.Press("!", "D")
		x.Has("nothing has gone wrong that was not dismissed")
		x.Press("esc")
		x.Has("ENVIRONMENTS")
		x.Lacks("! 1")
	})
}

// TestWhatWasStoppedHasNotFailed holds that a reading that ends because its
// page was left is no problem.
func TestWhatWasStoppedHasNotFailed(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Fail("Plan", errors.New("context canceled")) }, func(t *testing.T, x table) {
		release := x.backend.Hold("Plan")
		x.Press("3", "enter", "esc")
		release()
		x.Settle()
		if n := x.app.log.count(); n != 0 {
			t.Errorf("%d problems", n)
		}
	})
}

func TestEveryFailureIsKept(t *testing.T) {
	for call, keys := range map[string][]string{
		"Plan": {"3", "enter"}, "Proposed ": {"3", "p"}, "Images": {"3", "u"}, "Detail": {"3", "tab", "c"},
		"Draft": {"3", "R", "enter"}, "History": {"3", "h"}, "Pending production": {"3", "ctrl+r"}, "Fetch": {"ctrl+r"},
		"Environments": {"ctrl+r"}, "Observe": {"3", "enter"}, "ProposedPlan": {"3", "p", "enter"},
	} {
		t.Run(call, func(t *testing.T) {
			play(t, 120, 40, nil, func(t *testing.T, x table) {
				x.backend.Fail(call, fmt.Errorf("it is broken"))
				x.Press(keys...)
				x.Pass(time.Second)
				x.Press("!")
				x.Has("it is broken", " 1 problem\n")
			})
		})
	}
	for call, refused := range map[string]func(x table){
		"Merge": func(x table) {
			x.Press("3", "p", "M")
			x.Pass(time.Second)
			x.Type("production")
			x.Press("enter")
			x.Pass(time.Second)
			x.Press("enter")
		},
		"Publish": func(x table) { x.Press("3", "R", "enter"); x.publish() },
		"Apply":   func(x table) { x.ship() },
	} {
		t.Run(call, func(t *testing.T) {
			play(t, 120, 40, nil, func(t *testing.T, x table) {
				x.backend.Fail(call, fmt.Errorf("it is broken"))
				refused(x)
				x.Pass(time.Second)
				x.Press("enter", "!")
				x.Has("it is broken", " 1 problem\n")
			})
		})
	}
}

func TestProblemsAreBounded(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		for i := range 3 * problemsKept {
			x.app.log.note("", "trying", fmt.Sprintf("attempt %d", i))
		}
		x.Press("!")
		x.Has("200 problems", "400 older dropped", "attempt 599")
		x.Press("D")
		x.Lacks("older dropped")
	})
}

// TestWhatADialogTellsIsKept holds that a failure that is no answer of the
// backend is kept too.
func TestWhatADialogTellsIsKept(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3")
		x.app.tell(result{title: "The file was not written", text: []string{"open plan.md: permission denied"}})
		x.app.tell(result{ok: true, title: "It is written", text: []string{"plan.md"}})
		x.Pass(time.Second)
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter", "!")
		x.Has(" 1 problem\n", "production: The file was not written", "permission denied")
	})
}

// TestTheEnterOfAProblemIsNoDoubleClick holds that clicking about in the list
// dismisses nothing.
func TestTheEnterOfAProblemIsNoDoubleClick(t *testing.T) {
	play(t, 120, 40, troubled, func(t *testing.T, x table) {
		x.Press("3", "h", "!")
		col, row := x.on(t, "staging")
		x.click(col, row)
		x.click(col, row)
		x.Has("2 problems", "connection refused")
		x.clickOn(t, "D dismiss all")
		x.Has("nothing has gone wrong")
		x.clickOn(t, "problems")
		if x.app.at != action.History {
			t.Errorf("the header leads to %s", x.app.at)
		}
		x.backend.Fail("History production", errors.New("once more"))
		x.Press("ctrl+r", "g")
		x.clickOn(t, "! 1 problem")
		x.Has("once more", "production: reading its history")
	})
}
