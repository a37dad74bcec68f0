package cluster

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// counted counts a client's requests by method and, for GET, whether it lists.
type counted struct {
	next           http.RoundTripper
	patches, lists atomic.Int64
	all            atomic.Int64
}

func (c *counted) RoundTrip(req *http.Request) (*http.Response, error) {
	c.all.Add(1)
	switch {
	case req.Method == http.MethodPatch:
		c.patches.Add(1)
	case req.Method == http.MethodGet && req.URL.Query().Get("limit") != "":
		c.lists.Add(1)
	}
	return c.next.RoundTrip(req)
}

// countedClient is a client whose requests are counted and, before they are
// sent, may be answered by refuse.
func (w *planWorld) countedClient(user string, refuse func(*http.Request) *http.Response) (*Client, *counted) {
	w.t.Helper()
	rc := testcluster.Get(w.t).Config(w.t)
	rc.Impersonate.UserName = user
	n := &counted{}
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper {
		n.next = respond(func(req *http.Request) (*http.Response, error) {
			if resp := refuse(req); resp != nil {
				return resp, nil
			}
			return next.RoundTrip(req)
		})
		return n
	})
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "fairtide/test", Now: time.Now}, "test", rc)
	if err != nil {
		w.t.Fatal(err)
	}
	return c, n
}

func letThrough(*http.Request) *http.Response { return nil }

func manyConfigs(n int) string {
	docs := make([]string, n)
	for i := range docs {
		docs[i] = configYAML(fmt.Sprintf("config-%d", i), "{a: \"1\"}")
	}
	return strings.Join(docs, "\n---\n")
}

func TestOneChangeIsOneDryRun(t *testing.T) {
	w := newPlanWorld(t)
	text := manyConfigs(40)
	w.ship(text)
	c, n := w.countedClient("", letThrough)
	plan := func(text string, full bool) model.Counts {
		t.Helper()
		n.patches.Store(0)
		n.lists.Store(0)
		p, _, err := c.Plan(w.ctx, model.PlanRequest{Environment: w.env, Rendered: w.render(text), State: w.state, Full: full})
		if err != nil {
			t.Fatal(err)
		}
		return p.Counts()
	}
	// The objects, and the records of what other environments applied.
	if got := plan(text, false); got.Unchanged != 40 || n.patches.Load() != 0 || n.lists.Load() != 2 {
		t.Errorf("nothing changed: %+v, %d dry-runs, %d lists", got, n.patches.Load(), n.lists.Load())
	}
	changed := strings.Replace(text, `{a: "1"}`, `{a: "2"}`, 1)
	// Besides, the three kinds of workloads that may use what changes.
	if got := plan(changed, false); got.Update != 1 || n.patches.Load() != 1 || n.lists.Load() != 5 {
		t.Errorf("Git changed one: %+v, %d dry-runs, %d lists", got, n.patches.Load(), n.lists.Load())
	}
	w.change("dev1", configGVR, "config-7", `{"data":{"a":"3"}}`)
	if got := plan(text, false); got.Update != 1 || n.patches.Load() != 1 {
		t.Errorf("somebody changed one: %+v, %d dry-runs", got, n.patches.Load())
	}
	if got := plan(text, true); got.Update != 1 || n.patches.Load() != 40 {
		t.Errorf("in full: %+v, %d dry-runs", got, n.patches.Load())
	}
}

// Who may not see what alters objects on their way in has them all asked for.
func TestUnseenMutatorsMeanDryRuns(t *testing.T) {
	w := newPlanWorld(t)
	text := manyConfigs(10)
	w.ship(text)
	w.grant(limitedUser, `[{apiGroups: [""], resources: [configmaps], verbs: [get, list, patch]}]`)
	c, n := w.countedClient(limitedUser, letThrough)
	plan, _, err := w.tryPlan(c, text)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Counts().Unchanged != 10 || n.patches.Load() != 10 {
		t.Errorf("%+v, %d dry-runs", plan.Counts(), n.patches.Load())
	}
}

// A server that is too busy says so, and when to come again; the plan waits.
func TestPlanWaitsForABusyServer(t *testing.T) {
	w := newPlanWorld(t)
	text := manyConfigs(10)
	w.ship(text)
	var busy atomic.Int64
	c, n := w.countedClient("", func(req *http.Request) *http.Response {
		if req.Method != http.MethodPatch && req.URL.Query().Get("limit") == "" {
			return nil
		}
		turn := busy.Add(1)
		if turn > 30 || turn%3 == 0 {
			return nil
		}
		after := "0"
		if turn == 1 {
			after = "1"
		}
		return &http.Response{
			StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {after}, "Content-Type": {"text/plain"}},
			Body: http.NoBody, Request: req,
		}
	})
	began := time.Now()
	plan, _, err := c.Plan(w.ctx, model.PlanRequest{Environment: w.env, Rendered: w.render(text), Full: true})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("it came again after %s, and was told to wait a second", took)
	}
	if plan.Counts().Unchanged != 10 || n.patches.Load() <= 10 {
		t.Errorf("%+v after %d dry-runs", plan.Counts(), n.patches.Load())
	}
	if c.pace.limited.Load() {
		t.Error("the server has priority and fairness, and the client limits itself")
	}
}
