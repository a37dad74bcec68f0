package review

import (
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// MustReplace reports whether shipping fails because the object can only be
// deleted and made again, which nobody allowed.
func (p *Page) MustReplace(o model.PlannedObject) bool {
	return o.Verdict == model.VerdictReplace && !o.MayReplace && p.Draft == nil && p.Proposed == nil && p.Past == nil
}

// Problem is why the plan must not be applied, without the command that would
// help: on the screen a key does, and says so. Empty: it may be applied.
func (p *Page) Problem() string {
	const command = ", or this once with `fairtide apply --replace`"
	return strings.ReplaceAll(p.Plan.Value.Problem, command, "")
}

// Planned is the selected object as the plan has it, through whatever lens it is
// seen.
func (p *Page) Planned() (model.PlannedObject, bool) {
	key, ok := p.objects.Selected()
	if !ok || key.group != "" {
		return model.PlannedObject{}, false
	}
	return p.planned(key.id)
}

// planned is an object as the plan has it.
func (p *Page) planned(id model.ObjectID) (model.PlannedObject, bool) {
	i, ok := p.places[id]
	if !ok || p.Plan.Value == nil || i >= len(p.Plan.Value.Objects) {
		return model.PlannedObject{}, false
	}
	return p.Plan.Value.Objects[i], true
}

// Replaced are the objects of the plan that can only be deleted and made again.
func (p *Page) Replaced() []model.PlannedObject {
	if p.Plan.Value == nil {
		return nil
	}
	var out []model.PlannedObject
	for _, o := range p.Plan.Value.Objects {
		if o.Verdict == model.VerdictReplace {
			out = append(out, o)
		}
	}
	return out
}

// Rigid is a field that differs and cannot while the object exists.
type Rigid struct {
	Path           string
	Live, Git      any
	HasLive, InGit bool
}

// RigidFields are those for which an object has to be replaced.
func RigidFields(o model.PlannedObject) []Rigid {
	out := make([]Rigid, len(o.Immutable))
	for i, path := range o.Immutable {
		r := &out[i]
		r.Path = path
		r.Live, r.HasLive = fieldpath.Get(o.Before, path)
		r.Git, r.InGit = fieldpath.Get(o.After, path)
	}
	return out
}

// replaceLines say by whom replacing an object is allowed.
func (p *Page) replaceLines(f frame.Frame, o model.PlannedObject, w int) []string {
	if o.Verdict != model.VerdictReplace || !o.MayReplace {
		return nil
	}
	text := "replacing it is allowed by the environment's policy"
	if p.Plan.Value.Replaces {
		text = "replacing it is allowed for this plan"
	}
	return []string{paint.Cut("   "+f.Dim.Paint(text), w)}
}

// replaceHint says with which key what stands in the plan's way can be allowed
// here.
func (p *Page) replaceHint(f frame.Frame) []string {
	for i := range p.Plan.Value.Objects {
		if o := &p.Plan.Value.Objects[i]; o.Verdict == model.VerdictReplace && p.MustReplace(*o) {
			return []string{paint.Cut("   "+f.Press(action.Replace, action.Review)+f.Dim.Paint(" on "+sanitize.Line(o.ID.String())+": what replacing it costs, and allowing it"), f.W)}
		}
	}
	return nil
}
