package theme

import (
	"maps"
	"slices"

	"github.com/charmbracelet/x/ansi"
)

// Name is a theme by name.
type Name string

// The themes.
const (
	Auto         Name = "auto" // dark or light, as the terminal's background is
	Dark         Name = "dark"
	Light        Name = "light"
	Deuteranopia Name = "deuteranopia" // blue and orange for green and red, dark or light as the terminal is
	Monochrome   Name = "mono"         // no colour: weight, underline and reverse
)

// Names lists the themes.
func Names() []string {
	return []string{string(Auto), string(Dark), string(Light), string(Deuteranopia), string(Monochrome)}
}

// look is how a token is painted. An empty colour is the terminal's own.
type look struct {
	fg, bg        string
	bold, reverse bool
}

func (l look) style() Style {
	s := ansi.NewStyle()
	if l.fg != "" {
		s = s.ForegroundColor(colour(l.fg))
	}
	if l.bg != "" {
		s = s.BackgroundColor(colour(l.bg))
	}
	if l.bold {
		s = s.Bold()
	}
	if l.reverse {
		s = s.Reverse(true)
	}
	return style(s)
}

// token is a place of the theme that has a colour of its own, by the name that
// the configuration has for it.
type token struct {
	name string
	of   func(*Theme) *Style
}

func tokens() []token {
	return []token{
		{"accent", func(t *Theme) *Style { return &t.Accent }},
		{"dim", func(t *Theme) *Style { return &t.Dim }},
		{"rule", func(t *Theme) *Style { return &t.Rule }},
		{"title", func(t *Theme) *Style { return &t.Title }},
		{"good", func(t *Theme) *Style { return &t.Good }},
		{"warn", func(t *Theme) *Style { return &t.Warn }},
		{"bad", func(t *Theme) *Style { return &t.Bad }},
		{"production", func(t *Theme) *Style { return &t.Production }},
		{"pressed", func(t *Theme) *Style { return &t.Pressed }},
		{"danger", func(t *Theme) *Style { return &t.Danger }},
		{"number", func(t *Theme) *Style { return &t.Number }},
		{"context", func(t *Theme) *Style { return &t.Context }},
		{"old", func(t *Theme) *Style { return &t.Old }},
		{"old-word", func(t *Theme) *Style { return &t.OldWord }},
		{"new", func(t *Theme) *Style { return &t.New }},
		{"new-word", func(t *Theme) *Style { return &t.NewWord }},
		{"key", func(t *Theme) *Style { return &t.Key }},
		{"string", func(t *Theme) *Style { return &t.String }},
		{"value", func(t *Theme) *Style { return &t.Value }},
		{"comment", func(t *Theme) *Style { return &t.Comment }},
		{"match", func(t *Theme) *Style { return &t.Match }},
		{"here", func(t *Theme) *Style { return &t.Here }},
	}
}

// Tokens lists the names of what can be given another colour.
func Tokens() []string {
	var out []string
	for _, t := range tokens() {
		out = append(out, t.name)
	}
	return out
}

// looks is how each token is painted in a theme with colours.
func looks(o Options) map[string]look {
	out := dark()
	if o.Light {
		out = light()
	}
	if o.Name == Deuteranopia {
		maps.Copy(out, deuteranopia(o.Light))
	}
	ink := out["old"].fg
	switch {
	case o.Depth == Palette && o.Name == Deuteranopia:
		maps.Copy(out, sides(o.Light, ink, [4]string{"173", "94", "111", "25"}, [4]string{"94", "216", "25", "153"}))
	case o.Depth == Palette:
		maps.Copy(out, sides(o.Light, ink, [4]string{"174", "88", "150", "22"}, [4]string{"124", "217", "22", "157"}))
	case o.Depth == Basic:
		maps.Copy(out, basic(o))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Colours)) {
		l, to := out[name], o.Colours[name]
		if l.bg != "" {
			l.bg, l.fg = to, inkOn(to)
		} else {
			l.fg = to
		}
		out[name] = l
	}
	return out
}

func dark() map[string]look {
	const ink = "#e6e6e6"
	return map[string]look{
		"accent": {fg: "#7ab7f0"}, "dim": {fg: "#9a9a9a"}, "rule": {fg: "#585858"}, "title": {fg: "#b4b4b4", bold: true},
		"good": {fg: "#8fbf6a"}, "warn": {fg: "#e0af5c"}, "bad": {fg: "#ee8078"},
		"production": {fg: "#1b1204", bg: "#e0af5c", bold: true},
		"pressed":    {fg: "#10202e", bg: "#7ab7f0", bold: true},
		"danger":     {fg: "#260b09", bg: "#ee8078", bold: true},
		"number":     {fg: "#989898"}, "context": {fg: "#b4b4b4"},
		"old": {fg: ink, bg: "#35201f"}, "old-word": {fg: ink, bg: "#74332e", bold: true},
		"new": {fg: ink, bg: "#1b2e1f"}, "new-word": {fg: ink, bg: "#2c6136", bold: true},
		"key": {fg: "#a3c8ec"}, "string": {fg: "#cfd6c4"}, "value": {fg: "#dcc09a"}, "comment": {fg: "#9a9a9a"},
		"match": {fg: "#1b1904", bg: "#d6c98a"}, "here": {fg: "#1b1904", bg: "#ffd93d", bold: true},
	}
}

func light() map[string]look {
	const ink = "#1f2328"
	return map[string]look{
		"accent": {fg: "#0b5cad"}, "dim": {fg: "#5f5f5f"}, "rule": {fg: "#a8a8a8"}, "title": {fg: "#4e4e4e", bold: true},
		"good": {fg: "#1b6b2e"}, "warn": {fg: "#7f5000"}, "bad": {fg: "#b3261e"},
		"production": {fg: "#ffffff", bg: "#8f5a00", bold: true},
		"pressed":    {fg: "#ffffff", bg: "#0b62b8", bold: true},
		"danger":     {fg: "#ffffff", bg: "#b3261e", bold: true},
		"number":     {fg: "#646464"}, "context": {fg: "#4e4e4e"},
		"old": {fg: ink, bg: "#fdebe9"}, "old-word": {fg: ink, bg: "#f7bfba", bold: true},
		"new": {fg: ink, bg: "#e6f4e8"}, "new-word": {fg: ink, bg: "#acdcb3", bold: true},
		"key": {fg: "#1d4f86"}, "string": {fg: "#3f4a33"}, "value": {fg: "#74480a"}, "comment": {fg: "#5f5f5f"},
		"match": {fg: "#1f2328", bg: "#f3e3a0"}, "here": {fg: "#ffffff", bg: "#5c4a00", bold: true},
	}
}

// deuteranopia has blue for what comes and is well, and orange for what goes
// and is not, which red and green blindness leaves apart.
func deuteranopia(bright bool) map[string]look {
	if bright {
		const ink = "#1f2328"
		return map[string]look{
			"accent": {fg: "#5b2fae"}, "good": {fg: "#005a94"}, "warn": {fg: "#806b00"}, "bad": {fg: "#6e1f00"},
			"production": {fg: "#ffffff", bg: "#806b00", bold: true},
			"pressed":    {fg: "#ffffff", bg: "#5b2fae", bold: true},
			"danger":     {fg: "#ffffff", bg: "#6e1f00", bold: true},
			"old":        {fg: ink, bg: "#fdeedd"}, "old-word": {fg: ink, bg: "#f9c48f", bold: true},
			"new": {fg: ink, bg: "#e2effc"}, "new-word": {fg: ink, bg: "#a5cdf5", bold: true},
		}
	}
	const ink = "#e6e6e6"
	return map[string]look{
		"accent": {fg: "#c9b8ff"}, "good": {fg: "#62b8ee"}, "warn": {fg: "#f2e75c"}, "bad": {fg: "#f08a3c"},
		"production": {fg: "#1b1904", bg: "#d6c64f", bold: true},
		"pressed":    {fg: "#170f2e", bg: "#c9b8ff", bold: true},
		"danger":     {fg: "#2a1402", bg: "#f08a3c", bold: true},
		"old":        {fg: ink, bg: "#3a2710"}, "old-word": {fg: ink, bg: "#7d4c0c", bold: true},
		"new": {fg: ink, bg: "#14283f"}, "new-word": {fg: ink, bg: "#1f5590", bold: true},
	}
}

// sides are the two sides in 256 colours: a quiet tint cannot be told from grey
// there, so the text has the colour, and only the words that differ are tinted.
// The colours are the old text, the old tint, the new text and the new tint.
func sides(bright bool, ink string, onDark, onLight [4]string) map[string]look {
	c := onDark
	if bright {
		c = onLight
	}
	return map[string]look{
		"old": {fg: c[0]}, "old-word": {fg: ink, bg: c[1], bold: true},
		"new": {fg: c[2]}, "new-word": {fg: ink, bg: c[3], bold: true},
	}
}

// basic is the two sides in the terminal's own 16 colours.
func basic(o Options) map[string]look {
	old, now := "1", "2"
	if o.Name == Deuteranopia {
		old, now = "3", "12"
		if o.Light {
			now = "4"
		}
	}
	return map[string]look{
		"old": {fg: old}, "old-word": {fg: old, bold: true, reverse: true},
		"new": {fg: now}, "new-word": {fg: now, bold: true, reverse: true},
		"match": {reverse: true}, "here": {bold: true, reverse: true},
	}
}
