package rollout

import (
	"fmt"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
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
	}
	return frame.Head{
		Left: sanitize.Line(p.Environment.Name) + "  " + what + "  " +
			f.Commit(p.Plan.From) + " " + f.Glyph.Arrow + " " + f.Commit(p.Plan.Commit),
		Right:      f.Window(w),
		Production: p.Environment.Tier == model.TierProduction,
	}
}

// Draw draws the page's body: how far the run is, the objects, and at the
// bottom the verdict or the latest of the run's story.
func (p *Page) Draw(f frame.Frame) frame.Body {
	if p.Armed() {
		return p.drawArmed(f)
	}
	top := []string{p.progressLine(f)}
	if f.H > 14 {
		top = append(top, "")
	}
	bottom := p.bottom(f, p.bottomHeight(f, len(top)))
	room := max(1, f.H-len(top)-len(bottom))
	p.table = frame.Area{Y: len(top), W: f.W, H: room}
	out := append(top, p.objectRows(f, room)...)
	if slack := f.H - len(out) - len(bottom); slack > 0 && p.rows.Len() > 0 {
		out = append(out, make([]string, slack)...)
	}
	out = append(out, bottom...)
	return frame.Body{Lines: out[:min(len(out), f.H)]}
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
	left := p.Usual - f.Now.Sub(p.started)
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
	add(c.failed, model.ReadinessFailed, "failed")
	add(c.busy, model.ReadinessProgress, "under way")
	add(c.ready, model.ReadinessReady, "ready")
	add(c.waiting, model.ReadinessWaiting, "waiting")
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

// objectRows are the waves and their objects in h lines.
func (p *Page) objectRows(f frame.Frame, h int) []string {
	if len(p.order)+len(p.tests) == 0 {
		return []string{"   " + f.Dim.Paint("No object is written: the commit is recorded as live.")}
	}
	name := 0
	for _, id := range p.order {
		name = max(name, paint.Width(title(id)))
	}
	for _, t := range p.tests {
		name = max(name, paint.Width(sanitize.Line(t.name)))
	}
	name = min(name, max(18, f.W/3))
	var out []string
	from, to := p.rows.Window(h)
	for i := from; i < to; i++ {
		k := p.rows.Item(i).Key
		switch {
		case k.wave > 0:
			out = append(out, p.waveRow(f, k.wave))
		case k.tests:
			out = append(out, p.testsRow(f))
		case k.test != "":
			out = append(out, p.testRow(f, p.find(k.test), i == p.rows.Index(), name))
		case k.pod:
			out = append(out, p.podRow(f, k))
		case k.line > 0:
			out = append(out, p.causeRow(f, k.id))
		default:
			out = append(out, p.objectRow(f, p.objects[k.id], i == p.rows.Index(), name))
		}
	}
	return out
}

func title(id model.ObjectID) string { return sanitize.Line(id.Kind + " " + id.Name) }

func (p *Page) waveRow(f frame.Frame, n int) string {
	w := p.waves[n-1]
	state := model.ReadinessReady
	for _, o := range w.Objects {
		switch s := p.objects[o.ID].state; {
		case s == model.ReadinessFailed:
			state = s
		case s != model.ReadinessReady && state != model.ReadinessFailed:
			state = model.ReadinessProgress
		}
	}
	if n > p.wave && state != model.ReadinessReady {
		state = model.ReadinessWaiting
	}
	glyph, look := f.Readiness(state)
	left := " " + look.Paint(glyph) + " " + f.Title.Paint(fmt.Sprintf("wave %d", n)) + "  " + f.Dim.Paint(w.Name)
	return paint.Spread(left, f.Dim.Paint(words.Count(len(w.Objects), "object"))+" ", f.W)
}

func (p *Page) objectRow(f frame.Frame, o *object, selected bool, name int) string {
	const ready, age = 16, 8
	look := f.Row(selected, true)
	glyph, paintGlyph := f.Readiness(o.state)
	count := ""
	if o.progress.Desired > 0 {
		count = fmt.Sprintf("%d of %d ready", o.progress.Ready, o.progress.Desired)
	}
	line := f.Mark(selected, true) + "  " + paintGlyph.Paint(glyph) + " " + look.Paint(paint.Fit(title(o.ID), name)) + "  "
	message := f.W - paint.Width(line) - ready - age - 3
	if message < 12 {
		return paint.Spread(line+count, f.Dim.Paint(p.age(f, o))+" ", f.W)
	}
	text := f.Dim
	if o.state == model.ReadinessFailed {
		text = f.Bad
	}
	return line + paint.Fit(count, ready) + " " + text.Paint(paint.Fit(p.message(o), message)) + " " +
		f.Dim.Paint(paint.FitRight(p.age(f, o), age)) + " "
}

// message says in words how an object stands; the state's own word where
// there is nothing better, so that no state is told by its glyph alone.
func (p *Page) message(o *object) string {
	switch {
	case o.pruned:
		return "deleted"
	case o.left:
		return "not written"
	case o.state == model.ReadinessWaiting && o.Verdict == model.VerdictDelete:
		return "waiting, to be deleted"
	case o.state == model.ReadinessWaiting:
		return "waiting"
	case o.state == model.ReadinessReady:
		return "ready"
	case o.message != "":
		return sanitize.Line(o.message)
	case o.state == model.ReadinessFailed:
		return "failed"
	}
	return "applied, not ready yet"
}

// age is how long an object took, or has been taking.
func (p *Page) age(f frame.Frame, o *object) string {
	if o.applied.IsZero() {
		return ""
	}
	end := f.Now
	switch {
	case !o.ended.IsZero() && o.state == model.ReadinessReady:
		end = o.ended
	case p.Done():
		end = p.ended
	}
	return words.Took(end.Sub(o.applied))
}

func (p *Page) causeRow(f frame.Frame, id model.ObjectID) string {
	o := p.objects[id]
	text, look := sanitize.Line(o.progress.Cause), f.Warn
	if o.progress.Doomed {
		text, look = "will not become ready: "+text, f.Bad
	}
	return paint.Cut("       "+f.Rule.Paint(f.Glyph.Branch)+" "+look.Paint(text), f.W)
}

func (p *Page) podRow(f frame.Frame, k row) string {
	pods := p.troubled(p.objects[k.id])
	if k.line > len(pods) {
		return ""
	}
	pod := pods[k.line-1]
	reason := pod.Reason
	if reason == "" {
		reason = pod.Phase
	}
	line := "       " + f.Rule.Paint(f.Glyph.Branch) + " " + f.Dim.Paint("pod ") + sanitize.Line(pod.Name) + "  " + f.Warn.Paint(sanitize.Line(reason))
	if pod.Message != "" {
		line += "  " + f.Dim.Paint(sanitize.Line(pod.Message))
	}
	right := ""
	if pod.Restarts > 0 {
		right = words.Count(pod.Restarts, "restart") + "  "
	}
	if !pod.Created.IsZero() {
		right += words.Took(f.Now.Sub(pod.Created)) + " "
	}
	return paint.Spread(line, f.Dim.Paint(right), f.W)
}

// bottomHeight is how many lines the bottom may take: a third of the page, and
// for the log of a test half of it, or what the table leaves.
func (p *Page) bottomHeight(f frame.Frame, top int) int {
	h := max(3, f.H/3)
	if p.selectedTest() != nil {
		h = max(h, f.H/2, f.H-top-p.rows.Len()-1)
	}
	return h
}

// bottom is the verdict once there is one, else the selected object's trouble
// in full, and above it as much of the story as there is room for.
func (p *Page) bottom(f frame.Frame, h int) []string {
	said := p.verdict(f)
	if !p.Done() {
		said = p.trouble(f)
	}
	said = said[:min(len(said), h-1)]
	if t := p.selectedTest(); t != nil && !t.began.IsZero() {
		log := p.logTail(f, t, h-2-len(said))
		out := append([]string{f.Line(f.W)}, log...)
		if len(said) > 0 && len(log) > 0 {
			out = append(out, "")
		}
		return append(out, said...)
	}
	told := min(len(p.story), max(0, h-2-len(said)))
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
	look, glyph := f.Warn, f.Glyph.Risk
	says := ": "
	if o.progress.Doomed {
		look, glyph, says = f.Bad, f.Glyph.Failed, " will not become ready: "
	}
	return mark(f, glyph, look.Paint, o.ID.String()+says+text)
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

// cancelled is the outcome of a run that was stopped while it waited.
const cancelled = "cancelled"

// outcome is the word for how the run ended. What was turned down before it
// began has not failed.
func (p *Page) outcome() string {
	switch {
	case p.armed != nil && p.state == model.RunAborted:
		return cancelled
	case p.armed != nil && model.CodeOf(p.err, model.ExitOK) == model.ExitPlanMoved:
		return "void"
	case p.state == model.RunFailed && p.run.ID == "":
		return "refused"
	}
	return string(p.state)
}

// verdict is how the run ended, why, and what can be done next.
func (p *Page) verdict(f frame.Frame) []string {
	glyph, look := f.Run(p.state)
	took := words.Took(p.ended.Sub(p.started))
	name := p.Environment.Name
	if p.err == nil && p.state == model.RunSucceeded {
		tests := ""
		if c := p.testCounts(); len(p.tests) > 0 {
			tests = fmt.Sprintf(", %d of %d tests passed", c.passed, len(p.tests))
		}
		return mark(f, glyph, look.Paint, fmt.Sprintf("succeeded: %s runs %s, %s%s in %s",
			name, model.Short(p.Plan.Commit), words.Count(len(p.order), "object"), tests, took))
	}
	reason := p.run.Reason
	if p.err != nil {
		reason = p.err.Error()
	}
	if p.outcome() == cancelled {
		reason = "you ended it before the window opened"
	}
	if t := p.testVerdict(); t != "" && !strings.Contains(reason, "acceptance test") {
		reason = t
	}
	out := mark(f, glyph, look.Paint, p.outcome()+": "+reason)
	next := "What was applied stays as it is. "
	if p.run.ID == "" {
		next = "Nothing was written. "
	}
	again := f.Accent.Paint("r") + " reads the plan for " + f.Commit(p.Plan.Commit) + " again."
	if !p.Failed() {
		return append(out, "   "+next+again)
	}
	out = append(out, paint.Cut("   "+next+f.Accent.Paint("R")+" reverts "+p.shippedWords(f)+" by a pull request.", f.W))
	return append(out, "   "+again)
}

// shippedWords name what the run shipped.
func (p *Page) shippedWords(f frame.Frame) string {
	var names []string
	for _, c := range p.Shipped {
		names = append(names, frame.Change(c))
	}
	if len(names) == 0 {
		return f.Commit(p.Plan.Commit)
	}
	return words.List(names, 4)
}
