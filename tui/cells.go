package tui

import (
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// byCharacter keeps the terminal and the renderer at counting a text's cells
// character by character, as package paint does: where a terminal can count by
// clusters (mode 2027), the renderer would have it do that, and lines would be
// a cell or two shorter than they were laid out for.
func byCharacter(_ tea.Model, msg tea.Msg) tea.Msg {
	report, ok := msg.(tea.ModeReportMsg)
	if !ok || report.Mode != ansi.ModeUnicodeCore {
		return msg
	}
	switch report.Value {
	case ansi.ModePermanentlySet:
		return msg // it knows no other way
	case ansi.ModeSet:
		return tea.RawMsg{Msg: ansi.ResetModeUnicodeCore}
	}
	return nil
}
