package notify

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// Lengths of what is taken from outside, in bytes before escaping. Slack cuts
// a section at 3000 characters, and people stop reading before.
const (
	maxTitle    = 200
	maxReason   = 500
	maxDetail   = 500
	maxRules    = 1000
	maxFailures = 10
)

// story is what is known of the run so far.
type story struct {
	about    Message
	state    model.RunState
	stage    string
	reason   string
	readings map[model.ObjectID]model.Readiness
	seen     map[string]bool // details that were told
	run      *model.Run      // after its end
}

func newStory(m Message) story {
	return story{about: m, state: model.RunApplying, readings: map[model.ObjectID]model.Readiness{}, seen: map[string]bool{}}
}

// take follows an event. changed: the message has to be written anew; detail:
// a line for the thread.
func (s *story) take(e model.Event) (changed bool, detail string) {
	if e.State != "" && !s.state.Final() {
		changed = e.State != s.state
		s.state = e.State
	}
	before := s.stage + s.count()
	switch e.Type {
	case model.EventWave:
		s.stage = fmt.Sprintf("wave %d of %d: %s", e.Wave, e.Waves, clean(e.Message, maxTitle))
	case model.EventProgress, model.EventCause:
		if e.Progress != nil {
			s.readings[e.Progress.ID] = e.Progress.Readiness
		}
		if e.Type == model.EventCause && e.Object != nil {
			detail = fmt.Sprintf("%s: %s", e.Object, e.Message)
		}
	case model.EventTest:
		s.stage = "acceptance tests"
		detail = "test " + e.Source + ": " + e.Message
	case model.EventNote:
		detail = e.Message
	case model.EventFinished:
		s.end(e)
		changed = true
	}
	detail = clean(detail, maxDetail)
	if s.seen[detail] {
		detail = ""
	} else if detail != "" {
		s.seen[detail] = true
	}
	return changed || s.stage+s.count() != before, escape(detail)
}

// end follows the last event. A run that was refused before it began ends
// without a state of its own.
func (s *story) end(e model.Event) {
	s.reason = clean(e.Message, maxReason)
	switch {
	case s.state.Final():
	case e.ExitCode != nil && *e.ExitCode == int(model.ExitOK):
		s.state = model.RunSucceeded
	default:
		s.state = model.RunAborted
	}
}

func (s *story) finish(run model.Run) {
	s.run = &run
	s.state = run.State
	if run.Reason != "" {
		s.reason = clean(run.Reason, maxReason)
	}
}

// count is how many of the watched objects are ready.
func (s *story) count() string {
	if len(s.readings) == 0 {
		return ""
	}
	ready := 0
	for _, r := range s.readings {
		if r == model.ReadinessReady {
			ready++
		}
	}
	return fmt.Sprintf("%d of %d ready", ready, len(s.readings))
}

var words = map[model.RunState]struct{ icon, verb string }{
	model.RunApplying:    {":hourglass_flowing_sand:", "applying"},
	model.RunWatching:    {":hourglass_flowing_sand:", "rolling out"},
	model.RunTesting:     {":hourglass_flowing_sand:", "testing"},
	model.RunSucceeded:   {":white_check_mark:", "now runs"},
	model.RunFailed:      {":x:", "failed to take"},
	model.RunAborted:     {":no_entry:", "aborted"},
	model.RunInterrupted: {":warning:", "was interrupted applying"},
}

// headline is the message in one line, escaped: "production now runs 1a2b3c4
// Upgrade cart".
func (s *story) headline() string {
	w := words[s.state]
	line := fmt.Sprintf("%s *%s* %s %s %s", w.icon, escape(clean(s.about.Environment, maxTitle)), w.verb, s.commit(),
		escape(clean(s.about.Title, maxTitle)))
	if s.state.Final() && s.reason != "" && s.state != model.RunSucceeded {
		line += "\n" + escape(s.reason)
	}
	return line
}

// commit is the short commit, as a link when there is one.
func (s *story) commit() string {
	short := escape(clean(model.Short(s.about.Commit), maxTitle))
	u, err := url.Parse(s.about.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(u.String(), "<>|") {
		return short
	}
	return fmt.Sprintf("<%s|%s>", escape(u.String()), short)
}

// context is the small print under the headline.
func (s *story) context() string {
	parts := []string{"run " + clean(s.about.Run, maxTitle)}
	if s.about.Tier != "" {
		parts = append(parts, string(s.about.Tier))
	}
	if s.about.Operator != "" {
		parts = append(parts, "by "+clean(s.about.Operator, maxTitle))
	}
	if s.about.Override != "" && s.about.Exception == nil {
		parts = append(parts, "override: "+clean(s.about.Override, maxTitle))
	}
	if !s.state.Final() && s.stage != "" {
		parts = append(parts, s.stage)
	}
	if c := s.count(); c != "" {
		parts = append(parts, c)
	}
	if s.run != nil && !s.run.FinishedAt.IsZero() {
		parts = append(parts, "took "+s.run.FinishedAt.Sub(s.run.StartedAt).Round(time.Second).String())
	}
	return escape(strings.Join(parts, " · "))
}

// exception says who overrode which rules and why; empty: nobody did.
func (s *story) exception() string {
	x := s.about.Exception
	if x == nil {
		return ""
	}
	return ":warning: " + escape(fmt.Sprintf("overridden by %s: %s (%s)",
		clean(x.Who(), maxTitle), clean(x.Reason, maxReason), clean(strings.Join(x.Rules, "; "), maxRules)))
}

// failures are the objects that did not make it, for the thread.
func (s *story) failures() []string {
	if s.run == nil {
		return nil
	}
	var lines []string
	left := 0
	for _, o := range s.run.Objects {
		switch {
		case o.Result != model.ResultFailed:
		case len(lines) == maxFailures:
			left++
		default:
			lines = append(lines, "• "+escape(clean(fmt.Sprintf("%s: %s", o.ID, o.Message), maxDetail)))
		}
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("• and %d more", left))
	}
	return lines
}

// clean makes text from outside safe and short; it is not escaped yet.
func clean(s string, limit int) string {
	s = sanitize.Line(s)
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape keeps text from being read as Slack's markup for links and mentions.
// See https://docs.slack.dev/messaging/formatting-message-text.
func escape(s string) string { return escaper.Replace(s) }
