package supervise

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

// process is a running layout.
type process struct {
	name     string
	cmd      *exec.Cmd
	log      string
	lifeline *os.File
	// done is closed when the process has ended and err is set.
	done chan struct{}
	err  error
	// crashed is set before it is killed on request: its end is no failure.
	crashed atomic.Bool
}

// spawner starts processes from a goroutine that keeps its thread for good.
// The kernel kills a child that asked for it when the thread that started it
// ends, and the Go runtime ends threads as it likes.
type spawner chan func()

func newSpawner() spawner {
	s := make(spawner)
	go func() {
		runtime.LockOSThread()
		for start := range s {
			start()
		}
	}()
	return s
}

// start starts a layout. Its standard output and error go to its log file;
// extra files follow the lifeline.
func (s spawner) start(dir, name string, args []string, extra ...*os.File) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	p := &process{name: name, lifeline: write, done: make(chan struct{}),
		log: filepath.Join(dir, layout.LogDir, name+".log")}
	log, err := os.Create(p.log)
	if err != nil {
		write.Close()
		return nil, err
	}
	defer log.Close()

	p.cmd = &exec.Cmd{
		Path: self,
		// The name of the program is how a component introduces itself to the
		// API server, which records it as the manager of fields.
		Args:        append([]string{name, name}, args...),
		Dir:         dir,
		Stdout:      log,
		Stderr:      log,
		ExtraFiles:  append([]*os.File{read}, extra...),
		SysProcAttr: childAttributes(),
	}
	started := make(chan error)
	s <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		write.Close()
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop tells the process that its time is over and kills it if it is still
// there after the grace period.
func (p *process) stop(grace time.Duration) {
	p.lifeline.Close()
	select {
	case <-p.done:
	case <-time.After(grace):
		// It fails only if the process has ended in the meantime.
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// failure describes an unexpected end with the last lines of the log.
func (p *process) failure() error {
	reason := "exit status 0"
	if p.err != nil {
		reason = p.err.Error()
	}
	return fmt.Errorf("%s ended unexpectedly (%s); the end of %s:\n%s", p.name, reason, p.log, tail(p.log, 20))
}

// tail returns the last lines of a file, each indented.
func tail(path string, lines int) string {
	const most = 16 << 10
	data, err := os.ReadFile(path)
	if err != nil {
		return "  " + err.Error()
	}
	if len(data) > most {
		data = data[len(data)-most:]
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return "  " + strings.Join(all, "\n  ")
}
