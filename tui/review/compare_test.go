package review

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// longObject has so many lines that its beginning is shown first.
func longObject(value func(i int) any, cause string) model.PlannedObject {
	side := func(changed bool) map[string]any {
		data := map[string]any{"on": "yes"}
		for i := range 12_000 {
			v := value(i)
			if changed && i%100 == 50 {
				v = "changed"
			}
			data[fmt.Sprintf("key-%05d", i)] = v
		}
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": data}
	}
	return model.PlannedObject{
		ID: model.ObjectID{Kind: "ConfigMap", Name: "long"}, Verdict: model.VerdictUpdate, Before: side(false), After: side(true),
		Causes: []model.Cause{{Path: cause, Kind: model.CauseGit, PullRequest: 4242}},
	}
}

// When the whole of a long object takes its beginning's place, the text on the
// screen stays where it is; only what stands in the margin comes.
func TestBeginningKeepsItsPlace(t *testing.T) {
	for name, value := range map[string]func(i int) any{
		"keys":  func(int) any { return "value" },
		"files": func(i int) any { return strings.Repeat(fmt.Sprintf("line of %d\n", i), i%3) },
	} {
		t.Run(name, func(t *testing.T) {
			o := longObject(value, "data.key-00050")
			p := onPlan(&model.Plan{Objects: []model.PlannedObject{o}})
			p.docs, p.order = map[model.ObjectID]compared{}, nil
			p.view.Show(nil)
			p.view.SetSize(120, 40)
			first, ok := p.compare(o)().(comparedMsg)
			if !ok || first.rest == nil || !first.made.doc.Partial() {
				t.Fatalf("no beginning comes first: %+v", first)
			}
			rest, _ := first.Deliver()
			th := theme.New(theme.Options{})
			was := slices.Clone(p.view.Lines(th))
			drain(rest)
			if p.view.Partial() {
				t.Fatal("the whole does not come")
			}
			noted := false
			for i, now := range p.view.Lines(th) {
				if strings.Contains(was[i], "being compared") {
					continue
				}
				noted = noted || strings.Contains(now, "#4242")
				if now = strings.Replace(now, "#4242", "     ", 1); strings.TrimRight(ansi.Strip(now), " ") != strings.TrimRight(ansi.Strip(was[i]), " ") {
					t.Fatalf("line %d was\n%s\nand is\n%s", i, was[i], now)
				}
			}
			if !noted {
				t.Error("the cause is not in the margin")
			}
		})
	}
}
