package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// errOverrun is in the chain of the error of a run that was stopped between two
// waves because its window had closed.
var errOverrun = errors.New("the window has closed")

// mayBegin is the error of a run that must not begin wave n (from 0): its
// environment says `overrun: stop-between-waves`, and the window has closed for
// what is still to be written.
//
// The rules are those that let the run begin: a calendar that cannot be fetched
// just now, or a policy that was merged meanwhile, does not leave an environment
// half written. A cutoff is no closing: it is there so that what begins can end.
// Nor is a run stopped that was let in by overriding the window.
func (x *execution) mayBegin(ctx context.Context, waves []model.Wave, n int) error {
	if n == 0 || x.sandbox || x.site.env.Overrun != model.OverrunStop || x.entered.override {
		return nil
	}
	left := &model.Plan{Risks: x.reading.plan.Risks}
	for _, w := range waves[n:] {
		left.Objects = append(left.Objects, w.Objects...)
	}
	rules := slices.Clone(x.entered.rules)
	for i := range rules {
		rules[i].Cutoff = 0
	}
	w := standing{rules: rules}
	if now, err := x.clock(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.Reason = "closed: the cluster's clock cannot be read: " + err.Error()
	} else if w.WindowState = x.concern(left).ask(rules).At(now); w.Open {
		return nil
	}
	x.log.tell(model.Event{Type: model.EventNote, Message: "no other wave begins, as the window has closed: " + w.Reason})
	return x.overran(waves, n, w)
}

// clock is the cluster's. A moment without an answer does not leave an
// environment half written.
func (x *execution) clock(ctx context.Context) (time.Time, error) {
	asking, cancel := context.WithTimeout(ctx, x.engine.cfg.Timing.Clock)
	defer cancel()
	again := time.NewTicker(x.engine.cfg.Timing.Poll)
	defer again.Stop()
	var why error // the first: the last may be that time is up
	for {
		info, err := x.site.cluster.Info(asking)
		if err == nil {
			return info.Now, nil
		}
		if why == nil {
			why = err
		}
		select {
		case <-asking.Done():
			return time.Time{}, why
		case <-again.C:
		}
	}
}

// overran says what a run that was stopped before wave n leaves behind.
func (x *execution) overran(waves []model.Wave, n int, w standing) error {
	names := func(waves []model.Wave) string {
		var out []string
		for _, w := range waves {
			out = append(out, fmt.Sprintf("%s (%d)", w.Name, len(w.Objects)))
		}
		return strings.Join(out, ", ")
	}
	when := ""
	if !w.NextOpen.IsZero() {
		when = ", when it opens " + moment(w.NextOpen)
	}
	return model.Errorf(model.ExitRolloutFailed,
		"stopped after wave %d of %d, as %w (%s) and overrun is %s: written, and left as they are: %s; not written: %s; plan and apply the rest%s, or now with a reason to override the window, where the policy allows that",
		n, len(waves), errOverrun, w.Reason, model.OverrunStop, names(waves[:n]), names(waves[n:]), when)
}
