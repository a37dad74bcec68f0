package tui

import (
	"testing"
	"time"
)

// A plan that is costly to look through is read again less often.
func TestPaceAfter(t *testing.T) {
	for cost, want := range map[time.Duration]time.Duration{
		0: replanPace, replanPace / (2 * replanShare): replanPace, 500 * time.Millisecond: 5 * time.Second, time.Minute: replanMost,
	} {
		if got := paceAfter(cost); got != want {
			t.Errorf("after %s it waits %s, not %s", cost, got, want)
		}
	}
}
