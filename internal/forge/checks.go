package forge

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// addChecks reads the single checks of the pull requests' heads. That they
// cannot be read is a note and no error: the sum of them is known already.
func (g *GitHub) addChecks(ctx context.Context, list []model.PullRequest) error {
	if len(list) == 0 {
		return nil
	}
	var data struct{ Repository map[string]*pull }
	vars := map[string]any{}
	for i, p := range list {
		vars[fmt.Sprintf("n%d", i)] = p.Number
	}
	errs, err := g.query(ctx, "read the checks", checksDocument(len(list)), vars, 1, &data)
	if ctx.Err() != nil {
		return err
	}
	for i := range list {
		p, alias := &list[i], fmt.Sprintf("p%d", i)
		note := g.denied(errs, "repository", alias)
		if err != nil {
			note = "the single checks could not be read: " + problemOf(err).Text
		}
		if pull := data.Repository[alias]; pull != nil {
			for _, n := range pull.Commits.Nodes {
				if n == nil || n.Commit.OID != p.Head || n.Commit.Rollup == nil || n.Commit.Rollup.Contexts == nil {
					continue
				}
				runs, complete := n.Commit.Rollup.Contexts.checks()
				p.CheckRuns = runs
				if !complete && note == "" {
					note = fmt.Sprintf("%d of %d checks are listed", len(runs), n.Commit.Rollup.Contexts.TotalCount)
				}
			}
		}
		if p.ChecksNote == "" {
			p.ChecksNote = note
		}
	}
	return nil
}

// addStatuses lists the commit statuses by REST, which a token that may not
// read check runs can often read. A failed one is a failure; but that none
// failed says nothing about the check runs.
func (g *GitHub) addStatuses(ctx context.Context, p *model.PullRequest) {
	var combined struct {
		Statuses []struct {
			Context     string `json:"context"`
			State       string `json:"state"`
			Description string `json:"description"`
			TargetURL   string `json:"target_url"`
		} `json:"statuses"`
	}
	if _, err := g.get(ctx, "read the commit statuses", "/commits/"+p.Head+"/status", nil, &combined); err != nil {
		return // the note says already that checks are not readable
	}
	for _, s := range combined.Statuses {
		c := model.Check{Name: s.Context, State: statusState(s.State), Description: s.Description, URL: s.TargetURL}
		p.CheckRuns = append(p.CheckRuns, c)
		if c.State == model.CheckFailure && p.Checks == model.CheckUnknown {
			p.Checks = model.CheckFailure
		}
	}
}

// CommitState is the state of a commit status.
type CommitState string

// The states GitHub knows.
const (
	StatusPending CommitState = "pending"
	StatusSuccess CommitState = "success"
	StatusFailure CommitState = "failure"
	StatusError   CommitState = "error"
)

// maxDescription is GitHub's limit for a status's description, in characters.
const maxDescription = 140

// Status is a commit status to be set.
type Status struct {
	Context     string // which status; a later one of the same name replaces it
	State       CommitState
	Description string // cut to 140 characters
	URL         string // details; may be empty
}

// SetStatus sets a status of a commit.
func (g *GitHub) SetStatus(ctx context.Context, commit string, s Status) error {
	what := fmt.Sprintf("set the status %s of %s", s.Context, model.Short(commit))
	if !commitName.MatchString(commit) {
		return g.fail(what, &Problem{Kind: ErrInvalid, Text: fmt.Sprintf("%q is not a commit's full hash", commit)})
	}
	body := map[string]string{"state": string(s.State), "context": s.Context}
	if d := []rune(strings.TrimSpace(s.Description)); len(d) > maxDescription {
		body["description"] = string(d[:maxDescription-1]) + "…"
	} else if len(d) > 0 {
		body["description"] = string(d)
	}
	if s.URL != "" {
		body["target_url"] = s.URL
	}
	_, err := g.write(ctx, what, http.MethodPost, "/statuses/"+commit, body, nil)
	return err
}
