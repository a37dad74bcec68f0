package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// feasts are the entries of a calendar.
type feasts []struct {
	from, to time.Time
	name     string
}

func (s feasts) Next(after, before int64) (from, to int64, name string, ok bool) {
	for _, e := range s {
		if e.to.Unix() > after && e.from.Unix() < before {
			return e.from.Unix(), e.to.Unix(), e.name, true
		}
	}
	return 0, 0, "", false
}

func (feasts) String() string { return "calendar ops/holidays.ics" }

// ruled gives production rules: mornings, with a calendar of freezes, and
// others that are about some kinds only.
func ruled(b *tuitest.Backend, more ...model.WindowRule) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // the zones are in the program
	}
	date := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 0, 0, 0, 0, berlin) }
	rules := append([]model.WindowRule{
		{Name: "mornings", Location: berlin, Allow: &model.Schedule{
			Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday}, Start: 9 * 60, End: 11 * 60,
		}},
		{
			Name: "holidays", Location: berlin, Source: &model.WindowSource{File: "ops/holidays.ics"},
			Freeze: &model.Schedule{Spans: feasts{
				{date(time.November, 26), date(time.November, 28), "Thanksgiving"},
				{date(time.December, 20), date(time.December, 31), "year end"},
			}},
		},
	}, more...)
	setRules(b, rules, time.Now())
}

func setRules(b *tuitest.Backend, rules []model.WindowRule, now time.Time) {
	b.Envs[2].Windows = rules
	st := b.Statuses["production"]
	st.Rules = rules
	w := window.Ask{Rules: rules}.At(now)
	st.Window = &w
	b.Statuses["production"] = st
}

// nights lets objects of some kinds be written at night only.
func nights(kinds ...string) model.WindowRule {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return model.WindowRule{
		Name: "Saturday night", Location: berlin, Scope: model.WindowScope{Kinds: kinds},
		Allow: &model.Schedule{Days: []time.Weekday{time.Saturday}, Start: 22 * 60, End: 4 * 60},
	}
}

func calendars(b *tuitest.Backend, _ *Config) {
	ruled(b, nights("StatefulSet", "PersistentVolumeClaim"))
	b.Envs[2].Windows[1].Aside = "holidays: from the cache, fetched 3 h ago: cal.example.com does not answer"
	setRules(b, b.Envs[2].Windows, time.Now())
}

func unreadableCalendar(b *tuitest.Backend, _ *Config) {
	ruled(b)
	r := &b.Envs[2].Windows[1]
	r.Freeze, r.Unreadable = &model.Schedule{}, "ops/holidays.ics:12: a line of an event has no colon"
	setRules(b, b.Envs[2].Windows, time.Now())
}

// forDeployments lets Deployments be written on Wednesdays only.
func forDeployments(b *tuitest.Backend, _ *Config) {
	rule := nights("Deployment")
	rule.Name, rule.Allow = "Wednesdays", &model.Schedule{Days: []time.Weekday{time.Wednesday}, Start: 9 * 60, End: 12 * 60}
	ruled(b, rule)
}

// afternoon is a Tuesday on which the mornings are over.
func afternoon(b *tuitest.Backend, override bool) {
	ruled(b)
	b.Envs[2].Windows[0].Allow.Start, b.Envs[2].Windows[0].Allow.End = 7*60, 9*60
	setRules(b, b.Envs[2].Windows, time.Now())
	b.Envs[2].Override.Allowed = override
	opens := b.Statuses["production"].Window.NextOpen
	b.Script = tuitest.Waiting(opens, tuitest.Succeeding(b, time.Second))
}

func armable(b *tuitest.Backend, _ *Config) { afternoon(b, true) }

// closingSoon has a window that closes before a run of the usual length ends.
func closingSoon(overrun model.Overrun) func(*tuitest.Backend, *Config) {
	return func(b *tuitest.Backend, _ *Config) {
		ruled(b)
		b.Envs[2].Windows[0].Allow.End = 9*60 + 25
		for i := range b.Histories["production"] {
			r := &b.Histories["production"][i]
			r.FinishedAt = r.StartedAt.Add(12 * time.Minute)
		}
		b.Envs[2].Overrun = overrun
		setRules(b, b.Envs[2].Windows, time.Now())
	}
}

// arm fills the dialog in and lets the plan wait.
func (x table) arm() {
	x.confirm()
	x.Press("tab", "tab")
	x.Type("production")
	x.Press("tab", "tab")
	x.Pass(time.Second)
	x.Press("enter")
}

func TestWindowsAreTheCalendarsThatWereRead(t *testing.T) {
	play(t, 120, 40, calendars, func(t *testing.T, x table) {
		x.Press("3", "w")
		x.Has("holidays: Thanksgiving", "next: Thanksgiving, Thu 26 Nov – Fri", "ops/holidays.ics", "fetched 3 h ago",
			"only about StatefulSet,", "1 rule is about")
		x.Press("t")
		x.Type("thu 9:30")
		x.Has("frozen", "░ frozen, opens Mon 30 Nov 09:00")
	})
	play(t, 120, 40, unreadableCalendar, func(t *testing.T, x table) {
		x.Has("closed")
		x.Press("3", "w")
		x.Has("window closed, a calendar is unreadable", "until its calendar can be read", "closes as long", "has no colon")
		x.Press("esc", "h")
		x.Has("window closed, a calendar is unreadable")
	})
}

// A calendar that is not read yet closes, and is not taken for an empty one.
func TestACalendarThatIsNotReadCloses(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, c *Config) {
		ruled(b)
		b.Envs[2].Windows[1].Freeze = &model.Schedule{}
		b.Fail("Status production", model.Errorf(model.ExitUnreachable, "production: connection refused"))
	}, func(t *testing.T, x table) {
		x.Press("3", "w")
		x.Has("? closed", "together with the cluster's state")
	})
}

func TestThePlanDecidesAboutTheWindow(t *testing.T) {
	play(t, 120, 40, forDeployments, func(t *testing.T, x table) {
		x.Press("3")
		x.Has("open, closes 11:00")
		x.Press("enter")
		x.Has("window closed for Deployment, opens in 23 h")
		x.Press("s")
		x.Pass(time.Second)
		x.Has("closed for Deployment, opens in 23 h", "Wednesdays", "[ Cancel ]", "Start when it opens (Wed 09:00")
		x.Press("esc", "esc")
		x.Press("h")
		x.Has("window open, 1 h 4")
	})
}

// skewed is a computer whose clock is an hour late.
func skewed(b *tuitest.Backend, _ *Config) {
	ruled(b)
	st := b.Statuses["production"]
	st.Skew = -time.Hour // the cluster has 10:18
	b.Statuses["production"] = st
	setRules(b, st.Rules, time.Now().Add(time.Hour))
}

func TestTheClockOfTheClusterCounts(t *testing.T) {
	play(t, 120, 40, skewed, func(t *testing.T, x table) {
		x.Press("3")
		x.Has("! clock off 1 h")
		x.Has("open, closes 11:00, in 42 m", "the window goes by the cluster's, and this", "1 h 00 m behind it")
		x.Press("enter")
		x.Has("window open, 41 m left")
		x.Press("esc", "w")
		x.Has("41 m left", "this computer's is 1 h 00 m behind it")
	})
}

func TestWhatHappensAtClosingIsSaid(t *testing.T) {
	for overrun, want := range map[model.Overrun]string{
		model.OverrunFinish: "at 09:25 the run is finished all the same", model.OverrunStop: "no new wave begins after 09:25",
	} {
		play(t, 120, 40, closingSoon(overrun), func(t *testing.T, x table) {
			x.confirm()
			x.Has(want, "DOES NOT FIT", "the window closes in 6 m", "does not fit")
		})
	}
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		ruled(b)
		b.Envs[2].Windows[0].Cutoff = time.Hour
		setRules(b, b.Envs[2].Windows, time.Now())
	}, func(t *testing.T, x table) {
		x.confirm()
		x.Has("closes 10:00", "nothing starts after 10:00; at 11:00 the run is finished all the", ", fits")
		x.Lacks("NOT FIT")
	})
}

func TestArmingWaitsAndStarts(t *testing.T) {
	play(t, 120, 40, armable, func(t *testing.T, x table) {
		x.arm()
		x.applied(t, 1)
		x.Has("armed", "starts when the window opens", "opens in 21 h 41 m", "Wed 25 Nov 2026 07:00 CET", "outside mornings", "arming is void", "a cancels it: nothing")
		if got := x.app.title(); !strings.Contains(got, "armed, opens in 21 h") {
			t.Errorf("the title is %q", got)
		}
		if x.app.progress() != nil {
			t.Error("there is a progress bar for what waits")
		}
		x.Press("esc")
		x.Has("armed 21 h 41 m", "opens in 21 h 41 m, Wed 07:00")
		x.Press("enter")
		x.Has("a run waits for its window in production")
		x.Press("h")
		x.Has("◷ armed, opens in 21 h")
		x.Press("esc", "1", "w")
		x.Has("production armed, opens in 21 h")
		x.Press("esc", "3")
		x.Pass(21*time.Hour + 42*time.Minute)
		x.Has("the run in production has started")
		x.Pass(time.Minute)
		x.Press("r")
		x.Has("succeeded: production runs 8f2c1d7")
		x.Lacks("◷")
		x.applied(t, 1)
	})
}

func TestAnArmedRunIsCancelled(t *testing.T) {
	play(t, 120, 40, armable, func(t *testing.T, x table) {
		x.arm()
		x.Press("a")
		x.Has("Cancel the armed run in production?", "[ Keep waiting ]", "Nothing has been written yet")
		x.Pass(time.Second)
		x.Press("enter")
		x.Has("starts when the window opens")
		x.Press("a")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Pass(time.Second)
		x.Has("production  cancelled", "Nothing was written.")
		x.Press("esc")
		x.Lacks("armed")
	})
}

func TestQuittingAsksWhileArmed(t *testing.T) {
	play(t, 120, 40, armable, func(t *testing.T, x table) {
		x.arm()
		x.Press("q")
		x.Has("A run in production waits for its window. Quit?", "start by itself any more", "[ Stay ]")
		if x.Quit {
			t.Fatal("quit without asking")
		}
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Pass(time.Second)
		if !x.Quit {
			t.Error("did not quit")
		}
	})
}

func TestArmingWithoutAnOverride(t *testing.T) {
	play(t, 80, 24, func(b *tuitest.Backend, _ *Config) { afternoon(b, false) }, func(t *testing.T, x table) {
		x.confirm()
		x.Has("[ Cancel ]", "Start when it opens (Wed 07:00")
		x.Lacks("Override now", "Reason to override")
		x.Press("enter")
		x.applied(t, 0)
		x.Press("s")
		x.Pass(time.Second)
		x.Press("tab", "tab", "enter")
		x.Has("type production to go on")
		x.applied(t, 0)
		x.Type("production")
		x.Press("enter")
		x.Pass(2 * time.Second)
		x.Press("enter")
		x.applied(t, 1)
		x.Has("armed")
	})
}

// A requirement that waiting does not meet is no reason to wait.
func TestNothingIsArmedThatIsNotMet(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, c *Config) {
		afternoon(b, true)
		b.Plans["production"].Requirements = []model.Requirement{{Name: model.RequireSigned, Unmet: []string{"3d09a11 is not signed"}}}
	}, func(t *testing.T, x table) {
		x.confirm()
		x.Has("Reason to override the closed window, signed:", "Ship 8f2c1d7")
		x.Lacks("Start when it opens")
	})
	play(t, 120, 40, func(b *tuitest.Backend, c *Config) { demands(false)(b, c); afternoon(b, false) }, func(t *testing.T, x table) {
		x.confirm()
		x.Has("soak: #42 is live in staging", "Start when it opens") // it is, by then
	})
}

func TestAnOverrideInsteadOfArming(t *testing.T) {
	play(t, 120, 40, armable, func(t *testing.T, x table) {
		x.confirm()
		x.Has("Override now", "anybody may; who, why")
		x.Type("incident")
		x.Press("tab")
		x.Type("production")
		x.Press("tab")
		x.Pass(time.Second)
		x.Press("enter")
		x.applied(t, 1)
		if got := x.backend.Count("Apply production " + tuitest.Head + " incident"); got != 1 {
			t.Errorf("the reason did not arrive: %q", x.backend.Calls())
		}
		x.Has("rolling out")
	})
}

// void makes an armed plan end as another one would be applied.
func void(b *tuitest.Backend, c *Config) {
	armable(b, c)
	moved := movedError(b)
	b.Script = func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
		emit(model.Event{Time: time.Now(), Type: model.EventArmed, Until: time.Now().Add(time.Hour), Message: "armed: waits"})
		select {
		case <-time.After(10 * time.Minute):
		case <-ctx.Done():
		}
		return model.Run{}, moved
	}
}

func TestAVoidArmingSaysWhatMoved(t *testing.T) {
	play(t, 120, 40, void, func(t *testing.T, x table) {
		x.arm()
		x.Press("esc")
		x.Pass(11 * time.Minute)
		x.Has("The arming is void: production moved meanwhile", "Nothing was written", "Review again")
		x.Press("esc")
		x.Lacks("armed")
		x.Press("r")
		x.Has("production  void", "Nothing was written.")
	})
}

func TestMergeOverridesWhatIsNotMet(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Envs[2].Override = model.OverridePolicy{Allowed: true, Groups: []string{"sre"}}
		st := b.Statuses["production"]
		st.Groups = []string{"sre"}
		b.Statuses["production"] = st
	}, func(t *testing.T, x table) {
		x.Press("3", "p", "j", "M")
		x.Pass(time.Second)
		x.Has("Reason to override 2 unmet requirements:", "you (op1) may, as group sre", "[ Cancel ]")
		x.Type("hotfix")
		x.Press("tab")
		x.Type("production")
		x.Press("tab")
		x.Pass(time.Second)
		x.Press("enter")
		x.Settle()
		x.Has("#44 is merged")
		if got := x.backend.Count("Merge production 44 " + tuitest.StaleHead + " hotfix"); got != 1 {
			t.Errorf("the reason did not arrive: %q", x.backend.Calls())
		}
	})
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Envs[2].Override = model.OverridePolicy{Allowed: true, Groups: []string{"sre"}}
	}, func(t *testing.T, x table) {
		x.Press("3", "p", "j", "M")
		x.Pass(time.Second)
		x.Has("cannot be merged", "to others only: group sre", "[ Back ]")
	})
}

// A run that waits for its window does not advise whom the policy does not name
// to override.
func TestArmedAdvisesWhoMayOverride(t *testing.T) {
	for user, advised := range map[string]bool{"op1": true, "op2": false} {
		play(t, 200, 60, func(b *tuitest.Backend, c *Config) {
			armable(b, c)
			b.Envs[2].Override.Users = []string{user} // the operator is op1
			b.Statuses["production"].Window.Reason = "closed: outside mornings; wait, or override with a reason"
		}, func(t *testing.T, x table) {
			if advised {
				x.arm()
			} else { // there is nothing to choose: it can only wait
				x.confirm()
				x.Type("production")
				x.Press("tab")
				x.Pass(time.Second)
				x.Press("enter")
			}
			x.applied(t, 1)
			x.Has("outside mornings; wait")
			if strings.Contains(x.Screen(), "or override with a reason") != advised {
				t.Errorf("%s may override:\n%s", user, x.Screen())
			}
		})
	}
}
