package review

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// Result is what a command of the page came to. It knows the page that it is
// for, which may have left the screen.
type Result interface {
	tea.Msg
	// Deliver hands it to its page. changed reports whether it mattered.
	Deliver() (cmd tea.Cmd, changed bool)
}

// survey is what is found out about all objects of a plan at once, away from
// the UI's goroutine. It is never changed.
type survey struct {
	plan, seen *model.Plan
	facts      map[model.ObjectID]*facts
	paths      []string // that differ in each object of what is seen, in lower case, a line each
	alike      map[model.ObjectID]*kin
	words      *vocabulary
	sights     map[glass]*sight // of the plan, through every lens
	took       time.Duration    // to find all that out
}

// facts are about one object that differs.
type facts struct {
	object *model.PlannedObject
	digest string
	like   likeness
	what   string
	paths  string
	last   []string // names of the fields that change
}

// surveyedMsg is a survey, and which of its diffs were read before.
type surveyedMsg struct {
	page  *Page
	made  *survey
	marks map[model.ObjectID]model.Reviewed
	err   error // why they are not known
}

// survey finds out about the objects of the plan as it is seen.
func (p *Page) survey() tea.Cmd {
	plan, seen, was, marks, env := p.Plan.Value, p.seen, p.found, p.Marks, p.Environment.Name
	at := glass{p.lens, p.hidden}
	return func() tea.Msg {
		began := time.Now()
		msg := surveyedMsg{page: p, made: explore(plan, seen, was)}
		msg.made.look(at, was)
		msg.made.took = time.Since(began)
		if marks != nil {
			digests := make(map[model.ObjectID]string, len(msg.made.facts))
			for id, f := range msg.made.facts {
				digests[id] = f.digest
			}
			msg.marks, msg.err = marks.Reviewed(env, digests)
		}
		return msg
	}
}

// Cost is how long it took to find out about the plan when it was last read.
func (p *Page) Cost() time.Duration {
	if p.found == nil {
		return 0
	}
	return p.found.took
}

// Deliver implements Result.
func (m surveyedMsg) Deliver() (tea.Cmd, bool) {
	p := m.page
	if m.made.plan != p.Plan.Value || m.made.seen != p.seen {
		return nil, false
	}
	p.found, p.stored = m.made, m.marks
	if m.err != nil {
		p.unkept = m.err
	}
	p.count()
	if p.filter.active() {
		return p.SetFilter(p.filter.text), true
	}
	return nil, true
}

// explore makes a survey. What an earlier one found out about an object that
// has not changed since is taken from it.
func explore(plan, seen *model.Plan, was *survey) *survey {
	s := &survey{plan: plan, seen: seen, paths: make([]string, len(seen.Objects))}
	if was != nil && was.plan == plan {
		s.facts, s.alike = was.facts, was.alike
	} else {
		s.facts = make(map[model.ObjectID]*facts, len(plan.Objects))
		for i := range plan.Objects {
			if o := &plan.Objects[i]; o.Verdict.Differs() {
				var before *facts
				if was != nil {
					before = was.facts[o.ID]
				}
				s.facts[o.ID] = factsOf(o, before)
			}
		}
		s.alike = gather(plan, s.facts)
	}
	last := make(map[model.ObjectID][]string, len(s.facts))
	for i := range seen.Objects {
		o := &seen.Objects[i]
		if f := s.facts[o.ID]; f != nil && sameSides(f.object, o) {
			s.paths[i], last[o.ID] = f.paths, f.last
			continue
		}
		if o.Before != nil && sameMap(o.Before, o.After) {
			continue
		}
		if changes := fieldpath.Diff(o.Before, o.After); len(changes) > 0 {
			s.paths[i], last[o.ID] = lowerPaths(changes), lastFields(changes)
		}
	}
	s.words = learn(seen, last)
	return s
}

// look makes what the page would show through the other lenses, so that they
// are there at a key. The plan is seen through one already.
func (s *survey) look(at glass, was *survey) {
	if was != nil && was.plan == s.plan && was.sights[at] != nil {
		s.sights = was.sights
		return
	}
	s.sights = map[glass]*sight{}
	for _, l := range model.Lenses {
		if l != model.LensApply && s.plan.NoLenses != "" {
			continue
		}
		g := glass{l, at.hidden}
		s.sights[g] = look(s.plan, g, was.sight(g), byVerdict, byKind, byWave)
	}
}

// sameSides reports whether two objects of one plan have the very same sides.
func sameSides(a, b *model.PlannedObject) bool {
	return a.Verdict == b.Verdict && sameMap(a.Before, b.Before) && sameMap(a.After, b.After)
}

func factsOf(o *model.PlannedObject, was *facts) *facts {
	f := &facts{object: o}
	same := was != nil && sameDiff(was.object, o)
	if same && sameAbout(was.object, o) {
		*f = *was
		f.object = o
		return f
	}
	before, after := o.Approved()
	changes := fieldpath.Diff(before, after)
	if same {
		f.digest, f.paths, f.last = was.digest, was.paths, was.last
	}
	if f.digest == "" {
		digest, err := o.DiffDigest()
		if err == nil {
			f.digest = digest // else it cannot be marked; the comparison says why
		}
		f.paths, f.last = lowerPaths(changes), lastFields(changes)
	}
	f.like, f.what = likenessOf(o, changes), inShort(o, changes)
	return f
}

// sameAbout reports whether two readings of an object with the same diff say
// the same of it beside that.
func sameAbout(a, b *model.PlannedObject) bool {
	return a.Version == b.Version && a.OnlyHidden == b.OnlyHidden && slices.Equal(a.Risks, b.Risks)
}

// sameDiff reports whether two readings of an object have the same diff.
func sameDiff(a, b *model.PlannedObject) bool {
	return a.Verdict == b.Verdict && a.Reason == b.Reason && a.TakesOwnership == b.TakesOwnership && a.Migrates == b.Migrates &&
		sameSide(a.Before, b.Before) && sameSide(a.After, b.After)
}

// sameSide compares two readings of a side. Most are the very same.
func sameSide(a, b map[string]any) bool {
	return sameMap(a, b) || fieldpath.Equal(anyMap(a), anyMap(b))
}

// anyMap is a side of an object; none is nil.
func anyMap(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func lowerPaths(changes []fieldpath.Change) string {
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(strings.ToLower(c.Path))
		b.WriteByte('\n')
	}
	return b.String()
}
