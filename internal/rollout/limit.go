package rollout

import "time"

// limit ends something that takes too long. While it is on hold no time goes by.
// It belongs to one goroutine. A nil one never ends anything.
type limit struct {
	timer *time.Timer
	left  time.Duration // when it was let go on last
	since time.Time     // when that was; zero: it is on hold
}

func newLimit(d time.Duration, end func()) *limit {
	return &limit{timer: time.AfterFunc(d, end), left: d, since: time.Now()}
}

func (l *limit) hold() {
	if l == nil || l.since.IsZero() || !l.timer.Stop() {
		return // or it is over
	}
	l.left -= time.Since(l.since)
	l.since = time.Time{}
}

func (l *limit) goOn() {
	if l == nil || !l.since.IsZero() {
		return
	}
	l.since = time.Now()
	l.timer.Reset(max(l.left, 0))
}
