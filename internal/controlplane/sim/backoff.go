package sim

import "time"

// The delays of a kubelet, scaled down to what people and tests wait for.
const (
	backoffFirst = time.Second
	backoffMost  = 10 * time.Second
	// backoffForget is how long a container has to run to start over.
	backoffForget = 2 * backoffMost
)

// Backoff is the growing delay between attempts. Its zero value is ready.
type Backoff struct{ delay time.Duration }

// Next returns the delay before the next attempt.
func (b *Backoff) Next() time.Duration {
	if b.delay == 0 {
		b.delay = backoffFirst
	} else {
		b.delay = min(2*b.delay, backoffMost)
	}
	return b.delay
}

// Ran takes note of how long an attempt went well.
func (b *Backoff) Ran(d time.Duration) {
	if d >= backoffForget {
		b.delay = 0
	}
}
