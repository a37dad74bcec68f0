package home

import (
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// learned is what the last plan of an environment has told about it.
type learned struct {
	from, commit string
	at           time.Time
	drifted      []model.ObjectID // that somebody changed live
	risks        map[model.ObjectID][]model.Risk
}

// Learn keeps what a plan of merged changes tells: what has drifted, and what
// is risky about which object.
func (p *Page) Learn(plan *model.Plan, at time.Time) {
	l := learned{from: plan.From, commit: plan.Commit, at: at, risks: map[model.ObjectID][]model.Risk{}}
	for i := range plan.Objects {
		o := &plan.Objects[i]
		if slices.ContainsFunc(o.Causes, func(c model.Cause) bool { return c.Kind == model.CauseDrift }) {
			l.drifted = append(l.drifted, o.ID)
		}
		if len(o.Risks) > 0 {
			l.risks[o.ID] = o.Risks
		}
	}
	p.learned[plan.Environment] = l
}

// known is what is known of an environment from its last plan, unless something
// else is live by now.
func (p *Page) known(env string) (learned, bool) {
	l, ok := p.learned[env]
	d := p.Status(env).Value.Deployed
	return l, ok && d != nil && d.Commit == l.from
}

// risksOf are those of an object that a change alters: as the plan has them if
// it had the change in it, else as the renders alone show them.
func (p *Page) risksOf(env string, c model.Change, o model.ChangedObject) []model.Risk {
	if l, ok := p.known(env); ok && p.ships(env, l.commit, c.Commit) {
		var out []model.Risk
		for _, r := range l.risks[o.ID] {
			if r.Severity != model.SeverityInfo {
				out = append(out, r)
			}
		}
		return out
	}
	if o.Risk == "" {
		return nil
	}
	return []model.Risk{{Severity: model.SeverityWarning, Message: o.Risk}}
}

// ships reports whether shipping up to a commit ships a change.
func (p *Page) ships(env, commit, change string) bool {
	found := false
	for _, c := range p.Pending(env).Value.Changes {
		found = found || c.Commit == commit
		if c.Commit == change {
			return found
		}
	}
	return false
}
