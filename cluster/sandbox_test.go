package cluster

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

func sandboxName() string { return "sandbox-" + strings.ToLower(nonce()[:12]) }

func TestSandboxLifecycle(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	cs := adminClient(t)
	name := sandboxName()
	if err := w.c.DeleteSandbox(w.ctx, name); err != nil {
		t.Fatalf("one that is not there: %v", err)
	}
	w.faults.loseAnswer.Store(true) // it is created all the same
	if err := w.c.CreateSandbox(w.ctx, name, map[string]string{labelEnvironment: "staging", "fairtide.dev/head": "a b"}); err != nil {
		t.Fatal(err)
	}
	ns, err := cs.CoreV1().Namespaces().Get(w.ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{labelManagedBy: "fairtide", labelSandbox: "true", labelEnvironment: "staging", "fairtide.dev/head": "a-b"} {
		if ns.Labels[key] != want {
			t.Errorf("label %s is %q, want %q", key, ns.Labels[key], want)
		}
	}
	expires, err := time.Parse(time.RFC3339, ns.Annotations["fairtide.dev/expires"])
	if err != nil || expires.Sub(ns.CreationTimestamp.Time).Round(time.Minute) != 24*time.Hour {
		t.Errorf("it expires %s, %v", expires, err)
	}
	err = w.c.CreateSandbox(w.ctx, name, nil)
	wantCode(t, err, model.ExitLocked, "sandbox name collision", name, "another validation", "kubectl delete namespace "+name)

	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "left", Finalizers: []string{"example.com/wait"}}}
	object, err = cs.CoreV1().ConfigMaps(name).Create(w.ctx, object, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(w.ctx, 3*time.Second)
	defer cancel()
	if err := w.c.DeleteSandbox(short, name); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not gone yet") {
		t.Errorf("what holds it: %v", err)
	}
	wantCode(t, w.c.CreateSandbox(w.ctx, name, nil), model.ExitLocked, "just being deleted", "try again")
	object.Finalizers = nil
	if _, err := cs.CoreV1().ConfigMaps(name).Update(w.ctx, object, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := w.c.DeleteSandbox(w.ctx, name); err != nil {
		t.Fatal(err)
	}
	if _, err := cs.CoreV1().Namespaces().Get(w.ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("after its end: %v", err)
	}
}

func TestSandboxRefusals(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	cs := adminClient(t)
	wantCode(t, w.c.CreateSandbox(w.ctx, w.ns, nil), model.ExitLocked, "sandbox name collision", "not fairtide's", "sandbox.namespace")
	wantCode(t, w.c.DeleteSandbox(w.ctx, w.ns), model.ExitUsage, w.ns, "no sandbox")
	// Managed by fairtide is also what holds the records.
	patch := []byte(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":"fairtide"}}}`)
	if _, err := cs.CoreV1().Namespaces().Patch(w.ctx, w.ns, "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, w.c.DeleteSandbox(w.ctx, w.ns), model.ExitUsage, "no sandbox")
	if ns, err := cs.CoreV1().Namespaces().Get(w.ctx, w.ns, metav1.GetOptions{}); err != nil || ns.DeletionTimestamp != nil {
		t.Errorf("the namespace is %+v, %v", ns, err)
	}
	wantCode(t, w.c.CreateSandbox(w.ctx, "Not_a_name", nil), model.ExitUnreachable, "Not_a_name", "invalid", "lowercase")
	limited, _ := w.clientAs(limitedUser)
	wantCode(t, limited.CreateSandbox(w.ctx, sandboxName(), nil), model.ExitUnreachable, `needs "create namespaces"`)
	wantCode(t, limited.DeleteSandbox(w.ctx, w.ns), model.ExitUnreachable, `needs "get namespaces"`)
	w.faults.down.Store(true)
	wantCode(t, w.c.CreateSandbox(w.ctx, sandboxName(), nil), model.ExitUnreachable, "cannot reach the API server")
}

func TestNamespaced(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	for text, want := range map[string]bool{
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}":                             true,
		"{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}":                       true,
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a}}": false,
		"{apiVersion: v1, kind: Namespace, metadata: {name: a}}":                             false,
	} {
		if got, err := w.c.Namespaced(w.objects(text)[0]); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	_, err := w.c.Namespaced(w.objects("{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}}")[0])
	wantCode(t, err, model.ExitUsage, "Widget", "is its CRD installed?")
}

func TestSandboxed(t *testing.T) {
	w := &planWorld{t: t, ns: "shop"}
	objects := w.objects(`
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: petstore}}
---
{apiVersion: v1, kind: Service, metadata: {name: gateway, namespace: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {url: "http://petstore.shop.svc:80, http://petstore.shop/, other.shop, petstore.shopping, gateway:80"}}
---
{apiVersion: v1, kind: Secret, metadata: {name: login, namespace: shop}, stringData: {url: "http://petstore.shop"}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: petstore-gateway}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: petstore-reader}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gateway, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: petstore-gateway}
subjects: [{kind: ServiceAccount, name: a, namespace: shop}, {kind: ServiceAccount, name: b, namespace: monitoring}, {kind: User, name: c}]
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: dashboards, namespace: monitoring}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}
`)
	before := asJSON(objects)
	kept, notes := Sandboxed(objects, func(o model.Object) (bool, error) {
		if o.ID.Kind == "Widget" {
			return false, errors.New("no such kind")
		}
		return o.ID.Kind != "ClusterRole" && o.ID.Kind != "Namespace", nil
	}, "shop", "sandbox-1")
	if asJSON(objects) != before {
		t.Error("the rendered objects were changed")
	}
	var names []string
	for _, o := range kept {
		names = append(names, o.ID.Kind+" "+o.ID.Name)
		if o.ID.Namespace != "sandbox-1" || metaString(o.Fields, "namespace") != "sandbox-1" {
			t.Errorf("%s is in %q", o.ID, metaString(o.Fields, "namespace"))
		}
		if o.ID.Kind == "RoleBinding" {
			want := []any{
				map[string]any{"kind": "ServiceAccount", "name": "a", "namespace": "sandbox-1"},
				map[string]any{"kind": "ServiceAccount", "name": "b", "namespace": "monitoring"},
				map[string]any{"kind": "User", "name": "c"},
			}
			if !reflect.DeepEqual(o.Fields["subjects"], want) {
				t.Errorf("subjects %v", o.Fields["subjects"])
			}
		}
	}
	if want := []string{"Service petstore", "Service gateway", "ConfigMap settings", "Secret login", "RoleBinding gateway"}; !slices.Equal(names, want) {
		t.Errorf("kept %q, want %q", names, want)
	}
	want := []string{
		"left out: Namespace shop: the sandbox is a namespace of its own",
		"left out: ClusterRole petstore-gateway, petstore-reader: cluster-scoped",
		"left out: ConfigMap dashboards: of namespace monitoring",
		"left out: Widget w: the cluster does not know its kind",
		"ConfigMap settings uses petstore.shop, which is outside of the sandbox",
	}
	if !slices.Equal(notes, want) {
		t.Errorf("notes:\n%s\nwant:\n%s", strings.Join(notes, "\n"), strings.Join(want, "\n"))
	}
}

func TestSandboxedWithoutNamespace(t *testing.T) {
	w := &planWorld{t: t}
	kept, notes := Sandboxed(w.objects(configYAML("a", "{}")+"\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: default}}"),
		func(model.Object) (bool, error) { return true, nil }, "", "x")
	if len(kept) != 2 || len(notes) != 0 {
		t.Errorf("%v %q", kept, notes)
	}
}

// What the environment grants itself by a namespace it can also be tried with
// in the sandbox of the real server.
func TestSandboxedObjectsCanBeApplied(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	name := sandboxName()
	if err := w.c.CreateSandbox(w.ctx, name, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.c.DeleteSandbox(w.detached(), name); err != nil {
			t.Error(err)
		}
	})
	objects := w.objects(configYAML("settings", "{a: b}") + "\n---\n" + deploymentYAML("petstore", "registry.example/petstore:1"))
	kept, notes := Sandboxed(objects, w.c.Namespaced, w.ns, name)
	if len(kept) != 2 || len(notes) != 0 {
		t.Fatalf("%v %q", kept, notes)
	}
	env := w.env
	env.Namespace = name
	plan, resolved, err := w.c.Plan(w.ctx, model.PlanRequest{Environment: env, Rendered: &model.Rendered{Commit: "c0ffee", Objects: kept}})
	if err != nil || plan.Problem != "" {
		t.Fatalf("%v %s", err, plan.Problem)
	}
	w.apply(plan, resolved)
	testcluster.Eventually(t, time.Minute, "Deployment in the sandbox", func() (bool, error) {
		_, err := adminClient(t).AppsV1().Deployments(name).Get(w.ctx, "petstore", metav1.GetOptions{})
		return err == nil, err
	})
}
