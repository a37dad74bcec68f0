package review

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// turn goes to the next lens.
func (p *Page) turn() (cmd tea.Cmd, note string, ok bool) {
	plan := p.Plan.Value
	if plan == nil {
		return nil, "", true
	}
	if p.Past != nil {
		return nil, notAPlan + "see through another lens", true
	}
	if plan.NoLenses != "" {
		return nil, "only the lens apply shows anything: " + plan.NoLenses, true
	}
	i := slices.Index(model.Lenses[:], p.lens)
	p.lens = model.Lenses[(i+1)%len(model.Lenses)]
	return p.Sync(), "", true
}

// LiveEdit is a field that somebody changed live and applying would take back.
type LiveEdit struct {
	Field model.FieldRef
	Cause model.Cause
	Live  any // as it is
	Git   any // as applying would make it
	Gone  bool
}

// LiveEdits are those of the selected object.
func (p *Page) LiveEdits() []LiveEdit {
	o, ok := p.Selected()
	if !ok {
		return nil
	}
	return p.liveEdits(o.ID)
}

func (p *Page) liveEdits(id model.ObjectID) []LiveEdit {
	if p.Plan.Value == nil || p.Proposed != nil || p.Draft != nil || p.Past != nil {
		return nil
	}
	o, ok := p.planned(id)
	if !ok {
		return nil
	}
	var out []LiveEdit
	for _, c := range o.Causes {
		if c.Kind != model.CauseDrift || c.By == "" || c.Path == "" {
			continue // nobody is known to own it: leaving it out would remove it
		}
		live, has := fieldpath.Get(o.Before, c.Path)
		git, stays := fieldpath.Get(o.After, c.Path)
		if has {
			out = append(out, LiveEdit{Field: model.FieldRef{ID: id, Path: c.Path}, Cause: c, Live: live, Git: git, Gone: !stays})
		}
	}
	return out
}

// Kept are the fields of the selected object whose live values stay.
func (p *Page) Kept() []model.FieldRef {
	o, ok := p.Selected()
	if !ok {
		return nil
	}
	return p.kept(o.ID)
}

func (p *Page) kept(id model.ObjectID) []model.FieldRef {
	var out []model.FieldRef
	if p.Plan.Value != nil {
		for _, f := range p.Plan.Value.Kept {
			if f.ID == id {
				out = append(out, f)
			}
		}
	}
	return out
}

func (p *Page) keptLines(f frame.Frame, id model.ObjectID, w int) []string {
	var out []string
	for _, field := range p.kept(id) {
		out = append(out, paint.Cut("   "+f.Dim.Paint(sanitize.Line(field.Path)+" is left out this once: its live value stays"), w))
	}
	return out
}
