package tui

import (
	"fmt"
	"testing"

	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func TestWhatARunChanged(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "h", "j")
		x.Has("production-117", "enter what it changed", "c compare")
		x.Press("d")
		x.called(t, "RunDiff production production-117 ", 1)
		x.Has("what production-117 changed", "Git, before → Git, after",
			"it was live like this already", "NOTES", "what was changed live")
		x.Lacks("reviewed", "s ship", "lens run", "after apply")

		x.Press("]")
		x.Has("it failed in this run: image ghcr.io/shop/gateway:2.0.7")

		// It is for reading.
		x.Press("s")
		x.Has("this is what a run did, for reading: nothing on this page is shipped")
		x.Press("space")
		x.Has("there is nothing to review")
		x.Press("v")
		x.Has("there is nothing to see through another lens")
		x.Press("e")
		x.Has("nothing on this page is shipped")
		x.called(t, "Observe", 0)
		x.called(t, "Plan ", 0)

		x.Press("esc")
		x.Has("production  history", "production-117")
	})
}

func TestCompareTwoRuns(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "h", "c")
		x.Has("production-118 is marked: c on another run compares the two", "compare")
		x.Press("c", "c") // taken back, and marked again
		x.Press("j", "c")
		// The earlier run is the first, whichever was marked.
		x.called(t, "RunDiff production production-117 production-118", 1)
		x.Has("production-117 compared with production-118", "NOTES", "state: failed; then")
		x.Press("esc")
		x.Has("production  history")
		x.Press("c", "esc") // esc takes the mark away before it leaves
		x.Has("production  history")
		x.Press("c", "k", "c")
		x.called(t, "RunDiff production production-117 production-118", 2)
	})
}

func TestARunThatCannotBeShown(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Fail("RunDiff", fmt.Errorf("production-118: what it changed cannot be shown: commit 3d09a11 cannot be rendered"))
	}, func(t *testing.T, x table) {
		x.Press("3", "h", "enter")
		x.Has("what production-118 changed", "commit 3d09a11 cannot be rendered")
		x.Press("esc")
		x.Has("production  history")
	})
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Histories["production"] = nil }, func(t *testing.T, x table) {
		x.Press("3", "h", "enter")
		x.Has("no run is selected")
		x.Press("c")
		x.Has("no run is selected")
		x.called(t, "RunDiff", 0)
	})
}

func TestWhatTheHistoryTells(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "h")
		x.Has("continued op1@laptop", "machine went to sleep", "not needed, as no rule was in the way;")
		x.Press("j", "j")
		x.Has("override", "incident 4711: checkout is down", "by op2, against: window: closed")
	})
}
