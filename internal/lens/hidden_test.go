package lens

import (
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestHidden(t *testing.T) {
	side := func(v any) map[string]any { return map[string]any{"v": v} }
	o := model.PlannedObject{
		Verdict: model.VerdictUpdate, Before: side("live"), After: side("git"), Shown: side("shown"), Rendered: side("git"), Deployed: side("old"),
		Hidden: []model.HiddenPath{{Path: "v", Rule: "hide /v"}},
	}
	p := &model.Plan{Objects: []model.PlannedObject{o}}
	if all := WithHidden(p).Objects[0]; all.Shown != nil || len(all.Hidden) != 1 || p.Objects[0].Shown == nil {
		t.Errorf("with what is hidden: %+v", all)
	}
	for _, l := range []model.Lens{model.LensGit, model.LensDrift} {
		if o := Through(p, l).Objects[0]; o.Shown != nil || o.Hidden != nil {
			t.Errorf("%s shows the second side of the lens apply: %+v", l, o)
		}
	}
	for words, o := range map[string]model.PlannedObject{
		"":                           {},
		"1 hidden":                   o,
		"only a hidden difference":   {Hidden: o.Hidden, OnlyHidden: true},
		"only hidden differences: 2": {Hidden: append(o.Hidden, o.Hidden...), OnlyHidden: true},
	} {
		if got := HiddenWords(o); got != words {
			t.Errorf("%q, want %q", got, words)
		}
	}
}
