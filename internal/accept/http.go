package accept

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// MaxBody is how much of a body is read and matched.
const MaxBody = 1 << 20

// page asks for the test's page once.
type page func(ctx context.Context) (status int, body []byte, err error)

func (s *suite) http(ctx context.Context, t model.HTTPTest, limit time.Duration, rec *recorder) outcome {
	pattern, err := regexp.Compile(t.Body)
	if err != nil {
		return broken(0, "body is not a regular expression: %v", err)
	}
	get, err := s.page(t)
	if err != nil {
		return broken(0, "%v", err)
	}
	retries := max(t.Retries, 0)
	perAttempt := max(s.ports.Timing.Attempt, limit/time.Duration(retries+1))
	interval := t.Interval
	if interval <= 0 {
		interval = s.ports.Timing.Interval
	}
	for attempt := 1; ; attempt++ {
		within, cancel := context.WithTimeout(ctx, perAttempt)
		problem := judge(within, get, t.Status, pattern)
		cancel()
		if problem == "" {
			return passed(attempt)
		}
		rec.add(fmt.Sprintf("attempt %d of %d: %s", attempt, retries+1, problem))
		again := attempt <= retries && wait(ctx, interval)
		switch {
		case timedOut(ctx):
			return failed(attempt, "timed out after %s%s: %s", limit, afterAttempts(attempt), problem)
		case !again:
			return failed(attempt, "%s%s", problem, afterAttempts(attempt))
		}
	}
}

func afterAttempts(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d attempts)", n)
}

// wait lets d pass; false: ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// judge asks once and says what is wrong with the answer; empty: nothing.
func judge(ctx context.Context, get page, want int, pattern *regexp.Regexp) string {
	status, body, err := get(ctx)
	switch {
	case err != nil && timedOut(ctx):
		return "no answer in time"
	case err != nil:
		return clip(err.Error(), maxMessage/2)
	}
	if want == 0 {
		want = http.StatusOK
	}
	if status != want {
		return fmt.Sprintf("status %d, want %d", status, want)
	}
	if !pattern.Match(body[:min(len(body), MaxBody)]) {
		where := "the body"
		if len(body) > MaxBody {
			where = "the first mebibyte of the body"
		}
		return fmt.Sprintf("status %d, but %s does not match %q", status, where, pattern)
	}
	return ""
}

// page makes the request of a test, without sending it.
func (s *suite) page(t model.HTTPTest) (page, error) {
	switch {
	case t.URL != "" && t.Service != "":
		return nil, errors.New("http has both a url and a service; leave one out")
	case t.URL != "":
		return s.pageOfURL(t.URL)
	case t.Service == "":
		return nil, errors.New("http has neither a url nor a service")
	}
	namespace, service, port, err := parseService(t.Service, s.ports.Run.Namespace)
	if err != nil {
		return nil, err
	}
	if s.ports.Services == nil {
		return nil, errors.New("there is no cluster to reach its service through; give it a url")
	}
	path := t.Path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return func(ctx context.Context) (int, []byte, error) {
		return s.ports.Services.ServiceGet(ctx, namespace, service, port, path)
	}, nil
}

// parseService takes "namespace/name:port" apart.
func parseService(s, namespace string) (ns, name, port string, err error) {
	name, port, ok := strings.Cut(s, ":")
	if before, after, found := strings.Cut(name, "/"); found {
		namespace, name = before, after
	}
	if namespace == "" {
		namespace = "default"
	}
	if !ok || name == "" || port == "" || strings.ContainsAny(name+port, "/:") {
		return "", "", "", fmt.Errorf("%q is not a service; write it as NAMESPACE/NAME:PORT", s)
	}
	return namespace, name, port, nil
}

func (s *suite) pageOfURL(address string) (page, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("its url is not an http or https address")
	}
	client := &http.Client{Transport: s.ports.Transport}
	return func(ctx context.Context) (int, []byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return 0, nil, err
		}
		req.Header.Set("User-Agent", "fairtide")
		resp, err := client.Do(req)
		if err != nil {
			// net/http names the whole address, which may hold a token.
			var ue *url.Error
			if errors.As(err, &ue) {
				err = ue.Err
			}
			return 0, nil, err
		}
		defer func() { _ = resp.Body.Close() }() // it was read as far as it counts
		body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
		if err != nil {
			return 0, nil, fmt.Errorf("status %d, but the body broke off: %w", resp.StatusCode, err)
		}
		return resp.StatusCode, body, nil
	}, nil
}

// target names the page without what may be secret in it: user and query.
func target(t model.HTTPTest) string {
	if t.Service != "" {
		path, _, _ := strings.Cut(t.Path, "?")
		return t.Service + path
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return "url"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
