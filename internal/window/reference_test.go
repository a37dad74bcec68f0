package window

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// The reference knows no intervals and no arithmetic on time zones: it looks
// at the clock on the wall once a minute and writes down what it shows.

const slack = 5 * 24 * 60 // minutes on the wall before and after those that are judged

type wall struct {
	begin time.Time
	shows []int // minute by minute, as minutes of a naive calendar
}

func watch(loc *time.Location, begin time.Time, minutes int) wall {
	w := wall{begin: begin, shows: make([]int, minutes)}
	for i := range w.shows {
		t := begin.Add(time.Duration(i) * time.Minute).In(loc)
		y, m, d := t.Date()
		w.shows[i] = int(time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, time.UTC).Unix() / 60)
	}
	return w
}

// mark sets in on the minutes of a schedule: from the first at which the wall
// shows its start or later, to the last at which it shows less than its end.
func (w wall) mark(on []bool, s *model.Schedule) {
	if s.OneOff() {
		for i := range on {
			t := w.begin.Add(time.Duration(i) * time.Minute)
			on[i] = on[i] || !t.Before(s.From) && t.Before(s.To)
		}
		return
	}
	length := int(s.End - s.Start)
	if length <= 0 {
		length += 24 * 60
	}
	first := time.Unix(int64(w.shows[0])*60, 0).UTC()
	for n := range len(w.shows)/(24*60) + 2 {
		date := time.Date(first.Year(), first.Month(), first.Day()+n, 0, 0, 0, 0, time.UTC)
		for _, d := range s.Days {
			if d != date.Weekday() {
				continue
			}
			start := int(date.Unix()/60) + int(s.Start)
			from, to := len(w.shows), -1
			for i, shown := range w.shows {
				if shown >= start && i < from {
					from = i
				}
				if shown < start+length {
					to = i
				}
			}
			for i := from; i <= to; i++ {
				on[i] = true
			}
		}
	}
}

func reference(rules []model.WindowRule, begin time.Time, minutes int) []bool {
	open, frozen := make([]bool, minutes), make([]bool, minutes)
	anyAllow := false
	for _, r := range rules {
		w := watch(r.Location, begin, minutes)
		if r.Allow != nil {
			anyAllow = true
			w.mark(open, r.Allow)
		} else {
			w.mark(frozen, r.Freeze)
		}
	}
	for i := range open {
		open[i] = (open[i] || !anyAllow) && !frozen[i]
	}
	return open
}

func randomRule(rng *rand.Rand, loc *time.Location, near time.Time) model.WindowRule {
	s := &model.Schedule{}
	if rng.IntN(5) == 0 {
		s.From = near.Add(time.Duration(rng.IntN(8*24*60)-4*24*60) * time.Minute)
		s.To = s.From.Add(time.Duration(1+rng.IntN(36*60)) * time.Minute)
	} else {
		for d := range 7 {
			if rng.IntN(3) > 0 {
				s.Days = append(s.Days, time.Weekday(d))
			}
		}
		// Mostly at night, where clocks are set.
		s.Start = model.ClockTime(rng.IntN(5 * 60))
		if rng.IntN(3) == 0 {
			s.Start = model.ClockTime(rng.IntN(24 * 60))
		}
		s.End = model.ClockTime((int(s.Start) + 1 + rng.IntN(6*60)) % (24 * 60))
		switch rng.IntN(8) {
		case 0:
			s.End = 24 * 60
		case 1:
			s.End = s.Start // a whole day of it
		}
	}
	r := model.WindowRule{Name: "r", Location: loc, Allow: s}
	if rng.IntN(3) == 0 {
		r.Allow, r.Freeze = nil, s
	}
	return r
}

func TestAgainstAMinuteByMinuteReference(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	zones := []string{
		"Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "America/Havana",
		"Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran",
		"Asia/Kolkata", "Europe/Dublin", "America/St_Johns", "Pacific/Kiritimati",
	}
	transitions := []string{"2011-12-30", "2018-11-04", "2026-03-08", "2026-03-29", "2026-10-04", "2026-10-25", "2026-11-01", "2032-10-31"}
	judged := 0
	for _, name := range zones {
		for _, date := range transitions {
			loc := zone(t, name)
			near := at(t, date+"T00:00:00Z")
			var r []model.WindowRule
			for range 1 + rng.IntN(4) {
				r = append(r, randomRule(rng, loc, near))
			}
			judged += compare(t, seed, r, near.Add(-36*time.Hour), 3*24*60)
		}
	}
	if judged < 400_000 {
		t.Errorf("only %d instants were judged", judged)
	}
}

// compare judges every minute by both, and at every tenth also the edge.
func compare(t *testing.T, seed uint64, r []model.WindowRule, begin time.Time, minutes int) int {
	t.Helper()
	open := reference(r, begin.Add(-slack*time.Minute), minutes+2*slack)
	for i := range minutes {
		now := begin.Add(time.Duration(i) * time.Minute)
		got := Evaluate(r, now)
		if want := open[slack+i]; got.Open != want {
			t.Fatalf("seed %d: %s (%s): open %t, the reference says %t\n%s", seed, now, r[0].Location, got.Open, want, describeAll(r))
		}
		if i%10 > 0 {
			continue
		}
		edge := slack + i
		for edge < minutes+slack && open[edge] == open[slack+i] {
			edge++
		}
		if edge == minutes+slack {
			continue // further than the reference looks
		}
		if want := begin.Add(time.Duration(edge-slack) * time.Minute); !got.Until.Equal(want) {
			t.Fatalf("seed %d: %s (%s): until %s, the reference says %s\n%s", seed, now, r[0].Location, got.Until, want, describeAll(r))
		}
	}
	return minutes
}

func describeAll(rules []model.WindowRule) (text string) {
	for _, r := range rules {
		kind := "allow "
		if r.Freeze != nil {
			kind = "freeze "
		}
		text += kind + Describe(r) + "\n"
	}
	return text
}
