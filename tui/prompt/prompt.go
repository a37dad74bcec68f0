// Package prompt is a line of text that is typed in the footer's place, with
// what it could become listed above it: the command palette, a filter, a
// search, a time.
package prompt

import (
	"slices"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/paint"
)

const (
	longest = 200 // characters
	// least is how many candidates are shown at once, more on a high screen.
	least = 10
)

// Candidate is what the text could become.
type Candidate struct {
	Text string // what choosing it puts in
	Note string // said beside it
	Key  string // the key that does the same; empty: there is none
	Off  string // why it cannot be chosen now; empty: it can
}

// Spec is what a prompt asks for.
type Spec struct {
	Label string // in front of the text: "/", ":", "what if"
	Text  string // to begin with
	// Candidates lists what a text could become, the best first; nil: nothing
	// is suggested. It is called when the text changes.
	Candidates func(text string) []Candidate
	// Pick has the first candidate selected, so that choosing means it; else
	// choosing means the text unless a candidate was gone to.
	Pick bool
	// Aside is said at the end of the line, "3 of 14"; nil: nothing. It is
	// drawn anew each frame.
	Aside func() string
	// History is what was typed before, the newest last. Up, where there is
	// nothing above to go to, brings it back.
	History []string
}

// Answer is what a key led to.
type Answer uint8

// The answers.
const (
	Open    Answer = iota // nothing changed but what is selected
	Edited                // the text changed
	Chosen                // Text, or the selected candidate, is meant
	Refused               // the selected candidate cannot be chosen: its Off
	Cancelled
)

// Prompt is a prompt on the screen.
type Prompt struct {
	spec  Spec
	input textinput.Model
	list  []Candidate
	at    int // the selected candidate; -1: none
	first int // the first in sight
	rows  int // how many are in sight
	back  int // how far back in the history the text is; 0: it is not from there

	texts, keys int // cells of the widest text and key of the list
}

// New opens a prompt.
func New(spec Spec) *Prompt {
	p := &Prompt{spec: spec, input: textinput.New(), at: -1, rows: least}
	p.input.CharLimit = longest
	p.input.SetValue(spec.Text)
	p.input.CursorEnd()
	p.suggest()
	return p
}

// Text is what is typed.
func (p *Prompt) Text() string { return p.input.Value() }

// Selected is the candidate that is selected.
func (p *Prompt) Selected() (Candidate, bool) {
	if p.at < 0 || p.at >= len(p.list) {
		return Candidate{}, false
	}
	return p.list[p.at], true
}

func (p *Prompt) suggest() {
	p.list, p.at, p.first = nil, -1, 0
	if p.spec.Candidates != nil {
		p.list = p.spec.Candidates(p.Text())
	}
	if p.spec.Pick && len(p.list) > 0 {
		p.at = 0
	}
	p.texts, p.keys = 0, 0
	for _, c := range p.list {
		p.texts = max(p.texts, paint.Width(sanitize.Line(c.Text)))
		p.keys = max(p.keys, paint.Width(sanitize.Line(c.Key)))
	}
}

// Key takes a key press and the action of the prompt's scope it resolves to.
func (p *Prompt) Key(k tea.KeyPressMsg, id action.ID) Answer {
	switch id {
	case action.Cancel:
		return Cancelled
	case action.Choose:
		return p.choose(k)
	case action.Complete:
		if c, ok := p.Selected(); ok {
			return p.set(c.Text)
		}
		if len(p.list) > 0 {
			return p.set(p.list[0].Text)
		}
		return Open
	case action.Down:
		return p.down()
	case action.Up:
		return p.up()
	}
	switch name := k.String(); {
	case name == "ctrl+v":
		return Open // would read the clipboard by itself
	case name == "backspace" && p.Text() == "" && !k.IsRepeat:
		return Cancelled
	}
	return p.edit(k)
}

// choose takes what is selected, or typed. A held key chooses nothing: it may
// be still down from what came before.
func (p *Prompt) choose(k tea.KeyPressMsg) Answer {
	c, ok := p.Selected()
	switch {
	case k.IsRepeat:
		return Open
	case ok && c.Off != "":
		return Refused
	}
	return Chosen
}

// Paste puts text in.
func (p *Prompt) Paste(text string) Answer { return p.edit(tea.PasteMsg{Content: sanitize.Line(text)}) }

func (p *Prompt) edit(msg tea.Msg) Answer {
	was := p.Text()
	p.input.Focus()
	p.input, _ = p.input.Update(msg) // its commands blink the cursor, which nobody draws
	p.input.Blur()
	if p.Text() == was {
		return Open
	}
	p.back = 0
	p.suggest()
	return Edited
}

func (p *Prompt) set(text string) Answer {
	p.input.SetValue(text)
	p.input.CursorEnd()
	p.suggest()
	return Edited
}

// up goes to the candidate above, or brings back what was typed before.
func (p *Prompt) up() Answer {
	if p.at > 0 {
		p.move(-1)
		return Open
	}
	if (p.Text() == "" || p.back > 0) && p.back < len(p.spec.History) {
		p.back++
		return p.recall()
	}
	return Open
}

// down goes to the candidate below; from something that was brought back, to
// what was typed after it.
func (p *Prompt) down() Answer {
	if p.back > 0 {
		p.back--
		return p.recall()
	}
	p.move(1)
	return Open
}

func (p *Prompt) recall() Answer {
	if p.back == 0 {
		return p.set("")
	}
	return p.set(p.spec.History[len(p.spec.History)-p.back])
}

func (p *Prompt) move(n int) {
	if len(p.list) == 0 {
		return
	}
	p.at = max(0, min(p.at+n, len(p.list)-1))
	p.first = max(p.at-p.rows+1, min(p.first, p.at))
}

// Select goes to the candidate in a line of the box as it was last drawn, as a
// click does. The first line is no candidate.
func (p *Prompt) Select(line int) bool {
	i := p.first + line - 1
	if line < 1 || i >= len(p.list) {
		return false
	}
	p.at = i
	return true
}

// Remember is a history with a text at its end, once, and without the oldest
// when it gets long.
func Remember(history []string, text string) []string {
	const most = 50
	if text == "" {
		return history
	}
	history = slices.DeleteFunc(slices.Clone(history), func(h string) bool { return h == text })
	history = append(history, text)
	return history[max(0, len(history)-most):]
}
