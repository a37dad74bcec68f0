package review

import (
	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

// glass is what a plan is looked at through.
type glass struct {
	lens   model.Lens
	hidden bool // what rules hide is shown
}

// sight is a plan as it is seen through a glass, and what the list needs of it.
// It is never changed.
type sight struct {
	of, seen *model.Plan
	index    map[model.ObjectID]int // into what is seen
	counts   model.Counts
	risky    []riskAt           // the gravest first
	groups   [groupings][]group // nil: not made
}

// sightOf is the plan as the page looks at it. It was made in advance, unless
// the plan is new.
func (p *Page) sightOf(plan *model.Plan) *sight {
	g := glass{p.lens, p.hidden}
	if p.found != nil && p.found.plan == plan && p.found.sights[g] != nil {
		return p.found.sights[g]
	}
	return look(plan, g, p.found.sight(g), p.by)
}

// sight is what was seen through a glass; nil: nothing yet.
func (s *survey) sight(g glass) *sight {
	if s == nil {
		return nil
	}
	return s.sights[g]
}

// look sees a plan through a glass, through which an earlier reading was seen.
func look(plan *model.Plan, g glass, was *sight, by ...grouping) *sight {
	s := &sight{of: plan}
	if was == nil {
		s.seen = lens.Through(plan, g.lens)
	} else {
		s.seen = lens.ThroughAgain(plan, g.lens, was.of, was.seen)
	}
	if g.hidden {
		s.seen = lens.WithHidden(s.seen)
	}
	s.index, s.counts, s.risky = indexOf(s.seen), s.seen.Counts(), risksOf(s.seen)
	for _, b := range by {
		s.groups[b] = arrange(s.seen, b)
	}
	return s
}

func indexOf(plan *model.Plan) map[model.ObjectID]int {
	out := make(map[model.ObjectID]int, len(plan.Objects))
	for i := range plan.Objects {
		out[plan.Objects[i].ID] = i
	}
	return out
}
