package cluster

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// requestLog remembers what clients send that alters something in the cluster.
type requestLog struct {
	mu    sync.Mutex
	wrote []string
}

func (l *requestLog) record(next http.RoundTripper) http.RoundTripper {
	return recordingTransport{next, l}
}

func (l *requestLog) writes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.wrote)
}

type recordingTransport struct {
	next http.RoundTripper
	log  *requestLog
}

func (t recordingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	alters, err := altersSomething(r)
	if err != nil {
		return nil, err
	}
	if alters {
		t.log.mu.Lock()
		t.log.wrote = append(t.log.wrote, r.Method+" "+r.URL.Path)
		t.log.mu.Unlock()
	}
	return t.next.RoundTrip(r)
}

// altersSomething reports whether a request is more than a question: not a
// reading, a dry-run, or a review of permissions.
func altersSomething(r *http.Request) (bool, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false, nil
	}
	if slices.Equal(r.URL.Query()["dryRun"], []string{"All"}) || strings.HasPrefix(r.URL.Path, "/apis/authorization.k8s.io/") ||
		strings.HasPrefix(r.URL.Path, "/apis/authentication.k8s.io/") {
		return false, nil
	}
	if r.Method != http.MethodDelete || r.Body == nil {
		return true, nil
	}
	body, err := io.ReadAll(r.Body) // a deletion has its options there
	if err != nil {
		return false, err
	}
	_ = r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	return !bytes.Contains(body, []byte(`"dryRun":["All"]`)), nil
}
