package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/model"
)

// rbacBuilder writes the objects of one role.
type rbacBuilder struct {
	ask   RBACAsk
	state string // the state's namespace
	name  string
	kinds []rbacKind
	out   strings.Builder
}

var (
	lookVerbs = []string{"get", "list", "watch"}
	dryVerbs  = []string{"create", "patch"}
)

const (
	whyObjects  = "the objects of the environment"
	whyDryRun   = "dry-runs, which RBAC cannot tell from writes"
	whyRisks    = "not required: without it some risks of a plan are not known"
	whyWatching = "to watch the rollout, and say why it is stuck"
)

func (b *rbacBuilder) writes() bool { return b.ask.Role != RoleViewer }

func (b *rbacBuilder) build() string {
	fmt.Fprintf(&b.out, "# Environment %s: what its %s needs.\n", b.ask.Environment.Name, b.ask.Role)
	if b.writes() {
		fmt.Fprintf(&b.out, "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: %q\n", b.state)
	}
	if s := b.ask.Subject; s.Kind == rbacv1.ServiceAccountKind {
		fmt.Fprintf(&b.out, "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %q\n  namespace: %q\n", s.Name, s.Namespace)
	}
	b.role("Records and locks.", b.name+"-state", b.state, b.stateRules())
	namespaces := map[string]bool{}
	for _, k := range b.kinds {
		for _, ns := range k.in() {
			namespaces[ns] = true
		}
	}
	delete(namespaces, "")
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		b.role("The environment's objects in "+ns+".", b.name, ns, slices.Concat(b.objectRules(ns, lookVerbs, whyObjects), b.aroundRules(ns)))
		b.dryRun(ns)
	}
	b.role("What is in no namespace.", b.name, "", slices.Concat(b.objectRules("", lookVerbs, whyObjects), b.clusterRules()))
	b.dryRun("")
	return b.out.String()
}

// dryRun is what a viewer needs for predictions. It is a role of its own, as it
// allows writes to whoever goes past fairtide.
func (b *rbacBuilder) dryRun(ns string) {
	if b.writes() || b.ask.NoDryRun {
		return
	}
	b.role("Dry-runs. RBAC cannot tell them from writes: this lets its subjects write\n# with other tools. Without it (--no-dry-run) fairtide diff predicts without the\n# server, and says so.",
		b.name+"-dry-run", ns, b.objectRules(ns, dryVerbs, whyDryRun))
}

func (b *rbacBuilder) stateRules() []rbacRule {
	records, leases := lookVerbs, lookVerbs
	if b.writes() {
		records = []string{"create", "delete", "get", "list", "patch", "watch"}
		leases = []string{"create", "get", "list", "update", "watch"}
	}
	return []rbacRule{
		{"the environment's state, and the records of its runs", "", []string{"configmaps"}, nil, records},
		{"the lock", "coordination.k8s.io", []string{"leases"}, nil, leases},
	}
}

// objectRules are about the environment's own objects in a namespace, or in
// none.
func (b *rbacBuilder) objectRules(ns string, verbs []string, why string) []rbacRule {
	var rules []rbacRule
	byGroup := map[string][]string{}
	for _, k := range b.kinds {
		if slices.Contains(k.in(), ns) && k.namespaced == (ns != "") {
			byGroup[k.resource.Group] = append(byGroup[k.resource.Group], k.resource.Resource)
		}
	}
	if b.writes() {
		verbs = slices.Concat(dryVerbs, verbs)
	}
	if ns != "" && slices.Contains(verbs, "patch") {
		verbs = slices.Concat(verbs, b.deletes())
	}
	verbs = slices.Sorted(slices.Values(verbs))
	for _, group := range slices.Sorted(maps.Keys(byGroup)) {
		all := verbs
		if ns == "" { // patch only what is the environment's
			all = slices.DeleteFunc(slices.Clone(verbs), func(v string) bool { return v == "patch" })
		}
		rules = append(rules, rbacRule{why, group, byGroup[group], nil, all})
	}
	if ns == "" && slices.Contains(verbs, "patch") {
		rules = append(rules, b.namedRules()...)
	}
	if b.writes() {
		rules = append(rules, b.grantRules(ns)...)
	}
	return rules
}

func (b *rbacBuilder) deletes() []string {
	env := b.ask.Environment
	if env.Prune.Enabled || env.Replace.Allowed {
		return []string{"delete"}
	}
	return nil
}

// namedRules bind the writes to objects in no namespace to their names.
func (b *rbacBuilder) namedRules() []rbacRule {
	verbs := append(b.deletes(), "patch")
	var rules []rbacRule
	for _, k := range b.kinds {
		if !k.namespaced {
			rules = append(rules, rbacRule{"print this again when one is added", k.resource.Group, []string{k.resource.Resource}, k.names(), verbs})
		}
	}
	return rules
}

// grantRules let roles and bindings be applied: Kubernetes allows nobody to
// grant what they do not have, unless they may.
func (b *rbacBuilder) grantRules(ns string) []rbacRule {
	var rules []rbacRule
	granted := map[string]map[string]bool{}
	for _, k := range b.kinds {
		if k.kind.Group != rbacv1.GroupName {
			continue
		}
		for _, o := range k.objects {
			if o.ID.Namespace != ns {
				continue
			}
			switch k.resource.Resource {
			case "roles", "clusterroles":
				rules = append(rules, rbacRule{"to apply a role, which may grant more than the operator has", rbacv1.GroupName,
					[]string{k.resource.Resource}, []string{o.ID.Name}, []string{"escalate"}})
			case "rolebindings", "clusterrolebindings":
				ref := mapAt(o.Fields, "roleRef")
				kind, _ := ref["kind"].(string)
				name, _ := ref["name"].(string)
				if resource := strings.ToLower(kind) + "s"; name != "" {
					if granted[resource] == nil {
						granted[resource] = map[string]bool{}
					}
					granted[resource][name] = true
				}
			}
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(granted)) {
		rules = append(rules, rbacRule{"to apply bindings to these", rbacv1.GroupName, []string{resource},
			slices.Sorted(maps.Keys(granted[resource])), []string{"bind"}})
	}
	return rules
}

// aroundRules are about what is around the environment's objects in a namespace.
func (b *rbacBuilder) aroundRules(ns string) []rbacRule {
	rules := []rbacRule{
		{whyRisks, "batch", []string{"jobs"}, nil, lookVerbs},
		{whyRisks, "", []string{"persistentvolumeclaims"}, nil, lookVerbs},
	}
	if b.runsPods(ns) {
		rules = append(rules,
			rbacRule{whyWatching, "", []string{"events", "pods"}, nil, lookVerbs},
			rbacRule{whyWatching, "apps", []string{"replicasets"}, nil, lookVerbs},
			rbacRule{"the last lines of what crashes", "", []string{"pods/log"}, nil, []string{"get"}},
			rbacRule{whyRisks, "", []string{"limitranges", "resourcequotas", "services"}, nil, lookVerbs},
			rbacRule{whyRisks, "apps", []string{"daemonsets", "deployments", "statefulsets"}, nil, lookVerbs},
			rbacRule{whyRisks, "autoscaling", []string{"horizontalpodautoscalers"}, nil, lookVerbs},
			rbacRule{whyRisks, "policy", []string{"poddisruptionbudgets"}, nil, lookVerbs})
	}
	if b.writes() {
		rules = append(rules, b.testRules(ns)...)
	}
	return rules
}

func (b *rbacBuilder) runsPods(ns string) bool {
	return slices.ContainsFunc(b.kinds, func(k rbacKind) bool {
		return workloadKinds[k.kind] != nil && slices.Contains(k.in(), ns)
	})
}

// testRules are what the environment's acceptance tests take.
func (b *rbacBuilder) testRules(ns string) []rbacRule {
	var rules []rbacRule
	jobs := false
	services := map[string]bool{}
	own := b.ask.Environment.Namespace
	for _, t := range b.ask.Environment.Tests {
		jobs = jobs || t.Job != nil
		if t.HTTP == nil || t.HTTP.Service == "" {
			continue
		}
		in, service, named := strings.Cut(t.HTTP.Service, "/")
		if !named {
			in, service = own, t.HTTP.Service
		}
		name, port, _ := strings.Cut(service, ":")
		if in == ns { // the proxy knows a Service by its name with the port
			services[name+":"+port], services[name] = true, true
		}
	}
	if len(services) > 0 {
		rules = append(rules, rbacRule{"acceptance tests that ask a Service", "", []string{"services/proxy"},
			slices.Sorted(maps.Keys(services)), []string{"get"}})
	}
	if jobs {
		rules = append(rules, rbacRule{"acceptance tests that are Jobs", "batch", []string{"jobs"}, nil,
			[]string{"create", "delete", "get", "list", "watch"}})
	}
	return rules
}

func (b *rbacBuilder) clusterRules() []rbacRule {
	return []rbacRule{
		{"which cluster it is: part of a plan's digest", "", []string{"namespaces"}, []string{metav1.NamespaceSystem}, []string{"get"}},
		{"not required: whether kinds are served as they are defined", "apiextensions.k8s.io", []string{"customresourcedefinitions"}, nil, []string{"get"}},
		{"not required: without it a diff takes a dry-run of every object", admissionGroup,
			[]string{"mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations"}, nil, []string{"list"}},
		{whyRisks, "", []string{"nodes", "persistentvolumes"}, nil, []string{"get", "list"}},
		{whyRisks, "scheduling.k8s.io", []string{"priorityclasses"}, nil, []string{"get", "list"}},
	}
}

// role writes a role with its binding; without a namespace, those of the cluster.
func (b *rbacBuilder) role(what, name, ns string, rules []rbacRule) {
	if len(rules) == 0 {
		return
	}
	prefix, where := "", ""
	if ns == "" {
		prefix = "Cluster"
	} else {
		where = fmt.Sprintf("  namespace: %q\n", ns)
	}
	head := func(kind string) {
		fmt.Fprintf(&b.out, "apiVersion: %s/v1\nkind: %s%s\nmetadata:\n  name: %q\n%s", rbacv1.GroupName, prefix, kind, name, where)
	}
	fmt.Fprintf(&b.out, "---\n# %s\n", what)
	head("Role")
	b.out.WriteString("rules:\n")
	for _, r := range rules {
		r.write(&b.out)
	}
	b.out.WriteString("---\n")
	head("RoleBinding")
	fmt.Fprintf(&b.out, "roleRef: {apiGroup: %s, kind: %sRole, name: %q}\nsubjects:\n", rbacv1.GroupName, prefix, name)
	if s := b.ask.Subject; s.Kind == rbacv1.ServiceAccountKind {
		fmt.Fprintf(&b.out, "  - {kind: %s, name: %q, namespace: %q}\n", s.Kind, s.Name, s.Namespace)
	} else {
		fmt.Fprintf(&b.out, "  - {apiGroup: %s, kind: %s, name: %q}\n", rbacv1.GroupName, s.Kind, s.Name)
	}
}

// ParseRole checks a role's name.
func ParseRole(s string) (Role, error) {
	if slices.Contains(Roles[:], Role(s)) {
		return Role(s), nil
	}
	return "", model.Errorf(model.ExitUsage, "there is no role %q; the roles are %s, %s and %s", s, RoleViewer, RoleOperator, RoleAutomation)
}
