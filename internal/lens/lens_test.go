package lens

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

type (
	m = map[string]any
	l = []any
)

func deployment(replicas int64, image string, live bool) m {
	c := m{"name": "cart", "image": image}
	spec := m{"replicas": replicas, "containers": l{c}}
	if live {
		c["imagePullPolicy"] = "Always"
		spec["strategy"] = m{"type": "RollingUpdate"}
		spec["containers"] = l{m{"name": "injected", "image": "proxy"}, c}
	}
	return m{"kind": "Deployment", "spec": spec}
}

var cart = model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}

func planned() model.PlannedObject {
	return model.PlannedObject{
		ID: cart, Verdict: model.VerdictUpdate,
		Before: deployment(5, "cart:1", true), After: deployment(3, "cart:2", true),
		Deployed: deployment(3, "cart:1", false), Rendered: deployment(3, "cart:2", false),
		Causes: []model.Cause{
			{Path: "spec.containers[cart].image", Kind: model.CauseGit, By: "abc", PullRequest: 42},
			{Path: "spec.replicas", Kind: model.CauseDrift, By: "kubectl-scale"},
		},
		Risks: []model.Risk{{Name: "restarts-pods"}},
	}
}

func TestSides(t *testing.T) {
	for _, c := range []struct {
		lens  model.Lens
		paths []string
		cause string
	}{
		{model.LensApply, []string{"spec.containers[cart].image", "spec.replicas"}, "#42 drift kubectl-scale"},
		{model.LensGit, []string{"spec.containers[cart].image"}, "#42"},
		{model.LensDrift, []string{"spec.replicas"}, "drift kubectl-scale"},
	} {
		p := Through(&model.Plan{Objects: []model.PlannedObject{planned()}}, c.lens)
		o := p.Objects[0]
		var paths, causes []string
		for _, d := range fieldpath.Diff(o.Before, o.After) {
			paths = append(paths, d.Path)
		}
		for _, w := range o.Causes {
			causes = append(causes, CauseWords(w)[0])
		}
		if o.Verdict != model.VerdictUpdate || !slices.Equal(paths, c.paths) || strings.Join(causes, " ") != c.cause {
			t.Errorf("%s: %s, %q because of %q", c.lens, o.Verdict, paths, causes)
		}
		if (len(o.Risks) > 0) != (c.lens == model.LensApply) {
			t.Errorf("%s has risks %v", c.lens, o.Risks)
		}
	}
}

func TestVerdicts(t *testing.T) {
	render, live := deployment(3, "cart:1", false), deployment(3, "cart:1", true)
	for name, c := range map[string]struct {
		o          model.PlannedObject
		git, drift model.Verdict
	}{
		"as deployed":       {model.PlannedObject{Before: live, Deployed: render, Rendered: render}, model.VerdictUnchanged, model.VerdictUnchanged},
		"new in Git":        {model.PlannedObject{Rendered: render}, model.VerdictCreate, model.VerdictUnchanged},
		"left Git":          {model.PlannedObject{Before: live, Deployed: render}, model.VerdictDelete, model.VerdictUnchanged},
		"deleted live":      {model.PlannedObject{Deployed: render, Rendered: render}, model.VerdictUnchanged, model.VerdictDelete},
		"not read":          {model.PlannedObject{Verdict: model.VerdictUnpredictable, Deployed: render, Rendered: render}, model.VerdictUnchanged, model.VerdictUnpredictable},
		"never in a render": {model.PlannedObject{Before: live}, model.VerdictUnchanged, model.VerdictUnchanged},
	} {
		if git, drift := Verdict(c.o, model.LensGit), Verdict(c.o, model.LensDrift); git != c.git || drift != c.drift {
			t.Errorf("%s: git %s, drift %s; want %s, %s", name, git, drift, c.git, c.drift)
		}
	}
}

func TestParse(t *testing.T) {
	for _, name := range []string{"", "apply", "git", "drift"} {
		if l, err := Parse(name); err != nil || name != "" && string(l) != name {
			t.Errorf("%q is %q, %v", name, l, err)
		}
	}
	if _, err := Parse("Git"); model.CodeOf(err, model.ExitOK) != model.ExitUsage {
		t.Errorf("Git: %v", err)
	}
}

func TestMoved(t *testing.T) {
	at := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	was, now := planned(), planned()
	now.Before = deployment(7, "cart:1", true)
	now.Causes[1].By, now.Causes[1].At = "kubectl-edit", at
	before := &model.Plan{Environment: "production", Objects: []model.PlannedObject{was, {ID: model.ObjectID{Kind: "Secret", Name: "gone"}, Verdict: model.VerdictCreate}}}
	after := &model.Plan{Environment: "production", ReadAt: at.Add(2*time.Minute + time.Second), Objects: []model.PlannedObject{now}}
	err := NewMovedError(before, after)
	if model.CodeOf(err, model.ExitOK) != model.ExitPlanMoved {
		t.Errorf("exit code %d", model.CodeOf(err, model.ExitOK))
	}
	for _, words := range []string{
		"production: ", "nothing was written", "since you looked: ",
		"Deployment shop/cart spec.replicas 5 → 7 by kubectl-edit 2 min ago", "Secret gone is gone from the plan (was create)",
	} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("lacks %q: %v", words, err)
		}
	}
	moves := Moved(before, after)
	if f := moves[slices.IndexFunc(moves, func(m model.Moved) bool { return m.ID == cart })].Fields; len(f) != 1 || !f[0].Live || f[0].At != at {
		t.Errorf("fields %+v", f)
	}
	if words := MovedWords(moves, at, 1); len(words) != 2 || words[1] != "and 1 more" {
		t.Errorf("cut to one: %q", words)
	}
	now.Before, now.After = was.Before, deployment(4, "cart:2", true)
	after.Objects[0] = now
	if words := MovedWords(Moved(before, after), at, 9); !strings.Contains(strings.Join(words, "\n"), "spec.replicas 3 → 4 after apply") {
		t.Errorf("%q", words)
	}
}

func TestCauseWords(t *testing.T) {
	at := time.Date(2026, 10, 5, 3, 12, 0, 0, time.UTC)
	for _, c := range []struct {
		cause           model.Cause
		words, sentence string
	}{
		{model.Cause{Path: "a", Kind: model.CauseGit, By: "0123456789", PullRequest: 42}, "#42", "a: git #42 (0123456)"},
		{model.Cause{Path: "a", Kind: model.CauseGit, By: "0123456789"}, "0123456", "a: git 0123456"},
		{model.Cause{Kind: model.CauseGit}, "git", "the object: git"},
		{model.Cause{Path: "a", Kind: model.CauseDrift, By: "kubectl-edit", At: at}, "drift kubectl-edit 03:12", "a: drift kubectl-edit 2026-10-05 03:12 UTC"},
		{model.Cause{Path: "a", Kind: model.CauseDrift, By: "kubectl"}, "drift kubectl", "a: drift kubectl (the cluster keeps no time for it)"},
		{model.Cause{Path: "a", Kind: model.CauseDrift}, "drift", "a: drift (changed or removed live; the cluster does not keep by whom)"},
		{model.Cause{Path: "a", Kind: model.CauseServer}, "server", "a: server"},
	} {
		if w, s := CauseWords(c.cause)[0], CauseSentence(c.cause); w != c.words || s != c.sentence {
			t.Errorf("%+v: %q and %q, want %q and %q", c.cause, w, s, c.words, c.sentence)
		}
	}
}

// What was worked out for an earlier reading is taken from it only where that is
// what would come out again.
func TestThroughAgainIsThrough(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not for secrets
	side := func() m {
		if r.IntN(6) == 0 {
			return nil
		}
		return deployment(int64(r.IntN(2)), []string{"cart:1", "cart:2"}[r.IntN(2)], r.IntN(2) == 0)
	}
	reading := func() *model.Plan {
		p := &model.Plan{}
		for i := range 30 {
			o := planned()
			o.ID.Name = fmt.Sprint("cart-", i)
			o.Verdict = model.Verdicts[r.IntN(len(model.Verdicts))]
			o.Before, o.After, o.Deployed, o.Rendered = side(), side(), side(), side()
			o.Causes = o.Causes[r.IntN(2):]
			if r.IntN(8) > 0 {
				p.Objects = append(p.Objects, o)
			}
		}
		p.Sort()
		return p
	}
	for range 200 {
		was, now := reading(), reading()
		for i := range now.Objects {
			if r.IntN(3) > 0 && i < len(was.Objects) {
				id := now.Objects[i].ID
				for _, o := range was.Objects {
					if o.ID == id {
						now.Objects[i] = o
					}
				}
			}
		}
		now.Sort()
		for _, l := range model.Lenses {
			got, want := ThroughAgain(now, l, was, Through(was, l)), Through(now, l)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("lens %s:\n%+v\nis not\n%+v", l, got, want)
			}
		}
	}
}
