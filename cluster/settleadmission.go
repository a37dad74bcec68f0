package cluster

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// mutator is a webhook or policy that may alter objects on their way in. It is
// taken to act where its rules and its object selector match; what else may
// keep it from acting (namespaces, conditions, a policy's exclusions) is left
// out of account, as a dry-run too many only costs time.
type mutator struct {
	MatchPolicy    string                `json:"matchPolicy"`
	ObjectSelector *metav1.LabelSelector `json:"objectSelector"`
	Rules          []admissionRule       `json:"rules"`         // of a webhook
	ResourceRules  []admissionRule       `json:"resourceRules"` // of a policy
}

type admissionRule struct {
	Operations []string `json:"operations"`
	APIGroups  []string `json:"apiGroups"`
	Resources  []string `json:"resources"`
	Scope      string   `json:"scope"`
}

const admissionGroup = "admissionregistration.k8s.io"

// readMutators are the reads of all mutators that the API shows.
func (p *predictor) readMutators(s *settling) []func(context.Context) error {
	webhooks := func(ctx context.Context) error {
		list, err := p.listAdmission(ctx, s, "MutatingWebhookConfiguration")
		for _, o := range list {
			var config struct {
				Webhooks []mutator `json:"webhooks"`
			}
			s.add(o, &config, func() []mutator { return config.Webhooks })
		}
		return err
	}
	policies := func(ctx context.Context) error {
		list, err := p.listAdmission(ctx, s, "MutatingAdmissionPolicy")
		if err != nil || len(list) == 0 {
			return err
		}
		bindings, err := p.listAdmission(ctx, s, "MutatingAdmissionPolicyBinding")
		bound := map[string]bool{}
		for _, b := range bindings {
			name, _ := mapAt(b.Object, "spec")["policyName"].(string)
			bound[name] = true
		}
		for _, o := range list {
			var policy struct {
				Spec struct {
					MatchConstraints mutator `json:"matchConstraints"`
				} `json:"spec"`
			}
			if bound[o.GetName()] {
				s.add(o, &policy, func() []mutator { return []mutator{policy.Spec.MatchConstraints} })
			}
		}
		return err
	}
	return []func(context.Context) error{webhooks, policies}
}

// listAdmission lists a kind of mutators. A kind that the server does not have
// has no objects; one that cannot be read may have any.
func (p *predictor) listAdmission(ctx context.Context, s *settling, kind string) ([]unstructured.Unstructured, error) {
	m, err := p.c.mapper.RESTMapping(schema.GroupKind{Group: admissionGroup, Kind: kind})
	if meta.IsNoMatchError(err) && p.c.brokenGroup(admissionGroup) == nil {
		return nil, nil
	}
	if err == nil {
		var list *unstructured.UnstructuredList
		if list, err = p.c.dyn.Resource(m.Resource).List(ctx, metav1.ListOptions{}); err == nil {
			return list.Items, nil
		}
		if concernsAll(ctx, err) {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = true
	return nil, nil
}

// add decodes one object of the server into what takes its mutators.
func (s *settling) add(o unstructured.Unstructured, into any, mutators func() []mutator) {
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.blind = true
		return
	}
	s.mutators = append(s.mutators, mutators()...)
}

// mayMutate reports whether a mutator may act on an update of an item that
// leaves the object as it is.
func (s *settling) mayMutate(it *planItem) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blind || slices.ContainsFunc(s.mutators, func(m mutator) bool { return m.matches(it) })
}

func (m mutator) matches(it *planItem) bool {
	if !m.concerns(it, "UPDATE") {
		return false
	}
	if m.ObjectSelector == nil {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(m.ObjectSelector)
	if err != nil {
		return true
	}
	// The object before and after are the same, and so are their labels.
	set := labels.Set{}
	for k, v := range mapAt(it.live, "metadata", "labels") {
		set[k], _ = v.(string)
	}
	return selector.Matches(set)
}

// concerns reports whether a mutator has a rule for an operation on an item.
func (m mutator) concerns(it *planItem, operation string) bool {
	return slices.ContainsFunc(slices.Concat(m.Rules, m.ResourceRules), func(r admissionRule) bool {
		return r.matches(it.mapping, operation, m.MatchPolicy == "Exact")
	})
}

// matches leaves the versions aside: unless asked for exactly, a rule is for
// every version of its resource.
func (r admissionRule) matches(m *meta.RESTMapping, operation string, exact bool) bool {
	one := func(list []string, accept func(string) bool) bool {
		return slices.ContainsFunc(list, func(v string) bool { return v == "*" || accept(v) })
	}
	resource := m.Resource
	switch {
	case !one(r.Operations, func(op string) bool { return op == operation }):
		return false
	case !one(r.APIGroups, func(g string) bool { return g == resource.Group || !exact && equivalentGroups(g, resource.Group) }):
		return false
	case !one(r.Resources, func(pattern string) bool { return matchesResource(pattern, resource.Resource) }):
		return false
	}
	switch inNamespace := namespacedKind(m); r.Scope {
	case "Namespaced":
		return inNamespace
	case "Cluster":
		return !inNamespace
	}
	return true
}

// matchesResource compares a rule's resource, which may name a subresource,
// with a resource itself.
func matchesResource(pattern, resource string) bool {
	name, sub, _ := strings.Cut(pattern, "/")
	return (name == "*" || name == resource) && (sub == "" || sub == "*")
}

// equivalentGroups reports whether kinds of two groups may be the same objects:
// those that left the group "extensions", and events.
func equivalentGroups(a, b string) bool {
	former := map[string]bool{"extensions": true, "apps": true, "networking.k8s.io": true, "policy": true}
	events := map[string]bool{"": true, "events.k8s.io": true}
	return former[a] && former[b] || events[a] && events[b]
}
