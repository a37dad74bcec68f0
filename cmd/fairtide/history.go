package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

type historyFlags struct {
	diff    bool
	compare string
}

func (p *program) historyCommand() *cobra.Command {
	var h historyFlags
	c := &cobra.Command{
		Use:   "history -e ENV [RUN]",
		Short: "List the runs of an environment, or show one, what it changed, or how two differ",
		Long: `List the runs of an environment, newest first. With RUN, its ID or its number,
show all that is recorded of it.

--diff shows what the run changed: how Git had the environment before it and as
the run wrote it, object by object, with what became of each. --compare shows
how another run differs from RUN: its commit's objects, and where the two
records tell different things. Both also write -o markdown.

Exits 2 when there is no such run, and names the last ones.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.history(cmd.Context(), h)
			}
			return p.historyOf(cmd.Context(), args[0], h)
		},
	}
	f := c.Flags()
	f.BoolVar(&h.diff, "diff", false, "show what the run changed")
	f.StringVar(&h.compare, "compare", "", "show how this run differs from RUN")
	c.MarkFlagsMutuallyExclusive("diff", "compare")
	return c
}

// runDocument is a record as `-o json` writes it.
type runDocument struct {
	model.Run
	Duration float64 `json:"duration,omitempty"` // seconds; none: it has not ended
}

func newRunDocument(r model.Run) runDocument {
	r.Objects, r.Tests, r.PullRequests = orEmpty(r.Objects), orEmpty(r.Tests), orEmpty(r.PullRequests)
	return runDocument{r, r.Took().Seconds()}
}

func (p *program) history(ctx context.Context, h historyFlags) error {
	if h.diff || h.compare != "" {
		return model.Errorf(model.ExitUsage, "--diff and --compare are about one run: name it, as in `fairtide history -e ENV RUN --diff`; `fairtide history -e ENV` lists them")
	}
	format, name, e, err := p.begin(ctx, p.engine)
	if err != nil {
		return err
	}
	runs, unreadable := e.History(ctx, name)
	if unreadable != nil && len(runs) == 0 {
		return unreadable
	}
	if format == "json" {
		docs := make([]runDocument, 0, len(runs))
		for _, r := range runs {
			docs = append(docs, newRunDocument(r))
		}
		return errors.Join(p.writeJSON(map[string]any{"environment": name, "runs": docs}), unreadable)
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintf(p.stdout, "%s has no recorded runs\n", name)
		return err
	}
	t := newTable(p.stdout)
	t.row("RUN", "STATE", "FROM", "TO", "OPERATOR", "STARTED", "TOOK", "OBJECTS", "REASON")
	for _, r := range runs {
		t.row(r.ID, string(r.State), dash(model.Short(r.From)), model.Short(r.Commit), r.Operator,
			ago(p.now(), r.StartedAt)+" ago", took(r), fmt.Sprint(len(r.Objects)), dash(why(r)))
	}
	return errors.Join(t.flush(), unreadable)
}

// why is what a run failed of, what it overrode, and what is special about it.
func why(r model.Run) string {
	var parts []string
	if r.Reason != "" {
		parts = append(parts, r.Reason)
	}
	if r.Exception != nil {
		parts = append(parts, "overridden by "+exceptionWords(r.Exception))
	}
	if r.RollsBack != "" {
		parts = append(parts, "rolls back "+r.RollsBack)
	}
	if n := len(r.Attempts); n > 0 {
		parts = append(parts, fmt.Sprintf("attempt %d, by %s", n+1, r.Writer()))
	}
	return strings.Join(parts, "; ")
}

func exceptionWords(x *model.Exception) string {
	return fmt.Sprintf("%s: %s (%s)", x.Who(), x.Reason, strings.Join(x.Rules, "; "))
}

func took(r model.Run) string {
	if r.FinishedAt.IsZero() {
		return "-"
	}
	return r.Took().Round(time.Second).String()
}

// historyOf is about one run.
func (p *program) historyOf(ctx context.Context, id string, h historyFlags) error {
	formats := []string{"text", "json"}
	if h.diff || h.compare != "" {
		formats = append(formats, "markdown")
	}
	format, err := p.format(formats...)
	if err != nil {
		return err
	}
	name, err := p.environment()
	if err != nil {
		return err
	}
	e, err := p.engine(ctx)
	if err != nil {
		return err
	}
	switch {
	case h.diff:
		d, err := e.RunDiff(ctx, name, id)
		if err != nil {
			return err
		}
		return p.showRunDiff(d, format)
	case h.compare != "":
		d, err := e.CompareRuns(ctx, name, id, h.compare)
		if err != nil {
			return err
		}
		return p.showRunDiff(d, format)
	}
	return p.showRun(ctx, e, name, id, format)
}

func (p *program) showRun(ctx context.Context, e *rollout.Engine, name, id, format string) error {
	runs, unreadable := e.History(ctx, name)
	r, err := model.FindRun(name, runs, id)
	if err != nil && unreadable != nil {
		return unreadable // it may be among those
	}
	if err != nil {
		return err
	}
	if format == "json" {
		doc := newRunDocument(r)
		return p.writeJSON(map[string]any{"environment": name, "run": doc, "rolledBackBy": rolledBackBy(runs, r.ID)})
	}
	return p.printRun(r, rolledBackBy(runs, r.ID))
}

// rolledBackBy is the run that took a run back; empty: none did.
func rolledBackBy(runs []model.Run, id string) string {
	for _, r := range runs {
		if r.RollsBack == id {
			return r.ID
		}
	}
	return ""
}

func (p *program) printRun(r model.Run, takenBackBy string) error {
	t := newTable(p.stdout)
	fact := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	at := func(when time.Time) string {
		if when.IsZero() {
			return ""
		}
		return when.UTC().Format(time.RFC3339) + ", " + ago(p.now(), when) + " ago"
	}
	fact("run", r.ID)
	fact("state", string(r.State))
	fact("reason", r.Reason)
	fact("from", r.From)
	fact("commit", r.Commit)
	fact("digest", r.Digest)
	fact("operator", r.Operator)
	for i, a := range r.Attempts {
		reason := ""
		if a.Reason != "" {
			reason = ": " + a.Reason
		}
		fact(fmt.Sprintf("attempt %d", i+2), a.Operator+", "+at(a.At)+reason)
	}
	fact("started", at(r.StartedAt))
	fact("finished", at(r.FinishedAt))
	if !r.FinishedAt.IsZero() {
		fact("took", took(r))
	}
	fact("window", r.Window)
	if r.Exception != nil {
		fact("override", exceptionWords(r.Exception))
	} else if r.Override != "" {
		fact("override", "not needed, as no rule was in the way; the reason given was: "+r.Override)
	}
	for _, q := range r.Requirements {
		fact("requirement", q.Sentence())
	}
	var pulls []string
	for _, n := range r.PullRequests {
		pulls = append(pulls, fmt.Sprintf("#%d", n))
	}
	fact("pull requests", strings.Join(pulls, ", "))
	for _, k := range r.Kept {
		fact("kept live", k.String())
	}
	fact("rolls back", r.RollsBack)
	fact("rolled back by", takenBackBy)
	if n := len(r.Waves); n > 0 {
		fact("waves", fmt.Sprintf("%d of %d begun: %s", r.Wave, n, strings.Join(r.Waves, ", ")))
	}
	fact("objects", r.Tally())
	if err := t.flush(); err != nil {
		return err
	}
	return errors.Join(p.printRunObjects(r), p.printRunTests(r))
}

func (p *program) printRunObjects(r model.Run) error {
	if len(r.Objects) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(p.stdout)
	t := newTable(p.stdout)
	t.row("OBJECT", "VERDICT", "RESULT", "WAVE", "MESSAGE")
	for _, o := range r.Objects {
		wave := ""
		if o.Wave > 0 {
			wave = fmt.Sprint(o.Wave)
		}
		t.row(o.ID.String(), string(o.Verdict), string(o.Result), dash(wave), dash(o.Message))
	}
	return t.flush()
}

func (p *program) printRunTests(r model.Run) error {
	if len(r.Tests) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(p.stdout)
	t := newTable(p.stdout)
	t.row("TEST", "KIND", "STATE", "REQUIRED", "TOOK", "MESSAGE")
	for _, x := range r.Tests {
		took := ""
		if !x.StartedAt.IsZero() && !x.FinishedAt.IsZero() {
			took = x.FinishedAt.Sub(x.StartedAt).Round(time.Second).String()
		}
		required := "no"
		if x.Required {
			required = "yes"
		}
		t.row(x.Name, string(x.Kind), string(x.State), required, dash(took), dash(x.Message))
	}
	return t.flush()
}

// runDiffDocument is a run's diff, or a comparison of two, as `-o json` writes
// it: a plan's document with what became of the objects.
type runDiffDocument struct {
	planDocument
	Run     runDocument         `json:"run"`
	Other   *runDocument        `json:"other,omitempty"` // that run is compared with
	Objects []runObjectDocument `json:"objects"`
	// Differences are where the two records differ, ObjectDifferences the same
	// of their objects; only in a comparison.
	Differences       []model.RunField        `json:"differences,omitempty"`
	ObjectDifferences []model.RunObjectChange `json:"objectDifferences,omitempty"`
}

type runObjectDocument struct {
	objectDocument
	Result  model.ObjectResult `json:"result,omitempty"` // empty: the run had nothing to write
	Message string             `json:"message,omitempty"`
}

func newRunDiffDocument(d *model.RunDiff) (runDiffDocument, error) {
	plan, err := lensDocument(d.Plan, model.LensRun)
	out := runDiffDocument{
		planDocument: plan, Run: newRunDocument(d.Run), Objects: []runObjectDocument{},
		Differences: d.Fields, ObjectDifferences: d.Objects,
	}
	if d.Other != nil {
		other := newRunDocument(*d.Other)
		out.Other = &other
	}
	results := map[model.ObjectID]model.RunObject{}
	for _, o := range d.Run.Objects {
		results[o.ID] = o
	}
	for _, o := range plan.Objects {
		x := runObjectDocument{objectDocument: o}
		if r, ok := results[model.ObjectID{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}]; ok && d.Other == nil {
			x.Result, x.Message = r.Result, r.Message
		}
		out.Objects = append(out.Objects, x)
	}
	return out, err
}

// showRunDiff writes what a run changed. That it changed something is no
// difference between two things that ought to be the same: it exits 0.
func (p *program) showRunDiff(d *model.RunDiff, format string) error {
	if format == "markdown" {
		out, err := planMarkdown(d.Plan, model.LensRun)
		if err == nil {
			_, err = io.WriteString(p.stdout, out)
		}
		return err
	}
	doc, err := newRunDiffDocument(d)
	if err != nil {
		return err
	}
	if format == "json" {
		return p.writeJSON(doc)
	}
	title := fmt.Sprintf("%s, %s, by %s", d.Run.ID, d.Run.State, d.Run.Operator)
	if d.Other != nil {
		title += fmt.Sprintf(", compared with %s, %s, by %s", d.Other.ID, d.Other.State, d.Other.Operator)
	}
	if _, err := fmt.Fprintln(p.stdout, sanitize.Line(title)); err != nil {
		return err
	}
	return p.printPlan(p.stdout, d.Plan, doc.planDocument)
}
