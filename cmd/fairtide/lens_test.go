package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// scaled sets another number of replicas live, for a Deployment whose number
// Git writes, and says which.
func (w *world) scaled(env string) (id model.ObjectID) {
	w.t.Helper()
	drift := decode[planDocument](w.t, w.must(0, "diff", "-e", env, "--lens", "drift", "-o", "json").stdout)
	i := slices.IndexFunc(drift.Objects, func(o objectDocument) bool {
		_, written := fieldpath.Get(o.Before, "spec.replicas")
		return o.Kind == "Deployment" && written
	})
	if i < 0 {
		w.t.Fatal("Git writes the replicas of no Deployment")
	}
	o := drift.Objects[i]
	_, err := w.dynamic().Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).
		Namespace(o.Namespace).Patch(w.t.Context(), o.Name, types.MergePatchType, []byte(`{"spec":{"replicas":7}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		w.t.Fatal(err)
	}
	return model.ObjectID{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

func documentOf(t *testing.T, d planDocument, id model.ObjectID) objectDocument {
	t.Helper()
	i := slices.IndexFunc(d.Objects, func(o objectDocument) bool {
		return o.Kind == id.Kind && o.Namespace == id.Namespace && o.Name == id.Name
	})
	if i < 0 {
		t.Fatalf("the plan has no %s", id)
	}
	return d.Objects[i]
}

// TestLensesCausesAndKeeping is one drift from all sides: found, explained,
// kept, and found to have moved.
func TestLensesCausesAndKeeping(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{})
	w.deploy("staging")
	saved := filepath.Join(t.TempDir(), "plan.json")
	w.must(1, "diff", "-e", "staging", "--save", saved)
	id := w.scaled("staging")
	field := id.String() + ":spec.replicas"

	drift := decode[planDocument](t, w.must(1, "diff", "-e", "staging", "--lens", "drift", "-o", "json").stdout)
	o := documentOf(t, drift, id)
	if drift.Lens != model.LensDrift || drift.Counts.Update != 1 || o.Verdict != model.VerdictUpdate ||
		!strings.Contains(o.Diff, "+  replicas: 7") || !strings.Contains(o.Diff, "--- Git, as deployed") {
		t.Errorf("drift: %+v\n%s", drift.Counts, o.Diff)
	}
	if len(o.Causes) != 1 || o.Causes[0].Kind != model.CauseDrift || o.Causes[0].By != "kubectl-edit" || o.Causes[0].At.IsZero() {
		t.Errorf("causes of the drift: %+v", o.Causes)
	}
	if text := w.must(1, "diff", "-e", "staging").stdout; !strings.Contains(text, "# spec.replicas: drift kubectl-edit 20") || !strings.Contains(text, ": git #") {
		t.Errorf("the text does not say why:\n%s", text)
	}

	// Every change that Git brought has the pending commit that did.
	pending := decode[struct{ Changes []model.Change }](t, w.must(0, "changes", "-e", "staging", "-o", "json").stdout).Changes
	git := decode[planDocument](t, w.must(1, "diff", "-e", "staging", "--lens", "git", "-o", "json").stdout)
	if documentOf(t, git, id).Diff != "" && strings.Contains(documentOf(t, git, id).Diff, "replicas: 7") {
		t.Error("the lens git shows drift")
	}
	causes := 0
	for _, o := range git.Objects {
		for _, c := range o.Causes {
			causes++
			i := slices.IndexFunc(pending, func(p model.Change) bool { return p.Commit == c.By })
			if i < 0 || pending[i].PullRequest != nil && pending[i].PullRequest.Number != c.PullRequest {
				t.Errorf("%s %s: %+v is no pending change", o.Kind, o.Name, c)
			}
		}
	}
	if causes == 0 {
		t.Error("nothing in Git has a cause")
	}
	markdown := w.must(1, "diff", "-e", "staging", "-o", "markdown").stdout
	for _, words := range []string{"### fairtide: what `", "| update | " + id.String(), "spec.replicas: drift kubectl-edit", "```diff"} {
		if !strings.Contains(markdown, words) {
			t.Errorf("the comment lacks %q:\n%s", words, markdown)
		}
	}

	kept := decode[planDocument](t, w.must(1, "diff", "-e", "staging", "--keep", field, "-o", "json").stdout)
	if len(kept.Kept) != 1 || kept.Kept[0].ID != id || strings.Contains(documentOf(t, kept, id).Diff, "replicas: 7\n+") {
		t.Errorf("kept %+v:\n%s", kept.Kept, documentOf(t, kept, id).Diff)
	}
	w.must(2, "diff", "-e", "staging", "--keep", "spec.replicas")
	w.must(2, "diff", "-e", "staging", "--lens", "sideways")

	moved := w.must(4, "apply", "-e", "staging", "--plan", saved, "--yes", "--override", "test", "-o", "json")
	if !strings.Contains(moved.stderr, "since you looked: ") || !strings.Contains(moved.stderr, "spec.replicas") || !strings.Contains(moved.stderr, "→ 7 by kubectl-edit") ||
		!strings.Contains(moved.stdout, `"moved":[{`) {
		t.Errorf("what moved:\n%s\n%s", moved.stderr, moved.stdout)
	}
}
