package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	// lookoutPace is the shortest time between two beginnings of the watch on a
	// run's objects: more are applied all the time.
	lookoutPace = time.Second
	// doubtful is how long an open record without a lock is given: the two are
	// told of separately, and the record's end may come after that of the lock.
	doubtful = time.Second
	// backWithin is how long a failed run is given to be rolled back by another.
	backWithin = 30 * time.Second
)

// ErrIdle is in the chain of Follow's error when no run is under way.
var ErrIdle = errors.New("no run is under way")

// Follow tells the story of the run under way in an environment, whoever
// carries it out, until it has ended or ctx does. The story is the one that the
// run's own operator sees, as far as the cluster knows it: what was before comes
// first, and the last event has type finished. begin is called before the first
// event with the record as it is then.
//
// The error is nil when the run succeeded; its exit code is that of the run, and
// 6 when whoever carried it out is gone. Where no run is under way it is an
// ErrIdle, and the run is the newest one. When ctx ends the run goes on, and no
// event says that it finished.
func (e *Engine) Follow(ctx context.Context, name string, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	return e.follow(ctx, name, false, begin, emit)
}

// FollowNext is Follow, but waits for a run where none is under way: also for
// one that was interrupted to be resumed.
func (e *Engine) FollowNext(ctx context.Context, name string, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	return e.follow(ctx, name, true, begin, emit)
}

func (e *Engine) follow(ctx context.Context, name string, next bool, begin func(model.Run), emit func(model.Event)) (model.Run, error) {
	s, err := e.locate(ctx, name)
	if err != nil {
		return model.Run{}, err
	}
	f := &follower{engine: e, site: s, next: next, begin: begin, log: newStory(e.cfg.Now, emit)}
	err = f.loop(ctx)
	if f.failed != nil {
		return *f.failed, prefix(name, err)
	}
	return f.run, prefix(name, err)
}

// follower is one call of Follow. All of it belongs to one goroutine.
type follower struct {
	engine *Engine
	site   site
	next   bool // wait for a run
	begin  func(model.Run)
	log    *story

	heard  bool      // something is known
	newest string    // run, before there was one to follow
	run    model.Run // that is told, or the newest one
	tale   *retelling
	out    lookout
	lock   *model.Lock // as told last; nil: nobody holds it
	away   time.Time   // since when the API server does not answer
	refuse string      // what may not be watched
	// failed is the run that was to be told, once it has failed and its policy
	// asks for another one that takes it back.
	failed *model.Run

	doubt    time.Time // when to see whether the run was interrupted; zero: it was not
	patience time.Time // until when a run that takes back failed is waited for

	done bool
	err  error
}

func (f *follower) loop(ctx context.Context) error {
	watching, cancel := context.WithCancel(ctx)
	news, ended := make(chan model.RunNews), make(chan struct{})
	var failure error // of the watch, once ended is closed
	go func() {
		defer close(ended)
		failure = f.site.cluster.WatchRun(watching, f.site.env.Name, func(n model.RunNews) {
			select {
			case news <- n:
			case <-watching.Done():
			}
		})
	}()
	defer func() {
		f.out.stop()
		cancel()
		<-ended
	}()
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	for {
		clock.Reset(f.nextLook())
		select {
		case n := <-news:
			f.hear(ctx, n)
		case p := <-f.out.readings:
			f.tale.reading(p)
		case <-f.out.ended:
			f.lookoutEnded()
		case <-clock.C:
			f.look(ctx)
		case <-ended:
			return errors.Join(failure, f.stopped(ctx))
		case <-ctx.Done():
			return f.stopped(ctx)
		}
		if f.done {
			return f.err
		}
	}
}

// stopped is the error of a story that ends before the run does.
func (f *follower) stopped(ctx context.Context) error {
	if ctx.Err() == nil {
		return model.Errorf(model.ExitUnreachable, "the watch ended early; see how the run stands with `fairtide history -e %s`", f.site.env.Name)
	}
	what := "nothing was under way"
	if f.tale != nil {
		what = "run " + f.run.ID + " goes on"
	}
	return &model.Error{Code: model.ExitInterrupted, Err: &stoppedError{"no longer watched; " + what, ctx.Err()}}
}

// nextLook is how long there is nothing to do unless something is heard.
func (f *follower) nextLook() time.Duration {
	now, at := f.engine.cfg.Now(), time.Time{}
	for _, t := range []time.Time{f.doubt, f.patience, f.out.due} {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if at.IsZero() {
		return time.Hour
	}
	return max(at.Sub(now), 0)
}

// look does what is due.
func (f *follower) look(ctx context.Context) {
	now := f.engine.cfg.Now()
	due := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	if due(f.doubt) {
		f.settleDoubt(ctx)
	}
	if !f.done && due(f.patience) {
		f.conclude(*f.failed, "")
	}
	if !f.done && due(f.out.due) {
		f.lookOut(ctx)
	}
}

// hear takes in a reading of the newest run and the lock.
func (f *follower) hear(ctx context.Context, n model.RunNews) {
	f.tellAway(n)
	f.lock = n.Lock
	if f.tale == nil {
		f.choose(ctx, n)
		return
	}
	switch {
	case n.Run == nil:
	case f.failed != nil && n.Run.RollsBack == f.failed.ID && n.Run.ID != f.run.ID:
		f.patience = time.Time{}
		f.take(ctx, *n.Run, n)
	case n.Run.ID != f.run.ID: // it has ended, and another one began at once
		if f.patience.IsZero() {
			f.settleDoubt(ctx)
		}
	default:
		f.follows(ctx, *n.Run, n)
	}
}

// choose decides whether there is a run to tell of.
func (f *follower) choose(ctx context.Context, n model.RunNews) {
	id := ""
	if n.Run != nil {
		id = n.Run.ID
	}
	began := f.heard && id != f.newest
	open := n.Run != nil && !n.Run.State.Final()
	switch {
	case id == "" && !n.Away.IsZero():
		return // nothing is known yet
	case id != "" && (began || open && (!f.next || !n.Interrupted())):
		f.begin(*n.Run)
		f.take(ctx, *n.Run, n)
		return
	case f.next, n.Lock != nil && n.Lock.Run != id || n.Lock != nil && id == "":
		if !f.heard && n.Lock != nil && n.Lock.Run != id {
			f.log.tell(model.Event{Type: model.EventNote, Message: fmt.Sprintf("%s holds the lock: %s", n.Lock.Holder, firstOf(n.Lock.Doing, "no run has begun yet"))})
		}
	default:
		f.idle(n.Run)
	}
	f.heard, f.newest = true, id
}

// idle ends the story where there is none.
func (f *follower) idle(last *model.Run) {
	f.done = true
	how := "there has been none"
	if last != nil {
		f.run = *last
		how = fmt.Sprintf("the last one, %s, %s", last.ID, last.State)
	}
	f.err = &model.Error{Code: model.ExitUsage, Err: fmt.Errorf("%w; %s", ErrIdle, how)}
}

// take begins to tell of a run.
func (f *follower) take(ctx context.Context, run model.Run, n model.RunNews) {
	f.heard = true
	f.log.run = run.ID
	f.tale = newRetelling(f.log)
	f.follows(ctx, run, n)
}

// follows tells what is new of the run.
func (f *follower) follows(ctx context.Context, run model.Run, n model.RunNews) {
	f.run = run
	f.tale.tell(run, n.Lock)
	if run.State.Final() {
		f.ended(run)
		return
	}
	switch {
	case !n.Interrupted():
		f.doubt = time.Time{}
	case f.doubt.IsZero():
		f.doubt = f.engine.cfg.Now().Add(doubtful)
	}
	f.lookOut(ctx)
}

// settleDoubt asks how the run stands. The lock comes first: a run that ends
// closes its record before it frees the lock.
func (f *follower) settleDoubt(ctx context.Context) {
	name := f.site.env.Name
	f.doubt = time.Time{}
	lock, err := f.site.cluster.ReadLock(ctx, name)
	var runs []model.Run
	if err == nil {
		runs, err = f.site.cluster.Runs(ctx, name)
	}
	i := slices.IndexFunc(runs, func(r model.Run) bool { return r.ID == f.run.ID })
	if i < 0 {
		if err == nil {
			err = model.Errorf(model.ExitRolloutFailed, "the record of run %s is gone; see `fairtide history -e %s`", f.run.ID, name)
			f.done, f.err = true, err
			return
		}
		f.doubt = f.engine.cfg.Now().Add(doubtful) // the watch tells that the API server is away
		return
	}
	f.run = runs[i]
	f.tale.tell(f.run, lock)
	switch {
	case f.run.State.Final():
		f.ended(f.run)
	case lock == nil || !holds(lock, f.run.ID):
		f.run.State, f.run.Reason = model.RunInterrupted, cutOff(f.run)
		f.ended(f.run)
	}
}

// cutOff says of a run whose operator is gone what is left and what to do.
func cutOff(run model.Run) string {
	where := "at its beginning or later" // the record may lag behind
	switch waves := len(run.Waves); {
	case run.Wave > 0 && run.Wave < waves:
		where = fmt.Sprintf("in wave %d of %d or later", run.Wave, waves)
	case run.Wave > 0:
		where = fmt.Sprintf("in wave %d of %d", run.Wave, waves)
	}
	done, all := written(run)
	return fmt.Sprintf("run %s was interrupted %s: %s does not hold the lock any more; %d of %d objects are recorded as written; continue it with `fairtide resume -e %s`, or plan and apply anew",
		run.ID, where, run.Writer(), done, all, run.Environment)
}

// written counts the objects of a run that it wrote.
func written(run model.Run) (done, all int) {
	for _, o := range run.Objects {
		if o.Result != model.ResultPending && o.Result != model.ResultFailed {
			done++
		}
	}
	return done, len(run.Objects)
}

// ended tells the end of a run, unless another one is to take it back.
func (f *follower) ended(run model.Run) {
	f.out.stop()
	f.doubt = time.Time{}
	f.tale.settle(run)
	switch {
	case f.failed != nil && run.State == model.RunSucceeded:
		f.conclude(*f.failed, fmt.Sprintf("; rolled back to %s by run %s", model.Short(run.Commit), run.ID))
	case f.failed != nil:
		f.conclude(*f.failed, "; not rolled back: "+firstOf(run.Reason, string(run.State)))
	case f.rollsBack(run):
		f.failed = &run
		f.patience = f.engine.cfg.Now().Add(backWithin)
		f.log.tell(model.Event{Type: model.EventNote, Message: fmt.Sprintf("%s; rolling back to %s, as the policy asks for", run.Reason, model.Short(run.From))})
	default:
		f.conclude(run, "")
	}
}

// rollsBack reports whether the run that was watched as it failed is going to
// be taken back by another one.
func (f *follower) rollsBack(run model.Run) bool {
	return run.State == model.RunFailed && run.RollsBack == "" && run.From != "" && run.From != run.Commit &&
		f.site.env.Rollout.OnFailure == model.FailRollback
}

// conclude tells the end of the whole story; more is what came after the run.
func (f *follower) conclude(run model.Run, more string) {
	f.done = true
	code := endOf(run)
	number := int(code)
	ev := model.Event{Type: model.EventFinished, State: run.State, ExitCode: &number, Time: run.FinishedAt}
	if run.State != model.RunSucceeded {
		ev.Message = firstOf(run.Reason, "run "+run.ID+" "+string(run.State)) + more
		f.err = &model.Error{Code: code, Err: errors.New(ev.Message)}
	}
	f.log.run = run.ID
	f.log.tell(ev)
}

func (f *follower) tellAway(n model.RunNews) {
	if n.Away.IsZero() != f.away.IsZero() {
		f.log.tell(awayEvent(n.Away, n.Reason))
	}
	if f.away = n.Away; !f.away.IsZero() || n.Reason == f.refuse {
		return
	}
	if f.refuse = n.Reason; n.Reason != "" {
		f.log.tell(model.Event{Type: model.EventNote, Message: n.Reason})
	}
}

func clockTime(t time.Time) string { return t.UTC().Format("15:04:05 MST") }
