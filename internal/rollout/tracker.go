package rollout

import (
	"errors"
	"slices"
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

func (t *tracker) done() bool {
	return !slices.ContainsFunc(t.order, func(id model.ObjectID) bool {
		return t.last[id].Readiness != model.ReadinessReady
	})
}

func (t *tracker) failed() bool {
	return slices.ContainsFunc(t.order, func(id model.ObjectID) bool {
		return t.last[id].Readiness == model.ReadinessFailed
	})
}

// doomedAt is when the first doomed object's grace ends.
func (t *tracker) doomedAt() (time.Time, bool) {
	var first time.Time
	for _, since := range t.doomed {
		if end := since.Add(t.grace); first.IsZero() || end.Before(first) {
			first = end
		}
	}
	return first, !first.IsZero()
}

// verdict is nil when everything is ready, and otherwise names each object
// that has failed or is doomed, with its cause.
func (t *tracker) verdict() error {
	if t.done() {
		return nil
	}
	var errs []error
	for _, id := range t.order {
		p := t.last[id]
		_, doomed := t.doomed[id]
		if p.Readiness == model.ReadinessFailed || doomed {
			errs = append(errs, model.Errorf(model.ExitRolloutFailed, "%s will not become ready: %s", id, firstOf(p.Cause, p.Message, "no reason is known")))
		}
	}
	return errors.Join(errs...)
}

// late names what was not ready in time.
func (t *tracker) late(limit time.Duration) error {
	var errs []error
	for _, id := range t.order {
		if p := t.last[id]; p.Readiness != model.ReadinessReady {
			errs = append(errs, model.Errorf(model.ExitRolloutFailed, "%s is not ready after %s: %s", id, limit, firstOf(p.Cause, p.Message, "nothing was heard of it")))
		}
	}
	return errors.Join(errs...)
}
