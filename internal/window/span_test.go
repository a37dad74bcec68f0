package window

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// TestOpenAndFreezesAgreeWithEvaluate asks both at random instants.
func TestOpenAndFreezesAgreeWithEvaluate(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC"} {
		loc := zone(t, name)
		for range 40 {
			from := at(t, "2026-10-20T00:00:00Z").Add(time.Duration(rng.IntN(20*24*60)) * time.Minute)
			var rules []model.WindowRule
			for range 1 + rng.IntN(4) {
				rules = append(rules, randomRule(rng, loc, from))
			}
			to := from.Add(7 * 24 * time.Hour)
			open, frozen := Open(rules, from, to), Freezes(rules, from, to)
			for range 200 {
				now := from.Add(time.Duration(rng.IntN(7*24*60)) * time.Minute)
				w := Evaluate(rules, now)
				inOpen, inFreeze := false, false
				for _, s := range open {
					inOpen = inOpen || !now.Before(s.From) && now.Before(s.To)
				}
				for _, s := range frozen {
					inFreeze = inFreeze || !now.Before(s.From) && now.Before(s.To)
				}
				if inOpen != w.Open || inOpen && inFreeze {
					t.Fatalf("seed %d: %s: in a span %t, in a freeze %t, evaluated %+v\n%s", seed, now, inOpen, inFreeze, w, describeAll(Ask{Rules: rules}))
				}
			}
		}
	}
	if got := Open([]model.WindowRule{{Name: "x"}}, at(t, "2026-10-20T00:00:00Z"), at(t, "2026-10-21T00:00:00Z")); got != nil {
		t.Errorf("a rule that makes no sense is open: %v", got)
	}
}

func TestGrid(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	hours := func(year int, month time.Month, dayOfMonth int) (out []time.Duration) {
		grid := Grid(year, month, dayOfMonth, 1, 24, berlin)
		for i := 1; i < len(grid); i++ {
			out = append(out, grid[i].Sub(grid[i-1]))
		}
		return out
	}
	for i, d := range hours(2026, 3, 29) {
		if want := map[bool]time.Duration{true: 0, false: time.Hour}[i == 2]; d != want {
			t.Errorf("hour %d of the short day takes %s, want %s", i, d, want)
		}
	}
	for i, d := range hours(2026, 10, 25) {
		if want := map[bool]time.Duration{true: 2 * time.Hour, false: time.Hour}[i == 2]; d != want {
			t.Errorf("hour %d of the long day takes %s, want %s", i, d, want)
		}
	}
	// Beyond the zone's table the library's bounds of this day are wrong.
	far := Grid(2040, 12, 31, 2, 4, berlin)
	if got := far[len(far)-1]; !got.Equal(at(t, "2041-01-01T23:00:00Z")) {
		t.Errorf("the end of 1 January 2041 is %s", got)
	}
	week := Grid(2026, 12, 28, 7, 8, berlin)
	if got := week[len(week)-1]; !got.Equal(at(t, "2027-01-03T23:00:00Z")) || len(week) != 57 {
		t.Errorf("the week ends at %s after %d instants", got, len(week))
	}
}
