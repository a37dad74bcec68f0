package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// stands is how the window stands for what is confirmed.
func (c *confirm) stands() standing {
	if c.about != nil {
		return c.app.judgeFor(c.env.Name, c, c.about)
	}
	return c.app.judge(c.env.Name, c.plan)
}

func (c *confirm) closed() bool {
	w := c.stands().state
	return w != nil && !w.Open
}

// now is what the cluster's clock shows.
func (c *confirm) now() time.Time { return c.app.clusterNow(c.env.Name) }

// clock tells an instant in the zone of the windows.
func (c *confirm) clock(at time.Time) string {
	now := c.now()
	return words.Clock(at.In(frame.Zone(c.env, now)), now)
}

// closes is when the window closes for a run that has begun; zero: it does not,
// or is not known to. A cutoff only says until when one may begin.
func (c *confirm) closes() time.Time {
	w := c.stands().state
	if w == nil || !w.Open {
		return time.Time{}
	}
	rules := slices.Clone(c.app.home.Status(c.env.Name).Value.Rules)
	cut := false
	for i := range rules {
		cut = cut || rules[i].Cutoff > 0
		rules[i].Cutoff = 0
	}
	if !cut || c.plan == nil {
		return w.Until
	}
	subjects := c.plan.WindowSubjects()
	return window.Ask{Rules: rules, Subjects: subjects, Known: len(subjects) > 0}.At(c.now()).Until
}

// closedForGood says that the window is closed where neither a reason nor
// waiting would help.
func (c *confirm) closedForGood() string {
	if !c.closed() || c.mayOverride() || c.armable() {
		return ""
	}
	w := c.stands().state
	out := "the window is closed (" + frame.Reason(w, false) + "), and " + c.noOverride()
	if !w.NextOpen.IsZero() {
		out += " It opens in " + words.Left(w.NextOpen.Sub(c.now())) + "."
	}
	return out
}

// armable reports whether the plan could wait for its window: it opens within a
// year, and everything else that is asked for is met, or is by then.
func (c *confirm) armable() bool {
	w := c.stands().state
	if c.plan == nil || c.page.Proposed != nil || w == nil || w.Open || w.NextOpen.IsZero() {
		return false
	}
	return !slices.ContainsFunc(c.needs(), func(r model.Requirement) bool { return !r.Met && r.Name != model.RequireSoak })
}

// armLabel is the button that lets the plan wait.
const armLabel = "Start when it opens"

// wordings are the words for a button, the longest first.
func (c *confirm) wordings(label string) []string {
	w := c.stands().state
	if label != armLabel || w == nil || w.NextOpen.IsZero() {
		return []string{label}
	}
	at, wait := c.clock(w.NextOpen), w.NextOpen.Sub(c.now())
	return []string{
		fmt.Sprintf("%s (%s, in %s)", label, at, words.Left(wait)),
		fmt.Sprintf("%s (%s, in %s)", label, at, words.Age(wait)),
		fmt.Sprintf("%s (%s)", label, at),
		"Start " + at,
		"Start then",
	}
}

// armMoved is why a plan that could wait when the dialog opened cannot any more.
func (c *confirm) armMoved() string {
	switch {
	case c.refused() != "":
		return c.refused()
	case c.replanned():
		return "nothing was confirmed: it is another plan by now"
	case c.closed() && !c.armable():
		return "it cannot wait any more: " + c.leave() + " says why"
	}
	return ""
}

// windowLines say how the window stands, what happens when it closes, how long
// the run takes, and what it could wait for. Where there is little room, what
// is behind it comes last.
func (c *confirm) windowLines(f frame.Frame, w int) []string {
	tight := f.H < tightHeight
	takes, from := c.takes(f)
	one := tight && takes != "" && paint.Width(c.window(f)+"; "+takes) <= w-factIndent
	var out []string
	if one {
		out = append(out, c.fact(f, "window", c.window(f)+"; "+takes, w))
	} else {
		out = append(out, c.fact(f, "window", c.window(f), w))
	}
	if !tight {
		out = append(out, c.because(f, w)...)
	}
	if takes != "" && !one {
		out = append(out, c.fact(f, "takes", takes+from, w))
	}
	if then := c.atClosing(); then != "" {
		out = append(out, c.para(f, "then", then, w)...)
	}
	if c.armable() {
		out = append(out, c.para(f, "wait", c.armWords(tight), w)...)
	}
	if c.overrides {
		out = append(out, c.para(f, "override", c.overrideWho(), w)...)
	}
	if tight {
		out = append(out, c.because(f, w)...)
	}
	return out
}

// para is a fact on as many lines as it takes.
func (c *confirm) para(f frame.Frame, label, text string, w int) []string {
	var out []string
	for _, l := range paint.Wrap(sanitize.Line(text), w-factIndent) {
		out, label = append(out, c.fact(f, label, l, w)), ""
	}
	return out
}

// because is the rule behind it, where it closes or is not what it is in
// general, and what is to be known of how it was read.
func (c *confirm) because(f frame.Frame, w int) []string {
	s := c.stands()
	if s.state == nil {
		return nil
	}
	var out []string
	if !s.state.Open || s.about != "" {
		for _, l := range paint.Wrap(frame.Reason(s.state, c.mayOverride()), w-factIndent-2) {
			out = append(out, c.fact(f, "", "  "+f.Dim.Paint(l), w))
		}
	}
	if s.state.Aside != "" {
		out = append(out, c.facts(f, "", f.Glyph.Risk+" "+sanitize.Line(s.state.Aside), w)...)
	}
	return out
}

func (c *confirm) window(f frame.Frame) string {
	s := c.stands()
	f.Now = c.now()
	text := strings.TrimPrefix(f.WindowFor(s.state, s.about), "window ")
	switch {
	case s.state == nil:
		return f.Warn.Paint("not known; it is judged again before the first write")
	case !s.state.Open && !s.state.NextOpen.IsZero() && f.H < tightHeight:
		text = "closed" + s.about + " until " + c.clock(s.state.NextOpen)
		fallthrough
	case !s.state.Open:
		return f.Warn.Paint(f.Glyph.Failed + " " + text)
	}
	out := f.Good.Paint(f.Glyph.OK) + " " + text
	if !s.state.Until.IsZero() && f.H >= tightHeight {
		out += f.Dim.Paint(", closes " + c.clock(s.state.Until))
	}
	return out
}

// atClosing says what happens when the window closes under a run.
func (c *confirm) atClosing() string {
	w, closes := c.stands().state, c.closes()
	switch {
	case c.refused() != "" || w == nil:
		return ""
	case !w.Open && c.mayOverride() && c.env.Overrun == model.OverrunStop:
		return "an overridden run is not stopped when a window closes"
	case closes.IsZero():
		return ""
	}
	starts := ""
	if closes.After(w.Until) {
		starts = "nothing starts after " + c.clock(w.Until) + "; "
	}
	if c.env.Overrun == model.OverrunStop {
		return starts + "no new wave begins after " + c.clock(closes)
	}
	return starts + "at " + c.clock(closes) + " the run is finished all the same"
}

// armWords say what it means to let the plan wait.
func (c *confirm) armWords(tight bool) string {
	at := c.clock(c.stands().state.NextOpen)
	if tight {
		return "starts " + at + "; any change to the plan voids it"
	}
	return "starts " + at + ", with fairtide open until then; the plan is read again meanwhile, and any change to it voids that"
}

// overrideWho says who may override, and that it goes on record.
func (c *confirm) overrideWho() string {
	const record = "; who, why and which rule go on record"
	st := c.app.home.Status(c.env.Name).Value
	as, _ := c.env.Override.Permits(st.User, st.Groups)
	if c.env.Override.Who() == "" {
		return "anybody may" + record
	}
	who := "you may"
	if st.User != "" {
		who = "you (" + st.User + ") may"
	}
	if as != "" && as != "user "+st.User {
		who += ", as " + as
	}
	return who + record
}

// unfit says so that nobody misses it that the window closes before the run
// would have ended.
func (c *confirm) unfit(f frame.Frame, w int) []string {
	fit, e, known := c.fit()
	if !known || fit.State == model.Fits || c.refused() != "" {
		return nil
	}
	tag, text := " DOES NOT FIT ", fmt.Sprintf("It takes about %s, and the window closes in %s, at %s.", about(e.Takes), words.Left(fit.Left), c.clock(c.closes()))
	if fit.State == model.FitsUnsure {
		tag = " MAY NOT FIT "
		text = fmt.Sprintf("It may take up to %s, and the window closes in %s, at %s.", about(e.Most), words.Left(fit.Left), c.clock(c.closes()))
	}
	end := "The run is finished all the same."
	if c.env.Overrun == model.OverrunStop {
		end = "No new wave begins then: what is written stays, the rest is left out."
	}
	out := []string{"  " + f.Danger.Paint(tag)}
	for _, l := range paint.Wrap(text+" "+end, w-2) {
		out = append(out, "  "+f.Warn.Paint(l))
	}
	return append(out, "")
}

// fit judges whether the run ends before the window closes; known is false as
// long as the history is not read.
func (c *confirm) fit() (fit model.Fit, e model.Estimate, known bool) {
	if !c.past.Loaded || c.plan == nil {
		return fit, e, false
	}
	e = model.EstimateRun(c.past.Value, c.plan, c.env)
	return e.Fits(c.now(), c.closes()), e, true
}

// takes says how long the run may take and whether the window is open as long,
// and from what that is known.
func (c *confirm) takes(f frame.Frame) (takes, from string) {
	switch {
	case c.refused() != "":
		return "", ""
	case c.past.Err != nil:
		return f.Dim.Paint("not known"), f.Dim.Paint(": the history could not be read")
	case !c.past.Loaded:
		return f.Dim.Paint("not known yet"), f.Dim.Paint(": the history is being read")
	}
	fit, e, _ := c.fit()
	most := ""
	if e.Most > e.Takes {
		most = f.Dim.Paint("; at most " + about(e.Most))
		if !c.closes().IsZero() && fit.State == model.Fits && e.Most > fit.Left {
			most = f.Dim.Paint("; ") + f.Warn.Paint("at most "+about(e.Most)+", past closing")
		}
	}
	takes, from = "about "+about(e.Takes), f.Dim.Paint(", "+e.From())+most
	if e.Of == 0 {
		takes, from = f.Dim.Paint("not known"), f.Dim.Paint(": "+e.From())+most
	}
	switch {
	case c.closes().IsZero():
	case fit.State == model.FitsNot:
		takes = f.Warn.Paint(f.Glyph.Risk + " about " + about(e.Takes) + ", does not fit")
	case fit.State == model.FitsUnsure:
		takes = f.Warn.Paint(f.Glyph.Risk + " not known, may not fit")
	case e.Of > 0:
		takes += ", fits"
	}
	return takes, from
}

// about is a duration that is not known to the second.
func about(d time.Duration) string {
	const step = 5 * time.Second
	switch minutes := d.Round(time.Minute); {
	case d < time.Minute:
		return words.Took(max(step, d.Round(step)))
	case minutes < time.Hour:
		return fmt.Sprintf("%d m", int(minutes.Minutes()))
	default:
		return words.Left(minutes)
	}
}
