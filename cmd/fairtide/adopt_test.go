package main

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// What somebody changed live is written to Git by a pull request, and is no
// drift any more once that is merged.
func TestAdopt(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	p.live("staging")
	id := p.scaled("staging")
	field := id.String() + ":spec.replicas"
	main := p.stage.Forge.Head("main")

	preview := p.must(0, "adopt", "-e", "staging", field)
	if !strings.Contains(preview.stderr, "nothing was pushed") || !strings.Contains(preview.stderr, "\n+    count: 7\n") || preview.stdout != "" {
		t.Errorf("the preview says\n%s\n%s", preview.stderr, preview.stdout)
	}
	up := decode[opened](t, p.must(0, "adopt", "-e", "staging", field, "--yes", "-o", "json").stdout)
	if p.stage.Forge.Head(up.Draft.Branch) != up.Draft.Commit || up.PullRequest.Number == 0 || p.stage.Forge.Head("main") != main {
		t.Errorf("opened %+v with branch %s at %s", up.PullRequest, up.Draft.Branch, p.stage.Forge.Head(up.Draft.Branch))
	}
	if len(up.Draft.Objects) != 1 || up.Draft.Objects[0].ID.Name != id.Name || len(up.Draft.Files) != 1 || !strings.Contains(up.Draft.Files[0].Path, "environments/staging/") {
		t.Errorf("the draft changes %+v in %+v", up.Draft.Objects, up.Draft.Files)
	}
	p.merges(up.PullRequest.Number)
	after := decode[planDocument](t, p.must(0, "diff", "-e", "staging", "-o", "json").stdout)
	if o := documentOf(t, after, id); o.Verdict != model.VerdictUnchanged || len(o.Causes) != 0 {
		t.Errorf("after the merge: %+v", o)
	}
	p.must(0, "apply", "-e", "staging", "--yes", "--override", "adopted")
	d, err := p.cluster.Client(t).AppsV1().Deployments(id.Namespace).Get(t.Context(), id.Name, metav1.GetOptions{})
	if err != nil || *d.Spec.Replicas != 7 {
		t.Errorf("live after the apply: %v, %v", d.Spec.Replicas, err)
	}
	drift := decode[planDocument](t, p.must(0, "diff", "-e", "staging", "--lens", "drift", "-o", "json").stdout)
	if o := documentOf(t, drift, id); o.Diff != "" {
		t.Errorf("it still drifts:\n%s", o.Diff)
	}
	p.adoptRefuses(after, field)
}

// adoptRefuses are the fields that must not, or cannot, be adopted.
func (p *pipeline) adoptRefuses(plan planDocument, field string) {
	t := p.t
	t.Helper()
	i := slices.IndexFunc(plan.Objects, func(o objectDocument) bool { return o.Kind == "Secret" })
	if i < 0 {
		t.Fatal("the sample has no Secret")
	}
	secret := model.ObjectID{Kind: "Secret", Namespace: plan.Objects[i].Namespace, Name: plan.Objects[i].Name}
	for what, args := range map[string][]string{
		"adopt what?":             nil,
		"is not a field":          {"spec.replicas"},
		"is live as Git writes":   {field},
		"no rendered object":      {"Deployment nowhere/x:spec.replicas"},
		"values of Secrets":       {secret.String() + ":data"},
		"neither live nor in Git": {field + "s"},
	} {
		if r := p.must(2, append([]string{"adopt", "-e", "staging", "--yes"}, args...)...); !strings.Contains(r.stderr, what) {
			t.Errorf("adopt %q: %s, want %q", args, r.stderr, what)
		}
	}
}
