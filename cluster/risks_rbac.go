package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

const rbacGroup = "rbac.authorization.k8s.io"

// grant is one permission: a verb on a resource of a group, perhaps of some
// names only, or on a path.
type grant struct{ verb, group, resource, name, path string }

func (g grant) String() string {
	if g.path != "" {
		return g.verb + " " + g.path
	}
	what := g.resource
	if g.group != "" {
		what += "." + g.group
	}
	if g.name != "" {
		what += " " + g.name
	}
	return g.verb + " " + what
}

// grantsOf takes rules apart.
func grantsOf(rules []map[string]any) []grant {
	var out []grant
	for _, rule := range rules {
		names := textsAt(rule, "resourceNames")
		if len(names) == 0 {
			names = []string{""}
		}
		for _, verb := range textsAt(rule, "verbs") {
			for _, path := range textsAt(rule, "nonResourceURLs") {
				out = append(out, grant{verb: verb, path: path})
			}
			for _, group := range textsAt(rule, "apiGroups") {
				for _, resource := range textsAt(rule, "resources") {
					for _, name := range names {
						out = append(out, grant{verb: verb, group: group, resource: resource, name: name})
					}
				}
			}
		}
	}
	return out
}

// covers reports whether having g is having other.
func (g grant) covers(other grant) bool {
	if g.verb != "*" && g.verb != other.verb || (g.path == "") != (other.path == "") {
		return false
	}
	if g.path != "" {
		prefix, wild := strings.CutSuffix(g.path, "*")
		return g.path == other.path || wild && strings.HasPrefix(other.path, prefix)
	}
	if g.group != "*" && g.group != other.group || g.name != "" && g.name != other.name {
		return false
	}
	resource, sub, hasSub := strings.Cut(other.resource, "/")
	return g.resource == "*" || g.resource == other.resource || hasSub && resource != "*" && g.resource == "*/"+sub
}

// lackingGrants are those of want that have does not cover.
func lackingGrants(have, want []grant) []grant {
	var out []grant
	for _, g := range want {
		if !slices.ContainsFunc(have, func(h grant) bool { return h.covers(g) }) && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// critical reports whether a permission leads to others, to secrets, or into
// running containers.
func (g grant) critical() bool {
	if g.path != "" {
		return g.path == "*" || g.path == "/*"
	}
	writes := slices.Contains([]string{"*", "create", "update", "patch"}, g.verb)
	reads := slices.Contains([]string{"*", "get", "list", "watch"}, g.verb)
	switch {
	case g.verb == "*" || g.resource == "*" || slices.Contains([]string{"escalate", "bind", "impersonate"}, g.verb):
		return true
	case g.group == "" && g.resource == "secrets":
		return reads && g.name == ""
	case g.group == "" && slices.Contains([]string{"pods/exec", "pods/attach", "nodes/proxy"}, g.resource):
		return writes || reads
	case g.group == "" && slices.Contains([]string{"serviceaccounts/token", "pods/ephemeralcontainers"}, g.resource):
		return writes
	case g.group == rbacGroup:
		return writes
	}
	return slices.Contains([]string{"certificatesigningrequests/approval", "mutatingwebhookconfigurations"}, g.resource) && writes
}

func grantWords(grants []grant) string {
	words := make([]string, len(grants))
	for i, g := range grants {
		words[i] = g.String()
	}
	return few(words)
}

func (o *riskObject) judgeRBAC() {
	switch {
	case o.is(rbacGroup, "Role", "ClusterRole"):
		o.judgeRole()
	case o.is(rbacGroup, "RoleBinding", "ClusterRoleBinding"):
		o.judgeBinding()
	}
}

func (o *riskObject) judgeRole() {
	old, new := grantsOf(mapsAt(o.before, "rules")), grantsOf(mapsAt(o.after, "rules"))
	added, removed := lackingGrants(old, new), lackingGrants(new, old)
	var critical []grant
	for _, g := range added {
		if g.critical() {
			critical = append(critical, g)
		}
	}
	switch {
	case len(critical) > 0:
		o.danger(riskWidensRBAC, "%s newly allows %s, of %s in all", o.name(), grantWords(critical), countOf(len(added), "new permission"))
	case len(added) > 0:
		o.warn(riskWidensRBAC, "%s newly allows %s", o.name(), grantWords(added))
	}
	if len(removed) > 0 {
		o.info(riskNarrowsRBAC, "%s no longer allows %s", o.name(), grantWords(removed))
	}
	was, now := mapAt(o.before, "aggregationRule"), mapAt(o.after, "aggregationRule")
	if now != nil && !fieldpath.Equal(was, now) {
		o.warn(riskWidensRBAC, "%s gets its rules from the ClusterRoles that its aggregationRule selects, and that changes", o.name())
	}
	o.judgeAggregated()
}

// judgeAggregated judges a ClusterRole that becomes part of others by a label.
func (o *riskObject) judgeAggregated() {
	const prefix = "rbac.authorization.k8s.io/aggregate-to-"
	old := mapAt(o.before, "metadata", "labels")
	var into []string
	for key, value := range mapAt(o.after, "metadata", "labels") {
		if role, ok := strings.CutPrefix(key, prefix); ok && value == "true" && old[key] != "true" {
			into = append(into, role)
		}
	}
	if len(into) > 0 {
		o.warn(riskWidensRBAC, "%s adds its rules to ClusterRole %s (label %s…), for everybody who has it", o.name(), few(sortedStrings(into)), prefix)
	}
}

// everybody are the groups that hold more than anyone means to list.
var everybody = []string{"system:unauthenticated", "system:authenticated", "system:serviceaccounts", "system:anonymous"}

func subjectsOf(fields map[string]any) []string {
	var out []string
	for _, s := range mapsAt(fields, "subjects") {
		name := textAt(s, "name")
		if ns := textAt(s, "namespace"); ns != "" {
			name = ns + "/" + name
		}
		out = append(out, textAt(s, "kind")+" "+name)
	}
	return out
}

func (o *riskObject) judgeBinding() {
	lacking := func(have, want []string) []string {
		return slices.DeleteFunc(slices.Clone(want), func(s string) bool { return slices.Contains(have, s) })
	}
	old, new := subjectsOf(o.before), subjectsOf(o.after)
	if o.after == nil {
		if len(old) > 0 {
			o.info(riskNarrowsRBAC, "%s is gone, and takes %s from %s", o.name(), roleOf(o.before), few(old))
		}
		return
	}
	if o.before != nil && !fieldpath.Equal(o.before["roleRef"], o.after["roleRef"]) {
		old = nil // another role is news to every subject
	}
	if added := lacking(old, new); len(added) > 0 {
		judge := o.warn
		toAll := slices.ContainsFunc(added, func(s string) bool {
			_, name, _ := strings.Cut(s, " ")
			return slices.ContainsFunc(everybody, func(e string) bool { return name == e || strings.HasPrefix(name, e+":") })
		})
		if toAll || textAt(mapAt(o.after, "roleRef"), "name") == "cluster-admin" {
			judge = o.danger
		}
		where := "in the whole cluster"
		if o.id.Kind == "RoleBinding" {
			where = "in namespace " + o.id.Namespace
		}
		judge(riskWidensRBAC, "%s gives %s %s to %s", o.name(), roleOf(o.after), where, few(added))
	}
	if removed := lacking(new, subjectsOf(o.before)); len(removed) > 0 {
		o.info(riskNarrowsRBAC, "%s takes %s from %s", o.name(), roleOf(o.before), few(removed))
	}
}

func roleOf(fields map[string]any) string {
	ref := mapAt(fields, "roleRef")
	return fmt.Sprintf("%s %s", textAt(ref, "kind"), textAt(ref, "name"))
}
