package rollout

import (
	"errors"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// tracker judges a rollout from the readings of its objects. It is pure: the
// clock is handed in.
type tracker struct {
	grace  time.Duration
	order  []model.ObjectID
	last   map[model.ObjectID]model.Progress
	doomed map[model.ObjectID]time.Time // since when
}

func newTracker(targets []model.Target, grace time.Duration) *tracker {
	t := &tracker{grace: grace, last: map[model.ObjectID]model.Progress{}, doomed: map[model.ObjectID]time.Time{}}
	for _, target := range targets {
		t.order = append(t.order, target.ID)
	}
	return t
}

func (t *tracker) see(p model.Progress, now time.Time) {
	t.last[p.ID] = p
	if !p.Doomed || p.Readiness == model.ReadinessReady {
		delete(t.doomed, p.ID)
	} else if _, ok := t.doomed[p.ID]; !ok {
		t.doomed[p.ID] = now
	}
}

// over reports whether nothing more is to be waited for: every object is ready,
// or one will not be. A patient one waits until that is known of every object.
func (t *tracker) over(now time.Time, patient bool) bool {
	lost, open := false, false
	for _, id := range t.order {
		since, doomed := t.doomed[id]
		switch r := t.last[id].Readiness; {
		case r == model.ReadinessReady:
		case r == model.ReadinessFailed, doomed && !since.Add(t.grace).After(now):
			lost = true
		default:
			open = true
		}
	}
	return !open || lost && !patient
}

// doomedAt is when the next grace of a doomed object ends, after now.
func (t *tracker) doomedAt(now time.Time) (time.Time, bool) {
	var first time.Time
	for _, since := range t.doomed {
		if end := since.Add(t.grace); end.After(now) && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	return first, !first.IsZero()
}

// miss is an object that did not become ready, and why.
type miss struct {
	id  model.ObjectID
	err error
}

func joined(misses []miss) error {
	var errs []error
	for _, f := range misses {
		errs = append(errs, f.err)
	}
	return errors.Join(errs...)
}

// verdict names each object that has failed or is doomed, with its cause.
func (t *tracker) verdict() []miss {
	var out []miss
	for _, id := range t.order {
		p := t.last[id]
		_, doomed := t.doomed[id]
		if p.Readiness == model.ReadinessFailed || doomed {
			out = append(out, miss{id, model.Errorf(model.ExitRolloutFailed, "%s will not become ready: %s", id, firstOf(p.Cause, p.Message, "no reason is known"))})
		}
	}
	return out
}

// late names what was not ready in time.
func (t *tracker) late(limit time.Duration) []miss {
	var out []miss
	for _, id := range t.order {
		if p := t.last[id]; p.Readiness != model.ReadinessReady {
			out = append(out, miss{id, model.Errorf(model.ExitRolloutFailed, "%s is not ready after %s: %s", id, limit, firstOf(p.Cause, p.Message, "nothing was heard of it"))})
		}
	}
	return out
}
