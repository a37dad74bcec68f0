// Command demo starts a local Kubernetes, a forge with the sample environments
// repository, a registry and a Slack, deploys what is to be live and opens the
// UI. When the UI is left, all of it is stopped and removed.
//
// It is run by `make demo`, from the repository's root. With arguments it plays
// a part in the demo that is running: see usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fairtide-dev/fairtide/internal/demo/stage"
	"github.com/fairtide-dev/fairtide/internal/sample"
)

func main() {
	// Also when its terminal is closed, it tidies up.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	check := flag.Bool("check", false, "open the UI on a terminal of the program's own, wait for the pending changes, and leave")
	pictures := flag.String("pictures", "", "like -check, and write pictures of the pages to this `directory`")
	flag.Parse()
	if flag.NArg() > 0 {
		return play(ctx, os.Getenv(controlVariable), flag.Args(), os.Stdout)
	}
	d, err := newDemo()
	if err != nil {
		return err
	}
	defer d.remove()
	if err := d.setUp(ctx); err != nil {
		return err
	}
	if *check || *pictures != "" {
		return d.look(ctx, *pictures)
	}
	return d.open(ctx)
}

// demo is one set-up: a directory, and the programs that run in it.
type demo struct {
	dir          string
	fairtide     string
	controlplane string
	kubernetes   *controlPlane
	stage        *stage.Stage
	control      *control
	pointer      string // leads another terminal to this demo; empty: none yet
}

func newDemo() (*demo, error) {
	d := &demo{}
	for name, path := range map[string]*string{"fairtide": &d.fairtide, "controlplane": &d.controlplane} {
		p, err := filepath.Abs(filepath.Join("bin", name))
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(p); err != nil {
			return nil, fmt.Errorf("%w; run `make demo`, which builds it", err)
		}
		*path = p
	}
	dir, err := os.MkdirTemp("", "fairtide-demo-")
	if err != nil {
		return nil, err
	}
	d.dir = dir
	return d, nil
}

func (d *demo) remove() {
	d.unpoint()
	if d.control != nil {
		_ = d.control.close()
	}
	if d.kubernetes != nil {
		d.kubernetes.stop()
	}
	if d.stage != nil {
		_ = d.stage.Close()
	}
	_ = os.RemoveAll(d.dir)
}

func (d *demo) setUp(ctx context.Context) error {
	if err := step("starting Kubernetes (etcd, API server, controllers, scheduler, simulated nodes)", func() (err error) {
		rules := filepath.Join(d.dir, "pod-rules.yaml")
		if err := os.WriteFile(rules, []byte(sample.PodRules), 0o600); err != nil {
			return err
		}
		d.kubernetes, err = startControlPlane(ctx, d.controlplane, filepath.Join(d.dir, "kubernetes"), rules)
		return err
	}); err != nil {
		return err
	}
	if err := step("making the sample repository, a forge, a registry and a Slack", func() (err error) {
		if d.stage, err = stage.Start(ctx, d.dir, sample.Options{Now: time.Now()}); err != nil {
			return err
		}
		d.control, err = startControl(ctx, d.stage, d.dir)
		return err
	}); err != nil {
		return err
	}
	for _, env := range sample.Environments {
		if err := step("deploying what is live in "+env, func() error { return d.deploy(ctx, env) }); err != nil {
			return err
		}
	}
	return nil
}

// deploy puts an environment into the state in which the demo begins, the way
// a user would.
func (d *demo) deploy(ctx context.Context, env string) error {
	cmd := exec.CommandContext(ctx, d.fairtide, "apply", "-e", env, "--commit", d.stage.Repo.Deployed[env],
		"--yes", "--override", "first deployment of the demo")
	cmd.Env = d.environ()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w:\n%s", err, out)
	}
	return nil
}

// variables are what fairtide needs to find the demo, as NAME=value.
func (d *demo) variables() []string {
	return append(d.stage.Environ(),
		"KUBECONFIG="+d.kubernetes.kubeconfig,
		controlVariable+"="+d.control.file,
		"FAIRTIDE_ENV=",
		"FAIRTIDE_CONTEXT=",
	)
}

func (d *demo) environ() []string { return append(os.Environ(), d.variables()...) }

// open runs the UI on the user's terminal until it is left.
func (d *demo) open(ctx context.Context) error {
	if err := d.point(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "\nTo play along from another terminal, in this directory, while the UI is open:\n"+
		"  source %s\n  fairtide help tour\n\n", filepath.Join("bin", pointerFile))
	defer d.showSlack()
	cmd := exec.CommandContext(ctx, d.fairtide)
	cmd.Env = d.environ()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 130 {
		return nil // left by ctrl+c
	}
	return err
}

// step says what is being done, and how long it took.
func step(what string, do func() error) error {
	fmt.Fprintf(os.Stderr, "  %s … ", what)
	start := time.Now()
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr)
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Fprintf(os.Stderr, "%.1f s\n", time.Since(start).Seconds())
	return nil
}
