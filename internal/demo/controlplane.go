package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// contexts are the kubeconfig contexts that the sample's environments name.
// They all lead to the one local cluster.
var contexts = []string{"gke-dev", "gke-staging", "gke-prod"}

// controlPlane is a running local Kubernetes.
type controlPlane struct {
	kubeconfig string
	cmd        *exec.Cmd
	ended      chan struct{}
}

// startControlPlane returns when a pod can run.
func startControlPlane(ctx context.Context, program, dir, rules string) (*controlPlane, error) {
	args := []string{"--dir", dir, "--pod-rules", rules, "--quiet", "--until-stdin-closes"}
	for _, c := range contexts {
		args = append(args, "--context", c)
	}
	// Not bound to ctx: it is stopped when all that uses it has ended.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	// A group of its own: ctrl+c in the terminal is for the UI, and the
	// cluster goes when the demo stops it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	// Held open until the demo ends, however it ends: the cluster goes with it.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &controlPlane{cmd: cmd, ended: make(chan struct{})}
	ready := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if path, ok := strings.CutPrefix(lines.Text(), "ready KUBECONFIG="); ok {
				ready <- path
			}
		}
		_ = cmd.Wait()
		close(p.ended)
	}()
	select {
	case p.kubeconfig = <-ready:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("it ended before it was ready:\n%s", stderr.String())
	case <-time.After(2 * time.Minute):
		err = errors.New("it was not ready after 2 minutes")
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.stop()
	return nil, err
}

func (p *controlPlane) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}
