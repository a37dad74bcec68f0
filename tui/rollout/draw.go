package rollout

import (
	"fmt"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Head is the header line.
func (p *Page) Head(f frame.Frame, w *model.WindowState) frame.Head {
	what := "rolling out"
	switch {
	case p.Done():
		what = p.outcome()
	case p.Armed() && p.Aborting:
		what = "cancelling"
	case p.Armed():
		what = f.Glyph.Armed + " armed"
	case p.Aborting:
		what = "aborting"
	case p.Paused():
		what = "paused"
	}
	left := sanitize.Line(p.Environment.Name) + "  " + what
	if p.Found() {
		left += "  " + f.Commit(p.From()) + " " + f.Glyph.Arrow + " " + f.Commit(p.Commit())
	}
	if p.Followed && p.Found() && f.W >= frame.TwoColumns {
		left += "  by " + p.by()
	}
	return frame.Head{
		Left:       left,
		Right:      f.Window(w),
		Production: p.Environment.Tier == model.TierProduction,
	}
}

// Draw draws the page's body: how far the run is, the objects, and at the
// bottom the verdict or the latest of the run's story; or in its place what is
// behind an object. Where there is room, both stand beside the objects.
func (p *Page) Draw(f frame.Frame) frame.Body {
	switch {
	case p.Armed():
		return p.drawArmed(f)
	case !p.Found() && !p.Done():
		return frame.Body{Lines: []string{"", "   " + f.Dim.Paint("Looking for the run under way "+f.Glyph.Ellipsis)}}
	case f.W >= besideFrom && (p.pane != nil || f.H >= storyFrom):
		return p.beside(f)
	case p.pane == nil:
		return frame.Body{Lines: p.main(f, everything)}
	case f.H >= belowFrom:
		const least = 11
		h := max(least, f.H*3/5)
		top := f
		top.H = f.H - h - 1
		out := append(paint.Height(p.main(top, ending), top.H), f.Line(f.W))
		return frame.Body{Lines: append(out, p.pane.drawn(f, 0, top.H+1, f.W, h)...)}
	}
	p.table = frame.Area{}
	var said []string
	if p.Done() {
		said = p.verdict(f)[:1]
	}
	return frame.Body{Lines: append(said, p.pane.drawn(f, 0, len(said), f.W, f.H-len(said))...)}
}

// main is all but what stands beside the objects, or in place of what is below
// them.
func (p *Page) main(f frame.Frame, under below) []string {
	top := append([]string{p.progressLine(f)}, p.strip(f)...)
	if f.H > 14 {
		top = append(top, "")
	}
	var bottom []string
	switch {
	case under != ending:
		bottom = p.bottom(f, p.bottomHeight(f, len(top)), under == everything)
	case p.Done(): // how it ended is in view whatever is open
		bottom = p.verdict(f)[:1]
	}
	room := max(1, f.H-len(top)-len(bottom))
	p.table = frame.Area{Y: len(top), W: f.W, H: room}
	out := append(top, p.objectRows(f, room)...)
	if slack := f.H - len(out) - len(bottom); slack > 0 && p.rows.Len() > 0 {
		out = append(out, make([]string, slack)...)
	}
	out = append(out, bottom...)
	return out[:min(len(out), f.H)]
}

func (p *Page) progressLine(f frame.Frame) string {
	name := "run"
	if p.run.ID != "" {
		name = sanitize.Line(p.run.ID)
	}
	end := p.ended
	if end.IsZero() {
		end = f.Now
	}
	left := " " + f.Bold.Paint(name)
	if p.wave > 0 && !p.Done() {
		left += f.Dim.Paint(fmt.Sprintf("  wave %d of %d", p.wave, len(p.waves)))
	}
	left += "  " + p.tally(f)
	share := p.share()
	right := fmt.Sprintf("%3d %%  %s", int(share*100), words.Took(end.Sub(p.started)))
	if more := right + p.timeLeft(f); paint.Width(left)+paint.Width(more)+2 <= f.W {
		right = more
	}
	right += " "
	room := f.W - paint.Width(left) - paint.Width(right) - 4
	if room = min(room, 40); room >= 8 {
		return paint.Spread(left, p.bar(f, room, share)+"  "+right, f.W)
	}
	return paint.Spread(left, right, f.W)
}

// timeLeft says how long the run may still take, as earlier ones did; nothing
// where that is not known, or something has failed.
func (p *Page) timeLeft(f frame.Frame) string {
	const step = 10 * time.Second
	since := p.started
	if p.resumed.After(since) {
		since = p.resumed
	}
	left := p.Usual - f.Now.Sub(since)
	switch {
	case p.Usual <= 0 || p.Done() || p.Failing():
		return ""
	case left > 0:
		return f.Dim.Paint(", about " + words.Left((left + step - 1).Truncate(step)) + " left")
	case -left > p.Usual/2:
		return f.Warn.Paint(", longer than usual")
	}
	return ""
}

func (p *Page) bar(f frame.Frame, w int, share float64) string {
	full := int(share * float64(w))
	look := f.Accent
	switch {
	case p.Failing() || p.Done() && p.state == model.RunFailed:
		look = f.Bad
	case p.Done() && p.state == model.RunSucceeded:
		look = f.Good
	}
	return look.Paint(strings.Repeat(f.Glyph.Full, full)) + f.Rule.Paint(strings.Repeat(f.Glyph.Rest, w-full))
}

// tally counts the objects by readiness, glyph and word.
func (p *Page) tally(f frame.Frame) string {
	c := p.counts()
	var parts []string
	add := func(n int, r model.Readiness, word string) {
		if n > 0 {
			glyph, look := f.Readiness(r)
			parts = append(parts, look.Paint(fmt.Sprintf("%s %d %s", glyph, n, word)))
		}
	}
	if p.Done() {
		add(c.failed, model.ReadinessFailed, "failed")
	} else {
		add(c.doomed, model.ReadinessFailed, "doomed")
		add(c.failed-c.doomed, model.ReadinessFailed, "failed")
	}
	slow := 0
	for _, o := range p.objects {
		if p.slow(o, f.Now) {
			slow++
		}
	}
	word := "under way"
	if p.Done() {
		word = "not ready"
	}
	if slow > 0 {
		word += fmt.Sprintf(", %d slow", slow)
	}
	add(c.busy, model.ReadinessProgress, word)
	add(c.ready, model.ReadinessReady, "ready")
	switch word = "waiting"; {
	case p.Interrupted():
		word = "not recorded"
	case p.Done():
		word = "not written"
	}
	add(c.waiting, model.ReadinessWaiting, word)
	if len(p.tests) > 0 && (p.state == model.RunTesting || p.testCounts().ended > 0) {
		t := p.testCounts()
		text, look := fmt.Sprintf("%d of %d tests passed", t.passed, len(p.tests)), f.Dim
		if p.testsFailed() {
			look = f.Bad
		}
		parts = append(parts, look.Paint(text))
	}
	return strings.Join(parts, "  ")
}

// bottomHeight is how many lines the bottom may take: a third of the page, and
// for the log of a test half of it, or what the table leaves.
func (p *Page) bottomHeight(f frame.Frame, top int) int {
	h := max(3, f.H/3)
	switch {
	case p.selectedTest() != nil:
		h = max(h, f.H/2, f.H-top-p.rows.Len()-1)
	case p.Done():
		h = max(h, min(len(p.verdict(f))+1, f.H*3/5))
	}
	return h
}

// bottom is the verdict once there is one, else the selected object's trouble
// in full, and above it as much of the story, if it is wanted there, as there is
// room for.
func (p *Page) bottom(f frame.Frame, h int, story bool) []string {
	said := p.verdict(f)
	if !p.Done() {
		said = p.trouble(f)
	}
	if most := h - 1; len(said) > most {
		said = said[:most:most]
		said[most-1] = paint.Cut(said[most-1], f.W-3) + f.Dim.Paint(" "+f.Glyph.Ellipsis)
	}
	if t := p.selectedTest(); t != nil && !t.began.IsZero() {
		log := p.logTail(f, t, h-2-len(said))
		out := append([]string{f.Line(f.W)}, log...)
		if len(said) > 0 && len(log) > 0 {
			out = append(out, "")
		}
		return append(out, said...)
	}
	if !story && len(said) == 0 {
		return nil
	}
	told := 0
	if story {
		told = min(len(p.story), max(0, h-2-len(said)))
	}
	out := []string{f.Line(f.W)}
	for _, l := range p.story[len(p.story)-told:] {
		out = append(out, paint.Cut("   "+f.Dim.Paint(l.at.In(f.Now.Location()).Format(time.TimeOnly))+"  "+l.text, f.W))
	}
	if told > 0 && len(said) > 0 {
		out = append(out, "")
	}
	return append(out, said...)
}

// trouble is the full text of what is wrong with the selected object.
func (p *Page) trouble(f frame.Frame) []string {
	k, ok := p.rows.Selected()
	if !ok || k.test != "" {
		return nil
	}
	o := p.objects[k.id]
	text := o.progress.Cause
	if text == "" && o.state == model.ReadinessFailed {
		text = o.message
	}
	if text == "" {
		return nil
	}
	if !o.progress.Doomed && o.state == model.ReadinessProgress && paint.Width(p.causeRow(f, o)) < f.W {
		return nil // its row says all of it
	}
	look, glyph, says := f.Warn, f.Glyph.Risk, " is slow: "
	if !o.progress.Doomed {
		if o.state == model.ReadinessFailed {
			look, glyph, says = f.Bad, f.Glyph.Failed, " has failed: "
		}
		return mark(f, glyph, look.Paint, o.id.String()+says+text)
	}
	look, glyph, says = f.Bad, f.Glyph.Failed, " will not become ready: "
	out := mark(f, glyph, look.Paint, o.id.String()+says+text)
	for _, l := range paint.Wrap(f.Press(action.Revert, action.Rollout)+" reverts "+p.shippedWords(f)+" by a pull request, now; the run waits a little longer, should the cause go away.", f.W-4) {
		out = append(out, "   "+l)
	}
	return out
}

func mark(f frame.Frame, glyph string, look func(string) string, text string) []string {
	var out []string
	for i, l := range paint.Wrap(sanitize.Text(text), f.W-5) {
		lead := "   "
		if i == 0 {
			lead = " " + look(glyph) + " "
		}
		out = append(out, lead+look(l))
	}
	return out
}
