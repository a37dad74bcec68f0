package lens

import (
	"fmt"
	"maps"

	"github.com/fairtide-dev/fairtide/model"
)

// WithHidden is a plan whose diffs show what the environment's rules hide. What
// that is stays listed with each object. Hiding is about showing only: the
// verdict counts what is hidden, and applying writes it.
func WithHidden(p *model.Plan) *model.Plan {
	out := *p
	out.Objects = make([]model.PlannedObject, len(p.Objects))
	for i, o := range p.Objects {
		o.Shown = nil
		o.LensHiding = maps.Clone(o.LensHiding)
		for l, h := range o.LensHiding {
			h.Shown = nil
			o.LensHiding[l] = h
		}
		out.Objects[i] = o
	}
	return &out
}

// HiddenWords says how much of an object's difference is hidden; empty: nothing
// is.
func HiddenWords(o model.PlannedObject) string {
	n := len(o.Hidden)
	switch {
	case n == 0:
		return ""
	case o.OnlyHidden && n == 1:
		return "only a hidden difference"
	case o.OnlyHidden:
		return fmt.Sprintf("only hidden differences: %d", n)
	}
	return fmt.Sprintf("%d hidden", n)
}
