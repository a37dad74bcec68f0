package accept

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// command runs a local program in a process group of its own. Whatever it
// started is gone when command returns: a test that is over must not go on
// writing to the environment.
func (s *suite) command(ctx context.Context, t model.Test, limit time.Duration, rec *recorder) outcome {
	cmd, err := s.prepare(t)
	if err != nil {
		return broken(0, "%v", err)
	}
	// A pipe of our own, not exec's: Wait must return when the program ends,
	// also while a process it left behind still holds the pipe.
	output, input, err := os.Pipe()
	if err != nil {
		return broken(0, "no pipe for its output: %v", err)
	}
	cmd.Stdout, cmd.Stderr = input, input
	err = cmd.Start()
	_ = input.Close() // the child has its own
	if err != nil {
		_ = output.Close()
		return broken(0, "%s cannot be started: %v", t.Command.Args[0], withoutPath(err))
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		rec.copyLines(output)
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped, err := s.supervise(ctx, cmd, ended)
	s.drain(output, read)
	switch {
	case stopped && timedOut(ctx):
		return failed(1, "%s", joined("timed out after "+limit.String(), rec.last()))
	case err == nil:
		return passed(1)
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return broken(1, "%v", err)
	}
	return failed(1, "%s", joined(exit.String(), rec.last()))
}

// prepare makes the process without starting it.
func (s *suite) prepare(t model.Test) (*exec.Cmd, error) {
	args := t.Command.Args
	switch {
	case len(args) == 0 || args[0] == "":
		return nil, errors.New("its command is empty")
	case s.ports.Dir == "":
		return nil, errors.New("there is no checkout of the deployed commit to run it in")
	}
	run := s.ports.Run
	env := append(s.ports.Env[:len(s.ports.Env):len(s.ports.Env)],
		"PWD="+s.ports.Dir, "FAIRTIDE_TEST="+t.Name, "FAIRTIDE_RUN="+run.ID,
		"FAIRTIDE_ENVIRONMENT="+run.Environment, "FAIRTIDE_COMMIT="+run.Commit, "FAIRTIDE_NAMESPACE="+run.Namespace)
	program, err := lookUp(args[0], s.ports.Dir, env)
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{Path: program, Args: args, Dir: s.ports.Dir, Env: env}
	ownGroup(cmd)
	return cmd, nil
}

// supervise waits for the program's end. When its time is over the group is
// asked to end, and killed when it does not; what the program leaves behind is
// killed as well.
func (s *suite) supervise(ctx context.Context, cmd *exec.Cmd, ended <-chan error) (stopped bool, err error) {
	defer killGroup(cmd)
	select {
	case err := <-ended:
		return false, err
	case <-ctx.Done():
	}
	terminateGroup(cmd)
	deadline := time.NewTimer(s.ports.Timing.Grace)
	defer deadline.Stop()
	select {
	case err := <-ended:
		s.awaitGroup(cmd, deadline.C)
		return true, err
	case <-deadline.C:
	}
	killGroup(cmd)
	return true, <-ended
}

// awaitGroup gives what is left of a terminated group the rest of the grace
// to end by itself.
func (s *suite) awaitGroup(cmd *exec.Cmd, deadline <-chan time.Time) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for groupExists(cmd) {
		select {
		case <-tick.C:
		case <-deadline:
			return
		}
	}
}

// drain reads what the group has written before it ended. A process that left
// the group may hold the pipe open; it is not waited for long.
func (s *suite) drain(output *os.File, read <-chan struct{}) {
	timer := time.NewTimer(min(s.ports.Timing.Grace, time.Second))
	defer timer.Stop()
	select {
	case <-read:
	case <-timer.C:
	}
	_ = output.Close() // ends the reader when it still reads
	<-read
}

// lookUp finds a program: a name on the PATH of env, a relative path in dir.
func lookUp(program, dir string, env []string) (string, error) {
	if filepath.IsAbs(program) {
		return program, nil
	}
	if filepath.Base(program) != program {
		path := filepath.Join(dir, program)
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%s is not in the repository at this commit: %w", program, withoutPath(err))
		}
		return path, nil
	}
	search := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			search = v // the last one counts
		}
	}
	for _, d := range filepath.SplitList(search) {
		if !filepath.IsAbs(d) {
			continue // "" and "." would run what happens to lie around
		}
		path, err := exec.LookPath(filepath.Join(d, program))
		if err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not on the PATH of this %s machine; install it, or give its path in the repository as ./%[1]s",
		program, runtime.GOOS)
}

// withoutPath drops the temporary directory from an error of the system.
func withoutPath(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
