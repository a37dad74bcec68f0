package githubtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// pull is a pull request as the server keeps it.
type pull struct {
	number        int
	title, body   string
	author        string
	base, head    string // branches
	draft, open   bool
	headSHA       string
	baseSHA       string // where the base stood when last looked at, or before the merge
	created       time.Time
	updated       time.Time
	closed        time.Time
	merged        time.Time
	mergedBy      string
	mergeCommit   string
	landed        []string // commits of the base it became
	reviews       []review
	mergeableSeen string // the pair of commits for which "unknown" was said
}

type review struct {
	id     int64
	author string
	state  string // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED
	body   string
	commit string
	at     time.Time
}

// stateName is OPEN, CLOSED or MERGED.
func (p *pull) stateName() string {
	switch {
	case p.open:
		return "OPEN"
	case !p.merged.IsZero():
		return "MERGED"
	}
	return "CLOSED"
}

// sorted are all pull requests, newest first.
func (s *Server) sorted() []*pull {
	list := make([]*pull, 0, len(s.pulls))
	for _, p := range s.pulls {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *pull) int { return b.number - a.number })
	return list
}

// refresh brings open pull requests up to what the branches are now: a push
// moves the head, a deleted branch closes, and commits that came into the base
// by another way count as merged.
func (s *Server) refresh(ctx context.Context) {
	heads, err := s.bare.branches(ctx)
	if err != nil {
		return // the client has gone; the next request looks again
	}
	for _, p := range s.sorted() {
		if !p.open {
			continue
		}
		head, base := heads[p.head], heads[p.base]
		if head == "" || base == "" {
			s.close(p)
			continue
		}
		if head == p.headSHA && base == p.baseSHA {
			continue
		}
		if head != p.headSHA {
			p.updated = s.o.Now()
			s.keep(ctx, p.number, head)
		}
		before := p.baseSHA
		p.headSHA, p.baseSHA = head, base
		if in, err := s.bare.contains(ctx, base, head); err == nil && in {
			p.landed, _ = s.bare.between(ctx, before, base)
			s.setMerged(p, head, "")
			p.baseSHA = before
		}
	}
}

// keep makes GitHub's own ref for a pull request, which also keeps its
// commits when the branch goes.
func (s *Server) keep(ctx context.Context, number int, head string) {
	_, _ = s.bare.run(ctx, "update-ref", fmt.Sprintf("refs/pull/%d/head", number), head) // for people only
}

func (s *Server) close(p *pull) {
	p.open, p.closed, p.updated = false, s.o.Now(), s.o.Now()
}

func (s *Server) setMerged(p *pull, commit, by string) {
	s.close(p)
	p.merged, p.mergeCommit, p.mergedBy = p.closed, commit, by
	if by == "" {
		p.mergedBy = p.author
	}
}

// trial is the outcome of merging two commits.
type trial struct {
	tree string
	ok   bool
}

// try merges two commits, once for each pair.
func (s *Server) try(ctx context.Context, base, head string) (trial, error) {
	key := base + " " + head
	if t, ok := s.trials[key]; ok {
		return t, nil
	}
	tree, ok, err := s.bare.mergeTree(ctx, base, head)
	if err == nil {
		s.trials[key] = trial{tree, ok}
	}
	return trial{tree, ok}, err
}

// mergeable answers MERGEABLE, CONFLICTING or UNKNOWN.
func (s *Server) mergeable(ctx context.Context, p *pull) string {
	if !p.open {
		return "UNKNOWN"
	}
	if pair := p.baseSHA + " " + p.headSHA; s.o.LazyMergeable && p.mergeableSeen != pair {
		p.mergeableSeen = pair
		return "UNKNOWN"
	}
	t, err := s.try(ctx, p.baseSHA, p.headSHA)
	switch {
	case err != nil:
		return "UNKNOWN"
	case t.ok:
		return "MERGEABLE"
	}
	return "CONFLICTING"
}

// changed lists the files of a pull request, against where it branched off.
func (s *Server) changed(ctx context.Context, p *pull) ([]changedFile, error) {
	from, err := s.bare.run(ctx, "merge-base", p.baseSHA, p.headSHA)
	if err != nil {
		return nil, err
	}
	return s.bare.files(ctx, from, p.headSHA)
}

// Approve reviews a pull request in a user's name, for its present head.
func (s *Server) Approve(number int, login string) error {
	return s.Review(number, login, "APPROVE", "")
}

// Review reviews a pull request in a user's name: event is APPROVE,
// REQUEST_CHANGES or COMMENT.
func (s *Server) Review(number int, login, event, body string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh(s.ctx)
	p := s.pulls[number]
	if p == nil {
		return fmt.Errorf("forge server: there is no pull request #%d", number)
	}
	if problem := s.review(p, login, event, body); problem != "" {
		return fmt.Errorf("forge server: pull request #%d: %s", number, problem)
	}
	return nil
}

// review adds a review; problem is what GitHub says against it.
func (s *Server) review(p *pull, login, event, body string) (problem string) {
	state := map[string]string{"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}[event]
	switch {
	case state == "":
		return "Event is not a valid event"
	case p.author == login && state == "APPROVED":
		return "Can not approve your own pull request"
	case p.author == login && state == "CHANGES_REQUESTED":
		return "Can not request changes on your own pull request"
	}
	p.reviews = append(p.reviews, review{id: s.id(), author: login, state: state, body: body, commit: p.headSHA, at: s.o.Now()})
	p.updated = s.o.Now()
	return ""
}

func (s *Server) id() int64 {
	s.nextID++
	return s.nextID
}

// opinions is the latest review of each reviewer that is more than a comment.
func (s *Server) opinions(p *pull, writersOnly bool) []review {
	var list []review
	for _, r := range p.reviews {
		if r.state == "COMMENTED" || writersOnly && !s.users[r.author].may("", Write) {
			continue
		}
		i := slices.IndexFunc(list, func(o review) bool { return o.author == r.author })
		if i >= 0 {
			list[i] = r
		} else {
			list = append(list, r)
		}
	}
	return list
}

// ClosePull closes a pull request without merging it.
func (s *Server) ClosePull(number int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pulls[number]
	if p == nil || !p.open {
		return fmt.Errorf("forge server: there is no open pull request #%d", number)
	}
	s.close(p)
	return nil
}

// Merged is a pull request of the past.
type Merged struct {
	Number     int
	Title      string
	Author     string
	MergedBy   string
	Commit     string   // of the base branch that it became
	ApprovedBy []string // logins
}

// AddMerged tells of a pull request that was merged before the server began:
// its commit is in the base branch already. Numbers go on after the largest.
func (s *Server) AddMerged(m Merged) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	parents, err := s.bare.run(s.ctx, "rev-list", "--parents", "-1", m.Commit)
	if err != nil {
		return fmt.Errorf("forge server: pull request #%d: %w", m.Number, err)
	}
	shas := strings.Fields(parents)
	_, date, _, err := s.bare.details(s.ctx, m.Commit)
	if err != nil {
		return fmt.Errorf("forge server: pull request #%d: %w", m.Number, err)
	}
	var unix int64
	if _, err := fmt.Sscan(date, &unix); err != nil {
		return fmt.Errorf("forge server: the date of %s: %w", m.Commit, err)
	}
	at := time.Unix(unix, 0).UTC()
	p := &pull{
		number: m.Number, title: m.Title, author: m.Author, base: s.o.Branch, head: fmt.Sprintf("change-%d", m.Number),
		headSHA: m.Commit, created: at, updated: at, closed: at, merged: at, mergedBy: m.MergedBy, mergeCommit: m.Commit,
	}
	if len(shas) > 1 {
		p.baseSHA = shas[1]
	} else {
		p.baseSHA = m.Commit
	}
	if len(shas) > 2 { // a merge commit: the second parent is the head
		p.headSHA = shas[2]
	}
	if p.landed, err = s.bare.between(s.ctx, p.baseSHA, m.Commit); err != nil {
		return fmt.Errorf("forge server: pull request #%d: %w", m.Number, err)
	}
	for _, login := range m.ApprovedBy {
		p.reviews = append(p.reviews, review{id: s.id(), author: login, state: "APPROVED", commit: p.headSHA, at: at})
	}
	s.pulls[m.Number] = p
	s.next = max(s.next, m.Number+1)
	return nil
}

// ImportMerged adds the pull requests that the messages of a branch's
// first-parent history name, as AddMerged does. ApprovedBy says who approved;
// nil: nobody.
func (s *Server) ImportMerged(branch string, approvedBy func(number int, author string) []string) error {
	out, err := s.bare.run(s.ctx, "log", "--first-parent", "--reverse", "--format=%H%x00%P%x00%an%x00%cn%x00%B%x01", "refs/heads/"+branch)
	if err != nil {
		return fmt.Errorf("forge server: %w", err)
	}
	for _, entry := range strings.Split(out, "\x01") {
		parts := strings.SplitN(strings.TrimSpace(entry), "\x00", 5)
		if len(parts) < 5 {
			continue
		}
		pr, title := model.PullRequestOf(parts[4])
		if pr == nil {
			continue
		}
		m := Merged{Number: pr.Number, Title: title, Author: parts[2], MergedBy: parts[3], Commit: parts[0]}
		if parents := strings.Fields(parts[1]); len(parents) > 1 { // made by whoever merged
			author, _, _, err := s.bare.details(s.ctx, parents[1])
			if err != nil {
				return fmt.Errorf("forge server: pull request #%d: %w", m.Number, err)
			}
			m.Author = author.name
		}
		if approvedBy != nil {
			m.ApprovedBy = approvedBy(m.Number, m.Author)
		}
		if err := s.AddMerged(m); err != nil {
			return err
		}
	}
	return nil
}
