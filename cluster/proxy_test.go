package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/accept"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

var serviceGVR = schema.GroupVersionResource{Version: "v1", Resource: "services"}

// serving deploys a Service whose pods behave as annotated.
func (w *planWorld) serving(name, annotations string) {
	w.t.Helper()
	w.create(serviceGVR, fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: %[1]s, namespace: $NS},
  spec: {selector: {app: %[1]s}, ports: [{name: web, port: 80, targetPort: 8080}]}}`, name))
	w.create(podGVR, fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: %[1]s, namespace: $NS, labels: {app: %[1]s}, annotations: {%[2]s}},
  spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: "registry.example/%[1]s:1", ports: [{containerPort: 8080}]}]}}`, name, annotations))
}

func TestServiceGet(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.serving("good", "")
	w.serving("bad", `sim.fairtide.dev/http-status: "500", sim.fairtide.dev/http-body: "out of order"`)
	w.serving("missing", `sim.fairtide.dev/http-status: "404", sim.fairtide.dev/http-body: '{"kind":"Page","status":"no such pet"}'`)
	w.serving("away", `sim.fairtide.dev/http-status: "302", sim.fairtide.dev/http-body: elsewhere`)
	for _, c := range []struct {
		service, port, path string
		status              int
		words               string
	}{
		{"good", "80", "/healthz?full=1", 200, `"path":"/healthz"`},
		{"good", "web", "/pets/9", 200, `"path":"/pets/9"`},
		{"bad", "80", "/", 500, "out of order"},
		{"missing", "80", "/pets/9", 404, "no such pet"},
		{"away", "80", "/", 302, "elsewhere"},
	} {
		testcluster.Eventually(t, time.Minute, "answer of "+c.service, func() (bool, error) {
			status, body, err := w.c.ServiceGet(t.Context(), w.ns, c.service, c.port, c.path)
			return err == nil && status == c.status && strings.Contains(string(body), c.words), fmt.Errorf("%d %q %w", status, body[:min(len(body), 500)], err)
		})
	}
}

func TestServiceThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.serving("good", "")
	w.create(serviceGVR, `{apiVersion: v1, kind: Service, metadata: {name: empty, namespace: $NS}, spec: {selector: {app: none}, ports: [{port: 80}]}}`)
	get := func(c *Client, service, port string) error {
		status, body, err := c.ServiceGet(t.Context(), w.ns, service, port, "/healthz?token=hunter2")
		if err == nil {
			t.Errorf("%s:%s answers %d %q", service, port, status, body)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats the query: %v", err)
		}
		return err
	}
	wantCode(t, get(w.c, "nowhere", "80"), model.ExitUnreachable, w.ns+"/nowhere:80", "there is no such Service")
	wantCode(t, get(w.c, "empty", "80"), model.ExitUnreachable, "no pod of it is ready", "selector")
	wantCode(t, get(w.c, "good", "81"), model.ExitUnreachable, "good:81", "port")
	limited, _ := w.clientAs(limitedUser)
	wantCode(t, get(limited, "good", "80"), model.ExitUnreachable, fmt.Sprintf(`forbidden (needs "get services/proxy" in %q)`, w.ns))
	wantCode(t, get(w.c, "../../secrets", "80"), model.ExitUsage, "not a service")
	w.faults.down.Store(true)
	wantCode(t, get(w.c, "good", "80"), model.ExitUnreachable, "cannot reach the API server", "network is away")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := w.c.ServiceGet(over, w.ns, "good", "80", "/"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestOwnAnswer(t *testing.T) {
	for _, c := range []struct {
		code int
		kind string
		body string
		want bool
	}{
		{404, "application/json", `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":404}`, true},
		{404, "application/json; charset=utf-8", `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":404}`, true},
		{404, "application/json", `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":403}`, false},
		{404, "text/plain", `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":404}`, false},
		{404, "application/json", `{"kind":"Status","status":"down"}`, false},
		{404, "application/json", `[]`, false},
		{200, "application/json", `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":200}`, false},
	} {
		resp := &http.Response{StatusCode: c.code, Header: http.Header{"Content-Type": {c.kind}}}
		if _, got := ownAnswer(resp, []byte(c.body)); got != c.want {
			t.Errorf("%d %s %s: %v", c.code, c.kind, c.body, got)
		}
	}
}

// respond answers every request itself.
type respond func(*http.Request) (*http.Response, error)

func (f respond) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A redirect of a Service must not lead the cluster's credentials elsewhere,
// and no body fills the memory.
func TestServiceGetFollowsNoRedirectAndReadsSoMuch(t *testing.T) {
	t.Parallel()
	rc := testcluster.Get(t).Config(t)
	var asked []string
	rc.Wrap(func(http.RoundTripper) http.RoundTripper {
		return respond(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.RequestURI())
			return &http.Response{
				StatusCode: http.StatusFound, Header: http.Header{"Location": {"https://elsewhere.example/"}}, Request: r,
				Body: io.NopCloser(endless{}),
			}, nil
		})
	})
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "fairtide/test", Now: time.Now}, "test", rc)
	if err != nil {
		t.Fatal(err)
	}
	status, body, err := c.ServiceGet(t.Context(), "shop", "pets", "https", "/a//b?c=d&e")
	if err != nil || status != http.StatusFound || len(body) != accept.MaxBody {
		t.Errorf("%d, %d bytes, %v", status, len(body), err)
	}
	if len(asked) != 1 || asked[0] != "/api/v1/namespaces/shop/services/https:pets:https/proxy/a//b?c=d&e" {
		t.Errorf("%q", asked)
	}
}
