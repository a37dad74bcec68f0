package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) watchCommand() *cobra.Command {
	var wait bool
	c := &cobra.Command{
		Use:   "watch -e ENV",
		Short: "Look on at the run under way, whoever carries it out",
		Long: `Tell the story of the run under way in an environment as its own operator sees
it: what was before, then what happens, until it has ended. Whoever carries it
out, an operator or CI, is not disturbed; to stop looking does not stop the run.
Where no run is under way it says how the last one ended. With --wait it waits
for the next one, or for an interrupted one to be resumed. With -o json the
events are written, one object a line.

Exits as the run does: 0 when it succeeded, 6 when it failed or whoever carried
it out is gone, 7 when acceptance tests failed, 130 when it was aborted. Without
a run under way it exits 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.watch(cmd.Context(), wait) },
	}
	c.Flags().BoolVar(&wait, "wait", false, "wait for a run where none is under way")
	return c
}

func (p *program) watch(ctx context.Context, wait bool) error {
	format, name, e, err := p.begin(ctx, p.engine)
	if err != nil {
		return err
	}
	follow := e.Follow
	if wait {
		follow = e.FollowNext
	}
	emit := p.logged(p.eventWriter(format))
	run, err := follow(ctx, name, p.heading(format), emit)
	if !errors.Is(err, rollout.ErrIdle) {
		return err
	}
	if format == "json" {
		code := int(model.ExitOK)
		emit(model.Event{Time: p.now().UTC(), Run: run.ID, Type: model.EventFinished, State: run.State, ExitCode: &code, Message: err.Error()})
		return nil
	}
	return p.lastRun(name, run)
}

// heading says whose run is told of, before its story.
func (p *program) heading(format string) func(model.Run) {
	return func(r model.Run) {
		if format != "text" {
			return
		}
		text := fmt.Sprintf("run %s by %s, begun %s ago: %s → %s", r.ID, r.Writer(), ago(p.now(), r.StartedAt), dash(model.Short(r.From)), model.Short(r.Commit))
		if why := why(r); why != "" {
			text += "; " + why
		}
		_, _ = fmt.Fprintln(p.stderr, sanitize.Line(text))
	}
}

// lastRun says how the last run ended where none is under way.
func (p *program) lastRun(name string, r model.Run) error {
	text := name + ": no run is under way, and there has been none"
	if r.ID != "" {
		text = fmt.Sprintf("%s: no run is under way; the last one, %s of %s by %s, %s", name, r.ID, model.Short(r.Commit), r.Writer(), r.State)
		if !r.FinishedAt.IsZero() {
			text += " " + ago(p.now(), r.FinishedAt) + " ago"
		}
		if r.Reason != "" {
			text += ": " + r.Reason
		}
	}
	_, err := fmt.Fprintln(p.stdout, sanitize.Line(text))
	return err
}
