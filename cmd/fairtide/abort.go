package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) abortCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "abort -e ENV --reason TEXT",
		Short: "Stop the run under way, whoever carries it out",
		Long: `Ask whoever carries out the run under way to stop it, and wait for its end. It
starts no new writes, closes its record as aborted with the reason, and frees
the lock, as after ctrl-c. What is applied stays, and is listed beside what is
not. Where whoever carries it out is gone there is nobody to stop: the run is
continued with ` + "`fairtide resume`" + `, or another one is begun with ` + "`fairtide apply`" + `.

Exits 0 when the run was aborted, 2 when there was nothing to stop or it had
succeeded before, 6 when it failed or whoever carried it out is gone.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.abort(cmd.Context(), reason) },
	}
	c.Flags().StringVar(&reason, "reason", "", "why the run is stopped; it is recorded")
	return c
}

func (p *program) abort(ctx context.Context, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return model.Errorf(model.ExitUsage, "why is the run to be stopped? pass --reason TEXT; it is recorded")
	}
	format, name, e, err := p.begin(ctx, p.engine)
	if err != nil {
		return err
	}
	run, err := e.AbortAndFollow(ctx, name, reason, p.heading(format), p.logged(p.eventWriter(format)))
	if format == "text" && run.State == model.RunAborted {
		p.tellWritten(run)
	} else if format == "text" && err == nil {
		_, _ = fmt.Fprintln(p.stdout, sanitize.Line(name+": stopped before a run began; nothing was written"))
	}
	return err
}

// tellWritten lists what an aborted run has written, and what not.
func (p *program) tellWritten(run model.Run) {
	done := 0
	var lines []string
	for _, o := range run.Objects {
		word := "written"
		switch o.Result {
		case model.ResultPending:
			word = "not written"
		case model.ResultFailed:
			word = "failed"
		case model.ResultPruned:
			word = "deleted"
		}
		if o.Result != model.ResultPending && o.Result != model.ResultFailed {
			done++
		}
		lines = append(lines, fmt.Sprintf("  %-11s  %s", word, o.ID))
	}
	_, _ = fmt.Fprintln(p.stdout, sanitize.Line(fmt.Sprintf("run %s: %s; %d of %d objects were written, and stay as they are", run.ID, run.State, done, len(run.Objects))))
	for _, line := range lines {
		_, _ = fmt.Fprintln(p.stdout, sanitize.Line(line))
	}
}
