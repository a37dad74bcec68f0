package model

import (
	"fmt"
	"slices"
	"time"
)

// runsCounted is how many of the last runs say how long the next may take: what
// was longer ago was another environment.
const runsCounted = 6

// DefaultProgress is how long a workload that sets no limit of its own is given
// to make progress: progressDeadlineSeconds of a Deployment.
const DefaultProgress = 10 * time.Minute

// riskRestarts is the risk of an object whose pods are made anew.
const riskRestarts = "restarts-pods"

// Estimate is how long a run is likely to take.
type Estimate struct {
	Takes time.Duration // 0: not known
	Of    int           // how many runs it is the median of; 0: it is not from runs
	// Most is how long the run may take when all goes as slowly as it may
	// without failing: progress deadlines and the timeouts of tests. 0: not known.
	Most time.Duration
}

// EstimateRun estimates by the median of the last runs that succeeded, newest
// first, and how long a plan may take at most in an environment.
func EstimateRun(runs []Run, plan *Plan, env Environment) Estimate {
	e := Estimate{Most: plan.slowest()}
	for _, t := range env.Tests { // one after the other
		if t.Timeout > 0 {
			e.Most += t.Timeout
		} else {
			e.Most += DefaultTestTimeout
		}
	}
	var took []time.Duration
	for _, r := range runs {
		if r.State == RunSucceeded && r.FinishedAt.After(r.StartedAt) && len(took) < runsCounted {
			took = append(took, r.FinishedAt.Sub(r.StartedAt))
		}
	}
	if len(took) == 0 {
		return e
	}
	slices.Sort(took)
	half := len(took) / 2
	e.Takes, e.Of = took[half], len(took)
	if len(took)%2 == 0 {
		e.Takes = (took[half-1] + took[half]) / 2
	}
	return e
}

// slowest is how long the slowest of each wave may take, all together: the
// objects of a wave are waited for at the same time.
func (p *Plan) slowest() time.Duration {
	if p == nil {
		return 0
	}
	var all time.Duration
	for _, w := range p.Waves() {
		var slowest time.Duration
		for _, o := range w.Objects {
			slowest = max(slowest, o.patience())
		}
		all += slowest
	}
	return all
}

// patience is how long an object may take until it is ready, when its pods are
// made anew; else 0.
func (o PlannedObject) patience() time.Duration {
	anew := o.Verdict == VerdictCreate || o.Verdict == VerdictReplace ||
		o.Verdict.Differs() && slices.ContainsFunc(o.Risks, func(r Risk) bool { return r.Name == riskRestarts })
	if !anew || o.Verdict == VerdictDelete {
		return 0
	}
	switch {
	case o.ID.Group == "apps" && o.ID.Kind == "Deployment":
		return o.seconds("progressDeadlineSeconds")
	case o.ID.Group == "batch" && o.ID.Kind == "Job":
		return o.seconds("activeDeadlineSeconds")
	case o.ID.Group == "apps" && (o.ID.Kind == "StatefulSet" || o.ID.Kind == "DaemonSet" || o.ID.Kind == "ReplicaSet"),
		o.ID.Group == "" && o.ID.Kind == "Pod":
		return DefaultProgress
	}
	return 0
}

// seconds reads a limit of the object's spec.
func (o PlannedObject) seconds(field string) time.Duration {
	spec, _ := o.After["spec"].(map[string]any)
	var n int64
	switch v := spec[field].(type) {
	case int64:
		n = v
	case float64:
		n = int64(v)
	}
	if n <= 0 || n > int64(24*time.Hour/time.Second) {
		return DefaultProgress
	}
	return time.Duration(n) * time.Second
}

// FitState says whether a run fits into what is left of a window.
type FitState string

// The states of a Fit. Unsure is what is not known to end in time: nobody knows
// how long it takes, and all of it could take longer than there is time.
const (
	Fits       FitState = "fits"
	FitsNot    FitState = "does not fit"
	FitsUnsure FitState = "unsure"
)

// Fit is whether a run fits into what is left of a window.
type Fit struct {
	State FitState
	Left  time.Duration // until the window closes
	Over  time.Duration // how much longer the run takes; of FitsUnsure: may take
}

// Fits judges whether a run that begins now ends before the window closes; the
// zero time is a window that does not close.
func (e Estimate) Fits(now, closes time.Time) Fit {
	f := Fit{State: Fits}
	if closes.IsZero() {
		return f
	}
	f.Left = closes.Sub(now)
	switch {
	case e.Takes > f.Left:
		f.State, f.Over = FitsNot, e.Takes-f.Left
	case e.Takes == 0 && e.Most > f.Left:
		f.State, f.Over = FitsUnsure, e.Most-f.Left
	}
	return f
}

// From says what the expected length is from, in words.
func (e Estimate) From() string {
	switch e.Of {
	case 0:
		return "no run has succeeded here yet"
	case 1:
		return "as the last run did"
	}
	return fmt.Sprintf("median of %d runs", e.Of)
}

// AtClosing says in words what happens to a run that the window closes on.
func (o Overrun) AtClosing() string {
	if o == OverrunStop {
		return fmt.Sprintf("no other wave begins then (overrun: %s)", OverrunStop)
	}
	return fmt.Sprintf("it is then finished all the same (overrun: %s)", OverrunFinish)
}
