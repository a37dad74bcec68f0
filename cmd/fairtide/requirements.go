package main

import (
	"fmt"
	"path/filepath"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo"
)

// requirements are how the environment's requirements stand for a plan.
func (p *program) requirements(plan *model.Plan) []model.Requirement {
	return plan.Judged(p.reviewed(plan))
}

// reviewed lists the objects of a plan whose diffs the operator has marked as
// read, in the UI and on this machine. There is no flag that says so instead:
// whoever has not looked would pass it. What cannot be known was not read.
func (p *program) reviewed(plan *model.Plan) []model.ObjectID {
	path, err := p.repositoryPath()
	if err != nil || !plan.NeedsReview {
		return nil
	}
	if abs, err := filepath.Abs(path); err == nil && !repo.IsURL(path) {
		path = abs // as the UI keeps them
	}
	digests := map[model.ObjectID]string{}
	for _, o := range plan.Objects {
		if !o.Verdict.Differs() {
			continue
		}
		if digests[o.ID], err = o.DiffDigest(); err != nil {
			delete(digests, o.ID)
		}
	}
	read := p.marks(path)
	defer read.Close()
	known, err := read.Reviewed(plan.Environment, digests)
	if err != nil {
		_, _ = fmt.Fprintln(p.stderr, "fairtide: "+sanitize.Line(err.Error()))
	}
	var out []model.ObjectID
	for id, state := range known {
		if state == model.ReviewedAlready {
			out = append(out, id)
		}
	}
	return out
}
