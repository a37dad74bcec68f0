package home

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/list"
)

// Query is what the pending changes are filtered by; empty: all are listed.
func (p *Page) Query() string { return p.query }

// Filter lists only the pending changes that match: those with every word in
// the title, the author's name, the objects or the commit, #42 of a pull
// request, or by:dev1. Empty lists all.
func (p *Page) Filter(query string) {
	p.query = strings.TrimSpace(query)
	for env := range p.pending {
		p.fill(env)
	}
	p.stay()
}

// Matching says how many of the selected environment's changes are listed.
func (p *Page) Matching() string {
	env, ok := p.Environment()
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d of %d", len(p.shown[env.Name]), len(p.Pending(env.Name).Value.Changes))
}

// Enter gives the focus to the pending changes, if there are any.
func (p *Page) Enter() {
	_, p.inList = p.Change()
}

// fill lists the changes of an environment that match.
func (p *Page) fill(env string) {
	terms := strings.Fields(strings.ToLower(p.query))
	changes := p.Pending(env).Value.Changes
	shown := make([]int, 0, len(changes))
	rows := make([]list.Item[string], 0, len(changes))
	for i, c := range changes {
		if matches(c, terms) {
			shown, rows = append(shown, i), append(rows, list.Item[string]{Key: c.Commit})
		}
	}
	p.shown[env], p.widths[env] = shown, measure(changes)
	l := p.list(env)
	// Who has not gone into the list means the head, also when it moves.
	atHead := !p.inList && l.Index() <= 0
	l.Set(rows)
	if atHead {
		l.Top()
	}
}

func matches(c model.Change, terms []string) bool {
	for _, t := range terms {
		if !matchesTerm(c, t) {
			return false
		}
	}
	return true
}

// matchesTerm takes a term in lower case.
func matchesTerm(c model.Change, term string) bool {
	if by, ok := strings.CutPrefix(term, "by:"); ok {
		return contains(authorOf(c), by) || contains(c.Author, by)
	}
	if digits, ok := strings.CutPrefix(term, "#"); ok {
		return c.PullRequest != nil && strings.HasPrefix(strconv.Itoa(c.PullRequest.Number), digits)
	}
	if contains(c.Title, term) || contains(authorOf(c), term) || strings.HasPrefix(c.Commit, term) {
		return true
	}
	for _, o := range c.Objects {
		if contains(o.ID.Kind, term) || contains(o.ID.Name, term) || contains(o.Summary, term) || contains(o.Risk, term) {
			return true
		}
	}
	return false
}

// contains reports whether text has part, which is in lower case, in it.
func contains(text, part string) bool { return strings.Contains(strings.ToLower(text), part) }
