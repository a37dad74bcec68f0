package lens

import (
	"testing"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

func TestHidden(t *testing.T) {
	side := func(v any) map[string]any { return map[string]any{"v": v} }
	hides := func(shown any, paths ...string) model.Hiding {
		h := model.Hiding{Shown: side(shown), OnlyHidden: len(paths) < 2}
		for _, path := range paths {
			h.Hidden = append(h.Hidden, model.HiddenPath{Path: path, Rule: "hide /v"})
		}
		return h
	}
	o := model.PlannedObject{
		Verdict: model.VerdictUpdate, Before: side("live"), After: side("git"), Rendered: side("git"), Deployed: side("old"),
		Hiding:     hides("apply", "v", "w"),
		LensHiding: map[model.Lens]model.Hiding{model.LensGit: hides("git", "v"), model.LensDrift: hides("drift", "v")},
	}
	p := &model.Plan{Objects: []model.PlannedObject{o}}
	for l, want := range map[model.Lens]string{model.LensApply: "2 hidden", model.LensGit: "only a hidden difference", model.LensDrift: "only a hidden difference"} {
		seen := Through(p, l).Objects[0]
		if seen.Shown["v"] != string(l) || HiddenWords(seen) != want || seen.Verdict != model.VerdictUpdate {
			t.Errorf("%s shows %v, %q, as %s", l, seen.Shown, HiddenWords(seen), seen.Verdict)
		}
		for order, all := range map[string]model.PlannedObject{
			"all shown, then seen": Through(WithHidden(p), l).Objects[0],
			"seen, then all shown": WithHidden(Through(p, l)).Objects[0],
		} {
			if all.Shown != nil || HiddenWords(all) != want {
				t.Errorf("%s, %s: shows %v, %q", l, order, all.Shown, HiddenWords(all))
			}
		}
	}
	if o := p.Objects[0]; o.Shown == nil || o.LensHiding[model.LensGit].Shown == nil {
		t.Error("the plan itself was altered")
	}
	for words, o := range map[string]model.PlannedObject{
		"":                           {},
		"only hidden differences: 2": {Hiding: model.Hiding{Hidden: o.Hidden, OnlyHidden: true}},
	} {
		if got := HiddenWords(o); got != words {
			t.Errorf("%q, want %q", got, words)
		}
	}
}

// Drift is told from how the server writes things: an empty field that it does
// not keep is none, and one that it would keep is.
func TestDriftOfEmptyFields(t *testing.T) {
	for name, c := range map[string]struct {
		deployed, live, after map[string]any
		paths                 int
	}{
		"an empty list that the server leaves out": {m{"spec": m{"args": l{}}}, m{"spec": m{}}, m{"spec": m{}}, 0},
		"an empty selector that somebody removed":  {m{"spec": m{"selector": m{}}}, m{"spec": m{}}, m{"spec": m{"selector": m{}}}, 1},
		"in an element": {
			m{"from": l{m{"name": "a", "selector": m{}}}}, m{"from": l{m{"name": "a"}}}, m{"from": l{m{"name": "a", "selector": m{}}}}, 1,
		},
		"in an element that stays so": {
			m{"from": l{m{"name": "a", "selector": m{}}}}, m{"from": l{m{"name": "a"}}}, m{"from": l{m{"name": "a"}}}, 0,
		},
		"another version": {m{"apiVersion": "v1beta1", "a": "b"}, m{"apiVersion": "v1", "a": "b"}, m{"apiVersion": "v1", "a": "b"}, 0},
	} {
		before, after := Sides(model.PlannedObject{Before: c.live, After: c.after, Deployed: c.deployed}, model.LensDrift)
		if changes := fieldpath.Diff(before, after); len(changes) != c.paths {
			t.Errorf("%s: %+v", name, changes)
		}
	}
}
