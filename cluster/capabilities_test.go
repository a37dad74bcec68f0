package cluster

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

func TestCapabilitiesOfARealServer(t *testing.T) {
	tc := testcluster.Get(t)
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "test", Now: time.Now}, "test", tc.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	caps, err := c.Capabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	version, err := tc.Client(t).Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if caps.KubeVersion != version.GitVersion || !strings.HasPrefix(caps.KubeVersion, "v1.") {
		t.Errorf("version %q, want %q", caps.KubeVersion, version.GitVersion)
	}
	for _, want := range []string{"v1", "v1/Pod", "apps/v1", "apps/v1/Deployment", "policy/v1", "apps/v1/Scale", "batch/v1/CronJob"} {
		if !slices.Contains(caps.APIVersions, want) {
			t.Errorf("%s is not in %q", want, caps.APIVersions)
		}
	}
	if slices.Contains(caps.APIVersions, "extensions/v1beta1") {
		t.Error("extensions/v1beta1, which no server has any more, is there")
	}
	if !slices.IsSorted(caps.APIVersions) || len(slices.Compact(slices.Clone(caps.APIVersions))) != len(caps.APIVersions) {
		t.Errorf("not sorted, or not each once: %q", caps.APIVersions)
	}
}

func TestCapabilitiesWithoutACluster(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	address := gone.URL
	gone.Close()
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "test", Now: time.Now}, "away", &rest.Config{Host: address})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Capabilities(t.Context())
	if model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), "cannot reach the API server") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Capabilities(ctx); err == nil {
		t.Error("a cancelled question was answered")
	}
}
