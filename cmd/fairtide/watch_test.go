package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// process is the program while it runs.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr said
	ended          chan struct{}
}

// starts begins a command and does not wait for its end.
func (w *world) starts(args ...string) *process {
	w.t.Helper()
	path, err := binary()
	if err != nil {
		w.t.Fatal(err)
	}
	p := &process{t: w.t, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = w.env, w.t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // ends looks at the exit code
	}()
	w.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

func (p *process) all() string {
	return strings.Join(p.cmd.Args[1:], " ") + "\n" + p.stdout.String() + p.stderr.String()
}

// hears waits until the program has said something.
func (p *process) hears(text string) {
	p.t.Helper()
	testcluster.Eventually(p.t, patience, "somebody says "+text, func() (bool, error) {
		select {
		case <-p.ended:
			if !strings.Contains(p.all(), text) {
				p.t.Fatalf("ended with %d, without %q:\n%s", p.cmd.ProcessState.ExitCode(), text, p.all())
			}
		default:
		}
		return strings.Contains(p.all(), text), nil
	})
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) ends(code model.ExitCode, says ...string) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("it goes on still:\n%s", p.all())
	}
	if got := p.cmd.ProcessState.ExitCode(); got != int(code) {
		p.t.Errorf("exit code %d, want %d:\n%s", got, code, p.all())
	}
	for _, s := range says {
		if !strings.Contains(p.all(), s) {
			p.t.Errorf("nothing says %q:\n%s", s, p.all())
		}
	}
}

// storyOf is what a stream of events tells: the waves in their order, what was
// written in each, what became of each object, and the end.
func storyOf(t *testing.T, text string) (waves, objects []string, end string) {
	t.Helper()
	readiness := map[string]model.Readiness{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		e := decode[model.Event](t, line)
		switch e.Type {
		case model.EventWave:
			waves = append(waves, fmt.Sprintf("%d of %d: %s", e.Wave, e.Waves, e.Message))
		case model.EventStarted:
			waves = append(waves, "run "+e.Run+": "+e.Message)
		case model.EventApplied, model.EventPruned:
			objects = append(objects, fmt.Sprintf("%s %s %s in %d", e.Type, e.Verdict, e.Object, e.Wave))
		case model.EventProgress, model.EventCause:
			readiness[e.Object.String()] = e.Progress.Readiness
		case model.EventFinished:
			end = fmt.Sprintf("%s, exit code %d: %s", e.State, *e.ExitCode, e.Message)
		}
	}
	for o, r := range readiness {
		objects = append(objects, fmt.Sprintf("%s is %s", o, r))
	}
	slices.Sort(objects)
	return waves, objects, end
}

// lastRun is how the last run stands, whose lock has to be free.
func (w *world) lastRun(env string) model.Run {
	w.t.Helper()
	status := decode[struct{ Environments []model.EnvironmentStatus }](w.t, w.must(0, "status", "-e", env, "-o", "json").stdout).Environments[0]
	if status.Lock != nil {
		w.t.Errorf("the lock is held by %s", status.Lock.Holder)
	}
	return decode[struct{ Runs []model.Run }](w.t, w.must(0, "history", "-e", env, "-o", "json").stdout).Runs[0]
}

// Somebody who looks on is told the same as the run's own operator, somebody
// else can stop it, and a signal leaves a closed record and a free lock.
func TestWatchAbortAndSignals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{Windows: map[string]string{"production": ""}})
	w.must(0, "watch", "-e", "production") // nothing is under way, and never was

	log := filepath.Join(t.TempDir(), "watch.log")
	watcher := w.starts("watch", "-e", "production", "--wait", "-o", "json", "--log-file", log)
	testcluster.Eventually(t, patience, "the watcher begins", func() (bool, error) {
		found, err := filepath.Glob(log)
		return len(found) > 0, err
	})
	own := w.must(0, "apply", "-e", "production", "--commit", w.change("broken-gateway").Parent, "--yes", "-o", "json")
	watcher.ends(model.ExitOK)
	waves, objects, end := storyOf(t, own.stdout)
	sawWaves, sawObjects, sawEnd := storyOf(t, watcher.stdout.String())
	if len(waves) < 4 || len(objects) < 20 || end != "succeeded, exit code 0: " {
		t.Fatalf("the run itself: %q, %q, %s", waves, objects, end)
	}
	if !slices.Equal(waves, sawWaves) || !slices.Equal(objects, sawObjects) || end != sawEnd {
		t.Errorf("the run tells\n%s\n%s\n%s\nand who looks on\n%s\n%s\n%s", strings.Join(waves, "\n"), strings.Join(objects, "\n"), end,
			strings.Join(sawWaves, "\n"), strings.Join(sawObjects, "\n"), sawEnd)
	}

	run := w.starts("apply", "-e", "production", "--yes")
	run.hears("cannot pull")
	looks := w.starts("watch", "-e", "production")
	looks.hears("cannot pull")
	w.must(0, "status", "-e", "production") // beside it
	if text := w.must(0, "status", "-e", "production").stdout; !strings.Contains(text, "production: locked by ") || !strings.Contains(text, "fairtide watch -e production") {
		t.Errorf("the status does not say who is at work:\n%s", text)
	}
	stopped := w.must(0, "abort", "-e", "production", "--reason", "the image is not there")
	if !strings.Contains(stopped.stdout, "run production-2: aborted; ") || !strings.Contains(stopped.stdout, "  written ") {
		t.Errorf("abort says\n%s%s", stopped.stdout, stopped.stderr)
	}
	run.ends(model.ExitInterrupted, "the image is not there")
	looks.ends(model.ExitInterrupted, "run production-2 by ", "wave ", "applied ", "the image is not there")
	if r := w.lastRun("production"); r.State != model.RunAborted || !strings.Contains(r.Reason, "the image is not there") {
		t.Errorf("the record says %s: %s", r.State, r.Reason)
	}
	w.must(2, "abort", "-e", "production", "--reason", "again")
	w.must(2, "abort", "-e", "production")

	for i, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		run := w.starts("apply", "-e", "production", "--yes")
		run.hears("cannot pull")
		run.signal(s)
		run.ends(model.ExitInterrupted, "stopped: ")
		if r := w.lastRun("production"); r.ID != fmt.Sprint("production-", i+3) || r.State != model.RunAborted || r.FinishedAt.IsZero() {
			t.Errorf("after %s the record of %s says %s, ended %s", s, r.ID, r.State, r.FinishedAt)
		}
	}
	idle := w.must(0, "watch", "-e", "production")
	if !strings.Contains(idle.stdout, "no run is under way; the last one, production-4 of ") || !strings.Contains(idle.stdout, ", aborted") {
		t.Errorf("watch says\n%s", idle.stdout)
	}
	last := decode[model.Event](t, w.must(0, "watch", "-e", "production", "-o", "json").stdout)
	if last.Type != model.EventFinished || last.Run != "production-4" || last.State != model.RunAborted {
		t.Errorf("watch says %+v", last)
	}
}
