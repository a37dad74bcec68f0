package main

import (
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
)

// What the topic says of its examples is so.
func TestWindowsTopic(t *testing.T) {
	text, err := topics.ReadFile("topics/windows.md")
	if err != nil {
		t.Fatal(err)
	}
	var example []string
	var rules []model.WindowRule
	examples, judged := 0, 0
	for _, line := range strings.Split(string(text), "\n") {
		inside, indented := strings.CutPrefix(line, "    ")
		if !indented || strings.HasPrefix(inside, "fairtide ") {
			continue
		}
		if strings.HasPrefix(inside, "- ") || strings.HasPrefix(inside, "  ") {
			if strings.HasPrefix(inside, "- ") {
				example, rules = nil, nil
				examples++
			}
			example = append(example, inside)
			continue
		}
		if rules == nil {
			rules = parseRules(t, example)
		}
		at, word, _ := strings.Cut(inside, "  ")
		when, err := time.Parse(time.RFC3339, at)
		if err != nil || word != "open" && word != "closed" {
			t.Fatalf("%q is neither an example nor what it means", line)
		}
		judged++
		if w := window.Evaluate(rules, when); w.Open != (word == "open") {
			t.Errorf("%s: %s: %+v", strings.Join(example, "\n"), line, w)
		}
	}
	if examples < 7 || judged < 3*examples {
		t.Errorf("only %d examples with %d times", examples, judged)
	}
}

func parseRules(t *testing.T, example []string) []model.WindowRule {
	t.Helper()
	file := "apiVersion: fairtide.dev/v1\nenvironments:\n  - name: a\n    tier: production\n    path: a\n    windows:\n      " +
		strings.Join(example, "\n      ") + "\n"
	c, err := config.Parse(".fairtide.yaml", []byte(file))
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	return c.Environments[0].Windows
}
