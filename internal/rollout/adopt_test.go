package rollout

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/mask"
	"github.com/fairtide-dev/fairtide/model"
)

func TestWhatIsNotAdopted(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	cm := model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "cart"}
	masked := mask.New("k", model.FieldRule{Kind: "ConfigMap", Pointer: "/data/password"})
	side := func(password string) map[string]any {
		return masked.Object(cm, map[string]any{"data": map[string]any{"password": password, "pasted": "user:" + canary, "open": "<" + password[:1] + ">"}})
	}
	plain := model.PlannedObject{ID: cm, Before: side("a1"), After: side("b2")}
	with := func(change func(*model.PlannedObject)) model.PlannedObject {
		o := plain
		change(&o)
		return o
	}
	byGit := with(func(o *model.PlannedObject) {
		o.Causes = []model.Cause{{Path: "data.open", Kind: model.CauseGit, By: newCommit}}
	})
	byHand := with(func(o *model.PlannedObject) {
		o.Causes = []model.Cause{{Path: "data.open", Kind: model.CauseDrift, By: "kubectl-edit"}, {Path: "data.other", Kind: model.CauseGit}}
	})
	for name, c := range map[string]struct {
		o          model.PlannedObject
		path, want string
	}{
		"a field":            {plain, "data.open", ""},
		"changed live":       {byHand, "data.open", ""},
		"masked":             {plain, "data.password", "what is masked is never written to Git"},
		"holds a masked one": {plain, "data", "what is masked is never written to Git"},
		"a Secret's value":   {plain, "data.pasted", "holds a value of a Secret"},
		"changed in Git":     {byGit, "data.open", "because " + model.Short(newCommit) + " changed it in Git"},
		"holds one of Git":   {with(func(o *model.PlannedObject) { o.Causes = byGit.Causes; o.Before = nil }), "data", "there is no live object"},
		"above what Git set": {with(func(o *model.PlannedObject) {
			o.Causes = byGit.Causes
			o.Before = map[string]any{"data": map[string]any{"open": "x"}}
			o.After = o.Before
		}), "data", "changed it in Git"},
		"not rendered any more": {with(func(o *model.PlannedObject) { o.Left = true }), "data.open", "does not render"},
		"Secret":                {with(func(o *model.PlannedObject) { o.ID.Kind = "Secret" }), "data.open", "values of Secrets are never written"},
	} {
		err := adoptable(c.o, c.path, map[string]bool{canary: true})
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "<")) {
			t.Errorf("%s: the error holds a value: %v", name, err)
		}
	}
}

func TestAdoptionIsNamed(t *testing.T) {
	t.Parallel()
	s := site{env: model.Environment{Name: "production"}, head: model.Commit{Hash: newCommit}}
	field := func(name, path string) model.FieldRef {
		return model.FieldRef{ID: model.ObjectID{Kind: "Deployment", Namespace: "shop", Name: name}, Path: path}
	}
	one := describeAdopt(s, model.DraftRequest{Fields: []model.FieldRef{field("cart", "spec.replicas")}})
	if one.Title != "production: adopt spec.replicas of Deployment shop/cart" || one.Branch != "fairtide/adopt-production-cart-replicas-"+model.Short(newCommit) ||
		!strings.Contains(one.Body, "- spec.replicas of Deployment shop/cart\n") {
		t.Errorf("%+v", one)
	}
	two := describeAdopt(s, model.DraftRequest{Fields: []model.FieldRef{field("cart", "metadata.annotations[a/b]"), field("web", "spec.replicas")}})
	if two.Title != "production: adopt 2 live fields of 2 objects" || two.Branch != "fairtide/adopt-production-cart-a-b--and-1-"+model.Short(newCommit) {
		t.Errorf("%+v", two)
	}
}

func TestNeighbours(t *testing.T) {
	t.Parallel()
	env := func(name, branch string) model.Environment { return model.Environment{Name: name, Branch: branch} }
	s := site{env: env("a", ""), config: model.Config{Environments: []model.Environment{env("a", ""), env("b", ""), env("c", "other")}}}
	if got := neighbours(s); len(got) != 1 || got[0].Name != "b" {
		t.Errorf("%+v", got)
	}
}
