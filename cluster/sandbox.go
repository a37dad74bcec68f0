package cluster

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	// labelSandbox marks a namespace as one that may be deleted. That it is
	// managed by fairtide does not: the state namespace is that too.
	labelSandbox = "fairtide.dev/sandbox"
	// annotationExpires is when nobody can need a sandbox any more, should it
	// have been left behind; RFC 3339.
	annotationExpires = "fairtide.dev/expires"

	sandboxLifetime = 24 * time.Hour
	// sandboxGoneWithin bounds the wait for the end of a sandbox.
	sandboxGoneWithin = 2 * time.Minute
	sandboxGonePoll   = 500 * time.Millisecond
)

// CreateSandbox creates a namespace to try a change in. It is marked as one
// that DeleteSandbox may delete, and says when it expires. A namespace that
// exists is not used, but an error with code model.ExitLocked.
func (c *Client) CreateSandbox(ctx context.Context, name string, labels map[string]string) error {
	now, _, err := c.clock(ctx)
	if err != nil {
		return fmt.Errorf("sandbox %s: %w", name, err)
	}
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	all := map[string]string{}
	for key, value := range labels {
		all[key] = labelValue(value)
	}
	all[labelManagedBy], all[labelSandbox] = FieldManager, "true"
	write := nonce()
	u.SetName(name)
	u.SetLabels(all)
	u.SetAnnotations(map[string]string{
		annotationExpires: now.Add(sandboxLifetime).UTC().Format(time.RFC3339), annotationWrite: write,
	})
	in := c.dyn.Resource(namespaceGVR)
	_, err = in.Create(ctx, u, metav1.CreateOptions{FieldManager: FieldManager})
	if err != nil && answerLost(err) && ctx.Err() == nil {
		if found, readErr := in.Get(ctx, name, metav1.GetOptions{}); readErr == nil && found.GetAnnotations()[annotationWrite] == write {
			return nil // it is ours: only the answer was lost
		}
	}
	switch {
	case apierrors.IsAlreadyExists(err):
		return c.sandboxTaken(ctx, name)
	case err != nil:
		return c.sandboxError(ctx, "create", name, err)
	}
	return nil
}

// sandboxTaken explains that a namespace is there already.
func (c *Client) sandboxTaken(ctx context.Context, name string) error {
	found, err := c.dyn.Resource(namespaceGVR).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil && found.GetDeletionTimestamp() != nil:
		return model.Errorf(model.ExitLocked, "sandbox name collision: namespace %q is just being deleted; try again when it is gone", name)
	case err == nil && isSandbox(found):
		return model.Errorf(model.ExitLocked,
			"sandbox name collision: namespace %q is the sandbox of another validation, made at %s and expiring at %s; wait for its end or, if it was left behind, delete it: kubectl delete namespace %s",
			name, c.clockTime(found.GetCreationTimestamp().Time), plainLine(found.GetAnnotations()[annotationExpires], 40), name)
	}
	return model.Errorf(model.ExitLocked,
		"sandbox name collision: namespace %q exists and is not fairtide's; set another sandbox.namespace in .fairtide.yaml", name)
}

func isSandbox(ns *unstructured.Unstructured) bool {
	labels := ns.GetLabels()
	return labels[labelManagedBy] == FieldManager && labels[labelSandbox] == "true"
}

// sandboxError words what stands in the way of a sandbox.
func (c *Client) sandboxError(ctx context.Context, verb, name string, err error) error {
	switch status, ok := serverStatus(err); {
	case apierrors.IsForbidden(err) && forbiddenVerb.MatchString(status.Message):
		return model.Errorf(model.ExitUnreachable, "sandbox %s: cannot %s the namespace: %s", name, verb, forbidden(verb, namespaceGVR, ""))
	case ok && !concernsAll(ctx, err) && !answerLost(err):
		return model.Errorf(model.ExitUnreachable, "sandbox %s: cannot %s the namespace: %s", name, verb, plainLine(status.Message, reasonMost))
	}
	return fmt.Errorf("sandbox %s: cannot %s the namespace: %w", name, verb, c.serverError(ctx, err))
}

// DeleteSandbox deletes a namespace that CreateSandbox made, with all that is
// in it, and returns when it is gone, after two minutes at most. One that is not
// there is no error; any other namespace is refused with model.ExitUsage.
func (c *Client) DeleteSandbox(ctx context.Context, name string) error {
	in := c.dyn.Resource(namespaceGVR)
	ns, err := in.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return c.sandboxError(ctx, "get", name, err)
	case !isSandbox(ns) || name == c.cfg.StateNamespace:
		return model.Errorf(model.ExitUsage, "namespace %q is not deleted: it is no sandbox of fairtide's (it lacks the label %s)", name, labelSandbox)
	}
	uid := ns.GetUID()
	err = in.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	// A conflict is another namespace of that name, or one that is being
	// deleted already; which one the wait finds out.
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return c.sandboxError(ctx, "delete", name, err)
	}
	return c.awaitSandboxEnd(ctx, name, uid)
}

func (c *Client) awaitSandboxEnd(ctx context.Context, name string, uid types.UID) error {
	within, cancel := context.WithTimeout(ctx, sandboxGoneWithin)
	defer cancel()
	remains := ""
	for {
		ns, err := c.dyn.Resource(namespaceGVR).Get(within, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), err == nil && ns.GetUID() != uid:
			return nil
		case err == nil:
			remains = remainsOf(ns)
		case apierrors.IsForbidden(err):
			return c.sandboxError(ctx, "get", name, err)
		}
		if pause(within, sandboxGonePoll) == nil {
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("sandbox %s: is being deleted, but not gone yet%s: %w", name, remains, ctx.Err())
		}
		return model.Errorf(model.ExitUnreachable, "sandbox %s: is being deleted, but not gone after %s%s; look at it: kubectl get namespace %s -o yaml",
			name, sandboxGoneWithin, remains, name)
	}
}

// remainsOf says what a namespace that is being deleted waits for.
func remainsOf(ns *unstructured.Unstructured) string {
	for _, kind := range []corev1.NamespaceConditionType{
		corev1.NamespaceDeletionDiscoveryFailure, corev1.NamespaceDeletionContentFailure,
		corev1.NamespaceFinalizersRemaining, corev1.NamespaceContentRemaining,
	} {
		if c := objectCondition(ns, string(kind)); c.status == "True" {
			return ": " + c.message
		}
	}
	return ""
}

// Namespaced reports whether an object's kind lives in namespaces. A kind that
// the cluster does not serve is an error.
func (c *Client) Namespaced(o model.Object) (bool, error) {
	m, err := c.mapping(o.ID, o.Version)
	switch {
	case meta.IsNoMatchError(err):
		return false, model.Errorf(model.ExitUsage, "%s: kind %q (%s) is not known to cluster %s; is its CRD installed?",
			describeSource(o), o.ID.Kind, o.APIVersion(), c.context)
	case err != nil:
		return false, fmt.Errorf("%s: %w", describeSource(o), c.serverError(context.Background(), err))
	}
	return m.Scope.Name() == meta.RESTScopeNameNamespace, nil
}

// Sandboxed maps an environment's rendered objects into a sandbox. Those of the
// namespace from, which is also that of objects which name none, are returned
// as copies in the namespace to. Whatever else there is would reach beyond the
// sandbox and is left out: Namespaces, objects without a namespace, those of
// other namespaces, and kinds that namespaced cannot place. The notes say so,
// a line for each kind and reason, and which objects keep using the original
// environment by a Service's DNS name. objects stays as it is.
func Sandboxed(objects []model.Object, namespaced func(model.Object) (bool, error), from, to string) (kept []model.Object, notes []string) {
	if from == "" {
		from = metav1.NamespaceDefault
	}
	var left leftOut
	services := map[string]bool{}
	for _, o := range objects {
		inside, err := namespaced(o)
		switch ns := o.ID.Namespace; {
		case o.ID.Group == "" && o.ID.Kind == "Namespace":
			left.add(o, "the sandbox is a namespace of its own")
		case err != nil:
			left.add(o, "the cluster does not know its kind")
		case !inside:
			left.add(o, "cluster-scoped")
		case ns != "" && ns != from:
			left.add(o, "of namespace "+ns)
		default:
			kept = append(kept, moved(o, from, to))
			services[o.ID.Name] = services[o.ID.Name] || o.ID.Group == "" && o.ID.Kind == "Service"
		}
	}
	return kept, append(left.notes(), leadingOut(kept, services, from)...)
}

// moved is a copy of an object in another namespace.
func moved(o model.Object, from, to string) model.Object {
	o.Fields = runtime.DeepCopyJSON(o.Fields)
	o.ID.Namespace = to
	(&unstructured.Unstructured{Object: o.Fields}).SetNamespace(to)
	if o.ID.Group == "rbac.authorization.k8s.io" && o.ID.Kind == "RoleBinding" {
		for _, s := range sliceAt(o.Fields, "subjects") {
			if subject, ok := s.(map[string]any); ok && subject["namespace"] == from {
				subject["namespace"] = to
			}
		}
	}
	return o
}

// leftOut gathers objects by kind and reason, in the order in which these come.
type leftOut struct {
	order []string
	names map[string][]string
}

func (l *leftOut) add(o model.Object, why string) {
	if l.names == nil {
		l.names = map[string][]string{}
	}
	key := o.ID.Kind + "\x00" + why
	if l.names[key] == nil {
		l.order = append(l.order, key)
	}
	l.names[key] = append(l.names[key], o.ID.Name)
}

func (l *leftOut) notes() []string {
	const shown = 10
	var out []string
	for _, key := range l.order {
		kind, why, _ := strings.Cut(key, "\x00")
		names := l.names[key]
		text := strings.Join(names[:min(shown, len(names))], ", ")
		if more := len(names) - shown; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		out = append(out, fmt.Sprintf("left out: %s %s: %s", kind, text, why))
	}
	return out
}

// leadingOut notes the objects in which a Service is named by the DNS name that
// it has in the original namespace. They are not rewritten: what is deployed
// later would not be what was tried.
func leadingOut(objects []model.Object, services map[string]bool, from string) []string {
	name := regexp.MustCompile(`([a-z0-9-]+)\.` + regexp.QuoteMeta(from) + `(?:[^a-z0-9-]|$)`)
	var notes []string
	for _, o := range objects {
		if o.ID.Group == "" && o.ID.Kind == "Secret" {
			continue // nothing of it may appear in a note
		}
		var found []string
		eachString(o.Fields, func(s string) {
			for _, m := range name.FindAllStringSubmatch(s, -1) {
				if services[m[1]] && !slices.Contains(found, m[1]) {
					found = append(found, m[1])
				}
			}
		})
		slices.Sort(found)
		for _, service := range found {
			notes = append(notes, fmt.Sprintf("%s %s uses %s.%s, which is outside of the sandbox", o.ID.Kind, o.ID.Name, service, from))
		}
	}
	return notes
}

// eachString visits every string value in v.
func eachString(v any, visit func(string)) {
	switch v := v.(type) {
	case string:
		visit(v)
	case map[string]any:
		for _, child := range v {
			eachString(child, visit)
		}
	case []any:
		for _, child := range v {
			eachString(child, visit)
		}
	}
}
