package rollout

import (
	"context"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// blamePatience is how long is looked for the commits that brought a plan's
// changes. What is not found by then is said to come from Git, without a
// commit: a plan does not wait for a walk through cold renders.
const blamePatience = 1500 * time.Millisecond

// blame finds for what a plan changes because of Git the pending commit that
// brought it: the newest whose render differs there from that before it. The
// renders are those that the list of pending changes is made from.
//
// Where Git has not changed since the deployed commit, the live object was: a
// field that somebody removed, or an object that somebody deleted. The cluster
// does not keep by whom.
//
// r holds the plan with the render it was made from. lead are changes that come
// after head, newest first: those of a pull request that is not merged.
func (e *Engine) blame(ctx context.Context, env model.Environment, r reading, head string, lead ...model.Change) {
	plan := r.plan
	open := openCauses(plan)
	if len(open) == 0 || plan.From == "" {
		return // never deployed: all of it comes with the first commit that is
	}
	ctx, cancel := context.WithTimeout(ctx, blamePatience)
	defer cancel()
	b := &blamer{plan: plan, open: open, render: func(commit string) (renderIndex, bool) {
		r, err := e.cfg.Repository.Render(ctx, env, commit)
		if err != nil || ctx.Err() != nil {
			return nil, false
		}
		return indexRender(r, env.Namespace), true
	}}
	defer b.forget()
	changes := lead
	if plan.From != head {
		answer := e.cfg.Repository.Outline(ctx, []model.PendingAsk{{Environment: env, Deployed: plan.From, Head: head}})
		if len(answer) != 1 || answer[0].Err != nil || answer[0].Pending.Incomplete || answer[0].Pending.Diverged != "" {
			return
		}
		changes = append(changes, answer[0].Pending.Changes...)
	}
	was, ok := b.render(plan.From)
	if !ok {
		return
	}
	is := indexRender(r.rendered, env.Namespace)
	if last := r.state.LastRun; last == nil || last.State == model.RunSucceeded {
		b.drifted(was, is) // else the live values may be those of a run that failed
	}
	b.walk(was, is, changes)
}

// openCause is one cause of a plan whose commit is not known yet.
type openCause struct{ object, cause int }

// openCauses are the causes of a plan that are Git's. An object that is
// created or deleted as a whole gets one, with no path.
func openCauses(plan *model.Plan) []openCause {
	var out []openCause
	for i := range plan.Objects {
		o := &plan.Objects[i]
		if len(o.Causes) == 0 && (o.Verdict == model.VerdictCreate || o.Verdict == model.VerdictDelete) {
			o.Causes = []model.Cause{{Kind: model.CauseGit, By: plan.Commit}}
		}
		for j, c := range o.Causes {
			if c.Kind == model.CauseGit {
				out = append(out, openCause{i, j})
			}
		}
	}
	return out
}

// renderIndex is a render by the identities that a plan uses.
type renderIndex map[model.ObjectID]map[string]any

func indexRender(r *model.Rendered, namespace string) renderIndex {
	out := make(renderIndex, len(r.Objects))
	for _, o := range r.Objects {
		out[o.ID] = o.Fields
		if o.ID.Namespace == "" && namespace != "" {
			id := o.ID
			id.Namespace = namespace
			if _, taken := out[id]; !taken {
				out[id] = o.Fields
			}
		}
	}
	return out
}

// field is the value of a path in a render; the path "" is the whole object.
// has is also false when the render lacks the object.
func (r renderIndex) field(id model.ObjectID, path string) (v any, has bool) {
	fields, has := r[id]
	if path == "" || !has {
		return nil, has // whether it is there is all there is to say
	}
	if v, has = fieldpath.Get(fields, path); has || id.Group != "" || id.Kind != "Secret" {
		return v, has
	}
	const data = "data"
	if len(path) > len(data) && path[:len(data)] == data {
		return fieldpath.Get(fields, "stringData"+path[len(data):]) // the server folds it into data
	}
	return nil, false
}

func (r renderIndex) same(o renderIndex, id model.ObjectID, path string) bool {
	a, hasA := r.field(id, path)
	b, hasB := o.field(id, path)
	return hasA == hasB && fieldpath.Equal(a, b)
}

// blamer walks back through the renders of the pending commits.
type blamer struct {
	render func(commit string) (renderIndex, bool)
	plan   *model.Plan
	open   []openCause
}

func (b *blamer) at(c openCause) (model.ObjectID, *model.Cause) {
	o := &b.plan.Objects[c.object]
	return o.ID, &o.Causes[c.cause]
}

// settle gives the open causes that test says true of to a change.
func (b *blamer) settle(test func(id model.ObjectID, path string) bool, set func(*model.Cause)) {
	b.open = slices.DeleteFunc(b.open, func(c openCause) bool {
		id, cause := b.at(c)
		if !test(id, cause.Path) {
			return false
		}
		set(cause)
		return true
	})
}

// forget leaves the open causes without a commit.
func (b *blamer) forget() {
	b.settle(func(model.ObjectID, string) bool { return true }, func(c *model.Cause) { c.By = "" })
}

// drifted takes out what Git writes as it did when the environment was
// deployed: the live object was changed.
func (b *blamer) drifted(was, is renderIndex) {
	b.settle(func(id model.ObjectID, path string) bool {
		_, has := is.field(id, path)
		return has && was.same(is, id, path)
	}, func(c *model.Cause) { c.Kind, c.By = model.CauseDrift, "" })
}

// walk goes back from a render to that of the deployed commit.
func (b *blamer) walk(deployed, is renderIndex, changes []model.Change) {
	for i, change := range changes {
		if len(b.open) == 0 {
			return
		}
		before, ok := deployed, true
		if i+1 < len(changes) {
			before, ok = b.render(changes[i+1].Commit)
		}
		if !ok {
			return
		}
		b.settle(func(id model.ObjectID, path string) bool { return !before.same(is, id, path) }, func(c *model.Cause) {
			c.By = change.Commit
			if change.PullRequest != nil {
				c.PullRequest = change.PullRequest.Number
			}
		})
		is = before
	}
}
