package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) runCommand() *cobra.Command {
	var once bool
	var every time.Duration
	c := &cobra.Command{
		Use:   "run",
		Short: "Deploy what is merged to the environments with deploy: auto",
		Long: `Bring every environment with ` + "`deploy: auto`" + ` from what is merged to a verdict,
inside its window and with its requirements met. Only one instance acts on an
environment at a time. Runs until it is stopped; with --once, one pass.

A commit whose run has failed is not tried again; the next merge is. A closed
window, unmet requirements and somebody else's lock are waited for, and are no
failure of a pass.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runAuto(cmd.Context(), once, every) },
	}
	c.Flags().BoolVar(&once, "once", false, "one pass over the environments")
	c.Flags().DurationVar(&every, "interval", 30*time.Second, "time between passes")
	return c
}

func (p *program) runAuto(ctx context.Context, once bool, every time.Duration) error {
	format, err := p.format("text", "json")
	if err != nil {
		return err
	}
	if every < time.Second {
		return model.Errorf(model.ExitUsage, "--interval %s is too short; at least 1s", every)
	}
	e, err := p.engine(ctx)
	if err != nil {
		return err
	}
	said := map[string]string{}
	for {
		err := p.pass(ctx, e, format, said)
		if once || ctx.Err() != nil {
			return err
		}
		var told exitStatus
		if err != nil && !errors.As(err, &told) {
			_, _ = fmt.Fprintln(p.stderr, "fairtide: "+sanitize.Text(err.Error()))
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return nil // it was told to stop, and no run was under way
		}
	}
}

// pass is one pass over the environments. said keeps what was last said of
// each, so that a closed window is not told again and again.
func (p *program) pass(ctx context.Context, e *rollout.Engine, format string, said map[string]string) error {
	results, err := e.RunOnce(ctx, p.flags.env, p.logged(p.eventWriter(format)))
	if err != nil {
		return err
	}
	var worst error
	for _, r := range results {
		if r.Message != "" && said[r.Environment] != r.Message {
			_, _ = fmt.Fprintf(p.stderr, "%s: %s\n", r.Environment, sanitize.Text(strings.TrimPrefix(r.Message, r.Environment+": ")))
			said[r.Environment] = r.Message
		}
		// What has begun and did not end well has failed, whatever the reason.
		if r.Err != nil && (r.Run != nil || !rollout.Waits(r.Err)) && worst == nil {
			worst = exitStatus(model.CodeOf(r.Err, model.ExitRolloutFailed))
		}
	}
	return worst
}
