package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// MergeMethod is how a pull request becomes commits of its base.
type MergeMethod string

// The methods; which of them a repository allows is its setting.
const (
	MergeCommit MergeMethod = "merge"
	MergeSquash MergeMethod = "squash"
	MergeRebase MergeMethod = "rebase"
)

const (
	mergeAttempts = 4
	mergeBackoff  = 500 * time.Millisecond
)

// Merge merges a pull request if its head still is expectedHead, and returns
// the commit that the base branch then stands on.
//
// What keeps it from merging is read again and said: the error matches
// [ErrHeadMoved] or [ErrClosed], both with [model.ExitPlanMoved], or
// [ErrNotMergeable] with [model.ExitRequirements] (conflict, draft, branch
// protection). Only the answer that somebody else was merging into the base at
// that moment is tried again, some seconds long. When the connection breaks,
// the pull request's state decides whether it was merged.
func (g *GitHub) Merge(ctx context.Context, number int, expectedHead string, method MergeMethod) (string, error) {
	what := fmt.Sprintf("merge pull request #%d", number)
	if !commitName.MatchString(expectedHead) {
		return "", g.fail(what, &Problem{Kind: ErrInvalid, Text: "the head that was reviewed must be given by its full hash"})
	}
	body := map[string]string{"sha": expectedHead, "merge_method": string(method)}
	backoff := mergeBackoff
	for attempt := 1; ; attempt++ {
		var merged struct {
			SHA    string `json:"sha"`
			Merged bool   `json:"merged"`
		}
		a, err := g.write(ctx, what, http.MethodPut, fmt.Sprintf("/pulls/%d/merge", number), body, &merged)
		if err == nil && merged.Merged {
			return merged.SHA, nil
		}
		commit, err := g.afterMerge(ctx, what, number, expectedHead, a, err)
		if !errors.Is(err, errBaseModified) || attempt == mergeAttempts {
			return commit, err
		}
		if err := g.wait(ctx, backoff); err != nil {
			return "", fmt.Errorf("%s: cannot %s: %w", g.repo, what, err)
		}
		backoff *= 2
	}
}

// errBaseModified marks the refusal that goes away by itself.
var errBaseModified = errors.New("the base branch was modified")

// afterMerge finds out, after an answer other than success, what is so.
func (g *GitHub) afterMerge(ctx context.Context, what string, number int, expected string, a answer, err error) (string, error) {
	definite := a.status == http.StatusConflict || a.status == http.StatusMethodNotAllowed || a.status == http.StatusUnprocessableEntity
	unknown := err == nil || a.status == 0 || a.status >= 500
	if !definite && !unknown || ctx.Err() != nil {
		return "", err
	}
	if p := problemOf(err); a.status == 0 && (errors.Is(p.Kind, ErrNoToken) || errors.Is(p.Kind, ErrUnauthorized) || errors.Is(p.Kind, ErrInvalid) || errors.Is(p.Kind, ErrRateLimited)) {
		return "", err // it was not sent
	}
	var now restPull
	if _, readErr := g.get(ctx, what, fmt.Sprintf("/pulls/%d", number), nil, &now); readErr != nil {
		if definite {
			return "", err
		}
		return "", g.fail(what, &Problem{Kind: ErrUnavailable, Status: a.status, cause: errors.Join(err, readErr),
			Text: "the connection broke, and whether it was merged cannot be read; look at " + g.repo.URL() + fmt.Sprintf("/pull/%d", number)})
	}
	switch {
	case now.Merged && unknown && now.Head.SHA == expected:
		return now.MergeCommitSHA, nil
	case now.Merged:
		return "", g.failAs(model.ExitPlanMoved, what, &Problem{Kind: ErrClosed, Status: a.status, Text: fmt.Sprintf("it is merged already, by %s as %s", g.clean(now.MergedBy.login()), model.Short(now.MergeCommitSHA))})
	case now.State != "open":
		return "", g.failAs(model.ExitPlanMoved, what, &Problem{Kind: ErrClosed, Status: a.status, Text: "it was closed without being merged"})
	case now.Head.SHA != expected:
		return "", g.failAs(model.ExitPlanMoved, what, &Problem{Kind: ErrHeadMoved, Status: a.status, Text: fmt.Sprintf("%s was reviewed, but it stands at %s now; review what was pushed since", model.Short(expected), model.Short(now.Head.SHA))})
	case unknown:
		return "", g.fail(what, &Problem{Kind: ErrUnavailable, Status: a.status, cause: err, Text: "the forge did not answer properly, and it is not merged; try again"})
	}
	return "", g.notMergeable(what, now, a)
}

func (g *GitHub) notMergeable(what string, now restPull, a answer) error {
	message := parseComplaint(a.body).text()
	p := &Problem{Kind: ErrNotMergeable, Status: a.status}
	switch {
	case strings.Contains(message, "Base branch was modified"):
		p.cause = errBaseModified
		p.Text = fmt.Sprintf("others kept merging into %s at the same time; try again", g.clean(now.Base.Ref))
	case now.Draft:
		p.Text = "it is a draft; mark it as ready for review first"
	case now.Mergeable != nil && !*now.Mergeable:
		p.Text = fmt.Sprintf("it conflicts with %s; resolve that on the branch %s", g.clean(now.Base.Ref), g.clean(now.Head.Ref))
	default:
		p.Text = "the forge refused: " + g.clean(message)
	}
	return g.failAs(model.ExitRequirements, what, p)
}
