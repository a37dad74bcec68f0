package repo

import (
	"slices"
	"strings"
	"testing"
)

// NewestOn says the same as reading the whole line, wherever head stands.
func TestNewestOn(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "--quiet", "--initial-branch=main")
	commit := func(message string) string {
		git(t, dir, "commit", "--quiet", "--allow-empty", "-m", message)
		return git(t, dir, "rev-parse", "HEAD")
	}
	var all []string
	for i := range 12 {
		all = append(all, commit(strings.Repeat("x", i+1)))
	}
	heads := slices.Clone(all)
	for _, at := range []int{2, 6} { // drafts on top of what is older
		git(t, dir, "checkout", "--quiet", all[at])
		heads = append(heads, commit("draft"))
	}
	git(t, dir, "checkout", "--quiet", "main")
	git(t, dir, "merge", "--quiet", "--no-ff", "-m", "merge", heads[13]) // a second parent is not on the line
	heads = append(heads, git(t, dir, "rev-parse", "HEAD"))
	r, err := Open(t.Context(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	line := []string{all[9], all[7], all[5]} // newest first
	for base := range 5 {
		for i, head := range heads {
			want := len(line)
			first := strings.Fields(git(t, dir, "rev-list", "--first-parent", head))
			for at, c := range slices.Backward(line) {
				if slices.Contains(first, c) {
					want = at
				}
			}
			if got, err := r.NewestOn(t.Context(), line, all[base], head); err != nil || got != want {
				t.Errorf("base %d, head %d: %d, %v, want %d", base, i, got, err, want)
			}
		}
	}
	if _, err := r.NewestOn(t.Context(), line, all[0], strings.Repeat("1", 40)); err == nil {
		t.Error("a commit that is not there has a line")
	}
}
