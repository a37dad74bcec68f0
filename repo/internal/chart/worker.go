package chart

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/repo/internal/bound"
)

// Worker renders charts in a process of its own, so that a template that does
// not end or fills the memory costs that process only. It is safe for
// concurrent use; renders are done one after another. The process is started
// by the first render and ends when there was none for a while.
type Worker struct {
	mu    sync.Mutex
	child *child
	idle  *time.Timer
}

// idleTime is how long a process waits for more before it is ended.
const idleTime = 10 * time.Second

// child is a running process.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *gob.Encoder
	dec *gob.Decoder
	// said is what the process writes to its standard error, which is the
	// runtime's last words; to be read when the process has ended.
	said *lastWords
}

// lastWords keeps the beginning of what is written to it.
type lastWords struct{ text []byte }

func (l *lastWords) Write(p []byte) (int, error) {
	const most = 4096
	l.text = append(l.text, p[:min(len(p), most-len(l.text))]...)
	return len(p), nil
}

// Render renders a chart until ctx ends. Running out of memory is a problem of
// the chart.
func (w *Worker) Render(ctx context.Context, q Request) (Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if w.idle != nil {
		w.idle.Stop()
	}
	if w.child == nil {
		c, err := start()
		if err != nil {
			return Result{}, fmt.Errorf("start the process that renders charts: %w", err)
		}
		w.child = c
	}
	res, err := w.ask(ctx, q)
	if w.child != nil {
		w.idle = time.AfterFunc(idleTime, w.Close)
	}
	return res, err
}

// ask sends a request and waits for its answer. A child that does not give one
// is ended.
func (w *Worker) ask(ctx context.Context, q Request) (Result, error) {
	c := w.child
	var a answer
	done := make(chan error, 1)
	go func() {
		err := c.enc.Encode(q)
		if err == nil {
			err = c.dec.Decode(&a)
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			if a.Failure != "" {
				return Result{}, errors.New(a.Failure)
			}
			return a.Result, nil
		}
		w.child = nil
		code := c.end()
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		return Result{Problem: died(q.Dir, code == exitMemory || bound.OutOfMemory(string(c.said.text)))}, nil
	case <-ctx.Done():
		w.child = nil
		c.kill()
		<-done //nolint:errcheck // the process is gone, whatever it had to say
		return Result{}, ctx.Err()
	}
}

func died(dir string, memory bool) string {
	if memory {
		return fmt.Sprintf("%s needs more memory to render than the limit of %d MB", dir, workerMemory>>20)
	}
	return dir + ": rendering it ended the process that did it, as endless recursion does"
}

// Close ends the process. The next render starts another.
func (w *Worker) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.child != nil {
		w.child.end()
		w.child = nil
	}
}

// start runs this very program again as a worker, with an environment that
// says so and nothing else.
func start() (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if runtime.GOOS == "linux" {
		self = "/proc/self/exe" // also when the file was replaced by an upgrade
	}
	cmd := exec.CommandContext(context.Background(), self)
	cmd.Env = []string{workerMark + "=1"}
	cmd.Dir = os.TempDir()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	said := new(lastWords)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd: cmd, said: said, in: in, enc: gob.NewEncoder(in), dec: gob.NewDecoder(out)}, nil
}

// kill ends a process that is at work.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended by itself
	c.end()
}

// end ends a process that waits or has ended, and returns its exit code; -1 for
// one that was killed.
func (c *child) end() int {
	_ = c.in.Close()
	late := time.AfterFunc(time.Second, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	_ = c.cmd.Wait() // what it exited with is below
	return c.cmd.ProcessState.ExitCode()
}
