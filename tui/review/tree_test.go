package review

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
)

// dice are random numbers; a test prints their seed.
func dice(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 3))
}

// randomPlan is a plan of up to n objects of any kind and verdict.
func randomPlan(rng *rand.Rand, n int) *model.Plan {
	p := manyObjects(rng.IntN(n + 1))
	for i := range p.Objects {
		p.Objects[i].Verdict = model.Verdicts[rng.IntN(len(model.Verdicts))]
		p.Objects[i].ID.Kind = []string{"Deployment", "ConfigMap", "Namespace", "APIService", "Widget"}[rng.IntN(5)]
	}
	p.Sort()
	return p
}

// TestEveryObjectStandsInOneGroup holds for every grouping, filter and fold that
// the counts of the headings add up to the whole, and that the list has each
// object that it should, once.
func TestEveryObjectStandsInOneGroup(t *testing.T) {
	rng := dice(t)
	filters := []string{"", "object-000", "kind:Deployment", "path:image", "verdict:update", "is:unreviewed", "risk:restarts", "cause:#42", "nothing-like-it"}
	for range 60 {
		plan := randomPlan(rng, 80)
		p := onPlan(plan)
		for range 6 {
			switch rng.IntN(4) {
			case 0:
				do(p, action.GroupBy)
			case 1:
				do(p, action.Unchanged)
			case 2:
				drain(p.SetFilter(filters[rng.IntN(len(filters))]))
			case 3:
				if len(p.groups) > 0 {
					p.toggleGroup(p.groups[rng.IntN(len(p.groups))].key)
				}
			}
			checkTree(t, p, plan)
		}
	}
}

func checkTree(t *testing.T, p *Page, plan *model.Plan) {
	t.Helper()
	all, listed := 0, 0
	seen := map[int]bool{}
	for i := range p.groups {
		g := &p.groups[i]
		all += len(g.objects)
		if g.key != sameKey || p.unchanged {
			listed += len(g.listed)
		}
		for _, n := range g.objects {
			if seen[n] {
				t.Fatalf("%s stands in two groups", plan.Objects[n].ID)
			}
			seen[n] = true
		}
		for _, n := range g.listed {
			o := &plan.Objects[n]
			if !slices.Contains(g.objects, n) || !p.filter.matches(o, p.about(n, o.ID)) {
				t.Fatalf("%s is listed under %s by the filter %q", o.ID, g.key, p.filter.text)
			}
		}
	}
	if all != len(plan.Objects) || listed != p.matched {
		t.Fatalf("the headings count %d of %d objects, and %d of %d that match", all, len(plan.Objects), listed, p.matched)
	}
	rows := map[model.ObjectID]bool{}
	for i := range p.objects.Len() {
		id := p.objects.Item(i).Key.id
		if id.Name == "" {
			continue
		}
		if rows[id] {
			t.Fatalf("%s has two rows", id)
		}
		rows[id] = true
	}
	want := 0
	for i := range p.groups {
		if !p.isFolded(&p.groups[i]) {
			want += len(p.groups[i].listed)
		}
	}
	if len(rows) != want {
		t.Fatalf("%d objects have rows, want %d", len(rows), want)
	}
}

func TestGroups(t *testing.T) {
	object := func(kind, name string, v model.Verdict) model.PlannedObject {
		return model.PlannedObject{ID: model.ObjectID{Kind: kind, Name: name}, Verdict: v}
	}
	plan := &model.Plan{Objects: []model.PlannedObject{
		object("Deployment", "cart", model.VerdictUpdate), object("Namespace", "shop", model.VerdictCreate),
		object("ConfigMap", "old", model.VerdictDelete), object("Service", "cart", model.VerdictUnchanged),
		object("ConfigMap", "cart", model.VerdictUpdate),
	}}
	plan.Sort()
	for by, want := range map[grouping][]string{
		byVerdict: {"delete", "update", "create", "unchanged"},
		byKind:    {"ConfigMap", "Deployment", "Namespace", "unchanged"},
		byWave:    {"wave 1  namespaces and definitions", "wave 2  configuration and RBAC", "wave 3  workloads and services", "wave 4  prune", "unchanged"},
	} {
		var got []string
		for _, g := range arrange(plan, by) {
			got = append(got, g.title)
		}
		if !slices.Equal(got, want) {
			t.Errorf("grouping %d: %q, want %q", by, got, want)
		}
	}
}

func TestAFoldedGroupIsUnfoldedByEnterAndByTheNextToReview(t *testing.T) {
	p := onPlan(manyObjects(30))
	key := p.groups[0].key
	first, _ := p.Selected()
	p.toggleGroup(key)
	if _, ok := p.Selected(); ok || !p.isFolded(&p.groups[0]) {
		t.Fatal("the heading of a folded group is not selected")
	}
	do(p, action.OpenDiff)
	if o, ok := p.Selected(); !ok || o.ID != first.ID || p.isFolded(&p.groups[0]) {
		t.Errorf("enter on a heading selects %v, %v", o.ID, ok)
	}
	for i := range p.groups {
		p.groups[i].listed = p.groups[i].objects
		if p.groups[i].key != sameKey {
			p.toggleGroup(p.groups[i].key)
		}
	}
	do(p, action.NextUnreviewed)
	if o, ok := p.Selected(); !ok || !p.wantsReview(o.ID) {
		t.Errorf("the next to review is %v, %v", o.ID, ok)
	}
}
