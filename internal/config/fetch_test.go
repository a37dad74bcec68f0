package config

import (
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func TestFetchEvery(t *testing.T) {
	parse := func(lines string) (model.Config, error) {
		return Parse("f.yaml", []byte("apiVersion: fairtide.dev/v1\nenvironments:\n- {name: dev, tier: development, path: dev}\n"+lines))
	}
	for lines, want := range map[string]time.Duration{
		"":                      time.Minute,
		"fetch: {every: 5m}\n":  5 * time.Minute,
		"fetch: {every: 10s}\n": 10 * time.Second,
		"fetch: {every: off}\n": 0,
		"fetch: {every: 0}\n":   0,
		"fetch: {every: 0s}\n":  0,
		"fetch: {}\n":           time.Minute,
	} {
		if c, err := parse(lines); err != nil || c.FetchEvery != want {
			t.Errorf("%q: %v, %v, want %v", lines, c.FetchEvery, err, want)
		}
	}
	for lines, want := range map[string]string{
		"fetch: {every: 9s}\n":   "f.yaml:4:16: fetch: every must be at least 10s; off turns it off",
		"fetch: {every: 60}\n":   "fetch: every must be a duration such as 90s or 5m, not the number 60; did you mean 60s?",
		"fetch: {every: soon}\n": `fetch: every "soon" is not a duration`,
		"fetch: {evry: 1m}\n":    "every",
		"fetch: 1m\n":            "fetch",
	} {
		if _, err := parse(lines); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", lines, err, want)
		}
	}
}
