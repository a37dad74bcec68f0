package heap

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTheBoundFollowsWhatIsInUse(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	b := &bound{least: 400, now: 400}
	for _, step := range []struct{ used, want int64 }{
		{0, 400}, {300, 400}, {302, 453}, {400, 600}, {390, 600}, {150, 400}, {100, 400}, {1000, 1500}, {900, 1500}, {10, 400},
	} {
		if b.look(step.used); b.now != step.want {
			t.Errorf("with %d in use the bound is %d, want %d", step.used, b.now, step.want)
		}
	}
}

func TestAUsersLimitStays(t *testing.T) {
	before := debug.SetMemoryLimit(1 << 40)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	t.Setenv("GOMEMLIMIT", "1TiB")
	Bound(1 << 30)
	if got := debug.SetMemoryLimit(-1); got != 1<<40 {
		t.Errorf("the limit is %d", got)
	}
}

func TestTheBoundIsLookedAtAfterACollection(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	held := make([]byte, 8<<20)
	Bound(4 << 20)
	runtime.GC()
	for range 1000 {
		if debug.SetMemoryLimit(-1) >= 12<<20 {
			runtime.KeepAlive(held)
			return
		}
		runtime.GC()
		runtime.Gosched()
	}
	t.Errorf("the limit is still %d with 8 MiB in use", debug.SetMemoryLimit(-1))
}
