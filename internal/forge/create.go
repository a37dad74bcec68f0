package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// NewPullRequest is a pull request to be opened.
type NewPullRequest struct {
	Title string
	Body  string // Markdown
	Head  string // branch that was pushed; "owner:branch" from a fork
	Base  string // branch it would change
	Draft bool
}

// ExistsError says that the branch has an open pull request into the same
// base already. It matches ErrExists.
type ExistsError struct {
	PullRequest model.PullRequest
	problem     *Problem
}

func (e *ExistsError) Error() string { return e.problem.Text }

// Unwrap gives the Problem.
func (e *ExistsError) Unwrap() error { return e.problem }

// Create opens a pull request. When there is one already for the same branches
// the error is an [ExistsError] with it. When the connection breaks, the
// forge is asked whether it was opened.
func (g *GitHub) Create(ctx context.Context, n NewPullRequest) (model.PullRequest, error) {
	what := fmt.Sprintf("open a pull request from %s into %s", g.clean(n.Head), g.clean(n.Base))
	body := map[string]any{"title": n.Title, "body": n.Body, "head": n.Head, "base": n.Base, "draft": n.Draft}
	var made restPull
	a, err := g.write(ctx, what, http.MethodPost, "/pulls", body, &made)
	if err == nil {
		return made.model(), nil
	}
	lost := errors.Is(err, ErrUnavailable) && ctx.Err() == nil
	if a.status != http.StatusUnprocessableEntity && !lost {
		return model.PullRequest{}, err
	}
	text := parseComplaint(a.body).text()
	if !lost && !strings.Contains(text, "already exists") {
		return model.PullRequest{}, g.fail(what, g.invalidBranch(n, a, text))
	}
	there, found, findErr := g.find(ctx, n)
	switch {
	case findErr != nil && lost:
		return model.PullRequest{}, g.fail(what, &Problem{Kind: ErrUnavailable, Status: a.status, cause: errors.Join(err, findErr),
			Text: "the connection broke, and whether it was opened cannot be read; look at " + g.repo.URL() + "/pulls"})
	case findErr != nil || !found:
		return model.PullRequest{}, err
	case lost && there.Title == n.Title:
		return there, nil
	}
	p := &Problem{Kind: ErrExists, Status: a.status, Text: fmt.Sprintf("#%d does that already: %s", there.Number, g.clean(there.URL))}
	return model.PullRequest{}, model.Errorf(model.ExitUnreachable, "%s: cannot %s: %w", g.repo, what, &ExistsError{PullRequest: there, problem: p})
}

// invalidBranch says which of the branches is the trouble, where GitHub's own
// words ("Validation Failed: PullRequest head invalid") leave that to guess.
func (g *GitHub) invalidBranch(n NewPullRequest, a answer, text string) *Problem {
	p := &Problem{Kind: ErrInvalid, Status: a.status}
	switch {
	case strings.Contains(text, "head invalid"):
		p.Text = fmt.Sprintf("the branch %s is not on the forge; push it first", g.clean(n.Head))
	case strings.Contains(text, "base invalid"):
		p.Text = fmt.Sprintf("there is no branch %s to merge it into", g.clean(n.Base))
	case strings.Contains(text, "No commits between"):
		p.Text = fmt.Sprintf("%s has no commit that %s lacks; there is nothing to propose", g.clean(n.Head), g.clean(n.Base))
	default:
		return g.problem(a)
	}
	return p
}

// find looks for the open pull request of a branch.
func (g *GitHub) find(ctx context.Context, n NewPullRequest) (model.PullRequest, bool, error) {
	head := n.Head
	if !strings.Contains(head, ":") {
		head = g.repo.Owner + ":" + head
	}
	var list []restPull
	query := url.Values{"state": {"open"}, "head": {head}, "base": {n.Base}}
	if _, err := g.get(ctx, "find the pull request of "+g.clean(n.Head), "/pulls", query, &list); err != nil || len(list) == 0 {
		return model.PullRequest{}, false, err
	}
	return list[0].model(), true, nil
}
