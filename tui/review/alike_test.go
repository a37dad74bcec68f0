package review

import (
	"fmt"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// service is a Deployment that goes from one version to another.
func service(name, from, to string, change func(*model.PlannedObject)) model.PlannedObject {
	side := func(version string) map[string]any {
		return map[string]any{
			"metadata": map[string]any{"name": name, "namespace": "shop"},
			"spec": map[string]any{"replicas": int64(len(name)), "template": map[string]any{"spec": map[string]any{
				"containers": []any{map[string]any{"name": name, "image": "ghcr.io/shop/" + name + ":" + version}},
			}}},
		}
	}
	o := model.PlannedObject{
		ID: model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: name}, Version: "v1", Verdict: model.VerdictUpdate,
		Before: side(from), After: side(to),
		Risks: []model.Risk{{Name: "restarts-pods", Severity: model.SeverityWarning, Message: fmt.Sprintf("restarts %d pods", len(name))}},
	}
	if change != nil {
		change(&o)
	}
	return o
}

func like(o model.PlannedObject) likeness {
	return likenessOf(&o, fieldpath.Diff(o.Before, o.After))
}

func TestAlike(t *testing.T) {
	cart := like(service("cart", "1", "2", nil))
	if cart == (likeness{}) {
		t.Fatal("an update is like no other")
	}
	spec := func(o *model.PlannedObject) map[string]any { return o.After["spec"].(map[string]any) }
	for name, c := range map[string]struct {
		other model.PlannedObject
		alike bool
	}{
		"the same release":        {service("gateway", "1", "2", nil), true},
		"with a dash":             {service("cart-db", "1", "2", nil), true},
		"another target":          {service("gateway", "1", "3", nil), false},
		"from elsewhere":          {service("gateway", "0", "2", nil), false},
		"one more field":          {service("gateway", "1", "2", func(o *model.PlannedObject) { spec(o)["paused"] = true }), false},
		"a field gone":            {service("gateway", "1", "2", func(o *model.PlannedObject) { delete(spec(o), "replicas") }), false},
		"another kind":            {service("gateway", "1", "2", func(o *model.PlannedObject) { o.ID.Kind = "StatefulSet" }), false},
		"a danger":                {service("gateway", "1", "2", func(o *model.PlannedObject) { o.Risks[0].Severity = model.SeverityDanger }), false},
		"another risk":            {service("gateway", "1", "2", func(o *model.PlannedObject) { o.Risks = nil }), false},
		"its name is to be typed": {service("gateway", "1", "2", func(o *model.PlannedObject) { o.Risks[0].TypeName = true }), false},
		"replaced":                {service("gateway", "1", "2", func(o *model.PlannedObject) { o.Verdict = model.VerdictReplace }), false},
		"migrated":                {service("gateway", "1", "2", func(o *model.PlannedObject) { o.Migrates = true }), false},
	} {
		if got := like(c.other) == cart; got != c.alike {
			t.Errorf("%s: alike is %v, want %v", name, got, c.alike)
		}
	}
	for _, v := range []model.Verdict{model.VerdictDelete, model.VerdictReplace, model.VerdictUnpredictable} {
		if like(service("cart", "1", "2", func(o *model.PlannedObject) { o.Verdict = v })) != (likeness{}) {
			t.Errorf("what is to %s may be accepted together with others", v)
		}
	}
}

func TestGeneral(t *testing.T) {
	for _, c := range [][3]string{
		{"shop/cart:1", "cart", "shop/\x00:1"}, {"cart", "cart", "\x00"}, {"cartoon", "cart", "cartoon"}, {"mycart", "cart", "mycart"},
		{"cart-cart.cart", "cart", "\x00-\x00.\x00"}, {"v2", "v2", "v2"}, {"cartcart", "cart", "cartcart"}, {"", "cart", ""}, {"écart", "cart", "écart"},
	} {
		if got := general(c[0], c[1]); got != c[2] {
			t.Errorf("%q without %q is %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// TestOneDifferenceIsEnough changes one thing of one of many objects that are
// alike, and wants just that one to be left out.
func TestOneDifferenceIsEnough(t *testing.T) {
	rng := dice(t)
	for range 100 {
		n := 3 + rng.IntN(20)
		plan := &model.Plan{}
		for i := range n {
			plan.Objects = append(plan.Objects, service(fmt.Sprintf("service-%02d", i), "1", "2", nil))
		}
		odd := rng.IntN(n)
		o := &plan.Objects[odd]
		spec := o.After["spec"].(map[string]any)
		switch rng.IntN(4) {
		case 0:
			spec["replicas"] = int64(77)
		case 1:
			spec["template"].(map[string]any)["spec"].(map[string]any)["hostNetwork"] = true
		case 2:
			o.After["metadata"].(map[string]any)["labels"] = map[string]any{"x": fmt.Sprint(rng.IntN(9))}
		case 3:
			o.Verdict = model.VerdictReplace
		}
		plan.Sort()
		alike := explore(plan, plan, nil).alike
		for _, o := range plan.Objects {
			k, isOdd := alike[o.ID], o.ID.Name == fmt.Sprintf("service-%02d", odd)
			if isOdd != (k == nil) || k != nil && len(k.ids) != n-1 {
				t.Fatalf("%s of %d, odd %v: %+v", o.ID.Name, n, isOdd, k)
			}
		}
	}
}
