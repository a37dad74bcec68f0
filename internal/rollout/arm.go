package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// How an armed plan waits, beside Timing.Armed.
const (
	armedFetch = time.Minute      // between two askings for what was merged, and for calendars
	armedRead  = 5 * time.Minute  // the plan is read again at least so often
	armedAsk   = 30 * time.Second // how long remote and API server may take to answer
	armedLeast = time.Second      // between two looks: the cluster's clock shows no less
)

// await arms an approved plan that is to wait for the window: it returns nil
// once that is open, by the cluster's clock and never by the local one. Nothing
// is written meanwhile, neither a lock nor a record. The plan is read again when
// its objects move, when the branch does, and every few minutes: when something
// else would be applied, or the rules do not allow it any more, the arming is
// void. What is judged before the first write is judged again after it.
func (x *execution) await(ctx context.Context) error {
	if !x.approval.Wait {
		return nil
	}
	if strings.TrimSpace(x.approval.Override) != "" {
		return model.Errorf(model.ExitUsage, "either the window is waited for (--wait-for-window), or it is overridden with a reason (--override): not both")
	}
	waits, err := x.mayArm(ctx)
	if err != nil || !waits && !x.armed {
		return err
	}
	if x.armed { // it was turned away: not at once again
		again := time.NewTimer(x.engine.cfg.Timing.Armed)
		select {
		case <-again.C:
		case <-ctx.Done():
		}
		again.Stop()
	}
	x.armed = true
	observing, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	a := &arming{x: x, read: time.Now(), moved: make(chan struct{}, 1)}
	where := x.site.cluster // x.site becomes another one while it waits
	running.Go(func() { a.observe(observing, where) })
	return a.wait(ctx)
}

// turnedAway reports whether a plan that was armed found the lock held by
// someone who was faster. Nobody is there to start it again: it waits for them.
func (x *execution) turnedAway(err error) bool {
	var expired *model.TakeOverError // only a person can say that it may be taken
	return x.armed && x.lease == nil && model.CodeOf(err, model.ExitOK) == model.ExitLocked && !errors.As(err, &expired)
}

// mayArm refuses what must not run, and says whether the window has to be waited
// for. Requirements that waiting does not meet are refused at once; whether a
// soak is met is judged when the window is open.
func (x *execution) mayArm(ctx context.Context) (waits bool, err error) {
	err = x.admit(ctx)
	if model.CodeOf(err, model.ExitOK) != model.ExitWindowClosed {
		return false, err
	}
	never := model.UnmetSentences(slices.DeleteFunc(slices.Clone(x.requirements), func(r model.Requirement) bool { return r.Name == model.RequireSoak }))
	if x.unmerged {
		never = append(never, fmt.Sprintf("%s is not merged: nobody approved it", model.Short(x.approval.Plan.Commit)))
	}
	if len(never) > 0 {
		return false, model.Errorf(model.ExitRequirements, "%s; to wait for the window does not help with that", strings.Join(never, "; "))
	}
	return true, nil
}

// arming is a plan that waits for its window.
type arming struct {
	x     *execution
	rules []model.WindowRule // with their calendars read; nil: to be read
	// fetched and read are when what was merged and when the plan was looked at
	// last. They stand still while the machine sleeps; the opening does not
	// depend on them.
	fetched, read time.Time
	moved         chan struct{} // live objects of the plan are not as they were
	stale         bool          // the plan has to be read again
	unjudged      bool          // the branch is another one, and that is not judged yet
	away          time.Time     // since when the cluster cannot be asked; zero: it can
	said          string
	noted         string
}

// observe wakes whoever waits when live objects of the plan move. Where they may
// not be watched, the plan is read again all the same, later.
func (a *arming) observe(ctx context.Context, c Cluster) {
	_ = c.Observe(ctx, a.x.approval.Plan, func(o model.Observation) {
		if len(o.Moved) == 0 {
			return
		}
		select {
		case a.moved <- struct{}{}:
		default:
		}
	})
}

func (a *arming) wait(ctx context.Context) error {
	for {
		looking, cancel := context.WithTimeout(ctx, armedRead)
		open, pause, err := a.look(looking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return &stoppedError{"interrupted while it waited for the window; nothing was written", ctx.Err()}
		case err != nil:
			return err
		case open:
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// look judges how everything stands, and says how long to pause when the window
// is still closed. A pause is never long: the timer of a machine that was asleep
// is late, and the cluster's clock may be set.
func (a *arming) look(ctx context.Context) (open bool, pause time.Duration, err error) {
	x, pace := a.x, a.x.engine.cfg.Timing.Armed
	fresh := a.fetched.IsZero() || time.Since(a.fetched) >= armedFetch
	if fresh {
		a.fetched, a.rules = time.Now(), nil
	}
	if fresh || x.engine.cfg.Repository.RemoteURL() == "" { // to look at local branches costs nothing
		a.fetch(ctx)
	}
	if err := a.relocate(ctx); err != nil {
		return false, pace, a.unlessAway(err)
	}
	if a.rules == nil {
		a.rules = x.engine.rules(ctx, x.site)
	}
	asking, cancel := context.WithTimeout(ctx, armedAsk)
	defer cancel()
	info, err := x.site.cluster.Info(asking)
	if err != nil {
		return false, pace, a.unlessAway(err)
	}
	w := standing{WindowState: x.concern(x.approval.Plan).ask(a.rules).At(info.Now), rules: a.rules, info: info}
	var lock *model.Lock
	if w.Open {
		if lock, err = x.site.cluster.ReadLock(asking, x.site.env.Name); err != nil {
			return false, pace, a.unlessAway(err)
		}
	}
	switch {
	case lock != nil: // is waited for, too
	case w.Open && !fresh: // what was merged in the last minute counts, too
		a.fetched = time.Time{}
		return false, 0, nil
	case w.Open:
		open, err = a.opened(ctx, w)
		return open, pace, err
	case w.NextOpen.IsZero() && !w.Unknown:
		return false, 0, model.Errorf(model.ExitWindowClosed, "the window is closed (%s) and does not open within a year; there is nothing to wait for", w.said())
	}
	if err := a.reread(ctx); err != nil {
		return false, pace, a.unlessAway(err)
	}
	a.away = time.Time{}
	a.tell(w, lock)
	if !w.Open && !w.NextOpen.IsZero() {
		pace = min(pace, max(w.NextOpen.Sub(info.Now), min(armedLeast, pace)))
	}
	return false, pace, nil
}

// opened says whether it may start in an open window. A forge that cannot be
// asked just now whether it may is waited for, as a cluster is.
func (a *arming) opened(ctx context.Context, w standing) (bool, error) {
	switch err := a.x.admit(ctx); {
	case err == nil:
		a.x.log.tell(model.Event{Type: model.EventNote, Message: "the window is open: " + w.said()})
		return true, nil
	case model.CodeOf(err, model.ExitUnreachable) == model.ExitWindowClosed: // by now
		return false, nil
	default:
		return false, a.unlessAway(err)
	}
}

// fetch asks for what was merged. A remote that is
// away is told once: what is known goes on to count, as it does for a plan that
// does not wait.
func (a *arming) fetch(ctx context.Context) {
	fetching, cancel := context.WithTimeout(ctx, armedAsk)
	defer cancel()
	_, err := a.x.engine.Fetch(fetching)
	note := ""
	if err != nil && ctx.Err() == nil {
		note = "armed: going on with what was fetched before: " + err.Error()
	}
	if note != "" && a.noted == "" {
		a.x.log.tell(model.Event{Type: model.EventNote, Message: note})
	}
	a.noted = note
}

// relocate takes over the policy as it is merged now. A branch that moved does
// not void the plan of a commit that is still on it, unless the rules that it
// brings forbid it.
func (a *arming) relocate(ctx context.Context) error {
	s, err := a.x.engine.locate(ctx, a.x.site.env.Name)
	if err != nil {
		return err
	}
	if s.head.Hash != a.x.site.head.Hash || s.config.StateNamespace != a.x.site.config.StateNamespace {
		a.unjudged = true
	}
	a.x.site = s
	if !a.unjudged {
		return nil
	}
	a.rules = nil
	if _, err := a.x.mayArm(ctx); err != nil {
		return err
	}
	a.unjudged, a.stale = false, true
	return nil
}

// reread compares the plan with another reading of it.
func (a *arming) reread(ctx context.Context) error {
	select {
	case <-a.moved:
		a.stale = true
	default:
	}
	if !a.stale && time.Since(a.read) < armedRead {
		return nil
	}
	x, plan := a.x, a.x.approval.Plan
	r, err := x.engine.read(ctx, x.site, again(plan))
	if err != nil {
		return err
	}
	a.stale, a.read = false, time.Now()
	if r.plan.Digest != plan.Digest {
		return fmt.Errorf("%w (the arming is void)", lens.NewMovedError(plan, r.plan))
	}
	if r.plan.Problem != "" {
		return model.Errorf(cmp.Or(r.plan.ProblemCode, model.ExitRolloutFailed), "the arming is void, and nothing was written: the plan can no longer be applied: %s", r.plan.Problem)
	}
	return r.plan.Unconfirmed(x.approval.Confirmed)
}

// unlessAway takes it that what cannot be reached comes back: it is told since
// when, and waited for. Every other error ends the arming.
func (a *arming) unlessAway(err error) error {
	if model.CodeOf(err, model.ExitUnreachable) != model.ExitUnreachable {
		return err
	}
	if a.away.IsZero() {
		a.away = a.x.engine.cfg.Now()
		a.said = ""
		a.x.log.tell(model.Event{Type: model.EventArmed, Message: fmt.Sprintf(
			"armed: since %s it cannot be told whether it may start; it goes on to wait, and nothing starts before that is known: %v", moment(a.away), err)})
	}
	return nil
}

// tell says what is waited for, when that is news.
func (a *arming) tell(w standing, lock *model.Lock) {
	e := model.Event{Type: model.EventArmed, Message: "armed: waits for the window (" + w.said() + "); " + w.opens()}
	switch {
	case lock != nil:
		e.Message = fmt.Sprintf("armed: the window is open, and it waits for the lock, which %s holds since %s", lock.Holder, moment(lock.Since))
	case !w.NextOpen.IsZero():
		e.Message, e.Until = "armed: waits until "+moment(w.NextOpen)+" ("+w.said()+")", w.NextOpen
	}
	if e.Message != a.said {
		a.said = e.Message
		a.x.log.tell(e)
	}
}
