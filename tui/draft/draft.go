// Package draft is what the pages that lead to a draft commit have in common:
// what is ordered, and what came of it.
package draft

import (
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

// Order is a draft to be made.
type Order struct {
	Request model.DraftRequest
	Of      string // what it is, in a few words: "revert of #42"
}

// Made is a draft and what applying it would do.
type Made struct {
	Draft model.Draft
	Plan  *model.Plan
}

// Slot is where a draft that is being made arrives.
type Slot = slot.Slot[Made]

// Progress says that a draft is being made, or in full why it could not be:
// files in conflict stand on lines of their own.
func Progress(f frame.Frame, s *Slot, w int) []string {
	switch {
	case s.Slow(f.Now):
		return []string{paint.Cut("   "+f.Warn.Paint(f.Glyph.Busy)+f.Dim.Paint(" Making the commit, and asking what it would change "+f.Glyph.Ellipsis), w)}
	case s.Busy() || s.Err == nil:
		return nil
	}
	var out []string
	for i, l := range strings.Split(sanitize.Text(s.Err.Error()), "\n") {
		mark := "     "
		if i == 0 {
			mark = "   " + f.Bad.Paint(f.Glyph.Failed) + " "
		}
		for _, part := range paint.Wrap(l, w-7) {
			out = append(out, mark+f.Bad.Paint(part))
			mark = "       "
		}
	}
	return out
}
