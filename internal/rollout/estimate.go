package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Fits says what speaks against the time that is left for a plan until the
// window closes, by the cluster's clock: empty text: nothing that is known.
// waits is set when the plan is to wait for the window; without, nothing is said
// about a closed one. ok is false only when the run is expected not to fit.
func (e *Engine) Fits(ctx context.Context, plan *model.Plan, waits bool) (text string, ok bool, err error) {
	s, err := e.locate(ctx, plan.Environment)
	if err != nil {
		return "", true, err
	}
	c := (&execution{}).concern(plan)
	w, err := e.stand(ctx, s, c)
	if err != nil {
		return "", true, prefix(plan.Environment, err)
	}
	opens := w.info.Now
	closing := "the window closes in "
	if !w.Open {
		if !waits || w.NextOpen.IsZero() {
			return "", true, nil
		}
		opens, closing = w.NextOpen, "the window that opens "+moment(w.NextOpen)+" closes after "
	}
	// A cutoff is there so that what has begun can end: it is no closing.
	rules := slices.Clone(w.rules)
	for i := range rules {
		rules[i].Cutoff = 0
	}
	closes := c.ask(rules).At(opens).Until
	runs, err := s.cluster.Runs(ctx, plan.Environment) // what can be read comes along with the error
	if err != nil && len(runs) == 0 {
		return "", true, prefix(plan.Environment, err)
	}
	estimate := model.EstimateRun(runs, plan, s.env)
	f := estimate.Fits(opens, closes)
	return fitText(estimate, f, closing, s.env.Overrun), f.State != model.FitsNot, nil
}

func fitText(e model.Estimate, f model.Fit, closing string, o model.Overrun) string {
	switch f.State {
	case model.FitsNot:
		return fmt.Sprintf("this run usually takes %s (%s), and %s%s: it would run over by %s; %s",
			roughly(e.Takes), e.From(), closing, roughly(f.Left), roughly(f.Over), o.AtClosing())
	case model.FitsUnsure:
		return fmt.Sprintf("nobody knows how long this run takes (%s), and %s%s; by its deadlines it may take up to %s; %s",
			e.From(), closing, roughly(f.Left), roughly(e.Most), o.AtClosing())
	}
	return ""
}

// roughly is a length that is not known to the second: "40 s", "6 min", "1 h 20 min".
func roughly(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Round(time.Second)/time.Second))
	}
	minutes := int(d.Round(time.Minute) / time.Minute)
	if minutes < 60 {
		return fmt.Sprintf("%d min", minutes)
	}
	return strings.TrimSuffix(fmt.Sprintf("%d h %d min", minutes/60, minutes%60), " 0 min")
}
