package rollout

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// lonely is a memory whose API server is away for a while when it is watched.
type lonely struct {
	*memory
	since time.Time
	back  bool // it is known to be back before all is ready
}

func (l *lonely) Watch(ctx context.Context, targets []model.Target, emit func(model.Progress), away func(time.Time, string)) error {
	away(l.since, "connection refused")
	if l.back {
		away(time.Time{}, "")
	}
	return l.memory.Watch(ctx, targets, emit, nil)
}

// A run tells since when the API server is away, and that it is back, also when
// everything turns out to be ready before each watch was resumed.
func TestARunTellsThatTheServerIsAway(t *testing.T) {
	for _, back := range []bool{true, false} {
		m, e := newMemory()
		l := &lonely{memory: m, since: time.Date(2026, 10, 5, 9, 30, 0, 0, time.UTC), back: back}
		e.cfg.Connect = func(string, string) (Cluster, error) { return l, nil }
		plan, err := e.Plan(t.Context(), "staging", "")
		if err != nil {
			t.Fatal(err)
		}
		var told []model.Event
		if _, err := e.Apply(t.Context(), model.Approval{Plan: plan}, func(ev model.Event) {
			if ev.Type == model.EventAway {
				told = append(told, ev)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if len(told) == 0 || len(told)%2 != 0 {
			t.Fatalf("back %v: told %+v", back, told)
		}
		for pair := range slices.Chunk(told, 2) {
			if !pair[0].Since.Equal(l.since) || pair[0].Message != "the API server does not answer since 09:30:00 UTC: connection refused" {
				t.Errorf("back %v: told %+v", back, pair[0])
			}
			if !pair[1].Since.IsZero() || pair[1].Message != "the API server answers again" {
				t.Errorf("back %v: told %+v", back, pair[1])
			}
		}
	}
}
