package revert

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// TestClickingAWaySelectsIt holds that a way is selected by its title and by
// what is said of it, at any size.
func TestClickingAWaySelectsIt(t *testing.T) {
	env := model.Environment{Name: "production"}
	changes := []model.Change{{Commit: "aaaaaaa1", Title: "one"}, {Commit: "bbbbbbb2", Title: "two"}, {Commit: "ccccccc3", Title: "three"}}
	for _, size := range [][2]int{{60, 11}, {80, 20}, {120, 36}, {200, 56}} {
		p := New(env, Shipped(env.Name, "ddddddd4", changes))
		f := frame.Frame{W: size[0], H: size[1], Now: time.Unix(0, 0), Theme: theme.New(theme.Options{})}
		found := 0
		lines := p.Draw(f).Lines
		for y, l := range lines {
			for i, o := range p.options {
				if !strings.Contains(ansi.Strip(l), o.Title) {
					continue
				}
				found++
				if _, ok := p.Click(5, y); !ok || p.list.Index() != i {
					t.Errorf("%v: a click on line %d, %q, selected %d", size, y, o.Title, p.list.Index())
				}
				p.Draw(f)
			}
		}
		if found == 0 {
			t.Errorf("%v: no way is drawn", size)
		}
		was := p.list.Index()
		for _, y := range []int{-1, 0, len(lines) - 1, len(lines), 1000} {
			if _, ok := p.Click(5, y); ok || p.list.Index() != was {
				t.Errorf("%v: a click on line %d selected %d", size, y, p.list.Index())
			}
		}
	}
}
