package review

import (
	"cmp"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/diffview"
)

// compare makes an object's document away from the UI's goroutine.
func compare(plan *model.Plan, o model.PlannedObject) tea.Cmd {
	return func() tea.Msg {
		doc, err := document(o)
		return comparedMsg{plan: plan, id: o.ID, doc: doc, err: err}
	}
}

// document compares the two sides of an object, with the cause of each change
// beside its lines.
func document(o model.PlannedObject) (*diffview.Document, error) {
	before, err := manifest.YAML(o.Before)
	if err != nil {
		return nil, fmt.Errorf("%s, the left side: %w", o.ID, err)
	}
	shown := o.After
	if o.Shown != nil {
		shown = o.Shown
	}
	after, err := manifest.YAML(shown)
	if err != nil {
		return nil, fmt.Errorf("%s, the right side: %w", o.ID, err)
	}
	doc := diffview.Compare(string(before), string(after))
	left, err := notes(o.Causes, o.Before, before)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.ID, err)
	}
	right, err := notes(o.Causes, shown, after)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.ID, err)
	}
	doc.Annotate(left, right)
	return doc, nil
}

// notes puts causes beside the lines of one side that their paths stand on. Of
// two for one line that with the longer path counts.
func notes(causes []model.Cause, fields map[string]any, text []byte) (map[int]diffview.Note, error) {
	if len(causes) == 0 || fields == nil {
		return nil, nil
	}
	places, err := manifest.Locate(text)
	if err != nil {
		return nil, err
	}
	out := map[int]diffview.Note{}
	sorted := slices.SortedStableFunc(slices.Values(causes), func(a, b model.Cause) int { return cmp.Compare(len(a.Path), len(b.Path)) })
	for _, c := range sorted {
		var steps []any
		ok := c.Path == ""
		if !ok {
			steps, ok = fieldpath.Steps(fields, c.Path)
		}
		if !ok {
			continue // it is on the other side
		}
		from, to, ok := places.Lines(steps)
		if !ok {
			continue
		}
		note := diffview.Note{Texts: lens.CauseWords(c), Warn: c.Kind == model.CauseDrift}
		for line := from; line <= to; line++ {
			out[line] = note
		}
	}
	return out, nil
}
