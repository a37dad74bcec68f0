// Package theme names the colours, attributes and glyphs of the UI. Nothing
// else in tui knows a colour: it asks for a token and paints with it.
//
// Colour is quiet. Text keeps the terminal's own foreground, what is settled
// is dim, one accent marks the cursor and the next step, and green, amber and
// red are for state alone. Every state also has a glyph and a word, so that
// nothing is told by colour only; in a theme without colour, weight, underline
// and reverse take its place.
package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Style paints a span of text. The zero Style leaves it as it is.
type Style struct{ open string }

// Paint returns s in the style. Spans do not nest: paint pieces apart and
// join them.
func (s Style) Paint(text string) string {
	if s.open == "" || text == "" {
		return text
	}
	return s.open + text + reset
}

// Open is the sequence that starts the style, for builders that write many
// spans; Close ends any style.
func (s Style) Open() string { return s.open }

// Close ends any style.
const Close = reset

const reset = "\x1b[m"

// Options chooses a theme.
type Options struct {
	Light bool // the terminal's background is light
	Depth Depth
	ASCII bool // glyphs from ASCII only
}

// Depth is how many colours there are.
type Depth uint8

// The depths. Colours between them are approximated by the terminal library,
// except where an approximation would make two meanings look alike.
const (
	TrueColor Depth = iota
	Palette         // 256 colours
	Basic           // 16 colours
	Mono            // none: attributes only
)

// Theme is a set of tokens.
type Theme struct {
	Options
	Glyph Glyphs

	Plain  Style // ordinary text
	Bold   Style // what a line is about
	Dim    Style // settled, secondary
	Rule   Style // rules and borders
	Title  Style // a section's heading
	Accent Style // the cursor and the next step
	Cursor Style // text of the cursor's row
	Idle   Style // text of the cursor's row in a pane without focus

	Good Style
	Warn Style
	Bad  Style

	Header     Style // the header line
	Production Style // the header line of a production page
	Badge      Style // the name of a production environment
	Button     Style
	Pressed    Style // the focused button
	Danger     Style // the focused button that writes

	Number  Style // line numbers
	Context Style // an unchanged line of a diff
	Fold    Style // a folded stretch
	Old     Style // a line of the left side that goes
	OldWord Style // the words of it that differ
	New     Style // a line of the right side that comes
	NewWord Style
}

// New builds the theme for the options.
func New(o Options) *Theme {
	t := &Theme{Options: o, Glyph: unicodeGlyphs}
	if o.ASCII {
		t.Glyph = asciiGlyphs
	}
	if o.Depth == Mono {
		t.mono()
		return t
	}
	t.coloured()
	t.diff()
	return t
}

func style(s ansi.Style) Style { return Style{open: s.String()} }

func (t *Theme) mono() {
	s := ansi.NewStyle
	t.Bold, t.Dim, t.Rule = style(s().Bold()), style(s().Faint()), style(s().Faint())
	t.Title, t.Accent = style(s().Bold()), style(s().Bold())
	t.Cursor, t.Idle = style(s().Bold()), style(s().Bold())
	t.Warn, t.Bad = style(s().Bold()), style(s().Bold())
	t.Header, t.Production = style(s().Bold()), style(s().Bold().Reverse(true))
	t.Badge = style(s().Bold().Reverse(true))
	t.Button, t.Pressed, t.Danger = t.Plain, style(s().Reverse(true)), style(s().Bold().Reverse(true))
	t.Number, t.Context, t.Fold = t.Dim, t.Plain, t.Dim
	t.Old, t.OldWord = t.Plain, style(s().Bold().Underline(true))
	t.New, t.NewWord = t.Plain, style(s().Bold().Underline(true))
}

func (t *Theme) coloured() {
	pick := lipgloss.LightDark(!t.Light)
	c := func(light, dark string) color.Color { return pick(lipgloss.Color(light), lipgloss.Color(dark)) }
	fg := func(light, dark string) ansi.Style { return ansi.NewStyle().ForegroundColor(c(light, dark)) }
	on := func(s ansi.Style, light, dark string) ansi.Style { return s.BackgroundColor(c(light, dark)) }

	t.Bold = style(ansi.NewStyle().Bold())
	t.Dim = style(fg("#6c6c6c", "#8a8a8a"))
	t.Rule = style(fg("#b2b2b2", "#4e4e4e"))
	t.Title = style(fg("#4e4e4e", "#a8a8a8").Bold())
	t.Accent = style(fg("#0b62b8", "#7ab7f0"))
	t.Cursor = style(ansi.NewStyle().Bold())
	t.Good = style(fg("#1f7a35", "#8fbf6a"))
	t.Warn = style(fg("#8f5a00", "#e0af5c"))
	t.Bad = style(fg("#b3261e", "#ee8078"))
	t.Header = style(ansi.NewStyle().Bold())
	t.Production = style(on(fg("#ffffff", "#1b1204").Bold(), "#8f5a00", "#e0af5c"))
	t.Badge = t.Production
	t.Button = t.Dim
	t.Pressed = style(on(fg("#ffffff", "#10202e").Bold(), "#0b62b8", "#7ab7f0"))
	t.Danger = style(on(fg("#ffffff", "#260b09").Bold(), "#b3261e", "#ee8078"))
	t.Number = style(fg("#949494", "#626262"))
	t.Context = style(fg("#4e4e4e", "#a8a8a8"))
	t.Fold = t.Dim
}

// diff colours the two sides. Where a quiet tint cannot be told from grey, the
// text has the colour, and only the words that differ are tinted.
func (t *Theme) diff() {
	pick := lipgloss.LightDark(!t.Light)
	c := func(light, dark string) color.Color { return pick(lipgloss.Color(light), lipgloss.Color(dark)) }
	s := func(fg, bg color.Color) ansi.Style {
		out := ansi.NewStyle()
		if fg != nil {
			out = out.ForegroundColor(fg)
		}
		if bg != nil {
			out = out.BackgroundColor(bg)
		}
		return out
	}
	ink := c("#1f2328", "#e6e6e6")
	switch t.Depth {
	case TrueColor:
		t.Old, t.OldWord = style(s(ink, c("#fdebe9", "#35201f"))), style(s(ink, c("#f7bfba", "#74332e")).Bold())
		t.New, t.NewWord = style(s(ink, c("#e6f4e8", "#1b2e1f"))), style(s(ink, c("#acdcb3", "#2c6136")).Bold())
	case Palette:
		t.Old, t.OldWord = style(s(c("124", "174"), nil)), style(s(c("16", "231"), c("217", "88")).Bold())
		t.New, t.NewWord = style(s(c("22", "150"), nil)), style(s(c("16", "231"), c("157", "22")).Bold())
	default:
		t.Old, t.OldWord = style(s(lipgloss.Red, nil)), style(s(lipgloss.Red, nil).Bold().Reverse(true))
		t.New, t.NewWord = style(s(lipgloss.Green, nil)), style(s(lipgloss.Green, nil).Bold().Reverse(true))
	}
}
