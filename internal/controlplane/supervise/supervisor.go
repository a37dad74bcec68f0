package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

const (
	// startTimeout is far above what a busy machine needs.
	startTimeout = 3 * time.Minute
	// stopGrace is what etcd gets to close its files.
	stopGrace = 1500 * time.Millisecond
)

// errStopped says that somebody asked for the end.
var errStopped = errors.New("stopped")

// supervisor is a control plane in the making, or running.
type supervisor struct {
	opts      Options
	began     time.Time
	spawn     spawner
	processes []*process
	server    string
	// bootID tells the nodes of this run from what an earlier run left.
	bootID string

	crash sync.Mutex // one at a time
}

// Run starts a control plane, reports on standard output when it is ready and
// returns when it was told to stop, or with an error when a component failed.
func Run(opts Options) error {
	s := &supervisor{opts: opts, began: time.Now(), spawn: newSpawner(), bootID: newToken()}
	if err := os.MkdirAll(filepath.Join(opts.Dir, layout.LogDir), 0o700); err != nil {
		return err
	}
	lock, err := lockDir(opts.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()

	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	s.stopOnRequest(cancel)
	defer s.stopAll()
	if err := s.start(); err != nil {
		return err
	}
	for _, p := range s.processes {
		s.watch(p, cancel)
	}
	if err := s.waitReady(ctx); err != nil {
		return s.ending(ctx, err)
	}
	s.crashOnRequest(ctx, cancel)
	s.progress("ready")
	fmt.Fprintf(opts.Stdout, "ready KUBECONFIG=%s\n", filepath.Join(opts.Dir, "kubeconfig"))
	<-ctx.Done()
	return s.ending(ctx, nil)
}

// ending tells why the context ended: nil if the control plane was asked to
// stop, what failed otherwise.
func (s *supervisor) ending(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, errStopped) {
		s.progress("stopping")
		return nil
	}
	return err
}

func (s *supervisor) progress(format string, args ...any) {
	if s.opts.Quiet {
		return
	}
	fmt.Fprintf(s.opts.Stderr, "%5.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// stopOnRequest ends the context at a signal or, if so configured, at the end
// of the standard input.
func (s *supervisor) stopOnRequest(cancel context.CancelCauseFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		<-signals
		cancel(errStopped)
	}()
	if s.opts.UntilStdinCloses {
		go func() {
			// An error is the end as well.
			_, _ = io.Copy(io.Discard, s.opts.Stdin)
			cancel(errStopped)
		}()
	}
}

// start prepares the directory and starts all components. They wait for each
// other themselves: most of what a component does before it needs the API
// server is initialization, which can as well happen at the same time.
func (s *supervisor) start() error {
	dir := s.opts.Dir
	listener, err := listen(dir)
	if err != nil {
		return err
	}
	defer listener.Close()
	s.server = "https://" + listener.Addr().String()
	if err := s.prepare(); err != nil {
		return err
	}
	socket, err := listener.File()
	if err != nil {
		return err
	}
	defer socket.Close()

	kubeletArgs := []string{
		"--nodes=" + strconv.Itoa(s.opts.Nodes),
		"--pod-rules=" + s.opts.PodRules,
		"--boot-id=" + s.bootID,
	}
	err = errors.Join(
		s.startOne(layout.Etcd, nil),
		s.startOne(layout.APIServer, nil, socket),
		s.startOne(layout.Kubelet, kubeletArgs),
		s.startOne(layout.ControllerManager, nil),
		s.startOne(layout.Scheduler, nil),
	)
	if err != nil {
		return err
	}
	return s.writePIDs()
}

func (s *supervisor) startOne(name string, args []string, extra ...*os.File) error {
	p, err := s.spawn.start(s.opts.Dir, name, args, extra...)
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	s.progress("%s started, process id %d", name, p.cmd.Process.Pid)
	return nil
}

// prepare writes what the components read.
func (s *supervisor) prepare() error {
	ca, err := preparePKI(s.opts.Dir)
	if err != nil {
		return err
	}
	tokens, err := prepareTokens(s.opts)
	if err != nil {
		return err
	}
	a := &access{dir: s.opts.Dir, server: s.server, ca: ca, tokens: tokens}
	return errors.Join(a.writeKubeconfigs(s.opts), writeEgressConfig(s.opts.Dir))
}

// listen opens the API server's socket, at the port of the previous run if it
// is free, so that its clients find it again.
func listen(dir string) (*net.TCPListener, error) {
	path := filepath.Join(dir, "port")
	loopback := net.IPv4(127, 0, 0, 1)
	// No or a broken file leaves 0, which is any port.
	data, _ := os.ReadFile(path)
	previous, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: loopback, Port: previous})
	if err != nil {
		listener, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: loopback})
	}
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err == nil {
		err = os.WriteFile(path, []byte(port+"\n"), 0o600)
	}
	return listener, err
}

// writePIDs lists the processes for whoever wants to look at them, or to check
// that they are gone.
func (s *supervisor) writePIDs() error {
	var out strings.Builder
	fmt.Fprintf(&out, "controlplane %d\n", os.Getpid())
	for _, p := range s.processes {
		fmt.Fprintf(&out, "%s %d\n", p.name, p.cmd.Process.Pid)
	}
	return os.WriteFile(filepath.Join(s.opts.Dir, "pids"), []byte(out.String()), 0o600)
}

// watch ends the context when a component ends by itself.
func (s *supervisor) watch(p *process, cancel context.CancelCauseFunc) {
	go func() {
		<-p.done
		if !p.crashed.Load() {
			cancel(p.failure())
		}
	}()
}

// crashOnRequest kills the API server at a SIGUSR1 and starts another one at
// the same port, on what etcd holds. Until that one answers, which takes some
// seconds, connections are refused.
func (s *supervisor) crashOnRequest(ctx context.Context, cancel context.CancelCauseFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for {
			select {
			case <-signals:
				if err := s.crashServer(cancel); err != nil {
					cancel(err)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
}

func (s *supervisor) crashServer(cancel context.CancelCauseFunc) error {
	s.crash.Lock()
	defer s.crash.Unlock()
	i := slices.IndexFunc(s.processes, func(p *process) bool { return p.name == layout.APIServer })
	old := s.processes[i]
	old.crashed.Store(true)
	if err := old.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("killing the API server: %w", err)
	}
	<-old.done
	listener, err := listen(s.opts.Dir)
	if err != nil {
		return err
	}
	defer listener.Close()
	if "https://"+listener.Addr().String() != s.server {
		return fmt.Errorf("the port of %s was taken by somebody else", s.server)
	}
	socket, err := listener.File()
	if err != nil {
		return err
	}
	defer socket.Close()
	p, err := s.spawn.start(s.opts.Dir, layout.APIServer, nil, socket)
	if err != nil {
		return err
	}
	s.processes[i] = p
	s.progress("%s was killed, and started again with process id %d", p.name, p.cmd.Process.Pid)
	s.watch(p, cancel)
	return s.writePIDs()
}

// stopAll ends all components at once. The API server does not need etcd to
// end: it just exits.
func (s *supervisor) stopAll() {
	s.crash.Lock()
	defer s.crash.Unlock()
	var wg sync.WaitGroup
	for _, p := range s.processes {
		wg.Go(func() { p.stop(stopGrace) })
	}
	wg.Wait()
}
