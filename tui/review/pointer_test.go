package review

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// lineOf finds a text on the page, in the list or in the diff.
func lineOf(t *testing.T, lines []string, text string) (x, y int) {
	t.Helper()
	for y, l := range lines {
		l = ansi.Strip(l)
		if i := strings.Index(l, text); i >= 0 {
			return ansi.StringWidth(l[:i]), y
		}
	}
	t.Fatalf("%q is not on the page:\n%s", text, strings.Join(lines, "\n"))
	return 0, 0
}

func TestClicks(t *testing.T) {
	for _, size := range [][2]int{{200, 56}, {120, 36}, {80, 20}} {
		plan := release(4, "2")
		plan.Problem = "it is too large" // lines above the list
		p := opened(nil, plan)
		f := at(size[0], size[1])
		x, y := lineOf(t, p.Draw(f).Lines, "Deployment service-02")
		if _, ok := p.Click(x, y); !ok {
			t.Fatalf("%v: nothing is clicked", size)
		}
		drain(p.Follow())
		if o, _ := p.Selected(); o.ID.Name != "service-02" {
			t.Errorf("%v: a click selects %s", size, o.ID.Name)
		}
		x, y = lineOf(t, p.Draw(f).Lines, "image: ghcr.io")
		if _, ok := p.Click(x, y); !ok || !p.inDiff {
			t.Errorf("%v: a click does not go into the diff", size)
		}
		if size[0] < 100 {
			p.inDiff = false
		}
		x, y = lineOf(t, p.Draw(f).Lines, "~ update")
		if _, ok := p.Click(x, y); !ok || !p.isFolded(&p.groups[0]) {
			t.Errorf("%v: a click on a heading does not fold", size)
		}
		if _, ok := p.Click(2, 0); ok {
			t.Errorf("%v: a click on the notice selects", size)
		}
	}
}

func TestWheelAndDivider(t *testing.T) {
	p := opened(nil, release(30, "2"))
	f := at(200, 56)
	p.Draw(f)
	was, _ := p.Selected()
	p.Wheel(3, 9, 3)
	if o, _ := p.Selected(); o.ID == was.ID {
		t.Error("the wheel over the list does not move in it")
	}
	drain(p.Follow())
	is, _ := p.Selected()
	p.Wheel(150, 9, 3)
	if o, _ := p.Selected(); o.ID != is.ID {
		t.Error("the wheel over the diff moves in the list")
	}
	for x, want := range map[int]int{80: 80, 3: leastList, 199: 200 - leastDiff} {
		p.Divide(x)
		if got := p.Draw(f).Split; got != want {
			t.Errorf("the divider goes to %d, want %d", got, want)
		}
	}
	for _, l := range p.Draw(at(100, 30)).Lines {
		if w := ansi.StringWidth(l); w > 100 {
			t.Errorf("a line has %d cells", w)
		}
	}
}
