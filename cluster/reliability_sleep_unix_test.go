//go:build unix

package cluster

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSleepingProcess stops a program in the middle of its run, as closing a
// laptop does, until another operator has taken over its lock and has shipped.
// Then it goes on.
func TestSleepingProcess(t *testing.T) {
	t.Parallel()
	r, second := sleepRig(t)
	order := sleeperOrder{
		Kubeconfig: r.tc.Kubeconfig, Space: r.space, Namespace: r.ns, Config: r.git.config,
		Commit: r.commit(2, numbered(40, "sleeper")),
	}
	order.Objects = r.git.renders[order.Commit]
	raw, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(t.Context(), os.Args[0])
	program.Env = append(os.Environ(), sleeperVariable+"="+string(raw))
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	written := 0
	for line := range lines {
		if strings.HasPrefix(line, "write PATCH") && strings.Contains(line, "/"+r.ns+"/") {
			if written++; written == 18 { // of 40, the second lot of those at once
				break
			}
		}
		if strings.HasPrefix(line, "end") {
			t.Fatalf("it ended before it was stopped: %s", line)
		}
	}
	if err := program.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	asleep := time.Now()
	takeOver(t, r, second)
	before := r.versions()
	if err := program.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	t.Logf("asleep for %s with a lease of %s, after %d writes", time.Since(asleep).Round(100*time.Millisecond), sleepLease, written)
	sent, end := 0, ""
	for line := range lines { // those it sent before it was stopped may be among them
		if strings.HasPrefix(line, "write") {
			sent++
		} else {
			end = line
		}
	}
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("writes told after it was stopped: %d; it ended with: %s", sent, end)
	if !strings.HasPrefix(end, "end 5 ") || !strings.Contains(end, "the lock was lost") {
		t.Errorf("it ended with %q", end)
	}
	wantAsleep(t, r, before)
}
