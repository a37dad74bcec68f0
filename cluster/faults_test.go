package cluster

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	engine "github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// faultTally counts by name what was done to requests.
type faultTally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *faultTally) add(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[name] += n
}

func (c *faultTally) get(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

// String lists the counts, and their sum but for that of all requests.
func (c *faultTally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.n)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, c.n[name]))
	}
	return strings.Join(parts, ", ")
}

// The faults of a disturbed API server, or of the way to it.
var faultKinds = []string{"429", "500", "503", "reset before", "reset after", "cut body"}

// disturbed lets a share of the requests fail, in all the ways there are, and
// closes every watch after a second. It is seeded.
type disturbed struct {
	next  http.RoundTripper
	share float64
	count *faultTally

	mu  *sync.Mutex
	rnd *rand.Rand
}

func disturb(seed uint64, share float64, count *faultTally) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return disturbed{next, share, count, &sync.Mutex{}, rand.New(rand.NewPCG(seed, 0))}
	}
}

func (d disturbed) draw() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rnd.Float64() >= d.share {
		return ""
	}
	return faultKinds[d.rnd.IntN(len(faultKinds))]
}

// RoundTrip implements http.RoundTripper.
func (d disturbed) RoundTrip(r *http.Request) (*http.Response, error) {
	d.count.add("requests", 1)
	fault := d.draw()
	if fault != "" {
		d.count.add(fault, 1)
		d.count.add("faults", 1)
	}
	reset := &netOpError{"read", syscall.ECONNRESET}
	switch fault {
	case "429":
		return refusal429(r), nil
	case "500":
		return statusAnswer(r, http.StatusInternalServerError, "etcdserver: request timed out"), nil
	case "503":
		return statusAnswer(r, http.StatusServiceUnavailable, "the server is currently unable to handle the request"), nil
	case "reset before":
		closeBody(r)
		return nil, reset.error()
	}
	resp, err := d.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch {
	case fault == "reset after":
		_ = resp.Body.Close()
		return nil, reset.error()
	case fault == "cut body":
		resp.Body = &shortBody{ReadCloser: resp.Body, left: 20}
	case r.URL.Query().Get("watch") != "":
		d.count.add("watches closed", 1)
		body := resp.Body
		time.AfterFunc(time.Second, func() { _ = body.Close() })
	}
	return resp, nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// netOpError is what a connection fails with.
type netOpError struct {
	op  string
	err error
}

func (e *netOpError) error() error { return fmt.Errorf("%s tcp: %w", e.op, e.err) }

func statusAnswer(r *http.Request, code int, message string) *http.Response {
	closeBody(r)
	body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":%q,"reason":"","code":%d}`, message, code)
	return &http.Response{
		StatusCode: code, Status: fmt.Sprintf("%d %s", code, http.StatusText(code)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

func refusal429(r *http.Request) *http.Response {
	resp := statusAnswer(r, http.StatusTooManyRequests, "too many requests, please try again later")
	resp.Header.Set("Retry-After", "1")
	return resp
}

// shortBody ends in the middle.
type shortBody struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (b *shortBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// hook calls before and after each request; an error of theirs is what becomes
// of it.
type hook struct {
	next          http.RoundTripper
	before, after func(r *http.Request) error
}

// RoundTrip implements http.RoundTripper.
func (h hook) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.before != nil {
		if err := h.before(r); err != nil {
			closeBody(r)
			return nil, err
		}
	}
	resp, err := h.next.RoundTrip(r)
	if err == nil && h.after != nil {
		if failed := h.after(r); failed != nil {
			_ = resp.Body.Close()
			return nil, failed
		}
	}
	return resp, err
}

// isWrite reports whether a request alters something in the cluster.
func isWrite(r *http.Request) bool { return !isQuestion(r) }

// rig is an environment in a control plane, which operators ship to.
type rig struct {
	t         testing.TB
	tc        *testcluster.Cluster
	ns, space string
	git       *history
	repo      engine.Repository
	admin     dynamic.Interface
}

// newRig makes an environment of the name staging; more are keys of its
// configuration.
func newRig(t testing.TB, tc *testcluster.Cluster, ns, more string) *rig {
	t.Helper()
	admin, err := dynamic.NewForConfig(tc.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, tc: tc, ns: ns, space: "state-" + strings.ToLower(nonce()[:12]), admin: admin, git: &history{renders: map[string][]model.Object{}}}
	r.repo = r.git
	r.git.config = fmt.Sprintf("apiVersion: fairtide.dev/v1\nstateNamespace: %s\nenvironments:\n- {name: staging, tier: staging, path: environments/staging, namespace: %s%s}\n", r.space, ns, more)
	return r
}

// commit makes the n-th commit, which renders the text, the head.
func (r *rig) commit(n int, text string) string {
	r.t.Helper()
	r.git.head = fmt.Sprintf("%040x", n)
	r.git.renders[r.git.head] = (&planWorld{t: r.t, ns: r.ns}).objects(text)
	return r.git.head
}

// operator is somebody with an engine and a client of their own.
type operator struct {
	r      *rig
	c      *Client
	engine *engine.Engine
	mu     sync.Mutex
	told   []model.Event
	onTold func(model.Event)
}

func (r *rig) operator(host string, change func(*Config), wrap func(http.RoundTripper) http.RoundTripper) *operator {
	r.t.Helper()
	cfg := Config{StateNamespace: r.space, UserAgent: "fairtide/v0.1.0 (test)", Now: time.Now, LeaseDuration: 10 * time.Second}
	if change != nil {
		change(&cfg)
	}
	rc, err := clientcmd.BuildConfigFromFlags("", r.tc.Kubeconfig)
	if err != nil {
		r.t.Fatal(err)
	}
	if wrap != nil {
		rc.Wrap(wrap)
	}
	c, err := newForConfig(cfg, "test", rc)
	if err != nil {
		r.t.Fatal(err)
	}
	o := &operator{r: r, c: c}
	o.engine = engine.New(engine.Config{
		Repository: r.repo, File: ".fairtide.yaml", Host: host, Now: cfg.Now,
		Connect: func(string, string) (engine.Cluster, error) { return forEngine{c}, nil },
		Timing:  engine.Timing{Ready: time.Minute, Prune: 30 * time.Second, Poll: 50 * time.Millisecond},
	})
	return o
}

// plan plans the head.
func (o *operator) plan() *model.Plan {
	o.r.t.Helper()
	plan, err := o.engine.Plan(o.r.t.Context(), "staging", "")
	if err != nil {
		o.r.t.Fatal(err)
	}
	return plan
}

func (o *operator) apply(ctx context.Context, plan *model.Plan) (model.Run, error) {
	return o.engine.Apply(ctx, model.Approval{Plan: plan, TakeOver: "its holder is gone"}, func(e model.Event) {
		o.mu.Lock()
		o.told = append(o.told, e)
		on := o.onTold
		o.mu.Unlock()
		if on != nil {
			on(e)
		}
	})
}

// story is what was told of the last run, for a test that failed.
func (o *operator) story() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []string
	for _, e := range o.told {
		if e.Type != model.EventProgress && e.Type != model.EventApplied {
			out = append(out, fmt.Sprintf("%s %s %s", e.Time.Format("05.000"), e.Type, e.Message))
		}
	}
	return strings.Join(out, "\n")
}

// numbered are n ConfigMaps with a value.
func numbered(n int, value string) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c%02d, namespace: $NS}, data: {x: %s}}", i, value))
	}
	return strings.Join(out, "\n---\n")
}

// values are the values of the ConfigMaps that are live, by name.
func (r *rig) values() map[string]string {
	r.t.Helper()
	list, err := r.admin.Resource(configGVR).Namespace(r.ns).List(context.WithoutCancel(r.t.Context()), metav1.ListOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range list.Items {
		if o.GetName() != "kube-root-ca.crt" {
			out[o.GetName()], _ = mapAt(o.Object, "data")["x"].(string)
		}
	}
	return out
}

// untrue compares the record of a run with what is live, and returns what is
// not true of it: value is what the run writes, ns its namespace, and err what
// the run ended with.
func (r *rig) untrue(runErr error, value, commit string) (wrong []string, newest *model.Run) {
	r.t.Helper()
	ctx := r.t.Context()
	look := r.operator("looker", nil, nil).c
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	runs, err := look.Runs(ctx, "staging")
	if err != nil {
		r.t.Fatal(err)
	}
	state, err := look.ReadState(ctx, "staging")
	if err != nil {
		r.t.Fatal(err)
	}
	live := r.values()
	for i := range runs {
		if runs[i].Commit == commit && newest == nil {
			newest = &runs[i]
		}
	}
	if newest == nil {
		if runErr == nil {
			bad("the run succeeded and has no record")
		}
		for name, v := range live {
			if v == value {
				bad("%s is written, and there is no record of the run", name)
			}
		}
		return wrong, nil
	}
	if (runErr == nil) != (newest.State == model.RunSucceeded) && newest.State.Final() {
		bad("the run ended with %v, and its record says %s", runErr, newest.State)
	}
	if runErr == nil && !newest.State.Final() {
		bad("the run succeeded, and its record is open: %s", newest.State)
	}
	deployed := state.Deployed != nil && state.Deployed.Commit == commit
	if deployed != (newest.State == model.RunSucceeded) && newest.State.Final() {
		bad("the record says %s, and the state that the commit is deployed: %v", newest.State, deployed)
	}
	if newest.State.Final() && (state.LastRun == nil || state.LastRun.ID != newest.ID || state.LastRun.State != newest.State) {
		bad("the state's last run is %+v, and the record says %s", state.LastRun, newest.State)
	}
	if !newest.State.Final() {
		testcluster.Eventually(r.t, 15*time.Second, "the lock of an open record is free or expires", func() (bool, error) {
			lock, err := look.ReadLock(ctx, "staging")
			return err == nil && lock == nil, err
		})
	} else if lock, err := look.ReadLock(ctx, "staging"); err != nil {
		r.t.Fatal(err)
	} else if lock != nil && time.Until(lock.Expires) > 12*time.Second {
		bad("the lock is held by %+v", lock)
	}
	for _, o := range newest.Objects {
		if o.ID.Kind != "ConfigMap" {
			if newest.State == model.RunSucceeded && o.Result != model.ResultReady && o.Result != model.ResultPruned {
				bad("succeeded, and %s is %s", o.ID, o.Result)
			}
			continue
		}
		v, exists := live[o.ID.Name]
		written := v == value
		if o.Verdict == model.VerdictDelete {
			written = !exists
		}
		unsure := strings.Contains(o.Message, "is not known") || strings.Contains(o.Message, "not gone")
		switch o.Result {
		case model.ResultApplied, model.ResultReady, model.ResultPruned:
			if !written {
				bad("%s is %s in the record, and is %q", o.ID, o.Result, v)
			}
		case model.ResultFailed:
			if written && !unsure {
				bad("%s failed (%s), and is written", o.ID, o.Message)
			}
		default:
			if written && newest.State.Final() {
				bad("%s is %s in the closed record, and is written", o.ID, o.Result)
			}
			if newest.State == model.RunSucceeded {
				bad("%s is %s in the record of a run that succeeded", o.ID, o.Result)
			}
		}
	}
	return wrong, newest
}

// clear empties the environment's namespace.
func (r *rig) clear() error {
	for _, gvr := range []schema.GroupVersionResource{configGVR, {Group: "apps", Version: "v1", Resource: "deployments"}} {
		err := r.admin.Resource(gvr).Namespace(r.ns).DeleteCollection(r.t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "metadata.name!=kube-root-ca.crt"})
		if err != nil {
			return err
		}
	}
	return nil
}
