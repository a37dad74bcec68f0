package forge

import (
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

type actor struct {
	Login string `json:"login"`
}

// login is the name of somebody, "ghost" when the account is gone, as on
// GitHub's pages.
func (a *actor) login() string {
	if a == nil || a.Login == "" {
		return "ghost"
	}
	return a.Login
}

type object struct {
	OID string `json:"oid"`
}

// pull is a pull request as GraphQL gives it.
type pull struct {
	Number              int
	URL, Title, State   string
	IsDraft             bool
	Author              *actor
	BaseRefName         string
	HeadRefName         string
	HeadRefOid          string
	IsCrossRepository   bool
	HeadRepositoryOwner *actor
	CreatedAt           time.Time
	UpdatedAt           time.Time
	MergedAt            *time.Time
	MergedBy            *actor
	MergeCommit         *object
	Reviews             *struct {
		Nodes []*struct {
			State       string
			SubmittedAt *time.Time
			Author      *actor
			Commit      *object
		}
	} `json:"latestOpinionatedReviews"`
	Commits struct {
		Nodes []*struct {
			Commit struct {
				object
				Rollup *struct {
					State    string
					Contexts *contexts
				} `json:"statusCheckRollup"`
			}
		}
	}

	Body         string
	Mergeable    string
	ChangedFiles int
	Files        *struct {
		PageInfo struct{ HasNextPage bool }
		Nodes    []*struct{ Path, ChangeType string }
	}
}

type contexts struct {
	TotalCount int
	Nodes      []*struct {
		Typename string `json:"__typename"`
		// of a check run
		Name, Status, Conclusion, Title, DetailsURL string
		// of a commit status
		Context, State, Description, TargetURL string
	}
}

// model turns it into ours. Denied is why the sum of the checks could not be
// read; empty: it could.
func (p *pull) model(denied string) model.PullRequest {
	m := model.PullRequest{
		Number: p.Number, URL: p.URL, Title: p.Title, Author: p.Author.login(), Body: p.Body,
		State: model.PullRequestState(strings.ToLower(p.State)), Draft: p.IsDraft,
		Base: p.BaseRefName, Head: p.HeadRefOid, Ref: p.HeadRefName,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	if p.IsCrossRepository {
		m.Ref = p.HeadRepositoryOwner.login() + ":" + p.HeadRefName
	}
	if p.MergedAt != nil {
		m.MergedAt, m.MergedBy = *p.MergedAt, p.MergedBy.login()
	}
	if p.MergeCommit != nil && m.State == model.PullRequestMerged {
		m.MergeCommit = p.MergeCommit.OID // of an open one it is only a trial
	}
	p.addReviews(&m)
	p.sumChecks(&m, denied)
	switch p.Mergeable {
	case "MERGEABLE":
		m.Mergeable = model.MergeableYes
	case "CONFLICTING":
		m.Mergeable = model.MergeableConflict
	case "UNKNOWN":
		m.Mergeable = model.MergeableUnknown
	}
	return m
}

func (p *pull) addReviews(m *model.PullRequest) {
	if p.Reviews == nil {
		return
	}
	states := map[string]model.ReviewState{
		"APPROVED": model.ReviewApproved, "CHANGES_REQUESTED": model.ReviewChanges, "DISMISSED": model.ReviewDismissed,
	}
	for _, n := range p.Reviews.Nodes {
		if n == nil || states[n.State] == "" {
			continue
		}
		r := model.Review{Author: n.Author.login(), State: states[n.State]}
		if n.Commit != nil {
			r.Commit = n.Commit.OID
		}
		if n.SubmittedAt != nil {
			r.At = *n.SubmittedAt
		}
		m.Review(r)
	}
}

func (p *pull) sumChecks(m *model.PullRequest, denied string) {
	if denied != "" {
		m.Checks, m.ChecksNote = model.CheckUnknown, denied
		return
	}
	m.Checks = model.CheckUnknown
	for _, n := range p.Commits.Nodes {
		switch {
		case n == nil || n.Commit.OID != p.HeadRefOid:
			m.ChecksNote = "the head was moving while it was read"
		case n.Commit.Rollup == nil:
			m.Checks = model.CheckNone
		default:
			m.Checks = statusState(n.Commit.Rollup.State)
		}
	}
}

// statusState reads a StatusState of GraphQL or a commit status's state.
func statusState(s string) model.CheckState {
	switch strings.ToUpper(s) {
	case "SUCCESS":
		return model.CheckSuccess
	case "FAILURE", "ERROR":
		return model.CheckFailure
	case "PENDING", "EXPECTED":
		return model.CheckPending
	}
	return model.CheckUnknown
}

// runState reads a check run: it is pending until it is completed. What needs
// a person, or never came to an end, has not passed.
func runState(status, conclusion string) model.CheckState {
	if status != "COMPLETED" {
		return model.CheckPending
	}
	switch conclusion {
	case "SUCCESS":
		return model.CheckSuccess
	case "NEUTRAL", "SKIPPED":
		return model.CheckSkipped
	case "FAILURE", "CANCELLED", "TIMED_OUT", "ACTION_REQUIRED", "STARTUP_FAILURE", "STALE":
		return model.CheckFailure
	}
	return model.CheckUnknown
}

// checks lists the single checks; complete is false when some are missing.
func (c *contexts) checks() (list []model.Check, complete bool) {
	for _, n := range c.Nodes {
		switch {
		case n == nil:
		case n.Typename == "CheckRun":
			list = append(list, model.Check{Name: n.Name, State: runState(n.Status, n.Conclusion), Description: n.Title, URL: n.DetailsURL})
		case n.Typename == "StatusContext":
			list = append(list, model.Check{Name: n.Context, State: statusState(n.State), Description: n.Description, URL: n.TargetURL})
		}
	}
	return list, len(list) >= c.TotalCount
}

// restPull is a pull request as REST gives it.
type restPull struct {
	Number         int        `json:"number"`
	HTMLURL        string     `json:"html_url"`
	Title          string     `json:"title"`
	Body           string     `json:"body"`
	State          string     `json:"state"` // open, closed
	Draft          bool       `json:"draft"`
	Merged         bool       `json:"merged"`
	Mergeable      *bool      `json:"mergeable"` // null while it is worked out
	MergeCommitSHA string     `json:"merge_commit_sha"`
	User           *actor     `json:"user"`
	MergedBy       *actor     `json:"merged_by"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
	MergedAt       *time.Time `json:"merged_at"`
	Head, Base     struct {
		Ref  string `json:"ref"`
		SHA  string `json:"sha"`
		User *actor `json:"user"`
	}
}

func (p *restPull) model() model.PullRequest {
	m := model.PullRequest{
		Number: p.Number, URL: p.HTMLURL, Title: p.Title, Author: p.User.login(), Body: p.Body,
		State: model.PullRequestState(p.State), Draft: p.Draft, Base: p.Base.Ref, Head: p.Head.SHA, Ref: p.Head.Ref,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, Mergeable: model.MergeableUnknown,
	}
	if p.Head.User.login() != p.Base.User.login() {
		m.Ref = p.Head.User.login() + ":" + p.Head.Ref
	}
	if p.Merged {
		m.State, m.MergeCommit, m.MergedBy = model.PullRequestMerged, p.MergeCommitSHA, p.MergedBy.login()
	}
	if p.MergedAt != nil {
		m.MergedAt = *p.MergedAt
	}
	if p.Mergeable != nil {
		m.Mergeable = model.MergeableConflict
		if *p.Mergeable {
			m.Mergeable = model.MergeableYes
		}
	}
	return m
}
