package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// causeRow is one way for a rollout to fail or to hang.
type causeRow struct {
	name    string // of the object, too
	objects string // YAML; the first one is the target. $NAME and $NS stand for the row's
	ns      string // a namespace of its own, prepared by this YAML; empty: the shared one
	before  func(*causeWorld, *causeRow)
	after   func(*causeWorld, *causeRow) // does more once the objects are there
	status  string                       // what the kubelet says of the pod, as it is left alone
	events  []causeEvent                 // what it says besides
	later   bool                         // looked at with a clock that is some minutes ahead
	knows   string                       // what an object of the cluster says as soon as it knows; empty: not measured

	readiness model.Readiness // empty: progress
	doomed    bool
	cause     []string // what the cause has to say; none: there is no cause
	message   string

	target model.Target
	place  string // its namespace
}

// causeEvent is an event about the row's pod, or about another object of it.
type causeEvent struct{ kind, from, reason, message, path string }

// causeWorld is where the table is produced.
type causeWorld struct {
	t     *testing.T
	c     *Client
	later *Client
	cs    *kubernetes.Clientset
	dyn   dynamic.Interface
	ns    string
	rows  []*causeRow

	deadline time.Time // for all of them: they come about side by side

	mu   sync.Mutex
	told map[model.ObjectID][]toldProgress
	knew map[string]time.Time
	// settled is when both watches had told of what there was before them: from
	// then on it is measured how long they take.
	settled time.Time
}

type toldProgress struct {
	p  model.Progress
	at time.Time
}

func newCauseWorld(t *testing.T, rows []*causeRow) *causeWorld {
	t.Helper()
	tc := testcluster.Get(t)
	dyn, err := dynamic.NewForConfig(tc.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &causeWorld{
		t: t, cs: tc.Client(t), dyn: dyn, ns: tc.Namespace(t), rows: rows,
		told: map[model.ObjectID][]toldProgress{}, knew: map[string]time.Time{},
	}
	w.c, _ = stateClient(t, "unused", nil)
	w.later, _ = stateClient(t, "unused", func(c *Config) {
		c.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
	})
	return w
}

// create makes the objects of a YAML text and returns the first.
func (w *causeWorld) create(r *causeRow, text string) *unstructured.Unstructured {
	w.t.Helper()
	text = strings.NewReplacer("$NAME", r.name, "$NS", r.place).Replace(text)
	var first *unstructured.Unstructured
	for doc := range strings.SplitSeq(text, "\n---\n") {
		raw, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			w.t.Fatalf("%s: %v in\n%s", r.name, err, doc)
		}
		var u unstructured.Unstructured
		if err := u.UnmarshalJSON(raw); err != nil {
			w.t.Fatalf("%s: %v in\n%s", r.name, err, doc)
		}
		in := w.in(&u, r.place)
		made, err := in.Create(w.t.Context(), &u, metav1.CreateOptions{})
		if err != nil {
			w.t.Fatalf("%s: creating %s %s: %v", r.name, u.GetKind(), u.GetName(), err)
		}
		if _, lasting := in.(clusterWide); lasting {
			w.t.Cleanup(func() { _ = in.Delete(w.detached(), made.GetName(), metav1.DeleteOptions{}) })
		}
		if status := u.Object["status"]; status != nil {
			made.Object["status"] = status
			if made, err = in.UpdateStatus(w.t.Context(), made, metav1.UpdateOptions{}); err != nil {
				w.t.Fatalf("%s: %v", r.name, err)
			}
		}
		if first == nil {
			first = made
		}
	}
	return first
}

// clusterWide marks a client for objects that do not go with a namespace.
type clusterWide struct{ dynamic.ResourceInterface }

func (w *causeWorld) in(u *unstructured.Unstructured, ns string) dynamic.ResourceInterface {
	w.t.Helper()
	gvk := u.GroupVersionKind()
	var in dynamic.ResourceInterface
	testcluster.Eventually(w.t, 20*time.Second, gvk.String()+" is served", func() (bool, error) {
		m, err := w.c.mapping(model.ObjectID{Group: gvk.Group, Kind: gvk.Kind}, gvk.Version)
		if err != nil {
			return false, err
		}
		in = clusterWide{w.dyn.Resource(m.Resource)}
		if m.Scope.Name() == "namespace" {
			in = w.dyn.Resource(m.Resource).Namespace(ns)
		}
		return true, nil
	})
	return in
}

// produce brings every row to where its cause is.
func (w *causeWorld) produce() {
	w.t.Helper()
	for _, r := range w.rows {
		r.place = w.ns
		if r.ns != "" {
			r.place = testcluster.Get(w.t).Namespace(w.t)
			if r.ns != "{}" {
				w.create(r, r.ns)
			}
		}
		if r.before != nil {
			r.before(w, r)
		}
	}
	for _, r := range w.rows {
		made := w.create(r, r.objects)
		gvk := made.GroupVersionKind()
		r.target = model.Target{
			ID:      model.ObjectID{Group: gvk.Group, Kind: gvk.Kind, Namespace: made.GetNamespace(), Name: made.GetName()},
			Version: gvk.Version, UID: string(made.GetUID()),
		}
	}
}

// watch follows all rows, those that are looked at later with the other clock.
func (w *causeWorld) watch() {
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	w.t.Cleanup(func() { cancel(); running.Wait() })
	var now, later []model.Target
	for _, r := range w.rows {
		if r.later {
			later = append(later, r.target)
		} else {
			now = append(now, r.target)
		}
	}
	emit := func(p model.Progress) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told[p.ID] = append(w.told[p.ID], toldProgress{p, time.Now()})
		if w.settled.IsZero() && len(w.told) == len(w.rows) {
			w.settled = time.Now()
		}
	}
	running.Go(func() { _ = w.c.Watch(ctx, now, emit, nil) })
	running.Go(func() { _ = w.later.Watch(ctx, later, emit, nil) })
	for _, gvr := range []schema.GroupVersionResource{
		podGVR, eventGVR, replicaSetGVR, jobResource, deploymentGVR,
		{Version: "v1", Resource: "namespaces"},
		{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"},
		{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
	} {
		seen, err := w.dyn.Resource(gvr).Watch(ctx, metav1.ListOptions{})
		if err != nil {
			w.t.Fatal(err)
		}
		running.Go(func() {
			for e := range seen.ResultChan() {
				w.know(e.Object)
			}
		})
	}
}

// know takes note of the first object that tells what a row is about.
func (w *causeWorld) know(obj any) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return
	}
	u.SetManagedFields(nil)
	raw, err := json.Marshal(u.Object)
	if err != nil {
		return
	}
	text, at := strings.ReplaceAll(string(raw), `\"`, `"`), time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.rows {
		if _, known := w.knew[r.name]; known || r.knows == "" || u.GetNamespace() != "" && u.GetNamespace() != r.place {
			continue
		}
		about, _, _ := unstructured.NestedString(u.Object, "involvedObject", "name")
		if name := u.GetName() + " " + about; strings.Contains(name, r.name) && strings.Contains(text, r.knows) {
			w.knew[r.name] = at
		}
	}
}

// pod waits for the row's pod to be on a node; gated ones need not be.
func (w *causeWorld) pod(r *causeRow) *corev1.Pod {
	w.t.Helper()
	var pod *corev1.Pod
	testcluster.Eventually(w.t, 30*time.Second, r.name+" has a pod", func() (bool, error) {
		list, err := w.cs.CoreV1().Pods(r.place).List(w.t.Context(), metav1.ListOptions{LabelSelector: "app=" + r.name})
		if err != nil || len(list.Items) == 0 {
			return false, err
		}
		pod = &list.Items[0]
		return pod.Spec.NodeName != "", nil
	})
	return pod
}

// play does what the kubelet of a pod that is left alone would do.
func (w *causeWorld) play(r *causeRow) {
	w.t.Helper()
	if r.status == "" && len(r.events) == 0 {
		return
	}
	about := corev1.ObjectReference{
		Kind: r.target.ID.Kind, Namespace: r.place, Name: r.target.ID.Name, UID: types.UID(r.target.UID),
		APIVersion: (&model.Object{ID: r.target.ID, Version: r.target.Version}).APIVersion(),
	}
	node := ""
	if r.status != "" {
		pod := w.pod(r)
		node = pod.Spec.NodeName
		about = corev1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: r.place, Name: pod.Name, UID: pod.UID}
		now := time.Now().UTC().Format(time.RFC3339)
		raw, err := yaml.YAMLToJSON([]byte("status: " + strings.NewReplacer("$NOW", now, "$POD", pod.Name).Replace(r.status)))
		if err != nil {
			w.t.Fatalf("%s: %v", r.name, err)
		}
		if _, err := w.cs.CoreV1().Pods(r.place).Patch(w.t.Context(), pod.Name, types.StrategicMergePatchType, raw, metav1.PatchOptions{}, "status"); err != nil {
			w.t.Fatalf("%s: %v", r.name, err)
		}
	}
	for i, e := range r.events {
		about.FieldPath = e.path
		event := &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Name: fmt.Sprintf("%s.%x", about.Name, time.Now().UnixNano()+int64(i))},
			InvolvedObject: about, Type: e.kind, Reason: e.reason, Message: e.message, Count: 1,
			Source:         corev1.EventSource{Component: e.from, Host: node},
			FirstTimestamp: metav1.Now(), LastTimestamp: metav1.Now(),
		}
		if _, err := w.cs.CoreV1().Events(r.place).Create(w.t.Context(), event, metav1.CreateOptions{}); err != nil {
			w.t.Fatalf("%s: %v", r.name, err)
		}
	}
}

// detached is a context for cleaning up, when the test's own is over.
func (w *causeWorld) detached() context.Context { return context.WithoutCancel(w.t.Context()) }

// right reports whether what was told of a row is what it has to be.
func (r *causeRow) right(p model.Progress) bool {
	want := r.readiness
	if want == "" {
		want = model.ReadinessProgress
	}
	said := strings.ReplaceAll(p.Cause, r.place, "NS")
	for _, words := range r.cause {
		if !strings.Contains(said, words) {
			return false
		}
	}
	return p.Readiness == want && p.Doomed == r.doomed && (len(r.cause) == 0) == (p.Cause == "") && strings.Contains(p.Message, r.message)
}

// check waits until the row's cause was told, and judges its wording. It
// returns the line, and how long it took from when the cluster knew.
func (w *causeWorld) check(t *testing.T, r *causeRow) (line string, took time.Duration) {
	t.Helper()
	var got toldProgress
	for found := false; !found; {
		w.mu.Lock()
		all := w.told[r.target.ID]
		w.mu.Unlock()
		for _, got = range all {
			if found = r.right(got.p); found {
				break
			}
		}
		if !found && time.Now().After(w.deadline) {
			t.Fatalf("%s: not told. Last: %+v", r.name, got.p)
		}
		<-time.After(20 * time.Millisecond)
	}
	line = strings.ReplaceAll(got.p.Cause, r.place, "NS")
	if line == "" {
		line = "(" + got.p.Message + ")"
	}
	if n := utf8.RuneCountInString(line); n > 260 || strings.ContainsAny(line, "\n\t\x1b") {
		t.Errorf("%s: no line of a fair length: %d runes: %q", r.name, n, line)
	}
	if strings.Contains(fmt.Sprint(got.p), "hunter2") {
		t.Errorf("%s tells a secret: %+v", r.name, got.p)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, known := w.knew[r.name]; known && !w.settled.IsZero() && at.After(w.settled) {
		return line, max(got.at.Sub(at), 0)
	}
	return line, -1
}
