package windows

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/internal/recur"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// Rules that recur are drawn and told as the others are, and a cutoff is shut.
func TestRulesThatRecur(t *testing.T) {
	utc := zone(t, "UTC")
	cron, err := recur.Cron("0 9 * * 1-5")
	if err != nil {
		t.Fatal(err)
	}
	rrule, err := recur.RRule("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", date(2026, 11, 23), utc)
	if err != nil {
		t.Fatal(err)
	}
	rules := []model.WindowRule{
		{Name: "days", Location: utc, Allow: &model.Schedule{Starts: cron, Duration: 9 * time.Hour}, Cutoff: 3 * time.Hour},
		{Name: "every other Wednesday", Location: utc, Freeze: &model.Schedule{Starts: rrule, Duration: 24 * time.Hour}},
	}
	const open, frozen, shut = "...##...", "xxxxxxxx", "........"
	for monday, want := range map[time.Time]string{
		date(2026, 11, 23): strings.Join([]string{open, open, frozen, open, open, shut, shut}, " "),
		date(2026, 11, 30): strings.Join([]string{open, open, open, open, open, shut, shut}, " "),
	} {
		got := cellsOf(t, rules, utc, monday, 64, true)
		f := frame.Frame{Theme: theme.New(theme.Options{Depth: theme.Mono, ASCII: true})}
		if want = strings.ReplaceAll(want, "x", f.Glyph.Frozen); got != want {
			t.Errorf("the week of %s:\n got %s\nwant %s", monday.Format(time.DateOnly), got, want)
		}
	}
	f := frame.Frame{W: 120, H: 20, Now: date(2026, 11, 25).Add(10 * time.Hour), Theme: theme.New(theme.Options{Depth: theme.Mono})}
	envs := []model.Environment{{Name: "production", Windows: rules}}
	about, _ := page(envs, 0)
	lines := ansi.Strip(strings.Join(about.ruleLines(f, envs[0], 120), "\n"))
	for _, want := range []string{
		"days  Mon–Fri 09:00 for 9 hours UTC, no start in the last 3 hours",
		"every other Wednesday  FREQ=WEEKLY;INTERVAL=2;BYDAY=WE for 1 day UTC",
	} {
		if !strings.Contains(lines, want) {
			t.Errorf("%q is not in\n%s", want, lines)
		}
	}
}

// To override is advised to whom the policy lets, and to nobody else.
func TestWhoMayOverrideIsAdvised(t *testing.T) {
	broken := model.WindowRule{
		Name: "holidays", Location: time.UTC, Freeze: &model.Schedule{}, Source: &model.WindowSource{URL: "https://calendar.example/x.ics"},
		Unreadable: "it cannot be read; try again later, or override with a reason",
	}
	for _, c := range []struct {
		policy model.OverridePolicy
		times  int // where it stands, what if, and the rule
	}{
		{model.OverridePolicy{}, 0},
		{model.OverridePolicy{Allowed: true}, 3},
		{model.OverridePolicy{Allowed: true, Users: []string{"op1"}}, 3},
		{model.OverridePolicy{Allowed: true, Groups: []string{"release"}}, 3},
		{model.OverridePolicy{Allowed: true, Users: []string{"op2"}}, 0},
	} {
		env := model.Environment{Name: "production", Windows: []model.WindowRule{broken}, Override: c.policy}
		p, _ := page([]model.Environment{env}, 0)
		st := &p.status("production").Value
		st.User, st.Groups, st.Rules = "op1", []string{"release"}, env.Windows
		p.Keep("+3h", now)
		lines := ansi.Strip(strings.Join(body(p, 250, 60), "\n"))
		if got := strings.Count(lines, "override"); got != c.times {
			t.Errorf("%+v: advised %d times, want %d\n%s", c.policy, got, c.times, lines)
		}
	}
}
