package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// scripted answers requests by a script, and the last entry for ever.
type scripted struct {
	answers []func(r *http.Request) (*http.Response, error)
	sent    []string // the bodies
}

// RoundTrip implements http.RoundTripper.
func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(raw)
	}
	s.sent = append(s.sent, body)
	return s.answers[min(len(s.sent), len(s.answers))-1](r)
}

// TestPatience says which requests are sent again after what, with the lock and
// without it.
func TestPatience(t *testing.T) {
	t.Parallel()
	answer := func(code int, after string) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			resp := statusAnswer(r, code, "said")
			if after != "" {
				resp.Header.Set("Retry-After", after)
			}
			return resp, nil
		}
	}
	fails := func(err error) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	cut := func(r *http.Request) (*http.Response, error) {
		resp := statusAnswer(r, http.StatusOK, "whole")
		resp.Body = &shortBody{ReadCloser: resp.Body, left: 5}
		return resp, nil
	}
	refused := fails(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}) //nolint:bodyclose // it has none
	reset := fails(&net.OpError{Op: "read", Err: syscall.ECONNRESET})     //nolint:bodyclose // it has none
	odd := fails(errors.New("the certificate is another's"))              //nolint:bodyclose // it has none
	const api = "https://server/api/v1/namespaces/shop/configmaps/a"
	for _, tt := range []struct {
		name         string
		fault        func(*http.Request) (*http.Response, error)
		method, path string
		body         string
		free, locked int // how often it is sent, where the second time is answered
	}{
		{"a refused question", refused, "GET", "", "", 1, 2},
		{"a refused write", refused, "PATCH", "", "x", 1, 2},
		{"a lost answer", reset, "GET", "", "", 2, 2},
		{"a lost answer to a write", reset, "PATCH", "", "x", 1, 1},
		{"a lost answer to a dry-run", reset, "PATCH", "?dryRun=All", "x", 2, 2},
		{"a lost answer to a deletion", reset, "DELETE", "", `{"kind":"DeleteOptions"}`, 1, 1},
		{"a lost answer to a deletion's dry-run", reset, "DELETE", "", `{"kind":"DeleteOptions","dryRun":["All"]}`, 2, 2},
		{"an answer cut off", cut, "GET", "", "", 2, 2},
		{"an answer to a write cut off", cut, "PATCH", "", "x", 1, 1},
		{"too many requests", answer(429, ""), "PATCH", "", "x", 2, 2},                                             //nolint:bodyclose // it has none
		{"too many requests, with a time", answer(429, "0"), "PATCH", "", "x", 1, 2},                               //nolint:bodyclose // it has none
		{"a question that is not answered now", answer(503, ""), "GET", "", "", 2, 2},                              //nolint:bodyclose // it has none
		{"a write that is not answered now", answer(503, "1"), "PATCH", "", "x", 1, 1},                             //nolint:bodyclose // it has none
		{"a failing question", answer(500, ""), "GET", "", "", 2, 2},                                               //nolint:bodyclose // it has none
		{"a failing dry-run, which may be the object's fault", answer(500, ""), "PATCH", "?dryRun=All", "x", 1, 1}, //nolint:bodyclose // it has none
		{"an error of no network", odd, "GET", "", "", 1, 1},
		{"a watch", reset, "GET", "?watch=true", "", 1, 1},
		{"a service's answer", answer(503, ""), "GET", "/proxy/healthz", "", 1, 1}, //nolint:bodyclose // it has none
	} {
		for locked, want := range map[bool]int{false: tt.free, true: tt.locked} {
			s := &scripted{answers: []func(*http.Request) (*http.Response, error){tt.fault, answer(200, "")}} //nolint:bodyclose // it has none
			ctx := t.Context()
			if locked {
				ctx = heldLease(time.Now).Under(ctx)
			}
			var body io.Reader
			if tt.body != "" {
				body = strings.NewReader(tt.body)
			}
			r, err := http.NewRequestWithContext(ctx, tt.method, api+tt.path, body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := patience{s}.RoundTrip(r)
			what := fmt.Sprintf("%s, locked %v", tt.name, locked)
			if len(s.sent) != want || want == 2 && (err != nil || resp.StatusCode != http.StatusOK) {
				t.Errorf("%s: sent %d times, want %d: %v", what, len(s.sent), want, err)
			}
			for _, sent := range s.sent {
				if sent != tt.body {
					t.Errorf("%s: sent %q", what, sent)
				}
			}
			if resp != nil {
				if again := resp.Header.Get("Retry-After"); again != "" && resp.StatusCode >= 500 {
					t.Errorf("%s: client-go is asked to write again after %s s", what, again)
				}
				_ = resp.Body.Close()
			}
		}
	}
}

func heldLease(now func() time.Time) *Lease {
	return &Lease{c: &Client{cfg: Config{Now: now}}, env: "staging", duration: time.Minute, renewed: now()}
}

// TestPatienceEnds: without the lock nothing is written, and nobody waits for a
// server any longer.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := heldLease(func() time.Time { return now })
	s := &scripted{answers: []func(*http.Request) (*http.Response, error){func(*http.Request) (*http.Response, error) {
		now = now.Add(2 * time.Minute) // it sleeps, and the lock with it
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}}}
	send := func(ctx context.Context, method string) error {
		r, err := http.NewRequestWithContext(ctx, method, "https://server/api/v1/namespaces/shop", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := patience{s}.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	if err := send(l.Under(t.Context()), http.MethodPatch); err == nil || len(s.sent) != 1 {
		t.Errorf("sent %d times after the lock had expired: %v", len(s.sent), err)
	}
	err := send(l.Under(t.Context()), http.MethodPatch)
	if len(s.sent) != 1 || !errors.As(err, new(*notHeldError)) {
		t.Errorf("sent %d times, %v", len(s.sent), err)
	}
	wantCode(t, (&Client{}).unreachable(err), model.ExitLocked, "the lock was lost")
	if err := send(l.Under(t.Context()), http.MethodGet); err == nil || len(s.sent) != 2 {
		t.Errorf("a question is asked once: %d, %v", len(s.sent), err)
	}
	if mayResend(err) || outcomeUnknown(err) {
		t.Errorf("%v: what was not sent is taken for lost", err)
	}
}
