package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/marks"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func TestReviewingObjectByObject(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "enter")
		x.Has("0 of 5 reviewed", "space reviewed")
		x.Press("space")
		x.Has("1 of 5 reviewed", "✓   ConfigMap legacy-flags", "~ Deployment shop/gateway")
		x.Press("u")
		x.Has("~ Deployment shop/petstore")
		x.Press("space", "space", "space", "space")
		x.Has("all 5 reviewed")
		x.Press("j")
		if footer := last(x.Screen()); !strings.HasPrefix(footer, " s ship") {
			t.Errorf("when all is reviewed the footer begins with %q", footer)
		}
		x.Press("esc", "enter")
		x.Has("all 5 reviewed") // until the program ends at least
		x.backend.Set(func(b *tuitest.Backend) {
			p := *b.Plans["production"]
			p.Objects = append([]model.PlannedObject(nil), p.Objects...)
			for i := range p.Objects {
				if p.Objects[i].ID.Kind == "ConfigMap" && p.Objects[i].ID.Name == "gateway" {
					p.Objects[i].After = map[string]any{"kind": "ConfigMap", "data": map[string]any{"timeout": "99s"}}
				}
			}
			b.Plans["production"] = &p
		})
		x.Press("esc", "enter", "u")
		x.Has("4 of 5 reviewed", "~ ConfigMap shop/gateway", "changed since you reviewed it", "review again")
	})
}

func TestAHeldKeyMarksOneObject(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "enter", "space")
		for range 20 {
			held := tuitest.Key("space")
			held.IsRepeat = true
			x.Send(held)
		}
		x.Has("1 of 5 reviewed")
	})
}

func TestOnlyWhatIsWrittenCanBeReviewed(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("v", "space")
		x.Has("this lens does not show what applying writes", "0 of 5 reviewed")
		x.Press("v", "v", "space")
		x.Has("1 of 5 reviewed")
	})
}

func last(screen string) string {
	lines := strings.Split(screen, "\n")
	return lines[len(lines)-1]
}

func TestMarksSurviveTheProgram(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		play(t, 120, 40, func(_ *tuitest.Backend, c *Config) {
			c.Marks = marks.Open(dir, "repository", time.Now)
		}, func(t *testing.T, x table) {
			x.Press("3", "enter")
			if strings.Contains(x.Screen(), "0 of 5 reviewed") {
				x.Press("space", "space")
			}
			x.Has("2 of 5 reviewed")
		})
	}
}

func TestFilterNarrowsWhileItIsTyped(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("F")
		x.Type("path:time")
		x.Has("1 of 5", "~ ConfigMap shop/gateway", "4 objects hidden")
		x.Lacks("legacy-flags")
		x.Press("esc")
		x.Has("legacy-flags", "~ Deployment shop/petstore")
		x.Press("F")
		x.Type("kind:nothing")
		x.Has("no object matches the filter", "0 of 5")
		x.Press("enter", "esc")
		x.Has("legacy-flags")
		x.Lacks("hidden")
		x.Press("F")
		x.Type("cause:#3")
		x.Press("tab", "enter")
		x.Has("F cause:#39", "legacy-flags", "PodDisruptionBudget")
		x.Lacks("Deployment gateway")
		x.Press("space", "space")
		x.Has("all that the filter leaves is reviewed")
		x.Press("esc")
		x.Has("2 of 5 reviewed", "Deployment gateway")
	})
}
