package cluster

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// requestCount counts requests by what they are about: "list pods".
type requestCount struct {
	next http.RoundTripper

	mu sync.Mutex
	by map[string]int
}

func (c *requestCount) RoundTrip(r *http.Request) (*http.Response, error) {
	verb := strings.ToLower(r.Method)
	switch {
	case r.URL.Query().Get("watch") != "":
		verb = "watch"
	case verb == "get":
		verb = "read"
	}
	path := strings.Split(r.URL.Path, "/")
	c.mu.Lock()
	c.by[verb+" "+path[len(path)-1]]++
	c.mu.Unlock()
	return c.next.RoundTrip(r)
}

// take returns what was counted since it was called last.
func (c *requestCount) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.by
	c.by = map[string]int{}
	return out
}

func countingClient(t testing.TB) (*Client, *requestCount) {
	t.Helper()
	count := &requestCount{by: map[string]int{}}
	rc := rest.CopyConfig(testcluster.Get(t).Config(t))
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { count.next = next; return count })
	c, err := newForConfig(Config{StateNamespace: "unused", UserAgent: "test", Now: time.Now}, "test", rc)
	if err != nil {
		t.Fatal(err)
	}
	return c, count
}

func countWords(by map[string]int) string {
	var words []string
	for _, what := range slices.Sorted(maps.Keys(by)) {
		words = append(words, fmt.Sprintf("%s %d", what, by[what]))
	}
	return strings.Join(words, ", ")
}

// The requests of a watch grow neither with the number of workloads nor with
// what happens to them: one list and one watch of each kind, once. (client-go
// ends a watch after 5 to 10 minutes and begins it again from where it stood.)
func TestWatchRequestsDoNotGrow(t *testing.T) {
	t.Parallel()
	counts := map[int]map[string]int{}
	for _, n := range []int{2, 20} {
		ns := testcluster.Get(t).Namespace(t)
		var targets []model.Target
		for i := range n {
			targets = append(targets, createDeployment(t, ns, deploymentOf(fmt.Sprintf("web-%d", i), 1, nil)))
		}
		c, count := countingClient(t)
		w := startWatch(t, c, targets...)
		for _, target := range targets {
			w.until(target.ID, "is ready", isReady)
		}
		counts[n] = count.take()
		for i, target := range targets[:2] {
			scaleDeployment(t, ns, fmt.Sprintf("web-%d", i), "2")
			w.until(target.ID, "has two pods", func(p model.Progress) bool { return isReady(p) && p.Ready == 2 })
		}
		if more := count.take(); len(more) > 0 {
			t.Errorf("%d workloads: further requests while it went on: %s", n, countWords(more))
		}
	}
	t.Logf("2 workloads: %s", countWords(counts[2]))
	t.Logf("20 workloads: %s", countWords(counts[20]))
	if !maps.Equal(counts[2], counts[20]) {
		t.Error("the requests grow with the number of workloads")
	}
	for _, what := range []string{"deployments", "pods", "replicasets", "events"} {
		if counts[20]["watch "+what] != 1 {
			t.Errorf("%s were watched %d times", what, counts[20]["watch "+what])
		}
	}
}
