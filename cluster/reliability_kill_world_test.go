package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// audit counts the writes to objects that took effect, by what was sent.
type audit struct {
	mu     sync.Mutex
	writes map[string]int
}

func (a *audit) note(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writes[what]++
}

// doom kills a program after a number of its calls: the last one takes effect
// and its answer is lost, its watches end, and nothing else ever gets through.
type doom struct {
	mu     sync.Mutex
	armed  bool
	after  int // 0: never
	count  int // calls since it was armed
	dead   context.Context
	die    context.CancelFunc
	flying sync.WaitGroup // calls that were sent before
	audit  *audit
	space  string // of the records, which are not objects
}

func newDoom(a *audit, space string) *doom {
	d := &doom{audit: a, space: space}
	d.dead, d.die = context.WithCancel(context.Background())
	return d
}

// arm begins to count.
func (d *doom) arm(after int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed, d.after, d.count = true, after, 0
}

func (d *doom) counted() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// enter reports whether a call gets through, and whether it is the last one.
func (d *doom) enter() (through, last bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.after > 0 && d.count >= d.after {
		return false, false
	}
	if d.armed {
		d.count++
	}
	d.flying.Add(1)
	return true, d.after > 0 && d.count == d.after
}

func (d *doom) wrap(next http.RoundTripper) http.RoundTripper {
	return doomedTransport{next, d}
}

type doomedTransport struct {
	next http.RoundTripper
	d    *doom
}

func (t doomedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	through, last := t.d.enter()
	if !through {
		return nil, errKilled
	}
	defer t.d.flying.Done()
	if last {
		defer t.d.die()
	}
	alters, err := altersSomething(r)
	if err != nil {
		return nil, err
	}
	stop := func() bool { return true }
	if r.URL.Query().Get("watch") != "" {
		ctx, cancel := context.WithCancel(r.Context())
		stop = context.AfterFunc(t.d.dead, cancel)
		r = r.WithContext(ctx)
	}
	resp, err := t.next.RoundTrip(r)
	if err == nil && alters && resp.StatusCode < 300 && !strings.Contains(r.URL.Path, "/namespaces/"+t.d.space) {
		kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		t.d.audit.note(r.Method + " " + r.URL.Path + " " + kind)
	}
	if last {
		if err == nil {
			_ = resp.Body.Close()
		}
		return nil, errKilled
	}
	if err == nil {
		resp.Body = watchedBody{resp.Body, stop}
	} else {
		stop()
	}
	return resp, err
}

// watchedBody forgets the end of the program when it is closed.
type watchedBody struct {
	io.ReadCloser
	stop func() bool
}

func (b watchedBody) Close() error {
	b.stop()
	return b.ReadCloser.Close()
}

// killWorld is an environment on which a commit of forty objects is shipped by
// programs that are killed.
type killWorld struct {
	*accidentWorld
	audit *audit
	doom  *doom // of the program that was started last
	name  string
}

// newKillWorld makes one with its records in a namespace that others have too.
func newKillWorld(t testing.TB, space, env string) *killWorld {
	t.Helper()
	ns := env + "-" + strings.ToLower(nonce()[:8])
	admin := testcluster.Get(t).Client(t)
	makeNamespace(t, admin, ns)
	w := &killWorld{audit: &audit{writes: map[string]int{}}, name: env, accidentWorld: &accidentWorld{
		planWorld: newPlanWorldIn(t, ns), space: space,
		git: &history{renders: map[string][]model.Object{}}, ready: time.Minute, going: time.Minute,
		lease: 5 * time.Minute, // no lock expires but those that expire is called for
	}}
	w.configure(env, ", replace: {allowed: true}, prune: {enabled: true, max: 50}")
	w.start()
	return w
}

func makeNamespace(t testing.TB, admin kubernetes.Interface, name string) {
	t.Helper()
	_, err := admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// start starts the program anew.
func (w *killWorld) start() {
	w.t.Helper()
	w.doom = newDoom(w.audit, w.space)
	w.restart(w.doom.wrap)
}

// prepare makes what is live before: what fairtide, kubectl and others applied.
func (w *killWorld) prepare() {
	w.t.Helper()
	w.kubectlApply(configGVR, clientSideApply, "{apiVersion: v1, kind: ConfigMap, metadata: {name: migrated, namespace: $NS}, data: {x: one, gone: one}}")
	w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: foreign, namespace: $NS}, data: {x: one}}")
	w.shipped(killBefore)
	w.commit(killAfter)
	w.audit.mu.Lock()
	clear(w.audit.writes)
	w.audit.mu.Unlock()
}

// killed applies the head, or resumes it, and kills the program after so many
// of its calls; 0: never. It reports whether it came to its end before.
func (w *killWorld) killed(after int, resume bool) (ended bool, err error) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	finished := make(chan error, 1)
	quiet := func(model.Event) {}
	if resume {
		w.doom.arm(after)
		go func() {
			_, err := w.engine.Resume(ctx, model.ResumeRequest{Environment: w.env.Name, Reason: "its program was killed"}, quiet)
			finished <- err
		}()
	} else {
		plan, err := w.engine.Plan(ctx, w.env.Name, "")
		if err != nil {
			return true, err
		}
		w.doom.arm(after)
		go func() {
			_, err := w.engine.Apply(ctx, model.Approval{Plan: plan, Confirmed: model.Refs(plan.ToType()), TakeOver: "its program was killed"}, quiet)
			finished <- err
		}()
	}
	select {
	case err := <-finished:
		select {
		case <-w.doom.dead.Done(): // with its last call
			return false, nil
		default:
			return true, err
		}
	case <-w.doom.dead.Done():
		w.doom.flying.Wait()
		return false, nil
	}
}

// expire lets the lock of a killed program expire.
func (w *killWorld) expire() {
	w.t.Helper()
	patch := fmt.Sprintf(`{"spec":{"renewTime":%q}}`, time.Now().Add(-time.Hour).UTC().Format(metav1.RFC3339Micro))
	_, err := w.admin.Resource(leaseGVR).Namespace(w.space).Patch(w.ctx, stateName(w.env.Name), types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		w.t.Fatal(err)
	}
}

// goOn starts the program anew as an operator would after it was killed: a run
// with an open record is resumed, and without a record the commit is applied.
func (w *killWorld) goOn(after int) (ended bool, how string, err error) {
	w.t.Helper()
	w.expire()
	w.start()
	runs, err := w.c.Runs(w.ctx, w.env.Name)
	switch {
	case err != nil:
		return true, "", err
	case runs[0].Commit != w.git.head:
		ended, err = w.killed(after, false)
		return ended, "applied", err
	case runs[0].State.Final():
		return true, "", nil
	}
	ended, err = w.killed(after, true)
	return ended, "resumed", err
}

// outcome is all that is to be the same after every run, as text that has no
// names or times of its own.
func (w *killWorld) outcome() (live, record string) {
	w.t.Helper()
	runs, err := w.c.Runs(w.ctx, w.env.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	state, err := w.c.ReadState(w.ctx, w.env.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	uids := map[string]bool{}
	for _, gvr := range killKinds {
		for _, ns := range []string{w.ns, w.ns + "-new"} {
			list, err := w.admin.Resource(gvr).Namespace(ns).List(w.ctx, metav1.ListOptions{})
			if err != nil {
				w.t.Fatal(err)
			}
			for _, o := range list.Items {
				if o.GetName() == "kube-root-ca.crt" || o.GetName() == "default" {
					continue
				}
				uids[string(o.GetUID())] = true
				out = append(out, liveText(gvr, o.Object))
			}
		}
	}
	slices.Sort(out)
	return w.plain(strings.Join(out, "\n")), w.plain(w.recorded(runs, state, uids))
}

func liveText(gvr schema.GroupVersionResource, o map[string]any) string {
	side := normalise(o, false)
	if spec := mapAt(side, "spec"); spec != nil {
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
	}
	delete(mapAt(side, "metadata", "annotations"), deploymentRevisionAnnotation)
	owners := map[string]bool{}
	for _, f := range fieldOwners(o) {
		if f.subresource == "" && !strings.HasPrefix(f.manager, "kube-controller") {
			owners[f.manager+"/"+f.operation] = true
		}
	}
	raw, err := json.Marshal(side)
	if err != nil {
		return err.Error()
	}
	return gvr.Resource + " " + string(raw) + " of " + joinKeys(owners)
}

// recorded is what the records say. It checks that the inventory names the live
// objects.
func (w *killWorld) recorded(runs []model.Run, state model.State, uids map[string]bool) string {
	w.t.Helper()
	var out []string
	for _, r := range runs {
		out = append(out, fmt.Sprintf("run %s %s of %s, ended %v, because %q", r.ID, r.State, r.Commit, !r.FinishedAt.IsZero(), r.Reason))
		for _, o := range r.Objects {
			out = append(out, fmt.Sprintf("  %s %s: %s %q in wave %d of %d, uid %v", o.Verdict, o.ID, o.Result, o.Message, o.Wave, len(r.Waves), o.UID != ""))
		}
	}
	if state.Deployed != nil && state.LastRun != nil {
		out = append(out, fmt.Sprintf("deployed %s by %s, last %s %s", state.Deployed.Commit, state.Deployed.Run, state.LastRun.ID, state.LastRun.State))
	}
	for _, e := range state.Inventory {
		clustered := e.ID.Namespace == ""
		out = append(out, fmt.Sprintf("has %s, left %v, known %v", e.ID, e.Left, clustered && e.UID != "" || uids[e.UID]))
	}
	return strings.Join(out, "\n")
}

// plain takes the world's own names out of a text.
func (w *killWorld) plain(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, w.ns, "NS"), w.name+"-", "ENV-")
}

// discard takes away what is not in a namespace: definitions cost every
// request of the other tests.
func (w *killWorld) discard() {
	err := w.admin.Resource(crdGVR).Delete(w.detached(), "boats."+w.ns+".example.com", metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		w.t.Error(err)
	}
}
