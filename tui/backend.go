// Package tui is the terminal UI: an App shows environments, pending changes,
// plans and runs, and asks a Backend for them. It knows neither Git nor
// Kubernetes.
//
// App is the only tea.Model. Pages are plain structs in packages of their own,
// which import neither each other nor this one; the App routes keys and
// results to them, starts every command, and draws header and footer around
// what they draw.
package tui

import (
	"context"
	"io"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// Backend answers for the environments of a repository. Its methods may block
// and are called at the same time; they return soon after their context ends.
type Backend interface {
	// Environments reads the configuration at the head of the branch.
	Environments(ctx context.Context) ([]model.Environment, error)
	// Fetch asks the remote for news. How fresh what is known is comes along
	// with an error too.
	Fetch(ctx context.Context) (model.Fetch, error)
	Status(ctx context.Context, env string) (model.EnvironmentStatus, error)
	Pending(ctx context.Context, env string) (model.Pending, error)
	// Detail is all there is to say about one change; commit is a revision.
	Detail(ctx context.Context, env, commit string) (model.ChangeDetail, error)
	// Plan says what applying a commit would do; "" is the head.
	Plan(ctx context.Context, ask model.PlanAsk) (*model.Plan, error)
	// Observe tells emit when live objects of a plan move, until ctx ends.
	// emit is called from one goroutine at a time.
	Observe(ctx context.Context, plan *model.Plan, emit func(model.Observation)) error
	// Apply runs an approved plan and blocks until the run has ended. When the
	// context ends it starts no new write and closes the record.
	Apply(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error)
	// Follow tells the story of the run under way, whoever carries it out, until
	// it has ended. begin is called before the first event with its record.
	Follow(ctx context.Context, env string, begin func(model.Run), emit func(model.Event)) (model.Run, error)
	// Abort asks whoever carries out the run under way to stop, and returns when
	// it has.
	Abort(ctx context.Context, env, reason string) error
	// Resume continues an interrupted run, as Apply carries one out.
	Resume(ctx context.Context, r model.ResumeRequest, emit func(model.Event)) (model.Run, error)
	// Describe reads a live object with its pods and containers, and what was
	// said about them lately.
	Describe(ctx context.Context, env string, t model.Target) (model.ObjectTree, error)
	// LogTail reads the last lines of a container's log; previous asks for that
	// of its run before.
	LogTail(ctx context.Context, env, namespace, pod, container string, previous bool, lines int) ([]string, error)
	// History lists the runs, newest first.
	History(ctx context.Context, env string) ([]model.Run, error)
	// RunDiff says what a run changed, or with other how that one differs from
	// it: Git before and after, seen through model.LensRun. The plan is for
	// reading only.
	RunDiff(ctx context.Context, env, run, other string) (*model.Plan, error)

	// Proposed lists the open pull requests that touch the environment.
	Proposed(ctx context.Context, env string) ([]model.Proposed, error)
	// ProposedPlan says what applying a pull request's head, merged into its
	// base, would do. The plan is for reading only.
	ProposedPlan(ctx context.Context, env string, number int) (*model.Plan, error)
	// Merge merges a pull request if its head is still the one given, its
	// requirements are met and the window is open, or an override says why
	// not; commit is what the base branch became.
	Merge(ctx context.Context, env string, number int, head, override string) (commit string, err error)
	// Draft makes the commit that a revert, a way back or an upgrade would
	// be, and its plan. Nothing is pushed. An error names each file in
	// conflict on a line of its own.
	Draft(ctx context.Context, r model.DraftRequest) (model.Draft, *model.Plan, error)
	// Publish pushes a draft's branch and opens its pull request.
	Publish(ctx context.Context, env string, d model.Draft) (model.PullRequest, error)
	// Images lists the images that an environment runs, with what is newer.
	Images(ctx context.Context, env string) ([]model.ImageUse, error)
}

// Sources gives the files of the repository that objects are rendered from. Its
// methods may be called at the same time.
type Sources interface {
	// File is the content of a file at a commit. It may block, and returns soon
	// after its context ends.
	File(ctx context.Context, commit, path string) ([]byte, error)
	// Local is where the file is checked out; ok is false where nothing is. It
	// says nothing of what the file holds, or whether it exists.
	Local(path string) (name string, ok bool)
	// URL is where a browser shows the file at a commit and line, or without a
	// path the commit; empty: nowhere that is known.
	URL(commit, path string, line int) string
}

// Config is what an App is made of.
type Config struct {
	Backend Backend // required
	Sources Sources // default: no source can be opened
	// Markdown writes a plan, as it is seen through a lens, for a comment or a
	// file; default: none can be.
	Markdown   func(seen *model.Plan, through model.Lens) (string, error)
	Repository string              // label for the header
	Progress   func() string       // how opening the repository gets on, in a few words; default: not known
	Now        func() time.Time    // default: time.Now
	Env        func(string) string // reads an environment variable; default: none is set
	ASCII      bool                // glyphs from ASCII only
	NoColor    bool                // no colours; NO_COLOR in Env does the same
	ReadOnly   bool                // nothing is applied
	Marks      review.Marks        // keeps which diffs were read; default: until the program ends
	NoMouse    bool                // the mouse is left to the terminal until the operator asks for it
	Actions    []action.Action     // with the operator's keys; default: the usual ones
	Theme      theme.Name          // default: dark or light, as the terminal is
	Colours    map[string]string   // other ones than the theme's, by theme.Tokens
	Problems   []string            // with the operator's own settings, which are not in effect then
	Input      io.Reader           // default: the terminal
	Output     io.Writer           // default: the terminal
}
