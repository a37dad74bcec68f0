package main

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/demo/stage"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/internal/registry"
	"github.com/fairtide-dev/fairtide/internal/sample"
)

// The parts of the others can be played from another process, by its owner.
func TestPlay(t *testing.T) {
	s, err := stage.Start(t.Context(), t.TempDir(), sample.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctl, err := startControl(t.Context(), s, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ctl.close() }()
	if _, err := s.Forge.Commit(githubtest.Commit{Branch: "up", Message: "up", Files: map[string]string{"docs/up": "1"}}); err != nil {
		t.Fatal(err)
	}
	number, err := s.Forge.Propose("dev1", githubtest.Proposal{Title: "up", Head: "up", Base: "main"})
	if err != nil || number != 122 {
		t.Fatalf("#%d, %v", number, err)
	}
	for _, c := range []struct{ args, says, fails string }{
		{args: "approve 122", says: "dev2 approved #122"},
		{args: "approve 122 dev3", says: "dev3 approved #122"},
		{args: "check 122", says: "#122: success"},
		{args: "check 122 green", fails: "none of success"},
		{args: "approve 9999", fails: "9999"},
		{args: "approve x", fails: "not the number"},
		{args: "check 9999", fails: "no pull request #9999"},
		{args: "push-image petstore:1.5.0", says: "pushed ghcr.io/petstore/petstore:1.5.0"},
		{args: "push-image petstore:", fails: "petstore:"},
		{args: "slack", says: "#deploys in Slack:"},
		{args: "dance", fails: "push-image NAME:TAG"},
	} {
		var out strings.Builder
		err := play(t.Context(), ctl.file, strings.Fields(c.args), &out)
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s: %v, want an error with %q", c.args, err, c.fails)
		}
		if c.fails == "" && (err != nil || !strings.Contains(out.String(), c.says)) {
			t.Errorf("%s: %q, %v", c.args, out.String(), err)
		}
	}
	tags, err := registry.New(registry.Config{}).Tags(t.Context(), strings.TrimPrefix(s.Registry.URL, "http://")+"/petstore/petstore")
	if err != nil || !slices.Contains(tags, "1.5.0") {
		t.Errorf("tags %v, %v", tags, err)
	}
	intruder(t, ctl)
	if err := ctl.close(); err != nil {
		t.Fatal(err)
	}
	if err := play(t.Context(), ctl.file, []string{"slack"}, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "still running") {
		t.Errorf("a demo that is gone: %v", err)
	}
	if err := play(t.Context(), "", []string{"slack"}, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "make demo") {
		t.Errorf("no demo: %v", err)
	}
}

// intruder tries to play without the token, and to read it.
func intruder(t *testing.T, ctl *control) {
	t.Helper()
	info, err := os.Stat(ctl.file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v", ctl.file, info.Mode(), err)
	}
	data, err := os.ReadFile(ctl.file)
	if err != nil {
		t.Fatal(err)
	}
	var to address
	if err := json.Unmarshal(data, &to); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to.URL+"/slack", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the token: %s", resp.Status)
	}
}
