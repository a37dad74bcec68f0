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

// Over is the style on top of another: its own colours and attributes, and the
// other's for the rest.
func (s Style) Over(base Style) Style { return Style{open: base.open + s.open} }

// Options chooses a theme.
type Options struct {
	Name    Name // default: Auto
	Light   bool // the terminal's background is light
	Depth   Depth
	ASCII   bool              // glyphs from ASCII only
	Colours map[string]string // by token: other colours than the theme's, as #rrggbb
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

	Key     Style // a key of YAML
	String  Style // a text of YAML
	Value   Style // a number, a truth value or nothing
	Comment Style

	Match Style // what a search found
	Here  Style // the match that the cursor is on
}

// New builds the theme for the options.
func New(o Options) *Theme {
	switch o.Name {
	case Dark:
		o.Light = false
	case Light:
		o.Light = true
	case Monochrome:
		o.Depth = Mono
	}
	t := &Theme{Options: o, Glyph: unicodeGlyphs}
	if o.ASCII {
		t.Glyph = asciiGlyphs
	}
	if o.Depth == Mono {
		t.mono()
		return t
	}
	all := looks(o)
	for _, token := range tokens() {
		*token.of(t) = all[token.name].style()
	}
	bold := style(ansi.NewStyle().Bold())
	t.Bold, t.Cursor, t.Header = bold, bold, bold
	t.Badge, t.Button, t.Fold = t.Production, t.Dim, t.Dim
	return t
}

func style(s ansi.Style) Style { return Style{open: s.String()} }

// mono adds no colour, which is what NO_COLOR asks for.
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
	t.Comment = t.Dim
	t.Match, t.Here = style(s().Reverse(true)), style(s().Bold().Reverse(true))
}
