package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// printed are the objects that init printed.
type printed struct {
	roles           []*rbacv1.Role
	roleBindings    []*rbacv1.RoleBinding
	clusterRoles    []*rbacv1.ClusterRole
	clusterBindings []*rbacv1.ClusterRoleBinding
	others          []string
}

func readPrinted(t *testing.T, text string) printed {
	t.Helper()
	var out printed
	for _, doc := range strings.Split(text, "---\n") {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(doc), &kind); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		var into any
		switch kind.Kind {
		case "":
			continue
		case "Role":
			o := &rbacv1.Role{}
			out.roles, into = append(out.roles, o), o
		case "RoleBinding":
			o := &rbacv1.RoleBinding{}
			out.roleBindings, into = append(out.roleBindings, o), o
		case "ClusterRole":
			o := &rbacv1.ClusterRole{}
			out.clusterRoles, into = append(out.clusterRoles, o), o
		case "ClusterRoleBinding":
			o := &rbacv1.ClusterRoleBinding{}
			out.clusterBindings, into = append(out.clusterBindings, o), o
		default:
			out.others = append(out.others, kind.Kind)
			continue
		}
		if err := yaml.UnmarshalStrict([]byte(doc), into); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
	}
	return out
}

func (p printed) create(t *testing.T, cs kubernetes.Interface) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, rbac := t.Context(), cs.RbacV1()
	for _, o := range p.roles {
		_, err := rbac.Roles(o.Namespace).Create(ctx, o, metav1.CreateOptions{})
		must(err)
	}
	for _, o := range p.roleBindings {
		_, err := rbac.RoleBindings(o.Namespace).Create(ctx, o, metav1.CreateOptions{})
		must(err)
	}
	for _, o := range p.clusterRoles {
		_, err := rbac.ClusterRoles().Create(ctx, o, metav1.CreateOptions{})
		must(err)
	}
	for _, o := range p.clusterBindings {
		_, err := rbac.ClusterRoleBindings().Create(ctx, o, metav1.CreateOptions{})
		must(err)
	}
}

// as runs the commands as another user.
func (w *world) as(user string) *world {
	w.t.Helper()
	data, err := os.ReadFile(w.cluster.Kubeconfig)
	if err != nil {
		w.t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(data, &config); err != nil {
		w.t.Fatal(err)
	}
	users, _ := config["users"].([]any)
	for _, u := range users {
		entry, _ := u.(map[string]any)
		credentials, _ := entry["user"].(map[string]any)
		credentials["as"] = user
	}
	if data, err = yaml.Marshal(config); err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
	out := *w
	out.env = append(slices.Clone(w.env), "KUBECONFIG="+path)
	return &out
}

// refused is what a diff says of objects that the user may not see or predict;
// ok is false when there is no diff at all.
func (w *world) refused(env string) (refused []string, ok bool) {
	r := w.fairtide("diff", "-e", env, "-o", "json")
	if r.code > 1 {
		return []string{r.stderr}, false
	}
	plan := decode[struct {
		Objects []struct {
			Name, Reason string
			Verdict      model.Verdict
		}
	}](w.t, r.stdout)
	for _, o := range plan.Objects {
		if o.Verdict == model.VerdictUnpredictable || strings.Contains(o.Reason, "forbidden") {
			refused = append(refused, o.Name+": "+o.Reason)
		}
	}
	return refused, true
}

// The printed roles are enough, and a viewer's is not enough to apply.
func TestInitRBAC(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{})
	w.deploy("production")
	cs := w.cluster.Client(t)
	operator, viewer := "rbac-operator"+w.suffix, "rbac-viewer"+w.suffix
	roles := readPrinted(t, w.must(0, "init", "--rbac", "-e", "production", "--user", operator).stdout)
	roles.create(t, cs)
	readPrinted(t, w.must(0, "init", "--rbac", "-e", "production", "--role", "viewer", "--user", viewer).stdout).create(t, cs)

	v, o := w.as(viewer), w.as(operator)
	testcluster.Eventually(t, 20*time.Second, "the viewer's role works", func() (bool, error) {
		r := v.fairtide("status", "-e", "production")
		return r.code == 0, fmt.Errorf("%s", r.stderr)
	})
	if refused, ok := v.refused("production"); !ok || len(refused) > 0 {
		t.Errorf("the viewer's diff is refused: %v", refused)
	}
	v.must(0, "history", "-e", "production")
	before := w.recorded()
	if r := v.fairtide("apply", "-e", "production", "--commit", w.change("remove-admin").Commit, "--yes"); r.code != int(model.ExitUnreachable) || !strings.Contains(r.stderr, `leases`) {
		t.Errorf("the viewer's apply ended with %d: %s", r.code, r.stderr)
	}
	if after := w.recorded(); after != before {
		t.Errorf("the viewer wrote: %s, before %s", after, before)
	}

	testcluster.Eventually(t, 20*time.Second, "the operator's role works", func() (bool, error) {
		r := o.fairtide("status", "-e", "production")
		return r.code == 0, fmt.Errorf("%s", r.stderr)
	})
	w.eachRuleIsNeeded(o, roles)
	o.must(0, "apply", "-e", "production", "--commit", w.change("remove-admin").Commit, "--yes")
}

// recorded is what an apply adds to before it writes anything.
func (w *world) recorded() string {
	w.t.Helper()
	return w.must(0, "history", "-e", "production", "-o", "json").stdout
}

// notAlone are resources whose rule no command fails without: what is said of
// them is that something is not known, or cannot be said.
var notAlone = []string{"events", "pods/log", "limitranges", "horizontalpodautoscalers", "poddisruptionbudgets",
	"nodes", "priorityclasses", "mutatingadmissionpolicies", "customresourcedefinitions", "namespaces"}

// eachRuleIsNeeded takes the operator's rules away, one at a time.
func (w *world) eachRuleIsNeeded(o *world, p printed) {
	t, cs, tried := w.t, w.cluster.Client(w.t), 0
	t.Helper()
	for _, role := range p.roles {
		for i, rule := range role.Rules {
			if slices.ContainsFunc(rule.Verbs, func(v string) bool { return v == "escalate" || v == "bind" }) ||
				slices.ContainsFunc(rule.Resources, func(r string) bool { return slices.Contains(notAlone, r) }) ||
				!slices.Contains(rule.Verbs, "create") {
				continue
			}
			tried++
			changed := role.DeepCopy()
			changed.Rules = slices.Delete(changed.Rules, i, i+1)
			w.setRole(cs, changed)
			testcluster.Eventually(t, 20*time.Second, fmt.Sprintf("a command fails without the rule for %v in %s", rule.Resources, role.Namespace), func() (bool, error) {
				if o.fairtide("status", "-e", "production").code != 0 {
					return true, nil
				}
				refused, ok := o.refused("production")
				return !ok || len(refused) > 0, nil
			})
			w.setRole(cs, role)
		}
	}
	testcluster.Eventually(t, 20*time.Second, "all rules are back", func() (bool, error) {
		refused, ok := o.refused("production")
		return ok && len(refused) == 0, fmt.Errorf("%v", refused)
	})
	t.Logf("%d rules were each needed", tried)
	if tried < 6 {
		t.Errorf("only %d rules were tried", tried)
	}
}

func (w *world) setRole(cs kubernetes.Interface, role *rbacv1.Role) {
	w.t.Helper()
	testcluster.Eventually(w.t, 10*time.Second, "the role is written", func() (bool, error) {
		_, err := cs.RbacV1().Roles(role.Namespace).Update(w.t.Context(), role, metav1.UpdateOptions{})
		return err == nil, err
	})
}

func TestInitAsksForWhatToPrint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{})
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"init"}, "fairtide init --rbac"},
		{[]string{"init", "--rbac", "--role", "king"}, "viewer, operator and automation"},
		{[]string{"init", "--rbac", "--user", "a", "--group", "b"}, "one of --user"},
		{[]string{"init", "--rbac", "--namespace", "b"}, "--serviceaccount"},
		{[]string{"init", "--rbac", "-e", "nowhere"}, "nowhere"},
	} {
		if r := w.must(2, tt.args...); !strings.Contains(r.stderr, tt.want) || r.stdout != "" {
			t.Errorf("fairtide %v: %s", tt.args, r.stderr)
		}
	}
	all := readPrinted(t, w.must(0, "init", "--rbac", "--context", "fairtide", "--no-dry-run").stdout)
	if len(all.clusterRoles) != 9 { // three environments, three roles
		t.Errorf("%d cluster roles", len(all.clusterRoles))
	}
	for _, role := range all.roles {
		for _, rule := range role.Rules {
			for _, verb := range rule.Verbs {
				if strings.Contains(role.Name, "viewer") && !slices.Contains([]string{"get", "list", "watch"}, verb) || verb == "*" {
					t.Errorf("%s may %s %v", role.Name, verb, rule.Resources)
				}
			}
		}
	}
	bot := readPrinted(t, w.must(0, "init", "--rbac", "-e", "dev", "--serviceaccount", "bot", "--namespace", "ci").stdout)
	if s := bot.clusterBindings[0].Subjects[0]; s.Kind != "ServiceAccount" || s.Name != "bot" || s.Namespace != "ci" || !strings.HasSuffix(bot.clusterRoles[0].Name, "-automation") {
		t.Errorf("%s bound to %+v", bot.clusterRoles[0].Name, s)
	}
	// The state's roles are where the state is.
	file, err := os.ReadFile(filepath.Join(w.repo.Dir, ".fairtide.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct{ StateNamespace string }
	if err := yaml.Unmarshal(file, &config); err != nil {
		t.Fatal(err)
	}
	if r := bot.roles[0]; r.Namespace != config.StateNamespace || !strings.HasSuffix(r.Name, "-state") {
		t.Errorf("%s is in %s, the state in %s", r.Name, r.Namespace, config.StateNamespace)
	}
	if _, err := w.cluster.Client(t).RbacV1().ClusterRoles().Get(t.Context(), bot.clusterRoles[0].Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("init wrote: %v", err)
	}
}
