package model

// Patch is a change of the repository's tree that has not been committed: what
// a revert, a way back or an upgrade would do on top of a commit.
type Patch struct {
	Onto  string // the commit it changes
	Tree  string // the tree it results in; empty when there are conflicts
	Files []FileChange
	// Conflicts are the files that cannot be merged. A patch that has any is
	// for reading only.
	Conflicts []Conflict
}

// FileChange is one file before and after.
type FileChange struct {
	Path    string `json:"path"`
	Added   bool   `json:"added,omitempty"`
	Removed bool   `json:"removed,omitempty"`
	Diff    string `json:"diff,omitempty"` // unified; empty for a binary file, and when Note says why
	Note    string `json:"note,omitempty"` // why there is no diff of a text
}

// Conflict is a file that a revert cannot merge, and why.
type Conflict struct {
	Path   string `json:"path"`
	Reason string `json:"reason"` // "changed since by 1a2b3c4 gateway: timeout"
}

// Draft is a commit that exists in fairtide's own repository only: it can be
// rendered and planned, and becomes a pull request when it is published.
type Draft struct {
	Kind    DraftKind       `json:"kind"`
	Commit  string          `json:"commit"`
	Onto    string          `json:"onto"`
	Branch  string          `json:"branch"` // the one it would be pushed to
	Title   string          `json:"title"`
	Body    string          `json:"body,omitempty"`
	Files   []FileChange    `json:"files"`
	Objects []ChangedObject `json:"objects,omitempty"` // how the environment's render changes
}

// DraftRequest asks for a draft of one kind.
type DraftRequest struct {
	Environment string
	Kind        DraftKind
	Commit      string     // the change to revert, or the commit to go back to
	Image, Tag  string     // with DraftBump
	Fields      []FieldRef // with DraftAdopt: whose live values Git is to have
}

// LiveField is a field whose live value Git is to have, with the live object it
// is read from as a plan shows it: normalised and masked.
type LiveField struct {
	Field FieldRef
	Live  map[string]any
}

// DraftKind says what a draft is for.
type DraftKind string

// The kinds of draft.
const (
	DraftRevert DraftKind = "revert"  // the inverse of one change
	DraftBackTo DraftKind = "back-to" // the environment's inputs as they were at a commit
	DraftBump   DraftKind = "bump"    // another image version
	DraftAdopt  DraftKind = "adopt"   // live values of fields, written to Git
)

// Proposed is an open pull request that touches an environment.
type Proposed struct {
	PullRequest
	// Objects are those whose render it changes, by comparing the render of
	// its head merged with the base to the base's.
	Objects []ChangedObject `json:"objects,omitempty"`
	Problem string          `json:"problem,omitempty"` // why it could not be rendered
	// Unmet are the requirements of the environment that it does not meet,
	// each with what would satisfy it. Empty: it may be merged, as far as they go.
	Unmet []string `json:"unmet,omitempty"`
	// Validation sums up the last sandbox validation of its head; nil: none.
	Validation *Check `json:"validation,omitempty"`
}

// ImageUse is one image of an environment and what could replace it.
type ImageUse struct {
	Image   string     `json:"image"`             // without tag and digest
	Tag     string     `json:"tag,omitempty"`     // in use
	Digest  string     `json:"digest,omitempty"`  // in use
	Newest  string     `json:"newest,omitempty"`  // newest tag the policy allows; empty: none newer
	Objects []ObjectID `json:"objects"`           // that run it
	Problem string     `json:"problem,omitempty"` // why the registry could not be asked
}

// ImagePolicy says which versions of the images that match are offered.
type ImagePolicy struct {
	Image string // a pattern in which * stands for any characters
	Range string // semver range; empty: any newer release
}

// Sandbox says where changes are validated before they are approved.
type Sandbox struct {
	Context   string // kubeconfig context; empty: the environment's own
	Namespace string // prefix of the namespaces made for it; empty: "fairtide-sandbox"
}

// DefaultSandboxNamespace is the prefix of sandbox namespaces that set none.
const DefaultSandboxNamespace = "fairtide-sandbox"

// Notify says who is told of runs. Values of secrets are references, such as
// ${env:SLACK_BOT_TOKEN}, never the secrets themselves.
type Notify struct {
	Slack    *SlackNotify
	Webhooks []WebhookNotify
}

// SlackNotify posts one message per run to a channel.
type SlackNotify struct {
	Channel string
	Token   string // a reference; default ${env:SLACK_BOT_TOKEN}
	APIURL  string // empty: Slack's own
}

// WebhookNotify posts each event of a run as JSON.
type WebhookNotify struct {
	URL    string // a URL or a reference
	Secret string // a reference; empty: unsigned
}

// Validation is the result of trying a change before it is approved.
type Validation struct {
	Environment string          `json:"environment"`
	Base        string          `json:"base"`
	Head        string          `json:"head"`
	Namespace   string          `json:"namespace,omitempty"` // of the sandbox
	Passed      bool            `json:"passed"`
	Message     string          `json:"message"` // one line
	Objects     []ChangedObject `json:"objects"`
	Notes       []string        `json:"notes,omitempty"` // what was left out of the sandbox, and why
	Tests       []TestResult    `json:"tests"`
	Seconds     float64         `json:"seconds"`
}
