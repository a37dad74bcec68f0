package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

type revertFlags struct {
	run, backTo, override string
	now, yes              bool
	confirmed             []string // objects, by model.ObjectID.Ref
}

func (p *program) revertCommand() *cobra.Command {
	var f revertFlags
	c := &cobra.Command{
		Use:   "revert -e ENV [COMMIT]",
		Short: "Revert a change or a run: a branch and a pull request",
		Long: `Make the inverse of COMMIT (or of what --run shipped) on top of the branch's
head, show what applying it would change, and with --yes push it to a branch of
its own and open the pull request. --back-to COMMIT puts everything that the
environment is rendered from back to how it was at COMMIT instead; that cannot
conflict.

With --now --override REASON the revert is applied at once, before its pull
request is merged, where the environment's policy allows overrides.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.revert(cmd.Context(), f, args) },
	}
	c.Flags().StringVar(&f.run, "run", "", "revert what this run shipped")
	c.Flags().StringVar(&f.backTo, "back-to", "", "go back to how the environment was at this commit")
	c.Flags().BoolVar(&f.now, "now", false, "apply the revert at once; needs --override")
	c.Flags().StringVar(&f.override, "override", "", "reason for --now; it is recorded")
	c.Flags().BoolVar(&f.yes, "yes", false, "open the pull request")
	confirmFlag(c.Flags(), &f.confirmed)
	return c
}

func (p *program) revert(ctx context.Context, f revertFlags, args []string) error {
	format, err := p.format("text", "json")
	if err != nil {
		return err
	}
	name, err := p.environment()
	if err != nil {
		return err
	}
	if f.now && strings.TrimSpace(f.override) == "" {
		return model.Errorf(model.ExitUsage, "--now applies what nobody has approved: give the reason with --override REASON")
	}
	e, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	if f.now { // before anything is pushed
		if err := e.MayOverride(ctx, name); err != nil {
			return err
		}
	}
	r, err := revertRequest(ctx, e, name, f, args)
	if err != nil {
		return err
	}
	d, plan, err := e.Draft(ctx, r)
	if err != nil {
		return err
	}
	doc, err := newPlanDocument(plan)
	if err != nil {
		return err
	}
	if err := p.printPlan(p.stderr, plan, doc); err != nil {
		return err
	}
	pr, err := p.publish(ctx, e, name, d, f.yes || f.now, format)
	switch {
	case !f.now:
		return err
	case err != nil:
		// The emergency does not wait for the forge: what is applied is the
		// same, and recorded with its reason.
		_, _ = fmt.Fprintf(p.stderr, "fairtide: %s\nthe revert is applied all the same; without --now the same command opens its pull request\n", sanitize.Text(err.Error()))
	default:
		_, _ = fmt.Fprintf(p.stderr, "applying the revert before #%d is merged\n", pr.Number)
	}
	_, err = e.Apply(ctx, model.Approval{Plan: plan, Override: f.override, Emergency: true, Confirmed: f.confirmed}, p.logged(p.eventWriter("text")))
	return err
}

// revertRequest says what to revert: a commit, a run, or a way back.
func revertRequest(ctx context.Context, e *rollout.Engine, name string, f revertFlags, args []string) (model.DraftRequest, error) {
	r := model.DraftRequest{Environment: name, Kind: model.DraftRevert}
	given := 0
	for _, s := range append([]string{f.run, f.backTo}, args...) {
		if s != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return r, model.Errorf(model.ExitUsage, "revert what? give one of COMMIT, --run RUN and --back-to COMMIT; `fairtide history -e %s` and `fairtide changes -e %[1]s` list them", name)
	case f.backTo != "":
		r.Kind, r.Commit = model.DraftBackTo, f.backTo
		return r, nil
	case f.run == "":
		r.Commit = args[0]
		return r, nil
	}
	return e.RevertOfRun(ctx, name, f.run)
}

// publish opens the pull request of a draft once it is confirmed.
func (p *program) publish(ctx context.Context, e *rollout.Engine, name string, d model.Draft, yes bool, format string) (model.PullRequest, error) {
	for _, f := range d.Files {
		text := f.Diff
		if text == "" {
			text = f.Path + ": " + cmp.Or(f.Note, "it is no text")
		}
		_, _ = fmt.Fprintln(p.stderr, sanitize.Text(text))
	}
	_, _ = fmt.Fprintf(p.stderr, "%s: %s, %d files, on branch %s\n", name, sanitize.Line(d.Title), len(d.Files), d.Branch)
	if !yes {
		_, _ = fmt.Fprintln(p.stderr, "nothing was pushed; pass --yes to open the pull request")
		if format == "json" {
			return model.PullRequest{}, p.writeJSON(d)
		}
		return model.PullRequest{}, nil
	}
	pr, err := e.Publish(ctx, name, d)
	if err != nil {
		return pr, err
	}
	if format == "json" {
		return pr, p.writeJSON(map[string]any{"draft": d, "pullRequest": pr})
	}
	_, err = fmt.Fprintf(p.stdout, "#%d %s\n", pr.Number, pr.URL)
	return pr, err
}
