//go:build unix

package accept

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// script puts a shell script where the commit's checkout would be.
func script(t *testing.T, body string) Ports {
	t.Helper()
	p := ports()
	p.Dir = t.TempDir()
	p.Env = []string{"PATH=" + os.Getenv("PATH")}
	if err := os.MkdirAll(filepath.Join(p.Dir, "tests"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.Dir, "tests", "smoke.sh"), []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

func smoke(timeout time.Duration) model.Test {
	return model.Test{Name: "smoke", Command: &model.CommandTest{Args: []string{"./tests/smoke.sh", "a b"}}, Timeout: timeout, Required: true}
}

func TestCommandPasses(t *testing.T) {
	t.Setenv("FAIRTIDE_HIDDEN", "must not be inherited")
	p := script(t, `echo "arg: $1"; echo "in: $FAIRTIDE_ENVIRONMENT $FAIRTIDE_COMMIT $FAIRTIDE_RUN $FAIRTIDE_NAMESPACE $FAIRTIDE_TEST" >&2
printf 'hidden: [%s] \033[2J\n' "$FAIRTIDE_HIDDEN"; pwd; read x || printf 'no input'`)
	r, s := one(t, p, smoke(20*time.Second))
	want(t, r, model.TestPassed, "")
	dir, err := filepath.EvalSymlinks(p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{"arg: a b", "in: staging 0123456789abcdef staging-7 shop smoke", "hidden: [] ", dir, "no input"}
	if got := slices.Clone(r.Log); len(got) != 5 || got[0] != lines[0] || got[1] != lines[1] || got[2] != lines[2] || got[4] != lines[4] ||
		got[3] != lines[3] && got[3] != p.Dir {
		t.Errorf("log %q, want %q", r.Log, lines)
	}
	if !strings.Contains(s.text(), "log smoke: arg: a b\n") {
		t.Errorf("story\n%s", s.text())
	}
}

func TestCommandFails(t *testing.T) {
	r, _ := one(t, script(t, "echo before; echo 'order 17 is lost' >&2; echo; exit 3"), smoke(20*time.Second))
	want(t, r, model.TestFailed, "exit status 3: order 17 is lost")
	r, _ = one(t, script(t, "kill -9 $$"), smoke(20*time.Second))
	want(t, r, model.TestFailed, "signal: killed")
}

func TestCommandCannotStart(t *testing.T) {
	p := script(t, "exit 0")
	for _, c := range []struct {
		args    []string
		message string
	}{
		{nil, "empty"},
		{[]string{""}, "empty"},
		{[]string{"./tests/none.sh"}, "./tests/none.sh is not in the repository at this commit: no such file"},
		{[]string{"no-such-program"}, "no-such-program is not on the PATH"},
		{[]string{"./tests"}, "./tests cannot be started: permission denied"},
	} {
		r, _ := one(t, p, model.Test{Name: "x", Command: &model.CommandTest{Args: c.args}})
		want(t, r, model.TestError, c.message)
		if strings.Contains(r.Message, p.Dir) {
			t.Errorf("%q names the temporary directory", r.Message)
		}
	}
	p.Dir = ""
	r, _ := one(t, p, smoke(time.Second))
	want(t, r, model.TestError, "no checkout")
}

func TestCommandFromThePath(t *testing.T) {
	p := script(t, "exit 0")
	test := model.Test{Name: "x", Command: &model.CommandTest{Args: []string{"sh", "-c", "echo $0 $FAIRTIDE_TEST", "zero"}}}
	r, _ := one(t, p, test)
	want(t, r, model.TestPassed, "")
	if !slices.Equal(r.Log, []string{"zero x"}) {
		t.Errorf("log %q", r.Log)
	}
	p.Env = []string{"PATH=.:tests:/nonexistent"}
	test.Command.Args = []string{"smoke.sh"}
	r, _ = one(t, p, test)
	want(t, r, model.TestError, "not on the PATH")
}

// pidOf reads a process id that a script has logged as "NAME PID".
func pidOf(t *testing.T, r model.TestResult, name string) int {
	t.Helper()
	for _, line := range r.Log {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			pid, err := strconv.Atoi(v)
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no %s in %q", name, r.Log)
	return 0
}

// gone polls until a process has ended. A zombie that nobody reaps has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		if err := syscall.Kill(pid, 0); err != nil {
			return
		}
		if stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil {
			if _, state, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(state, "Z") {
				return
			}
		}
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("process %d is still there", pid)
		}
	}
}

func TestCommandTimesOutWithItsGrandchildren(t *testing.T) {
	t.Parallel()
	// The shell and the inner shell ignore SIGTERM; the sleeps hold the pipe.
	p := script(t, `trap '' TERM
sh -c 'trap "" TERM; echo inner $$; sleep 600 & echo grandchild $!; wait; wait; wait' &
echo outer $$
while :; do sleep 600; done`)
	// Long enough for a busy machine to have started all three.
	p.Timing.Grace = 300 * time.Millisecond
	start := time.Now()
	r, _ := one(t, p, smoke(4*time.Second))
	want(t, r, model.TestFailed, "timed out after 4s")
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	for _, name := range []string{"outer", "inner", "grandchild"} {
		gone(t, pidOf(t, r, name))
	}
}

func TestCommandMayCleanUp(t *testing.T) {
	t.Parallel()
	p := script(t, `trap 'echo cleaning up; exit 1' TERM
echo ready
while :; do sleep 0.02; done`)
	p.Timing.Grace = 2 * time.Minute
	start := time.Now()
	r, _ := one(t, p, smoke(3*time.Second))
	want(t, r, model.TestFailed, "timed out after 3s: cleaning up")
	if took := time.Since(start); took > time.Minute {
		t.Errorf("the grace was waited for to its end: %s", took)
	}
}

func TestCommandLeavesNothingBehind(t *testing.T) {
	p := script(t, "sleep 600 & echo child $!; exit 0")
	start := time.Now()
	r, _ := one(t, p, smoke(time.Minute))
	want(t, r, model.TestPassed, "")
	gone(t, pidOf(t, r, "child"))
	if took := time.Since(start); took > time.Minute/2 {
		t.Errorf("it waited for what was left behind: %s", took)
	}
}

func TestCommandIsCancelled(t *testing.T) {
	p := script(t, "echo self $$; sleep 600")
	ctx, cancel := context.WithCancel(t.Context())
	results := Run(ctx, []model.Test{smoke(time.Minute), smoke(time.Minute)}, p, func(e model.Event) {
		if e.Type == model.EventLog {
			cancel() // it runs
		}
	})
	want(t, results[0], model.TestError, "the run was stopped while it ran: signal: terminated")
	want(t, results[1], model.TestSkipped, "before its turn")
	gone(t, pidOf(t, results[0], "self"))
}

// Output faster than it can be read neither blocks nor fills the memory.
func TestCommandTalksALot(t *testing.T) {
	p := script(t, `i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; head -c 300000 /dev/zero | tr '\0' x; echo; echo end`)
	r, s := one(t, p, smoke(time.Minute))
	want(t, r, model.TestPassed, "")
	if !r.Truncated || len(r.Log) > maxLines || r.Log[len(r.Log)-1] != "end" {
		t.Errorf("truncated %v, %d lines", r.Truncated, len(r.Log))
	}
	if got := strings.Count(s.text(), "\nlog "); got != 3002 {
		t.Errorf("%d lines streamed, want 3002", got)
	}
}
