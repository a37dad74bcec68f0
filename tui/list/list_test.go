package list

import (
	"math/rand/v2"
	"testing"
	"time"
)

func items(keys ...string) []Item[string] {
	var out []Item[string]
	for _, k := range keys {
		out = append(out, Item[string]{Key: k, Heading: k == "#"})
	}
	return out
}

func selected(t *testing.T, l *List[string], want string) {
	t.Helper()
	if got, ok := l.Selected(); got != want || ok != (want != "") {
		t.Errorf("selected %q, %v; want %q", got, ok, want)
	}
}

func TestSelectionFollowsIdentity(t *testing.T) {
	var l List[string]
	selected(t, &l, "")
	l.Set(items("#", "a", "b", "#", "c"))
	selected(t, &l, "a")
	l.Move(2)
	selected(t, &l, "c")
	l.Set(items("#", "x", "a", "b", "#", "c", "d"))
	selected(t, &l, "c")
	l.Set(items("#", "x", "a", "#", "d"))
	selected(t, &l, "d") // c is gone: the one in its place, or the last
	l.Set(nil)
	selected(t, &l, "")
	l.Set(items("a"))
	selected(t, &l, "a")
}

func TestMovingSkipsHeadings(t *testing.T) {
	var l List[string]
	l.Set(items("#", "a", "#", "b", "#"))
	l.Move(1)
	selected(t, &l, "b")
	l.Move(1)
	selected(t, &l, "b")
	l.Move(-5)
	selected(t, &l, "a")
	l.Bottom()
	selected(t, &l, "b")
	l.Top()
	selected(t, &l, "a")
	if l.Select("#") {
		t.Error("a heading was selected")
	}
	l.Set(items("#", "#"))
	selected(t, &l, "")
}

func TestWindowKeepsTheSelectionInSight(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 8))
	var l List[string]
	for range 5000 {
		if rng.IntN(10) == 0 {
			var keys []string
			for i := range rng.IntN(60) {
				keys = append(keys, []string{"#", string(rune('a' + i))}[min(1, rng.IntN(4))])
			}
			l.Set(items(keys...))
		}
		l.Move(rng.IntN(9) - 4)
		h := rng.IntN(20)
		from, to := l.Window(h)
		if from < 0 || to > l.Len() || to-from > h || from > to {
			t.Fatalf("window %d to %d of %d rows in %d lines", from, to, l.Len(), h)
		}
		if l.Len() >= h && to-from < h {
			t.Fatalf("%d lines are left empty with %d rows", h-(to-from), l.Len())
		}
		if i := l.Index(); h > 0 && i >= 0 && (i < from || i >= to) {
			t.Fatalf("row %d is not between %d and %d", i, from, to)
		}
	}
}

func TestWindowShowsTheFirstHeading(t *testing.T) {
	var l List[string]
	l.Set(items("#", "a", "b", "c", "d", "e", "f", "g"))
	l.Bottom()
	l.Window(4)
	l.Top()
	if from, _ := l.Window(4); from != 0 {
		t.Errorf("the heading above the first row is out of sight, from row %d", from)
	}
}

func TestClickingSelectsTheRowThatIsDrawnThere(t *testing.T) {
	var l List[string]
	l.Set(items("#", "a", "b", "c", "#", "d", "e", "f", "g"))
	for range 8 {
		from, to := l.Window(4)
		for line := -1; line < 6; line++ {
			m := l
			inside := line >= 0 && from+line < to && !l.Item(from+line).Heading
			if ok := m.Click(line); ok && line < to-from != inside {
				t.Errorf("from row %d on, clicking line %d: %v", from, line, ok)
			}
			if inside {
				selected(t, &m, l.Item(from+line).Key)
			}
		}
		l.Move(1)
	}
}
