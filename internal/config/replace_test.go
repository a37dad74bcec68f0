package config

import (
	"strings"
	"testing"
)

func TestReplacePolicy(t *testing.T) {
	environment := func(line string) []byte {
		return []byte("apiVersion: fairtide.dev/v1\nenvironments:\n- {name: dev, tier: development, path: dev" + line + "}\n")
	}
	for line, want := range map[string]bool{
		"":                            false,
		", replace: {}":               false,
		", replace: {allowed: false}": false,
		", replace: {allowed: true}":  true,
	} {
		cfg, err := Parse("f.yaml", environment(line))
		if err != nil || cfg.Environments[0].Replace.Allowed != want {
			t.Errorf("%q: %+v, %v", line, cfg.Environments, err)
		}
	}
	for line, want := range map[string]string{
		", replace: true":            "replace",
		", replace: {allowed: some}": "replace: allowed",
		", replace: {allowd: true}":  "allowed",
	} {
		if _, err := Parse("f.yaml", environment(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", line, err, want)
		}
	}
}
