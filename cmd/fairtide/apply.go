package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

type applyFlags struct {
	commit, plan, override string
	takeOver               string
	yes, replace, wait     bool
	keep                   []string
	confirmed              []string // objects, by model.ObjectID.Ref
}

// confirmFlag is the flag with which an operator names what does not come back.
func confirmFlag(f *pflag.FlagSet, to *[]string) {
	f.StringArrayVar(to, "confirm", nil,
		"confirm by name, as KIND/NAME or KIND/NAMESPACE/NAME, what is lost for good; may be repeated")
}

func (p *program) applyCommand() *cobra.Command {
	var a applyFlags
	c := &cobra.Command{
		Use:   "apply -e ENV",
		Short: "Apply a plan and watch it roll out",
		Long: `Apply the head of the environment's branch (or --commit) inside the window, watch
it until it is ready and record it. The plan is shown and confirmed first; --yes
confirms it. A namespace, a definition, a volume, or what has finalizers is
deleted only when its name is given too: typed at the terminal, or with
--confirm KIND/NAMESPACE/NAME. With --plan FILE exactly the plan saved by ` + "`diff --save`" + ` is applied,
or nothing. With -o json the run's events are written, one object a line.

With --wait-for-window the plan is confirmed now and starts when the window
opens, by the cluster's clock; an open one is not waited for. While it is armed
nothing is written and nothing locked. The plan is read again when its objects or
the branch move, and every few minutes: when something else would be applied, the
arming is void. A change of the rules that is merged counts at once. What
waiting does not mend, such as a missing approval, is refused now; a soak is
judged when the window opens. A cluster that is away is waited for. With -o json
there is an event of type armed when it begins to wait, and when the time changes.

A lock whose holder let it expire, as a run that was killed does, is taken over
only with a reason, which is recorded: asked for at the terminal, or given with
--take-over. To continue that run instead, see ` + "`fairtide resume`" + `.

Exits 3 when the window is closed, 4 when the plan no longer matches what was
approved, 5 when someone else holds the lock, 6 when the apply or the rollout
failed, 8 when requirements are not met or a name was not confirmed, 130 when it
was interrupted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.apply(cmd.Context(), a) },
	}
	c.Flags().StringVar(&a.commit, "commit", "", "apply this merged revision instead of the branch's head")
	c.Flags().StringVar(&a.plan, "plan", "", "apply the plan saved in this file")
	c.Flags().StringVar(&a.override, "override", "", "reason to apply although the window is closed or requirements are not met; it is recorded")
	c.Flags().StringVar(&a.takeOver, "take-over", "", "reason to take over a lock whose holder let it expire; it is recorded")
	c.Flags().BoolVar(&a.wait, "wait-for-window", false, "confirm now, and start when the window opens")
	c.Flags().BoolVar(&a.yes, "yes", false, "confirm the plan")
	c.Flags().BoolVar(&a.replace, "replace", false, "allow objects to be deleted and made again where an immutable field changes")
	keepFlag(c.Flags(), &a.keep)
	confirmFlag(c.Flags(), &a.confirmed)
	c.MarkFlagsMutuallyExclusive("commit", "plan")
	c.MarkFlagsMutuallyExclusive("keep", "plan") // the plan says what is kept
	return c
}

func (p *program) apply(ctx context.Context, a applyFlags) error {
	format, err := p.format("text", "json")
	if err != nil {
		return err
	}
	name, err := p.environment()
	if err != nil {
		return err
	}
	if a.wait && a.override != "" {
		return model.Errorf(model.ExitUsage, "either the window is waited for (--wait-for-window), or it is overridden with a reason (--override): not both")
	}
	keep, err := keptFields(a.keep)
	if err != nil {
		return err
	}
	var saved *planDocument
	if a.plan != "" {
		if saved, err = loadPlan(a.plan, name); err != nil {
			return err
		}
		a.commit = saved.Commit
	}
	e, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	ask := model.PlanAsk{Environment: name, Commit: a.commit, Keep: keep, Replace: a.replace}
	if saved != nil {
		ask.Keep, ask.Replace = saved.Kept, saved.Replaces || a.replace
	}
	plan, err := e.PlanAs(ctx, ask)
	if err != nil {
		return err
	}
	if saved != nil && saved.Digest != plan.Digest {
		return p.movedSince(format, saved.plan(), plan, a.plan)
	}
	doc, err := newPlanDocument(plan)
	if err != nil {
		return err
	}
	doc.Requirements = p.requirements(plan)
	if err := p.printPlan(p.stderr, plan, doc); err != nil {
		return err
	}
	p.warnLength(ctx, e, plan, a.wait)
	if len(plan.Waves()) > 0 && !a.yes { // also what only takes over fields is a write
		if a.confirmed, err = p.confirm(ctx, plan, a.confirmed); err != nil {
			return err
		}
	}
	if a.takeOver, err = p.takeOver(ctx, e, name, a.takeOver); err != nil {
		return err
	}
	approval := model.Approval{
		Plan: plan, Override: a.override, Confirmed: a.confirmed, Reviewed: p.reviewed(plan), Wait: a.wait, TakeOver: a.takeOver,
	}
	_, err = e.Apply(ctx, approval, p.logged(p.eventWriter(format)))
	return takeOverFlag(err, "--take-over")
}

// warnLength says when a plan is not expected to end before the window closes.
// What is not known is no reason not to go on.
func (p *program) warnLength(ctx context.Context, e *rollout.Engine, plan *model.Plan, waits bool) {
	if len(plan.Waves()) == 0 {
		return
	}
	text, _, err := e.Fits(ctx, plan, waits)
	if err != nil {
		p.log.Warn("estimate", "error", err)
	}
	if text != "" {
		_, _ = fmt.Fprintln(p.stderr, sanitize.Line("warning: "+text))
	}
}

// movedSince is the error of a saved plan that is not what would be applied
// now. With JSON it comes with the event that a run would end with.
func (p *program) movedSince(format string, saved, now *model.Plan, file string) error {
	err := lens.NewMovedError(saved, now)
	var moved *lens.MovedError
	if format == "json" && errors.As(err, &moved) {
		code := int(model.ExitPlanMoved)
		p.eventWriter(format)(model.Event{
			Time: now.ReadAt, Type: model.EventFinished, State: model.RunAborted, Message: err.Error(), ExitCode: &code, Moved: moved.Moved,
		})
	}
	return fmt.Errorf("%s: %w", file, err)
}

func loadPlan(path, environment string) (*planDocument, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "read the plan: %w", err)
	}
	var d planDocument
	if err := json.Unmarshal(data, &d); err != nil || d.Digest == "" || d.Commit == "" {
		return nil, model.Errorf(model.ExitUsage, "%s is not a plan that `fairtide diff --save` wrote", path)
	}
	if d.Environment != environment {
		return nil, model.Errorf(model.ExitUsage, "%s is a plan of %s, not of %s", path, d.Environment, environment)
	}
	return &d, nil
}

// confirm asks the operator to type the environment's name, and then that of
// what does not come back, where the flags have not named it. It returns the
// objects that are confirmed by name. Without a terminal there is nobody to
// ask, and silence is not consent.
func (p *program) confirm(ctx context.Context, plan *model.Plan, named []string) ([]string, error) {
	return p.confirmTo(ctx, plan, named, fmt.Sprintf("to apply %s to it", model.Short(plan.Commit)))
}

func (p *program) confirmTo(ctx context.Context, plan *model.Plan, named []string, what string) ([]string, error) {
	if !term.IsTerminal(p.stdin.Fd()) {
		return nil, model.Errorf(model.ExitUsage, "%s: not a terminal, so the plan cannot be confirmed; review it with `fairtide diff` and pass --yes", plan.Environment)
	}
	in := p.keyboard()
	if err := p.typed(ctx, in, plan.Environment, what); err != nil {
		return nil, err
	}
	if plan.Unconfirmed(named) == nil {
		return named, nil
	}
	lost := model.Refs(plan.ToType())
	return append(named, lost...), p.typed(ctx, in, plan.Phrase(), "to lose "+strings.Join(lost, ", "))
}

// keyboard is what the operator types, for all questions of one command: what
// was read ahead with one answer belongs to the next.
func (p *program) keyboard() *bufio.Reader {
	if p.typing == nil {
		p.typing = bufio.NewReader(p.stdin)
	}
	return p.typing
}

// typed asks for a text to be typed.
func (p *program) typed(ctx context.Context, in *bufio.Reader, want, what string) error {
	_, _ = fmt.Fprint(p.stderr, sanitize.Line(fmt.Sprintf("Type %s %s:", want, what))+" ")
	line, err := readLine(ctx, in)
	if err != nil {
		return err
	}
	if strings.TrimSpace(line) != want {
		return model.Errorf(model.ExitUsage, "not confirmed; nothing was written")
	}
	return nil
}

// readLine reads what the operator types. A read from a terminal cannot be
// ended: an interrupt leaves it behind.
func readLine(ctx context.Context, in *bufio.Reader) (string, error) {
	var line string
	read := make(chan error, 1)
	go func() {
		var err error
		line, err = in.ReadString('\n')
		read <- err
	}()
	select {
	case err := <-read:
		if err != nil && !errors.Is(err, io.EOF) {
			return "", model.Errorf(model.ExitUsage, "read the confirmation: %w", err)
		}
		return line, nil
	case <-ctx.Done():
		return "", model.Errorf(model.ExitInterrupted, "interrupted; nothing was written")
	}
}

// eventWriter tells a run's story: as JSON lines on stdout, or as text on
// stderr.
func (p *program) eventWriter(format string) func(model.Event) {
	if format == "json" {
		enc := json.NewEncoder(p.stdout)
		enc.SetEscapeHTML(false)
		return func(e model.Event) { _ = enc.Encode(e) } // the run does not fail because nobody reads
	}
	told := map[model.ObjectID]string{} // what was last said of each object
	return func(e model.Event) {
		line := eventLine(e)
		if e.Object != nil {
			if told[*e.Object] == line {
				return // its pods moved, but there is nothing new to say
			}
			told[*e.Object] = line
		}
		if line != "" {
			_, _ = fmt.Fprintln(p.stderr, sanitize.Line(e.Time.Format("15:04:05")+"  "+line))
		}
	}
}

// logged also writes a run's events to the log file.
func (p *program) logged(emit func(model.Event)) func(model.Event) {
	return func(e model.Event) {
		attrs := []any{"run", e.Run, "type", e.Type}
		if e.Object != nil {
			attrs = append(attrs, "object", e.Object.String())
		}
		p.log.Info("event", append(attrs, "message", e.Message)...)
		emit(e)
	}
}

func eventLine(e model.Event) string {
	switch e.Type {
	case model.EventStarted:
		return "run " + e.Run + " started: " + e.Message
	case model.EventWave:
		return fmt.Sprintf("wave %d of %d: %s", e.Wave, e.Waves, e.Message)
	case model.EventApplied:
		return "applied " + e.Object.String()
	case model.EventPruned:
		return "deleted " + e.Object.String()
	case model.EventTest:
		return "test " + e.Source + ": " + e.Message
	case model.EventLog:
		return "  " + e.Source + " | " + e.Message
	case model.EventProgress, model.EventCause:
		if e.Message == "" {
			return ""
		}
		return fmt.Sprintf("%s: %s", e.Object, e.Message)
	case model.EventFinished:
		if e.Message != "" {
			return "" // the error is printed by whoever gets it
		}
		return string(e.State)
	}
	return e.Message
}
