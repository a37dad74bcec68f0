package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) validateCommand() *cobra.Command {
	var r rollout.ValidateRequest
	c := &cobra.Command{
		Use:   "validate -e ENV (--head REV | --pr NUMBER)",
		Short: "Try a change in a sandbox before it is approved",
		Long: `Render --head merged into --base, say what it changes, deploy it to a sandbox
namespace, run the environment's acceptance tests there and remove the sandbox.
With --pr the head is what the pull request proposes, and the result is written
onto it as a comment and as the commit status ` + rollout.ValidationCheck + `.

Exits 6 when the change does not render or does not become ready, and 7 when a
required test does not pass.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.validate(cmd.Context(), r) },
	}
	c.Flags().StringVar(&r.Base, "base", "", "revision to merge into (default: the head of the environment's branch)")
	c.Flags().StringVar(&r.Head, "head", "", "revision to validate")
	c.Flags().IntVar(&r.PullRequest, "pr", 0, "number of the pull request to validate")
	c.Flags().StringVar(&r.Name, "sandbox", "", "name of the sandbox namespace (default: made of the change)")
	c.MarkFlagsMutuallyExclusive("head", "pr")
	c.MarkFlagsOneRequired("head", "pr")
	return c
}

func (p *program) validate(ctx context.Context, r rollout.ValidateRequest) error {
	format, err := p.format("text", "json", "markdown")
	if err != nil {
		return err
	}
	if r.Environment, err = p.environment(); err != nil {
		return err
	}
	e, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	v, err := e.Validate(ctx, r, p.logged(p.eventWriter("text")))
	if err != nil {
		return err
	}
	switch format {
	case "json":
		err = p.writeJSON(v)
	case "markdown":
		_, err = fmt.Fprint(p.stdout, rollout.Markdown(v))
	default:
		err = p.printValidation(v)
	}
	if err != nil || v.Passed {
		return err
	}
	for _, t := range v.Tests {
		if t.Blocks() {
			return exitStatus(model.ExitTestsFailed)
		}
	}
	return exitStatus(model.ExitRolloutFailed)
}

func (p *program) printValidation(v model.Validation) error {
	verdict := "passed"
	if !v.Passed {
		verdict = "did not pass"
	}
	t := newTable(p.stdout)
	for _, o := range v.Objects {
		t.row(p.sign(o.Verdict), o.ID.String(), o.Summary)
	}
	for _, r := range v.Tests {
		t.row("test", r.Name, string(r.State)+" "+r.Message)
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, n := range v.Notes {
		_, _ = fmt.Fprintln(p.stdout, "note: "+sanitize.Line(n))
	}
	_, err := fmt.Fprintf(p.stdout, "%s: %s %s: %s\n", v.Environment, model.Short(v.Head), verdict, sanitize.Line(v.Message))
	return err
}

func (p *program) testCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test -e ENV",
		Short: "Run the acceptance tests of an environment again",
		Long: `Run the acceptance tests against what the environment runs now. Exits 7 when a
required one does not pass. With -o json the events are written, one a line.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.test(cmd.Context()) },
	}
}

func (p *program) test(ctx context.Context) error {
	format, name, e, err := p.begin(ctx, p.engine)
	if err != nil {
		return err
	}
	_, err = e.Test(ctx, name, p.logged(p.eventWriter(format)))
	return err
}
