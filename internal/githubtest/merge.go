package githubtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Protection is what a branch asks of a pull request before it is merged.
type Protection struct {
	Approvals int      // of people who may write
	Checks    []string // names that must have succeeded on the head
}

// Protect protects a branch; the zero Protection lifts it.
func (s *Server) Protect(branch string, p Protection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.protect[branch] = p
}

// Merge merges a pull request in a user's name, as its page would.
func (s *Server) Merge(number int, login, method string) (commit string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh(s.ctx)
	p, u := s.pulls[number], s.users[login]
	if p == nil || u == nil {
		return "", fmt.Errorf("forge server: there is no pull request #%d or no user %s", number, login)
	}
	if refused := s.merge(s.ctx, p, u, mergeRequest{Method: method}); refused.status != 0 {
		return "", fmt.Errorf("forge server: pull request #%d: %v", number, refused.body)
	}
	return p.mergeCommit, nil
}

// mergeRequest is the body of a merge.
type mergeRequest struct {
	SHA     string `json:"sha"`
	Method  string `json:"merge_method"`
	Title   string `json:"commit_title"`
	Message string `json:"commit_message"`
}

// merge merges; the reply's status is 0 when it is done, else the refusal.
func (s *Server) merge(ctx context.Context, p *pull, u *User, m mergeRequest) reply {
	if m.Method == "" {
		m.Method = "merge"
	}
	if refused := s.mayMerge(p, m); refused.status != 0 {
		return refused
	}
	t, err := s.try(ctx, p.baseSHA, p.headSHA)
	if err != nil {
		return internal(err)
	}
	if !t.ok {
		return refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	commit, ok, err := s.mergeCommit(ctx, p, u, m, t.tree)
	if err != nil {
		return internal(err)
	}
	if !ok {
		return refuse(http.StatusMethodNotAllowed, "This branch can't be rebased")
	}
	if _, err := s.bare.run(ctx, "update-ref", "refs/heads/"+p.base, commit, p.baseSHA); err != nil {
		return refuse(http.StatusMethodNotAllowed, "Base branch was modified. Review and try the merge again.")
	}
	if p.landed, err = s.bare.between(ctx, p.baseSHA, commit); err != nil {
		return internal(err)
	}
	s.setMerged(p, commit, u.Login)
	return reply{}
}

// mayMerge checks everything that needs no Git.
func (s *Server) mayMerge(p *pull, m mergeRequest) reply {
	notAllowed := func(message string) reply { return refuse(http.StatusMethodNotAllowed, message) }
	switch {
	case !p.open:
		return notAllowed("Pull Request is not mergeable")
	case m.SHA != "" && m.SHA != p.headSHA:
		return refuse(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	case !slices.Contains([]string{"merge", "squash", "rebase"}, m.Method):
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n"+m.Method+" is not a member of [\"merge\", \"squash\", \"rebase\"].")
	case !slices.Contains(s.o.Methods, m.Method):
		name := map[string]string{"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}[m.Method]
		return notAllowed(name + " are not allowed on this repository.")
	case p.draft:
		return notAllowed("Pull Request is still a draft")
	}
	rule, approvals := s.protect[p.base], 0
	for _, r := range s.opinions(p, true) {
		if r.state == "CHANGES_REQUESTED" && rule.Approvals > 0 {
			return notAllowed("Changes have been requested by a reviewer with write access.")
		}
		if r.state == "APPROVED" {
			approvals++
		}
	}
	if approvals < rule.Approvals {
		return notAllowed(fmt.Sprintf("At least %d approving review is required by reviewers with write access.", rule.Approvals))
	}
	for _, name := range rule.Checks {
		i := slices.IndexFunc(s.latestChecks(p.headSHA), func(c *check) bool { return c.name == name })
		if i < 0 {
			return notAllowed(fmt.Sprintf("Required status check %q is expected.", name))
		}
		if c := s.latestChecks(p.headSHA)[i]; c.state != "success" {
			return notAllowed(fmt.Sprintf("Required status check %q is %s.", name, map[bool]string{true: "pending", false: "failing"}[c.state == "pending"]))
		}
	}
	return reply{}
}

// mergeCommit makes the commits of a merge with the messages GitHub writes;
// ok is false when a rebase conflicts.
func (s *Server) mergeCommit(ctx context.Context, p *pull, u *User, m mergeRequest, tree string) (commit string, ok bool, err error) {
	message := func(title, body string) string {
		if m.Title != "" {
			title = m.Title
		}
		if m.Message != "" {
			body = m.Message
		}
		return strings.TrimSpace(title + "\n\n" + body)
	}
	commits, err := s.bare.between(ctx, p.baseSHA, p.headSHA)
	if err != nil {
		return "", false, err
	}
	switch m.Method {
	case "squash":
		author, body := u.person(), ""
		for _, c := range commits {
			by, _, text, err := s.bare.details(ctx, c)
			if err != nil {
				return "", false, err
			}
			author = by
			if len(commits) == 1 {
				_, body, _ = strings.Cut(text, "\n")
			} else {
				body += "* " + text + "\n\n"
			}
		}
		text := message(fmt.Sprintf("%s (#%d)", p.title, p.number), strings.TrimSpace(body))
		commit, err = s.bare.commit(ctx, tree, text, author, webFlow, "", p.baseSHA)
	case "rebase":
		commit = p.baseSHA
		for _, c := range commits {
			if commit, ok, err = s.bare.replay(ctx, commit, c); err != nil || !ok {
				return "", false, err
			}
		}
	default:
		text := message(fmt.Sprintf("Merge pull request #%d from %s/%s", p.number, s.o.Owner, p.head), p.title)
		commit, err = s.bare.commit(ctx, tree, text, u.person(), webFlow, "", p.baseSHA, p.headSHA)
	}
	return commit, err == nil, err
}
