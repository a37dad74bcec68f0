package frame

import "testing"

func TestDividerLeavesBothPanesOfUse(t *testing.T) {
	var d Divider
	if got := d.Column(70, 120); got != 70 {
		t.Errorf("a divider that was left alone is in column %d", got)
	}
	for _, x := range []int{-100, 0, 1, 30, 60, 119, 1000} {
		d.Move(x)
		for _, w := range []int{TwoColumns, 120, 300} {
			if got := d.Column(70, w); got < narrowest || w-got-1 < narrowest {
				t.Errorf("moved to %d of %d it is in column %d", x, w, got)
			}
		}
	}
}

func TestAreaHasItsCells(t *testing.T) {
	a := Area{X: 2, Y: 3, W: 4, H: 1}
	for _, c := range []struct {
		x, y int
		want bool
	}{{2, 3, true}, {5, 3, true}, {6, 3, false}, {1, 3, false}, {2, 2, false}, {2, 4, false}} {
		if got := a.Has(c.x, c.y); got != c.want {
			t.Errorf("(%d, %d) is in it: %v", c.x, c.y, got)
		}
	}
	if (Area{}).Has(0, 0) {
		t.Error("the empty area has a cell")
	}
}
