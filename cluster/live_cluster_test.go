package cluster

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// saying is an answer as a server gives it.
func saying(req *http.Request, code int, kind, body string) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), Request: req}
}

func TestAListWhosePagesExpireIsBegunAgain(t *testing.T) {
	w := newPlanWorld(t)
	text := manyConfigs(40)
	w.ship(text)
	for name, c := range map[string]struct {
		expire int64 // how many of the pages after a first one are gone
		gets   bool  // the objects are read one by one in the end
	}{"never": {}, "once": {expire: 1}, "each time": {expire: 99, gets: true}} {
		t.Run(name, func(t *testing.T) {
			var left, gets atomic.Int64
			left.Store(c.expire)
			client, _ := w.countedClient("", func(req *http.Request) *http.Response {
				if !strings.Contains(req.URL.Path, "/configmaps") || req.Method != http.MethodGet {
					return nil
				}
				q := req.URL.Query()
				if q.Get("limit") == "" {
					if strings.Contains(req.URL.Path, "/configmaps/config-") {
						gets.Add(1)
					}
					return nil
				}
				q.Set("limit", "15")
				req.URL.RawQuery = q.Encode()
				if q.Get("continue") != "" && left.Add(-1) >= 0 {
					return saying(req, http.StatusGone, "application/json", `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,
						"message":"The provided continue parameter is too old to display a consistent list result."}`)
				}
				return nil
			})
			plan, _, err := client.Plan(w.ctx, model.PlanRequest{Environment: w.env, Rendered: w.render(text), State: w.state})
			if err != nil {
				t.Fatal(err)
			}
			if got := plan.Counts(); got != (model.Counts{Unchanged: 40}) {
				t.Errorf("counts %+v", got)
			}
			if n := gets.Load(); c.gets != (n == 40) || !c.gets && n > 0 {
				t.Errorf("%d objects were read one by one", n)
			}
		})
	}
}

// A server that dropped a version since it was discovered says 404 without
// naming an object.
func TestAPathThatIsNotServedIsNoMissingObject(t *testing.T) {
	w := newPlanWorld(t)
	text := configYAML("one", `{a: "1"}`)
	w.ship(text)
	client, _ := w.countedClient("", func(req *http.Request) *http.Response {
		if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/configmaps/one") {
			return saying(req, http.StatusNotFound, "text/plain", "404 page not found\n")
		}
		return nil
	})
	plan, _, err := client.Plan(w.ctx, model.PlanRequest{Environment: w.env, Rendered: w.render(text), State: w.state})
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Counts(); got != (model.Counts{Unpredictable: 1}) || !strings.Contains(plan.Objects[0].Reason, "cannot be read") {
		t.Errorf("counts %+v, reason %q", got, plan.Objects[0].Reason)
	}
}
