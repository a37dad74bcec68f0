package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	// randomWorlds sets of objects go through randomBatches rounds each, side by
	// side, so that one kubectl judges a round of all of them.
	randomWorlds, randomBatches = 25, 20
	// randomAtOnce is how many of them are edited and planned at the same time.
	randomAtOnce = 4
)

// TestRandomPlansAgreeWithKubectl: on random sets of objects, after random edits
// to Git and to the live state, the objects that a plan says would change are
// those that `kubectl diff --server-side` shows, but for what normalising drops.
// Every few rounds the plan is applied: what is live then is what it said.
func TestRandomPlansAgreeWithKubectl(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	if text := os.Getenv("FAIRTIDE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FAIRTIDE_SEED=%d repeats this", seed)
	first := newPlanWorld(t)
	group := first.ns + ".example.com"
	first.create(crdGVR, fmt.Sprintf(wareYAML, group))
	kinds := kindsOfRounds(group)
	first.eventually("the definition is served", func() bool {
		_, err := first.admin.Resource(kinds[len(kinds)-1].gvr).List(first.ctx, metav1.ListOptions{})
		return err == nil
	})
	worlds := make([]*randomWorld, randomWorlds)
	for i := range worlds {
		w := &randomWorld{planWorld: *first, rng: rand.New(rand.NewPCG(seed, uint64(i))), kinds: kinds, prefix: fmt.Sprintf("w%02d", i)} //nolint:gosec // a test's
		if i > 0 {
			w.ns = cheapNamespace(t, w.prefix)
		}
		w.env.Namespace, w.env.Prune.Enabled = w.ns, false
		for range 2 + w.rng.IntN(3) {
			w.add()
		}
		worlds[i] = w
	}
	k := newKubectl(t)
	total := randomTotals{}
	for batch := range randomBatches {
		each := func(do func(context.Context, *randomWorld) error) {
			t.Helper()
			err := eachBounded(t.Context(), len(worlds), randomAtOnce, func(ctx context.Context, i int) error { return do(ctx, worlds[i]) })
			if err != nil {
				t.Fatalf("round %d: %v", batch, err)
			}
		}
		each(func(ctx context.Context, w *randomWorld) error { return w.round(ctx, batch) })
		k.judge(worlds, &total)
		if t.Failed() {
			return
		}
		each(func(ctx context.Context, w *randomWorld) error { return w.maybeApply(ctx) })
	}
	for _, w := range worlds {
		total.applied += w.applied
		total.live += w.liveEdits
	}
	t.Logf("%d rounds: %+v", randomWorlds*randomBatches, total)
	if total.changed < 300 || total.same < 300 || total.applied < 100 || total.live < 200 {
		t.Errorf("too little happened for the agreement to mean much: %+v", total)
	}
}

// randomTotals says how much was compared.
type randomTotals struct{ changed, same, refused, applied, live int }

// randomWorld is one set of objects and the namespace it lives in.
type randomWorld struct {
	planWorld
	rng     *rand.Rand
	kinds   []kindOfRounds
	prefix  string
	objects []*objectOfRounds
	made    int
	history []string // the edits since the last apply

	applied, liveEdits int
	rendered           *model.Rendered
	plan               *model.Plan
	resolved           []model.Object
}

func (w *randomWorld) add() {
	o := newObjectOfRounds(w.rng, w.kinds, fmt.Sprintf("%s-%d", w.prefix, w.made))
	w.objects = append(w.objects, o)
	w.made++
	w.note("add %s %s", o.kind.kind, o.name)
}

func (w *randomWorld) note(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf(format, args...))
}

// round edits Git and the live state, and plans.
func (w *randomWorld) round(ctx context.Context, n int) error {
	if n > 0 {
		w.editGit()
		for range w.rng.IntN(4) {
			if err := w.editLive(ctx); err != nil {
				return fmt.Errorf("%s: %w", w.prefix, err)
			}
		}
	}
	w.rendered = &model.Rendered{Commit: fmt.Sprintf("%040d", n)}
	for _, o := range w.objects {
		w.rendered.Objects = append(w.rendered.Objects, o.object(w.ns))
	}
	var err error
	before := w.plan
	w.plan, w.resolved, err = w.c.Plan(ctx, model.PlanRequest{Environment: w.env, Rendered: w.rendered})
	if err != nil || before == nil || n%3 > 0 {
		return err
	}
	return w.samePlan(ctx, before)
}

// samePlan checks that the plan comes out the same when answers of an earlier
// one may be taken again.
func (w *randomWorld) samePlan(ctx context.Context, before *model.Plan) error {
	again, _, err := w.c.Plan(ctx, model.PlanRequest{Environment: w.env, Rendered: w.rendered, Approved: before})
	if err != nil {
		return err
	}
	for _, moved := range model.MovedSince(w.plan, again) {
		return fmt.Errorf("%s is %s, and with the answers of an earlier plan %s\nafter %s", moved.ID, moved.Was, moved.Now, strings.Join(w.history, "\n"))
	}
	if again.Digest != w.plan.Digest {
		return fmt.Errorf("with the answers of an earlier plan the digest is another one\nafter %s", strings.Join(w.history, "\n"))
	}
	return nil
}

func (w *randomWorld) editGit() {
	for range w.rng.IntN(4) {
		o := w.objects[w.rng.IntN(len(w.objects))]
		o.edit(w.rng)
		w.note("git: edit %s: %s", o.name, asJSON(o.chosen))
	}
	switch w.rng.IntN(8) {
	case 0:
		if len(w.objects) < 6 {
			w.add()
		}
	case 1:
		if i := w.rng.IntN(len(w.objects)); len(w.objects) > 2 {
			w.note("git: remove %s", w.objects[i].name)
			w.objects = slices.Delete(w.objects, i, i+1)
		}
	}
}

// editLive does one thing that people and controllers do to live objects. What
// the server refuses has not been done.
func (w *randomWorld) editLive(ctx context.Context) error {
	o := w.objects[w.rng.IntN(len(w.objects))]
	in := w.admin.Resource(o.kind.gvr).Namespace(w.ns)
	what, err := w.liveEdit(ctx, o, in)
	switch {
	case err == nil:
		w.liveEdits++
		w.note("live: %s %s", what, o.name)
	case apierrors.IsNotFound(err), apierrors.IsInvalid(err), apierrors.IsConflict(err), apierrors.IsForbidden(err):
		return nil
	}
	return err
}

func (w *randomWorld) liveEdit(ctx context.Context, o *objectOfRounds, in dynamic.ResourceInterface) (string, error) {
	f := o.facets[w.rng.IntN(len(o.facets))]
	value := f.pick(w.rng)
	patch := func(manager, text string, sub ...string) error {
		_, err := in.Patch(ctx, o.name, types.MergePatchType, []byte(text), metav1.PatchOptions{FieldManager: manager}, sub...)
		return err
	}
	switch n := w.rng.IntN(12); {
	case n < 4:
		what := fmt.Sprintf("edit %s = %s", f.path, asJSON(value))
		live, err := in.Get(ctx, o.name, metav1.GetOptions{})
		if err != nil {
			return what, err
		}
		if w.rng.IntN(4) == 0 && !f.always {
			value, what = nil, "remove "+f.path
		}
		setAt(live.Object, f.path, value)
		_, err = in.Update(ctx, live, metav1.UpdateOptions{FieldManager: "kubectl-edit"})
		return what, err
	case n < 7:
		force := w.rng.IntN(3) > 0
		body := o.bare(w.ns)
		if own, ok := o.chosen[f.path]; ok && w.rng.IntN(3) == 0 {
			value = own // the same as Git has
		}
		setAt(body, f.path, cloneValue(value))
		raw, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		_, err = in.Patch(ctx, o.name, types.ApplyPatchType, raw, metav1.PatchOptions{FieldManager: "other", Force: &force})
		return "apply " + string(raw), err
	case n == 7 && o.kind.scales:
		return "scale", patch("kubectl-scale", fmt.Sprintf(`{"spec":{"replicas":%d}}`, w.rng.IntN(2)), "scale")
	case n == 8:
		return "annotate", patch("kubectl-annotate", fmt.Sprintf(`{"metadata":{"annotations":{"note":%q},"labels":{"hand":"made"}}}`, strconv.Itoa(w.rng.IntN(3))))
	case n == 9 && o.kind.status != "":
		return "status", patch("operator", strings.ReplaceAll(o.kind.status, "%[1]d", strconv.Itoa(1+w.rng.IntN(9))), "status")
	case n == 10:
		return "delete", w.vanish(ctx, o, in)
	case n == 11:
		if err := w.vanish(ctx, o, in); err != nil {
			return "", err
		}
		other := *o
		other.chosen = maps.Clone(o.chosen)
		other.edit(w.rng)
		_, err := in.Create(ctx, &unstructured.Unstructured{Object: other.fields(w.ns)}, metav1.CreateOptions{FieldManager: "kubectl-create"})
		return "make again", err
	}
	return "label", patch("kubectl-label", fmt.Sprintf(`{"metadata":{"labels":{"tier":%q}}}`, []string{"web", "db"}[w.rng.IntN(2)]))
}

// vanish deletes a live object and waits until it is gone.
func (w *randomWorld) vanish(ctx context.Context, o *objectOfRounds, in dynamic.ResourceInterface) error {
	if err := in.Delete(ctx, o.name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	for range 600 {
		if _, err := in.Get(ctx, o.name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			return nil
		} else if err != nil {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s %s does not go away", o.kind.kind, o.name)
}

// maybeApply applies the plan now and then, as long as nothing stands in its way,
// and checks that it was right.
func (w *randomWorld) maybeApply(ctx context.Context) error {
	if w.plan.Problem != "" || w.rng.IntN(3) > 0 {
		return w.dropRefused()
	}
	rows := map[model.ObjectID]model.PlannedObject{}
	for _, row := range w.plan.Objects {
		rows[row.ID] = row
	}
	for _, o := range w.resolved {
		if _, err := w.c.Apply(ctx, o, rows[o.ID]); err != nil {
			return fmt.Errorf("%w\nafter %s", err, strings.Join(w.history, "\n"))
		}
	}
	after, _, err := w.c.Plan(ctx, model.PlanRequest{Environment: w.env, Rendered: w.rendered, Full: w.rng.IntN(2) == 0})
	if err != nil {
		return err
	}
	w.applied++
	for _, row := range after.Objects {
		if row.Writes() {
			return fmt.Errorf("after applying, %s is %s (%s): %s\nafter %s", row.ID, row.Verdict, row.Reason, planDiff(row), strings.Join(w.history, "\n"))
		}
		for _, c := range fieldpath.Diff(rows[row.ID].After, row.Before) {
			if !completedLater(row.ID.Kind, c.Path) {
				return fmt.Errorf("%s: %s was predicted as %s and is %s\nafter %s", row.ID, c.Path, showValue(c.Old), showValue(c.New), strings.Join(w.history, "\n"))
			}
		}
	}
	w.history = nil
	return nil
}

// dropRefused takes objects out of Git that the server refuses as they are, so
// that later rounds have something to apply.
func (w *randomWorld) dropRefused() error {
	for _, row := range w.plan.Objects {
		if row.Verdict == model.VerdictUnpredictable || row.Verdict == model.VerdictReplace {
			w.objects = slices.DeleteFunc(w.objects, func(o *objectOfRounds) bool { return o.name == row.ID.Name })
		}
	}
	for len(w.objects) < 2 {
		w.add()
	}
	return nil
}

// kubectl runs `kubectl diff`, with this test binary as the program that
// compares what it makes.
type kubectl struct {
	t               *testing.T
	path, home, own string
}

// compareVariable makes the test binary such a program.
const compareVariable = "FAIRTIDE_TEST_COMPARE"

func newKubectl(t *testing.T) *kubectl {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &kubectl{t: t, path: testcluster.Get(t).Kubectl(t), home: t.TempDir(), own: own}
}

// refusedName finds the objects of the random sets in an error of kubectl.
var refusedName = regexp.MustCompile(`w\d\d-\d+`)

// judge compares the plans of a round with what kubectl shows.
func (k *kubectl) judge(worlds []*randomWorld, total *randomTotals) {
	k.t.Helper()
	refused := map[string]string{}
	var changed []string
	for {
		items := []any{}
		for _, w := range worlds {
			for _, o := range w.rendered.Objects {
				if refused[o.ID.Name] == "" {
					items = append(items, o.Fields)
				}
			}
		}
		out, problem := k.diff(items)
		if problem == "" {
			changed = strings.Fields(out)
			break
		}
		names := refusedName.FindAllString(problem, -1)
		if len(names) == 0 {
			k.t.Fatalf("kubectl diff: %s", problem)
		}
		for _, name := range names {
			refused[name] = problem
		}
	}
	for _, w := range worlds {
		for _, o := range w.rendered.Objects {
			row := planRow(k.t, w.plan, o.ID)
			want := slices.Contains(changed, o.ID.Name)
			switch says := refused[o.ID.Name]; {
			case says != "":
				total.refused++
				if row.Verdict != model.VerdictUnpredictable && row.Verdict != model.VerdictReplace {
					k.t.Errorf("%s is %s, but kubectl says %s", row.ID, row.Verdict, says)
				}
				continue
			case want:
				total.changed++
			default:
				total.same++
			}
			if row.Verdict.Differs() != want {
				k.t.Errorf("kubectl sees a change of %s: %v; the plan (%s) says %s %s: %s\nGit:\n%s\nbefore:\n%s\nafter:\n%s\nhistory:\n%s", row.ID, want, row.Prediction,
					row.Verdict, row.Reason, planDiff(row), asJSON(o.Fields), asJSON(row.Before), asJSON(row.After), strings.Join(w.history, "\n"))
			}
		}
	}
}

// diff returns the names of the objects that kubectl's two sides differ in, or
// what it has to say when it cannot make them.
func (k *kubectl) diff(items []any) (out, problem string) {
	k.t.Helper()
	list, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	if err != nil {
		k.t.Fatal(err)
	}
	file := filepath.Join(k.home, "all.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		k.t.Fatal(err)
	}
	cmd := exec.CommandContext(k.t.Context(), k.path, "--kubeconfig", testcluster.Get(k.t).Kubeconfig, "diff", "--server-side",
		"--field-manager", FieldManager, "--force-conflicts", "--concurrency", "4", "-f", file)
	cmd.Env = []string{"HOME=" + k.home, "TMPDIR=" + k.home, "KUBECTL_EXTERNAL_DIFF=" + k.own, compareVariable + "=1"}
	var words strings.Builder
	cmd.Stderr = &words
	raw, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case !errors.As(err, &exit):
		k.t.Fatal(err)
	case exit.ExitCode() != 1 || strings.TrimSpace(words.String()) != "" && len(raw) == 0:
		return "", words.String()
	}
	return string(raw), ""
}

// compareSides is what kubectl calls: it prints the names of the objects that
// differ between two directories, and returns its exit code.
func compareSides(from, to string) int {
	names := map[string]bool{}
	for _, dir := range []string{from, to} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return 2
		}
		for _, e := range entries {
			names[e.Name()] = true
		}
	}
	code := 0
	for name := range names {
		before, after := readSide(filepath.Join(from, name)), readSide(filepath.Join(to, name))
		if !fieldpath.Equal(before, after) {
			code = 1
			fmt.Println(name[strings.LastIndex(name, ".")+1:]) //nolint:forbidigo // kubectl passes it on
		}
	}
	return code
}

// readSide reads an object as kubectl wrote it, without what the plan's rules
// call noise; nil when there is none.
func readSide(path string) any {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	text, err := yaml.YAMLToJSON(raw)
	if err != nil {
		return err.Error()
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return nil
	}
	return withoutNoise(object)
}

// withoutNoise is the list of what a plan does not show, once more and by hand.
func withoutNoise(object map[string]any) any {
	delete(object, "status")
	metadata, _ := object["metadata"].(map[string]any)
	for _, key := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"} {
		delete(metadata, key)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	for _, key := range []string{"kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision",
		"autoscaling.alpha.kubernetes.io/conditions", "autoscaling.alpha.kubernetes.io/current-metrics"} {
		delete(annotations, key)
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return object
}
