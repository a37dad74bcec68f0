package model

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func object(kind, name string, v Verdict) PlannedObject {
	return PlannedObject{ID: ObjectID{Kind: kind, Namespace: "shop", Name: name}, Verdict: v, Version: "v1"}
}

func TestCountsAddUp(t *testing.T) {
	var p Plan
	for _, v := range Verdicts {
		p.Objects = append(p.Objects, object("ConfigMap", string(v), v))
	}
	p.Objects = append(p.Objects, object("ConfigMap", "again", VerdictUpdate))
	c := p.Counts()
	if got := c.Unchanged + c.Create + c.Update + c.Replace + c.Delete + c.Unpredictable; got != len(p.Objects) {
		t.Errorf("the counts add up to %d of %d objects: %+v", got, len(p.Objects), c)
	}
	if c.Update != 2 || c.Unpredictable != 1 {
		t.Errorf("%+v", c)
	}
}

func TestWhatCannotBePredictedDiffers(t *testing.T) {
	for _, v := range Verdicts {
		if want := v != VerdictUnchanged; v.Differs() != want {
			t.Errorf("%s differs: %v", v, v.Differs())
		}
	}
}

func TestSealIsStableUnderNoise(t *testing.T) {
	plan := func() Plan {
		return Plan{Environment: "production", Commit: "c1", ClusterUID: "u1", Objects: []PlannedObject{
			{ID: ObjectID{Kind: "ConfigMap", Name: "a"}, Verdict: VerdictUpdate, Before: map[string]any{"x": "1"}, After: map[string]any{"x": "2"}},
			{ID: ObjectID{Kind: "ConfigMap", Name: "b"}, Verdict: VerdictUnchanged},
		}}
	}
	digest := func(p Plan, render string) string {
		t.Helper()
		if err := p.Seal(render); err != nil {
			t.Fatal(err)
		}
		return p.Digest
	}
	base := digest(plan(), "r1")

	noise := plan()
	noise.ReadAt = time.Now()
	noise.Objects[0].Live.ResourceVersion = "77"
	noise.Objects[0].Risks = []Risk{{Name: "x"}}
	slices.Reverse(noise.Objects)
	if got := digest(noise, "r1"); got != base {
		t.Error("noise changed the digest")
	}

	scaled := func(before, after int64) Plan {
		p := plan()
		p.Objects[0].Before = map[string]any{"x": "1", "spec": map[string]any{"replicas": before, "y": "1"}}
		p.Objects[0].After = map[string]any{"x": "2", "spec": map[string]any{"replicas": after, "y": "1"}}
		return p
	}
	if digest(scaled(3, 3), "r1") != digest(scaled(5, 5), "r1") {
		t.Error("replicas that applying leaves alone changed the digest")
	}
	if digest(scaled(3, 3), "r1") == digest(scaled(5, 3), "r1") {
		t.Error("replicas that applying takes back did not change the digest")
	}
	was, is := scaled(3, 3), scaled(5, 5)
	if moves := MovedSince(&was, &is); len(moves) != 0 {
		t.Errorf("replicas that applying leaves alone have moved: %+v", moves)
	}
	if digest(plan(), "r2") == base {
		t.Error("another rendered set has the same digest")
	}
	for name, alter := range map[string]func(*Plan){
		"environment": func(p *Plan) { p.Environment = "staging" },
		"commit":      func(p *Plan) { p.Commit = "c2" },
		"cluster":     func(p *Plan) { p.ClusterUID = "u2" },
		"live side":   func(p *Plan) { p.Objects[0].Before = map[string]any{"x": "0"} },
		"after side":  func(p *Plan) { p.Objects[0].After = map[string]any{"x": "3"} },
		"verdict":     func(p *Plan) { p.Objects[0].Verdict = VerdictReplace },
		"ownership":   func(p *Plan) { p.Objects[1].TakesOwnership = true },
		"new object":  func(p *Plan) { p.Objects = append(p.Objects, object("Secret", "s", VerdictDelete)) },
	} {
		p := plan()
		alter(&p)
		if digest(p, "r1") == base {
			t.Errorf("another %s has the same digest", name)
		}
	}
}

func TestMovedSince(t *testing.T) {
	was := &Plan{Objects: []PlannedObject{
		object("ConfigMap", "gone", VerdictUpdate), object("ConfigMap", "same", VerdictUpdate), object("ConfigMap", "turned", VerdictUnchanged),
	}}
	now := &Plan{Objects: []PlannedObject{
		object("ConfigMap", "same", VerdictUpdate), object("ConfigMap", "turned", VerdictUpdate), object("ConfigMap", "new", VerdictCreate),
	}}
	var got []string
	for _, m := range MovedSince(was, now) {
		got = append(got, m.ID.Name+" "+string(m.Was)+" "+string(m.Now))
	}
	want := []string{"gone update ", "new  create", "turned unchanged update"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	now.Objects[0].After = map[string]any{"x": 1}
	if moves := MovedSince(was, now); len(moves) != 4 {
		t.Errorf("an object with another side has not moved: %+v", moves)
	}
	now.Objects[0].After, now.Objects[0].TakesOwnership = nil, true
	if moves := MovedSince(was, now); len(moves) != 4 {
		t.Errorf("an object whose fields others own now has not moved: %+v", moves)
	}
}

func TestWaves(t *testing.T) {
	p := Plan{Objects: []PlannedObject{
		object("Deployment", "cart", VerdictUpdate), object("VirtualService", "routes", VerdictCreate),
		object("Namespace", "shop", VerdictCreate), object("CustomResourceDefinition", "vs", VerdictCreate),
		object("ConfigMap", "cfg", VerdictUpdate), object("ServiceAccount", "cart", VerdictCreate),
		object("Service", "cart", VerdictUpdate), object("ConfigMap", "old", VerdictDelete),
		object("Deployment", "old", VerdictDelete), object("Secret", "same", VerdictUnchanged),
		{ID: ObjectID{Kind: "Secret", Namespace: "shop", Name: "adopted"}, Verdict: VerdictUnchanged, TakesOwnership: true},
	}}
	var got []string
	for _, w := range p.Waves() {
		line := w.Name + ":"
		for _, o := range w.Objects {
			line += " " + o.ID.Kind + "/" + o.ID.Name
		}
		got = append(got, line)
		if w.Settle != (w.Name == "namespaces and definitions") || w.Prune != (w.Name == "prune") {
			t.Errorf("wave %q: settle %v, prune %v", w.Name, w.Settle, w.Prune)
		}
	}
	want := []string{
		"namespaces and definitions: CustomResourceDefinition/vs Namespace/shop",
		"configuration and RBAC: ServiceAccount/cart ConfigMap/cfg Secret/adopted",
		"workloads and services: Service/cart Deployment/cart",
		"custom resources and the rest: VirtualService/routes",
		"prune: Deployment/old ConfigMap/old",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestAnnotationsRefineTheWaves(t *testing.T) {
	t.Parallel()
	with := func(kind, name string, v Verdict, annotations ...string) PlannedObject {
		o := object(kind, name, v)
		notes := map[string]any{}
		for i := 0; i < len(annotations); i += 2 {
			notes[annotations[i]] = annotations[i+1]
		}
		side := map[string]any{"metadata": map[string]any{"annotations": notes}}
		if o.After = side; v == VerdictDelete {
			o.After, o.Before = nil, side
		}
		return o
	}
	const argoWave, argoHook = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/hook"
	const own, hook, weight = "fairtide.dev/wave", "helm.sh/hook", "helm.sh/hook-weight"
	p := Plan{Objects: []PlannedObject{
		with("Deployment", "cart", VerdictUpdate),
		with("ConfigMap", "late", VerdictUpdate, argoWave, "5"),
		with("Deployment", "late", VerdictUpdate, argoWave, "5"),
		with("Job", "migrate", VerdictCreate, hook, "pre-upgrade,pre-install", weight, "-3"),
		with("ConfigMap", "migrate", VerdictCreate, hook, "pre-upgrade", weight, "-3"),
		with("Job", "seed", VerdictCreate, argoHook, "PreSync"),
		with("Job", "warm", VerdictCreate, hook, "post-install", weight, "2"),
		with("Namespace", "shop", VerdictCreate, argoWave, "9"),
		with("Deployment", "first", VerdictCreate, own, "-2147483648", argoWave, "7"),
		with("Service", "odd", VerdictCreate, own, "9999999999"),
		with("Service", "weighs nothing", VerdictCreate, weight, "4"),
		with("ConfigMap", "gone", VerdictDelete),
		with("ConfigMap", "gone first", VerdictDelete, argoWave, "5"),
	}}
	var got []string
	for _, w := range p.Waves() {
		line := w.Name + ":"
		for _, o := range w.Objects {
			line += " " + o.ID.Kind + "/" + o.ID.Name
			if key, ok := o.InWave(); !ok || key.Name() != w.Name {
				t.Errorf("%s is in wave %q and says %q", o.ID, w.Name, key.Name())
			}
		}
		got = append(got, line)
	}
	want := []string{
		"namespaces and definitions: Namespace/shop",
		"configuration and RBAC, before the others, order -3: ConfigMap/migrate",
		"workloads and services, before the others, order -3: Job/migrate",
		"workloads and services, before the others: Job/seed",
		"workloads and services, order -2147483648: Deployment/first",
		"workloads and services: Service/odd Service/weighs nothing Deployment/cart",
		"configuration and RBAC, order 5: ConfigMap/late",
		"workloads and services, order 5: Deployment/late",
		"workloads and services, after the others, order 2: Job/warm",
		"prune: ConfigMap/gone first ConfigMap/gone",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPlanSortsByGravestRisk(t *testing.T) {
	t.Parallel()
	object := func(name string, v Verdict, severities ...Severity) PlannedObject {
		o := PlannedObject{ID: ObjectID{Kind: "ConfigMap", Name: name}, Verdict: v}
		for _, s := range severities {
			o.Risks = append(o.Risks, Risk{Severity: s})
		}
		return o
	}
	p := Plan{Objects: []PlannedObject{
		object("a", VerdictUpdate), object("b", VerdictUpdate, SeverityInfo), object("d", VerdictUpdate, SeverityWarning, SeverityInfo),
		object("c", VerdictUpdate, SeverityInfo, SeverityDanger), object("e", VerdictUpdate, SeverityWarning),
		object("f", VerdictCreate, SeverityDanger), object("g", VerdictDelete, SeverityInfo), object("h", VerdictUnpredictable),
	}}
	p.Sort()
	got := ""
	for _, o := range p.Objects {
		got += o.ID.Name
	}
	if want := "hgcdebaf"; got != want {
		t.Errorf("sorted %s, want %s", got, want)
	}
}
