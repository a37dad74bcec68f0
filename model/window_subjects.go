package model

import (
	"slices"
	"strings"
)

// WindowSubjects is what rules about time may be about in a plan: what it
// writes, each sort once, and, without a kind, the risks of the plan as a whole.
func (p *Plan) WindowSubjects() []WindowSubject {
	var out []WindowSubject
	seen := map[string]bool{}
	add := func(s WindowSubject, risks []Risk) {
		for _, r := range risks {
			s.Risks = append(s.Risks, r.Name)
		}
		slices.Sort(s.Risks)
		s.Risks = slices.Compact(s.Risks)
		key := strings.Join(append([]string{s.Group, s.Kind, s.Namespace}, s.Risks...), "\x00")
		if !seen[key] {
			seen[key] = true
			out = append(out, s)
		}
	}
	for _, o := range p.Objects {
		if o.Writes() {
			add(o.ID.WindowSubject(), o.Risks)
		}
	}
	if len(p.Risks) > 0 {
		add(WindowSubject{}, p.Risks)
	}
	return out
}

// WindowSubject is an object as rules about time see it. A namespace is taken to
// be in itself: whoever deletes it deletes all that is in it.
func (id ObjectID) WindowSubject() WindowSubject {
	s := WindowSubject{Group: id.Group, Kind: id.Kind, Namespace: id.Namespace}
	if id.Group == "" && id.Kind == "Namespace" {
		s.Namespace = id.Name
	}
	return s
}
