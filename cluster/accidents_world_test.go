package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	engine "github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// history is a repository in which each commit is what was rendered at it.
type history struct {
	engine.Repository
	config  string
	renders map[string][]model.Object // by commit
	head    string
}

func (h *history) Head(context.Context, string) (model.Commit, error) {
	return model.Commit{Hash: h.head}, nil
}
func (h *history) Resolve(_ context.Context, rev string) (string, error) { return rev, nil }
func (h *history) Merged(context.Context, string, string) (bool, error)  { return true, nil }
func (h *history) File(context.Context, string, string) ([]byte, error) {
	return []byte(h.config), nil
}
func (h *history) Pending(context.Context, model.Environment, string, string) (model.Pending, error) {
	return model.Pending{}, nil
}
func (h *history) Outline(_ context.Context, asks []model.PendingAsk) []model.PendingAnswer {
	return make([]model.PendingAnswer, len(asks))
}
func (h *history) Render(_ context.Context, _ model.Environment, commit string) (*model.Rendered, error) {
	return &model.Rendered{Commit: commit, Objects: h.renders[commit]}, nil
}

// forEngine fits a Client to what the engine asks for.
type forEngine struct{ *Client }

func (c forEngine) Lock(ctx context.Context, env string, ask model.LockAsk) (engine.Lease, error) {
	l, err := c.Client.Lock(ctx, env, ask)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (c forEngine) Sandboxed(objects []model.Object, _, _ string) ([]model.Object, []string) {
	return objects, nil
}

// accidentWorld is a namespace with environments that are shipped by the engine,
// from a repository of the test's own, with their records in a namespace of
// their own.
type accidentWorld struct {
	*planWorld
	space   string
	git     *history
	engine  *engine.Engine
	commits int
	closes  time.Duration // how long a run tries to close its record; 0: as long as it does
	ready   time.Duration // how long a run waits for what it applied
	going   time.Duration // and for what it deletes
	lease   time.Duration // of a lock; 0: the default
	told    []model.Event // of the last run
}

func newAccidentWorld(t *testing.T) *accidentWorld {
	t.Helper()
	w := &accidentWorld{planWorld: newPlanWorld(t), space: stateSpace(t), git: &history{renders: map[string][]model.Object{}}, ready: time.Minute, going: time.Minute}
	w.configure("staging", "")
	w.restart(nil)
	return w
}

// configure makes the configuration of one environment, with more keys.
func (w *accidentWorld) configure(env, more string) {
	w.env.Name = env
	w.git.config = fmt.Sprintf("apiVersion: fairtide.dev/v1\nstateNamespace: %s\nenvironments:\n- {name: %s, tier: staging, path: environments/%[2]s, namespace: %s%s}\n",
		w.space, env, w.ns, more)
}

// restart makes a new engine and client, as another start of the program would.
func (w *accidentWorld) restart(wrap func(http.RoundTripper) http.RoundTripper) {
	w.t.Helper()
	rc := testcluster.Get(w.t).Config(w.t)
	if wrap != nil {
		rc.Wrap(wrap)
	}
	c, err := newForConfig(Config{StateNamespace: w.space, UserAgent: "fairtide/v0.1.0 (test)", Now: time.Now, LeaseDuration: w.lease}, "test", rc)
	if err != nil {
		w.t.Fatal(err)
	}
	w.c = c
	w.engine = engine.New(engine.Config{
		Repository: w.git, File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (engine.Cluster, error) { return forEngine{c}, nil },
		Timing:  engine.Timing{Ready: w.ready, Prune: w.going, Close: w.closes, Poll: 50 * time.Millisecond},
	})
}

// commit makes a commit of what is to be rendered and moves the branch to it.
func (w *accidentWorld) commit(text string) {
	w.t.Helper()
	w.commits++
	w.git.head = fmt.Sprintf("%040x", w.commits)
	w.git.renders[w.git.head] = w.objects(text)
}

// look plans the head.
func (w *accidentWorld) look(text string) *model.Plan {
	w.t.Helper()
	w.commit(text)
	plan, err := w.engine.Plan(w.ctx, w.env.Name, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

// run applies a plan, with the names that were typed.
func (w *accidentWorld) run(plan *model.Plan, confirmed ...string) error {
	w.told = nil
	_, err := w.engine.Apply(w.ctx, model.Approval{Plan: plan, Confirmed: confirmed}, func(e model.Event) { w.told = append(w.told, e) })
	return err
}

// shipped plans and applies what must succeed.
func (w *accidentWorld) shipped(text string, confirmed ...string) *model.Plan {
	w.t.Helper()
	plan := w.look(text)
	if err := w.run(plan, confirmed...); err != nil {
		w.t.Fatal(err)
	}
	return plan
}

// left is what becomes of the objects that left Git: by name, "delete", or the
// reason for which they stay, or why that is not known.
func left(plan *model.Plan) map[string]string {
	out := map[string]string{}
	for _, o := range plan.Objects {
		if o.Left {
			out[o.ID.Name] = o.Reason
			if o.Verdict == model.VerdictDelete {
				out[o.ID.Name] = "delete"
			}
		}
	}
	return out
}

// wantLeft compares with what left says; the reasons need only begin as wanted.
func (w *accidentWorld) wantLeft(plan *model.Plan, want map[string]string) {
	w.t.Helper()
	got := left(plan)
	for name, words := range want {
		if !strings.HasPrefix(got[name], words) || words == "" {
			w.t.Errorf("%s: %q, want %q", name, got[name], words)
		}
	}
	if len(got) != len(want) {
		w.t.Errorf("left Git: %v, want %v", got, want)
	}
}

// names are the ConfigMaps of the namespace that the cluster did not make.
func (w *accidentWorld) names() string {
	w.t.Helper()
	list, err := w.admin.Resource(configGVR).Namespace(w.ns).List(w.ctx, metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, o := range list.Items {
		if o.GetName() != "kube-root-ca.crt" && o.GetDeletionTimestamp() == nil {
			out = append(out, o.GetName())
		}
	}
	return strings.Join(sortedStrings(out), " ")
}

func (w *accidentWorld) wantNames(want string) {
	w.t.Helper()
	if got := w.names(); got != want {
		w.t.Errorf("live are %q, want %q", got, want)
	}
}

// configs are ConfigMaps of the names, as YAML.
func configs(names ...string) string {
	var out []string
	for _, n := range names {
		out = append(out, configYAML(n, "{x: one}"))
	}
	return strings.Join(out, "\n---\n")
}

// deadAfter lets so many writes through, and then nothing any more: as if the
// program had been killed. A write that is the last one takes effect and its
// answer is lost.
type deadAfter struct {
	next   http.RoundTripper
	writes *atomic.Int64
}

var errKilled = errors.New("killed")

func (d deadAfter) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.writes.Load() <= 0 {
		return nil, errKilled
	}
	resp, err := d.next.RoundTrip(r)
	// A deletion that is a dry-run says so in its body, and counts: it only makes one more point to be cut at.
	if r.Method == http.MethodGet || r.URL.Query().Get("dryRun") != "" || strings.Contains(r.URL.Path, "selfsubject") {
		return resp, err
	}
	if d.writes.Add(-1) <= 0 {
		if err == nil {
			_ = resp.Body.Close()
		}
		return nil, errKilled
	}
	return resp, err
}
