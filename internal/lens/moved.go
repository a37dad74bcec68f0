package lens

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// Moved says what differs between an approved plan and a later reading, each
// object's fields included.
func Moved(approved, now *model.Plan) []model.Moved {
	moves := model.MovedSince(approved, now)
	was, is := byID(approved), byID(now)
	for i := range moves {
		m := &moves[i]
		a, inA := was[m.ID]
		b, inB := is[m.ID]
		if inA && inB {
			m.Fields = movedFields(a, b)
		}
	}
	return moves
}

func byID(p *model.Plan) map[model.ObjectID]model.PlannedObject {
	m := make(map[model.ObjectID]model.PlannedObject, len(p.Objects))
	for _, o := range p.Objects {
		m[o.ID] = o
	}
	return m
}

// movedFields are the fields that moved live, and those that applying would
// now leave otherwise than it was to.
func movedFields(was, is model.PlannedObject) []model.MovedField {
	causes := map[string]model.Cause{}
	for _, c := range is.Causes {
		if c.Kind == model.CauseDrift {
			causes[c.Path] = c
		}
	}
	var out []model.MovedField
	seen := map[string]bool{}
	for _, c := range fieldpath.Diff(was.Before, is.Before) {
		seen[c.Path] = true
		f := model.MovedField{Path: c.Path, Was: show(c.Old, c.HasOld), Now: show(c.New, c.HasNew), Live: true}
		if by, ok := causes[c.Path]; ok {
			f.By, f.At = by.By, by.At
		}
		out = append(out, f)
	}
	for _, c := range fieldpath.Diff(was.After, is.After) {
		if !seen[c.Path] {
			out = append(out, model.MovedField{Path: c.Path, Was: show(c.Old, c.HasOld), Now: show(c.New, c.HasNew)})
		}
	}
	return out
}

// show is a value on one short line. The sides of a plan are masked.
func show(v any, has bool) string {
	const most = 60
	if !has {
		return "nothing"
	}
	s, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			return "a value"
		}
		s = string(b)
	}
	s = sanitize.Line(s)
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}
	return s
}

// MovedWords says for a person what moved, one line for each object or field,
// most lines at most: "Deployment shop/cart spec.replicas 3 → 5 by
// kubectl-scale 2 min ago".
func MovedWords(moves []model.Moved, now time.Time, most int) []string {
	var out []string
	for _, m := range moves {
		out = append(out, words(m, now)...)
	}
	if more := len(out) - most; more > 0 {
		out = append(out[:most], fmt.Sprintf("and %d more", more))
	}
	return out
}

func words(m model.Moved, now time.Time) []string {
	id := sanitize.Line(m.ID.String())
	switch {
	case m.Was == "":
		return []string{fmt.Sprintf("%s is new in the plan (%s)", id, m.Now)}
	case m.Now == "":
		return []string{fmt.Sprintf("%s is gone from the plan (was %s)", id, m.Was)}
	case len(m.Fields) == 0 && m.Was == m.Now:
		return []string{id + " differs otherwise than it did"}
	}
	var out []string
	if m.Was != m.Now {
		out = append(out, fmt.Sprintf("%s was %s and is %s now", id, m.Was, m.Now))
	}
	for _, f := range m.Fields {
		line := fmt.Sprintf("%s %s %s → %s", id, f.Path, f.Was, f.Now)
		if !f.Live {
			line += " after apply"
		}
		if f.By != "" {
			line += " by " + sanitize.Line(f.By)
		}
		if !f.At.IsZero() && !now.Before(f.At) {
			line += " " + ago(now.Sub(f.At)) + " ago"
		}
		out = append(out, line)
	}
	return out
}

func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// MovedError is the error of a plan that is not what was approved: nothing was
// written. Its Moved are for who writes JSON, or a dialog.
type MovedError struct {
	Moved []model.Moved
	Err   error
}

func (e *MovedError) Error() string { return e.Err.Error() }

// Unwrap gives the worded error.
func (e *MovedError) Unwrap() error { return e.Err }

// NewMovedError words what moved between an approved plan and a later reading.
func NewMovedError(approved, now *model.Plan) error {
	const most = 6
	moves := Moved(approved, now)
	what := "the commit, the cluster or the rendered set is another one"
	if len(moves) > 0 {
		what = "since you looked: " + strings.Join(MovedWords(moves, now.ReadAt, most), "; ")
	}
	return &MovedError{Moved: moves, Err: model.Errorf(model.ExitPlanMoved,
		"%s: what would be applied is no longer what was approved, and nothing was written: %s; review the new plan and confirm again",
		approved.Environment, what)}
}
