package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) diffCommand() *cobra.Command {
	var commit, save string
	c := &cobra.Command{
		Use:   "diff -e ENV",
		Short: "Show what applying would change",
		Long: `Read the live state and show what applying the head of the environment's branch
would change, object by object. Exits 0 when nothing would change and 1 when
something would, or could not be predicted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.diff(cmd.Context(), commit, save) },
	}
	c.Flags().StringVar(&commit, "commit", "", "plan this revision instead of the branch's head")
	c.Flags().StringVar(&save, "save", "", "also write the plan to this file, for `apply --plan`")
	return c
}

func (p *program) diff(ctx context.Context, commit, save string) error {
	format, name, e, err := p.begin(ctx, p.fresh)
	if err != nil {
		return err
	}
	plan, err := e.Plan(ctx, name, commit)
	if err != nil {
		return err
	}
	doc, err := newPlanDocument(plan)
	if err != nil {
		return err
	}
	if save != "" {
		if err := savePlan(save, doc); err != nil {
			return err
		}
	}
	if format == "json" {
		err = p.writeJSON(doc)
	} else {
		err = p.printPlan(p.stdout, plan, doc)
	}
	if err == nil && plan.Differs() {
		return exitStatus(model.ExitDifferences)
	}
	return err
}

// savePlan writes the whole plan or nothing: a half-written one could be
// taken for what was approved.
func savePlan(path string, doc planDocument) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".fairtide-plan-*")
	if err != nil {
		return model.Errorf(model.ExitUsage, "save the plan: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = model.Errorf(model.ExitUsage, "save the plan: %w", err)
		}
	}()
	if err = encodeJSON(f, doc); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (p *program) printPlan(w io.Writer, plan *model.Plan, doc planDocument) error {
	for i, o := range plan.Objects {
		if !o.Verdict.Differs() {
			continue
		}
		line := fmt.Sprintf("%s %s %s", p.sign(o.Verdict), o.Verdict, o.ID)
		if o.Reason != "" {
			line += ": " + o.Reason
		}
		_, _ = fmt.Fprintln(w, sanitize.Line(line))
		for _, r := range o.Risks {
			_, _ = fmt.Fprintln(w, "  ! "+sanitize.Line(r.Message))
		}
		if _, err := fmt.Fprintln(w, sanitize.Text(doc.Objects[i].Diff)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s at %s: %s\n", plan.Environment, model.Short(plan.Commit), p.summary(doc.Counts))
	if plan.Problem != "" {
		_, err = fmt.Fprintln(w, "cannot be applied: "+sanitize.Text(plan.Problem))
	}
	return err
}
