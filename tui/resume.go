package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/rollout"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// findInterrupted reads the record of an environment's last run once the status
// says that it was interrupted.
func (a *App) findInterrupted(env string) tea.Cmd {
	last := a.home.Status(env).Value.LastRun
	if last == nil || last.State != model.RunInterrupted {
		delete(a.home.Interrupted, env)
		return nil
	}
	if a.home.Interrupted[env].ID == last.ID || a.active(env) {
		return nil
	}
	s := a.records[env]
	if s == nil {
		s = &slot.Slot[[]model.Run]{}
		a.records[env] = s
	}
	return loadQuietly(a, s, func(ctx context.Context) ([]model.Run, error) {
		return a.cfg.Backend.History(ctx, env)
	}, func() tea.Cmd {
		for i, r := range s.Value {
			// Only the newest can be continued, and only while its record is open.
			if i == 0 && r.ID == last.ID && r.State == model.RunInterrupted && r.FinishedAt.IsZero() {
				a.home.Interrupted[env] = r
			}
		}
		return nil
	})
}

// interrupted is the interrupted run that the page on the screen is about.
func (a *App) interrupted() (model.Environment, model.Run, bool) {
	if a.at == action.Rollout {
		p := a.runs[a.runEnv].page
		return p.Environment, p.Run(), p.Interrupted()
	}
	env, _ := a.home.Environment()
	run, ok := a.home.Interrupted[env.Name]
	return env, run, ok
}

// whyResume is why no run can be resumed; empty: one can.
func (a *App) whyResume() string {
	env, _, ok := a.interrupted()
	switch {
	case a.cfg.ReadOnly:
		return readOnly + "applied"
	case !ok:
		return "no run was interrupted here"
	case a.active(env.Name):
		return a.underWay(env.Name)
	case a.heldElsewhere(env.Name):
		return sanitize.Line(a.home.Status(env.Name).Value.Lock.Holder) + " holds the lock: " + a.keyOf(action.OpenRun, action.Home) + " on the home page watches that run"
	}
	return ""
}

// resumption is what the dialog says that continues an interrupted run.
type resumption struct {
	app       *App
	env       model.Environment
	run       model.Run
	overrides bool // the window is closed, and a reason is asked for
}

// askResume asks whether an interrupted run shall be continued.
func (a *App) askResume() tea.Cmd {
	env, run, _ := a.interrupted()
	q := &resumption{app: a, env: env, run: run}
	spec := dialog.Spec{
		Title: func(f frame.Frame) string {
			return f.Bold.Paint("Resume "+sanitize.Line(run.ID)+" in ") + badge(f, env)
		},
		Body: q.body, Cancel: "Cancel", Confirm: "Resume " + model.Short(run.Commit), Danger: true,
		Fields: []dialog.Field{{Label: "Reason to resume it:", Limit: reasonLimit}},
	}
	st := a.home.Status(env.Name).Value
	if _, may := env.Override.Permits(st.User, st.Groups); may && st.Window != nil && !st.Window.Open {
		q.overrides = true
		spec.Fields = append(spec.Fields, dialog.Field{Label: "Reason to override the closed window:", Limit: reasonLimit})
	}
	if env.Tier == model.TierProduction {
		spec.Fields = append(spec.Fields, nameField(env.Name))
	}
	d := dialog.New(spec, a.now())
	a.question = &question{Dialog: d, confirmed: func() tea.Cmd {
		ask := model.ResumeRequest{Environment: env.Name, Run: run.ID, Reason: d.Value(0)}
		if q.overrides {
			ask.Override = d.Value(1)
		}
		return a.resume(env, run, ask)
	}}
	return a.loadStatus(env.Name) // the lock and the window as they are now
}

func (q *resumption) body(f frame.Frame, w int) []string {
	const indent, most = 12, 4
	fact := func(label, text string) []string {
		var out []string
		for _, l := range paint.Wrap(text, w-indent) {
			out, label = append(out, paint.Cut("  "+f.Dim.Paint(paint.Fit(label, indent-2))+l, w)), ""
		}
		return out
	}
	r := q.run
	out := fact("run", fmt.Sprintf("%s %s %s", f.Commit(r.From), f.Glyph.Arrow, f.Commit(r.Commit)))
	out = append(out, fact("by", sanitize.Line(r.Writer())+", "+words.Ago(f.Now.Sub(r.StartedAt)))...)
	if where := words.CutOff(r.Wave, len(r.Waves)); where != "" {
		out = append(out, fact("stopped", where)...)
	}
	var left []string
	for _, o := range r.Objects {
		if o.Result == model.ResultPending || o.Result == model.ResultFailed {
			left = append(left, sanitize.Line(o.ID.Kind+" "+o.ID.Name))
		}
	}
	if len(left) > 0 {
		out = append(out, fact("left", fmt.Sprintf("at most %d of %s: %s", len(left), words.Count(len(r.Objects), "object"), words.List(left, most)))...)
	} else {
		out = append(out, fact("left", "everything is recorded as written; it is watched until it is ready")...)
	}
	if win := q.app.window(q.env.Name); win != nil && !win.Open {
		out = append(out, fact("window", f.Warn.Paint(f.Glyph.Failed+" closed: "+frame.Reason(win, q.overrides)))...)
	}
	out = append(out, "")
	for _, l := range paint.Wrap(q.advice(f), w-2) {
		out = append(out, "  "+f.Dim.Paint(l))
	}
	return out
}

// advice says what to see to first, what resuming does, and what could be done
// instead.
func (q *resumption) advice(f frame.Frame) string {
	r := q.run
	ask := "Ask " + sanitize.Line(r.Writer()) + " first: the run must not be under way there any more."
	if user := q.app.home.Status(q.env.Name).Value.User; user != "" && strings.HasPrefix(r.Writer(), user+"@") {
		ask = "It was yours, as " + sanitize.Line(r.Writer()) + ": see first that it is not under way there any more."
	}
	ask += " The record may lag behind: what is left is read again, and written only if it still is what was approved."
	if r.From != "" && r.From != r.Commit {
		ask += " Instead, " + f.Key(action.RollBack, action.Rollout) + " on the page of the run reviews " + f.Commit(r.From) + ", to roll back to it."
	}
	return ask
}

// resume continues an interrupted run and shows its page.
func (a *App) resume(env model.Environment, record model.Run, ask model.ResumeRequest) tea.Cmd {
	if why := a.whyResume(); why != "" {
		a.notice = why
		return nil
	}
	ask.Brake = &model.Brake{}
	r := &run{page: rollout.Continue(env, record, a.now()), brake: ask.Brake}
	delete(a.home.Interrupted, env.Name)
	return tea.Batch(a.carry(r, func(ctx context.Context) (model.Run, error) {
		return a.cfg.Backend.Resume(ctx, ask, r.feed.emit)
	}), a.usual(r))
}

// offerTakeOver asks for the reason to take over a lock that its holder let
// expire, if that is why a run was refused, and runs the same plan again.
func (a *App) offerTakeOver(r *run, err error) {
	var expired *model.TakeOverError
	if !errors.As(err, &expired) || r.approval.Plan == nil {
		return
	}
	env, lock := r.page.Environment, expired.Lock
	spec := dialog.Spec{
		Title: func(f frame.Frame) string { return f.Bold.Paint("Take over the lock of ") + badge(f, env) },
		Body: func(f frame.Frame, w int) []string {
			zone := frame.Zone(env, f.Now)
			text := fmt.Sprintf("%s took it at %s and let it expire at %s", sanitize.Line(lock.Holder),
				words.Clock(lock.Since.In(zone), f.Now), words.Clock(lock.Expires.In(zone), f.Now))
			if lock.Run != "" {
				text += ", in the middle of run " + sanitize.Line(lock.Run)
			}
			out := paint.Wrap(text+".", w)
			out = append(out, "")
			return append(out, paint.Wrap("Nothing was written. Ask "+sanitize.Line(lock.Holder)+" whether that run is still under way: its computer may be asleep. "+
				"Once the lock is taken over it writes nothing more. The reason goes on record.", w)...)
		},
		Fields: []dialog.Field{{Label: "Reason to take it over:", Limit: reasonLimit}},
		Cancel: "Cancel", Confirm: "Take over and ship " + model.Short(r.page.Commit()), Danger: true,
	}
	d := dialog.New(spec, a.now())
	q := &question{Dialog: d, confirmed: func() tea.Cmd {
		approval := r.approval
		approval.TakeOver = d.Value(0)
		return a.start(env, approval, r.page.Shipped)
	}}
	if a.results = append(a.results, q); a.question == nil {
		a.closeQuestion()
	}
}
