// Package slot holds what was read in the background: the last good value, its
// age, the last error, and whether a newer reading is under way. Readings are
// numbered; the result of any but the newest is dropped.
package slot

import (
	"context"
	"time"
)

// Patience is how long a reading may take before the screen says so. A word
// that flashes by is noise.
const Patience = 200 * time.Millisecond

// Slot is one value read in the background. The zero Slot is empty.
type Slot[T any] struct {
	Value  T
	Err    error     // of the last reading; the value of the one before is kept
	Loaded bool      // Value was read at least once
	At     time.Time // when Value was read

	epoch  int
	since  time.Time
	cancel context.CancelFunc
}

// Begin starts a reading and ends the one before it. The reader works under
// the returned context and hands the epoch back to Done.
func (s *Slot[T]) Begin(ctx context.Context, now time.Time) (context.Context, int) {
	s.Stop()
	s.epoch++
	s.since = now
	ctx, s.cancel = context.WithCancel(ctx)
	return ctx, s.epoch
}

// Done takes a reading's result. It reports whether it was the newest one;
// else nothing changes.
func (s *Slot[T]) Done(epoch int, v T, err error, now time.Time) bool {
	if epoch != s.epoch || s.cancel == nil {
		return false
	}
	s.Stop()
	if s.Err = err; err == nil {
		s.Value, s.Loaded, s.At = v, true, now
	}
	return true
}

// Stop ends the reading under way, if any; its result will be dropped.
func (s *Slot[T]) Stop() {
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
}

// Busy reports whether a reading is under way.
func (s *Slot[T]) Busy() bool { return s.cancel != nil }

// Slow reports whether a reading has been under way long enough to say so.
func (s *Slot[T]) Slow(now time.Time) bool {
	return s.Busy() && now.Sub(s.since) >= Patience
}
