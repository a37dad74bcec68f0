package cluster

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// faults makes requests of a client fail.
type faults struct {
	down       atomic.Bool // nothing gets through
	loseAnswer atomic.Bool // the next write arrives, its answer does not
	// dieAfter is how many requests still get through, as before the program is
	// killed; 0: all, -1: none any more.
	dieAfter atomic.Int64

	mu      sync.Mutex
	watches []io.Closer
}

// cut breaks the watches that are open.
func (f *faults) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.watches {
		_ = w.Close()
	}
	f.watches = nil
}

type faultyTransport struct {
	next http.RoundTripper
	*faults
}

func (f faultyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.down.Load() {
		return nil, errors.New("network is away")
	}
	if left := f.dieAfter.Load(); left < 0 {
		return nil, errors.New("killed")
	} else if left > 0 && f.dieAfter.Add(-1) == 0 {
		f.dieAfter.Store(-1) // this one is the last
	}
	resp, err := f.next.RoundTrip(r)
	if err == nil && r.Method != http.MethodGet && f.loseAnswer.CompareAndSwap(true, false) {
		_ = resp.Body.Close()
		return nil, errors.New("connection lost")
	}
	if err == nil && r.URL.Query().Get("watch") != "" {
		f.mu.Lock()
		f.watches = append(f.watches, resp.Body)
		f.mu.Unlock()
	}
	return resp, err
}

// stateSpace is a state namespace of the test's own, which does not exist yet.
func stateSpace(t *testing.T) string {
	t.Helper()
	name := "state-" + strings.ToLower(nonce()[:12])
	cs := testcluster.Get(t).Client(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = cs.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{})
	})
	return name
}

// stateClient is a client of its own, as another operator's would be.
func stateClient(t *testing.T, space string, change func(*Config)) (*Client, *faults) {
	t.Helper()
	cfg := Config{
		Kubeconfig: testcluster.Get(t).Kubeconfig, StateNamespace: space,
		UserAgent: "fairtide/v0.1.0 (test)", Now: time.Now,
	}
	if change != nil {
		change(&cfg)
	}
	rc, err := clientcmd.BuildConfigFromFlags("", cfg.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	f := &faults{}
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { return faultyTransport{next, f} })
	c, err := newForConfig(cfg, "test", rc)
	if err != nil {
		t.Fatal(err)
	}
	return c, f
}

func wantLocked(t *testing.T, err error, words ...string) {
	t.Helper()
	if model.CodeOf(err, model.ExitOK) != model.ExitLocked {
		t.Fatalf("error %v has code %d, want %d", err, model.CodeOf(err, model.ExitOK), model.ExitLocked)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func adminClient(t *testing.T) *kubernetes.Clientset { return testcluster.Get(t).Client(t) }

func TestRecordBody(t *testing.T) {
	random := func(n int) string { // does not compress
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(nonce())
		}
		return b.String()[:n]
	}
	for _, tt := range []struct {
		name   string
		value  string
		packed bool
		bad    string
	}{
		{"small", "x", false, ""},
		{"as large as stays legible", strings.Repeat("x", plainMost-2), false, ""},
		{"larger", strings.Repeat("x", plainMost-1), true, ""},
		{"larger than a ConfigMap", random(2 * packedMost), false, ""},
		{"too large", strings.Repeat("x", unpackedMax), false, "64 MiB at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := newRecordBody()
			err := body.put("k", tt.value)
			if tt.bad != "" {
				if err == nil || !strings.Contains(err.Error(), tt.bad) {
					t.Fatalf("error %v, want %q", err, tt.bad)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, packed := body.binary["k.gz"]; packed != tt.packed {
				t.Errorf("packed: %t, want %t", packed, tt.packed)
			}
			var got string
			if found, err := body.get("k", &got); err != nil || !found || got != tt.value {
				t.Errorf("read back %d bytes, found %t, error %v", len(got), found, err)
			}
			if found, err := body.get("other", &got); err != nil || found {
				t.Errorf("a missing key: found %t, error %v", found, err)
			}
		})
	}
}

func TestRecordBodyRefusesBombs(t *testing.T) {
	body := newRecordBody()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, err := zip.Write(bytes.Repeat([]byte("x"), unpackedMax+1))
	if err = errors.Join(err, zip.Close()); err != nil {
		t.Fatal(err)
	}
	body.binary["k.gz"] = packed.Bytes()
	var got string
	if _, err := body.get("k", &got); err == nil || !strings.Contains(err.Error(), "when unpacked") {
		t.Errorf("error %v", err)
	}
}

func FuzzRunSequence(f *testing.F) {
	for _, id := range []string{"a-1", "a-b-2", "a-01", "a--1", "a-", "a", "b-1", "a-99999999999999999999"} {
		f.Add("a", id)
	}
	f.Fuzz(func(t *testing.T, env, id string) {
		if n, ok := runSequence(env, id); ok && (fmt.Sprintf("%s-%d", env, n) != id || n < 1) {
			t.Errorf("run %q of %q has sequence %d", id, env, n)
		}
	})
}
