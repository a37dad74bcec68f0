package tui

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// wish is something that a newcomer wants to do.
type wish struct {
	name string
	// think are words for it, the closest first, and then those for where it
	// may be found. Each is looked for in the footer, and then in the help.
	think []string
	done  func(screen string) bool
}

func shows(texts ...string) func(string) bool {
	return func(screen string) bool {
		return !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(screen, s) })
	}
}

// wishes are what has to be found within three keys from home.
var wishes = []wish{
	{
		name: "the diff of a pending change", think: []string{"review"},
		done: shows("production  review", "hunk 1 of 2"),
	},
	{
		name: "the next hunk", think: []string{"next hunk", "review"},
		done: shows("hunk 2 of 2"),
	},
	{
		name: "mark something as reviewed", think: []string{"mark the object as reviewed", "reviewed", "review"},
		done: shows("1 of 4 reviewed"),
	},
	{
		name: "what the windows would say at another time", think: []string{"what if", "windows"},
		done: shows("WHAT IF", "type a time"),
	},
	{
		name: "the history of an environment", think: []string{"history"},
		done: shows("production  history", "production-118"),
	},
	{
		name: "the revert of the last run", think: []string{"revert what the selected run shipped", "history"},
		done: shows("production  revert", "as it was before #36, #35"), // they are production-118's
	},
}

// TestANewcomerFindsTheWay walks from home by what the screen says alone.
// Reading the help is no step: it is left again where it was opened.
func TestANewcomerFindsTheWay(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for _, want := range wishes {
			t.Run(fmt.Sprintf("%s %dx%d", want.name, size[0], size[1]), func(t *testing.T) {
				play(t, size[0], size[1], twoHunksFirst, func(t *testing.T, x table) {
					n := newcomer{t: t, x: x}
					n.choose("production")
					for len(n.pressed) < 3 && !want.done(x.Screen()) {
						n.step(want.think)
					}
					if !want.done(x.Screen()) {
						t.Fatalf("%s was not found with %q:\n%s", want.name, n.pressed, x.Screen())
					}
					t.Logf("%s: %s", want.name, strings.Join(n.pressed, " "))
				})
			})
		}
	}
}

// twoHunksFirst takes the deletion off the plan, so that the object at its top
// has two hunks.
func twoHunksFirst(b *tuitest.Backend, _ *Config) {
	p := b.Plans["production"]
	p.Objects = p.Objects[1:]
}

// newcomer knows nothing but what is on the screen.
type newcomer struct {
	t       *testing.T
	x       table
	pressed []string
}

// hint is what the screen says of a key.
type hint struct{ key, text string }

func (n *newcomer) press(key string) {
	n.pressed = append(n.pressed, key)
	n.x.Press(key)
}

// choose goes to an environment of the list on the home page, as the help says
// that its place selects it.
func (n *newcomer) choose(env string) {
	n.t.Helper()
	h, ok := find(n.help(), "select an environment by its place")
	if !ok || !strings.HasPrefix(h.key, "1 ") {
		n.t.Fatalf("the help does not say how to select an environment: %+v", h)
	}
	place := 0
	for l := range strings.Lines(n.x.Screen()) {
		if name := strings.Fields(strings.TrimPrefix(strings.TrimSpace(l), "▌ ")); len(name) > 0 && slices.Contains([]string{"dev", "staging", "production"}, name[0]) {
			if place++; name[0] == env {
				n.press(fmt.Sprint(place))
				return
			}
		}
	}
	n.t.Fatalf("%s is not listed:\n%s", env, n.x.Screen())
}

// step presses the key that promises most.
func (n *newcomer) step(think []string) {
	n.t.Helper()
	footer := n.footer()
	help := n.help()
	for _, words := range think {
		for _, hints := range [][]hint{footer, help} {
			if h, ok := find(hints, words); ok {
				n.press(name(strings.Fields(h.key)[0]))
				return
			}
		}
	}
	n.t.Fatalf("neither the footer nor the help has any of %q after %q:\n%+v\n%+v\n%s", think, n.pressed, footer, help, n.x.Screen())
}

// name is how a test presses a key that the screen shows.
func name(shown string) string {
	for _, key := range []string{"up", "down", "left", "right", "pgup", "pgdown"} {
		if action.Show(key) == shown {
			return key
		}
	}
	return shown
}

// find is the first hint with the words. A key is wanted, not a command.
func find(hints []hint, words string) (hint, bool) {
	i := slices.IndexFunc(hints, func(h hint) bool {
		return strings.Contains(strings.ToLower(h.text), words) && !strings.HasPrefix(h.key, ":")
	})
	if i < 0 {
		return hint{}, false
	}
	return hints[i], true
}

var apart = regexp.MustCompile(` {2,}`)

// footer reads the last line: keys and their labels, two blanks or more apart.
func (n *newcomer) footer() []hint {
	lines := strings.Split(n.x.Screen(), "\n")
	var out []hint
	for _, part := range apart.Split(strings.TrimSpace(lines[len(lines)-1]), -1) {
		if key, label, ok := strings.Cut(part, " "); ok {
			out = append(out, hint{key, label})
		}
	}
	return out
}

// help opens the help, reads what it says of this page and of everywhere, and
// closes it.
func (n *newcomer) help() []hint {
	n.t.Helper()
	n.x.Press("?")
	var out []hint
	read := map[string]bool{}
	for here := true; here; {
		before := n.x.Screen()
		for l := range strings.Lines(before) {
			_, rest, ok := strings.Cut(l, "│  ")
			if !ok {
				continue
			}
			text, _, _ := strings.Cut(rest, "│")
			if strings.HasPrefix(strings.TrimSpace(text), "Signs") {
				here = false
				break
			}
			if text = strings.TrimRight(text, " "); read[text] {
				continue
			}
			read[text] = true
			parts := apart.Split(strings.TrimSpace(text), 2)
			switch {
			case strings.HasPrefix(text, "  ") && len(parts) == 2:
				out = append(out, hint{parts[0], parts[1]})
			case strings.HasPrefix(strings.TrimSpace(text), "– not now") && len(out) > 0:
				out = out[:len(out)-1]
			case strings.HasPrefix(text, "   ") && len(out) > 0:
				out[len(out)-1].text += " " + strings.TrimSpace(text)
			}
		}
		n.x.Press("space")
		here = here && n.x.Screen() != before
	}
	n.x.Press("esc")
	if len(out) == 0 {
		n.t.Fatalf("the help says nothing:\n%s", n.x.Screen())
	}
	return out
}

// TestTheNewcomerReads holds the newcomer's eyes to what is on the screen.
func TestTheNewcomerReads(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		n := newcomer{t: t, x: x}
		n.choose("production")
		if h, ok := find(n.footer(), "help"); !ok || h.key != "?" {
			t.Errorf("read of the help in the footer: %+v", n.footer())
		}
		for _, act := range x.app.keys.In("home") {
			if why := x.app.whyOn("home", act.ID); why != "" {
				continue
			}
			h, ok := find(n.help(), strings.ToLower(act.Help))
			if !ok || name(strings.Fields(h.key)[0]) != act.Keys[0] {
				t.Errorf("%s is read as %+v", act.ID, h)
			}
		}
	})
}
