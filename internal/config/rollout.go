package config

import (
	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// rolloutKeys are the nodes of a rollout policy that a warning may be about.
type rolloutKeys struct{ onFailure, timeout *yaml.Node }

// rollout reads how a run goes about its waves.
func (d *decoder) rollout(n *yaml.Node, what string, to *model.RolloutPolicy) (at rolloutKeys) {
	d.mapping(n, what, []key{
		{name: "gate", read: func(n *yaml.Node) {
			choice(d, n, what+": gate", []model.WaveGate{model.GateReady, model.GateApplied}, &to.Gate)
		}},
		{name: "onFailure", read: func(n *yaml.Node) {
			at.onFailure = n
			choice(d, n, what+": onFailure", []model.OnFailure{model.FailStop, model.FailContinue, model.FailRollback}, &to.OnFailure)
		}},
		{name: "waveTimeout", read: func(n *yaml.Node) { d.duration(n, what+": waveTimeout", &to.WaveTimeout) }},
		{name: "timeout", read: func(n *yaml.Node) {
			at.timeout = n
			d.duration(n, what+": timeout", &to.Timeout)
		}},
	})
	return at
}

// oddRollout warns of a rollout policy that cannot do all that it says.
func (d *decoder) oddRollout(at rolloutKeys, what string, e *model.Environment) {
	r := e.Rollout
	if r.Timeout > 0 && r.Timeout < r.WaveTimeout {
		d.warn(at.timeout, "%s: timeout: the run ends after %s, before a wave may have taken its waveTimeout of %s: make timeout the longer one",
			what, r.Timeout, r.WaveTimeout)
	}
	if r.OnFailure == model.FailRollback && !e.Prune.Enabled {
		d.warn(at.onFailure, "%s: onFailure: prune is not enabled here, so a rollback leaves what the failed commit has newly made; enable it, or delete that by hand",
			what)
	}
}
