package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

type diffFlags struct {
	commit, save, lens string
	keep               []string
	full, replace      bool
	showHidden         bool
}

func (p *program) diffCommand() *cobra.Command {
	var d diffFlags
	c := &cobra.Command{
		Use:   "diff -e ENV",
		Short: "Show what applying would change",
		Long: `Read the live state and show what applying the head of the environment's branch
would change, object by object, and for each field why: the commit and pull
request that brought it, who changed it live, or the server. Exits 0 when
nothing would change and 1 when something would, or could not be predicted.

--lens says which two sides are compared: apply (live, and after applying), git
(as the deployed commit renders it, and as this one does) or drift (as the
deployed commit renders it, and live). With -o markdown it is a comment.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.diff(cmd.Context(), d) },
	}
	f := c.Flags()
	f.StringVar(&d.commit, "commit", "", "plan this revision instead of the branch's head")
	f.StringVar(&d.save, "save", "", "also write the plan to this file, for `apply --plan`")
	f.StringVar(&d.lens, "lens", "", "what to compare: apply, git or drift (default: apply)")
	f.BoolVar(&d.full, "full", false, "have the server predict every object, also those that are live as Git writes them")
	f.BoolVar(&d.replace, "replace", false, "let objects be deleted and made again where an immutable field changes")
	f.BoolVar(&d.showHidden, "show-hidden", false, "show what the configuration's hide rules keep out of the diffs; it is written in either case")
	keepFlag(f, &d.keep)
	return c
}

// keepFlag is the flag for what somebody changed live and is to stay.
func keepFlag(f *pflag.FlagSet, keep *[]string) {
	f.StringArrayVar(keep, "keep", nil, `leave this field out once, so that what somebody set live stays: "Deployment shop/cart:spec.replicas"; may be repeated`)
}

func keptFields(flags []string) ([]model.FieldRef, error) {
	var out []model.FieldRef
	for _, s := range flags {
		ref, ok := model.ParseFieldRef(s)
		if !ok {
			return nil, model.Errorf(model.ExitUsage, "--keep %q is no field; write KIND NAMESPACE/NAME:PATH, as in \"Deployment shop/cart:spec.replicas\"", s)
		}
		out = append(out, ref)
	}
	return out, nil
}

func (p *program) diff(ctx context.Context, d diffFlags) error {
	format, err := p.format("text", "json", "markdown")
	if err != nil {
		return err
	}
	name, err := p.environment()
	if err != nil {
		return err
	}
	through, err := lens.Parse(d.lens)
	if err != nil {
		return err
	}
	keep, err := keptFields(d.keep)
	if err != nil {
		return err
	}
	e, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	plan, err := e.PlanAs(ctx, model.PlanAsk{
		Environment: name, Commit: d.commit, Lenses: through != model.LensApply, Full: d.full, Keep: keep, Replace: d.replace,
	})
	if err != nil {
		return err
	}
	requirements := p.requirements(plan)
	if d.save != "" {
		doc, err := newPlanDocument(plan)
		doc.Requirements = requirements
		if err == nil {
			err = savePlan(d.save, doc)
		}
		if err != nil {
			return err
		}
	}
	if d.showHidden {
		plan = lens.WithHidden(plan)
	}
	return p.showDiff(plan, through, format, requirements)
}

// showDiff writes a plan through a lens. What differs through it is what the
// exit code is about.
func (p *program) showDiff(plan *model.Plan, through model.Lens, format string, requirements []model.Requirement) error {
	seen := lens.Through(plan, through)
	if through != model.LensApply && plan.NoLenses != "" {
		return model.Errorf(model.ExitUsage, "%s: there is nothing to see through the lens %s: %s", plan.Environment, through, plan.NoLenses)
	}
	if format == "markdown" {
		out, err := planMarkdown(seen, through)
		if err == nil {
			_, err = io.WriteString(p.stdout, out)
		}
		return p.differs(seen, err)
	}
	doc, err := lensDocument(seen, through)
	if err != nil {
		return err
	}
	doc.Requirements = requirements
	if format == "json" {
		return p.differs(seen, p.writeJSON(doc))
	}
	return p.differs(seen, p.printPlan(p.stdout, seen, doc))
}

func (p *program) differs(plan *model.Plan, err error) error {
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
			if o.Left { // and why it stays
				_, _ = fmt.Fprintln(w, sanitize.Line(fmt.Sprintf("%s %s left Git: %s", p.sign(o.Verdict), o.ID, o.Reason)))
			}
			continue
		}
		line := fmt.Sprintf("%s %s %s", p.sign(o.Verdict), o.Verdict, o.ID)
		if o.Reason != "" {
			line += ": " + o.Reason
		}
		_, _ = fmt.Fprintln(w, sanitize.Line(line))
		for _, r := range o.Risks {
			_, _ = fmt.Fprintln(w, "  ! "+riskLine(r))
		}
		printCauses(w, o.Causes)
		if words := lens.HiddenWords(o); words != "" {
			_, _ = fmt.Fprintln(w, "  = "+words+": "+sanitize.Line(hiddenPaths(o)))
		}
		if _, err := fmt.Fprintln(w, sanitize.Text(doc.Objects[i].Diff)); err != nil {
			return err
		}
	}
	for _, f := range plan.Kept {
		_, _ = fmt.Fprintln(w, "kept as it is live: "+sanitize.Line(f.String()))
	}
	_, err := fmt.Fprintf(w, "%s at %s: %s\n", plan.Environment, model.Short(plan.Commit), p.summary(doc.Counts))
	for _, r := range plan.Risks {
		_, err = fmt.Fprintln(w, "! "+riskLine(r))
	}
	for _, n := range plan.Notes {
		_, err = fmt.Fprintln(w, "note: "+sanitize.Text(n))
	}
	for _, r := range doc.Requirements {
		_, err = fmt.Fprintln(w, sanitize.Line(r.Sentence()))
	}
	if plan.Problem != "" {
		_, err = fmt.Fprintln(w, "cannot be applied: "+sanitize.Text(plan.Problem))
	}
	return err
}

// riskLine is a risk with the word for how grave it is.
func riskLine(r model.Risk) string { return sanitize.Line(string(r.Severity) + ": " + r.Message) }

// causesShown is how many causes of an object are printed.
const causesShown = 20

func printCauses(w io.Writer, causes []model.Cause) {
	for i, c := range causes {
		if i == causesShown {
			_, _ = fmt.Fprintf(w, "  # and %d more\n", len(causes)-i)
			return
		}
		_, _ = fmt.Fprintln(w, "  # "+sanitize.Line(lens.CauseSentence(c)))
	}
}

// hiddenPaths names what rules hide of an object.
func hiddenPaths(o model.PlannedObject) string {
	paths := make([]string, len(o.Hidden))
	for i, h := range o.Hidden {
		paths[i] = h.Path
	}
	return strings.Join(paths, ", ")
}
