package window

import (
	mathbits "math/bits"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// Names reports whether a rule is about a subject. A rule without scope is
// about all; but an allow rule without scope does not count for what another
// allow rule names, see Ask.
func Names(r model.WindowRule, s model.WindowSubject) bool { return names(&r.Scope, &s) }

func names(scope *model.WindowScope, s *model.WindowSubject) bool {
	return (len(scope.Kinds) == 0 || ofKind(scope.Kinds, s)) &&
		(len(scope.Namespaces) == 0 || inNamespace(scope.Namespaces, s.Namespace)) &&
		(len(scope.Risks) == 0 || slices.ContainsFunc(s.Risks, func(r string) bool { return slices.Contains(scope.Risks, r) }))
}

// ofKind reports whether a subject is of one of some kinds, with or without
// their group. No two kinds of a cluster differ by capital letters only.
func ofKind(kinds []string, s *model.WindowSubject) bool {
	n := len(s.Kind)
	for _, k := range kinds {
		if n > 0 && len(k) >= n && strings.EqualFold(k[:n], s.Kind) &&
			(len(k) == n || k[n] == '.' && strings.EqualFold(k[n+1:], s.Group)) {
			return true
		}
	}
	return false
}

// inNamespace reports whether one of some patterns means a namespace. None
// means what is in no namespace.
func inNamespace(patterns []string, namespace string) bool {
	return namespace != "" && slices.ContainsFunc(patterns, func(p string) bool { return like(p, namespace) })
}

// like reports whether a text is as a pattern, in which "*" stands for any run
// of characters.
func like(pattern, text string) bool {
	first, rest, open := strings.Cut(pattern, "*")
	if !open {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, first)
	for ok {
		var part string
		if part, rest, open = strings.Cut(rest, "*"); !open {
			return strings.HasSuffix(text, part)
		}
		// The earliest place leaves the most for what follows.
		_, text, ok = strings.Cut(text, part)
	}
	return false
}

// bits are some of an Ask's rules.
type bits []uint64

func (b bits) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i int) bool { return b[i/64]>>(i%64)&1 == 1 }

func (b bits) add(o bits) {
	for i := range b {
		b[i] |= o[i]
	}
}

// bind finds what binds. Subjects that the same rules name are one.
func (a *Ask) bind() bound {
	var b bound
	scoped := 0
	for i := range a.Rules {
		if !a.Rules[i].Scope.IsZero() {
			scoped++
		}
	}
	if scoped > 0 && a.Known {
		a.bindScoped(&b)
		return b
	}
	b.apart = scoped
	b.used = make([]*model.WindowRule, 0, len(a.Rules)-scoped)
	for i := range a.Rules {
		if r := &a.Rules[i]; r.Scope.IsZero() {
			b.used = append(b.used, r)
		}
	}
	b.sets = []set{a.setOf(b.used)}
	b.freezes = a.freezesOf(b.used)
	return b
}

// freezesOf are the freezes that close, of some rules.
func (a *Ask) freezesOf(rules []*model.WindowRule) []*model.WindowRule {
	n := 0
	for _, r := range rules {
		if r.Freeze != nil {
			n++
		}
	}
	out := make([]*model.WindowRule, 0, n)
	for _, r := range rules {
		if r.Freeze != nil && (a.Automatic || !r.Manual) {
			out = append(out, r)
		}
	}
	return out
}

// setOf is what has to allow a subject that some rules name.
func (a *Ask) setOf(named []*model.WindowRule) set {
	allows, manual, own := 0, 0, false
	for _, r := range named {
		if r.Allow != nil {
			allows++
			own = own || !r.Imported
			if r.Manual && !a.Automatic {
				manual++
			}
		}
	}
	s := set{rules: make([]*model.WindowRule, 0, allows), always: allows == manual}
	for _, r := range named {
		// A freeze that leaves a person free opens what is outside of windows, as
		// it does in Argo CD: of those that come from there, and not of our own.
		if r.Allow != nil || r.Manual && !a.Automatic && !own {
			s.rules = append(s.rules, r)
		}
	}
	return s
}

// masks are the rules of an Ask by what they may be about.
type masks struct {
	allows, freezes bits // without scope
	scoped          []int
}

func (a *Ask) bindScoped(b *bound) {
	words := (len(a.Rules) + 63) / 64
	part := func() bits { return make(bits, words) }
	m := masks{allows: part(), freezes: part()}
	for i := range a.Rules {
		switch r := &a.Rules[i]; {
		case !r.Scope.IsZero():
			m.scoped = append(m.scoped, i)
		case r.Allow != nil:
			m.allows.set(i)
		default:
			m.freezes.set(i)
		}
	}
	subjects := a.Subjects
	if !slices.ContainsFunc(subjects, func(s model.WindowSubject) bool { return s.Kind != "" }) {
		subjects = append(slices.Clip(subjects), model.WindowSubject{}) // nothing is written
	}
	var keys []bits
	used, named := part(), part()
	for i := range subjects {
		a.name(named, &m, &subjects[i])
		at := slices.IndexFunc(keys, func(k bits) bool { return slices.Equal(k, named) })
		if at < 0 {
			at = len(keys)
			keys = append(keys, slices.Clone(named))
			used.add(named)
			b.sets = append(b.sets, a.setOf(a.rules(named)))
		}
		b.sets[at].about = append(b.sets[at].about, &subjects[i])
	}
	b.used = a.rules(used)
	b.freezes = a.freezesOf(b.used)
	b.sets = distinct(b.sets)
}

// name sets the rules by which a subject is judged.
func (a *Ask) name(named bits, m *masks, s *model.WindowSubject) {
	clear(named)
	special := false
	for _, i := range m.scoped {
		if r := &a.Rules[i]; names(&r.Scope, s) {
			named.set(i)
			special = special || r.Allow != nil
		}
	}
	if s.Kind == "" && len(s.Risks) > 0 { // the plan, whose objects are judged by the others
		return
	}
	named.add(m.freezes)
	if !special {
		named.add(m.allows)
	}
}

func (a *Ask) rules(of bits) []*model.WindowRule {
	n := 0
	for _, word := range of {
		n += mathbits.OnesCount64(word)
	}
	out := make([]*model.WindowRule, 0, n)
	for i := range a.Rules {
		if of.has(i) {
			out = append(out, &a.Rules[i])
		}
	}
	return out
}

// distinct makes one of the sets that have the same rules.
func distinct(sets []set) []set {
	var out []set
	for _, s := range sets {
		at := slices.IndexFunc(out, func(o set) bool { return slices.Equal(o.rules, s.rules) })
		if at < 0 {
			out = append(out, s)
		} else {
			out[at].about = append(out[at].about, s.about...)
		}
	}
	return out
}
