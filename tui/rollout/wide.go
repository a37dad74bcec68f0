package rollout

import (
	"time"

	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

// storyFrom is the lowest screen on which the run's story stands beside the
// objects, where it is wide enough for that; else it stands below them.
const storyFrom = 30

// below is what stands under the objects.
type below uint8

const (
	everything below = iota // the story, and what there is to say of the selection
	sayings                 // only the latter: the story stands beside the objects
	ending                  // only how the run ended: the rest gave way to the pane
)

// beside draws the page in two columns: the objects on the left, and on the
// right what is behind one, if that is open, above the story, if there is room.
func (p *Page) beside(f frame.Frame) frame.Body {
	split := p.divider.Column(f.W*11/20, f.W)
	left := f
	left.W = split - 1 // nothing touches the divider
	x, w := split+1, f.W-split-1
	var right []string
	under := sayings
	switch {
	case f.H < storyFrom:
		right, under = p.pane.drawn(f, x, 0, w, f.H), everything
	case p.pane == nil:
		right = p.told(f, w, f.H)
	default:
		story := p.told(f, w, f.H/4)
		h := f.H - len(story) - 1
		right = append(paint.Height(p.pane.drawn(f, x, 0, w, h), h), f.Line(w))
		right = append(right, story...)
	}
	return frame.Body{Lines: paint.Columns(p.main(left, under), right, split, f.Rule.Paint(f.Glyph.Vertical), f.H), Split: split}
}

// told is the latest of the story in at most h lines, each in full.
func (p *Page) told(f frame.Frame, w, h int) []string {
	const indent = 13
	var lines []string
	for _, l := range p.story {
		lead := "   " + f.Dim.Paint(l.at.In(f.Now.Location()).Format(time.TimeOnly)) + "  "
		for _, text := range paint.Wrap(l.text, w-indent-1) {
			lines, lead = append(lines, lead+text), paint.Spaces(indent)
		}
	}
	aside := ""
	if cut := len(lines) - (h - 1); cut > 0 {
		lines, aside = lines[cut:], "the latest"
	}
	return append([]string{f.Heading("WHAT HAPPENED", aside, w)}, lines...)
}
