package model

import (
	"reflect"
	"testing"
)

func TestWindowSubjects(t *testing.T) {
	object := func(verdict Verdict, kind, namespace, name string, risks ...string) PlannedObject {
		o := PlannedObject{ID: ObjectID{Group: "apps", Kind: kind, Namespace: namespace, Name: name}, Verdict: verdict}
		for _, r := range risks {
			o.Risks = append(o.Risks, Risk{Name: r})
		}
		return o
	}
	owned := object(VerdictUnchanged, "DaemonSet", "shop", "a")
	owned.TakesOwnership = true
	p := Plan{Objects: []PlannedObject{
		object(VerdictUpdate, "Deployment", "shop", "a", "y", "x"),
		object(VerdictCreate, "Deployment", "shop", "b", "x", "y", "x"),
		object(VerdictUpdate, "Deployment", "shop", "c"),
		object(VerdictUpdate, "Deployment", "ship", "c"),
		object(VerdictUnchanged, "StatefulSet", "shop", "db", "x"),
		object(VerdictDelete, "Service", "", "d"),
		owned,
	}}
	want := []WindowSubject{
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Risks: []string{"x", "y"}},
		{Group: "apps", Kind: "Deployment", Namespace: "shop"},
		{Group: "apps", Kind: "Deployment", Namespace: "ship"},
		{Group: "apps", Kind: "Service"},
		{Group: "apps", Kind: "DaemonSet", Namespace: "shop"},
	}
	if got := p.WindowSubjects(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	space := PlannedObject{ID: ObjectID{Kind: "Namespace", Name: "shop"}, Verdict: VerdictDelete}
	if got := (&Plan{Objects: []PlannedObject{space}}).WindowSubjects(); !reflect.DeepEqual(got, []WindowSubject{{Kind: "Namespace", Namespace: "shop"}}) {
		t.Errorf("a namespace is judged as %+v: a freeze of what is in it does not hold it", got)
	}
	p.Risks = []Risk{{Name: "prunes-many"}}
	if got := p.WindowSubjects(); !reflect.DeepEqual(got, append(want, WindowSubject{Risks: []string{"prunes-many"}})) {
		t.Errorf("with the plan's own risks: %+v", got)
	}
}
