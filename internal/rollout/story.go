package rollout

import (
	"context"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// story hands a run's events out one at a time, stamped with the time they are
// told at unless they have one.
type story struct {
	mu   sync.Mutex
	now  func() time.Time
	emit func(model.Event)
	run  string
}

func newStory(now func() time.Time, emit func(model.Event)) *story {
	return &story{now: now, emit: emit}
}

// inTurn hands the events of several stories out one at a time.
func inTurn(emit func(model.Event)) func(model.Event) {
	var mu sync.Mutex
	return func(e model.Event) {
		mu.Lock()
		defer mu.Unlock()
		emit(e)
	}
}

func (s *story) tell(e model.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Run = s.run; e.Time.IsZero() {
		e.Time = s.now()
	}
	e.Time = e.Time.UTC()
	s.emit(e)
}

// whileHeld is a context that ends when ctx does, the lock is lost or somebody
// asks for an abort, with the cause; a function that ends it with another one;
// and one that frees the lock within a time limit, whatever became of ctx.
func whileHeld(ctx context.Context, l Lease) (held context.Context, end func(cause error), release func(limit time.Duration) error) {
	held, cancel := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-l.Lost():
			cancel(errLost)
		case by := <-l.Aborted():
			cancel(&abortError{by})
		case <-stop:
		}
	}()
	return held, func(cause error) { cancel(cause) }, func(limit time.Duration) error {
		close(stop)
		cancel(nil)
		ctx, done := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer done()
		return l.Release(ctx)
	}
}
