package rollout

import (
	"context"
	"time"
)

// quietWrites is how long no write may come to its end before it is asked whether
// the API server is there: writes themselves only wait for it.
const quietWrites = 5 * time.Second

// lookAlong tells, while objects are written, since when the API server is away,
// and that it is back. wrote is to be called whenever a write was answered, and
// stop when there are no more of them.
func (x *execution) lookAlong() (wrote, stop func()) {
	// Not under the lock: there the question would wait as the writes do.
	asking, cancel := context.WithCancel(context.Background())
	answered, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		x.lookWhile(asking, answered)
	}()
	wrote = func() {
		select {
		case answered <- struct{}{}:
		default:
		}
	}
	return wrote, func() {
		cancel()
		<-ended
	}
}

func (x *execution) lookWhile(asking context.Context, answered <-chan struct{}) {
	var gone time.Time // since when it is away
	last := x.engine.cfg.Now()
	quiet := time.NewTimer(quietWrites)
	defer quiet.Stop()
	for {
		var err error
		select {
		case <-answered:
		case <-quiet.C:
			once, cancel := context.WithTimeout(asking, quietWrites)
			_, err = x.site.cluster.Info(once)
			cancel()
			if asking.Err() != nil {
				continue // there are no more writes, and the last one may have told
			}
		case <-asking.Done():
			select {
			case <-answered:
			default:
				if gone.IsZero() || !x.answers(context.WithoutCancel(asking)) {
					return
				}
			}
			x.stillAway(gone, last, nil)
			return
		}
		if gone = x.stillAway(gone, last, err); err == nil {
			last = x.engine.cfg.Now()
		}
		quiet.Reset(quietWrites)
	}
}

// answers reports whether the API server answers at all.
func (x *execution) answers(ctx context.Context) bool {
	once, cancel := context.WithTimeout(ctx, quietWrites)
	defer cancel()
	_, err := x.site.cluster.Info(once)
	return err == nil
}
