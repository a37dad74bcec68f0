package tuitest

import (
	"context"
	"slices"

	"github.com/fairtide-dev/fairtide/model"
)

// RunDiff implements tui.Backend: the environment's plan between the commits of
// the runs, with what the record says of its objects.
func (b *Backend) RunDiff(_ context.Context, env, run, other string) (*model.Plan, error) {
	if err := b.called("RunDiff %s %s %s", env, run, other); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r, err := model.FindRun(env, b.Histories[env], run)
	if err != nil {
		return nil, err
	}
	p := *b.Plans[env]
	p.Objects, p.Risks, p.Notes, p.Digest = slices.Clone(p.Objects), nil, nil, ""
	p.From, p.Commit = r.From, r.Commit
	results := map[model.ObjectID]model.RunObject{}
	for _, o := range r.Objects {
		results[o.ID] = o
	}
	for i := range p.Objects {
		o := &p.Objects[i]
		o.Risks, o.Reason = nil, ""
		switch x := results[o.ID]; {
		case other != "":
		case x.Result == model.ResultFailed:
			o.Risks = []model.Risk{{Name: "run-failed", Severity: model.SeverityDanger, Message: "it failed in this run: " + x.Message}}
		case x.Result == "" && o.Verdict.Differs():
			o.Reason = "the run had nothing to write: it was live like this already"
		}
	}
	p.Sort()
	if other == "" {
		p.Notes = []string{"this is Git before and after; what was changed live in between is not recorded"}
		return &p, nil
	}
	o, err := model.FindRun(env, b.Histories[env], other)
	if err != nil {
		return nil, err
	}
	p.From, p.Commit = r.Commit, o.Commit
	fields, objects := model.CompareRecords(r, o)
	for _, f := range fields {
		p.Notes = append(p.Notes, f.String())
	}
	for _, c := range objects {
		p.Notes = append(p.Notes, c.String())
	}
	return &p, nil
}
