package tui

import (
	"testing"
	"time"
	_ "time/tzdata"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// weekOfWindows gives staging and production windows and freezes: a feast in
// the week of the tests, and nights over both transitions.
func weekOfWindows(b *tuitest.Backend, _ *Config) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // the zones are in the program
	}
	workdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	rule := func(name string, days []time.Weekday, start, end model.ClockTime) model.WindowRule {
		return model.WindowRule{Name: name, Location: berlin, Allow: &model.Schedule{Days: days, Start: start * 60, End: end * 60}}
	}
	freeze := func(name string, from, to time.Time) model.WindowRule {
		return model.WindowRule{Name: name, Location: berlin, Freeze: &model.Schedule{From: from, To: to}}
	}
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, berlin) }
	for i := range b.Envs {
		e := &b.Envs[i]
		switch e.Tier {
		case model.TierStaging:
			e.Windows = []model.WindowRule{rule("office hours", workdays, 7, 19)}
		case model.TierProduction:
			e.Windows = []model.WindowRule{
				rule("mornings", workdays[:4], 9, 11), rule("Saturday night", []time.Weekday{time.Saturday}, 22, 4),
				freeze("Thanksgiving", date(2026, 11, 26), date(2026, 11, 28)), freeze("year end", date(2026, 12, 20), date(2027, 1, 7)),
			}
		}
	}
}

func TestWindowsFollowTheSelectionOfHome(t *testing.T) {
	play(t, 120, 40, weekOfWindows, func(t *testing.T, x table) {
		x.Press("3", "w")
		x.Has("production  windows", "production  ✓ open, until 11:00", "mornings", "Thanksgiving", "Europe/Berlin, production's zone")
		x.Press("k")
		x.Has("staging  windows", "staging  ✓ open, until 19:00")
		x.Press("esc")
		x.Has("PENDING IN staging")
		x.Press("w", "k")
		x.Has("dev  ✓ always open", "no windows are configured")
		x.Press("esc")
		x.Has("PENDING IN dev")
	})
}

func TestWeeksTurnFarAndBack(t *testing.T) {
	play(t, 80, 24, weekOfWindows, func(t *testing.T, x table) {
		x.Press("3", "w")
		x.Has("WEEK 48  23–29 Nov 2026", "now 09:18")
		x.Press("]")
		x.Has("WEEK 49  30 Nov – 6 Dec 2026  next week")
		for range 600 {
			x.Send(tuitest.Key("]"))
		}
		x.Has("in 601 weeks")
		x.Lacks("now 09:1")
		x.Press(".", "[")
		x.Has("last week")
		x.Press(".")
		x.Has("now 09:1")
	})
}

func TestWhatIfAnswersWhileItIsTyped(t *testing.T) {
	play(t, 80, 24, weekOfWindows, func(t *testing.T, x table) {
		x.Press("3", "w", "t")
		x.Has("what if", "type a time: tomorrow 9:30")
		x.Type("thu 9:30")
		x.Has("Thu 26 Nov 2026 09:30 CET", "░ frozen, opens Sat 28 Nov 22:00", "frozen by Thanksgiving until 2026-11-28 00:00", "✓ staging open")
		x.Press("esc")
		x.Lacks("09:30 CET")
		x.Press("enter")
		x.Type("soon")
		x.Press("enter")
		x.Has(`"soon" is not understood`)
		x.Press("t")
		x.Type("2026-12-24 9:30")
		x.Press("enter")
		x.Has("WEEK 52", "frozen by year end until 2027-01-07 00:00", "▴ what if")
		x.Press("esc")
		x.Has("WEEK 48", "windows")
		x.Lacks("▴ what if")
		x.Press("esc")
		x.Has("PENDING IN production")
	})
}

func TestWindowsAreReadAgain(t *testing.T) {
	play(t, 80, 24, nil, func(t *testing.T, x table) {
		x.Press("3", "w")
		x.Has("Tue mornings")
		weekOfWindows(x.backend, nil)
		x.Press("ctrl+r")
		x.Has("Thanksgiving")
	})
}

func TestAClickInTheWeekAsksAboutTheTime(t *testing.T) {
	play(t, 120, 40, weekOfWindows, func(t *testing.T, x table) {
		x.Press("1", "w")
		const thursdayAtTen, production = 67, 8
		x.Send(tea.MouseClickMsg{X: thursdayAtTen, Y: production, Button: tea.MouseLeft})
		x.Send(tea.MouseReleaseMsg{X: thursdayAtTen, Y: production, Button: tea.MouseLeft})
		x.Pass(time.Second)
		x.Has("production  windows", "Thu 26 Nov 2026 10:00 CET", "frozen by Thanksgiving")
		x.Press("esc", "esc")
		x.Has("PENDING IN production")
	})
}
