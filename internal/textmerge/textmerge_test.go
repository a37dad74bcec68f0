package textmerge

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		name, base, ours, theirs, want string
		conflicts                      []Conflict
	}{
		{"nothing", "", "", "", "", nil},
		{"one side", "a\nb\n", "a\nb\n", "a\nc\n", "a\nc\n", nil},
		{"apart", "a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n", nil},
		{"the same on both", "a\nb\n", "a\nX\n", "a\nX\n", "a\nX\n", nil},
		{"touching", "a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n", "", []Conflict{{1, 2}}},
		{"differently", "a\nb\nc\n", "a\nX\nc\n", "a\nY\nc\n", "", []Conflict{{2, 1}}},
		{"insertions at one place", "a\nb\n", "a\n1\nb\n", "a\n2\nb\n", "", []Conflict{{2, 0}}},
		{"both added", "", "x\n", "y\n", "", []Conflict{{1, 0}}},
		{"removed and kept", "a\nb\nc\nd\n", "a\nd\n", "a\nb\nc\nD\n", "", []Conflict{{2, 3}}},
		{"last line feed", "a\nb\nc", "A\nb\nc", "a\nb\nc\n", "A\nb\nc\n", nil},
		{"CRLF", "a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "A\r\nb\r\nC\r\n", nil},
	} {
		got, conflicts := Merge(tt.base, tt.ours, tt.theirs)
		if got != tt.want || !slices.Equal(conflicts, tt.conflicts) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.name, got, conflicts, tt.want, tt.conflicts)
		}
	}
}

func FuzzMerge(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nx\nc\n", "a\nb\ny\n")
	f.Add("a", "", "a\n")
	f.Add("a\na\na\n", "a\na\n", "a\na\na\na\n")
	f.Fuzz(func(t *testing.T, base, ours, theirs string) { laws(t, base, ours, theirs) })
}

// laws hold for every merge.
func laws(t *testing.T, base, ours, theirs string) {
	t.Helper()
	for _, tt := range [][4]string{{base, ours, base, ours}, {base, base, theirs, theirs}, {base, ours, ours, ours}} {
		if got, conflicts := Merge(tt[0], tt[1], tt[2]); got != tt[3] || conflicts != nil {
			t.Fatalf("%q with %q and %q is %q, %v", tt[0], tt[1], tt[2], got, conflicts)
		}
	}
	one, a := Merge(base, ours, theirs)
	other, b := Merge(base, theirs, ours)
	if one != other || !slices.Equal(a, b) {
		t.Fatalf("%q with %q and %q: %q, %v, and the other way round %q, %v", base, ours, theirs, one, a, other, b)
	}
}

// TestMergeFile compares with git merge-file on random edits of a text whose
// lines are all different, where there is one way only to align them.
func TestMergeFile(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	clean := 0
	for range 150 {
		n := rng.IntN(12)
		var lines []string
		for i := range n {
			lines = append(lines, string(rune('a'+i))+"\n")
		}
		edit := func(side string) string {
			out := slices.Clone(lines)
			for range rng.IntN(3) {
				if at := rng.IntN(len(out) + 1); at < len(out) && rng.IntN(2) == 0 {
					out = slices.Replace(out, at, at+1, side+out[at])
				} else if at < len(out) && rng.IntN(2) == 0 {
					out = slices.Delete(out, at, at+1)
				} else {
					out = slices.Insert(out, at, side+"new\n")
				}
			}
			return strings.Join(out, "")
		}
		base, ours, theirs := strings.Join(lines, ""), edit("x"), edit([]string{"x", "y"}[rng.IntN(2)])
		laws(t, base, ours, theirs)
		want, conflict := mergeFile(t, dir, base, ours, theirs)
		got, conflicts := Merge(base, ours, theirs)
		if conflict != (len(conflicts) > 0) || !conflict && got != want {
			t.Errorf("%q with %q and %q is %q, %v; git says %q, conflict %v", base, ours, theirs, got, conflicts, want, conflict)
		}
		if !conflict {
			clean++
		}
	}
	if clean == 0 || clean == 150 {
		t.Errorf("%d of 150 were clean; the test has seen one kind only", clean)
	}
}

func mergeFile(t *testing.T, dir, base, ours, theirs string) (merged string, conflict bool) {
	t.Helper()
	for name, text := range map[string]string{"base": base, "ours": ours, "theirs": theirs} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "git", "merge-file", "-p", "-q", "ours", "base", "theirs")
	cmd.Dir = dir
	out, err := cmd.Output()
	return string(out), err != nil
}
