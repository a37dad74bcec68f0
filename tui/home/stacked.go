package home

import (
	"github.com/fairtide-dev/fairtide/tui/frame"
)

// stacked is the page for a narrow screen: environments, pending changes, and
// the detail of whatever has the focus, above each other.
func (p *Page) stacked(f frame.Frame) []string {
	env, _ := p.Environment()
	rows := min(p.envs.Len(), max(3, f.H/4))
	p.drawn.envs = area{0, 0, f.W, rows}
	out := p.envRows(f, p.columns(f.W, false), f.W, rows)
	out = append(out, f.Line(f.W), p.pendingHeading(f, env, f.W))
	most := max(1, (f.H-len(out))/2-1)
	changes := p.pendingRows(f, env, f.W, most, len(out))
	out = append(out, changes...)
	if room := f.H - len(out); room > 2 {
		out = append(out, f.Line(f.W))
		if p.inList {
			out = append(out, p.changeDetail(f, env, f.W, room-1)...)
		} else {
			out = append(out, p.detail(f, f.W, room-1)...)
		}
	}
	return out[:min(len(out), f.H)]
}
