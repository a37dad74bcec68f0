package model

import (
	"testing"
	"time"
)

func TestDiffDigest(t *testing.T) {
	side := func(image string, replicas int64) map[string]any {
		return map[string]any{"spec": map[string]any{"image": image, "replicas": replicas}}
	}
	first := PlannedObject{
		ID: ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}, Verdict: VerdictUpdate,
		Before: side("cart:1", 2), After: side("cart:2", 2),
		Causes: []Cause{{Path: "spec.image", Kind: CauseGit, By: "abc", At: time.Unix(1, 0)}},
		Live:   LiveRef{UID: "1", ResourceVersion: "100"}, Prediction: PredictedByServer,
	}
	cases := map[string]struct {
		change func(*PlannedObject)
		same   bool
	}{
		"another reading":                 {func(o *PlannedObject) { o.Live.ResourceVersion, o.Prediction = "101", PredictedFromList }, true},
		"another cause":                   {func(o *PlannedObject) { o.Causes[0].By = "def" }, true},
		"another risk":                    {func(o *PlannedObject) { o.Risks = []Risk{{Name: "restarts-pods"}} }, true},
		"replicas that stay, autoscaled":  {func(o *PlannedObject) { o.Before, o.After = side("cart:1", 5), side("cart:2", 5) }, true},
		"whole numbers, decoded elsewise": {func(o *PlannedObject) { o.After["spec"].(map[string]any)["replicas"] = float64(2) }, true},
		"another value":                   {func(o *PlannedObject) { o.After = side("cart:3", 2) }, false},
		"another live value":              {func(o *PlannedObject) { o.Before = side("cart:0", 2) }, false},
		"replicas that move":              {func(o *PlannedObject) { o.After = side("cart:2", 1) }, false},
		"another verdict":                 {func(o *PlannedObject) { o.Verdict = VerdictReplace }, false},
		"another reason":                  {func(o *PlannedObject) { o.Reason = "immutable" }, false},
		"another object":                  {func(o *PlannedObject) { o.ID.Name = "gateway" }, false},
		"a migration of fields":           {func(o *PlannedObject) { o.Migrates = true }, false},
	}
	want, err := first.DiffDigest()
	if err != nil || len(want) != 64 {
		t.Fatalf("digest %q, %v", want, err)
	}
	for name, c := range cases {
		o := first
		o.Before, o.After = side("cart:1", 2), side("cart:2", 2)
		o.Causes = append([]Cause(nil), first.Causes...)
		c.change(&o)
		if got, err := o.DiffDigest(); err != nil || (got == want) != c.same {
			t.Errorf("%s: same digest: %v, %v; want %v", name, got == want, err, c.same)
		}
	}
}

func TestInWaveAgreesWithWaves(t *testing.T) {
	p := &Plan{}
	for _, kind := range []string{"Deployment", "Namespace", "ConfigMap", "Widget", "APIService", "Service"} {
		for _, v := range Verdicts {
			p.Objects = append(p.Objects, PlannedObject{ID: ObjectID{Kind: kind, Name: string(v)}, Verdict: v})
		}
	}
	written := 0
	for _, w := range p.Waves() {
		for i := range w.Objects {
			written++
			if n, ok := w.Objects[i].InWave(); !ok || n.Name() != w.Name {
				t.Errorf("%s is in wave %q, and in %d, %v", w.Objects[i].ID, w.Name, n, ok)
			}
			if i > 0 && CompareApplied(&w.Objects[i-1], &w.Objects[i]) >= 0 {
				t.Errorf("%s is not before %s", w.Objects[i-1].ID, w.Objects[i].ID)
			}
		}
	}
	for i := range p.Objects {
		if _, ok := p.Objects[i].InWave(); ok {
			written--
		}
	}
	if written != 0 {
		t.Errorf("%d objects are in waves and not in one, or the other way round", written)
	}
}
