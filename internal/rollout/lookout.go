package rollout

import (
	"context"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// lookout is the watch on the objects of a run that is followed.
type lookout struct {
	readings chan model.Progress // nil: nothing is watched
	ended    chan struct{}
	failure  error // once ended is closed
	cancel   context.CancelFunc
	targets  []model.Target
	began    time.Time
	due      time.Time // when to begin it anew; zero: there is no need
}

func (l *lookout) start(ctx context.Context, c Cluster, targets []model.Target, now time.Time) {
	l.stop()
	watching, cancel := context.WithCancel(ctx)
	readings, ended := make(chan model.Progress), make(chan struct{})
	l.readings, l.ended, l.cancel, l.failure = readings, ended, cancel, nil
	l.targets, l.began = targets, now
	go func() {
		defer close(ended)
		l.failure = c.Watch(watching, slices.Clone(targets), func(p model.Progress) {
			hand(watching, readings, p)
		}, nil) // the watch of the run tells of it
	}()
}

func (l *lookout) stop() {
	l.due = time.Time{}
	if l.cancel == nil {
		return
	}
	l.cancel()
	if l.ended != nil {
		drain(l.readings, l.ended)
	}
	l.readings, l.ended, l.cancel = nil, nil, nil
}

// lookOut watches what the run has applied. A watch that lacks something is
// begun anew, but not all the time.
func (f *follower) lookOut(ctx context.Context) {
	l, now := &f.out, f.engine.cfg.Now()
	l.due = time.Time{}
	targets := f.tale.targets(f.run)
	if len(targets) == 0 || slices.Equal(targets, l.targets) {
		return
	}
	if wait := lookoutPace - now.Sub(l.began); !l.began.IsZero() && wait > 0 {
		l.due = now.Add(wait)
		return
	}
	l.start(ctx, f.site.cluster, targets, now)
}

// lookoutEnded tells why the objects are seen no longer. What becomes of them
// is told from the record then.
func (f *follower) lookoutEnded() {
	failure := f.out.failure
	f.out.stop()
	text := "the objects cannot be watched, and are told of as the record of the run has them"
	if failure != nil {
		text += ": " + failure.Error()
	}
	f.log.tell(model.Event{Type: model.EventNote, Message: text})
}
