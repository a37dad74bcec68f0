package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// askReplace says why the selected object can only be deleted and made again,
// and what that costs, and asks whether it may be, this once; or, where it was
// allowed here, whether it shall not be after all.
func (a *App) askReplace() tea.Cmd {
	p := a.review
	if o, _ := p.Planned(); p.MustReplace(o) {
		a.askAllowReplace(p, o)
	} else {
		a.askForbidReplace(p)
	}
	return nil
}

func (a *App) askAllowReplace(p *review.Page, o model.PlannedObject) {
	others := slices.DeleteFunc(p.Replaced(), func(r model.PlannedObject) bool { return r.ID == o.ID || r.MayReplace })
	body := func(f frame.Frame, w int) []string {
		out := paint.Wrap("Applying fails as it is: this cannot change while the object exists.", w)
		out = append(out, rigidLines(f, o, w)...)
		out = append(out, "")
		if len(others) > 0 { // the costs may be more than there is room for
			out = append(out, paint.Wrap("It is allowed for the plan as a whole, so also for "+objectNames(ids(others))+".", w)...)
			out = append(out, "")
		}
		out = append(out, costLines(f, o, w)...)
		out = append(out, "")
		return append(out, paint.Wrap("Nothing is written yet: the plan is read again, and to ship it you type the name.", w)...)
	}
	title := "Delete and make again  " + sanitize.Line(o.ID.String())
	a.askFields(p, title, body, "Leave it", "Allow it for this plan", func() { p.Replace = true })
}

func (a *App) askForbidReplace(p *review.Page) {
	body := func(_ frame.Frame, w int) []string {
		return paint.Wrap("You allowed to delete and make again "+objectNames(ids(p.Replaced()))+
			". Without that, this plan cannot be shipped.", w)
	}
	a.askFields(p, "Allow it no longer?", body, "Keep it allowed", "Allow it no longer", func() { p.Replace = false })
}

// rigidLines name the fields that cannot change, with what they are and were to
// become; where the server names none that differs, its reason.
func rigidLines(f frame.Frame, o model.PlannedObject, w int) []string {
	fields := review.RigidFields(o)
	if len(fields) == 0 {
		return append([]string{""}, paint.Wrap(f.Bold.Paint(sanitize.Line(o.Reason)), w)...)
	}
	var out []string
	for i, r := range fields {
		if i == editsShown {
			return append(out, f.Dim.Paint("and more: the diff has them all"))
		}
		live, git := "has none", "nothing"
		if r.HasLive {
			live = valueWords(r.Live)
		}
		if r.InGit {
			git = valueWords(r.Git)
		}
		out = append(out, "", paint.Cut(f.Bold.Paint(sanitize.Line(r.Path)), w))
		out = append(out, paint.Cut("  "+f.Warn.Paint("live "+live)+"  "+f.Glyph.Arrow+"  Git says "+git, w))
	}
	return out
}

// costLines are the risks of an object to replace, the gravest first.
func costLines(f frame.Frame, o model.PlannedObject, w int) []string {
	var out []string
	for _, r := range o.Risks {
		look := f.Severity(r.Severity)
		text := strings.TrimSuffix(r.Message, ": "+o.Reason)
		for i, l := range paint.Wrap(string(r.Severity)+": "+sanitize.Line(text), w-2) {
			mark := "  "
			if i == 0 {
				mark = look.Paint(f.Glyph.Risk) + " "
			}
			out = append(out, mark+look.Paint(l))
		}
	}
	return out
}

// objectNames lists objects in a sentence.
func objectNames(objects []model.ObjectID) string {
	const most = 4
	names := make([]string, len(objects))
	for i, id := range objects {
		names[i] = sanitize.Line(id.String())
	}
	return words.List(names, most)
}

func ids(objects []model.PlannedObject) []model.ObjectID {
	out := make([]model.ObjectID, len(objects))
	for i, o := range objects {
		out[i] = o.ID
	}
	return out
}
