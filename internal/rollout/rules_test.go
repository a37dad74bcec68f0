package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/registry"
	"github.com/fairtide-dev/fairtide/model"
)

func TestUnmet(t *testing.T) {
	t.Parallel()
	check := func(name string, s model.CheckState) model.Check { return model.Check{Name: name, State: s} }
	for _, c := range []struct {
		name string
		r    model.Requirements
		pr   model.PullRequest
		want []string // parts of one line each
	}{
		{"nothing is required", model.Requirements{}, model.PullRequest{Checks: model.CheckFailure}, nil},
		{"approved", model.Requirements{Approvals: 1}, model.PullRequest{Approvals: []string{"op1"}}, nil},
		{"one of two", model.Requirements{Approvals: 2}, model.PullRequest{Author: "dev1", Approvals: []string{"op1"}}, []string{"1 of 2 approvals: 1 more of its head, by somebody other than dev1"}},
		{"objection", model.Requirements{Approvals: 1}, model.PullRequest{Approvals: []string{"op1"}, Reviews: []model.Review{{Author: "dev2", State: model.ReviewChanges}}}, []string{"changes are requested by dev2"}},
		{"stale", model.Requirements{Approvals: 1}, model.PullRequest{Reviews: []model.Review{{Author: "op1", State: model.ReviewApproved, Stale: true}}}, []string{"op1 approved before the last push"}},
		{"green", model.Requirements{Checks: true}, model.PullRequest{Checks: model.CheckSuccess}, nil},
		{"red", model.Requirements{Checks: true}, model.PullRequest{Checks: model.CheckFailure, CheckRuns: []model.Check{check("ok", model.CheckSuccess), check("lint", model.CheckFailure)}}, []string{"checks failed (lint)"}},
		{"running", model.Requirements{Checks: true}, model.PullRequest{Checks: model.CheckPending, CheckRuns: []model.Check{check("e2e", model.CheckPending)}}, []string{"running (e2e): wait"}},
		{"none", model.Requirements{Checks: true}, model.PullRequest{Checks: model.CheckNone}, []string{"no check has reported"}},
		{"nobody asked", model.Requirements{Checks: true}, model.PullRequest{}, []string{"no check has reported"}},
		{"unreadable", model.Requirements{Checks: true}, model.PullRequest{Checks: model.CheckUnknown, ChecksNote: "forbidden"}, []string{"cannot be read: forbidden"}},
		{"unreadable without a note", model.Requirements{Checks: true}, model.PullRequest{Checks: model.CheckUnknown}, []string{"does not say how they stand"}},
		{"both", model.Requirements{Approvals: 1, Checks: true}, model.PullRequest{}, []string{"0 of 1", "no check"}},
	} {
		got := unmet(c.r, c.pr, "op9")
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", c.name, got)
			continue
		}
		for i, w := range c.want {
			if !strings.Contains(got[i], w) {
				t.Errorf("%s: %q does not contain %q", c.name, got[i], w)
			}
		}
	}
}

func TestBranchName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"revert", "staging", "1a2b3c4"}, "fairtide/revert-staging-1a2b3c4"},
		{[]string{"bump", "staging", "cart", "1.0.0+x"}, "fairtide/bump-staging-cart-1.0.0-x"},
		{[]string{"a b~^:?*[\\c"}, "fairtide/a-b-------c"},
		{[]string{"a..b", "c...d"}, "fairtide/a-b-c-.d"},
		{[]string{"x.lock.lock"}, "fairtide/x"},
		{[]string{"x.-.lock"}, "fairtide/x"},
		{[]string{".x."}, "fairtide/x"},
	} {
		if got := branchName(c.words...); got != c.want {
			t.Errorf("%q: %s, want %s", c.words, got, c.want)
		}
	}
}

func FuzzBranchName(f *testing.F) {
	for _, s := range []string{"", "a..lock", "ü", "x.lock.", "@{", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := strings.TrimPrefix(branchName("bump", s), "fairtide/")
		if got == "" || strings.Contains(got, "..") || strings.HasSuffix(got, ".lock") || strings.HasPrefix(got, ".") || strings.HasSuffix(got, ".") || strings.ContainsAny(got, " ~^:?*[\\/@{\x00") {
			t.Errorf("%q: %q is no branch", s, got)
		}
	})
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"ghcr.io/petstore/cart", "ghcr.io/petstore/cart", true},
		{"ghcr.io/petstore/cart", "ghcr.io/petstore/cart2", false},
		{"ghcr.io/petstore/*", "ghcr.io/petstore/cart", true},
		{"ghcr.io/*/cart", "ghcr.io/petstore/cart", true},
		{"ghcr.io/*/cart", "ghcr.io/petstore/gateway", false},
		{"*cart*", "ghcr.io/cart/x", true},
		{"a*a", "a", false},
		{"*ab*ab", "ab", false},
		{"*", "", true},
		{"", "x", false},
	} {
		if got := matches(c.pattern, c.s); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.s, got)
		}
	}
}

func TestPolicyFor(t *testing.T) {
	t.Parallel()
	policies := []model.ImagePolicy{{Image: "*/cart", Range: "~1.4"}, {Image: "*", Range: "^1"}, {Image: "bad", Range: "not a range"}}
	for image, want := range map[string]string{"x/cart": "1.4.9", "x/gateway": "1.9.0"} {
		p, err := policyFor(policies, image)
		if newest, ok := registry.Newest("1.4.0", []string{"1.4.9", "1.9.0", "2.0.0"}, p); err != nil || !ok || newest != want {
			t.Errorf("%s: %q, %v, want %s", image, newest, err, want)
		}
	}
	if _, err := policyFor(policies[2:], "bad"); err == nil {
		t.Error("a range that is none was taken")
	}
}

func TestConflictError(t *testing.T) {
	t.Parallel()
	err := conflictError(model.DraftRequest{Environment: "staging", Commit: newCommit}, []model.Conflict{{Path: "base/cart.yaml", Reason: "changed since by 1234567 cart"}})
	for _, want := range []string{"base/cart.yaml: changed since by 1234567 cart", "fairtide revert -e staging --back-to 1a1b1c1~1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not contain %q", err, want)
		}
	}
	if code := model.CodeOf(err, 0); code != model.ExitUsage {
		t.Errorf("exit code %d", code)
	}
}

// Nobody's words leave their cell of the comment's tables or mention somebody.
func TestMarkdownIsSafe(t *testing.T) {
	t.Parallel()
	evil := "x | y\n# @op1 <img src=x> [a](http://b) `c` \x1b[2J"
	v := model.Validation{Environment: "a`b", Message: evil, Notes: []string{evil},
		Objects: []model.ChangedObject{{ID: id(evil), Verdict: model.VerdictUpdate, Summary: evil}},
		Tests:   []model.TestResult{{Name: evil, State: model.TestFailed, Message: evil}}}
	got := Markdown(v)
	for _, bad := range []string{"@op1", "<img", "](http://b) `", "\n# ", "\x1b", "`c`", "a`b"} {
		if strings.Contains(got, bad) {
			t.Errorf("the comment contains %q:\n%s", bad, got)
		}
	}
	for line := range strings.Lines(got) {
		if bars := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); strings.HasPrefix(line, "|") && bars != 4 {
			t.Errorf("a row has %d bars: %s", bars, line)
		}
	}
}

func TestSandboxedTests(t *testing.T) {
	t.Parallel()
	tests := []model.Test{
		{Name: "in", HTTP: &model.HTTPTest{Service: "shop/cart:80"}},
		{Name: "short", HTTP: &model.HTTPTest{Service: "cart:80"}},
		{Name: "else", HTTP: &model.HTTPTest{Service: "shop2/cart:80"}},
		{Name: "url", HTTP: &model.HTTPTest{URL: "https://u:pw@shop.example/x?key=1"}},
		{Name: "job", Job: &model.JobTest{Path: "x"}},
	}
	got := sandboxedTests(tests, "shop", "box")
	if got[0].HTTP.Service != "box/cart:80" || got[1].HTTP.Service != "cart:80" || got[2].HTTP.Service != "shop2/cart:80" || got[4].Job == nil {
		t.Errorf("%+v", got)
	}
	if tests[0].HTTP.Service != "shop/cart:80" {
		t.Error("the environment's own tests were changed")
	}
	want := []string{"test else asks Service shop2/cart:80, which is outside of the sandbox", "test url asks https://shop.example/x, which is outside of the sandbox"}
	if notes := reachingOut(got, "box"); !slices.Equal(notes, want) {
		t.Errorf("notes %q", notes)
	}
}

func TestSandboxName(t *testing.T) {
	t.Parallel()
	env := model.Environment{Name: "eu.Staging"}
	if got := sandboxName(env, 45, newCommit); got != "fairtide-sandbox-eu-staging-45-1a1b1c1" {
		t.Error(got)
	}
	env.Sandbox.Namespace = strings.Repeat("x", 80)
	if got := sandboxName(env, 0, newCommit); len(got) != 63 || !strings.HasSuffix(got, "-1a1b1c1") {
		t.Error(got)
	}
}

func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	objects := []model.Object{
		{ID: model.ObjectID{Kind: "Secret", Name: "db"}, Fields: map[string]any{"data": map[string]any{"password": "aHVudGVyMg==", "x": "MQ==", "user": "cGV0c3RvcmU="}}},
		{ID: model.ObjectID{Kind: "ConfigMap", Name: "db"}, Fields: map[string]any{"data": map[string]any{"host": "db.example", "image": "petstore:1.4.2", "token": "s3cr3t-token"}}},
	}
	files := withoutSecrets([]model.FileChange{
		{Path: "db.env", Diff: "+PASSWORD=hunter2\n"}, {Path: "db.yaml", Diff: "+x: aHVudGVyMg==\n"}, {Path: "cm.yaml", Diff: "+host: db.example 1\n"},
		{Path: "kustomization.yaml", Diff: "+  newTag: 1.4.3 # petstore\n"}, {Path: "marked.yaml", Diff: "+token: s3cr3t-token\n"},
	}, objects, []model.FieldRule{{Kind: "ConfigMap", Pointer: "/data/token"}})
	for i, withheld := range []bool{true, true, false, false, true} {
		if (files[i].Diff == "") != withheld || (files[i].Note != "") != withheld {
			t.Errorf("%+v", files[i])
		}
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	for code, want := range map[model.ExitCode]bool{
		model.ExitWindowClosed: true, model.ExitLocked: true, model.ExitRequirements: true,
		model.ExitRolloutFailed: false, model.ExitTestsFailed: false, model.ExitUnreachable: false, model.ExitUsage: false,
	} {
		if got := Waits(prefix("staging", model.Errorf(code, "x"))); got != want {
			t.Errorf("%d: %v", code, got)
		}
	}
	if Waits(nil) {
		t.Error("no error is waited for")
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	closed := []model.WindowRule{{Name: "holidays", Freeze: &model.Schedule{From: now.Add(-time.Hour), To: now.Add(time.Hour)}}}
	for _, c := range []struct {
		name     string
		windows  []model.WindowRule
		missing  []string
		allowed  bool
		override string
		code     model.ExitCode
		says     string
	}{
		{"open", nil, nil, false, "", model.ExitOK, ""},
		{"closed", closed, nil, false, "", model.ExitWindowClosed, "window is closed"},
		{"closed, may be overridden", closed, nil, true, "", model.ExitWindowClosed, "--override REASON"},
		{"closed, blank reason", closed, nil, true, "  ", model.ExitWindowClosed, "--override REASON"},
		{"closed, not allowed", closed, nil, false, "down", model.ExitWindowClosed, "does not allow"},
		{"closed, overridden", closed, nil, true, "down", model.ExitOK, overriddenPrefix},
		{"missing", nil, []string{"1 approval"}, false, "", model.ExitRequirements, "1 approval"},
		{"missing, not allowed", nil, []string{"1 approval"}, false, "down", model.ExitRequirements, "does not allow"},
		{"missing, overridden", nil, []string{"1 approval"}, true, "down", model.ExitOK, "overridden: 1 approval"},
		{"both, overridden", closed, []string{"1 approval"}, true, "down", model.ExitOK, "; 1 approval"},
		{"reason that is not needed", nil, nil, true, "down", model.ExitOK, ""},
	} {
		m, e := newMemory()
		s := site{cluster: m, env: model.Environment{Windows: c.windows, Override: model.OverridePolicy{Allowed: c.allowed}}}
		allowed, err := e.gate(t.Context(), s, concern{}, c.override, c.missing)
		verdict := allowed.window
		said := verdict
		if err != nil {
			said = err.Error()
		}
		if model.CodeOf(err, model.ExitRolloutFailed) != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%s: code %d, %q", c.name, model.CodeOf(err, model.ExitRolloutFailed), said)
		}
		if strings.HasPrefix(verdict, overriddenPrefix) && len(c.missing) == 0 && c.windows == nil {
			t.Errorf("%s: overridden without need: %q", c.name, verdict)
		}
	}
}

func TestASandboxHasNoWayIntoTheClusters(t *testing.T) {
	e := New(Config{TestEnv: []string{"PATH=/bin", "KUBECONFIG=/home/op1/.kube/config", "HOME=/home/op1"}})
	if got := e.testEnv(true); !slices.Equal(got, []string{"PATH=/bin", "HOME=/home/op1"}) {
		t.Errorf("in a sandbox: %q", got)
	}
	if got := e.testEnv(false); len(got) != 3 {
		t.Errorf("in an environment: %q", got)
	}
}
