package accept

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func TestHTTP(t *testing.T) {
	var flaky atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "status: ok\nversion: 1.4.2\n") })
	mux.HandleFunc("/teapot", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.HandleFunc("/flaky", func(w http.ResponseWriter, _ *http.Request) {
		if flaky.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "short")
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "start"+strings.Repeat(".", MaxBody)+"end")
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/healthz", http.StatusFound) })
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, c := range []struct {
		name     string
		test     model.HTTPTest
		timeout  time.Duration
		state    model.TestState
		message  string
		attempts int
	}{
		{"passes", model.HTTPTest{URL: "/healthz"}, 0, model.TestPassed, "", 1},
		{"body matches", model.HTTPTest{URL: "/healthz", Status: 200, Body: `(?m)^version: 1\.4\.\d+$`}, 0, model.TestPassed, "", 1},
		{"body does not match", model.HTTPTest{URL: "/healthz", Body: "version: 1.5"}, 0, model.TestFailed, `status 200, but the body does not match "version: 1.5"`, 1},
		{"other status wanted", model.HTTPTest{URL: "/teapot", Status: 418}, 0, model.TestPassed, "", 1},
		{"other status", model.HTTPTest{URL: "/teapot"}, 0, model.TestFailed, "status 418, want 200", 1},
		{"follows redirects", model.HTTPTest{URL: "/moved", Body: "ok"}, 0, model.TestPassed, "", 1},
		{"recovers", model.HTTPTest{URL: "/flaky", Retries: 5}, 0, model.TestPassed, "", 3},
		{"stays down", model.HTTPTest{URL: "/down", Retries: 2}, 0, model.TestFailed, "status 503, want 200 (3 attempts)", 3},
		{"body broken off", model.HTTPTest{URL: "/cut"}, 0, model.TestFailed, "status 200, but the body broke off", 1},
		{"body too long", model.HTTPTest{URL: "/big", Body: "end$"}, 0, model.TestFailed, "the first mebibyte of the body does not match", 1},
		{"start of a long body", model.HTTPTest{URL: "/big", Body: "^start"}, 0, model.TestPassed, "", 1},
		{"hangs", model.HTTPTest{URL: "/hang"}, 50 * time.Millisecond, model.TestFailed, "timed out after 50ms: no answer in time", 1},
		{"time is up between attempts", model.HTTPTest{URL: "/down", Retries: 9, Interval: time.Hour}, time.Second,
			model.TestFailed, "timed out after 1s: status 503, want 200", 1},
		{"bad pattern", model.HTTPTest{URL: "/healthz", Body: "("}, 0, model.TestError, "not a regular expression", 0},
		{"neither", model.HTTPTest{}, 0, model.TestError, "neither a url nor a service", 0},
		{"both", model.HTTPTest{URL: "/healthz", Service: "a:1"}, 0, model.TestError, "both a url and a service", 0},
		{"no cluster", model.HTTPTest{Service: "petstore:8080"}, 0, model.TestError, "no cluster", 0},
		{"bad service", model.HTTPTest{Service: "petstore"}, 0, model.TestError, "NAMESPACE/NAME:PORT", 0},
		{"no web address", model.HTTPTest{URL: "ftp://host/"}, 0, model.TestError, "not an http or https address", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.test.URL, "/") {
				c.test.URL = server.URL + c.test.URL
			}
			if c.timeout == 0 {
				c.timeout = 20 * time.Second
			}
			r, _ := one(t, ports(), model.Test{Name: c.name, HTTP: &c.test, Timeout: c.timeout})
			want(t, r, c.state, c.message)
			if r.Attempts != c.attempts {
				t.Errorf("%d attempts, want %d", r.Attempts, c.attempts)
			}
			if c.state == model.TestFailed && len(r.Log) != c.attempts {
				t.Errorf("log %q", r.Log)
			}
		})
	}
}

// A hung attempt does not take the time of the others.
func TestHTTPAttemptsShareTheTime(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	p := ports()
	p.Timing.Attempt = time.Millisecond
	r, _ := one(t, p, model.Test{Name: "x", HTTP: &model.HTTPTest{URL: server.URL, Retries: 9}, Timeout: 5 * time.Second})
	want(t, r, model.TestPassed, "")
	if r.Attempts != 2 {
		t.Errorf("%d attempts", r.Attempts)
	}
}

func TestHTTPTellsNoSecrets(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	host := strings.TrimPrefix(server.URL, "http://")
	server.Close() // nobody answers
	r, s := one(t, ports(), model.Test{Name: "x", HTTP: &model.HTTPTest{URL: "http://op1:hunter2@" + host + "/a?token=hunter3"}})
	want(t, r, model.TestFailed, "connection refused")
	if all := s.text() + fmt.Sprint(r); strings.Contains(all, "hunter") || !strings.Contains(all, "http "+server.URL+"/a") {
		t.Errorf("told: %s", all)
	}
}

type services func(ctx context.Context, namespace, service, port, path string) (int, []byte, error)

func (f services) ServiceGet(ctx context.Context, namespace, service, port, path string) (int, []byte, error) {
	return f(ctx, namespace, service, port, path)
}

func TestHTTPService(t *testing.T) {
	p := ports()
	p.Services = services(func(_ context.Context, namespace, service, port, path string) (int, []byte, error) {
		if service == "gone" {
			return 0, nil, errors.New(`service "gone" not found in "shop"`)
		}
		return 200, []byte(strings.Join([]string{namespace, service, port, path}, " ")), nil
	})
	for _, c := range []struct {
		test model.HTTPTest
		body string
	}{
		{model.HTTPTest{Service: "web/petstore:8080", Path: "/healthz?full=1"}, `^web petstore 8080 /healthz\?full=1$`},
		{model.HTTPTest{Service: "petstore:http"}, `^shop petstore http /$`},
		{model.HTTPTest{Service: "petstore:80", Path: "ready"}, `^shop petstore 80 /ready$`},
	} {
		c.test.Body = c.body
		r, _ := one(t, p, model.Test{Name: "svc", HTTP: &c.test})
		want(t, r, model.TestPassed, "")
	}
	r, _ := one(t, p, model.Test{Name: "svc", HTTP: &model.HTTPTest{Service: "gone:80"}})
	want(t, r, model.TestFailed, `service "gone" not found`)
}
