package forge

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// However long, a comment that was cut is within the limit, says so, leaves no
// block of code open, and begins as it did.
func FuzzFit(f *testing.F) {
	f.Add("# a\n```\nx\n```\nend\n", 120)
	f.Add(strings.Repeat("é", 300), 200)
	f.Add("```\n"+strings.Repeat("line\n", 90), 150)
	f.Fuzz(func(t *testing.T, body string, limit int) {
		if !utf8.ValidString(body) || limit < 100 || limit > 1000 {
			return
		}
		got := fit(body, limit)
		if n := utf8.RuneCountInString(got); n > limit {
			t.Fatalf("%d characters of %d: %q", n, limit, got)
		}
		if utf8.RuneCountInString(body) <= limit {
			if got != body {
				t.Errorf("cut though it fits: %q", got)
			}
			return
		}
		if !strings.Contains(got, "too long for a comment") {
			t.Errorf("does not say it is cut: %q", got)
		}
		open := false
		for line := range strings.Lines(got) {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				open = !open
			}
		}
		if open {
			t.Errorf("a block is open: %q", got)
		}
	})
}

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Millisecond: "1s", 1500 * time.Millisecond: "2s", 59 * time.Second: "59s", time.Minute: "1m", 61 * time.Second: "2m",
		time.Hour: "1h0m", 90*time.Minute + time.Second: "1h31m",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

func TestNextLink(t *testing.T) {
	for header, want := range map[string]string{
		``: "", `<https://a/x?page=2>; rel="next", <https://a/x?page=9>; rel="last"`: "https://a/x?page=2",
		`<https://a/x?page=1>; rel="prev", <https://a/x?page=3>; rel="next"`:  "https://a/x?page=3",
		`<https://a/x?page=1>; rel="prev", <https://a/x?page=1>; rel="first"`: "",
	} {
		got := ""
		if m := nextLink.FindStringSubmatch(header); m != nil {
			got = m[1]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}
