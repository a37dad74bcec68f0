package repo

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCoAuthors(t *testing.T) {
	cases := map[string]struct {
		message string
		want    []string
	}{
		"none":               {"title\n\nbody\n", nil},
		"two, in any case":   {"title\n\nbody\n\nCo-authored-by: dev2 <dev2@example.com>\nCO-AUTHORED-BY:dev3   <dev3@example.com>\n", []string{"dev2 <dev2@example.com>", "dev3 <dev3@example.com>"}},
		"among others":       {"title\n\nReviewed-by: op1\nCo-authored-by: dev2 <dev2@example.com>\n", []string{"dev2 <dev2@example.com>"}},
		"each once":          {"title\n\nCo-authored-by: dev2 <dev2@example.com>\nCo-Authored-By: Dev Two <DEV2@example.com>\n", []string{"dev2 <dev2@example.com>"}},
		"the author":         {"title\n\nCo-authored-by: dev1 <dev1@example.com>\n", nil},
		"the title":          {"Co-authored-by: dev2 <dev2@example.com>\n", nil},
		"not the last":       {"title\n\nCo-authored-by: dev2 <dev2@example.com>\n\nbody\n", nil},
		"in the text":        {"title\n\nas said\nCo-authored-by: dev2 <dev2@example.com>\n", nil},
		"git's own among it": {"title\n\nas said\nSigned-off-by: op1 <op1@example.com>\nCo-authored-by: dev2 <dev2@example.com>\n", []string{"dev2 <dev2@example.com>"}},
		"folded":             {"title\n\nCo-authored-by: dev2\n <dev2@example.com>\n", []string{"dev2 <dev2@example.com>"}},
		"hostile":            {"title\n\nCo-authored-by: dev2\x1b[2J\u202e <dev2@example.com>\r\n", []string{"dev2<U+202E> <dev2@example.com>"}},
		"empty":              {"title\n\nCo-authored-by:\n", nil},
	}
	for name, c := range cases {
		if got := coAuthors(c.message, "dev1 <dev1@example.com>"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestTrailersAreThoseOfGit compares random messages with what git reads.
func TestTrailersAreThoseOfGit(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	parts := []string{
		"Co-authored-by: dev2 <dev2@example.com>", "co-authored-by : dev3", "Reviewed-by: op1", "Signed-off-by: op1 <op1@example.com>",
		"(cherry picked from commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904)", "plain text", "", "", "  folded: on", "\tmore", "# a comment",
		"---", "key with spaces: v", ": no key", "é: odd", "https://example.com/x", "   ", "a-b:", "tab\tkey: v", "x",
	}
	for range 400 {
		lines := []string{"title"}
		for range 1 + rng.IntN(9) {
			lines = append(lines, parts[rng.IntN(len(parts))])
		}
		message := strings.Join(lines, "\n") + strings.Repeat("\n", rng.IntN(3))
		var got strings.Builder
		for _, x := range trailers(message) {
			if x.key != "" {
				fmt.Fprintf(&got, "%s: %s\n", x.key, x.value)
			}
		}
		want := interpretTrailers(t, message)
		if got.String() != want {
			t.Fatalf("%q\ngot:\n%s\ngit:\n%s", message, got.String(), want)
		}
	}
}

func interpretTrailers(t *testing.T, message string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "interpret-trailers", "--parse", "--no-divider")
	cmd.Dir, cmd.Env = t.TempDir(), gitEnv(t.TempDir())
	cmd.Stdin = strings.NewReader(message)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git interpret-trailers: %v\n%s", err, stderr.String())
	}
	// Only what it takes for a trailer has a key.
	var kept strings.Builder
	for line := range strings.Lines(string(out)) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":"); ok {
			fmt.Fprintf(&kept, "%s: %s\n", key, strings.TrimSpace(value))
		}
	}
	return kept.String()
}

func FuzzTrailers(f *testing.F) {
	f.Add("title\n\nCo-authored-by: dev2 <dev2@example.com>\n")
	f.Add("a\n\n:\n\n#\n \n")
	f.Fuzz(func(t *testing.T, message string) {
		for _, who := range coAuthors(message, "") {
			if strings.ContainsAny(who, "\n\r\x1b\t") || who == "" {
				t.Errorf("%q gives %q", message, who)
			}
		}
	})
}
