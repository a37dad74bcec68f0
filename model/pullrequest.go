package model

import (
	"slices"
	"time"
)

// PullRequest is the pull request a change came from, or one that proposes a
// change. Without a forge only the number and the title are known, from the
// commit's message.
type PullRequest struct {
	Number int    `json:"number"`
	URL    string `json:"url,omitempty"`
	Title  string `json:"title,omitempty"`
	Author string `json:"author,omitempty"`
	// Approvals are the logins whose approval counts: given by somebody who
	// may write to the repository, not by the author, not withdrawn since, and
	// for the commit that is (or was, when merged) the head. Sorted. An
	// approval that a later push has overtaken is in Reviews only.
	Approvals []string `json:"approvals,omitempty"`
	// Checks sums up the checks of the head; empty: nobody asked.
	Checks CheckState `json:"checks,omitempty"`
	// ChecksNote says why Checks is unknown, or CheckRuns is not complete.
	ChecksNote string `json:"checksNote,omitempty"`

	Body  string           `json:"body,omitempty"`
	State PullRequestState `json:"state,omitempty"`
	Draft bool             `json:"draft,omitempty"`
	Base  string           `json:"base,omitempty"`   // branch it would change
	Head  string           `json:"head,omitempty"`   // commit it proposes
	Ref   string           `json:"branch,omitempty"` // branch it comes from; "owner:branch" from a fork
	// Mergeable says whether the forge can merge it without a conflict.
	Mergeable Mergeable `json:"mergeable,omitempty"`
	Reviews   []Review  `json:"reviews,omitempty"` // the latest opinion of each reviewer, by login
	CheckRuns []Check   `json:"checkRuns,omitempty"`
	// Files are the paths it touches, sorted; of a renamed file both.
	Files []string `json:"files,omitempty"`
	// FilesCut is set when the forge lists fewer files than it counts: what
	// is not in Files may be touched all the same.
	FilesCut bool `json:"filesCut,omitempty"`

	CreatedAt   time.Time `json:"createdAt,omitzero"`
	UpdatedAt   time.Time `json:"updatedAt,omitzero"`
	MergedAt    time.Time `json:"mergedAt,omitzero"`
	MergedBy    string    `json:"mergedBy,omitempty"`
	MergeCommit string    `json:"mergeCommit,omitempty"` // commit of the base branch that it became
}

// PullRequestState says whether a pull request is still a proposal.
type PullRequestState string

// The states of a pull request.
const (
	PullRequestOpen   PullRequestState = "open"
	PullRequestClosed PullRequestState = "closed" // without being merged
	PullRequestMerged PullRequestState = "merged"
)

// CheckState is the state of a check, or of all checks of a commit together.
type CheckState string

// The states of checks. Of a sum, success means that none failed and none is
// pending; failure wins over pending.
const (
	CheckSuccess CheckState = "success"
	CheckFailure CheckState = "failure"
	CheckPending CheckState = "pending"
	CheckSkipped CheckState = "skipped" // of one check: it had nothing to say
	CheckNone    CheckState = "none"    // of a sum: no check reported on the commit
	CheckUnknown CheckState = "unknown" // could not be read
)

// Check is one check of a commit.
type Check struct {
	Name        string     `json:"name"`
	State       CheckState `json:"state"`
	Description string     `json:"description,omitempty"`
	URL         string     `json:"url,omitempty"`
}

// Mergeable says whether a pull request can be merged without a conflict.
type Mergeable string

// The answers. Unknown passes: the forge works it out after a push, and knows
// when asked again some seconds later.
const (
	MergeableYes      Mergeable = "yes"
	MergeableConflict Mergeable = "conflict"
	MergeableUnknown  Mergeable = "unknown"
)

// Review is the latest opinion of one reviewer who may write to the repository.
type Review struct {
	Author string      `json:"author"`
	State  ReviewState `json:"state"`
	// Commit is what the reviewer had before their eyes; empty when it is
	// gone, as after a forced push.
	Commit string    `json:"commit,omitempty"`
	At     time.Time `json:"at,omitzero"`
	// Stale is set when Commit is not the head: approved, then pushed.
	Stale bool `json:"stale,omitempty"`
}

// ReviewState is what a reviewer said.
type ReviewState string

// The opinions. A comment without a verdict is none.
const (
	ReviewApproved  ReviewState = "approved"
	ReviewChanges   ReviewState = "changes requested"
	ReviewDismissed ReviewState = "dismissed"
)

// Review records an opinion and keeps Approvals and the order in step. Head
// and Author must be set before.
func (p *PullRequest) Review(r Review) {
	r.Stale = r.Commit == "" || r.Commit != p.Head
	i, _ := slices.BinarySearchFunc(p.Reviews, r.Author, func(r Review, login string) int {
		if r.Author <= login {
			return -1
		}
		return 1
	})
	p.Reviews = slices.Insert(p.Reviews, i, r)
	if r.State != ReviewApproved || r.Stale || r.Author == p.Author || slices.Contains(p.Approvals, r.Author) {
		return
	}
	p.Approvals = append(p.Approvals, r.Author)
	slices.Sort(p.Approvals)
}

// StaleApprovals are the logins that approved a commit other than the head.
func (p *PullRequest) StaleApprovals() []string {
	return p.reviewers(func(r Review) bool { return r.State == ReviewApproved && r.Stale })
}

// Objections are the logins that ask for changes, whichever commit they saw.
func (p *PullRequest) Objections() []string {
	return p.reviewers(func(r Review) bool { return r.State == ReviewChanges })
}

func (p *PullRequest) reviewers(which func(Review) bool) []string {
	var logins []string
	for _, r := range p.Reviews {
		if which(r) {
			logins = append(logins, r.Author)
		}
	}
	return logins
}
