package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/demo/stage"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/internal/notify/slacktest"
	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// says fails the test unless a text has all the words.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in\n%s", w, text)
		}
	}
}

// with runs do with other environment variables; the last of a name counts.
func (p *pipeline) with(variables []string, do func()) {
	old := p.env
	p.env = append(p.env[:len(p.env):len(p.env)], variables...)
	defer func() { p.env = old }()
	do()
}

// proposes opens a pull request of dev1's that upgrades the cart in staging.
func (p *pipeline) proposes(branch string) (number int, head string) {
	p.t.Helper()
	const file = "environments/staging/kustomization.yaml"
	text := p.file(file)
	head, err := p.stage.Forge.Commit(githubtest.Commit{
		Branch: branch, Message: "cart 0.11.0", Files: map[string]string{file: strings.Replace(text, "0.10.0", "0.11.0", 1)},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	number, err = p.stage.Forge.Propose("dev1", githubtest.Proposal{Title: "cart 0.11.0 in staging", Head: branch, Base: "main"})
	if err != nil {
		p.t.Fatal(err)
	}
	return number, head
}

// What can go wrong with the forge is said, and changes nothing.
func TestForgeBadInput(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	number, head := p.proposes("cart")
	n := strconv.Itoa(number)
	p.approve(number)
	p.check(number)

	p.with([]string{"FAIRTIDE_GITHUB_TOKEN=", "GH_ENTERPRISE_TOKEN=", "GITHUB_ENTERPRISE_TOKEN=", "PATH=/usr/bin:/bin"}, func() {
		says(t, p.must(10, "proposed", "-e", "staging").stderr, "no token", "FAIRTIDE_GITHUB_TOKEN", "gh auth login")
		says(t, p.must(10, "merge", "-e", "staging", n).stderr, "no token")
		p.must(0, "changes", "-e", "staging") // what needs no forge goes on
	})
	p.with([]string{"FAIRTIDE_GITHUB_TOKEN=ghp_wrong"}, func() {
		r := p.must(10, "proposed", "-e", "staging")
		says(t, r.stderr, "token", "FAIRTIDE_GITHUB_TOKEN")
		if strings.Contains(r.stderr+r.stdout, "ghp_wrong") {
			t.Errorf("the wrong token is in the output: %s", r.stderr)
		}
	})
	lift := p.stage.Forge.Inject(githubtest.PrimaryLimit(time.Now().Add(37 * time.Minute)))
	says(t, p.must(10, "proposed", "-e", "staging").stderr, "rate", "limit")
	lift()

	// The head moves after it was looked at.
	moved, err := p.stage.Forge.Commit(githubtest.Commit{Branch: "cart", Message: "more", Files: map[string]string{"docs/cart.md": "more\n"}})
	if err != nil {
		t.Fatal(err)
	}
	says(t, p.must(4, "merge", "-e", "staging", n, "--head", head).stderr, "pushed to since", model.Short(head), model.Short(moved))
	says(t, p.must(8, "merge", "-e", "staging", n).stderr, "approved before the last push")
	p.approve(number)
	p.check(number)
	// It is closed while it is being merged, and before.
	if err := p.stage.Forge.ClosePull(number); err != nil {
		t.Fatal(err)
	}
	says(t, p.must(4, "merge", "-e", "staging", n).stderr, "closed")
	says(t, p.must(10, "validate", "-e", "staging", "--pr", "999").stderr, "999")
	if at := p.stage.Forge.Head("main"); at != p.repo.Head {
		t.Errorf("main moved to %s", at)
	}
}

// A branch of that name is there already, with other commits.
func TestBranchNameTaken(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	what := petstoreImage + "=1.4.3"
	draft := decode[model.Draft](t, p.must(0, "bump", "-e", "staging", what, "-o", "json").stdout)
	theirs, err := p.stage.Forge.Commit(githubtest.Commit{Branch: draft.Branch, Message: "theirs", Files: map[string]string{"docs/theirs.md": "theirs\n"}})
	if err != nil {
		t.Fatal(err)
	}
	r := p.fairtide("bump", "-e", "staging", what, "--yes")
	if r.code == 0 {
		t.Errorf("it was pushed over: %s", r.stdout)
	}
	says(t, r.stderr, draft.Branch)
	if at := p.stage.Forge.Head(draft.Branch); at != theirs {
		t.Errorf("the branch moved from %s to %s", theirs, at)
	}
}

func TestRegistryBadInput(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	says(t, p.must(10, "bump", "-e", "staging", petstoreImage+"=9.9.9", "--yes").stderr, petstoreImage+":9.9.9", "does not exist")
	says(t, p.must(10, "bump", "-e", "staging", "ghcr.io/petstore/parrot=1.0.0", "--yes").stderr, "ghcr.io/petstore/parrot:1.0.0")
	says(t, p.must(2, "bump", "-e", "staging", petstoreImage, "--yes").stderr, "IMAGE=TAG")
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	p.with([]string{"FAIRTIDE_REGISTRY_MIRRORS=ghcr.io=" + gone.URL}, func() {
		says(t, p.must(0, "images", "-e", "staging").stdout, petstoreImage, "1.4.2", "? ", "cannot be asked")
		says(t, p.must(10, "bump", "-e", "staging", petstoreImage+"=1.4.3", "--yes").stderr, "registry ghcr.io cannot be asked")
	})
	p.with([]string{"FAIRTIDE_REGISTRY_MIRRORS=ghcr.io"}, func() {
		says(t, p.must(2, "images", "-e", "staging").stderr, "FAIRTIDE_REGISTRY_MIRRORS")
	})
	for _, pr := range []int{122, 123} {
		if comments := p.stage.Forge.Comments(pr); len(comments) > 0 {
			t.Errorf("#%d: %q", pr, comments)
		}
	}
}

// A sandbox's name that is taken is somebody else's namespace: it is left alone.
func TestSandboxNameCollision(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	number, _ := p.proposes("cart")
	client := p.cluster.Client(t)
	taken := p.cluster.Namespace(t)
	keep := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "keep"}}
	if _, err := client.CoreV1().ConfigMaps(taken).Create(t.Context(), keep, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r := p.fairtide("validate", "-e", "staging", "--pr", strconv.Itoa(number), "--sandbox", taken)
	if r.code == 0 {
		t.Errorf("a namespace of somebody else's was taken: %s", r.stdout)
	}
	says(t, r.stderr, taken, "exists")
	if _, err := client.CoreV1().ConfigMaps(taken).Get(t.Context(), "keep", metav1.GetOptions{}); err != nil {
		t.Errorf("what was in it: %v", err)
	}
	list, err := client.AppsV1().Deployments(taken).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) > 0 {
		t.Errorf("%d Deployments in it, %v", len(list.Items), err)
	}
	comments := p.stage.Forge.Comments(number)
	if len(comments) != 1 {
		t.Fatalf("comments: %q", comments)
	}
	says(t, comments[0], "could not be carried out", taken)
}

// Slack neither fails nor delays a run.
func TestSlackDown(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	p.stage.Slack.Fail(slacktest.Fault{Drop: true})
	p.live("staging")
	p.stage.Slack.Clear()
	if m := p.stage.Slack.Messages(stage.Channel); len(m) > 0 {
		t.Errorf("Slack was not down: %+v", m)
	}
	p.with([]string{"SLACK_BOT_TOKEN="}, func() {
		p.onMain("environments/staging/kustomization.yaml", "newTag: 0.10.0", "newTag: 0.11.0")
		r := p.must(0, "apply", "-e", "staging", "--yes", "--override", "no review")
		says(t, r.stderr, "nobody is notified", "SLACK_BOT_TOKEN")
	})
	runs := decode[struct{ Runs []model.Run }](t, p.must(0, "history", "-e", "staging", "-o", "json").stdout).Runs
	for _, r := range runs {
		if r.State != model.RunSucceeded || r.Thread != nil {
			t.Errorf("run %s: %s, thread %v", r.ID, r.State, r.Thread)
		}
	}
	if len(runs) != 2 {
		t.Errorf("%d runs", len(runs))
	}
}

// A test Job that never starts ends with its timeout, says what it waited for,
// and is gone from the cluster.
func TestJobThatNeverStarts(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	p.onMain("tests/checkout.yaml", "sim.fairtide.dev/exit-after: 2s", `sim.fairtide.dev/pull-error: ""`)
	p.onMain(".fairtide.yaml", "timeout: 2m", "timeout: 6s")
	r := p.must(7, "apply", "-e", "staging", "--yes", "--override", "first deployment")
	says(t, r.stderr, "checkout", "timed out after 6s", "ghcr.io/petstore/acceptance:1.0.0")
	run := decode[struct{ Runs []model.Run }](t, p.must(0, "history", "-e", "staging", "-o", "json").stdout).Runs[0]
	if run.State != model.RunFailed || len(run.Tests) != 2 || run.Tests[1].State != model.TestFailed {
		t.Errorf("the record: %+v", run)
	}
	jobs, err := p.cluster.Client(t).BatchV1().Jobs("petstore-staging"+p.suffix).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs.Items {
		if strings.HasPrefix(j.Name, "checkout") && j.DeletionTimestamp == nil {
			t.Errorf("Job %s is still there", j.Name)
		}
	}
}

// Going back over a change of a Secret shows that it changes, never to what.
func TestNoSecretInADraft(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	rotate := p.change("rotate-staging-password")
	for _, args := range [][]string{{rotate.Commit}, {rotate.Commit, "-o", "json"}, {"--back-to", rotate.Parent}} {
		r := p.must(0, append([]string{"revert", "-e", "staging"}, args...)...) // looks for secrets itself
		says(t, r.stderr, "environments/staging/secret.yaml", "nothing was pushed")
	}
}
