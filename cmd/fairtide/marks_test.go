package main

import (
	"path/filepath"
	"testing"
)

func TestStateDir(t *testing.T) {
	for want, env := range map[string]map[string]string{
		filepath.FromSlash("/state/fairtide"):                 {"XDG_STATE_HOME": "/state", "HOME": "/home/op1"},
		filepath.FromSlash("/home/op1/.local/state/fairtide"): {"XDG_STATE_HOME": "not/absolute", "HOME": "/home/op1"},
		"": {},
	} {
		p := &program{lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
		if got := p.stateDir(); got != want {
			t.Errorf("%v: the state is in %q, want %q", env, got, want)
		}
	}
}
