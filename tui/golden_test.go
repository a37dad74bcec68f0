package tui

import (
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// pages are ways to get each page onto the screen.
var pages = []struct {
	name    string
	prepare func(*tuitest.Backend, *Config)
	open    func(table)
	small   bool // drawn at 60x15 too
}{
	{name: "home", small: true, open: func(x table) { x.Press("3", "tab", "j") }},
	{name: "home-unreachable", open: func(x table) { x.Press("2") }, prepare: func(b *tuitest.Backend, _ *Config) {
		b.Fail("Status staging", fmt.Errorf("staging: cannot reach gke-staging at https://10.0.0.1: connection refused; check the VPN, then refresh"))
	}},
	{name: "home-offline", small: true, open: func(x table) { x.Press("3"); x.Pass(12 * time.Minute) }, prepare: func(b *tuitest.Backend, _ *Config) {
		b.Fail("Fetch", fmt.Errorf("environments: the host of https://github.com/acme/environments is not found (could not resolve host: github.com); check the network, the VPN and the URL"))
	}},
	{name: "change", small: true, open: func(x table) { x.Press("3", "tab", "j", "c") }},
	{name: "change-files", open: func(x table) { x.Press("3", "tab", "j", "c", "j") }},
	{name: "change-diff", small: true, open: func(x table) { x.Press("3", "tab", "j", "c", "j", "j") }},
	{name: "review", small: true, open: func(x table) { x.review() }},
	{name: "review-filtered", small: true, open: func(x table) { x.review(); x.Press("F"); x.Type("kind:dep") }},
	{name: "review-by-kind", small: true, open: func(x table) { x.review(); x.Press("t") }},
	{name: "review-by-wave", small: true, open: func(x table) { x.review(); x.Press("t", "t") }},
	{name: "review-reviewed", small: true, open: func(x table) { x.review(); x.Press("g", "space", "space", "space") }},
	{name: "review-alike", small: true, prepare: fleet, open: func(x table) { x.Press("3", "enter", "]", "]", "]") }},
	{name: "review-accepted", prepare: fleet, open: func(x table) { x.Press("3", "enter", "]", "]", "]", "A") }},
	{name: "review-diff", open: func(x table) { x.review(); x.Press("[", "enter", "|") }},
	{name: "review-unchanged", open: func(x table) { x.review(); x.Press("=", "]", "]") }},
	{name: "review-lens-git", open: func(x table) { x.review(); x.Press("g", "]", "v") }},
	{name: "review-lens-drift", open: func(x table) { x.review(); x.Press("g", "v", "v") }},
	{name: "review-drifted", open: func(x table) { x.review(); x.Press("g", "]") }},
	{name: "review-search", small: true, open: func(x table) { x.review(); x.Press("/"); x.Type("image"); x.Press("enter", "n") }},
	{name: "review-searching", small: true, open: func(x table) { x.review(); x.Press("/"); x.Type("s") }},
	{name: "review-copy", small: true, prepare: withMarkdown, open: func(x table) { x.review(); x.Press("y", "down", "down") }},
	{name: "keep", small: true, open: func(x table) { x.review(); x.Press("g", "]", "e") }},
	{name: "adopt-draft", small: true, open: func(x table) { x.toAdopt() }},
	{name: "kept", open: func(x table) { x.review(); x.Press("g", "]", "e"); x.Pass(time.Second); x.Press("tab", "enter") }},
	{name: "replace", small: true, prepare: rigid, open: func(x table) { x.review(); x.Press("g", "]", "x") }},
	{name: "replaced", prepare: rigid, open: func(x table) {
		x.review()
		x.Press("g", "]", "x")
		x.Pass(time.Second)
		x.Press("tab", "enter")
	}},
	{name: "review-rigid", small: true, prepare: rigid, open: func(x table) { x.review(); x.Press("g", "]") }},
	{name: "confirm-replace", small: true, prepare: rigid, open: func(x table) {
		x.review()
		x.Press("g", "]", "x")
		x.Pass(time.Second)
		x.Press("tab", "enter", "s")
	}},
	{name: "moved", small: true, open: func(x table) { x.ship(); x.Pass(time.Second) }, prepare: func(b *tuitest.Backend, _ *Config) {
		b.Fail("Apply", movedError(b))
	}},
	{name: "confirm", small: true, open: func(x table) { x.confirm(); x.Type("prod") }},
	{name: "confirm-refused", open: func(x table) { x.confirm() }, prepare: func(b *tuitest.Backend, _ *Config) { closeWindow(b, false) }},
	{name: "confirm-override", open: func(x table) { x.confirm() }, prepare: func(b *tuitest.Backend, _ *Config) { closeWindow(b, true) }},
	{name: "confirm-wait-only", small: true, open: func(x table) { x.confirm() }, prepare: func(b *tuitest.Backend, _ *Config) { afternoon(b, false) }},
	{name: "confirm-armable", small: true, prepare: armable, open: func(x table) { x.confirm(); x.Press("tab", "tab") }},
	{name: "confirm-for-kind", small: true, prepare: forDeployments, open: func(x table) { x.confirm() }},
	{name: "confirm-closing", small: true, prepare: closingSoon(model.OverrunStop), open: func(x table) { x.confirm() }},
	{name: "confirm-closing-finish", prepare: closingSoon(model.OverrunFinish), open: func(x table) { x.confirm() }},
	{name: "rollout-armed", small: true, prepare: armable, open: func(x table) { x.arm() }},
	{name: "rollout-armed-cancel", small: true, prepare: armable, open: func(x table) { x.arm(); x.Press("a") }},
	{name: "rollout-armed-quit", prepare: armable, open: func(x table) { x.arm(); x.Press("q") }},
	{name: "rollout-cancelled", small: true, prepare: armable, open: func(x table) {
		x.arm()
		x.Press("a")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Pass(time.Second)
	}},
	{name: "rollout-void", small: true, prepare: void, open: func(x table) { x.arm(); x.Pass(11 * time.Minute) }},
	{name: "home-armed", small: true, prepare: armable, open: func(x table) { x.arm(); x.Press("esc") }},
	{name: "review-armed", small: true, prepare: armable, open: func(x table) { x.arm(); x.Press("esc", "2", "enter") }},
	{name: "review-for-kind", small: true, prepare: forDeployments, open: func(x table) { x.review() }},
	{name: "home-skewed", small: true, prepare: skewed, open: func(x table) { x.Press("3") }},
	{name: "rollout", small: true, open: func(x table) { x.ship(); x.Pass(6 * time.Second) }},
	{name: "rollout-doomed", small: true, open: func(x table) { x.ship(); x.Pass(9 * time.Second) }, prepare: func(b *tuitest.Backend, _ *Config) {
		b.Script = tuitest.Broken(time.Second, 100)
	}},
	{name: "rollout-succeeded", small: true, open: func(x table) { x.ship(); x.Pass(20 * time.Second) }},
	{name: "rollout-failed", small: true, open: func(x table) { x.ship(); x.Pass(20 * time.Second) }, prepare: func(b *tuitest.Backend, _ *Config) {
		b.Script = tuitest.Broken(time.Second, 5)
	}},
	{name: "rollout-slow", small: true, prepare: slow, open: func(x table) { x.ship(); x.Pass(12 * time.Second) }},
	{name: "rollout-away", small: true, prepare: away, open: func(x table) { x.ship(); x.Pass(40 * time.Second) }},
	{name: "rollout-pausing", small: true, open: func(x table) { x.ship(); x.Pass(time.Second); x.Press("p") }},
	{name: "rollout-paused", small: true, open: func(x table) { x.ship(); x.Press("p"); x.Pass(6 * time.Second) }},
	{name: "rollout-aborted", small: true, open: func(x table) {
		x.ship()
		x.Pass(2 * time.Second)
		x.Press("a")
		x.Pass(time.Second)
		x.Press("tab", "enter")
		x.Pass(time.Second)
	}},
	{name: "rollout-abort", small: true, open: func(x table) { x.ship(); x.Pass(2 * time.Second); x.Press("a") }},
	{name: "rollout-interrupted", small: true, prepare: cutOff, open: func(x table) { x.Press("3", "r") }},
	{name: "rollout-resume", small: true, prepare: cutOff, open: func(x table) { x.Press("3", "C") }},
	{name: "rollout-resumed", small: true, prepare: cutOff, open: func(x table) { x.resume(); x.Pass(6 * time.Second) }},
	{name: "rollout-takeover", small: true, prepare: expired, open: func(x table) { x.ship(); x.Pass(time.Second) }},
	{name: "rollout-followed", small: true, prepare: elsewhere, open: func(x table) { x.Press("3", "r"); x.Pass(6 * time.Second) }},
	{name: "rollout-followed-abort", small: true, prepare: elsewhere, open: func(x table) { x.Press("3", "r"); x.Pass(6 * time.Second); x.Press("a") }},
	{name: "rollout-tree", small: true, prepare: broken, open: func(x table) { x.ship(); x.Pass(9 * time.Second); x.Press("enter"); x.Pass(time.Second) }},
	{name: "rollout-log", small: true, prepare: slow, open: func(x table) { x.ship(); x.Pass(12 * time.Second); x.Press("l"); x.Pass(time.Second) }},
	{name: "rollout-log-before", small: true, prepare: slow, open: func(x table) {
		x.ship()
		x.Pass(12 * time.Second)
		x.Press("l", "o")
		x.Pass(time.Second)
	}},
	{name: "home-interrupted", small: true, prepare: cutOff, open: func(x table) { x.Press("3") }},
	{name: "home-elsewhere", small: true, prepare: elsewhere, open: func(x table) { x.Press("3") }},
	{name: "rollout-testing", open: func(x table) { x.ship(); x.Pass(16 * time.Second) }, prepare: func(b *tuitest.Backend, _ *Config) {
		tuitest.Tested(b, time.Second, true)
	}},
	{name: "rollout-tests-failed", small: true, open: func(x table) { x.ship(); x.Pass(30 * time.Second) }, prepare: func(b *tuitest.Backend, _ *Config) {
		tuitest.Tested(b, time.Second, false)
	}},
	{name: "revert", small: true, open: func(x table) { x.Press("3", "tab", "j", "R") }},
	{name: "revert-conflict", small: true, open: func(x table) { x.Press("3", "tab", "j", "R", "enter") }, prepare: func(b *tuitest.Backend, _ *Config) { conflict(b) }},
	{name: "revert-draft", open: func(x table) { x.Press("3", "R", "enter", "]", "]") }},
	{name: "publish", small: true, open: func(x table) { x.Press("3", "R", "enter", "o") }},
	{name: "published", small: true, open: func(x table) { x.Press("3", "R", "enter"); x.publish() }},
	{name: "proposed", small: true, open: func(x table) { x.Press("3", "p", "j") }},
	{name: "proposed-conflict", open: func(x table) { x.Press("3", "p", "G") }},
	{name: "proposed-no-forge", open: func(x table) { x.Press("3", "p") }, prepare: func(b *tuitest.Backend, _ *Config) { b.Fail("Proposed", noForge()) }},
	{name: "proposed-diff", open: func(x table) { x.Press("3", "p", "enter", "]", "]", "]") }},
	{name: "merge", small: true, open: func(x table) { x.Press("3", "p", "M") }},
	{name: "merge-refused", open: func(x table) { x.Press("3", "p", "j", "M") }, prepare: func(b *tuitest.Backend, _ *Config) {
		b.Envs[2].Override = model.OverridePolicy{Allowed: true, Users: []string{"op7"}, Groups: []string{"sre"}}
	}},
	{name: "merge-override", small: true, open: func(x table) { x.Press("3", "p", "j", "M") }},
	{name: "merge-closed", open: func(x table) { x.Press("3", "p", "M") }, prepare: func(b *tuitest.Backend, _ *Config) { closeWindow(b, true) }},
	{name: "upgrades", small: true, open: func(x table) { x.Press("3", "u") }},
	{name: "history", small: true, open: func(x table) { x.Press("3", "h", "j") }},
	{name: "history-continued", small: true, open: func(x table) { x.Press("3", "h", "j", "c", "k") }},
	{name: "run-diff", small: true, open: func(x table) { x.Press("3", "h", "j", "d", "]") }},
	{name: "run-compared", small: true, open: func(x table) { x.Press("3", "h", "c", "j", "c") }},
	{name: "problems", small: true, prepare: troubled, open: func(x table) {
		x.Press("3", "h", "ctrl+r")
		x.backend.Fail("Status staging", nil)
		x.Press("esc", "ctrl+r", "!")
	}},
	{name: "problems-none", open: func(x table) { x.Press("!") }},
	{name: "windows", small: true, prepare: weekOfWindows, open: func(x table) { x.Press("3", "w") }},
	{name: "windows-none", small: true, open: func(x table) { x.Press("1", "w") }},
	{name: "windows-clocks-set", small: true, prepare: weekOfWindows, open: func(x table) {
		x.Press("3", "w", "t")
		x.Type("2027-03-28 02:30")
		x.Press("enter")
	}},
	{name: "windows-unreachable", prepare: func(b *tuitest.Backend, c *Config) {
		weekOfWindows(b, c)
		b.Fail("Status production", fmt.Errorf("production: cannot reach gke-production at https://10.0.0.1: connection refused; check the VPN, then refresh"))
	}, open: func(x table) { x.Press("3", "w") }},
	{name: "windows-whatif", small: true, prepare: weekOfWindows, open: func(x table) {
		x.Press("3", "w", "t")
		x.Type("thu 9:30")
	}},
	{name: "windows-calendars", small: true, prepare: calendars, open: func(x table) { x.Press("3", "w") }},
	{name: "windows-calendars-below", small: true, prepare: calendars, open: func(x table) { x.Press("3", "w", "pgdown", "pgdown") }},
	{name: "windows-unreadable", small: true, prepare: unreadableCalendar, open: func(x table) { x.Press("3", "w") }},
	{name: "windows-skewed", prepare: skewed, open: func(x table) { x.Press("3", "w") }},
	{name: "help", small: true, open: func(x table) { x.Press("3", "?") }},
	{name: "help-signs", small: true, open: func(x table) { x.Press("3", "?", "/"); x.Type("signs"); x.Press("enter") }},
	{name: "help-search", small: true, open: func(x table) { x.Press("3", "enter", "?", "/"); x.Type("pull req") }},
	{name: "palette", small: true, open: func(x table) { x.Press("3", ":") }},
	{name: "palette-filtered", small: true, open: func(x table) { x.review(); x.Press(":"); x.Type("re") }},
}

func TestPages(t *testing.T) {
	for _, p := range pages {
		sizes := [][2]int{{80, 24}, {120, 40}, {200, 60}}
		if p.small {
			sizes = append(sizes, [2]int{60, 15})
		}
		for _, s := range sizes {
			name := fmt.Sprintf("%s-%dx%d", p.name, s[0], s[1])
			t.Run(name, func(t *testing.T) {
				play(t, s[0], s[1], p.prepare, func(t *testing.T, x table) {
					p.open(x)
					checkScreen(t, x, s[0], s[1])
					tuitest.Golden(t, name, x.Screen())
				})
			})
		}
	}
}

// TestLooks keeps the styles of one page in each theme.
func TestLooks(t *testing.T) {
	looks := map[string]struct {
		prepare func(*tuitest.Backend, *Config)
		send    tea.Msg
	}{
		"dark":               {},
		"light":              {send: tea.BackgroundColorMsg{Color: white{}}},
		"256":                {send: tea.ColorProfileMsg{Profile: colorprofile.ANSI256}},
		"16":                 {send: tea.ColorProfileMsg{Profile: colorprofile.ANSI}},
		"deuteranopia":       {prepare: func(_ *tuitest.Backend, c *Config) { c.Theme = theme.Deuteranopia }},
		"deuteranopia-light": {prepare: func(_ *tuitest.Backend, c *Config) { c.Theme = theme.Deuteranopia }, send: tea.BackgroundColorMsg{Color: white{}}},
		"mono":               {prepare: func(_ *tuitest.Backend, c *Config) { c.NoColor = true }},
		"ascii":              {prepare: func(_ *tuitest.Backend, c *Config) { c.NoColor, c.ASCII = true, true }},
	}
	for name, look := range looks {
		t.Run(name, func(t *testing.T) {
			play(t, 120, 40, look.prepare, func(t *testing.T, x table) {
				if look.send != nil {
					x.Send(look.send)
				}
				x.review()
				tuitest.Golden(t, "look-"+name, x.Raw())
			})
		})
	}
}

type white struct{}

func (white) RGBA() (r, g, b, a uint32) { return 0xffff, 0xffff, 0xffff, 0xffff }

// fleet gives production's plan a release of twelve services, of which one
// changes otherwise too.
func fleet(b *tuitest.Backend, _ *Config) { tuitest.Fleet(b.Plans["production"], 12) }
