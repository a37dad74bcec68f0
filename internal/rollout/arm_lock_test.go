package rollout

import (
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// A lock that is held when it opens is waited for within the window, and in the
// next one: nobody is there to start the plan again.
func TestArmedWaitsForTheLock(t *testing.T) {
	since := time.Date(2026, 10, 5, 11, 58, 0, 0, time.UTC)
	held := func(y *yard, by string) {
		y.set(func(g *grounds) {
			g.lock, g.taken = nil, nil
			if by != "" {
				g.lock = &model.Lock{Holder: by, Since: since}
				g.rival = g.lock
				g.taken = model.Errorf(model.ExitLocked, "staging: locked by %s", by)
			}
		})
	}
	armed(t, nightly, func(_ *testing.T, y *yard) {
		y.arms("")
		held(y, "op2@host")
		y.after(3*time.Hour + time.Minute)
		y.waits("armed: the window is open, and it waits for the lock, which op2@host holds since Mon 2026-10-05 11:58 UTC")
		held(y, "")
		y.after(15 * time.Second)
		y.succeeds()
	})
	armed(t, daily, func(_ *testing.T, y *yard) { // another terminal is faster by a moment
		y.arms("")
		y.set(func(g *grounds) {
			g.taken, g.rival = model.Errorf(model.ExitLocked, "staging: locked by op2@host"), &model.Lock{Holder: "op2@host", Since: since}
		})
		y.after(3*time.Hour + time.Minute)
		y.waits("it waits for the lock")
		y.after(6 * time.Hour)
		y.waits("armed: waits until Tue 2026-10-06 12:00 UTC")
	})
	armed(t, nightly, func(_ *testing.T, y *yard) { // only a person can say that it may be taken
		y.arms("")
		y.set(func(g *grounds) {
			g.taken = &model.TakeOverError{Environment: "staging", Lock: model.Lock{Holder: "op2@host", Expires: since}}
		})
		y.after(3*time.Hour + time.Minute)
		y.refuses(model.ExitLocked, "take the lock over with a reason")
	})
	armed(t, sooner, func(_ *testing.T, y *yard) { // somebody is there, who is told
		held(y, "op2@host")
		y.arms("")
		y.refuses(model.ExitLocked, "locked by op2@host")
	})
}

// What cannot be asked at the moment it opens is waited for as well.
func TestArmedWaitsForWhatIsJudged(t *testing.T) {
	armed(t, nightly, func(_ *testing.T, y *yard) {
		y.arms("")
		y.after(time.Minute)
		y.set(func(g *grounds) { g.deaf = model.Errorf(model.ExitUnreachable, "the forge is away") })
		y.after(4 * time.Hour)
		y.waits("armed: since ", "it cannot be told whether it may start", "the forge is away")
		y.set(func(g *grounds) { g.deaf = nil })
		y.after(15 * time.Second)
		y.succeeds()
	})
}
