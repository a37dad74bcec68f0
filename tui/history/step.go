package history

import (
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// stoppedAt says in which step a run that did not succeed came to its end:
// which wave and object, or which test. Empty: it succeeded, or is under way,
// or did not come as far as to write.
func stoppedAt(r model.Run) string {
	if !r.State.Final() || r.State == model.RunSucceeded {
		return ""
	}
	waves := wavesOf(r)
	for i, w := range waves {
		var failed []string
		left := 0
		for _, o := range w.Objects {
			switch resultIn(r, o.ID) {
			case model.ResultFailed:
				failed = append(failed, o.ID.Kind+" "+o.ID.Name)
			case model.ResultPending:
				left++
			}
		}
		name := fmt.Sprintf("wave %d of %d, %s", i+1, len(waves), w.Name)
		switch {
		case len(failed) > 0:
			return name + ": " + words.List(failed, 2)
		case left > 0 && left == len(w.Objects) && i == 0:
			if r.State == model.RunInterrupted {
				return "front of the first wave: nothing is recorded as written"
			}
			return "front of the first wave: nothing was written"
		case left > 0 && r.State == model.RunInterrupted: // the record may lag behind
			return fmt.Sprintf("%s: %s not recorded as written", name, words.Count(left, "object"))
		case left > 0:
			return fmt.Sprintf("%s: %s not written", name, words.Count(left, "object"))
		}
	}
	var tests []string
	for _, t := range r.Tests {
		if t.Required && t.State != model.TestPassed && t.State != model.TestSkipped {
			tests = append(tests, t.Name)
		}
	}
	if len(tests) > 0 {
		return "the tests: " + words.List(tests, 3)
	}
	return ""
}

// wavesOf are the waves a run's objects were written in: those recorded, or of
// an older record those that a plan of the objects has.
func wavesOf(r model.Run) []model.Wave {
	if n := len(r.Waves); n > 0 {
		waves := make([]model.Wave, n)
		for i, name := range r.Waves {
			waves[i].Name = name
		}
		for _, o := range r.Objects {
			if o.Wave > 0 && o.Wave <= n {
				w := &waves[o.Wave-1]
				w.Objects = append(w.Objects, model.PlannedObject{ID: o.ID, Verdict: o.Verdict})
			}
		}
		return waves
	}
	p := model.Plan{}
	for _, o := range r.Objects {
		p.Objects = append(p.Objects, model.PlannedObject{ID: o.ID, Verdict: o.Verdict, TakesOwnership: true})
	}
	return p.Waves()
}

func resultIn(r model.Run, id model.ObjectID) model.ObjectResult {
	for _, o := range r.Objects {
		if o.ID == id {
			return o.Result
		}
	}
	return model.ResultPending
}

// nextStep says what can be done about a run.
func (p *Page) nextStep(r model.Run) string {
	switch {
	case r.State == model.RunInterrupted && p.Runs.Value[0].ID == r.ID:
		return "fairtide resume -e " + sanitize.Line(p.Environment.Name)
	case !r.State.Final() || len(r.Objects) == 0:
		return ""
	case len(r.PullRequests) > 0:
		return "revert " + strings.TrimSpace(pulls(r.PullRequests, 3))
	case r.From != "":
		return "go back to " + model.Short(r.From)
	}
	return ""
}
