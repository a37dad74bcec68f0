package rollout

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/words"
)

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
		if !p.resumed.IsZero() {
			took += "; interrupted, and resumed at " + words.Clock(p.resumed.In(f.Now.Location()), f.Now)
		}
		return mark(f, glyph, look.Paint, fmt.Sprintf("succeeded: %s runs %s, %s%s in %s",
			name, model.Short(p.Commit()), words.Count(len(p.order), "object"), tests, took))
	}
	said := p.reason(f)
	if !strings.HasPrefix(said, p.outcome()+" ") {
		said = p.outcome() + ": " + said
	}
	out := mark(f, glyph, look.Paint, said)
	next := p.nextWords(f)
	para := func(text string) {
		for _, l := range paint.Wrap(text, f.W-4) {
			out = append(out, "   "+l)
		}
	}
	written := p.Written()
	switch {
	case p.run.ID == "":
		next = "Nothing was written. " + next
	case written != "":
		para(sanitize.Line(written))
	}
	para(next)
	return out
}

// writtenClause is what the error of a run that was stopped says besides: the
// page says it in a line of its own, with the names.
var writtenClause = regexp.MustCompile(`: \d+ of \d+ objects were written, and stay as they are; plan again to see what is left(: context canceled)?`)

// reason is why the run did not succeed.
func (p *Page) reason(f frame.Frame) string {
	out := p.run.Reason
	if p.err != nil {
		out = p.err.Error()
	}
	var expired *model.TakeOverError
	switch {
	case p.outcome() == cancelled:
		out = "you ended it before the window opened"
	case p.Interrupted() && (p.Followed || out == ""):
		out = p.stopped()
	case errors.As(p.err, &expired): // by the clock that the operator goes by
		at := words.Clock(expired.Lock.Expires.In(frame.Zone(p.Environment, f.Now)), f.Now)
		out = strings.Replace(out, expired.Error(), expired.Told(at), 1)
	case p.state == model.RunAborted:
		out = strings.TrimPrefix(writtenClause.ReplaceAllString(out, ""), p.Environment.Name+": ")
		if out == "stopped" && !p.Followed {
			out = "you stopped it"
		}
	}
	if t := p.testVerdict(); t != "" && !strings.Contains(out, "acceptance test") {
		out = t
	}
	return out
}

// nextWords say what can be done after a run that did not succeed.
func (p *Page) nextWords(f frame.Frame) string {
	again := f.Press(action.Again, action.Rollout) + " reads the plan for " + f.Commit(p.Commit()) + " again."
	if !p.Failed() {
		return again
	}
	out := f.Press(action.Revert, action.Rollout) + " reverts " + p.shippedWords(f) + " by a pull request. "
	if p.From() != "" && p.From() != p.Commit() {
		out += f.Press(action.RollBack, action.Rollout) + " reviews " + f.Commit(p.From()) + ", which was live before, to roll back to it. "
	}
	if p.Interrupted() {
		return f.Press(action.Resume, action.Rollout) + " resumes it. " + out
	}
	return out + again
}

// shippedWords name what the run shipped.
func (p *Page) shippedWords(f frame.Frame) string {
	var names []string
	for _, c := range p.Shipped {
		names = append(names, frame.Change(c))
	}
	for _, n := range p.run.PullRequests {
		if len(p.Shipped) == 0 {
			names = append(names, fmt.Sprintf("#%d", n))
		}
	}
	if len(names) == 0 {
		return f.Commit(p.Commit())
	}
	return words.List(names, 4)
}

// stopped says where an interrupted run came to its stop.
func (p *Page) stopped() string {
	out := "run " + sanitize.Line(p.run.ID) + " by " + p.by() + " stopped without an end"
	if where := words.CutOff(p.wave, len(p.waves)); where != "" {
		out += " " + where
	}
	return out + "; nobody holds its lock any more"
}
