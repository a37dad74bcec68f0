package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

type resumeFlags struct {
	run, reason, override string
	yes                   bool
	confirmed             []string // objects, by model.ObjectID.Ref
}

func (p *program) resumeCommand() *cobra.Command {
	var r resumeFlags
	c := &cobra.Command{
		Use:   "resume -e ENV [RUN]",
		Short: "Continue a run whose operator is gone",
		Long: `Continue the interrupted run of an environment: one whose record is open although
nobody holds the lock, as after a crash or with a laptop that sleeps. What is
left is planned again, shown and confirmed; --yes confirms it. Only what still is
as it was approved is written, what was written before is not written again, and
all of it is watched and tested. The run keeps its record, with who continued it
and why. RUN is only to be sure which one is meant: no other than the newest can
be resumed. With -o json the run's events are written, one object a line.

A lock that expired is taken over only with a reason: asked for at the terminal,
or given with --reason. The window and the requirements count as for an apply.

Exits as ` + "`fairtide apply`" + ` does: 4 when what is left is no longer what was approved
(then apply anew), 5 when the run is under way, or there is no reason to take
over its lock.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				r.run = args[0]
			}
			return p.resume(cmd.Context(), r)
		},
	}
	c.Flags().StringVar(&r.reason, "reason", "", "reason to take over the lock of the run; it is recorded")
	c.Flags().StringVar(&r.override, "override", "", "reason to go on although the window is closed or requirements are not met; it is recorded")
	c.Flags().BoolVar(&r.yes, "yes", false, "confirm what is left")
	confirmFlag(c.Flags(), &r.confirmed)
	return c
}

func (p *program) resume(ctx context.Context, r resumeFlags) error {
	format, name, e, err := p.begin(ctx, p.fresh)
	if err != nil {
		return err
	}
	run, plan, err := e.Left(ctx, name, r.run)
	if err != nil {
		return err
	}
	doc, err := newPlanDocument(plan)
	if err != nil {
		return err
	}
	doc.Requirements = p.requirements(plan)
	_, _ = fmt.Fprintln(p.stderr, sanitize.Line(fmt.Sprintf("run %s of %s by %s was interrupted; this is left of it:", run.ID, model.Short(run.Commit), run.Writer())))
	if err := p.printPlan(p.stderr, plan, doc); err != nil {
		return err
	}
	p.warnLength(ctx, e, plan, false)
	if !r.yes { // also with nothing left to write: it takes a lock and closes the record
		if r.confirmed, err = p.confirmTo(ctx, plan, r.confirmed, "to resume "+run.ID); err != nil {
			return err
		}
	}
	if r.reason, err = p.takeOver(ctx, e, name, r.reason); err != nil {
		return err
	}
	_, err = e.Resume(ctx, model.ResumeRequest{
		Environment: name, Run: run.ID, Reason: r.reason, Override: r.override,
		Confirmed: r.confirmed, Reviewed: p.reviewed(plan),
	}, p.logged(p.eventWriter(format)))
	return takeOverFlag(err, "--reason")
}
