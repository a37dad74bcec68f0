package model

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Commit names a commit and what a person needs to recognise it.
type Commit struct {
	Hash      string    `json:"commit"`
	Title     string    `json:"title"`
	Author    string    `json:"author"`
	Committed time.Time `json:"committedAt"`
}

// Change is one first-parent commit of an environment's branch that alters
// what the environment's render reads.
type Change struct {
	Commit        string          `json:"commit"`
	Title         string          `json:"title"`
	Body          string          `json:"body,omitempty"`
	Author        string          `json:"author"`
	AuthorEmail   string          `json:"authorEmail,omitempty"`
	MergedAt      time.Time       `json:"mergedAt"`
	Committer     string          `json:"committer,omitempty"` // "NAME <EMAIL>", when it is not the author
	CoAuthors     []string        `json:"coAuthors,omitempty"` // "NAME <EMAIL>", as the trailers have them
	Signature     Signature       `json:"signature"`
	PullRequest   *PullRequest    `json:"pullRequest,omitempty"`
	RendersChange bool            `json:"rendersChange"`
	Problem       string          `json:"problem,omitempty"` // why its render could not be judged
	Files         []string        `json:"files,omitempty"`   // inputs it touched, sorted
	Objects       []ChangedObject `json:"objects,omitempty"` // how its render differs from its parent's
}

// SignatureState says what a commit's signature is worth.
type SignatureState string

// The states of a signature.
const (
	SignatureVerified   SignatureState = "verified"   // made by one of the environment's signers
	SignatureUnverified SignatureState = "unverified" // there is one, which proves nothing here; Reason says why
	SignatureUnsigned   SignatureState = "unsigned"
)

// Signature is what is known of a commit's signature.
type Signature struct {
	State  SignatureState `json:"state"`
	Kind   string         `json:"kind,omitempty"`   // gpg, ssh or x509
	Signer string         `json:"signer,omitempty"` // of a verified one
	Key    string         `json:"key,omitempty"`    // fingerprint or key ID, where it is known
	Reason string         `json:"reason,omitempty"` // why it is unverified
}

// ChangedObject is one object whose render a change creates, updates or removes.
type ChangedObject struct {
	ID      ObjectID `json:"id"`
	Verdict Verdict  `json:"verdict"`           // create, update or delete, by comparing the two renders
	Summary string   `json:"summary,omitempty"` // "image 1.4.1 → 1.4.2", empty when there is no short way to say it
	// Risk is what the renders alone show to be risky about it, in words:
	// "restarts its pods". The plan says more. Empty: nothing.
	Risk string `json:"risk,omitempty"`
}

// Pending is the answer to "what is merged but not live".
type Pending struct {
	Deployed string   // commit the list starts after; empty: never deployed
	Head     Commit   // head of the environment's branch
	Changes  []Change // newest first
	// Adopt is set when the environment was never deployed: everything is
	// pending, and Changes has no rows.
	Adopt bool
	// Diverged says in words that Deployed is not on the first-parent line of
	// the branch, and from where the list was made instead.
	Diverged string
	// Incomplete is set when changes are missing from the list: the clone ends
	// before Deployed, or there are too many. Diverged says which.
	Incomplete bool
	// Outlined is set when it was not looked at how the changes alter objects:
	// they have none, and RendersChange is not known.
	Outlined bool
}

// PendingAsk asks what is pending in one environment.
type PendingAsk struct {
	Environment Environment
	Deployed    string // a commit; empty: never deployed
	Head        string // a revision; empty: the head of the environment's branch
}

// PendingAnswer is the answer to one PendingAsk: the list, or why there is none.
type PendingAnswer struct {
	Pending Pending
	Err     error
}

var (
	squashTitle = regexp.MustCompile(`\(#([0-9]{1,9})\)\s*$`)
	mergeTitle  = regexp.MustCompile(`^Merge pull request #([0-9]{1,9}) from `)
)

// PullRequestOf reads the pull request's number and title out of a commit
// message as GitHub writes it: "Title (#42)" for a squash, and for a merge
// commit "Merge pull request #42 from …" with the title as the body's first
// line. It returns nil, and the message's first line, when there is none.
func PullRequestOf(message string) (pr *PullRequest, title string) {
	head, body, _ := strings.Cut(strings.TrimSpace(message), "\n")
	head = strings.TrimSpace(head)
	if m := mergeTitle.FindStringSubmatch(head); m != nil {
		n, _ := strconv.Atoi(m[1])
		title, _, _ = strings.Cut(strings.TrimSpace(body), "\n")
		if title = strings.TrimSpace(title); title == "" {
			title = head
		}
		return &PullRequest{Number: n, Title: title}, title
	}
	if m := squashTitle.FindStringSubmatchIndex(head); m != nil {
		n, _ := strconv.Atoi(head[m[2]:m[3]])
		title = strings.TrimSpace(head[:m[0]])
		if title == "" {
			title = head
		}
		return &PullRequest{Number: n, Title: title}, title
	}
	return nil, head
}

// Short is the seven-digit form of a commit hash; shorter input is returned as it is.
func Short(commit string) string {
	if len(commit) > 7 {
		return commit[:7]
	}
	return commit
}
