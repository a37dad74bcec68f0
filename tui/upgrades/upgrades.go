// Package upgrades is the page with the images an environment runs, and which
// of them have a newer tag.
package upgrades

import (
	"fmt"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/draft"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// key tells images apart: the same one may run with several tags.
type key struct{ image, tag, digest string }

// Page is the state of the page.
type Page struct {
	Environment model.Environment
	Images      slot.Slot[[]model.ImageUse]
	Draft       draft.Slot // of the upgrade that was chosen

	list   list.List[key]
	chosen key
	drawn  drawn
}

// New makes the page for an environment.
func New(env model.Environment) *Page { return &Page{Environment: env} }

// Sync is called after the images were read.
func (p *Page) Sync() {
	items := make([]list.Item[key], 0, len(p.Images.Value))
	for _, u := range p.Images.Value {
		items = append(items, list.Item[key]{Key: keyOf(u)})
	}
	p.list.Set(items)
}

func keyOf(u model.ImageUse) key { return key{u.Image, u.Tag, u.Digest} }

// Selected is the image the cursor is on.
func (p *Page) Selected() (model.ImageUse, bool) {
	if i := p.list.Index(); i >= 0 && i < len(p.Images.Value) {
		return p.Images.Value[i], true
	}
	return model.ImageUse{}, false
}

// Choose is the order for upgrading the selected image, or why there is none.
func (p *Page) Choose() (o draft.Order, why string) {
	u, ok := p.Selected()
	switch {
	case !ok:
		return o, "no image is selected"
	case u.Newest == "" && u.Problem != "":
		return o, u.Image + ": its registry could not be asked, see the right"
	case u.Newest == "" && u.Tag == "":
		return o, u.Image + ": pinned by digest, without a tag to compare"
	case u.Newest == "":
		return o, u.Image + ": no newer tag that the policy allows"
	}
	p.chosen = keyOf(u)
	return draft.Order{
		Request: model.DraftRequest{Environment: p.Environment.Name, Kind: model.DraftBump, Image: u.Image, Tag: u.Newest},
		Of:      fmt.Sprintf("upgrade of %s to %s", short(u.Image), u.Newest),
	}, ""
}

// short is an image's name without its registry.
func short(image string) string {
	for i := len(image) - 1; i >= 0; i-- {
		if image[i] == '/' {
			return image[i+1:]
		}
	}
	return image
}

// Do carries out a movement. It reports whether the page knows the action.
func (p *Page) Do(id action.ID) bool {
	n, ok := action.Rows(id)
	if ok {
		p.list.Move(n)
	}
	return ok
}

// Stop ends what is being read for the page.
func (p *Page) Stop() {
	p.Images.Stop()
	p.Draft.Stop()
}

// Hints are the footer's actions, the most wanted first.
func (p *Page) Hints() []action.ID {
	if u, ok := p.Selected(); ok && u.Newest != "" {
		return []action.ID{action.MakeDraft, action.Down, action.Refresh, action.Back}
	}
	return []action.ID{action.Back, action.Down, action.Refresh}
}

// Head is the header line.
func (p *Page) Head(f frame.Frame, w *model.WindowState) frame.Head {
	left := sanitize.Line(p.Environment.Name) + "  upgrades"
	if p.Images.Loaded {
		left += "  " + words.Count(len(p.Images.Value), "image") + "  " + frame.Read(f, &p.Images)
	}
	return frame.Head{Left: left, Right: f.Window(w), Production: p.Environment.Tier == model.TierProduction}
}

// Draw draws the page's body.
func (p *Page) Draw(f frame.Frame) frame.Body {
	s := &p.Images
	var top []string
	switch {
	case s.Err != nil:
		top = append(f.Problem(s.Err, true, f.W), "")
	case !s.Loaded && s.Slow(f.Now):
		top = []string{"", "   " + f.Dim.Paint("Asking the registries for tags "+f.Glyph.Ellipsis)}
	case s.Loaded && len(s.Value) == 0:
		top = []string{"", "   " + f.Dim.Paint(sanitize.Line(p.Environment.Name)+" runs no image.")}
	}
	top = top[:min(len(top), f.H)]
	if len(s.Value) == 0 {
		return frame.Body{Lines: top}
	}
	f.H -= len(top)
	if f.W < frame.TwoColumns {
		rows := min(p.list.Len(), max(2, f.H/2))
		p.drawn.list = frame.Area{Y: len(top) + 1, W: f.W, H: rows}
		out := append([]string{p.heading(f, f.W)}, p.rows(f, f.W, rows)...)
		out = append(out, f.Line(f.W))
		out = append(out, p.detail(f, f.W, f.H-len(out))...)
		return frame.Body{Lines: append(top, out[:min(len(out), f.H)]...)}
	}
	lw := p.drawn.divider.Column(max(70, min(110, f.W*55/100)), f.W)
	p.drawn.list = frame.Area{Y: len(top) + 2, W: lw, H: f.H - 2}
	left := append([]string{p.heading(f, lw), ""}, p.rows(f, lw, f.H-2)...)
	sep := f.Rule.Paint(f.Glyph.Vertical)
	body := frame.Body{Lines: append(top, paint.Columns(left, p.detail(f, f.W-lw-1, f.H), lw, sep, f.H)...)}
	if len(top) == 0 {
		body.Split = lw
	}
	return body
}

const tagWidth, objectsWidth = 14, 7

func (p *Page) heading(f frame.Frame, w int) string {
	room := max(0, w-2*(tagWidth+2)-objectsWidth-3)
	return paint.Cut(paint.Fit(" "+f.Title.Paint("IMAGES"), room)+f.Dim.Paint("  "+paint.Fit("in use", tagWidth)+"  "+
		paint.Fit("newest", tagWidth)+"  objects"), w)
}

func (p *Page) rows(f frame.Frame, w, h int) []string {
	room := max(0, w-2*(tagWidth+2)-objectsWidth-3)
	var out []string
	from, to := p.list.Window(h)
	for i := from; i < to; i++ {
		u, selected := p.Images.Value[i], i == p.list.Index()
		line := f.Mark(selected, true) + f.Row(selected, true).Paint(paint.Fit(sanitize.Line(u.Image), room-3)) +
			"  " + paint.Fit(used(f, u), tagWidth) + "  "
		switch {
		case u.Problem != "" && u.Newest == "":
			line += f.Warn.Paint(paint.Fit(f.Glyph.Risk+" not known", tagWidth))
		case u.Newest == "" && u.Tag == "":
			line += f.Dim.Paint(paint.Fit(f.Glyph.Dash+" by digest", tagWidth))
		case u.Newest == "":
			line += f.Dim.Paint(paint.Fit(f.Glyph.OK+" none newer", tagWidth))
		default:
			line += f.Accent.Paint(paint.Fit(f.Glyph.Arrow+" "+sanitize.Line(u.Newest), tagWidth))
		}
		out = append(out, paint.Cut(line+"  "+f.Dim.Paint(paint.FitRight(fmt.Sprint(len(u.Objects)), objectsWidth)), w))
	}
	return out
}

// used is the tag in use, else the start of the digest.
func used(f frame.Frame, u model.ImageUse) string {
	switch {
	case u.Tag != "":
		return sanitize.Line(u.Tag)
	case u.Digest != "":
		return sanitize.Line(u.Digest)
	}
	return f.Glyph.Dash
}

// detail is the selected image: who runs it, and how its upgrade stands.
func (p *Page) detail(f frame.Frame, w, h int) []string {
	u, ok := p.Selected()
	if !ok || h <= 0 {
		return nil
	}
	out := []string{paint.Cut(" "+f.Bold.Paint(sanitize.Line(u.Image)), w), ""}
	if u.Tag != "" {
		out = append(out, f.Label("in use", sanitize.Line(u.Tag), w))
	}
	if u.Digest != "" {
		out = append(out, f.Label("digest", f.Dim.Paint(sanitize.Line(u.Digest)), w))
	}
	if u.Newest != "" {
		out = append(out, f.Label("newest", f.Accent.Paint(sanitize.Line(u.Newest)), w))
	}
	out = append(out, "")
	if u.Problem != "" {
		for i, l := range paint.Wrap(sanitize.Line(u.Problem), w-6) {
			lead := "     "
			if i == 0 {
				lead = "   " + f.Warn.Paint(f.Glyph.Risk) + " "
			}
			out = append(out, lead+f.Warn.Paint(l))
		}
		out = append(out, "")
	}
	if keyOf(u) == p.chosen {
		if lines := draft.Progress(f, &p.Draft, w); len(lines) > 0 {
			for i := range lines {
				lines[i] = paint.Cut(lines[i], w)
			}
			out = append(append(out, lines...), "")
		}
	}
	if u.Newest != "" && !p.Draft.Busy() {
		out = append(out, paint.Cut("   "+f.Press(action.MakeDraft, action.Upgrades)+" shows what "+sanitize.Line(u.Newest)+" would change", w), "")
	}
	out = append(out, f.Heading("OBJECTS", words.Count(len(u.Objects), "object"), w))
	for _, id := range u.Objects {
		out = append(out, paint.Cut("   "+sanitize.Line(id.String()), w))
	}
	return paint.Squeeze(out, h)
}
