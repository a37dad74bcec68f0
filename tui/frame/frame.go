// Package frame is what pages and the root share to draw: the space there is,
// the moment it is drawn for, the theme, and the parts every page has.
package frame

import (
	"strconv"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Frame is the space for a page's body and how to draw into it.
type Frame struct {
	W, H int
	Now  time.Time
	*theme.Theme

	Keys *action.Registry // nil: the keys are the default ones
}

// Key is the key of an action on a page, as it is bound there; or its name in
// the command line, where somebody took its key away.
func (f Frame) Key(id action.ID, scope action.Scope) string {
	keys := f.Keys
	if keys == nil {
		keys, _ = action.New(action.Defaults())
	}
	if act, ok := keys.Get(id, scope); ok && act.Key() != "" {
		return act.Key()
	}
	return ":" + string(id)
}

// Press is such a key as it is painted in a text.
func (f Frame) Press(id action.ID, scope action.Scope) string {
	return f.Accent.Paint(f.Key(id, scope))
}

// TwoColumns is the narrowest width that has room for a list and its detail
// side by side; below it they stand above each other.
const TwoColumns = 100

// Body is what a page draws between the rules: at most the frame's height of
// lines, none wider than the frame. Split is the column of the divider that
// the rules join with a tee; 0 means there is none.
type Body struct {
	Lines []string
	Split int
}

// Head is the header line of a page.
type Head struct {
	Left, Right string
	Production  bool // reverse the line and name the tier
}

// Mark is the three cells in front of a list's row. The selected row of the
// pane with the focus has a bar; in another pane the bar is dim.
func (f Frame) Mark(selected, focused bool) string {
	switch {
	case selected && focused:
		return " " + f.Accent.Paint(f.Glyph.Cursor) + " "
	case selected:
		return " " + f.Rule.Paint(f.Glyph.Cursor) + " "
	}
	return "   "
}

// Row is the style for the words of a list's row.
func (f Frame) Row(selected, focused bool) theme.Style {
	switch {
	case selected && focused:
		return f.Cursor
	case selected:
		return f.Idle
	}
	return f.Plain
}

// Heading is a section's title, with an aside at the right end of the line.
func (f Frame) Heading(title, aside string, w int) string {
	return paint.Spread(" "+f.Title.Paint(paint.Cut(title, w-2)), f.Dim.Paint(aside)+" ", w)
}

// Line is a horizontal rule.
func (f Frame) Line(w int) string {
	return f.Rule.Paint(strings.Repeat(f.Glyph.Horizontal, max(w, 0)))
}

// Problem is an error as a page shows it: what happened, in full, and where
// that helps, the key that tries again.
func (f Frame) Problem(err error, retry bool, w int) []string {
	var out []string
	for i, l := range paint.Wrap(sanitize.Text(err.Error()), w-5) {
		mark := "   "
		if i == 0 {
			mark = " " + f.Bad.Paint(f.Glyph.Failed) + " "
		}
		out = append(out, mark+f.Bad.Paint(l))
	}
	if retry {
		out = append(out, "   "+f.Press(action.Refresh, action.Everywhere)+f.Dim.Paint(" tries again"))
	}
	return out
}

// Window says in a few words how the window stands. The frame's moment is what
// the cluster's clock shows.
func (f Frame) Window(w *model.WindowState) string { return f.WindowFor(w, "") }

// WindowFor says so with what it is about, which begins with a blank or a comma:
// " for StatefulSet".
func (f Frame) WindowFor(w *model.WindowState, about string) string {
	switch {
	case w == nil:
		return "window unknown"
	case w.Open && w.Until.IsZero():
		return "window open" + about
	case w.Open:
		return "window open" + about + ", " + words.Left(w.Until.Sub(f.Now)) + " left"
	case w.NextOpen.IsZero():
		return "window closed" + about
	}
	return "window closed" + about + ", opens in " + words.Left(w.NextOpen.Sub(f.Now))
}

// Reason is why a window is closed, or open, behind the word that says so: the
// rule, and without may not the advice to override it.
func Reason(w *model.WindowState, may bool) string {
	out := w.Reason
	for _, said := range []string{"open: ", "closed: ", "closed "} {
		if rest, ok := strings.CutPrefix(out, said); ok {
			out = rest
			break
		}
	}
	return Advice(out, may)
}

// Advice is what is said of a rule, without the advice to override it where the
// operator may not.
func Advice(text string, may bool) string {
	if !may {
		text = strings.ReplaceAll(text, ", or override with a reason", "")
	}
	return sanitize.Line(text)
}

// Skewed is from what difference on it is told that this computer's clock is
// not the cluster's.
const Skewed = time.Minute

// Skew says how far this computer's clock is from the cluster's; empty: that is
// not worth a word.
func Skew(skew time.Duration) string {
	switch {
	case skew > Skewed:
		return "this computer's is " + words.Left(skew) + " ahead of it"
	case skew < -Skewed:
		return "this computer's is " + words.Left(-skew) + " behind it"
	}
	return ""
}

// LabelWidth is the number of cells before the value of a Label.
const LabelWidth = 13

// Label is a dim label in front of a value.
func (f Frame) Label(label, value string, w int) string {
	const indent = 3
	return paint.Cut(paint.Spaces(indent)+f.Dim.Paint(paint.Fit(label, LabelWidth-indent))+value, w)
}

// Change names a change in a few cells: its pull request, or its commit.
func Change(c model.Change) string {
	if c.PullRequest != nil {
		return "#" + strconv.Itoa(c.PullRequest.Number)
	}
	return sanitize.Line(model.Short(c.Commit))
}

// Signature says what a change's signature is worth: a glyph, and words.
func (f Frame) Signature(s model.Signature) string {
	glyph, look := f.Theme.Signature(s.State)
	text := "unsigned"
	switch s.State {
	case model.SignatureVerified:
		text = "signed by " + sanitize.Line(s.Signer) + ", verified"
	case model.SignatureUnverified:
		text = "signature unverified: " + sanitize.Line(s.Reason)
	}
	return look.Paint(glyph) + " " + look.Paint(text)
}

// Zone is the zone an environment's times are told in: its windows', if they
// have one in common.
func Zone(env model.Environment, now time.Time) *time.Location {
	loc := now.Location()
	for i, r := range env.Windows {
		if r.Location == nil || i > 0 && r.Location.String() != loc.String() {
			return now.Location()
		}
		loc = r.Location
	}
	return loc
}

// Commit is a commit's short hash, or a dash for none.
func (f Frame) Commit(hash string) string {
	if hash == "" {
		return f.Glyph.Dash
	}
	return sanitize.Line(model.Short(hash))
}
