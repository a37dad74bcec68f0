package rollout

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/mask"
	"github.com/fairtide-dev/fairtide/model"
)

// RunDiff says what a run changed: the environment as Git had it at the run's
// From beside how it had it at the run's Commit, with what the record says of
// each object. run is an ID or its number. Values of Secrets are masked, as in
// a plan. That a commit is gone from the repository is an error.
//
// Both commits are rendered as the environment is configured now.
func (e *Engine) RunDiff(ctx context.Context, env, run string) (*model.RunDiff, error) {
	t, err := e.archiveOf(ctx, env)
	if err != nil {
		return nil, err
	}
	r, err := model.FindRun(env, t.runs, run)
	if err != nil {
		return nil, err
	}
	after, err := t.render(ctx, r, r.Commit)
	if err != nil {
		return nil, err
	}
	before := &model.Rendered{}
	if r.From != "" {
		if before, err = t.render(ctx, r, r.From); err != nil {
			return nil, err
		}
	}
	p := t.plan(before, after, r.From, r.Commit)
	p.Kept = r.Kept
	tellRun(p, r)
	p.Sort()
	p.Notes = runNotes(r)
	e.blame(ctx, t.env, reading{plan: p, rendered: after, state: t.state}, r.Commit)
	return &model.RunDiff{Run: r, Plan: p}, nil
}

// CompareRuns says how two runs differ: the environment as Git had it at the
// commit of the first beside that of the second, and where their records tell
// different things.
func (e *Engine) CompareRuns(ctx context.Context, env, a, b string) (*model.RunDiff, error) {
	t, err := e.archiveOf(ctx, env)
	if err != nil {
		return nil, err
	}
	first, err := model.FindRun(env, t.runs, a)
	if err != nil {
		return nil, err
	}
	second, err := model.FindRun(env, t.runs, b)
	if err != nil {
		return nil, err
	}
	before, err := t.render(ctx, first, first.Commit)
	if err != nil {
		return nil, err
	}
	after, err := t.render(ctx, second, second.Commit)
	if err != nil {
		return nil, err
	}
	d := &model.RunDiff{Run: first, Other: &second, Plan: t.plan(before, after, first.Commit, second.Commit)}
	d.Plan.Sort()
	e.blame(ctx, t.env, reading{plan: d.Plan, rendered: after, state: t.state}, second.Commit)
	d.Fields, d.Objects = model.CompareRecords(first, second)
	for _, f := range d.Fields {
		d.Plan.Notes = append(d.Plan.Notes, f.String())
	}
	for _, o := range d.Objects {
		d.Plan.Notes = append(d.Plan.Notes, o.String())
	}
	return d, nil
}

// archive is an environment with what is recorded of it.
type archive struct {
	site
	repository Repository
	runs       []model.Run
	state      model.State
	clusterUID string
	where      string // the cluster, as a person reads it
	at         time.Time
}

func (e *Engine) archiveOf(ctx context.Context, env string) (archive, error) {
	t := archive{repository: e.cfg.Repository}
	var err error
	if t.runs, err = e.History(ctx, env); err != nil && len(t.runs) == 0 {
		return t, err
	}
	if t.site, err = e.locate(ctx, env); err != nil {
		return t, err
	}
	if t.state, err = t.cluster.ReadState(ctx, env); err != nil {
		return t, prefix(env, err)
	}
	info, err := t.cluster.Info(ctx)
	t.clusterUID, t.where, t.at = info.UID, info.Context, info.Now
	return t, prefix(env, err)
}

// render renders one of a run's commits.
func (t archive) render(ctx context.Context, run model.Run, commit string) (*model.Rendered, error) {
	r, err := t.repository.Render(ctx, t.env, commit)
	if err != nil {
		return nil, fmt.Errorf("%s: what it changed cannot be shown: commit %s cannot be rendered, the repository may not have it any more: %w",
			run.ID, model.Short(commit), err)
	}
	return r, nil
}

// plan lays two renders beside each other.
func (t archive) plan(before, after *model.Rendered, from, to string) *model.Plan {
	kinds := t.namespaced()
	was, is := t.sides(before, kinds), t.sides(after, kinds)
	p := &model.Plan{Environment: t.env.Name, From: from, Commit: to, Cluster: t.where, ClusterUID: t.clusterUID, ReadAt: t.at}
	for id, o := range is {
		p.Objects = append(p.Objects, between(id, was[id], o))
	}
	for id, o := range was {
		if _, stays := is[id]; !stays {
			p.Objects = append(p.Objects, between(id, o, side{}))
		}
	}
	return p
}

// side is an object as a commit renders it, masked.
type side struct {
	version string
	source  model.Source
	fields  map[string]any // nil: the commit does not render it
}

// between is an object with its two sides and, field by field, that Git changed
// it; which commit did is for blame to find.
func between(id model.ObjectID, was, is side) model.PlannedObject {
	o := model.PlannedObject{ID: id, Version: is.version, Source: is.source, Before: was.fields, After: is.fields}
	switch {
	case was.fields == nil:
		o.Verdict = model.VerdictCreate
	case is.fields == nil:
		o.Verdict, o.Version, o.Source = model.VerdictDelete, was.version, was.source
	case fieldpath.Equal(was.fields, is.fields):
		o.Verdict = model.VerdictUnchanged
	default:
		o.Verdict = model.VerdictUpdate
		for _, c := range fieldpath.Diff(was.fields, is.fields) {
			o.Causes = append(o.Causes, model.Cause{Path: c.Path, Kind: model.CauseGit})
		}
	}
	return o
}

// kindOf is what says whether objects are in a namespace.
type kindOf struct{ group, kind string }

// namespaced says of the kinds that runs have written whether they are in a
// namespace. Git need not name it, and the server may have to be asked for
// kinds that are no more.
func (t archive) namespaced() map[kindOf]bool {
	out := map[kindOf]bool{}
	note := func(id model.ObjectID) { out[kindOf{id.Group, id.Kind}] = id.Namespace != "" }
	for _, r := range t.runs {
		for _, o := range r.Objects {
			note(o.ID)
		}
	}
	for _, o := range t.state.Inventory {
		note(o.ID)
	}
	return out
}

// sides are a render's objects by the identities that a plan gives them.
func (t archive) sides(r *model.Rendered, kinds map[kindOf]bool) map[model.ObjectID]side {
	m := mask.New(t.clusterUID, t.env.Mask...)
	out := make(map[model.ObjectID]side, len(r.Objects))
	for _, o := range r.Objects {
		fields, _ := copied(o.Fields).(map[string]any)
		if fields == nil {
			fields = map[string]any{} // nothing that could be shown, but it is there
		}
		inOne, known := kinds[kindOf{o.ID.Group, o.ID.Kind}]
		id := o.ID
		if known && !inOne {
			id.Namespace = ""
		} else if known && id.Namespace == "" {
			id.Namespace = namespaceOf(t.env)
		}
		if meta, ok := fields["metadata"].(map[string]any); ok && id.Namespace != o.ID.Namespace {
			if meta["namespace"] = id.Namespace; id.Namespace == "" {
				delete(meta, "namespace")
			}
		}
		delete(fields, "status") // the server's, also where Git has one
		out[id] = side{o.Version, o.Source, m.Object(id, withData(id, fields))}
	}
	return out
}

// withData folds what a Secret writes in plain text into its data, as the server
// does: moving a value from one to the other changes nothing. The masker takes
// what is not base64 as it is.
func withData(id model.ObjectID, fields map[string]any) map[string]any {
	plain, ok := fields["stringData"].(map[string]any)
	if !ok || id.Group != "" || id.Kind != "Secret" {
		return fields
	}
	data, _ := fields["data"].(map[string]any)
	if data == nil {
		data = map[string]any{}
	}
	for k, v := range plain {
		if s, ok := v.(string); ok {
			data[k] = base64.StdEncoding.EncodeToString([]byte(s))
		} else {
			data[k] = v
		}
	}
	delete(fields, "stringData")
	fields["data"] = data
	return fields
}

// tellRun says of each object what the record says: the verdict is what the run
// did, also where Git alone would not have asked for it.
func tellRun(p *model.Plan, run model.Run) {
	recorded := make(map[model.ObjectID]model.RunObject, len(run.Objects))
	for _, o := range run.Objects {
		recorded[o.ID] = o
	}
	for i := range p.Objects {
		o := &p.Objects[i]
		r, ok := recorded[o.ID]
		if delete(recorded, o.ID); ok {
			tellObject(o, r, run)
			continue
		}
		switch {
		case !o.Verdict.Differs():
		case o.Verdict == model.VerdictDelete:
			o.Reason = "the run did not delete it: it left Git and stayed, or was gone already"
		default:
			o.Reason = "the run had nothing to write: it was live like this already"
		}
	}
	for _, r := range run.Objects { // in neither render
		if _, left := recorded[r.ID]; left {
			o := model.PlannedObject{ID: r.ID, Version: r.Version, Verdict: model.VerdictUnchanged}
			tellObject(&o, r, run)
			p.Objects = append(p.Objects, o)
		}
	}
}

// tellObject says what the record says of one object.
func tellObject(o *model.PlannedObject, r model.RunObject, run model.Run) {
	git := o.Verdict
	if r.Verdict.Differs() && (r.Verdict != model.VerdictUnpredictable || !git.Differs()) {
		o.Verdict = r.Verdict
	}
	if r.Verdict.Differs() && !git.Differs() && o.After != nil {
		o.Causes = []model.Cause{{Kind: model.CauseDrift}}
	}
	var said []string
	switch {
	case o.Before == nil && o.After == nil:
		said = append(said, "neither commit has it: it was left from an earlier one")
	case !git.Differs() && r.Verdict == model.VerdictCreate:
		said = append(said, "Git did not change it: it was not live, and the run made it again")
	case !git.Differs() && r.Verdict.Differs():
		said = append(said, "Git did not change it: it was changed live, and the run wrote it as Git has it; what it was is not recorded")
	case git == model.VerdictUpdate && r.Verdict == model.VerdictCreate:
		said = append(said, "it was not live before the run")
	case git == model.VerdictCreate && r.Verdict == model.VerdictUpdate:
		said = append(said, "it was live before the run, though not from here")
	case git.Differs() && !r.Verdict.Differs():
		said = append(said, "it was live like this already; the run only took over its fields")
	}
	var kept []string
	for _, f := range run.Kept {
		if f.ID == o.ID {
			kept = append(kept, f.Path)
		}
	}
	if len(kept) > 0 {
		said = append(said, "the run kept what was live of "+strings.Join(kept, ", "))
	}
	o.Reason = strings.Join(said, "; ")
	if risk, ok := outcome(r, run); ok {
		o.Risks = append(o.Risks, risk)
	}
}

// outcome marks an object that did not come as far as the run was to take it.
func outcome(r model.RunObject, run model.Run) (model.Risk, bool) {
	switch r.Result {
	case model.ResultFailed:
		text := "it failed in this run"
		if r.Message != "" {
			text += ": " + r.Message
		}
		return model.Risk{Name: "run-failed", Severity: model.SeverityDanger, Message: text}, true
	case model.ResultPending:
		text := "it was not written: the run ended before its turn"
		if !run.State.Final() {
			text = "it is not written yet: the run is under way"
		}
		return model.Risk{Name: "run-pending", Severity: model.SeverityWarning, Message: text}, true
	case model.ResultApplied:
		if run.State.Final() && run.State != model.RunSucceeded {
			return model.Risk{Name: "run-unready", Severity: model.SeverityWarning, Message: "it was written; the run ended before it was ready"}, true
		}
	case model.ResultReady, model.ResultPruned:
	}
	return model.Risk{}, false
}

// runNotes are what is to be known of a run's diff as a whole.
func runNotes(r model.Run) []string {
	var out []string
	if r.State != model.RunSucceeded {
		out = append(out, fmt.Sprintf("%s is %s: %s", r.ID, r.State, r.Tally()))
	}
	if r.From == "" {
		out = append(out, "nothing was deployed before: Git had it all to be created")
	}
	if r.RollsBack != "" {
		out = append(out, "it took back "+r.RollsBack)
	}
	return append(out, "this is Git before and after; what was changed live in between is not recorded")
}

// copied is a deep copy of what JSON decodes to.
func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = copied(e)
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i, e := range out {
			out[i] = copied(e)
		}
		return out
	}
	return v
}
