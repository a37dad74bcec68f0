package words

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		d               time.Duration
		age, left, took string
	}{
		{-time.Second, "now", "0 s", "0 s"},
		{59 * time.Second, "now", "59 s", "59 s"},
		{100 * time.Second, "1 m", "1 m 40 s", "1 m 40 s"},
		{5 * time.Minute, "5 m", "5 m", "5 m 00 s"},
		{102 * time.Minute, "1 h", "1 h 42 m", "1 h 42 m"},
		{47 * time.Hour, "47 h", "1 d 23 h", "47 h 00 m"},
		{49 * time.Hour, "2 d", "2 d 1 h", "49 h 00 m"},
		{30 * 24 * time.Hour, "30 d", "30 d", "720 h 00 m"},
		{800 * 24 * time.Hour, "2 y", "800 d", "19200 h 00 m"},
	} {
		if got := Age(c.d); got != c.age {
			t.Errorf("Age(%s) = %q, want %q", c.d, got, c.age)
		}
		if got := Left(c.d); got != c.left {
			t.Errorf("Left(%s) = %q, want %q", c.d, got, c.left)
		}
		if got := Took(c.d); got != c.took {
			t.Errorf("Took(%s) = %q, want %q", c.d, got, c.took)
		}
	}
	if got := Ago(30 * time.Second); got != "just now" {
		t.Errorf("Ago = %q", got)
	}
}

func TestSinceAndCutOff(t *testing.T) {
	for want, got := range map[string]string{
		"<1 m": Since(59 * time.Second), "1 m": Since(time.Minute), "2 d": Since(49 * time.Hour),
		"": CutOff(0, 0), "at its beginning or later": CutOff(0, 3), "in wave 2 of 3 or later": CutOff(2, 3), "in wave 3 of 3": CutOff(3, 3),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 18, 0, 0, time.UTC)
	for want, at := range map[string]time.Time{
		"11:00":        now.Add(102 * time.Minute),
		"Wed 09:00":    time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC),
		"24 Dec 09:00": time.Date(2026, 12, 24, 9, 0, 0, 0, time.UTC),
		"2 Jan 2027":   time.Date(2027, 1, 2, 9, 0, 0, 0, time.UTC),
	} {
		if got := Clock(at, now); got != want {
			t.Errorf("Clock(%s) = %q, want %q", at, got, want)
		}
	}
}

func TestCountAndList(t *testing.T) {
	for want, got := range map[string]string{
		"1 object": Count(1, "object"), "0 objects": Count(0, "object"), "2 policies": Count(2, "policy"), "3 days": Count(3, "day"),
		"a, b": List([]string{"a", "b"}, 2), "a, b and 2 more": List([]string{"a", "b", "c", "d"}, 2),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
