package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// situation is an object, or a few, in one state of Git and of the cluster, and
// what a plan has to say about it. $NS stands for the test's namespace.
type situation struct {
	name    string
	set     func(w *planWorld) // policies, and what the plan is asked for
	shipped string             // applied by fairtide; empty: nothing was
	live    func(w *planWorld) // what others did then
	rights  string             // plan as a user who has only these, as RBAC rules
	next    string             // what Git has now
	want    []expect
	gone    []string // objects that the plan must not mention
	problem string   // part of the plan's; empty: it has none, and is applied
}

// expect is what a plan says about one object.
type expect struct {
	object  string // kind and name
	verdict model.Verdict
	by      model.Prediction // empty: any
	reason  string           // part of it
	before  []string         // PATH=JSON of the first side; PATH=- where it has none
	after   []string
	causes  []string // PATH KIND BY, all of them; nil: any
	risks   []string // NAME: part of the message
	not     []string // names of risks it does not have
	check   func(t *testing.T, row model.PlannedObject)
}

// commitOfTests is the commit that every rendered set of the tests is of.
const commitOfTests = "c0ffee0000000000000000000000000000000000"

// TestSituations goes through the situations an object can be in. Where nothing
// stands in the way the plan is applied, and the live state is compared with
// what it said.
func TestSituations(t *testing.T) {
	t.Parallel()
	all := slices.Concat(plainSituations, customSituations, obstacleSituations, ownerSituations, replaceSituations, pruneSituations, driftSituations, riskSituations)
	const least = 60
	if len(all) < least {
		t.Errorf("%d situations, want %d", len(all), least)
	}
	for i, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, newPlanWorldIn(t, cheapNamespace(t, fmt.Sprintf("s%03d", i))))
		})
	}
}

// cheapNamespace is one that is not deleted when the test ends.
func cheapNamespace(t *testing.T, prefix string) string {
	t.Helper()
	name := prefix + "-" + strings.ToLower(nonce()[:8])
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := testcluster.Get(t).Client(t).CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}

func (s situation) run(t *testing.T, w *planWorld) {
	t.Helper()
	if s.set != nil {
		s.set(w)
	}
	if s.shipped != "" {
		w.ship(s.shipped)
	}
	if s.live != nil {
		s.live(w)
	}
	plan, objects := s.plan(w)
	for _, e := range s.want {
		e.test(t, w, plan)
	}
	for _, object := range s.gone {
		kind, name, _ := strings.Cut(object, " ")
		if slices.ContainsFunc(plan.Objects, func(o model.PlannedObject) bool { return o.ID.Kind == kind && o.ID.Name == name }) {
			t.Errorf("the plan has a row for %s", object)
		}
	}
	if out, err := json.Marshal(plan); err != nil || strings.Contains(string(out), "hunter") || strings.Contains(string(out), "aHVudGVy") {
		t.Errorf("%v, or a Secret's value is in the plan: %s", err, out)
	}
	if s.problem != "" {
		if !strings.Contains(plan.Problem, s.inNamespace(w, s.problem)) {
			t.Errorf("problem %q, want %q", plan.Problem, s.problem)
		}
		return
	}
	if plan.Problem != "" {
		t.Fatalf("problem %q, want none", plan.Problem)
	}
	w.apply(plan, objects)
	w.wasRight(plan, s.next)
}

func (s situation) inNamespace(w *planWorld, text string) string {
	return strings.ReplaceAll(text, "$NS", w.ns)
}

// plan makes the plan twice: it is the same one, and neither wrote anything.
func (s situation) plan(w *planWorld) (*model.Plan, []model.Object) {
	w.t.Helper()
	if s.rights == "" {
		plan, objects := w.plan(s.next)
		if again, _ := w.plan(s.next); again.Digest != plan.Digest {
			w.t.Errorf("two plans of the same differ: %v", model.MovedSince(plan, again))
		}
		return plan, objects
	}
	user := "u-" + w.ns
	w.grant(user, s.rights)
	c, _ := w.clientAs(user)
	var plan *model.Plan
	var objects []model.Object
	w.eventually("the permissions take effect", func() bool {
		var err error
		if plan, objects, err = w.tryPlan(c, s.next); err != nil {
			w.t.Fatal(err)
		}
		return slices.ContainsFunc(plan.Objects, func(o model.PlannedObject) bool {
			return strings.Contains(o.Reason, s.inNamespace(w, s.want[0].reason))
		})
	})
	return plan, objects
}

func (e expect) test(t *testing.T, w *planWorld, plan *model.Plan) {
	t.Helper()
	kind, name, _ := strings.Cut(strings.ReplaceAll(e.object, "$NS", w.ns), " ")
	row := rowNamed(t, plan, kind, name)
	reason := strings.ReplaceAll(e.reason, "$NS", w.ns)
	if row.Verdict != e.verdict || !strings.Contains(row.Reason, reason) || e.by != "" && row.Prediction != e.by {
		t.Errorf("%s is %s by %q (%s), want %s by %q (%s); it differs in %s", row.ID, row.Verdict, row.Prediction, row.Reason, e.verdict, e.by, reason, planDiff(row))
	}
	checkSide(t, w, "before", row.Before, e.before)
	checkSide(t, w, "after", row.After, e.after)
	if e.causes != nil {
		var got []string
		for _, c := range row.Causes {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Path, c.Kind, strings.Replace(c.By, commitOfTests, "commit", 1))))
		}
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(e.causes))) {
			t.Errorf("%s: causes %q, want %q", row.ID, got, e.causes)
		}
	}
	for _, want := range e.risks {
		name, words, _ := strings.Cut(strings.ReplaceAll(want, "$NS", w.ns), ": ")
		if !hasRisk(row, name, words) {
			t.Errorf("%s: no risk %q among %s", row.ID, want, riskWords(row))
		}
	}
	for _, name := range e.not {
		if hasRisk(row, name, "") {
			t.Errorf("%s: has the risk %s: %s", row.ID, name, riskWords(row))
		}
	}
	if e.check != nil {
		e.check(t, row)
	}
}

func riskWords(row model.PlannedObject) string {
	var out []string
	for _, r := range row.Risks {
		out = append(out, fmt.Sprintf("[%s %s: %s]", r.Severity, r.Name, r.Message))
	}
	return strings.Join(out, " ")
}

// checkSide compares single values of a side of a plan.
func checkSide(t *testing.T, w *planWorld, side string, fields map[string]any, want []string) {
	t.Helper()
	for _, text := range want {
		path, value, _ := strings.Cut(strings.ReplaceAll(text, "$NS", w.ns), "=")
		got := "-"
		if v := valueOf(fields, path); v != nil {
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			got = string(raw)
		}
		if got != value {
			t.Errorf("%s has %s=%s, want %s", side, path, got, value)
		}
	}
}

// valueOf reads a path such as spec.template.spec.containers[main].image; nil
// when there is nothing.
func valueOf(fields map[string]any, path string) any {
	var v any = fields
	for step := range strings.SplitSeq(path, ".") {
		key, element, inList := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
		if !inList {
			continue
		}
		var found any
		for _, e := range sliceAt(m, key) {
			if item, ok := e.(map[string]any); ok && item["name"] == element {
				found = item
			}
		}
		v = found
	}
	return v
}

// The live edits that situations are made of.

func (w *planWorld) remove(gvr schema.GroupVersionResource, name string) {
	w.t.Helper()
	if err := w.admin.Resource(gvr).Namespace(w.ns).Delete(w.ctx, name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func changed(manager string, gvr schema.GroupVersionResource, name, patch string, sub ...string) func(*planWorld) {
	return func(w *planWorld) { w.change(manager, gvr, name, strings.ReplaceAll(patch, "$NS", w.ns), sub...) }
}

func created(gvr schema.GroupVersionResource, text string) func(*planWorld) {
	return func(w *planWorld) { w.create(gvr, text) }
}

func docs(parts ...string) string { return strings.Join(parts, "\n---\n") }

// edited is a text with parts replaced, in pairs.
func edited(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }
