package testcluster

import (
	"encoding/json"
	"os"
	"slices"
	"sync"
	"testing"
)

// PodRule says what containers of an image do. In the image, * stands for any
// characters. Durations are written like "1s".
type PodRule struct {
	Image string `json:"image"`
	// PullError is why the image cannot be pulled.
	PullError string `json:"pull-error,omitempty"`
	// StartAfter is how long it takes to pull the image and start.
	StartAfter string `json:"start-after,omitempty"`
	// ReadyAfter is a duration or "never".
	ReadyAfter string `json:"ready-after,omitempty"`
	// ExitCode, ExitAfter and ExitReason describe how a container ends.
	ExitCode   int    `json:"exit-code,omitempty"`
	ExitAfter  string `json:"exit-after,omitempty"`
	ExitReason string `json:"exit-reason,omitempty"`
	// Log is what a container writes.
	Log string `json:"log,omitempty"`
	// HTTPStatus and HTTPBody are what it answers to requests.
	HTTPStatus int    `json:"http-status,omitempty"`
	HTTPBody   string `json:"http-body,omitempty"`
}

// rules is the rules file of a control plane.
type rules struct {
	path string
	mu   sync.Mutex
	all  []*PodRule
}

// PodRules adds rules for images until the test ends. Tests that run at the
// same time should not use the same images: the rule that came first wins.
func (c *Cluster) PodRules(t testing.TB, added ...PodRule) {
	t.Helper()
	var mine []*PodRule
	for _, rule := range added {
		mine = append(mine, &rule)
	}
	err := c.rules.change(func(all []*PodRule) []*PodRule { return append(all, mine...) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := c.rules.change(func(all []*PodRule) []*PodRule {
			return slices.DeleteFunc(all, func(r *PodRule) bool { return slices.Contains(mine, r) })
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// change rewrites the file, which is read while that happens. JSON is YAML.
func (r *rules) change(f func([]*PodRule) []*PodRule) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = f(r.all)
	data, err := json.MarshalIndent(map[string]any{"rules": r.all}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(r.path+".new", r.path)
}
