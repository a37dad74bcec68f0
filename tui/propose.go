package tui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/proposed"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/upgrades"
	"github.com/fairtide-dev/fairtide/tui/words"
)

func (a *App) openProposed() tea.Cmd {
	env, ok := a.home.Environment()
	if !ok {
		return nil
	}
	a.proposed, a.at = proposed.New(env), action.Proposed
	return a.loadProposed(a.proposed)
}

func (a *App) loadProposed(p *proposed.Page) tea.Cmd {
	env := p.Environment.Name
	return load(a, &p.Proposals, func(ctx context.Context) ([]model.Proposed, error) {
		return a.cfg.Backend.Proposed(ctx, env)
	}, func() tea.Cmd { p.Sync(); return nil })
}

func (a *App) doProposed(id action.ID) tea.Cmd {
	p := a.proposed
	switch id {
	case action.OpenReview:
		pr, _ := p.Selected()
		cmd := a.show(review.NewProposed(p.Environment, pr))
		a.readFrom = action.Proposed
		return cmd
	case action.Merge:
		return a.askMerge()
	}
	p.Do(id)
	return nil
}

func (a *App) openUpgrades() tea.Cmd {
	env, ok := a.home.Environment()
	if !ok {
		return nil
	}
	a.upgrades, a.at = upgrades.New(env), action.Upgrades
	return a.loadImages(a.upgrades)
}

func (a *App) loadImages(p *upgrades.Page) tea.Cmd {
	env := p.Environment.Name
	return load(a, &p.Images, func(ctx context.Context) ([]model.ImageUse, error) {
		return a.cfg.Backend.Images(ctx, env)
	}, func() tea.Cmd { p.Sync(); return nil })
}

func (a *App) doUpgrades(id action.ID) tea.Cmd {
	p := a.upgrades
	if id != action.MakeDraft {
		p.Do(id)
		return nil
	}
	o, why := p.Choose()
	if why != "" {
		a.notice = why
		return nil
	}
	return a.makeDraft(&p.Draft, p.Environment, o, func() {})
}

// merge is what the dialog about merging a pull request says. Its window is
// that of a confirm.
type merge struct {
	confirm
	page *proposed.Page
	pr   model.Proposed
}

// askMerge asks whether the selected pull request shall be merged.
func (a *App) askMerge() tea.Cmd {
	p := a.proposed
	pr, _ := p.Selected()
	m := &merge{confirm: confirm{app: a, env: p.Environment}, page: p, pr: pr}
	m.about = m.subjects
	spec := dialog.Spec{Title: m.title, Body: m.body, Cancel: "Cancel", Danger: true, Check: m.moved}
	if m.refused() != "" {
		spec.Cancel = "Back"
	} else {
		spec.Confirm = fmt.Sprintf("Merge #%d", pr.Number)
		spec.Fields = m.fields()
	}
	d := dialog.New(spec, a.now())
	a.question = &question{Dialog: d, confirmed: func() tea.Cmd {
		override := ""
		if m.overrides {
			override = d.Value(0)
		}
		return a.merge(m, override)
	}}
	return a.loadStatus(p.Environment.Name) // the window as it is now
}

// refused is why the pull request cannot be merged as it is; empty: it can.
func (m *merge) refused() string {
	switch {
	case m.app.cfg.ReadOnly:
		return "fairtide was started with --read-only: nothing is merged."
	case m.pr.Draft:
		return "it is a draft: mark it as ready for review first"
	case m.pr.Mergeable == model.MergeableConflict:
		return "it is in conflict with " + m.pr.Base + ": bring its branch up to date first"
	case len(m.pr.Unmet) > 0 && !m.mayOverride():
		return "it needs what is not met yet, and " + m.noOverride()
	}
	return m.closedForGood()
}

// subjects are what of the environment the pull request alters, as windows see
// it. Where an object names no namespace it is the environment's.
func (m *merge) subjects() []model.WindowSubject {
	var out []model.WindowSubject
	for _, o := range m.pr.Objects {
		s := model.WindowSubject{Group: o.ID.Group, Kind: o.ID.Kind, Namespace: cmp.Or(o.ID.Namespace, m.env.Namespace, "default")}
		if !slices.ContainsFunc(out, func(x model.WindowSubject) bool {
			return x.Group == s.Group && x.Kind == s.Kind && x.Namespace == s.Namespace
		}) {
			out = append(out, s)
		}
	}
	return out
}

// against names what a merge overrides.
func (m *merge) against() string {
	var names []string
	if m.closed() {
		names = append(names, "the closed window")
	}
	if n := len(m.pr.Unmet); n > 0 {
		names = append(names, words.Count(n, "unmet requirement"))
	}
	return strings.Join(names, " and ")
}

// leave is how the operator leaves this dialog and comes back: "esc, then M again".
func (m *merge) leave() string {
	return m.app.keyOf(action.Cancel, action.Dialog) + ", then " + m.app.keyOf(action.Merge, action.Proposed) + " again"
}

// moved is why it cannot be merged any more.
func (m *merge) moved() string {
	now, open := m.page.Find(m.pr.Number)
	switch {
	case !open:
		return fmt.Sprintf("#%d is not open any more", m.pr.Number)
	case now.Head != m.pr.Head:
		return fmt.Sprintf("its head is %s by now: %s, then read it again", model.Short(now.Head), m.app.keyOf(action.Cancel, action.Dialog))
	case m.refused() != "":
		return m.refused()
	case m.closed() && !m.overrides:
		return "the window has closed meanwhile: " + m.leave() + " to give a reason"
	case len(now.Unmet) > 0 && len(m.pr.Unmet) == 0:
		return "a requirement is not met any more: " + m.leave() + " to give a reason"
	}
	return ""
}

func (m *merge) fields() []dialog.Field {
	var out []dialog.Field
	if m.overrides = m.closed() || len(m.pr.Unmet) > 0; m.overrides {
		out = append(out, dialog.Field{Label: "Reason to override " + m.against() + ":", Limit: reasonLimit})
	}
	if m.env.Tier == model.TierProduction {
		out = append(out, nameField(m.env.Name))
	}
	return out
}

func (m *merge) title(f frame.Frame) string {
	return f.Bold.Paint(fmt.Sprintf("Merge #%d into ", m.pr.Number)+sanitize.Line(m.pr.Base)+" for ") + badge(f, m.env)
}

func (m *merge) body(f frame.Frame, w int) []string {
	pr := m.pr
	glyph, look := f.Check(pr.Checks)
	checks := string(pr.Checks)
	if checks == "" {
		checks = "not asked for"
	}
	approved := "nobody"
	if len(pr.Approvals) > 0 {
		approved = words.List(pr.Approvals, 4)
	}
	out := []string{
		m.fact(f, "what", f.Bold.Paint(sanitize.Line(pr.Title))+f.Dim.Paint("  by "+sanitize.Line(pr.Author)), w),
		m.fact(f, "head", f.Bold.Paint(f.Commit(pr.Head))+f.Dim.Paint("  from "+sanitize.Line(pr.Ref)), w),
		m.fact(f, "window", m.window(f), w),
	}
	out = append(out, m.because(f, w)...)
	out = append(out,
		m.fact(f, "approved", "by "+sanitize.Line(approved), w),
		m.fact(f, "checks", look.Paint(glyph+" "+sanitize.Line(checks)), w),
		m.fact(f, "changes", words.Count(len(pr.Objects), "object")+" in "+sanitize.Line(m.env.Name), w),
	)
	if len(pr.Unmet) == 0 {
		out = append(out, m.fact(f, "needs", f.Good.Paint(f.Glyph.OK)+" every requirement is met", w))
	}
	name := "needs"
	for _, u := range pr.Unmet {
		for i, l := range paint.Wrap(sanitize.Line(u), w-factIndent-2) {
			mark := "  "
			if i == 0 {
				mark = f.Bad.Paint(f.Glyph.Failed) + " "
			}
			out, name = append(out, m.fact(f, name, mark+l, w)), ""
		}
	}
	if m.overrides {
		out = append(out, m.para(f, "override", m.overrideWho(), w)...)
	}
	if v := pr.Validation; v != nil {
		glyph, look := f.Check(v.State)
		out = append(out, m.fact(f, "sandbox", look.Paint(glyph+" "+sanitize.Line(string(v.State)))+f.Dim.Paint("  "+sanitize.Line(v.Description)), w))
	}
	out = append(out, "")
	then := "It is pending then, and not live before it is shipped."
	if m.env.Deploy == model.DeployAuto {
		then = "It is deployed by itself then, as soon as the window allows."
	}
	out = append(out, paint.Cut("  "+f.Dim.Paint(then), w))
	return append(out, refusal(f, "This cannot be merged: ", m.refused(), w)...)
}

// merge merges a pull request at the head that was on the screen, and tells
// what became of it.
func (a *App) merge(m *merge, override string) tea.Cmd {
	env, pr := m.env.Name, m.pr
	return a.write(fmt.Sprintf("merging #%d", pr.Number), func(ctx context.Context) func() tea.Cmd {
		commit, err := a.cfg.Backend.Merge(ctx, env, pr.Number, pr.Head, override)
		return func() tea.Cmd {
			if commit == "" {
				a.tell(result{title: fmt.Sprintf("#%d was not merged", pr.Number), text: []string{err.Error(), m.hint(err)}})
			} else {
				text := []string{pr.Title, "It is pending in " + env + " now; " + a.keyOf(action.Ship, action.Home) + " on the home page ships it."}
				if err != nil { // merged it is; what came after went wrong
					text = append(text, err.Error())
				}
				a.tell(result{ok: true, title: fmt.Sprintf("#%d is merged as %s", pr.Number, model.Short(commit)), url: pr.URL, text: text})
			}
			cmds := []tea.Cmd{a.loadHome()}
			if a.proposed == m.page {
				cmds = append(cmds, a.loadProposed(m.page))
			}
			return tea.Batch(cmds...)
		}
	})
}

// hint is what to do after the merge was turned down.
func (m *merge) hint(err error) string {
	reason := "the policy lets you override that: " + m.app.keyOf(action.Merge, action.Proposed) + " asks for a reason."
	if !m.mayOverride() {
		reason = m.noOverride()
	}
	switch model.CodeOf(err, model.ExitOK) {
	case model.ExitPlanMoved:
		return "What was on the screen is not what would be merged: the page is read again."
	case model.ExitRequirements:
		return "The page is read again: its right side says what is missing; " + reason
	case model.ExitWindowClosed:
		return "Nothing was merged; " + reason
	}
	return "The page is read again and says how it stands."
}
