package rollout

import (
	"fmt"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// objectRows are the waves and their objects in h lines.
func (p *Page) objectRows(f frame.Frame, h int) []string {
	if len(p.order)+len(p.tests) == 0 {
		return []string{"   " + f.Dim.Paint("No object is written: the commit is recorded as live.")}
	}
	c := p.columns(f)
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
			out = append(out, p.testRow(f, p.find(k.test), i == p.rows.Index(), c.name))
		case k.pod:
			out = append(out, p.podRow(f, k))
		case k.line > 0:
			out = append(out, paint.Cut(p.causeRow(f, p.objects[k.id]), f.W))
		default:
			out = append(out, p.objectRow(f, p.objects[k.id], i == p.rows.Index(), c))
		}
	}
	return out
}

func title(id model.ObjectID) string { return sanitize.Line(id.Kind + " " + id.Name) }

// waveRow is the heading of a wave: how it stands, how many of its objects are
// ready, and how long it took or has been taking.
func (p *Page) waveRow(f frame.Frame, n int) string {
	state, ready, all := model.ReadinessReady, 0, 0
	var ended time.Time
	for _, o := range p.objects {
		if o.wave != n {
			continue
		}
		all++
		switch s := o.state; {
		case s == model.ReadinessReady:
			ready++
		case s == model.ReadinessFailed:
			state = s
		case state != model.ReadinessFailed:
			state = model.ReadinessProgress
		}
		if o.ended.After(ended) {
			ended = o.ended
		}
	}
	w := p.waves[n-1]
	if n > p.wave && state != model.ReadinessReady {
		state = model.ReadinessWaiting
	}
	glyph, look := f.Readiness(state)
	left := " " + look.Paint(glyph) + " " + f.Title.Paint(fmt.Sprintf("wave %d", n)) + "  " + f.Dim.Paint(sanitize.Line(w.name))
	count := words.Count(all, "object")
	if state != model.ReadinessWaiting && ready < all {
		count = fmt.Sprintf("%d of %d ready", ready, all)
	}
	took := ""
	switch {
	case w.began.IsZero() || state == model.ReadinessWaiting:
	case state == model.ReadinessReady && ended.Before(w.began): // before the run was resumed
	case state == model.ReadinessReady:
		took = words.Took(ended.Sub(w.began))
	case p.Done():
		took = words.Took(p.ended.Sub(w.began))
	default:
		took = words.Took(f.Now.Sub(w.began))
	}
	return paint.Spread(left, f.Dim.Paint(count+paint.FitRight(took, ageCells))+" ", f.W)
}

// columns are the widths of an object's row; 0: it has no such column.
type columns struct{ name, ready, image int }

const ageCells = 9

func (p *Page) columns(f frame.Frame) columns {
	const withMessage, withOld, withImage, mostImage = 66, 96, 108, 40
	c := columns{ready: 14}
	for _, id := range p.order {
		o := p.objects[id]
		c.name = max(c.name, paint.Width(title(id)))
		if o.progress.Old > 0 && f.W >= withOld {
			c.ready = 21
		}
		c.image = max(c.image, paint.Width(o.image(f.Glyph.Arrow)))
	}
	for _, t := range p.tests {
		c.name = max(c.name, paint.Width(sanitize.Line(t.name)))
	}
	most := max(18, f.W/3)
	if f.W < withMessage {
		most = max(most, f.W-36)
	}
	c.name = min(c.name, most)
	if c.image = min(c.image, mostImage); f.W < withImage {
		c.image = 0
	}
	return c
}

func (p *Page) objectRow(f frame.Frame, o *object, selected bool, c columns) string {
	look := f.Row(selected, p.pane == nil || !p.pane.focus)
	glyph, paintGlyph := f.Readiness(o.state)
	line := f.Mark(selected, p.pane == nil || !p.pane.focus) + "  " + paintGlyph.Paint(glyph) + " " + look.Paint(paint.Fit(title(o.id), c.name)) + "  " +
		paint.Fit(o.replicas(c.ready), c.ready) + "  "
	age := f.Dim.Paint(paint.FitRight(p.age(f, o), ageCells)) + " "
	if c.image > 0 {
		line += f.Dim.Paint(paint.Fit(o.image(f.Glyph.Arrow), c.image)) + "  "
	}
	message := f.W - paint.Width(line) - ageCells - 2
	if message < 8 {
		return paint.Spread(line, age, f.W)
	}
	text, style := p.message(f, o)
	if message < len(text) {
		text = inShort(text)
	}
	return line + style.Paint(paint.Fit(text, message)) + " " + age
}

// replicas says how many pods of the new revision are ready, and how many of
// older ones are still there, where there is room.
func (o *object) replicas(w int) string {
	if o.progress.Desired <= 0 {
		return ""
	}
	out := fmt.Sprintf("%d of %d ready", o.progress.Ready, o.progress.Desired)
	if more := fmt.Sprintf("%s, %d old", out, o.progress.Old); o.progress.Old > 0 && len(more) <= w {
		return more
	}
	return out
}

// unseen is an object that was written and not watched until it was ready.
const unseen = "written, not seen ready"

// unrecorded is an object that the record of an interrupted run does not have as
// written. It may be all the same: the record lags behind.
const unrecorded, undeleted = "not recorded as written", "not recorded as deleted"

// inShort says the same where there is little room.
func inShort(text string) string {
	switch text {
	case unseen:
		return "not seen ready"
	case unrecorded, undeleted:
		return "not recorded"
	}
	return text
}

// message says in words how an object stands; the state's own word where
// there is nothing better, so that no state is told by its glyph alone.
func (p *Page) message(f frame.Frame, o *object) (string, theme.Style) {
	text := p.counted(o)
	switch {
	case o.pruned:
		return "deleted", f.Dim
	case o.left && p.Interrupted() && o.verdict == model.VerdictDelete:
		return undeleted, f.Dim
	case o.left && p.Interrupted():
		return unrecorded, f.Dim
	case o.left:
		return "not written", f.Dim
	case o.state == model.ReadinessWaiting && o.verdict == model.VerdictDelete:
		return "to be deleted", f.Dim
	case o.state == model.ReadinessWaiting:
		return "waiting", f.Dim
	case o.state == model.ReadinessReady:
		return "ready", f.Dim
	case o.progress.Doomed && !p.Done():
		return "doomed", f.Bad
	case o.progress.Doomed && o.message == o.progress.Message: // counts of pods: its cause stands below
		return "failed", f.Bad
	case o.state == model.ReadinessFailed && text != "" && text != sanitize.Line(o.progress.Cause):
		return text, f.Bad
	case o.state == model.ReadinessFailed:
		return "failed", f.Bad
	case p.Done() && o.state == model.ReadinessProgress:
		return unseen, f.Warn
	case p.late(o, f.Now):
		return "slow: longer than a run takes", f.Warn
	case p.slow(o, f.Now):
		return "slow", f.Warn
	case text != "":
		return text, f.Dim
	}
	return "not ready yet", f.Dim
}

// counted is what was last said of an object, without the counts of pods that
// stand in a column of their own.
func (p *Page) counted(o *object) string {
	text := sanitize.Line(o.message)
	if o.progress.Desired <= 0 || !strings.HasPrefix(text, fmt.Sprintf("%d of %d ", o.progress.Ready, o.progress.Desired)) {
		return text
	}
	_, rest, _ := strings.Cut(text, ", ")
	return rest
}

// age is how long an object took, or has been taking.
func (p *Page) age(f frame.Frame, o *object) string {
	if o.applied.IsZero() || p.Interrupted() && o.state != model.ReadinessReady {
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

// causeRow is what is in an object's way, however long.
func (p *Page) causeRow(f frame.Frame, o *object) string {
	text, look := sanitize.Line(o.progress.Cause), f.Warn
	if o.progress.Doomed && !p.Done() {
		text, look = "will not become ready: "+text, f.Bad
	}
	return "       " + f.Rule.Paint(f.Glyph.Branch) + " " + look.Paint(text)
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
