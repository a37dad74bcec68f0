package kustworker

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	keepIdle    = time.Minute
	maxResult   = 512 << 20 // bytes a child may send for one job
	keepStderr  = 2 << 10
	outOfMemory = "out of memory"
)

// ErrTimeout is the end of a job that took longer than its limit.
var ErrTimeout = errors.New("took too long")

// BuildError is kustomize's own word on why it cannot build.
type BuildError struct{ Text string }

func (e *BuildError) Error() string { return e.Text }

// DeathError is a child that ended in the middle of a job. Text is the reason
// it gave, which may quote what it was working on.
type DeathError struct{ Text string }

func (e *DeathError) Error() string { return e.Text }

// Pool runs jobs in child processes: as many at once as the machine has
// processors. Children are started when they are needed, stay for the next job,
// and end when there was none for a minute. The zero value is ready for use.
type Pool struct {
	once  sync.Once
	slots chan struct{}

	mu    sync.Mutex
	idle  []*process
	alone bool // no network of their own for children: the system does not let them
	runs  int
}

// process is a running child.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	out    *bufio.Writer
	enc    *gob.Encoder
	dec    *gob.Decoder
	left   *io.LimitedReader
	stderr *tail
	expiry *time.Timer
	reused bool // it has answered a job
}

func (p *Pool) init() { p.once.Do(func() { p.slots = make(chan struct{}, runtime.NumCPU()) }) }

// Runs is how many jobs were started.
func (p *Pool) Runs() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runs
}

// Warm starts children ahead of their first jobs. It does not wait for them.
func (p *Pool) Warm() {
	p.init()
	for range cap(p.slots) {
		select {
		case p.slots <- struct{}{}:
		default:
			return
		}
		w, err := p.take()
		if err == nil { // else the first job says why
			p.put(w)
		}
		<-p.slots
		if err != nil {
			return
		}
		p.mu.Lock()
		full := len(p.idle) >= cap(p.slots)
		p.mu.Unlock()
		if full {
			return
		}
	}
}

// Reserve takes a child for jobs, starting one if none is idle. It waits while
// all processors are busy. The child starts up on its own: the caller has time
// to prepare a job.
func (p *Pool) Reserve(ctx context.Context) (*Turn, error) {
	p.init()
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w, err := p.take()
	if err != nil {
		<-p.slots
		return nil, err
	}
	return &Turn{pool: p, process: w}, nil
}

// Spare is a Turn if a processor has nothing to do, else nil. Who holds a Turn
// must not wait for another one.
func (p *Pool) Spare() *Turn {
	p.init()
	select {
	case p.slots <- struct{}{}:
	default:
		return nil
	}
	w, err := p.take()
	if err != nil { // Reserve says why
		<-p.slots
		return nil
	}
	return &Turn{pool: p, process: w}
}

// Turn is the right to run jobs, one at a time.
type Turn struct {
	pool    *Pool
	process *process // nil: it died
}

// Release ends the turn.
func (t *Turn) Release() {
	if t.process != nil {
		t.pool.put(t.process)
		t.process = nil
	}
	<-t.pool.slots
}

// Run builds. Answer is asked for what the job does not say, one path at a
// time. A BuildError is about the kustomization; so are ErrTimeout and
// DeathError, though perhaps not the next time.
func (t *Turn) Run(ctx context.Context, j Job, answer func(p string, content bool) Fact) ([]Object, error) {
	t.pool.mu.Lock()
	t.pool.runs++
	t.pool.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, j.Limit)
	defer cancel()
	r, err := t.attempt(limited, &j, answer)
	if errors.Is(err, errStale) && limited.Err() == nil {
		r, err = t.attempt(limited, &j, answer)
	}
	switch {
	case err == nil && r.Text != "":
		return nil, &BuildError{Text: r.Text}
	case err == nil:
		return r.Objects, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, ErrTimeout
	}
	return nil, err
}

// errStale is a child that ended while it was idle.
var errStale = errors.New("ended before the job")

// attempt runs a job, in a new child if the last one died.
func (t *Turn) attempt(ctx context.Context, j *Job, answer func(p string, content bool) Fact) (reply, error) {
	w := t.process
	if t.process = nil; w == nil {
		var err error
		if w, err = t.pool.start(); err != nil {
			return reply{}, err
		}
	}
	stop := context.AfterFunc(ctx, w.kill)
	r, heard, err := w.job(j, answer)
	if stop() && err == nil {
		w.reused = true
		t.process = w
		return r, nil
	}
	w.kill()
	w.end()
	reason := w.stderr.reason()
	switch {
	case err == nil:
		return reply{}, context.Cause(ctx)
	case w.reused && !heard && reason == "":
		return reply{}, errStale
	case reason == "":
		reason = err.Error()
	}
	return reply{}, &DeathError{Text: reason}
}

// Close ends the children that have nothing to do. The pool stays usable.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, w := range idle {
		w.expiry.Stop()
		w.kill()
		w.end()
	}
}

// take returns an idle child or starts one.
func (p *Pool) take() (*process, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		w.expiry.Stop()
		return w, nil
	}
	p.mu.Unlock()
	return p.start()
}

// start starts a child: with nothing but itself in its network, if the system
// lets it.
func (p *Pool) start() (*process, error) {
	p.mu.Lock()
	alone := p.alone
	p.mu.Unlock()
	w, err := startProcess(!alone)
	if err != nil && !alone {
		if w, err = startProcess(false); err == nil {
			p.mu.Lock()
			p.alone = true
			p.mu.Unlock()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start the process that runs kustomize: %w; start fairtide again from a place it may be run from", err)
	}
	return w, nil
}

// put makes a child idle.
func (p *Pool) put(w *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.expiry = time.AfterFunc(keepIdle, func() { p.expire(w) })
	p.idle = append(p.idle, w)
}

// expire ends a child that is idle still.
func (p *Pool) expire(w *process) {
	p.mu.Lock()
	found := false
	for i, o := range p.idle {
		if o == w {
			p.idle = append(p.idle[:i:i], p.idle[i+1:]...)
			found = true
			break
		}
	}
	p.mu.Unlock()
	if found {
		w.kill()
		w.end()
	}
}

func startProcess(isolated bool) (*process, error) {
	name, err := executable()
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: name,
		Args: []string{"fairtide", "render-child"},
		Dir:  root(),
		Env: append([]string{
			variable + "=1", "PATH=", "GOGC=400", "GOMEMLIMIT=1GiB", "NO_PROXY=", "no_proxy=",
			"HTTP_PROXY=" + deadProxy, "HTTPS_PROXY=" + deadProxy, "http_proxy=" + deadProxy, "https_proxy=" + deadProxy,
		}, needed()...),
		SysProcAttr: attributes(isolated),
	}
	w := &process{cmd: cmd, stderr: &tail{}}
	cmd.Stderr = w.stderr
	cmd.WaitDelay = time.Second
	if w.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w.out = bufio.NewWriter(w.stdin)
	w.enc = gob.NewEncoder(w.out)
	w.left = &io.LimitedReader{R: stdout}
	w.dec = gob.NewDecoder(bufio.NewReader(w.left))
	return w, nil
}

// job sends a job and answers questions until its result is there.
// heard is set when the child has said something.
func (w *process) job(j *Job, answer func(p string, content bool) Fact) (r reply, heard bool, err error) {
	w.left.N = maxResult
	next := request{Job: j}
	for {
		if err := w.enc.Encode(next); err != nil {
			return reply{}, heard, err
		}
		if err := w.out.Flush(); err != nil {
			return reply{}, heard, err
		}
		var r reply
		if err := w.dec.Decode(&r); err != nil {
			return reply{}, heard, err
		}
		heard = true
		if r.Done {
			return r, heard, nil
		}
		f := answer(r.Ask, r.Content)
		next = request{Fact: &f}
	}
}

// kill ends the child at once; one that has ended already is fine.
func (w *process) kill() {
	if err := w.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_, _ = w.stderr.Write([]byte(err.Error() + "\n"))
	}
}

// end waits for a child that was killed or died.
func (w *process) end() {
	_ = w.stdin.Close()
	_ = w.cmd.Wait() // that it was killed is known
}

// tail keeps the beginning of what a child says: the first line of a crash is
// the one that counts.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, data[:min(len(data), keepStderr-len(t.text))]...)
	return len(data), nil
}

// reason is the line that says why a child ended.
func (t *tail) reason() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range strings.Lines(string(t.text)) {
		for _, sign := range []string{"fatal error: ", "runtime: ", "panic: "} {
			if rest, ok := strings.CutPrefix(line, sign); ok {
				return strings.TrimSpace(rest)
			}
		}
		if strings.TrimSpace(line) == outOfMemory {
			return outOfMemory
		}
	}
	return ""
}
