//go:build unix

package main

import (
	"bytes"
	"encoding/json"
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

const applyRounds = 3

// applyBench is an environment of many objects, beside a repository of it. Each
// apply that is to create them goes into a namespace of its own.
type applyBench struct {
	*diffBench
	cluster *testcluster.Cluster
}

func newApplyBench(b *testing.B, n int) *applyBench {
	b.Helper()
	c := testcluster.Get(b)
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	a := &applyBench{cluster: c, diffBench: &diffBench{
		B: b, fairtide: path, kubectl: c.Kubectl(b), kubeconfig: c.Kubeconfig, repo: b.TempDir(), home: b.TempDir(), n: n,
	}}
	a.run("git", "init", "--quiet", "--initial-branch=main")
	return a
}

// fresh points the environment at a new namespace.
func (a *applyBench) fresh() {
	a.Helper()
	namespace := a.cluster.Namespace(a.B)
	a.write(".fairtide.yaml", fmt.Sprintf(`apiVersion: fairtide.dev/v1
stateNamespace: %[1]s
environments:
  - {name: big, tier: development, branch: main, path: environments/big, namespace: %[1]s}
`, namespace))
	list := []string{"namespace: " + namespace, "resources:"}
	for i := range a.n / 4 {
		list = append(list, fmt.Sprintf("- app-%d.yaml", i))
	}
	a.write("environments/big/kustomization.yaml", strings.Join(list, "\n")+"\n")
}

// tag gives all objects their first content, or the next.
func (a *applyBench) tag(image string) {
	a.Helper()
	for i := range a.n / 4 {
		a.write(fmt.Sprintf("environments/big/app-%d.yaml", i), podless(i, image))
	}
	a.run("git", "add", ".")
	a.run("git", "-c", "user.name=dev1", "-c", "user.email=dev1@example.com", "commit", "--quiet", "--message=change")
}

// podless is four objects of which no pods come. The Service has no address, as
// the API server gives those out one at a time: that would be measured, and is
// the same for everybody.
func podless(i int, image string) string {
	parts := strings.Split(application(i, image, image), "---\n")
	return strings.Join([]string{parts[0], strings.Replace(parts[1], "spec: {", "spec: {clusterIP: None, ", 1), parts[2], fmt.Sprintf(`apiVersion: v1
kind: Secret
metadata: {name: app-%d}
stringData: {token: "of release %s", user: app}
`, i, image)}, "---\n")
}

// parts is how long an apply took, and what of that was spent on what.
type parts struct {
	all      time.Duration // the whole process
	plan     time.Duration // until the lock was taken
	recheck  time.Duration // until the plan was read again and the record written
	write    time.Duration // until the last object was written
	finished time.Duration // until the end
}

// ours runs `fairtide apply --yes`.
func (a *applyBench) ours() parts {
	a.Helper()
	cmd := exec.CommandContext(a.Context(), a.fairtide, "apply", "-e", "big", "--yes", "-o", "json")
	cmd.Dir = a.repo
	cmd.Env = append(os.Environ(), "KUBECONFIG="+a.kubeconfig, "HOME="+a.home, "XDG_CACHE_HOME="+filepath.Join(a.home, "cache"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	p := parts{all: time.Since(began)}
	if err != nil {
		a.Fatalf("fairtide apply: %v\n%.4000s", err, &stderr)
	}
	applied, last := 0, began
	for line := range strings.Lines(stdout.String()) {
		var e model.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			a.Fatalf("fairtide apply: %v in %q", err, line)
		}
		part := (*time.Duration)(nil)
		switch e.Type {
		case model.EventLocked:
			part = &p.plan
		case model.EventStarted:
			part = &p.recheck
		case model.EventApplied:
			applied++
			part = &p.write
		case model.EventFinished:
			part = &p.finished
		}
		if part != nil {
			*part += e.Time.Sub(last)
			last = e.Time
		}
	}
	if applied != a.n {
		a.Fatalf("fairtide apply wrote %d of %d objects", applied, a.n)
	}
	return p
}

// theirs runs `kubectl apply --server-side` on what the environment renders to.
func (a *applyBench) theirs() parts {
	a.Helper()
	file := filepath.Join(a.home, "all.yaml")
	if err := os.WriteFile(file, []byte(a.run(a.kubectl, "kustomize", "environments/big")), 0o600); err != nil {
		a.Fatal(err)
	}
	began := time.Now()
	out := a.run(a.kubectl, "apply", "--server-side", "--field-manager", "fairtide", "-f", file)
	took := time.Since(began)
	if got := strings.Count(out, "serverside-applied"); got != a.n {
		a.Fatalf("kubectl apply wrote %d of %d objects", got, a.n)
	}
	return parts{all: took}
}

// BenchmarkApply is the whole process beside `kubectl apply --server-side`, which
// writes the same objects to the same control plane: first to create them, then
// to update them all. kubectl does nothing but write, so its whole time is set
// beside three of ours: of writing, of all from the confirm to the last write
// (with the plan read again under the lock), and of everything (with the render,
// the plan that is shown, and the wait until the controllers have taken notice).
func BenchmarkApply(b *testing.B) {
	a := newApplyBench(b, 1000)
	var create, update, kubectlCreate, kubectlUpdate least
	for b.Loop() {
		// Ours and theirs in turns: what else the machine does hits both.
		for range applyRounds {
			a.fresh()
			a.tag(firstTag)
			kubectlCreate.see(a.theirs())
			a.tag(nextTag)
			kubectlUpdate.see(a.theirs())
			a.fresh()
			a.tag(firstTag)
			create.see(a.ours())
			a.tag(nextTag)
			update.see(a.ours())
		}
	}
	compare(b, "create", create.parts, kubectlCreate.all)
	compare(b, "update", update.parts, kubectlUpdate.all)
}

func compare(b *testing.B, what string, ours parts, theirs time.Duration) {
	b.Helper()
	b.Logf("%s: fairtide %.2fs (plan %.2f, recheck %.2f, write %.2f, end %.2f), kubectl %.2fs", what,
		ours.all.Seconds(), ours.plan.Seconds(), ours.recheck.Seconds(), ours.write.Seconds(), ours.finished.Seconds(), theirs.Seconds())
	b.ReportMetric(ours.write.Seconds(), "s/"+what+"-writes")
	b.ReportMetric(theirs.Seconds(), "s/"+what+"-kubectl")
	b.ReportMetric(theirs.Seconds()/ours.write.Seconds(), "times-kubectl-"+what+"-writes")
	b.ReportMetric(theirs.Seconds()/(ours.recheck+ours.write).Seconds(), "times-kubectl-"+what+"-confirmed")
	b.ReportMetric(theirs.Seconds()/ours.all.Seconds(), "times-kubectl-"+what+"-all")
}

// least keeps the shortest of several runs, of each part: what else the machine
// does only adds.
type least struct{ parts }

func (l *least) see(p parts) {
	if l.all == 0 {
		l.parts = p
	}
	l.parts = parts{
		all: min(l.all, p.all), plan: min(l.plan, p.plan), recheck: min(l.recheck, p.recheck),
		write: min(l.write, p.write), finished: min(l.finished, p.finished),
	}
}
