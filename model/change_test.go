package model

import (
	"strings"
	"testing"
)

func TestPullRequestOf(t *testing.T) {
	for _, tt := range []struct {
		message string
		number  int
		title   string
	}{
		{"gateway: timeout 30s (#41)\n\nWhy it is so.\n", 41, "gateway: timeout 30s"},
		{"Merge pull request #42 from dev1/petstore-1.4.2\n\npetstore 1.4.2\n", 42, "petstore 1.4.2"},
		{"Merge pull request #42 from dev1/petstore-1.4.2", 42, "Merge pull request #42 from dev1/petstore-1.4.2"},
		{"fix #12 for good", 0, "fix #12 for good"},
		{"Revert \"petstore (#41)\" (#43)", 43, `Revert "petstore (#41)"`},
		{"(#7)", 7, "(#7)"},
		{"a number too long to be one (#99999999999)", 0, "a number too long to be one (#99999999999)"},
		{"", 0, ""},
		{"\n\n  indented  \n", 0, "indented"},
	} {
		pr, title := PullRequestOf(tt.message)
		number := 0
		if pr != nil {
			number = pr.Number
		}
		if number != tt.number || title != tt.title {
			t.Errorf("%q: #%d %q, want #%d %q", tt.message, number, title, tt.number, tt.title)
		}
	}
}

func FuzzPullRequestOf(f *testing.F) {
	f.Add("title (#1)\n\nbody")
	f.Add("Merge pull request #1 from a/b\n\nt")
	f.Fuzz(func(t *testing.T, message string) {
		pr, title := PullRequestOf(message)
		if strings.Contains(title, "\n") {
			t.Errorf("the title has more than one line: %q", title)
		}
		if pr != nil && pr.Number < 0 {
			t.Errorf("number %d", pr.Number)
		}
	})
}
