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

// logLength is how many lines of a test's log are kept.
const logLength = 500

// test is what is known of one acceptance test of the run.
type test struct {
	name     string
	kind     model.TestKind
	required bool
	began    time.Time
	result   *model.TestResult // once it has ended
	said     string            // the latest it told of itself
	log      []line
}

func (t *test) running() bool { return t.result == nil && !t.began.IsZero() }

// passed and bad are both false of a test that has not ended, or was skipped.
func (t *test) passed() bool { return t.result != nil && t.result.State == model.TestPassed }

func (t *test) bad() bool {
	return t.result != nil && (t.result.State == model.TestFailed || t.result.State == model.TestError)
}

// find is the test with the name. One that the environment's configuration did
// not name, as the run reads it at its own commit, is added.
func (p *Page) find(name string) *test {
	for _, t := range p.tests {
		if t.name == name {
			return t
		}
	}
	t := &test{name: name}
	p.tests = append(p.tests, t)
	return t
}

// tested takes what a test tells: that it starts, or how it ended.
func (p *Page) tested(e model.Event) {
	if e.Test != nil {
		p.ran(*e.Test)
		p.tell(e.Time, "test "+e.Test.Name+": "+e.Message)
		return
	}
	if e.Source == "" {
		p.tell(e.Time, e.Message)
		return
	}
	t := p.find(e.Source)
	t.said = e.Message
	if t.began.IsZero() {
		t.began = e.Time
	}
	if !p.Done() {
		p.state = model.RunTesting
	}
	p.tell(e.Time, "test "+e.Source+" "+e.Message)
}

func (p *Page) ran(r model.TestResult) {
	t := p.find(r.Name)
	t.kind, t.required, t.result = r.Kind, r.Required, &r
	if !r.StartedAt.IsZero() {
		t.began = r.StartedAt
	}
	if len(t.log) > 0 {
		return
	}
	for _, l := range r.Log {
		t.log = append(t.log, line{text: sanitize.Line(l)})
	}
}

// logged takes a line of a log: of a test by its name, with its pod behind.
func (p *Page) logged(e model.Event) {
	name, rest := e.Source, ""
	if !p.known(name) {
		if head, pod, ok := strings.Cut(name, " "); ok && p.known(head) {
			name, rest = head, pod+": "
		}
	}
	if name == "" {
		p.tell(e.Time, e.Message)
		return
	}
	t := p.find(name)
	t.log = append(t.log, line{e.Time, sanitize.Line(rest + e.Message)})
	if n := len(t.log) - logLength; n > 0 {
		t.log = t.log[n:]
	}
}

func (p *Page) known(name string) bool {
	for _, t := range p.tests {
		if t.name == name {
			return true
		}
	}
	return false
}

type testCounts struct{ passed, bad, ended int }

func (p *Page) testCounts() testCounts {
	var c testCounts
	for _, t := range p.tests {
		switch {
		case t.passed():
			c.passed++
		case t.bad():
			c.bad++
		}
		if t.result != nil {
			c.ended++
		}
	}
	return c
}

// testsFailed reports whether a required test did not pass.
func (p *Page) testsFailed() bool {
	for _, t := range p.tests {
		if t.result != nil && t.result.Blocks() {
			return true
		}
	}
	return false
}

// testVerdict names the first required test that failed, and why; empty when
// there is none, or the run did not come to a verdict.
func (p *Page) testVerdict() string {
	if p.state != model.RunFailed {
		return ""
	}
	for _, t := range p.tests {
		if r := t.result; t.bad() && r.Blocks() {
			out := fmt.Sprintf("acceptance test %s %s", t.name, testWord(r.State))
			if r.Message != "" {
				out += ": " + r.Message
			}
			return out
		}
	}
	return ""
}

func testWord(s model.TestState) string {
	if s == model.TestError {
		return "could not be carried out"
	}
	return string(s)
}

// testLook is the glyph and the style of a test, and its state in a word.
func (p *Page) testLook(f frame.Frame, t *test) (glyph string, look theme.Style, state string) {
	switch {
	case t.passed():
		return f.Glyph.OK, f.Good, "passed"
	case t.bad() && !t.required:
		return f.Glyph.Failed, f.Warn, string(t.result.State)
	case t.bad():
		return f.Glyph.Failed, f.Bad, string(t.result.State)
	case t.result != nil:
		return f.Glyph.Waiting, f.Dim, string(t.result.State)
	case p.Done():
		return f.Glyph.Waiting, f.Dim, "not run"
	case t.running():
		return f.Glyph.Busy, f.Warn, "running"
	}
	return f.Glyph.Waiting, f.Dim, "waiting"
}

// testsRow is the heading above the tests.
func (p *Page) testsRow(f frame.Frame) string {
	c := p.testCounts()
	glyph, look := f.Glyph.Waiting, f.Dim
	switch {
	case p.testsFailed():
		glyph, look = f.Glyph.Failed, f.Bad
	case c.ended == len(p.tests) && c.passed+c.bad > 0:
		glyph, look = f.Glyph.OK, f.Good
	case !p.Done() && p.state == model.RunTesting:
		glyph, look = f.Glyph.Busy, f.Warn
	}
	left := " " + look.Paint(glyph) + " " + f.Title.Paint("tests") + "  " + f.Dim.Paint("acceptance")
	return paint.Spread(left, f.Dim.Paint(fmt.Sprintf("%d of %d passed", c.passed, len(p.tests)))+" ", f.W)
}

// testRow is a test: its name, its kind, how it stands, and why.
func (p *Page) testRow(f frame.Frame, t *test, selected bool, name int) string {
	const kind, stateWidth, age = 8, 8, 8
	glyph, look, state := p.testLook(f, t)
	row := f.Row(selected, true)
	title := sanitize.Line(t.name)
	line := f.Mark(selected, true) + "  " + look.Paint(glyph) + " " + row.Paint(paint.Fit(title, name)) + "  " +
		f.Dim.Paint(paint.Fit(sanitize.Line(string(t.kind)), kind)) + look.Paint(paint.Fit(sanitize.Line(state), stateWidth)) + " "
	message := f.W - paint.Width(line) - age - 2
	if message < 12 {
		return paint.Spread(line, f.Dim.Paint(p.testAge(f, t))+" ", f.W)
	}
	text := f.Dim
	if t.bad() {
		text = look
	}
	return line + text.Paint(paint.Fit(t.message(), message)) + " " + f.Dim.Paint(paint.FitRight(p.testAge(f, t), age)) + " "
}

func (t *test) message() string {
	optional := ""
	if !t.required {
		optional = "not required"
	}
	switch {
	case t.result != nil && t.result.Message != "":
		if t.bad() && optional != "" {
			return sanitize.Line(optional + "; " + t.result.Message)
		}
		return sanitize.Line(t.result.Message)
	case t.result != nil && t.result.Attempts > 1:
		return words.Count(t.result.Attempts, "attempt")
	case t.running():
		return sanitize.Line(strings.TrimPrefix(t.said, "started: "))
	}
	return optional
}

func (p *Page) testAge(f frame.Frame, t *test) string {
	end := f.Now
	switch {
	case t.began.IsZero():
		return ""
	case t.result != nil && !t.result.FinishedAt.IsZero():
		end = t.result.FinishedAt
	case p.Done():
		end = p.ended
	}
	return words.Took(end.Sub(t.began))
}

// selectedTest is the test the cursor is on.
func (p *Page) selectedTest() *test {
	if k, ok := p.rows.Selected(); ok && k.test != "" {
		return p.find(k.test)
	}
	return nil
}

// logTail is the end of a test's log in h lines, under its name.
func (p *Page) logTail(f frame.Frame, t *test, h int) []string {
	if h < 2 {
		return nil
	}
	aside := words.Count(len(t.log), "line")
	if t.result != nil && t.result.Truncated {
		aside = "earlier lines were dropped, " + aside
	}
	out := []string{f.Heading("LOG OF "+sanitize.Line(t.name), aside, f.W)}
	if len(t.log) == 0 {
		return append(out, "   "+f.Dim.Paint("nothing yet"))
	}
	for _, l := range t.log[max(0, len(t.log)-h+1):] {
		at := ""
		if !l.at.IsZero() {
			at = f.Dim.Paint(l.at.In(f.Now.Location()).Format(time.TimeOnly)) + "  "
		}
		out = append(out, paint.Cut("   "+at+l.text, f.W))
	}
	return out
}
