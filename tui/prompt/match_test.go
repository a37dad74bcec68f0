package prompt

import "testing"

func TestMatchRanks(t *testing.T) {
	// each is better than the next
	ranks := []struct{ query, text string }{
		{"ship", "ship"},
		{"sh", "ship"},
		{"rev", "open-review"},
		{"or", "open-review"},
		{"view", "open-review"},
		{"oprv", "open-review"},
		{"", "open-review"},
		{"xyz", "open-review"},
	}
	last := same + 1
	for _, r := range ranks {
		got := Match(r.query, r.text)
		if got >= last {
			t.Errorf("%q in %q scores %d, not less than %d", r.query, r.text, got, last)
		}
		last = got
	}
	if last != 0 {
		t.Errorf("what does not match scores %d", last)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		query, text string
		want        int
	}{
		{"SHIP", "ship", same},
		{"open review", "open-review", same},
		{"prod env", "env production", wordStart - 1},
		{"prod zzz", "env production", 0},
		{"env prod", "env production", prefix},
		{"  ", "anything", all},
		{"größe", "GRÖSSE größe", wordStart},
		{"sd", "suspend", scattered - 1},
		{"reviewer", "review", 0},
	} {
		if got := Match(c.query, c.text); got != c.want {
			t.Errorf("%q in %q scores %d, want %d", c.query, c.text, got, c.want)
		}
	}
}
