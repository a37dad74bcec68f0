package rollout

import (
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func renderedAs(marks map[string]string, names ...string) map[model.ObjectID]model.Object {
	out := map[model.ObjectID]model.Object{}
	for _, n := range names {
		o := model.Object{ID: id(n), Version: "v1"}
		if key := marks[n]; key != "" {
			o.Fields = map[string]any{"metadata": map[string]any{"annotations": map[string]any{key: "keep"}}}
		}
		out[o.ID] = o
	}
	return out
}

func TestInventoryKeepsWhatItKnows(t *testing.T) {
	plan := &model.Plan{Objects: []model.PlannedObject{
		{ID: id("cart"), Version: "v1", Verdict: model.VerdictUpdate, Live: model.LiveRef{UID: "u1"}},
		{ID: id("new"), Version: "v1", Verdict: model.VerdictCreate},
		{ID: id("again"), Version: "v1", Verdict: model.VerdictCreate},
		{ID: id("replaced"), Version: "v1", Verdict: model.VerdictReplace, Live: model.LiveRef{UID: "u4"}},
		{ID: id("kept"), Version: "v1", Verdict: model.VerdictUnchanged, Left: true, Live: model.LiveRef{UID: "u2"}},
		{ID: id("going"), Version: "v1", Verdict: model.VerdictDelete, Left: true},
	}}
	old := []model.InventoryEntry{
		{ID: id("going"), UID: "u9"}, {ID: id("kept"), UID: "u2", Left: true}, {ID: id("again"), UID: "u3"},
		{ID: id("replaced"), UID: "u4"}, {ID: id("cart"), UID: "u1", Keep: "gone", Left: true},
	}
	objects := renderedAs(map[string]string{"new": "helm.sh/resource-policy"}, "cart", "new", "again", "replaced")
	got := map[string]model.InventoryEntry{}
	for _, e := range mergeInventory(old, plan, objects) {
		got[e.ID.Name] = e
	}
	// What is made anew is another object than the one that was known.
	for name, uid := range map[string]string{"going": "u9", "kept": "u2", "cart": "u1", "new": "", "again": "", "replaced": ""} {
		if e, ok := got[name]; !ok || e.UID != uid || e.Left != (name == "kept") {
			t.Errorf("%s is %+v, want UID %q", name, e, uid)
		}
	}
	if len(got) != 6 || got["new"].Keep != "annotation helm.sh/resource-policy: keep" || got["cart"].Keep != "" {
		t.Errorf("inventory %+v", got)
	}
	indexed(old).noteUID(model.InventoryEntry{ID: id("again"), UID: "u5"})
	indexed(old).noteUID(model.InventoryEntry{ID: id("kept")})
	indexed(old).noteUID(model.InventoryEntry{ID: id("nobody"), UID: "u6"})
	if old[2].UID != "u5" || old[1].UID != "u2" {
		t.Errorf("noted %+v", old)
	}
}

func TestInventoryShrinks(t *testing.T) {
	x := &execution{record: newJournal(), reading: reading{objects: renderedAs(nil, "cart"), plan: &model.Plan{Objects: []model.PlannedObject{
		{ID: id("kept"), Verdict: model.VerdictUnchanged, Left: true}, {ID: id("deleted"), Verdict: model.VerdictDelete, Left: true},
	}}}}
	for _, name := range []string{"cart", "kept", "deleted", "vanished"} {
		x.state.Inventory = append(x.state.Inventory, model.InventoryEntry{ID: id(name), UID: name})
	}
	x.site.env.Prune.Enabled = true
	names := func() (out []string) {
		for _, e := range x.shrunkInventory() {
			if e.Left == (e.ID.Name == "cart") {
				t.Errorf("%+v", e)
			}
			out = append(out, e.ID.Name)
		}
		return out
	}
	if got := names(); !slices.Equal(got, []string{"cart", "kept"}) {
		t.Errorf("left are %v", got)
	}
	// Without pruning there are no rows, and everything stays known.
	x.site.env.Prune.Enabled, x.reading.plan.Objects = false, nil
	if got := names(); len(got) != 4 {
		t.Errorf("left are %v", got)
	}
}

// What does not come back is refused by the engine, whoever asks; an automatic
// run waits for a person.
func TestApplyNeedsTheNamesThatWereTyped(t *testing.T) {
	m, e := newMemory()
	plan, err := e.Plan(t.Context(), "staging", "")
	if err != nil {
		t.Fatal(err)
	}
	plan.Objects[0].Risks = []model.Risk{{Name: "deletes-data", TypeName: true, Message: "deletes the data"}}
	_, err = e.Apply(t.Context(), model.Approval{Plan: plan}, func(model.Event) {})
	if model.CodeOf(err, 0) != model.ExitRequirements || !strings.Contains(err.Error(), "--confirm "+plan.Objects[0].ID.Ref()) || !Waits(err) {
		t.Errorf("error %v", err)
	}
	if len(m.runs) != 0 || len(m.live) != 0 {
		t.Errorf("records %v, written %v", m.runs, m.live)
	}
	if _, err = e.Apply(t.Context(), model.Approval{Plan: plan, Confirmed: model.Refs(plan.ToType())}, func(model.Event) {}); err != nil {
		t.Errorf("with the name: %v", err)
	}
}
