package review

import (
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestFilter(t *testing.T) {
	cart := model.PlannedObject{
		ID: model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}, Verdict: model.VerdictUpdate,
		Before: map[string]any{"spec": map[string]any{"image": "cart:1"}}, After: map[string]any{"spec": map[string]any{"image": "cart:2"}},
		Risks:  []model.Risk{{Name: "restarts-pods", Severity: model.SeverityWarning}},
		Causes: []model.Cause{{Kind: model.CauseGit, By: "8f2c1d7a", PullRequest: 42}},
	}
	flags := model.PlannedObject{
		ID: model.ObjectID{Kind: "ConfigMap", Namespace: "workshop", Name: "cart-flags"}, Verdict: model.VerdictUpdate,
		Before: map[string]any{"data": map[string]any{"on": "1"}}, After: map[string]any{"data": map[string]any{"on": "2"}},
		Causes: []model.Cause{{Kind: model.CauseDrift, By: "kubectl-edit"}},
	}
	account := model.PlannedObject{ID: model.ObjectID{Kind: "ServiceAccount", Namespace: "shop", Name: "cart"}, Verdict: model.VerdictCreate, After: map[string]any{"kind": "x"}}
	service := model.PlannedObject{ID: model.ObjectID{Kind: "Service", Namespace: "shop", Name: "gateway"}, Verdict: model.VerdictCreate, After: map[string]any{"kind": "y"}}
	plan := &model.Plan{Objects: []model.PlannedObject{cart, flags, account, service}}
	plan.Sort()
	p := onPlan(plan)
	for text, want := range map[string]string{
		"":                        "cart cart-flags cart gateway",
		"cart":                    "cart cart-flags cart",
		"CART deploy":             "cart",
		"path:image":              "cart",
		"path:data[":              "",
		"path:on":                 "cart-flags",
		"kind:dep":                "cart",
		"kind:Service":            "gateway", // it is one, so that it is not the beginning of another
		"kind:Serv":               "cart gateway",
		"ns:shop":                 "cart cart gateway",
		"risk:restarts":           "cart",
		"risk:warning":            "cart",
		"risk:danger":             "",
		"cause:#42":               "cart",
		"cause:#4":                "",
		"cause:8f2c":              "cart",
		"cause:drift":             "cart-flags",
		"cause:edit":              "cart-flags",
		"verdict:create":          "cart gateway",
		"is:unreviewed ns:shop":   "cart cart gateway",
		"is:reviewed":             "",
		"kind:":                   "cart cart-flags cart gateway",
		"cause:#":                 "cart cart-flags cart gateway",
		"unknown:field":           "",
		"  verdict:update  cart ": "cart cart-flags",
	} {
		drain(p.SetFilter(text))
		var got []string
		for i := range p.objects.Len() {
			if id := p.objects.Item(i).Key.id; id.Name != "" {
				got = append(got, id.Name)
			}
		}
		wanted := strings.Fields(want)
		slices.Sort(got)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("%q lists %q, want %q", text, got, wanted)
		}
	}
}

func TestFilterCandidates(t *testing.T) {
	p := onPlan(manyObjects(100))
	texts := func(text string) []string {
		var out []string
		for _, c := range p.FilterCandidates(text) {
			out = append(out, c.Text)
		}
		return out
	}
	for text, want := range map[string]string{
		"":                  "path:", // and the others
		"ki":                "kind:",
		"cart ver":          "cart verdict:",
		"kind:dep":          "kind:Deployment",
		"x cause:#4":        "x cause:#40",
		"verdict:un":        "verdict:unchanged",
		"path:ima":          "path:image",
		"is:al":             "is:alike",
		"risk:":             "risk:restarts-pods",
		"kind:Deploy path:": "kind:Deploy path:image",
	} {
		if got := texts(text); !slices.Contains(got, want) {
			t.Errorf("%q offers %q, not %q", text, got, want)
		}
	}
	if got := texts("kind:deployment"); slices.Contains(got, "kind:Deployment") {
		t.Errorf("what is typed in full is offered again: %q", got)
	}
}

// FuzzFilter holds that any text is a filter, that one more term never leaves
// more, and that completing is a filter again.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{"", "path:image", "cause:#42 cart", "is:un risk:", "::", "kind:\xff", "cause:#99999999999999999999", "É kind:É"} {
		f.Add(text)
	}
	p := onPlan(manyObjects(40))
	f.Fuzz(func(t *testing.T, text string) {
		drain(p.SetFilter(text))
		n := p.matched
		drain(p.SetFilter(text + " object-00001"))
		if p.matched > n {
			t.Errorf("%q leaves %d, and with a term more %d", text, n, p.matched)
		}
		for _, c := range p.FilterCandidates(text) {
			drain(p.SetFilter(c.Text))
		}
		checkTree(t, p, p.Plan.Value)
	})
}
