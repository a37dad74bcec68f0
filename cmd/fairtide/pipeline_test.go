package main

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/demo/stage"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// pipeline is a world with a forge, a registry and a Slack around it.
type pipeline struct {
	*world
	stage *stage.Stage
}

// What the windows of a test's environments are.
const (
	longAgo    = "to: 2020-01-02"
	evermore   = "to: 2099-01-02"
	closedRule = `[{name: long ago, timeZone: Europe/Berlin, allow: {from: 2020-01-01, ` + longAgo + `}}]`
)

// petstoreImage is the image that the pipeline carries.
const petstoreImage = "ghcr.io/petstore/petstore"

func newPipeline(t *testing.T, o sample.Options) *pipeline {
	t.Helper()
	c := testcluster.Get(t)
	var rules struct{ Rules []testcluster.PodRule }
	if err := yaml.UnmarshalStrict([]byte(sample.PodRules), &rules); err != nil {
		t.Fatal(err)
	}
	c.PodRules(t, rules.Rules...)
	number := strconv.FormatInt(worlds.Add(1), 10)
	o.Suffix, o.Context = number, "fairtide"
	s, err := stage.Start(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &pipeline{&world{t: t, cluster: c, suffix: "-" + number, repo: s.Repo}, s}
	p.installDefinition()
	p.env = slices.Concat(os.Environ(), s.Environ(), []string{"KUBECONFIG=" + c.Kubeconfig, "HOME=" + t.TempDir()})
	return p
}

// fairtide also sees to it that no secret comes out of the program.
func (p *pipeline) fairtide(args ...string) result {
	p.t.Helper()
	r := p.world.fairtide(args...)
	p.noSecrets("fairtide "+strings.Join(args, " "), r.stdout+r.stderr)
	return r
}

func (p *pipeline) must(code int, args ...string) result {
	p.t.Helper()
	r := p.fairtide(args...)
	if r.code != code {
		p.t.Fatalf("fairtide %s: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	return r
}

func (p *pipeline) noSecrets(where, text string) {
	p.t.Helper()
	secrets := p.stage.Secrets()
	for _, v := range []string{"staging-only-1", "staging-only-2", "production-only-1", "dev-only-1"} {
		secrets = append(secrets, v, base64.StdEncoding.EncodeToString([]byte(v)))
	}
	for _, s := range secrets {
		if strings.Contains(text, s) {
			p.t.Errorf("%s: a secret is in the output:\n%s", where, strings.ReplaceAll(text, s, ">>>"+s[:4]+"…<<<"))
		}
	}
}

// live makes the head live in an environment.
func (p *pipeline) live(env string) {
	p.t.Helper()
	p.must(0, "apply", "-e", env, "--yes", "--override", "first deployment")
}

// opened is what bump and revert print about a pull request.
type opened struct {
	Draft       model.Draft
	PullRequest model.PullRequest
}

// bump publishes an image and opens the pull request that asks for it.
func (p *pipeline) bump(tag string) opened {
	p.t.Helper()
	if err := p.stage.Registry.Push(p.t.Context(), "petstore/petstore:"+tag); err != nil {
		p.t.Fatal(err)
	}
	return decode[opened](p.t, p.must(0, "bump", "-e", "staging", petstoreImage+"="+tag, "--yes", "-o", "json").stdout)
}

func (p *pipeline) approve(number int) {
	p.t.Helper()
	if err := p.stage.Approve(number, "dev2"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pipeline) check(number int) {
	p.t.Helper()
	if err := p.stage.Check(p.t.Context(), number, "success"); err != nil {
		p.t.Fatal(err)
	}
}

// file is a file of the forge's main branch.
func (p *pipeline) file(name string) string {
	p.t.Helper()
	text, err := exec.CommandContext(p.t.Context(), "git", "--git-dir", p.stage.Forge.Dir(), "show", "main:"+name).Output()
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// onMain changes a file of the forge's main branch by a commit of its own.
func (p *pipeline) onMain(file, from, to string) {
	p.t.Helper()
	text := p.file(file)
	if !strings.Contains(text, from) {
		p.t.Fatalf("%s has no %q:\n%s", file, from, text)
	}
	if _, err := p.stage.Forge.Commit(githubtest.Commit{
		Branch: "main", Message: "change " + file, Files: map[string]string{file: strings.ReplaceAll(text, from, to)},
	}); err != nil {
		p.t.Fatal(err)
	}
}

// ships ships staging's pending changes, of which a pull request is the newest,
// from the home page.
func (o *operator) ships(commit string, number int) {
	o.t.Helper()
	o.sees("ENVIRONMENTS", "staging", model.Short(commit))
	o.types("2")
	o.sees("PENDING IN staging", "#"+strconv.Itoa(number))
	o.types("s")
	ship := "Ship " + model.Short(commit)
	o.sees(ship)
	o.untilSees("\t", "[ "+ship)
	o.untilSees("\r", "rolling out")
}

// The whole pipeline, from a published image to a revert.
func TestPipeline(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{Windows: map[string]string{"staging": closedRule}})
	p.live("staging")
	good := p.proposesAnUpgrade()
	p.validates(good)
	p.mergesInsideTheWindow(good)
	o := p.operator(120, 40)
	p.shipsAndTests(o, good)
	broken, fix := p.revertsWhatFails(o)
	o.leaves()
	p.noSecrets("the UI", o.term.Text())
	p.tellsItAll(good, broken, fix)
}

// Steps 1 and 2: an image is published, and the upgrade is proposed.
func (p *pipeline) proposesAnUpgrade() opened {
	t := p.t
	t.Helper()
	type images struct{ Images []model.ImageUse }
	find := func() model.ImageUse {
		list := decode[images](t, p.must(0, "images", "-e", "staging", "-o", "json").stdout).Images
		i := slices.IndexFunc(list, func(u model.ImageUse) bool { return u.Image == petstoreImage })
		if i < 0 {
			t.Fatalf("the petstore is not among %+v", list)
		}
		return list[i]
	}
	if use := find(); use.Tag != "1.4.2" || use.Newest != "1.4.3" || use.Problem != "" {
		t.Errorf("before the push: %+v", use)
	}
	if err := p.stage.Registry.Push(t.Context(), "petstore/petstore:1.5.0"); err != nil {
		t.Fatal(err)
	}
	if use := find(); use.Newest != "1.5.0" {
		t.Errorf("after the push: %+v", use)
	}
	preview := p.must(0, "bump", "-e", "staging", petstoreImage+"=1.5.0")
	if !strings.Contains(preview.stderr, "nothing was pushed") || !strings.Contains(preview.stderr, "+    newTag: 1.5.0") {
		t.Errorf("the preview says\n%s", preview.stderr)
	}
	up := p.bump("1.5.0")
	if p.stage.Forge.Head(up.Draft.Branch) != up.Draft.Commit || up.PullRequest.Number == 0 {
		t.Errorf("opened %+v with branch %s at %s", up.PullRequest, up.Draft.Branch, p.stage.Forge.Head(up.Draft.Branch))
	}
	if f := up.Draft.Files; len(f) != 1 || f[0].Path != "environments/staging/kustomization.yaml" ||
		strings.Count(f[0].Diff, "\n+") != 2 || strings.Count(f[0].Diff, "\n-") != 1 { // with the header "+++"
		t.Errorf("the upgrade changes %+v", f)
	}
	return up
}

// Step 3: the proposal is tried in a sandbox, and the result is on it.
func (p *pipeline) validates(up opened) {
	t := p.t
	t.Helper()
	n := up.PullRequest.Number
	v := decode[model.Validation](t, p.must(0, "validate", "-e", "staging", "--pr", strconv.Itoa(n), "-o", "json").stdout)
	if !v.Passed || len(v.Tests) != 2 || len(v.Objects) == 0 || v.Head != up.Draft.Commit || v.Namespace == "" {
		t.Errorf("validation: %+v", v)
	}
	comments := p.stage.Forge.Comments(n)
	if len(comments) != 1 || !strings.Contains(comments[0], "passed") || !strings.Contains(comments[0], "checkout") {
		t.Errorf("comments on #%d: %q", n, comments)
	}
	p.noSecrets("the comment", strings.Join(comments, "\n"))
	list := decode[struct{ Proposed []model.Proposed }](t, p.must(0, "proposed", "-e", "staging", "-o", "json").stdout).Proposed
	if len(list) != 1 || list[0].Number != n || list[0].Validation == nil || list[0].Validation.State != model.CheckSuccess || len(list[0].Unmet) != 1 {
		t.Errorf("proposed: %+v", list)
	}
	testcluster.Eventually(t, time.Minute, "the sandbox is gone", func() (bool, error) {
		_, err := p.cluster.Client(t).CoreV1().Namespaces().Get(t.Context(), v.Namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
}

// Steps 4 and 5: approved and green, it merges inside the window only.
func (p *pipeline) mergesInsideTheWindow(up opened) {
	t := p.t
	t.Helper()
	n := strconv.Itoa(up.PullRequest.Number)
	if r := p.must(3, "merge", "-e", "staging", n); !strings.Contains(r.stderr, "long ago") {
		t.Errorf("outside the window: %s", r.stderr)
	}
	p.onMain(".fairtide.yaml", longAgo, evermore)
	if r := p.must(8, "merge", "-e", "staging", n); !strings.Contains(r.stderr, "0 of 1 approvals") {
		t.Errorf("without an approval: %s", r.stderr)
	}
	p.approve(up.PullRequest.Number)
	p.check(up.PullRequest.Number)
	p.must(0, "merge", "-e", "staging", n, "--head", up.Draft.Commit)

	pending := decode[struct{ Changes []model.Change }](t, p.must(0, "changes", "-e", "staging", "-o", "json").stdout).Changes
	i := slices.IndexFunc(pending, func(c model.Change) bool { return c.RendersChange })
	if i < 0 || pending[i].PullRequest == nil || strconv.Itoa(pending[i].PullRequest.Number) != n ||
		!slices.Equal(pending[i].PullRequest.Approvals, []string{"dev2"}) || pending[i].PullRequest.Checks != model.CheckSuccess {
		t.Errorf("pending after the merge: %+v", pending)
	}
}

// Steps 6 and 7: an operator ships it, and the tests give the verdict.
func (p *pipeline) shipsAndTests(o *operator, up opened) {
	t := p.t
	t.Helper()
	head := p.stage.Forge.Head("main")
	o.ships(head, up.PullRequest.Number)
	o.untilSees("G", "LOG OF checkout", "order 4711 accepted")
	o.sees("✓ succeeded: staging runs "+model.Short(head), "2 of 2 tests passed")
	o.types("\x1b")
	o.sees("ENVIRONMENTS")
	if image := p.image(); image != petstoreImage+":1.5.0" {
		t.Errorf("live after #%d: %s", up.PullRequest.Number, image)
	}
}

// image is what the petstore runs in staging.
func (p *pipeline) image() string {
	p.t.Helper()
	d, err := p.cluster.Client(p.t).AppsV1().Deployments("petstore-staging"+p.suffix).Get(p.t.Context(), "petstore", metav1.GetOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	return d.Spec.Template.Spec.Containers[0].Image
}

// Step 8: an upgrade whose test fails is shipped, and reverted.
func (p *pipeline) revertsWhatFails(o *operator) (broken opened, fix int) {
	t := p.t
	t.Helper()
	broken = p.bump("1.6.0")
	p.merges(broken.PullRequest.Number)
	bad := p.stage.Forge.Head("main")
	o.types("\x12") // ctrl+r
	o.ships(bad, broken.PullRequest.Number)
	o.sees("failed", "healthz", "500", "R reverts")
	if r := p.must(7, "test", "-e", "staging"); !strings.Contains(r.stderr, "500") {
		t.Errorf("the tests again: %s", r.stderr)
	}
	o.types("R")
	o.sees("staging  revert", "Nothing is pushed")
	o.types("\r")
	o.sees("revert of #"+strconv.Itoa(broken.PullRequest.Number), "not pushed yet", "petstore")
	o.types("o")
	o.sees("Open pull request for", "Cancel")
	o.untilSees("\t", "[ Open")
	fix = broken.PullRequest.Number + 1
	o.untilSees("\r", "#"+strconv.Itoa(fix)+" is open")
	o.types("\x1b")
	p.merges(fix)
	p.must(0, "apply", "-e", "staging", "--yes")
	if image := p.image(); image != petstoreImage+":1.5.0" {
		t.Errorf("live after the revert: %s", image)
	}
	p.must(0, "test", "-e", "staging")
	return broken, fix
}

func (p *pipeline) merges(number int) {
	p.t.Helper()
	p.approve(number)
	p.check(number)
	p.must(0, "merge", "-e", "staging", strconv.Itoa(number))
}

// tellsItAll compares history and Slack with what happened.
func (p *pipeline) tellsItAll(good, broken opened, fix int) {
	t := p.t
	t.Helper()
	runs := decode[struct{ Runs []model.Run }](t, p.must(0, "history", "-e", "staging", "-o", "json").stdout).Runs
	if len(runs) != 4 {
		t.Fatalf("%d runs: %+v", len(runs), runs)
	}
	for i, want := range []struct {
		state  model.RunState
		pulls  []int
		tests  []model.TestState
		reason string
	}{
		{model.RunSucceeded, []int{fix, broken.PullRequest.Number}, []model.TestState{model.TestPassed, model.TestPassed}, ""},
		{model.RunFailed, []int{broken.PullRequest.Number}, []model.TestState{model.TestFailed, model.TestPassed}, "healthz"},
		{model.RunSucceeded, []int{good.PullRequest.Number}, []model.TestState{model.TestPassed, model.TestPassed}, ""},
		{model.RunSucceeded, nil, []model.TestState{model.TestPassed, model.TestPassed}, ""},
	} {
		r := runs[i]
		var states []model.TestState
		for _, test := range r.Tests {
			states = append(states, test.State)
		}
		if r.State != want.state || !slices.Equal(r.PullRequests, want.pulls) || !slices.Equal(states, want.tests) ||
			!strings.Contains(r.Reason, want.reason) || r.FinishedAt.IsZero() || r.Window == "" || r.Thread == nil {
			t.Errorf("run %s is %s with pull requests %v, tests %v, window %q, thread %v, reason %q; want %+v", r.ID, r.State, r.PullRequests, states, r.Window, r.Thread, r.Reason, want)
		}
		if log := strings.Join(r.Tests[1].Log, "\n"); !strings.Contains(log, "order 4711 accepted") {
			t.Errorf("run %s: the record's log of the Job is %q", r.ID, log)
		}
	}
	messages := p.stage.Slack.Messages(stage.Channel)
	if len(messages) != len(runs) {
		t.Fatalf("%d messages for %d runs: %+v", len(messages), len(runs), messages)
	}
	for i, m := range messages {
		run := runs[len(runs)-1-i]
		verdict := map[model.RunState]string{model.RunSucceeded: "now runs " + model.Short(run.Commit), model.RunFailed: "failed"}[run.State]
		if run.Thread == nil || m.TS != run.Thread.Message || !strings.Contains(m.Text, verdict) || len(m.Versions) < 2 {
			t.Errorf("the message of %s (%s) is %q, after %d versions", run.ID, run.State, m.Text, len(m.Versions))
		}
		p.noSecrets("Slack", m.Text+string(m.Blocks))
	}
}

// A validation that does not pass says so on the pull request.
func TestValidationThatFails(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	up := p.bump("1.6.0")
	v := decode[model.Validation](t, p.must(7, "validate", "-e", "staging", "--pr", strconv.Itoa(up.PullRequest.Number), "-o", "json").stdout)
	if v.Passed || !strings.Contains(v.Message, "healthz") {
		t.Errorf("validation: %+v", v)
	}
	p.approve(up.PullRequest.Number)
	p.check(up.PullRequest.Number)
	r := p.must(8, "merge", "-e", "staging", strconv.Itoa(up.PullRequest.Number))
	if !strings.Contains(r.stderr, rollout.ValidationCheck) {
		t.Errorf("the refusal does not name the check: %s", r.stderr)
	}
	if head := p.stage.Forge.Head("main"); head != p.repo.Head {
		t.Errorf("main moved to %s", head)
	}
	if cache, err := filepath.Glob(filepath.Join(p.repo.Dir, ".git", "refs", "heads", "fairtide*")); err != nil || len(cache) > 0 {
		t.Errorf("branches in the operator's clone: %v, %v", cache, err)
	}
}
