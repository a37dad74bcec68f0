package tuitest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Golden compares text with testdata/NAME.golden. With UPDATE_GOLDEN set in
// the environment it writes the file instead; look at the difference before
// committing it.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make it with UPDATE_GOLDEN=1", err)
	}
	if string(want) != got+"\n" {
		t.Errorf("%s differs at line %d; got\n%s\nwant\n%s", path, firstDifference(string(want), got+"\n"), got, want)
	}
}

func firstDifference(a, b string) int {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return i + 1
		}
	}
	return min(len(x), len(y)) + 1
}
