package windows

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

var now = time.Date(2026, 11, 24, 8, 18, 0, 0, time.UTC) // Tuesday, 09:18 in Berlin

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func weekly(name string, loc *time.Location, days []time.Weekday, start, end model.ClockTime) model.WindowRule {
	return model.WindowRule{Name: name, Location: loc, Allow: &model.Schedule{Days: days, Start: start, End: end}}
}

var everyDay = []time.Weekday{0, 1, 2, 3, 4, 5, 6}

// cellsOf draws one environment's week without colour.
func cellsOf(t *testing.T, rules []model.WindowRule, loc *time.Location, monday time.Time, w int, ascii bool) string {
	t.Helper()
	f := frame.Frame{W: w, H: 20, Theme: theme.New(theme.Options{Depth: theme.Mono, ASCII: ascii})}
	a := newAxis(monday, loc, 0, w)
	s := ansi.Strip(a.strip(f, a.cells(rules), time.Time{}))
	if paint.Width(s) != a.width() || a.width() > w {
		t.Errorf("the week takes %d cells, its axis %d, in %d", paint.Width(s), a.width(), w)
	}
	return s
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func TestCells(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	thu := model.WindowRule{Name: "feast", Location: berlin, Freeze: &model.Schedule{
		From: time.Date(2026, 11, 26, 0, 0, 0, 0, berlin), To: time.Date(2026, 11, 27, 12, 0, 0, 0, berlin),
	}}
	noon := model.WindowRule{Name: "noon", Location: berlin, Freeze: &model.Schedule{Days: everyDay, Start: 12 * 60, End: 13 * 60}}
	mornings := weekly("mornings", berlin, everyDay, 9*60, 11*60)
	day := func(s string) string { return strings.TrimSpace(strings.Repeat(s+" ", 7)) }
	for _, c := range []struct {
		name   string
		rules  []model.WindowRule
		monday time.Time
		want   string
		ascii  string
	}{
		{"none", nil, date(2026, 11, 23), day("████████"), day("########")},
		{"the edges", []model.WindowRule{weekly("d", berlin, everyDay, 8*60, 16*60)}, date(2026, 11, 23), day("··▐██▌··"), day("..[##]..")},
		{"within one cell", []model.WindowRule{weekly("d", berlin, everyDay, 10*60, 11*60)}, date(2026, 11, 23), day("···▄····"), day("...+....")},
		{"over midnight", []model.WindowRule{weekly("d", berlin, everyDay, 22*60, 60)}, date(2026, 11, 23), day("▌······▐"), day("]......[")},
		{"a hole", []model.WindowRule{noon}, date(2026, 11, 23), day("████▐███"), day("####[###")},
		{
			"a freeze wins", []model.WindowRule{mornings, thu}, date(2026, 11, 23),
			"···▌···· ···▌···· ···▌···· ░░░░░░░░ ░░░░···· ···▌···· ···▌····",
			"...].... ...].... ...].... ******** ****.... ...].... ...]....",
		},
		{"an hour that is skipped", []model.WindowRule{weekly("d", berlin, everyDay, 2*60, 3*60)}, date(2026, 3, 23),
			"▐······· ▐······· ▐······· ▐······· ▐······· ▐······· ········",
			"[....... [....... [....... [....... [....... [....... ........"},
		{"an hour that comes twice", []model.WindowRule{weekly("d", berlin, everyDay, 0, 3*60)}, date(2026, 10, 19), day("█·······"), day("#.......")},
		{"no sense", []model.WindowRule{{Name: "x"}}, date(2026, 11, 23), day("········"), day("........")},
	} {
		if got := cellsOf(t, c.rules, berlin, c.monday, 64, false); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if got := cellsOf(t, c.rules, berlin, c.monday, 64, true); got != c.ascii {
			t.Errorf("%s in ASCII:\n got %s\nwant %s", c.name, got, c.ascii)
		}
	}
}

// TestASkippedHourIsBlank looks at hours one by one.
func TestASkippedHourIsBlank(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	a := newAxis(date(2026, 3, 23), berlin, 0, 200)
	cells := a.cells(nil)
	for i, c := range cells {
		want := open
		if i == 6*24+2 {
			want = skipped
		}
		if c != want {
			t.Errorf("cell %d is %d, want %d", i, c, want)
		}
	}
	if got := a.turns(); len(got) != 1 || !strings.HasPrefix(got[0], "Sun 29 Mar: the clock skips 02:00–03:00") {
		t.Errorf("of the transition it says %q", got)
	}
	if got := newAxis(date(2026, 10, 19), berlin, 0, 200).turns(); len(got) != 1 || !strings.HasPrefix(got[0], "Sun 25 Oct: 02:00–03:00 comes twice") {
		t.Errorf("of the transition it says %q", got)
	}
	if got := newAxis(date(2026, 11, 23), berlin, 0, 200).turns(); got != nil {
		t.Errorf("of a common week it says %q", got)
	}
}

// TestGlyphsTellCellsApart holds that no colour is needed.
func TestGlyphsTellCellsApart(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		f := frame.Frame{Theme: theme.New(theme.Options{Depth: theme.Mono, ASCII: ascii})}
		seen := map[string]cell{}
		for c := shut; c <= skipped; c++ {
			g, _ := look(f, c, false)
			if other, taken := seen[g]; taken {
				t.Errorf("cells %d and %d share the glyph %q", c, other, g)
			}
			seen[g] = c
		}
		states := map[string]string{}
		for _, s := range []standing{{WindowState: model.WindowState{Open: true}}, {frozen: true, ruled: true}, {ruled: true}, {ruled: true, guessed: true}} {
			g, _ := s.glyph(f)
			if other, taken := states[g]; taken {
				t.Errorf("%+v and %s share the glyph %q", s, other, g)
			}
			states[g] = s.word()
		}
	}
}

// TestCellsAgreeWithTheEvaluator compares random weeks with what Evaluate says
// at random instants of every cell.
func TestCellsAgreeWithTheEvaluator(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"}
	for range 60 {
		rules := randomRules(t, rng, zones)
		first := monday(date(2026, time.Month(1+rng.IntN(12)), 1+rng.IntN(28)))
		a := newAxis(first, zone(t, zones[rng.IntN(len(zones))]), 0, 60+rng.IntN(150))
		for i, c := range a.cells(rules) {
			length := a.bounds[i+1].Sub(a.bounds[i])
			if (c == skipped) != (length == 0) {
				t.Fatalf("seed %d: cell %d of %s is %d", seed, i, length, c)
			}
			if length == 0 {
				continue
			}
			at := a.bounds[i].Add(time.Duration(rng.Int64N(int64(length))).Truncate(time.Second))
			isOpen := window.Evaluate(rules, at).Open
			isFrozen := len(window.Freezes(rules, at, at.Add(time.Second))) > 0
			if c == open && !isOpen || (c == shut || c == frozen) && isOpen || c == shut && isFrozen {
				t.Fatalf("seed %d: cell %d is %d, and at %s it is open %t, frozen %t", seed, i, c, at, isOpen, isFrozen)
			}
			if got := a.cellOf(at); got != i {
				t.Fatalf("seed %d: %s is in cell %d, want %d", seed, at, got, i)
			}
			if got := a.cellAt(a.column(i)); got != i {
				t.Fatalf("seed %d: the column of cell %d is of %d", seed, i, got)
			}
		}
	}
}

func randomRules(t *testing.T, rng *rand.Rand, zones []string) []model.WindowRule {
	var out []model.WindowRule
	for i := range rng.IntN(5) {
		s := &model.Schedule{Start: model.ClockTime(rng.IntN(1440)), End: model.ClockTime(rng.IntN(1441))}
		for d := range week {
			if rng.IntN(2) == 0 {
				s.Days = append(s.Days, time.Weekday(d))
			}
		}
		r := model.WindowRule{Name: fmt.Sprintf("rule %d \x1b[2J 日本", i), Location: zone(t, zones[rng.IntN(len(zones))])}
		if rng.IntN(3) == 0 {
			r.Freeze = s
		} else {
			r.Allow = s
		}
		out = append(out, r)
	}
	return out
}

// page is a page over environments, with their statuses read.
func page(envs []model.Environment, skew time.Duration) (*Page, *slot.Slot[[]model.Environment]) {
	all := &slot.Slot[[]model.Environment]{Value: envs, Loaded: true, At: now}
	statuses := map[string]*slot.Slot[model.EnvironmentStatus]{}
	for _, e := range envs {
		statuses[e.Name] = &slot.Slot[model.EnvironmentStatus]{Loaded: true, Value: model.EnvironmentStatus{Clock: now.Add(-skew), Skew: skew}}
	}
	return New(all, func(env string) *slot.Slot[model.EnvironmentStatus] {
		if statuses[env] == nil {
			statuses[env] = &slot.Slot[model.EnvironmentStatus]{Err: errors.New("staging: cannot reach the cluster")}
		}
		return statuses[env]
	}, ""), all
}

func body(p *Page, w, h int) []string {
	f := frame.Frame{W: w, H: h, Now: now, Theme: theme.New(theme.Options{Depth: theme.Mono})}
	return p.Draw(f).Lines
}

// TestNoLineIsTooWide draws random environments on random screens.
func TestNoLineIsTooWide(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 4))
	zones := []string{"Europe/Berlin", "America/New_York", "UTC"}
	texts := []string{"", "+3h", "tomorrow 9:30", "2026-10-25 02:30", "9999-12-30", "0001-01-09", "nonsense", "30 feb"}
	for range 150 {
		var envs []model.Environment
		for i := range rng.IntN(12) {
			envs = append(envs, model.Environment{
				Name: strings.Repeat("名", rng.IntN(20)) + fmt.Sprint("env", i), Tier: model.Tiers[i%3], Windows: randomRules(t, rng, zones),
			})
		}
		p, all := page(envs, time.Duration(rng.IntN(7200)-3600)*time.Second)
		if rng.IntN(5) == 0 {
			all.Err = errors.New("the remote does not answer\nat all \x1b[31m")
		}
		for range 12 {
			w, h := 60+rng.IntN(240), 8+rng.IntN(60)
			lines := body(p, w, h)
			if len(lines) > h {
				t.Fatalf("seed %d: %d lines on %d", seed, len(lines), h)
			}
			for _, l := range lines {
				if paint.Width(l) > w || strings.ContainsAny(ansi.Strip(l), "\x1b\n\r\t") {
					t.Fatalf("seed %d: at %dx%d, %d cells: %q", seed, w, h, paint.Width(l), l)
				}
			}
			p.Head(frame.Frame{W: w, H: h, Now: now, Theme: theme.New(theme.Options{})})
			switch rng.IntN(6) {
			case 0:
				p.Ask()
				p.Try(texts[rng.IntN(len(texts))], now)
			case 1:
				p.Ask()
				p.Keep(texts[rng.IntN(len(texts))], now)
			case 2:
				p.Click(rng.IntN(w), rng.IntN(h))
			case 3:
				p.Wheel(rng.IntN(w), rng.IntN(h), rng.IntN(9)-4)
			default:
				p.Do([]action.ID{action.Down, action.Up, action.NextWeek, action.PrevWeek, action.ThisWeek, action.PageDown, action.PageUp, action.Bottom}[rng.IntN(8)], now)
			}
		}
	}
}

func TestTheClusterClockCounts(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	env := model.Environment{Name: "production", Windows: []model.WindowRule{weekly("mornings", berlin, everyDay, 9*60, 11*60)}}
	p, _ := page([]model.Environment{env}, 0)
	if got := strings.Join(body(p, 80, 20), "\n"); !strings.Contains(ansi.Strip(got), "open, until 11:00, 1 h 42 m left") {
		t.Errorf("at 09:18 it shows\n%s", ansi.Strip(got))
	}
	p, _ = page([]model.Environment{env}, time.Hour) // the cluster has 08:18
	got := ansi.Strip(strings.Join(body(p, 80, 20), "\n"))
	for _, want := range []string{"closed, opens 09:00, in 42 m", "now 08:18", "1 h 00 m ahead of it"} {
		if !strings.Contains(got, want) {
			t.Errorf("with a local clock that is an hour ahead, %q is missing:\n%s", want, got)
		}
	}
	unknown, _ := page(nil, 0)
	unknown.envs.Value = []model.Environment{env}
	got = ansi.Strip(strings.Join(body(unknown, 80, 30), "\n"))
	if !strings.Contains(got, "the cluster's is not known") || !strings.Contains(got, "cannot reach the cluster") {
		t.Errorf("without the cluster's clock it shows\n%s", got)
	}
}

func TestWhatIf(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	env := model.Environment{Name: "production", Windows: []model.WindowRule{weekly("mornings", berlin, everyDay, 9*60, 11*60)}}
	p, _ := page([]model.Environment{env}, 0)
	shows := func(want ...string) {
		t.Helper()
		got := ansi.Strip(strings.Join(body(p, 120, 36), "\n"))
		for _, s := range want {
			if !strings.Contains(got, s) {
				t.Errorf("%q is missing:\n%s", s, got)
			}
		}
	}
	p.Ask()
	shows("type a time: tomorrow 9:30")
	p.Try("thu 9:3", now)
	shows("is not understood")
	p.Try("thu 9:30", now)
	shows("Thu 26 Nov 2026 09:30 CET  in 2 d", "✓ open, until 11:00, 1 h 30 m left", "▴ what if")
	if got := p.Answer(now); got != "open until 26 Nov 11:00" {
		t.Errorf("in short it says %q", got)
	}
	p.Try("2027-06-01 12:00", now)
	shows("WEEK 22  31 May – 6 Jun 2027  in 27 weeks", "✗ closed, opens Wed 2 Jun 09:00, 21 h 00 m later")
	p.Drop()
	shows("WEEK 48  23–29 Nov 2026", "asks about another time")
	p.Ask()
	if note := p.Keep("never", now); !strings.Contains(note, "not understood") || p.asked.set() {
		t.Errorf("of nonsense it says %q", note)
	}
	p.Ask()
	if note := p.Keep("2026-10-25 02:30", now); note != "" {
		t.Errorf("of a good time it says %q", note)
	}
	shows("02:30 comes twice on 25 October 2026", "Sun 25 Oct: 02:00–03:00 comes twice", "30 d ago", "5 weeks ago")
	if !p.Leave() || p.Leave() || p.weeks != 0 {
		t.Error("leaving does not first let go of the time")
	}
}

func TestClickAsksAboutTheTime(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	rules := []model.WindowRule{weekly("mornings", berlin, everyDay, 9*60, 11*60)}
	p, _ := page([]model.Environment{{Name: "a", Windows: rules}, {Name: "b", Windows: rules}}, 0)
	for _, w := range []int{60, 80, 120, 200} {
		body(p, w, 20)
		d := p.drawn
		i := d.axis.cellOf(now.Add(48 * time.Hour))
		y := d.rows + 1
		if d.strip > 0 {
			if _, ok := p.Click(0, y); !ok || p.Place() != 2 {
				t.Errorf("at %d a click on a row selects place %d", w, p.Place())
			}
			y = d.strip
		}
		if _, ok := p.Click(d.axis.column(i), y); !ok || p.Place() != 2 || !p.asked.time.At.Equal(d.axis.bounds[i]) {
			t.Errorf("at %d a click on %s asks about %s in place %d", w, d.axis.bounds[i], p.asked.time.At, p.Place())
		}
		if _, ok := p.Click(3, d.rest); ok {
			t.Errorf("at %d a click below selects something", w)
		}
		p.Do(action.Top, now)
		p.Leave()
	}
	p.Wheel(3, 0, 1)
	if p.Place() != 2 {
		t.Errorf("the wheel selects place %d", p.Place())
	}
}

func TestWeeksEndWithTheCalendar(t *testing.T) {
	p, _ := page([]model.Environment{{Name: "a"}}, 0)
	for _, c := range []struct {
		text string
		id   action.ID
		want string
	}{{"9999-12-20", action.NextWeek, "9999"}, {"0001-01-20", action.PrevWeek, "0001"}} {
		p.Ask()
		if note := p.Keep(c.text, now); note != "" {
			t.Fatal(note)
		}
		for range 10 {
			p.Do(c.id, now)
		}
		if got := ansi.Strip(body(p, 80, 20)[0]); !strings.Contains(got, c.want) {
			t.Errorf("after %s and many %s: %s", c.text, c.id, got)
		}
	}
}
