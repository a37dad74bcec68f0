package config

import (
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// quietRollout is the policy of an environment that says nothing of it.
var quietRollout = model.RolloutPolicy{Gate: model.GateReady, OnFailure: model.FailStop}

func rolling(keys string) string {
	return "apiVersion: fairtide.dev/v1\nenvironments:\n- {name: dev, tier: development, path: dev" + keys + "}\n"
}

func TestRollout(t *testing.T) {
	for keys, want := range map[string]model.RolloutPolicy{
		"":                                        quietRollout,
		", rollout: {}":                           quietRollout,
		", rollout: {gate: ready}":                quietRollout,
		", rollout: {gate: applied}":              {Gate: model.GateApplied, OnFailure: model.FailStop},
		", rollout: {onFailure: stop}":            quietRollout,
		", rollout: {onFailure: continue}":        {Gate: model.GateReady, OnFailure: model.FailContinue},
		", rollout: {onFailure: rollback}":        {Gate: model.GateReady, OnFailure: model.FailRollback},
		", rollout: {waveTimeout: 10m}":           {Gate: model.GateReady, OnFailure: model.FailStop, WaveTimeout: 10 * time.Minute},
		", rollout: {timeout: 1h30m}":             {Gate: model.GateReady, OnFailure: model.FailStop, Timeout: 90 * time.Minute},
		", rollout: {timeout: 5m, gate: applied}": {Gate: model.GateApplied, OnFailure: model.FailStop, Timeout: 5 * time.Minute},
		", rollout: {gate: applied, onFailure: continue, waveTimeout: 24h, timeout: 24h}": {
			Gate: model.GateApplied, OnFailure: model.FailContinue, WaveTimeout: 24 * time.Hour, Timeout: 24 * time.Hour,
		},
	} {
		c, err := Parse("f", []byte(rolling(keys)))
		if err != nil {
			t.Errorf("%s: %v", keys, err)
			continue
		}
		if got := c.Environments[0].Rollout; got != want || len(c.Warnings) != 0 {
			t.Errorf("%s: %+v, want %+v; warnings %q", keys, got, want, c.Warnings)
		}
	}
}

// What is wrong is told with its line, and what is odd too.
func TestRolloutProblems(t *testing.T) {
	const in = `environment "dev": rollout`
	for keys, want := range map[string]string{
		"rollout: stop":                                           `f:4:10: ` + in + ` must be a mapping with the keys gate, onFailure, waveTimeout, timeout, not the text "stop"`,
		"rollout: {gates: ready}":                                 `f:4:11: ` + in + `: unknown key "gates"; did you mean "gate"?`,
		"rollout: {onfailure: stop}":                              `f:4:11: ` + in + `: unknown key "onfailure"; did you mean "onFailure"?`,
		"rollout: {waves: 3}":                                     `f:4:11: ` + in + `: unknown key "waves"; …`,
		"rollout: {gate: appled}":                                 `f:4:17: ` + in + `: gate cannot be "appled"; did you mean "applied"?`,
		"rollout: {gate: healthy}":                                `f:4:17: ` + in + `: gate cannot be "healthy"; one of ready, applied`,
		"rollout: {gate: true}":                                   `f:4:17: ` + in + `: gate must be a text, not the truth value true…`,
		"rollout: {onFailure: roll-back}":                         `f:4:22: ` + in + `: onFailure cannot be "roll-back"; did you mean "rollback"?`,
		"rollout: {onFailure: ignore}":                            `f:4:22: ` + in + `: onFailure cannot be "ignore"; one of stop, continue, rollback`,
		"rollout: {onFailure: [stop]}":                            `f:4:22: ` + in + `: onFailure must be a text, not a list`,
		"rollout: {onFailure: }":                                  `f:4:11: ` + in + `: onFailure has no value: give it one or leave it out`,
		"rollout: {waveTimeout: 600}":                             `f:4:24: ` + in + `: waveTimeout must be a duration such as 90s or 5m, not the number 600; did you mean 600s?`,
		"rollout: {waveTimeout: 0s}":                              `f:4:24: ` + in + `: waveTimeout "0s" must be longer than nothing and at most 24h`,
		"rollout: {timeout: 25h}":                                 `f:4:20: ` + in + `: timeout "25h" must be longer than nothing and at most 24h`,
		"rollout: {timeout: -1m}":                                 `f:4:20: ` + in + `: timeout "-1m" must be longer than nothing and at most 24h`,
		"rollout: {timeout: long}":                                `f:4:20: ` + in + `: timeout "long" is not a duration such as 90s, 5m or 1h30m`,
		"rollout: {gate: ready, gate: ready}":                     `f:4:24: ` + in + `: the key "gate" is there twice, first in line 4`,
		"rollout: {timeout: 5m, waveTimeout: 10m}":                `f:4:20: ` + in + `: timeout: the run ends after 5m0s, before a wave may have taken its waveTimeout of 10m0s: make timeout the longer one`,
		"rollout: {timeout: 10m, waveTimeout: 10m}":               "",
		"rollout: {onFailure: rollback}, prune: {max: 3}":         "",
		"rollout: {onFailure: stop}, prune: {enabled: false}":     "",
		"prune: {enabled: false}, rollout: {onFailure: rollback}": `f:4:47: ` + in + `: onFailure: prune is not enabled here, so a rollback leaves what the failed commit has newly made; …`,
		"rollout: {onFailure: rollback}, prune: {enabled: false}": `f:4:22: ` + in + `: onFailure: prune is not enabled here, so a rollback leaves what the failed commit has newly made; …`,
	} {
		if got := said(t, rolling(",\n"+keys)); !begins(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", keys, strings.Join(got, "\n"), want)
		}
	}
	c, err := Parse("f", []byte(rolling(", rollout: {gate: never, timeout: soon, onFailure: panic}")))
	if err == nil || strings.Count(err.Error(), "\n") != 2 || len(c.Environments) != 0 {
		t.Errorf("three problems are %v", err)
	}
}
