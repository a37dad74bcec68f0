package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/prompt"
)

// asking is a prompt on the screen and what its text does.
type asking struct {
	*prompt.Prompt
	label     string
	edited    func(text string) tea.Cmd // after each change; nil: nothing
	chosen    func(text string) tea.Cmd // the text, or the selected candidate's
	cancelled func() tea.Cmd            // nil: nothing
}

// prompt puts a prompt on the screen. What was typed before for the same label
// can be brought back.
func (a *App) prompt(spec prompt.Spec, edited, chosen func(string) tea.Cmd, cancelled func() tea.Cmd) {
	if spec.History == nil {
		spec.History = a.before[spec.Label]
	}
	a.asking = &asking{Prompt: prompt.New(spec), label: spec.Label, edited: edited, chosen: chosen, cancelled: cancelled}
}

// typed hands a key to the prompt and acts on what it says.
func (a *App) typed(k tea.KeyPressMsg, id action.ID) tea.Cmd {
	return a.prompted(a.asking.Key(k, id))
}

func (a *App) prompted(answer prompt.Answer) tea.Cmd {
	q := a.asking
	switch answer {
	case prompt.Edited:
		if q.edited != nil {
			return q.edited(q.Text())
		}
	case prompt.Chosen:
		a.asking = nil
		text := q.Text()
		if c, ok := q.Selected(); ok {
			text = c.Text
		}
		a.before[q.label] = prompt.Remember(a.before[q.label], text)
		return q.chosen(text)
	case prompt.Refused:
		c, _ := q.Selected()
		a.asking = nil
		a.notice = c.Off
	case prompt.Cancelled:
		a.asking = nil
		if q.cancelled != nil {
			return q.cancelled()
		}
	}
	return nil
}
