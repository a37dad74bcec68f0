package testcluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	startTimeout = 4 * time.Minute
	stopTimeout  = 10 * time.Second
)

// process is the supervisor of a control plane.
type process struct {
	cmd *exec.Cmd
	// lifeline is its standard input. It stops when that is closed, which
	// happens at the latest when the test binary is gone.
	lifeline io.Closer
	errors   *lockedBuffer
	done     chan struct{}
	err      error
}

// startProcess runs the binary until it says that it is ready.
func startProcess(path string, args []string) (*process, error) {
	p := &process{errors: &lockedBuffer{}, done: make(chan struct{})}
	// It is stopped by its lifeline, not by a context, which would kill it.
	p.cmd = exec.CommandContext(context.Background(), path, append([]string{"--quiet", "--until-stdin-closes"}, args...)...)
	p.cmd.Stderr = p.errors
	p.cmd.Env = lazyCollector(os.Environ())
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.lifeline = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan bool, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		ready <- strings.HasPrefix(line, "ready ")
		// Wait closes the pipe, so it has to come after the reading.
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	select {
	case ok := <-ready:
		if ok {
			return p, nil
		}
		<-p.done
		return nil, fmt.Errorf("%w: %s", errors.Join(p.err, errors.New("the control plane did not start")), p.errors)
	case <-time.After(startTimeout):
		return nil, errors.Join(fmt.Errorf("the control plane was not ready after %s", startTimeout), p.stop())
	}
}

// lazyCollector has the processes of a control plane collect garbage less
// often, which is a good part of what an API server under test computes. A
// GOGC of one's own stays.
func lazyCollector(env []string) []string {
	if os.Getenv("GOGC") != "" {
		return env
	}
	return append(env, "GOGC=400")
}

// stop ends the supervisor, which ends everything else.
func (p *process) stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.lifeline.Close(); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("the control plane was still there after %s", stopTimeout), p.cmd.Process.Kill())
	}
	if p.err != nil {
		return fmt.Errorf("the control plane failed: %w: %s", p.err, p.errors)
	}
	return nil
}

// lockedBuffer collects what a process writes while others look at it.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns what was written so far.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
