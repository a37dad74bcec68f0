//go:build linux

package testcluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// start starts a control plane of its own.
func start(t *testing.T, dir string) *Cluster {
	t.Helper()
	began := time.Now()
	c, err := Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %s", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

// pids returns the processes of a control plane by name.
func pids(t *testing.T, dir string) map[string]int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "pids"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for line := range strings.Lines(string(data)) {
		name, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		if found[name], err = strconv.Atoi(number); err != nil {
			t.Fatal(err)
		}
	}
	if len(found) != 6 {
		t.Fatalf("expected 6 processes: %v", found)
	}
	return found
}

// alive says which of the processes exist. A process that has ended but was
// not waited for does not count, nor does one that has the number by now.
func alive(processes map[string]int) []string {
	var found []string
	for name, pid := range processes {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && !strings.Contains(string(stat), ") Z ") && strings.Contains(string(cmdline), name) {
			found = append(found, name)
		}
	}
	return found
}

func untilGone(t *testing.T, processes map[string]int, timeout time.Duration) {
	t.Helper()
	Eventually(t, timeout, "end of all processes", func() (bool, error) {
		left := alive(processes)
		return len(left) == 0, fmt.Errorf("still there: %v", left)
	})
}

// Each of these has a control plane of its own, which is most of what they
// cost, so one test goes through several of its ends.

// TestTerminatedStartedAgainAndBroken: SIGTERM ends everything, the next start
// goes on where the last one ended, and a component that dies ends everything.
func TestTerminatedStartedAgainAndBroken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := start(t, dir)
	e := &env{T: t, Clientset: c.Client(t), cluster: c, ns: "default"}
	e.pod("lives", "lives:1")
	e.until("ready pod", "lives", func(p *corev1.Pod, _ corev1.ContainerStatus) bool { return ready(p) })
	before, err := e.CoreV1().Pods(e.ns).Get(t.Context(), "lives", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	terminationLeavesNoProcess(t, c)

	again := start(t, dir)
	// The old client still works: address, authority and token are the same.
	after, err := e.CoreV1().Pods(e.ns).Get(t.Context(), "lives", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if after.UID != before.UID || after.Status.PodIP != before.Status.PodIP || !ready(after) {
		t.Errorf("the pod was %+v and is %+v", before.Status, after.Status)
	}
	e.pod("new", "new:1")
	e.until("ready pod", "new", func(p *corev1.Pod, _ corev1.ContainerStatus) bool { return ready(p) })
	if err := e.CoreV1().Pods(e.ns).Delete(t.Context(), "lives", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	Eventually(t, patience, "end of the pod", func() (bool, error) {
		_, err := e.CoreV1().Pods(e.ns).Get(t.Context(), "lives", metav1.GetOptions{})
		return apierrors.IsNotFound(err), err
	})
	deadComponentEndsTheControlPlane(t, again)
}

func terminationLeavesNoProcess(t *testing.T, c *Cluster) {
	t.Helper()
	processes := pids(t, c.Dir)
	if len(alive(processes)) != 6 {
		t.Fatalf("only %v of %v are alive", alive(processes), processes)
	}
	began := time.Now()
	if err := syscall.Kill(processes["controlplane"], syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-c.process.done
	if c.process.err != nil {
		t.Errorf("ended with %v", c.process.err)
	}
	t.Logf("stopped in %s", time.Since(began).Round(time.Millisecond))
	if left := alive(processes); len(left) != 0 {
		t.Errorf("still there: %v", left)
	}
}

func deadComponentEndsTheControlPlane(t *testing.T, c *Cluster) {
	t.Helper()
	processes := pids(t, c.Dir)
	if err := syscall.Kill(processes["kube-scheduler"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.process.done
	if c.process.err == nil {
		t.Error("the exit code is 0")
	}
	if out := c.process.errors.String(); !strings.Contains(out, "kube-scheduler ended unexpectedly (signal: killed)") {
		t.Errorf("the error is %q", out)
	}
	if left := alive(processes); len(left) != 0 {
		t.Errorf("still there: %v", left)
	}
}

// TestCrashedAPIServerComesBackAndKilledSupervisorLeavesNoProcess: another API
// server follows one that was killed, and nothing stays when the supervisor is
// killed, the new API server included.
func TestCrashedAPIServerComesBackAndKilledSupervisorLeavesNoProcess(t *testing.T) {
	t.Parallel()
	c := start(t, t.TempDir())
	before := pids(t, c.Dir)
	// Without Namespace, which deletes it at the end: nobody is there by then.
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}
	if _, err := c.Client(t).CoreV1().Namespaces().Create(t.Context(), space, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.CrashAPIServer(t)
	Eventually(t, time.Minute, "another API server", func() (bool, error) {
		return pids(t, c.Dir)["kube-apiserver"] != before["kube-apiserver"], nil
	})
	Eventually(t, time.Minute, "its answer", func() (bool, error) {
		_, err := c.Client(t).CoreV1().Namespaces().Get(t.Context(), "kept", metav1.GetOptions{})
		return err == nil, err
	})
	after := pids(t, c.Dir)
	for name, pid := range before {
		if (after[name] == pid) == (name == "kube-apiserver") {
			t.Errorf("%s had process id %d and has %d", name, pid, after[name])
		}
	}
	if err := syscall.Kill(after["controlplane"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	untilGone(t, after, 10*time.Second)
}

func TestDirectoryInUseIsRefused(t *testing.T) {
	t.Parallel()
	c := Get(t)
	_, err := Start(c.Dir)
	if err == nil || !strings.Contains(err.Error(), c.Dir+" is in use by the control plane with process id ") {
		t.Errorf("starting another one: %v", err)
	}
}
