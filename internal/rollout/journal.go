package rollout

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// recordPace is the shortest time between two writes of a run's record that
// only tell of more objects: others who watch the run read along in it.
const recordPace = time.Second

// journal is a run's record while the run is under way, and what writes it. It
// is safe for concurrent use.
type journal struct {
	mu    sync.Mutex
	run   model.Run
	at    map[model.ObjectID]int // of run.Objects
	news  chan struct{}          // holds one token when objects have results that are not written
	write sync.Mutex             // one write at a time, in the order of what is written
	// unwritten is set when the last write failed, which is told once. write
	// guards it.
	unwritten bool
}

func newJournal() *journal { return &journal{news: make(chan struct{}, 1)} }

// set replaces the record as a whole.
func (j *journal) set(run model.Run) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.run, j.at = run, make(map[model.ObjectID]int, len(run.Objects))
	for i, o := range run.Objects {
		j.at[o.ID] = i
	}
}

// get is the record as it is now. The caller may keep it.
func (j *journal) get() model.Run {
	j.mu.Lock()
	defer j.mu.Unlock()
	run := j.run
	run.Objects = slices.Clone(run.Objects)
	return run
}

// update changes the record, but not which objects it has.
func (j *journal) update(change func(*model.Run)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.run)
}

// result is what became of an object; empty: the record does not have it.
func (j *journal) result(id model.ObjectID) model.ObjectResult {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i, ok := j.at[id]; ok {
		return j.run.Objects[i].Result
	}
	return ""
}

// mark notes what became of an object.
func (j *journal) mark(id model.ObjectID, now time.Time, change func(*model.RunObject)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i, ok := j.at[id]
	if !ok {
		return
	}
	was := j.run.Objects[i]
	o := was
	change(&o)
	if o == was {
		return
	}
	o.At = now.UTC()
	j.run.Objects[i] = o
	select {
	case j.news <- struct{}{}:
	default:
	}
}

// keep writes the record through save whenever objects have new results, until
// the function it returns is called.
func (j *journal) keep(save func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-j.news:
				save()
			case <-done:
				return
			}
			select {
			case <-time.After(recordPace):
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// mark notes what became of an object in the run's record.
func (x *execution) mark(id model.ObjectID, r model.ObjectResult, message string) {
	x.record.mark(id, x.engine.cfg.Now(), func(o *model.RunObject) { o.Result, o.Message = r, message })
}

// setState records that the run has moved on.
func (x *execution) setState(ctx context.Context, s model.RunState) {
	x.record.update(func(r *model.Run) { r.State = s })
	x.save(ctx)
}

// save writes the record of a run that is under way. The record is for others
// to look at: not being able to write it now does not stop the run. That
// somebody else has taken it over does.
func (x *execution) save(ctx context.Context) {
	if x.sandbox || !x.began {
		return
	}
	x.record.write.Lock()
	defer x.record.write.Unlock()
	err := x.site.cluster.SaveRun(ctx, x.record.get())
	switch {
	case err == nil:
		x.record.unwritten = false
	case ctx.Err() != nil:
	case model.CodeOf(err, model.ExitOK) == model.ExitLocked:
		x.lose(err)
	case !x.record.unwritten:
		x.record.unwritten = true
		x.log.tell(model.Event{Type: model.EventNote, Message: "the run's record could not be updated: " + err.Error()})
	}
}

// lose ends the run because a write to what is recorded was refused: somebody
// else has taken it over.
func (x *execution) lose(refused error) {
	x.stop(fmt.Errorf("%w: %w", errLost, refused))
}
