package tui

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/tui/action"
)

func TestHelpIsSearched(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "enter", "?", "/")
		x.Type("pull req")
		x.Has("help / pull req", "Keys on the review page", "confirm pushing it and opening", "Keys on the proposed page", "merge the pull request")
		x.Lacks("Keys everywhere", "scroll the diff down")
		x.Press("enter")
		x.Has("only “pull req”", "search")
		x.Press("/", "backspace", "backspace", "backspace", "backspace", "backspace", "backspace", "backspace", "backspace")
		x.Type("xyzzy")
		x.Has("Nothing here has that.")
		x.Press("esc")
		x.Has("scroll to the next change of the object", "Keys on the review page")
		x.Press("/")
		x.Type("folded")
		x.Has("Signs")
		x.Press("enter", "esc")
		x.Has("Keys on the review page")
		x.Press("esc")
		x.Lacks("Keys on the review page")
	})
}

// TestHelpReachesEverything holds that every action and every sign is found by
// scrolling, on the smallest screen too.
func TestHelpReachesEverything(t *testing.T) {
	for _, size := range [][2]int{{60, 15}, {200, 60}} {
		play(t, size[0], size[1], nil, func(t *testing.T, x table) {
			x.Press("3", "?")
			var all strings.Builder
			for range 60 {
				all.WriteString(x.Screen())
				checkScreen(t, x, size[0], size[1])
				x.Press("space")
			}
			seen := strings.Join(strings.Fields(strings.ReplaceAll(all.String(), "│", " ")), " ")
			for _, act := range action.Defaults() {
				own, _ := x.app.keys.Get(act.ID, action.Home)
				if act.Scope == action.Everywhere && own.Scope == action.Home {
					continue // the page has it instead
				}
				if words := strings.Fields(act.Help); !strings.Contains(seen, words[0]) {
					t.Errorf("%s in %s is not in the help", act.ID, act.Scope)
				}
			}
			for _, want := range []string{"Keys on the home page", "Keys everywhere", "Signs", "unpredictable", "Keys on the windows page", "Keys while text is typed"} {
				if !strings.Contains(seen, want) {
					t.Errorf("%q is not in the help", want)
				}
			}
		})
	}
}
