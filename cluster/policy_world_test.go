package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	engine "github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// line is a history that knows the order of its commits.
type line struct {
	*history
	order *[]string
}

func (line) RemoteURL() string { return "" }

func (l line) Pending(_ context.Context, _ model.Environment, from, to string) (p model.Pending, err error) {
	a, b := slices.Index(*l.order, from), slices.Index(*l.order, to)
	for _, c := range (*l.order)[a+1 : max(a, b)+1] {
		p.Changes = append(p.Changes, model.Change{Commit: c, RendersChange: true})
	}
	return p, nil
}

// policyWorld is an accident world whose environment has a policy, and whose
// runs are looked at while they are under way.
type policyWorld struct {
	*accidentWorld
	order   []string
	onEvent func(model.Event) // nil: nothing

	mu     sync.Mutex
	events []model.Event
}

// newPolicyWorld has a namespace that goes with the control plane. Its lock is
// short, and renewed often.
func newPolicyWorld(t *testing.T, policy string) *policyWorld {
	t.Helper()
	w := &policyWorld{accidentWorld: newAccidentWorld(t)}
	w.configure("staging", policy)
	cfg := Config{StateNamespace: w.space, UserAgent: "fairtide/v0.1.0 (test)", Now: time.Now}
	shortLease(&cfg)
	c, err := newForConfig(cfg, "test", testcluster.Get(t).Config(t))
	if err != nil {
		t.Fatal(err)
	}
	w.c = c
	w.engine = engine.New(engine.Config{
		Repository: line{w.git, &w.order}, File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (engine.Cluster, error) { return forEngine{c}, nil },
		Timing:  engine.Timing{Ready: time.Minute, Doomed: 200 * time.Millisecond, Poll: 50 * time.Millisecond},
	})
	return w
}

// merge makes the next commit of the branch.
func (w *policyWorld) merge(text string) string {
	w.t.Helper()
	w.commit(text)
	w.order = append(w.order, w.git.head)
	return w.git.head
}

func (w *policyWorld) hear(ev model.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, ev)
	if w.onEvent != nil {
		w.onEvent(ev)
	}
}

// lock is the environment's, which is held.
func (w *policyWorld) lock() model.Lock {
	w.t.Helper()
	l, err := w.c.ReadLock(w.ctx, "staging")
	if err != nil || l == nil {
		w.t.Fatalf("the lock is %+v, %v", l, err)
	}
	return *l
}

// heard waits for an event of the run that is under way.
func (w *policyWorld) heard(what string, is func(model.Event) bool) {
	w.t.Helper()
	w.eventually(what, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.ContainsFunc(w.events, is)
	})
}

// named lists the objects of the events of a type, in their order.
func (w *policyWorld) named(kind model.EventType) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, ev := range w.events {
		if ev.Type == kind {
			out = append(out, ev.Object.Name)
		}
	}
	return strings.Join(out, " ")
}

// begun is a run that is under way.
type begun struct {
	ended chan struct{}
	run   model.Run
	err   error
}

// begin plans the head and applies it beside the test.
func (w *policyWorld) begin(change ...func(*model.Approval)) *begun {
	w.t.Helper()
	plan, err := w.engine.Plan(w.ctx, "staging", "")
	if err != nil {
		w.t.Fatal(err)
	}
	a := model.Approval{Plan: plan}
	for _, c := range change {
		c(&a)
	}
	w.events = nil
	b := &begun{ended: make(chan struct{})}
	go func() {
		defer close(b.ended)
		b.run, b.err = w.engine.Apply(w.ctx, a, w.hear)
	}()
	return b
}

// ship is begin, to the end.
func (w *policyWorld) ship(change ...func(*model.Approval)) (model.Run, error) {
	w.t.Helper()
	return w.begin(change...).end(w.t)
}

func (b *begun) end(t testing.TB) (model.Run, error) {
	t.Helper()
	select {
	case <-b.ended:
	case <-time.After(90 * time.Second):
		t.Fatal("the run does not end")
	}
	return b.run, b.err
}

// wantClosed checks how a run ended in what the cluster has recorded: a closed
// record, the results of its objects by name, a free lock.
func (w *policyWorld) wantClosed(id string, state model.RunState, results string) model.Run {
	w.t.Helper()
	lock, err := w.c.ReadLock(w.ctx, "staging")
	if err != nil || lock != nil {
		w.t.Errorf("the lock is %+v, %v", lock, err)
	}
	runs, err := w.c.Runs(w.ctx, "staging")
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(runs, func(r model.Run) bool { return r.ID == id })
	if i < 0 {
		w.t.Fatalf("there is no record of %q", id)
	}
	var got []string
	for _, o := range runs[i].Objects {
		got = append(got, o.ID.Name+" "+string(o.Result))
	}
	if r := runs[i]; r.State != state || strings.Join(got, ", ") != results || r.FinishedAt.IsZero() {
		w.t.Errorf("the record of %s is %s (%s), with %s; want %s with %s", id, r.State, r.Reason, strings.Join(got, ", "), state, results)
	}
	return runs[i]
}

// deployed is what the environment's state says is live, and its last run.
func (w *policyWorld) deployed() (string, model.RunRef) {
	w.t.Helper()
	s, err := w.c.ReadState(w.ctx, "staging")
	if err != nil {
		w.t.Fatal(err)
	}
	commit := ""
	if s.Deployed != nil {
		commit = s.Deployed.Commit
	}
	return commit, *s.LastRun
}

func (w *policyWorld) exists(gvr schema.GroupVersionResource, name string) bool {
	w.t.Helper()
	list, err := w.admin.Resource(gvr).Namespace(w.ns).List(w.ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(list.Items) > 0
}

// balancerYAML is a Service that is ready when the test gives it an address.
func balancerYAML(name, more string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: %s}, spec: {type: LoadBalancer, selector: {app: x}, ports: [{port: 80}]%s}}\n", name, more)
}

func (w *policyWorld) giveAddress(name string) {
	w.t.Helper()
	w.change("cloud", serviceGVR, name, `{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}`, "status")
}

// stalledYAML is an object of a kind of the test's own, whose conditions are in
// Git: it is ready, or has failed, as soon as it is there.
func stalledYAML(name, value, stalled string) string {
	return fmt.Sprintf(`{apiVersion: $NS.example.com/v1, kind: Sluice, metadata: {name: %s}, spec: {value: %q}, status: {conditions: [{type: Stalled, status: %q, reason: Set, message: "the gate is jammed"}]}}`+"\n", name, value, stalled)
}

const sluiceDefinition = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: sluices.$NS.example.com},
  spec: {group: $NS.example.com, scope: Namespaced, names: {kind: Sluice, plural: sluices, singular: sluice, listKind: SluiceList},
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}
`

// annotatedYAML is a ConfigMap with an annotation.
func annotatedYAML(name, value string, annotations ...string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, annotations: {%s}}, data: {x: %s}}\n", name, strings.Join(annotations, ", "), value)
}
