package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// BenchmarkPlan plans 100 objects of which one changed.
// times-kubectl is how many times longer it takes for the same
// answer, its start included: times are of little meaning alone, as the control
// plane runs on the same machine.
func BenchmarkPlan(b *testing.B) {
	w := newPlanWorld(b)
	var docs []string
	for i := range 25 {
		name := fmt.Sprintf("app-%d", i)
		docs = append(docs, deploymentYAML(name, "registry.example.com/"+name+":1.4.1"), configYAML(name, "{greeting: hello, count: \"3\"}"),
			fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: %s}, spec: {selector: {app: %s}, ports: [{port: 80}]}}", name, name),
			fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: %s}}", name))
	}
	w.ship(strings.Join(docs, "\n---\n"))
	next := strings.Replace(strings.Join(docs, "\n---\n"), "app-7:1.4.1", "app-7:1.4.2", 1)

	var objects []model.Object
	for b.Loop() {
		var plan *model.Plan
		plan, objects = w.plan(next)
		if got := plan.Counts(); got != (model.Counts{Unchanged: 99, Update: 1}) {
			b.Fatalf("counts %+v", got)
		}
	}
	ours := b.Elapsed() / time.Duration(b.N)
	kubectl := testcluster.Get(b).Kubectl(b)
	items := make([]any, len(objects))
	for i, o := range objects {
		items[i] = o.Fields
	}
	list, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "all.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		b.Fatal(err)
	}
	theirs := time.Duration(1 << 62)
	for range 3 {
		began := time.Now()
		out, err := exec.CommandContext(w.ctx, kubectl, "--kubeconfig", testcluster.Get(b).Kubeconfig, "diff", "--server-side",
			"--field-manager", FieldManager, "--force-conflicts", "-f", file).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "app-7:1.4.2") {
			b.Fatalf("kubectl diff: %v\n%s", err, out)
		}
		theirs = min(theirs, time.Since(began))
	}
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "times-kubectl")
}
