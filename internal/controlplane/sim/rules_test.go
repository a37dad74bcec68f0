package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, image string
		want           bool
	}{
		{"a/b:1", "a/b:1", true},
		{"a/b:1", "a/b:10", false},
		{"*/b:*", "registry.example:5000/a/b:1", true},
		{"*", "", true},
		{"a.b", "axb", false},
		{"a?b", "a/b", true},
		{"[x]", "x", false},
	} {
		re, err := glob(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := re.MatchString(test.image); got != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.image, got)
		}
	}
}

func TestRulesAreReadAgainAndAnnotationsWin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.yaml")
	rules := NewRules(path)
	if b, err := rules.Behaviour(nil, "c", "web:1"); err != nil || b != (Behaviour{}) {
		t.Errorf("without a file: %+v, %v", b, err)
	}
	write(t, path, `
rules:
- {image: "web:*", exit-code: 3, exit-after: 2s, http-status: 500, log: "a\nb"}
- {image: "*", pull-error: ""}
`)
	b, err := rules.Behaviour(map[string]string{
		"sim.fairtide.dev/exit-code":         "4",
		"sim.fairtide.dev/exit-code.c":       "5",
		"sim.fairtide.dev/exit-code.other":   "6",
		"sim.fairtide.dev/ready-after.other": "never",
		"example.com/exit-code":              "7",
	}, "c", "web:1")
	if err != nil || *b.ExitCode != 5 || *b.ExitAfter != 2*time.Second || b.HTTPStatus != 500 || b.Log != "a\nb" || b.ReadyAfter != nil || b.PullError != "" {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err = rules.Behaviour(nil, "c", "db:1"); err != nil || b.PullError != NotFound("db:1") {
		t.Errorf("the second rule: %+v, %v", b, err)
	}

	write(t, path, `rules: [{image: "web:*", ready-after: never}]`)
	if b, err = rules.Behaviour(nil, "c", "web:1"); err != nil || *b.ReadyAfter != Never || b.ExitCode != nil {
		t.Errorf("after a change: %+v, %v", b, err)
	}

	write(t, path, `rules: [{image: "web:*", exit-code: many}]`)
	b, err = rules.Behaviour(nil, "c", "web:1")
	if err == nil || !strings.Contains(err.Error(), `rule 1: field "exit-code"`) {
		t.Errorf("a broken file is no error: %v", err)
	}
	if b.ReadyAfter == nil {
		t.Error("a broken file replaced the rules")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if b, err := rules.Behaviour(nil, "c", "web:1"); err != nil || b != (Behaviour{}) {
		t.Errorf("after removal: %+v, %v", b, err)
	}
}

func TestBadRulesAndAnnotations(t *testing.T) {
	for _, text := range []string{
		`rules: [{pull-error: x}]`,
		`rules: [{image: x, unknown: y}]`,
		`rules: [{image: x, start-after: never}]`,
		`rules: [{image: x, start-after: -1s}]`,
		`rules: [{image: x, http-status: 7}]`,
		`rules: [{image: x, log: [a]}]`,
		`ruled: []`,
	} {
		if _, err := parseRules([]byte(text)); err == nil {
			t.Errorf("no error for %s", text)
		}
	}
	_, err := NewRules(filepath.Join(t.TempDir(), "none")).Behaviour(map[string]string{AnnotationPrefix + "exit-cod": "1"}, "c", "i")
	if err == nil || !strings.Contains(err.Error(), `unknown field "exit-cod"`) {
		t.Errorf("unknown annotation: %v", err)
	}
}

func TestBackoff(t *testing.T) {
	var b Backoff
	for _, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if got := b.Next(); got != want*time.Second {
			t.Errorf("delay is %s, want %ds", got, want)
		}
	}
	b.Ran(time.Second)
	if got := b.Next(); got != 10*time.Second {
		t.Errorf("delay after a short run is %s", got)
	}
	b.Ran(time.Minute)
	if got := b.Next(); got != time.Second {
		t.Errorf("delay after a long run is %s", got)
	}
}
