package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fairtide-dev/fairtide/model"
)

// applyAtOnce is how many objects of a wave are written at the same time.
const applyAtOnce = 32

// errLate is why a run was stopped that took longer than its policy lets it.
var errLate = errors.New("the run took too long")

// apply writes the waves in order, watches what was written until it is ready
// and prunes last: an object is deleted only when what replaces it works. Of a
// run that is stopped between waves is watched what it has written.
func (x *execution) apply(ctx context.Context) error {
	limit := x.site.env.Rollout.Timeout
	if limit <= 0 {
		return x.roll(ctx)
	}
	timed, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x.limit = newLimit(limit, func() { cancel(errLate) })
	defer x.limit.hold()
	err := x.roll(timed)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(timed), errLate) {
		return &model.Error{Code: model.ExitRolloutFailed, Err: fmt.Errorf(
			"the run was stopped after %s, which is its limit (rollout: timeout): %s%s; plan again to see what is left", limit, x.written(), x.unready())}
	}
	return err
}

// roll is apply without a limit of time.
func (x *execution) roll(ctx context.Context) error {
	waves := x.reading.plan.Waves()
	targets := x.unsettled(ctx)
	var failed []error
	var overran error
	for i, w := range waves {
		if w.Prune {
			continue
		}
		if overran = x.between(ctx, waves, i); overran != nil {
			break
		}
		applied, err := x.wave(ctx, waves, i)
		targets = append(targets, applied...)
		if err == nil {
			continue
		}
		if failed = append(failed, err); !x.goesOn(ctx, err) {
			return x.interrupted(ctx, errors.Join(failed...))
		}
		x.log.tell(model.Event{Type: model.EventNote, Message: "goes on with the next wave, as the policy says: " + err.Error()})
	}
	x.setState(ctx, model.RunWatching)
	watched := x.watch(ctx, x.hopeful(targets), x.waveLimit(), nil)
	if err := errors.Join(append(failed, overran, watched)...); err != nil {
		return x.interrupted(ctx, err)
	}
	return x.interrupted(ctx, x.clearAway(ctx, waves))
}

// clearAway waits for what an interrupted run has deleted, and deletes the rest.
func (x *execution) clearAway(ctx context.Context, waves []model.Wave) error {
	if err := x.awaitGone(ctx); err != nil {
		return err
	}
	i := slices.IndexFunc(waves, func(w model.Wave) bool { return w.Prune })
	if i < 0 {
		return nil
	}
	if err := x.between(ctx, waves, i); err != nil {
		return err
	}
	x.beginWave(waves, i)
	n, _ := x.place(waves, i)
	return x.prune(ctx, n, waves[i])
}

// wave writes a wave and waits for it as the policy says.
func (x *execution) wave(ctx context.Context, waves []model.Wave, i int) ([]model.Target, error) {
	w := waves[i]
	x.beginWave(waves, i)
	n, _ := x.place(waves, i)
	applied, err := x.applyWave(ctx, n, w)
	var keeping sync.WaitGroup
	keeping.Go(func() { x.keepInventory(ctx, w) }) // beside the watch: nothing in that needs it
	defer keeping.Wait()
	switch {
	case err != nil:
	case w.Settle:
		if err = x.watch(ctx, applied, x.engine.cfg.Timing.Settle, nil); err == nil {
			x.site.cluster.RefreshKinds()
		}
	case x.site.env.Rollout.Gate != model.GateApplied && i+1 < len(waves):
		err = x.watch(ctx, applied, x.waveLimit(), foreseen(w))
	}
	return applied, err
}

// waveLimit is how long a wave may take to become ready.
func (x *execution) waveLimit() time.Duration {
	if d := x.site.env.Rollout.WaveTimeout; d > 0 {
		return d
	}
	return x.engine.cfg.Timing.Ready
}

func (x *execution) beginWave(waves []model.Wave, i int) {
	n, of := x.place(waves, i)
	x.record.update(func(r *model.Run) { r.Wave = n })
	x.lease.SetDoing(fmt.Sprintf("wave %d of %d: %s", n, of, waves[i].Name))
	x.log.tell(model.Event{Type: model.EventWave, Wave: n, Waves: of, Message: waves[i].Name})
}

// place is the number, from 1, that the i-th of some waves has in the run, and
// how many the run has: one that is continued has fewer left than it began with.
func (x *execution) place(waves []model.Wave, i int) (n, of int) {
	if x.resumes != nil {
		all := x.record.get().Waves
		if at := slices.Index(all, waves[i].Name); at >= 0 {
			return at + 1, len(all)
		}
	}
	return i + 1, len(waves)
}

// between is the error of a run that must not begin wave n (from 0). It holds a
// run up that the operator has paused.
func (x *execution) between(ctx context.Context, waves []model.Wave, n int) error {
	if brake := x.approval.Brake; brake != nil && brake.On() {
		at, of := x.place(waves, n)
		x.lease.SetDoing(fmt.Sprintf(doingPaused, at, of))
		x.log.tell(model.Event{Type: model.EventPaused, Wave: at, Waves: of,
			Message: fmt.Sprintf("paused before wave %d of %d: %s", at, of, waves[n].Name)})
		x.limit.hold() // the operator's time is not the run's
		err := brake.Wait(ctx)
		x.limit.goOn()
		if err != nil {
			return err
		}
		x.log.tell(model.Event{Type: model.EventContinued, Wave: at, Waves: of, Message: "goes on"})
	}
	return x.mayBegin(ctx, waves, n)
}

// goesOn reports whether the next wave is applied although one has failed.
func (x *execution) goesOn(ctx context.Context, err error) bool {
	return x.site.env.Rollout.OnFailure == model.FailContinue && x.mayWrite(ctx) == nil &&
		model.CodeOf(err, model.ExitRolloutFailed) == model.ExitRolloutFailed
}

// unsettled are the objects that are live as the plan wants them, but only
// because a run wrote them that did not see them become ready. They are not
// written, and watched all the same: what an earlier run could not bring up
// does not become a success by being applied once more.
func (x *execution) unsettled(ctx context.Context) []model.Target {
	if last := x.reading.state.LastRun; x.resumes == nil && (last == nil || last.State == model.RunSucceeded) {
		return nil
	}
	runs, err := x.site.cluster.Runs(ctx, x.site.env.Name)
	if err != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "what earlier runs left behind is not fully known: " + err.Error()})
	}
	own := x.record.get().ID // which has results already only when it is continued
	left := map[model.ObjectID]bool{}
	for _, r := range runs {
		if r.State == model.RunSucceeded {
			break
		}
		for _, o := range r.Objects {
			// What an interrupted run saw ready may have ceased to be.
			left[o.ID] = left[o.ID] || o.Result != model.ResultReady || r.ID == own
		}
	}
	var out []model.Target
	for _, o := range x.reading.plan.Objects {
		if _, rendered := x.reading.objects[o.ID]; rendered && left[o.ID] && !o.Writes() {
			out = append(out, model.Target{ID: o.ID, Version: o.Version, UID: o.Live.UID})
		}
	}
	return out
}

// written says how much of the run was written.
func (x *execution) written() string {
	done, all := x.tally()
	return fmt.Sprintf("%d of %d objects were written, and stay as they are", done, all)
}

// hopeful leaves out the targets that have failed in their wave: that was told.
func (x *execution) hopeful(targets []model.Target) []model.Target {
	failed := map[model.ObjectID]bool{}
	for _, o := range x.record.get().Objects {
		failed[o.ID] = o.Result == model.ResultFailed
	}
	return slices.DeleteFunc(targets, func(t model.Target) bool { return failed[t.ID] })
}

// unready names what was written and is not ready.
func (x *execution) unready() string {
	const most = 5
	var names []string
	for _, o := range x.record.get().Objects {
		if o.Result == model.ResultApplied {
			names = append(names, o.ID.String())
		}
	}
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("and %d more", more))
	}
	if len(names) == 0 {
		return ""
	}
	return "; not ready: " + strings.Join(names, ", ")
}

func (x *execution) tally() (done, all int) {
	objects := x.record.get().Objects
	for _, o := range objects {
		if o.Result != model.ResultPending && !x.refused[o.ID] {
			done++
		}
	}
	return done, len(objects)
}

// interrupted says what an abort left behind; other errors stay as they are.
func (x *execution) interrupted(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() == nil {
		done, all := x.tally()
		if done > 0 && model.CodeOf(err, model.ExitRolloutFailed) == model.ExitPlanMoved {
			// Exit code 4 promises that nothing was written.
			err = &model.Error{Code: model.ExitRolloutFailed, Err: fmt.Errorf("%d of %d objects were written: %w", done, all, err)}
		}
		return err
	}
	return stopped(ctx, fmt.Sprintf(": %s; plan again to see what is left", x.written()))
}

func (x *execution) applyWave(ctx context.Context, number int, w model.Wave) ([]model.Target, error) {
	var mu sync.Mutex
	var targets []model.Target
	var failures []error
	inventory := indexed(x.state.Inventory)
	wrote, stop := x.lookAlong()
	g := errgroup.Group{}
	g.SetLimit(applyAtOnce)
	for _, o := range w.Objects {
		g.Go(func() error {
			if x.mayWrite(ctx) != nil {
				return nil // neither an abort nor a lost lock starts a new write
			}
			entry, err := x.site.cluster.Apply(ctx, x.reading.objects[o.ID], o)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if model.CodeOf(err, model.ExitUnreachable) != model.ExitUnreachable && x.mayWrite(ctx) == nil {
					wrote() // the server answers, if with a refusal
				}
				failures = append(failures, err)
				x.refused[o.ID] = true
				x.mark(o.ID, model.ResultFailed, err.Error())
				return nil
			}
			wrote()
			inventory.noteUID(entry)
			x.record.mark(o.ID, x.engine.cfg.Now(), func(r *model.RunObject) {
				r.Result, r.Message, r.UID, r.Version = model.ResultApplied, "", entry.UID, entry.Version
			})
			targets = append(targets, model.Target{ID: entry.ID, Version: entry.Version, UID: entry.UID})
			x.log.tell(model.Event{Type: model.EventApplied, Object: &o.ID, Verdict: o.Verdict, Wave: number})
			return nil
		})
	}
	_ = g.Wait() // the functions keep their errors themselves: one must not hide another
	stop()
	if err := x.mayWrite(ctx); err != nil && len(failures) == 0 {
		failures = append(failures, err)
	}
	return targets, errors.Join(failures...)
}

var errLost = errors.New("the lock was lost")

func (x *execution) mayWrite(ctx context.Context) error {
	if !x.lease.Held() {
		return errLost
	}
	return ctx.Err()
}
