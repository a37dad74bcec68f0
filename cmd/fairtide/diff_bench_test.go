//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// diffBench is an environment of many objects that are live already, beside a
// repository of it.
type diffBench struct {
	*testing.B
	fairtide, kubectl, kubeconfig string
	repo, home                    string
	n                             int
}

// newDiffBench makes an environment of n objects live and returns what a
// change to each k-th application of it is diffed with.
func newDiffBench(b *testing.B, n int) *diffBench {
	b.Helper()
	c := testcluster.Get(b)
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	d := &diffBench{B: b, fairtide: path, kubectl: c.Kubectl(b), kubeconfig: c.Kubeconfig, repo: b.TempDir(), home: b.TempDir(), n: n}
	namespace := c.Namespace(b)
	d.write(".fairtide.yaml", fmt.Sprintf(`apiVersion: fairtide.dev/v1
stateNamespace: %[1]s
environments:
  - {name: big, tier: development, branch: main, path: environments/big, namespace: %[1]s}
`, namespace))
	list := []string{"namespace: " + namespace, "resources:"}
	for i := range n / 4 {
		list = append(list, fmt.Sprintf("- app-%d.yaml", i))
	}
	d.write("environments/big/kustomization.yaml", strings.Join(list, "\n")+"\n")
	d.run("git", "init", "--quiet", "--initial-branch=main")
	d.commit(0)
	all := filepath.Join(b.TempDir(), "all.yaml")
	if err := os.WriteFile(all, []byte(d.run(d.kubectl, "kustomize", "environments/big")), 0o600); err != nil {
		b.Fatal(err)
	}
	d.run(d.kubectl, "apply", "--server-side", "--field-manager", "fairtide", "-f", all)
	return d
}

func (d *diffBench) write(name, content string) {
	d.Helper()
	path := filepath.Join(d.repo, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		d.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		d.Fatal(err)
	}
}

const firstTag, nextTag = "1.4.1", "1.4.2"

// commit gives every object of all applications the next tag, or of one
// application in every so many its Deployment alone; 0: all have the first one.
// It returns how many objects that alters.
func (d *diffBench) commit(every int) (changed int) {
	d.Helper()
	for i := range d.n / 4 {
		image, rest := firstTag, firstTag
		switch {
		case every == 1:
			image, rest = nextTag, nextTag
			changed += 4
		case every > 1 && i%every == 0:
			image = nextTag
			changed++
		}
		d.write(fmt.Sprintf("environments/big/app-%d.yaml", i), application(i, image, rest))
	}
	d.run("git", "add", ".")
	d.run("git", "-c", "user.name=dev1", "-c", "user.email=dev1@example.com", "commit", "--quiet", "--message=change")
	return changed
}

// application is four objects, as services come.
func application(i int, image, rest string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: app-%[1]d, labels: {app: app-%[1]d, team: shop}, annotations: {note: "release %[3]s"}}
spec:
  replicas: 0
  selector: {matchLabels: {app: app-%[1]d}}
  template:
    metadata: {labels: {app: app-%[1]d}}
    spec:
      containers:
      - name: main
        image: registry.example.com/app-%[1]d:%[2]s
        env: [{name: A, value: a}, {name: B, value: b}, {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        ports: [{name: web, containerPort: 8080}]
        resources: {requests: {cpu: 0.1, memory: 64Mi}, limits: {memory: 128Mi}}
        readinessProbe: {httpGet: {path: /healthz, port: web}}
---
apiVersion: v1
kind: Service
metadata: {name: app-%[1]d, labels: {release: "%[3]s"}}
spec: {selector: {app: app-%[1]d}, ports: [{name: web, port: 80, targetPort: web}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app-%[1]d}
data: {release: "%[3]s", greeting: hello, settings.yaml: "{a: 1, b: [2, 3], c: a text of some length, so that it is like what services have}"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app-%[1]d, annotations: {release: "%[3]s"}}
`, i, image, rest)
}

func (d *diffBench) run(name string, args ...string) string {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), name, args...)
	cmd.Dir, cmd.Env = d.repo, append(os.Environ(), "KUBECONFIG="+d.kubeconfig)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		d.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// ours runs `fairtide diff`, and returns how long it took and its peak memory
// in bytes, its child that renders included.
func (d *diffBench) ours(changed int) (time.Duration, int64) {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), d.fairtide, "diff", "-e", "big")
	cmd.Dir = d.repo
	cmd.Env = append(os.Environ(), "KUBECONFIG="+d.kubeconfig, "HOME="+d.home, "XDG_CACHE_HOME="+filepath.Join(d.home, "cache"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil && cmd.ProcessState.ExitCode() != int(model.ExitDifferences) {
		d.Fatalf("fairtide diff: %v\n%s", err, &stderr)
	}
	if words := fmt.Sprintf("%d update", changed); !strings.Contains(stdout.String(), words) {
		d.Fatalf("fairtide diff does not say %q: %.2000s", words, &stdout)
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" {
		peak *= 1024
	}
	return took, peak
}

// theirs runs `kubectl kustomize | kubectl diff --server-side`, and returns how
// long both took, and the second alone.
func (d *diffBench) theirs() (both, diff time.Duration) {
	d.Helper()
	began := time.Now()
	rendered := d.run(d.kubectl, "kustomize", "environments/big")
	render := time.Since(began)
	cmd := exec.CommandContext(d.Context(), d.kubectl, "diff", "--server-side", "--field-manager", "fairtide", "--force-conflicts", "-f", "-")
	cmd.Dir, cmd.Stdin = d.repo, strings.NewReader(rendered)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+d.kubeconfig)
	began = time.Now()
	out, err := cmd.CombinedOutput()
	diff = time.Since(began)
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) || exit.ExitCode() != 1 {
		d.Fatalf("kubectl diff: %v\n%.2000s", err, out)
	}
	return render + diff, diff
}

// forget empties what fairtide keeps on disk.
func (d *diffBench) forget() {
	d.Helper()
	if err := os.RemoveAll(filepath.Join(d.home, "cache")); err != nil {
		d.Fatal(err)
	}
}

// fastest takes the least of three runs: what else the machine does only adds.
func fastest(run func() time.Duration) time.Duration {
	least := run()
	for range 2 {
		least = min(least, run())
	}
	return least
}

// BenchmarkDiff is the whole process, from its start to its end, beside what
// kubectl takes for the same answer on the same control plane.
func BenchmarkDiff(b *testing.B) {
	d := newDiffBench(b, 500)
	for _, c := range []struct {
		name  string
		every int // of the applications, which one changes
	}{{"one in a hundred", 25}, {"all", 1}} {
		b.Run(c.name, func(b *testing.B) {
			d.B = b
			changed := d.commit(c.every)
			cold := fastest(func() time.Duration {
				d.forget()
				took, _ := d.ours(changed)
				return took
			})
			var least time.Duration
			for b.Loop() {
				if took, _ := d.ours(changed); least == 0 || took < least {
					least = took
				}
			}
			both := fastest(func() time.Duration { both, _ := d.theirs(); return both })
			diff := fastest(func() time.Duration { _, diff := d.theirs(); return diff })
			b.ReportMetric(least.Seconds(), "s/cached")
			b.ReportMetric(cold.Seconds(), "s/cold")
			b.ReportMetric(diff.Seconds(), "s/kubectl-diff")
			b.ReportMetric(diff.Seconds()/least.Seconds(), "times-kubectl")
			b.ReportMetric(both.Seconds()/cold.Seconds(), "times-kubectl-cold")
		})
	}
}

// BenchmarkDiffLarge grows the environment: neither time nor memory may grow
// faster than it does.
func BenchmarkDiffLarge(b *testing.B) {
	for _, n := range []int{500, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := newDiffBench(b, n)
			changed := d.commit(25)
			_, cold := d.ours(changed)
			var most int64
			var least time.Duration
			for b.Loop() {
				took, peak := d.ours(changed)
				if most = max(most, peak); least == 0 || took < least {
					least = took
				}
			}
			b.ReportMetric(least.Seconds(), "s/cached")
			b.ReportMetric(float64(most)/1e6, "MB-peak")
			b.ReportMetric(float64(cold)/1e6, "MB-peak-cold")
		})
	}
}
