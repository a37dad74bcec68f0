package review

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/prompt"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// filter is what an object has to match in order to be listed: all its terms.
type filter struct {
	text  string
	terms []term
}

func (f filter) active() bool { return len(f.terms) > 0 }

// term is a word, or a value that one property has to have.
type term struct {
	field  string // one of fields; empty: a word
	value  string // in lower case
	exact  bool   // the value is whole, not the beginning of one
	number int    // of a pull request; 0: it is none
}

// fields are the properties that a term can be about, with what they mean.
var fields = [...]struct{ name, means string }{
	{"path", "fields that change, such as path:image"},
	{"kind", "of the object"},
	{"risk", "by name, or how grave: risk:danger"},
	{"cause", "a pull request, a commit, drift, or who changed it live"},
	{"verdict", "what applying does"},
	{"ns", "namespace"},
	{"is", "reviewed, unreviewed, changed or alike"},
}

// parseFilter reads a filter. A term without a value yet matches everything. A
// value that is one of those there are means just that one.
func parseFilter(text string, known *vocabulary) filter {
	f := filter{text: strings.TrimSpace(text)}
	for _, word := range strings.Fields(strings.ToLower(text)) {
		field, value, ok := strings.Cut(word, ":")
		if !ok || !isField(field) {
			f.terms = append(f.terms, term{value: word})
			continue
		}
		if value == "" || value == "#" {
			continue
		}
		t := term{field: field, value: value, exact: known.has(field, value)}
		if rest, isNumber := strings.CutPrefix(value, "#"); isNumber && field == "cause" {
			t.number, _ = strconv.Atoi(rest) // 0, which matches nothing, when it is no number
			t.exact = true
		}
		f.terms = append(f.terms, t)
	}
	return f
}

func isField(name string) bool {
	for _, f := range fields {
		if f.name == name {
			return true
		}
	}
	return false
}

// about is what a filter asks of an object beside the object itself.
type about struct {
	paths    string // that change, in lower case, a line each
	reviewed model.Reviewed
	moved    bool
	alike    bool
}

func (f filter) matches(o *model.PlannedObject, a about) bool {
	for _, t := range f.terms {
		if !t.matches(o, a) {
			return false
		}
	}
	return true
}

func (t term) matches(o *model.PlannedObject, a about) bool {
	switch t.field {
	case "path":
		return strings.Contains(a.paths, t.value)
	case "kind":
		return t.is(o.ID.Kind)
	case "verdict":
		return t.is(string(o.Verdict))
	case "ns":
		return t.is(o.ID.Namespace)
	case "risk":
		return slices.ContainsFunc(o.Risks, func(r model.Risk) bool {
			return containsFold(r.Name, t.value) || t.is(string(r.Severity))
		})
	case "cause":
		return slices.ContainsFunc(o.Causes, t.matchesCause)
	case "is":
		return t.matchesState(o, a)
	}
	return containsFold(o.ID.Name, t.value) || containsFold(o.ID.Kind, t.value) || containsFold(o.ID.Namespace, t.value)
}

// is compares a value as a whole, or while it is being typed by its beginning.
func (t term) is(s string) bool {
	if t.exact {
		return strings.EqualFold(s, t.value)
	}
	return len(s) >= len(t.value) && strings.EqualFold(s[:len(t.value)], t.value)
}

func (t term) matchesCause(c model.Cause) bool {
	if strings.HasPrefix(t.value, "#") {
		return t.number > 0 && c.PullRequest == t.number
	}
	if t.is(string(c.Kind)) {
		return true
	}
	if c.Kind == model.CauseGit {
		return len(c.By) >= len(t.value) && strings.EqualFold(c.By[:len(t.value)], t.value)
	}
	return containsFold(c.By, t.value)
}

func (t term) matchesState(o *model.PlannedObject, a about) bool {
	differs := o.Verdict.Differs()
	switch {
	case strings.HasPrefix("reviewed", t.value):
		return differs && a.reviewed == model.ReviewedAlready
	case strings.HasPrefix("unreviewed", t.value):
		return differs && a.reviewed != model.ReviewedAlready
	case strings.HasPrefix("changed", t.value):
		return a.moved || a.reviewed == model.ReviewedBefore
	case strings.HasPrefix("alike", t.value):
		return a.alike
	}
	return false
}

// containsFold reports whether s has a text that is in lower case, whatever
// the case of s. It allocates nothing.
func containsFold(s, lower string) bool {
	if lower == "" {
		return true
	}
	for i := 0; i+len(lower) <= len(s); i++ {
		if c := s[i]; c|0x20 != lower[0]|0x20 && c < 0x80 {
			continue
		}
		if strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

// sift finds what the filter leaves of each group.
func (p *Page) sift() {
	p.matched, p.matching = 0, 0
	for i := range p.groups {
		g := &p.groups[i]
		if !p.filter.active() {
			g.listed = g.objects
		} else {
			g.listed = make([]int, 0, len(g.objects))
			for _, n := range g.objects {
				o := &p.seen.Objects[n]
				if p.filter.matches(o, p.about(n, o.ID)) {
					g.listed = append(g.listed, n)
				}
			}
		}
		if g.key != sameKey || p.unchanged {
			p.matched += len(g.listed)
			p.matching += len(g.objects)
		}
	}
}

// about is what the filter asks of the n-th object of what is seen, and not more.
func (p *Page) about(n int, id model.ObjectID) about {
	var a about
	if p.found != nil && p.found.seen == p.seen {
		a.paths = p.found.paths[n]
	}
	if p.filter.asksForState() {
		a.reviewed, a.moved, a.alike = p.Reviewed(id), p.moved.since[id], p.kin(id) != nil
	}
	return a
}

// Filter is the text of the filter; empty: everything is listed.
func (p *Page) Filter() string { return p.filter.text }

// SetFilter lists only what matches. Empty lists everything.
func (p *Page) SetFilter(text string) tea.Cmd {
	var known *vocabulary
	if p.found != nil {
		known = p.found.words
	}
	p.filter = parseFilter(text, known)
	p.fill()
	return p.follow()
}

// FilterCount says how much the filter leaves: "3 of 14".
func (p *Page) FilterCount() string {
	if p.seen == nil {
		return ""
	}
	return fmt.Sprintf("%d of %d", p.matched, p.matching)
}

// filterWords says in full what the filter does, for the list.
func (p *Page) filterWords() string {
	hidden := p.matching - p.matched
	if hidden == 0 {
		return "hides none"
	}
	return words.Count(hidden, "object") + " hidden"
}

// candidatesMost is how many candidates are offered at once.
const candidatesMost = 50

// FilterCandidates are what a filter's text could become: its last word is
// completed.
func (p *Page) FilterCandidates(text string) []prompt.Candidate {
	before, last := "", text
	if i := strings.LastIndexAny(text, " \t"); i >= 0 {
		before, last = text[:i+1], text[i+1:]
	}
	var out []prompt.Candidate
	field, value, typed := strings.Cut(strings.ToLower(last), ":")
	if !typed {
		for _, f := range fields {
			if strings.HasPrefix(f.name, field) {
				out = append(out, prompt.Candidate{Text: before + f.name + ":", Note: f.means})
			}
		}
		return out
	}
	if p.found == nil || !isField(field) {
		return nil
	}
	for _, w := range p.found.words.of[field] {
		if containsFold(w.text, value) && !strings.EqualFold(w.text, value) && len(out) < candidatesMost {
			out = append(out, prompt.Candidate{Text: before + field + ":" + sanitize.Line(w.text), Note: w.note})
		}
	}
	return out
}

// SelectObject selects an object if it is listed.
func (p *Page) SelectObject(id model.ObjectID) bool { return p.objects.Select(row{id: id}) }
