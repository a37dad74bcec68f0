package review

import (
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// inner is before the second and later lines of a risk or a note.
const inner = "     "

// below is what stands under the list: the risks and the notes of the plan, most
// lines at most. The notes are few and stand nowhere else: of the risks, as many
// are left out as they need.
func (p *Page) below(f frame.Frame, w, most int) []string {
	notes := p.noteLines(f, w)
	risks := p.risks(f, w, most)
	room := p.roomBelow(most)
	if len(notes) > 0 && len(risks) > 0 {
		notes = slices.Insert(notes, 0, "")
	}
	if left := max(room-len(notes), min(3, room)); len(risks) > left {
		cut := max(0, left-1)
		for cut > 1 && strings.HasPrefix(risks[cut], inner) {
			cut-- // no half sentence
		}
		risks = append(risks[:cut], "   "+f.Dim.Paint("more with their objects"))
	}
	out := append(risks, notes...)
	if len(notes) > 0 && len(out) > room && room > 1 {
		out = append(out[:room-1], "   "+f.Dim.Paint("more on a larger screen"))
	}
	return out
}

// roomBelow is how many lines are left under the list.
func (p *Page) roomBelow(most int) int {
	return max(most-p.objects.Len(), most-most*3/5) - 1
}

// noteLines are what is to be known of the plan as a whole.
func (p *Page) noteLines(f frame.Frame, w int) []string {
	var out []string
	for _, n := range p.seen.Notes {
		for i, l := range paint.Wrap(sanitize.Line(n), w-6) {
			mark := inner
			if i == 0 {
				mark = "   " + f.Dim.Paint(f.Glyph.Waiting) + " "
			}
			out = append(out, paint.Cut(mark+l, w))
		}
	}
	if len(out) == 0 {
		return nil
	}
	return append([]string{" " + f.Title.Paint("NOTES")}, out...)
}

// wholeLines are the risks and notes of the plan as a whole, a line each.
func (p *Page) wholeLines(f frame.Frame, w, most int) []string {
	var out []string
	for _, r := range p.seen.Risks {
		look := f.Severity(r.Severity)
		out = append(out, paint.Cut("   "+look.Paint(f.Glyph.Risk+" "+string(r.Severity)+": "+sanitize.Line(r.Message)), w))
	}
	for _, n := range p.seen.Notes {
		out = append(out, paint.Cut("   "+f.Dim.Paint(f.Glyph.Waiting)+" "+sanitize.Line(n), w))
	}
	if len(out) > most {
		out = append(out[:most-1], "   "+f.Dim.Paint("more on a larger screen"))
	}
	return out
}

// RiskWords is a risk of an object where the object does not stand beside it.
func RiskWords(o model.PlannedObject, r model.Risk) string {
	text := withoutReason(o, r)
	if strings.Contains(text, o.ID.Name) {
		return text
	}
	return o.ID.Name + ": " + text
}

// withoutReason is a risk without the reason of the verdict, which stands above
// it already.
func withoutReason(o model.PlannedObject, r model.Risk) string {
	if o.Reason == "" {
		return r.Message
	}
	return strings.TrimSuffix(r.Message, ": "+o.Reason)
}
