package theme

import "github.com/fairtide-dev/fairtide/model"

// Glyphs are the signs of the UI, each one cell wide.
type Glyphs struct {
	OK, Busy, Failed, Waiting, Risk                        string
	Create, Update, Delete, Replace, Unpredictable, Same   string
	Cursor, Branch, Fold, Arrow, Dash, Dot, Ellipsis       string
	Horizontal, Vertical, TeeDown, TeeUp                   string
	TopLeft, TopRight, BottomLeft, BottomRight, Full, Rest string

	// A stretch of time in which a window is open all through, opens, closes,
	// or is open in parts; in which it is frozen, or shut; and what points at
	// an instant.
	Open, Opens, Closes, Partly, Frozen, Shut, Point string

	Armed string // a run that waits for the window
}

var unicodeGlyphs = Glyphs{
	OK: "✓", Busy: "◐", Failed: "✗", Waiting: "·", Risk: "!",
	Create: "+", Update: "~", Delete: "-", Replace: "±", Unpredictable: "?", Same: "=",
	Cursor: "▌", Branch: "└", Fold: "⋯", Arrow: "→", Dash: "–", Dot: "·", Ellipsis: "…",
	Horizontal: "─", Vertical: "│", TeeDown: "┬", TeeUp: "┴",
	TopLeft: "┌", TopRight: "┐", BottomLeft: "└", BottomRight: "┘", Full: "█", Rest: "░",
	Open: "█", Opens: "▐", Closes: "▌", Partly: "▄", Frozen: "░", Shut: "·", Point: "▴", Armed: "◷",
}

var asciiGlyphs = Glyphs{
	OK: "v", Busy: "o", Failed: "x", Waiting: ".", Risk: "!",
	Create: "+", Update: "~", Delete: "-", Replace: "R", Unpredictable: "?", Same: "=",
	Cursor: ">", Branch: "`", Fold: ":", Arrow: ">", Dash: "-", Dot: "|", Ellipsis: "~",
	Horizontal: "-", Vertical: "|", TeeDown: "+", TeeUp: "+",
	TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+", Full: "#", Rest: ".",
	Open: "#", Opens: "[", Closes: "]", Partly: "+", Frozen: "*", Shut: ".", Point: "^", Armed: "@",
}

// Verdict is the glyph and the style of a verdict.
func (t *Theme) Verdict(v model.Verdict) (string, Style) {
	switch v {
	case model.VerdictCreate:
		return t.Glyph.Create, t.Good
	case model.VerdictUpdate:
		return t.Glyph.Update, t.Warn
	case model.VerdictDelete:
		return t.Glyph.Delete, t.Bad
	case model.VerdictReplace:
		return t.Glyph.Replace, t.Bad
	case model.VerdictUnpredictable:
		return t.Glyph.Unpredictable, t.Warn
	}
	return t.Glyph.Same, t.Dim
}

// Run is the glyph and the style of a run's state.
func (t *Theme) Run(s model.RunState) (string, Style) {
	switch s {
	case model.RunSucceeded:
		return t.Glyph.OK, t.Good
	case model.RunFailed:
		return t.Glyph.Failed, t.Bad
	case model.RunAborted, model.RunInterrupted:
		return t.Glyph.Risk, t.Warn
	}
	return t.Glyph.Busy, t.Warn
}

// Readiness is the glyph and the style of an object's readiness.
func (t *Theme) Readiness(r model.Readiness) (string, Style) {
	switch r {
	case model.ReadinessReady:
		return t.Glyph.OK, t.Good
	case model.ReadinessFailed:
		return t.Glyph.Failed, t.Bad
	case model.ReadinessProgress:
		return t.Glyph.Busy, t.Warn
	}
	return t.Glyph.Waiting, t.Dim
}

// Signature is the glyph and the style of a signature's state.
func (t *Theme) Signature(s model.SignatureState) (string, Style) {
	switch s {
	case model.SignatureVerified:
		return t.Glyph.OK, t.Good
	case model.SignatureUnverified:
		return t.Glyph.Risk, t.Warn
	}
	return t.Glyph.Dash, t.Dim
}

// File is the glyph and the style of what a commit does to a file.
func (t *Theme) File(s model.FileStatus) (string, Style) {
	switch s {
	case model.FileAdded:
		return t.Glyph.Create, t.Good
	case model.FileDeleted:
		return t.Glyph.Delete, t.Bad
	case model.FileRenamed:
		return t.Glyph.Arrow, t.Warn
	}
	return t.Glyph.Update, t.Warn
}

// Severity is the style of a risk.
func (t *Theme) Severity(s model.Severity) Style {
	switch s {
	case model.SeverityDanger:
		return t.Bad
	case model.SeverityWarning:
		return t.Warn
	}
	return t.Dim
}

// Check is the glyph and the style of a check's state, or of all checks together.
func (t *Theme) Check(s model.CheckState) (string, Style) {
	switch s {
	case model.CheckSuccess:
		return t.Glyph.OK, t.Good
	case model.CheckFailure:
		return t.Glyph.Failed, t.Bad
	case model.CheckPending:
		return t.Glyph.Busy, t.Warn
	case model.CheckUnknown:
		return t.Glyph.Unpredictable, t.Warn
	}
	return t.Glyph.Dash, t.Dim
}
