package rollout

import (
	"context"
	"time"

	"github.com/fairtide-dev/fairtide/internal/accept"
	"github.com/fairtide-dev/fairtide/internal/calendars"
	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/registry"
	"github.com/fairtide-dev/fairtide/model"
)

// Repository is what the engine needs of the Git side.
type Repository interface {
	Head(ctx context.Context, branch string) (model.Commit, error)
	DefaultBranch(ctx context.Context) (string, error)
	Resolve(ctx context.Context, rev string) (string, error)
	// Merged reports whether commit is on the branch that head is the tip of.
	Merged(ctx context.Context, commit, head string) (bool, error)
	// NewestOn is the index of the first among some commits of one branch, newest
	// first and all after base, that head has on its line; len(line): none.
	NewestOn(ctx context.Context, line []string, base, head string) (int, error)
	File(ctx context.Context, commit, path string) ([]byte, error)
	Pending(ctx context.Context, env model.Environment, deployed, head string) (model.Pending, error)
	// Outline lists what is pending in several environments, without how it
	// alters objects, in the order of asks.
	Outline(ctx context.Context, asks []model.PendingAsk) []model.PendingAnswer
	// Detail is all there is to say about one change.
	Detail(ctx context.Context, env model.Environment, commit string) (model.ChangeDetail, error)
	Render(ctx context.Context, env model.Environment, commit string) (*model.Rendered, error)
	// Changed compares two renders of an environment.
	Changed(env model.Environment, before, after *model.Rendered) []model.ChangedObject
	// RenderMerged renders head merged into base, as its pull request would.
	RenderMerged(ctx context.Context, env model.Environment, base, head string) (*model.Rendered, error)
	Images(ctx context.Context, env model.Environment, commit string) ([]model.ImageUse, error)

	// RemoteURL is where the repository is fetched from; empty: nowhere.
	RemoteURL() string
	Fetch(ctx context.Context) (moved bool, err error)
	// Fetched is when the remote last answered; zero: never.
	Fetched() time.Time
	// FetchPull fetches what a pull request proposes and returns its head.
	FetchPull(ctx context.Context, number int) (head string, err error)
	Export(ctx context.Context, commit, dir, under string) error

	Revert(ctx context.Context, commit, onto string) (model.Patch, error)
	BackTo(ctx context.Context, env model.Environment, commit, onto string) (model.Patch, error)
	Bump(ctx context.Context, env model.Environment, image, tag, onto string) (model.Patch, error)
	// Adopt writes live values to Git, in files that none of the others reads.
	Adopt(ctx context.Context, env model.Environment, others []model.Environment, fields []model.LiveField, onto string) (model.Patch, error)
	CommitPatch(ctx context.Context, p model.Patch, title, body string) (commit string, err error)
	Push(ctx context.Context, commit, branch string) error
}

// Cluster is what the engine needs of the Kubernetes side.
type Cluster interface {
	Info(ctx context.Context) (model.ClusterInfo, error)
	Plan(ctx context.Context, r model.PlanRequest) (*model.Plan, []model.Object, error)
	Apply(ctx context.Context, o model.Object, planned model.PlannedObject) (model.InventoryEntry, error)
	Delete(ctx context.Context, planned model.PlannedObject) error
	// Remains says why an object that a plan deletes is still there; empty: it
	// is gone.
	Remains(ctx context.Context, planned model.PlannedObject) (string, error)
	RefreshKinds()
	// Observe tells emit when live objects of a plan move, until ctx ends.
	Observe(ctx context.Context, plan *model.Plan, emit func(model.Observation)) error
	// Watch tells emit how ready the targets are, until ctx ends, and away since
	// when the API server does not answer; the zero time: it does again.
	Watch(ctx context.Context, targets []model.Target, emit func(model.Progress), away func(since time.Time, why string)) error
	// Describe reads an object with all that belongs to it, and what was said
	// about that lately.
	Describe(ctx context.Context, target model.Target) (model.ObjectTree, error)
	// LogTail reads the last lines of a container's log; previous asks for that
	// of its run before.
	LogTail(ctx context.Context, namespace, pod, container string, previous bool, lines int) ([]string, error)

	ReadState(ctx context.Context, env string) (model.State, error)
	WriteState(ctx context.Context, env string, s model.State) (model.State, error)
	ReadLock(ctx context.Context, env string) (*model.Lock, error)
	Lock(ctx context.Context, env string, ask model.LockAsk) (Lease, error)
	NewRun(ctx context.Context, run model.Run) (model.Run, error)
	SaveRun(ctx context.Context, run model.Run) error
	Runs(ctx context.Context, env string) ([]model.Run, error)
	// NewestRun is the newest run as its record has it; known is the one that the
	// state names. nil: there is none.
	NewestRun(ctx context.Context, env string, known *model.RunRef) (*model.RunRef, error)
	// TakeRun takes over the open record of a run whose writer is gone.
	TakeRun(ctx context.Context, env, id string, attempt model.RunAttempt) (model.Run, error)
	// WatchRun tells emit how the newest run stands, until ctx ends.
	WatchRun(ctx context.Context, env string, emit func(model.RunNews)) error
	// Expired is the lock that its holder let expire; nil: it is free, or held.
	Expired(ctx context.Context, env string) (*model.Lock, error)
	// AskAbort asks the holder of the lock to stop.
	AskAbort(ctx context.Context, env, by string) (model.Lock, error)

	accept.ServiceGetter
	accept.JobRunner

	CreateSandbox(ctx context.Context, name string, labels map[string]string) error
	DeleteSandbox(ctx context.Context, name string) error
	// Sandboxed maps an environment's objects into a sandbox namespace, and
	// says what it leaves out and why.
	Sandboxed(objects []model.Object, from, to string) (kept []model.Object, notes []string)
}

// Calendars reads the calendars that windows are made of. file reads from the
// repository. The rules that are given stay as they are.
type Calendars interface {
	// Read gives the rules with their calendars. One that cannot be read makes
	// its rule Unreadable.
	Read(ctx context.Context, rules []model.WindowRule, file calendars.File) []model.WindowRule
	// Cached is Read without a call to the network.
	Cached(ctx context.Context, rules []model.WindowRule, file calendars.File) []model.WindowRule
}

// Lease is a held lock.
type Lease interface {
	// Held is asked before every write: it knows at once that the lease has
	// run out, also when the machine was asleep in between.
	Held() bool
	Lost() <-chan struct{}
	// Aborted tells once who asked for the run to be stopped, and why.
	Aborted() <-chan string
	// SetDoing says what the holder does, for those who look on.
	SetDoing(text string)
	SetRun(ctx context.Context, run string) error
	Release(ctx context.Context) error
	// Under is ctx for what is done under the lock: it outlives a short absence
	// of the API server, and writes nothing once the lock is lost.
	Under(ctx context.Context) context.Context
}

// Forge is what the engine needs of the place where pull requests are.
type Forge interface {
	PullRequestsOf(ctx context.Context, commits []string) (map[string]model.PullRequest, error)
	Open(ctx context.Context, base string) ([]model.PullRequest, error)
	Get(ctx context.Context, number int) (model.PullRequest, error)
	Create(ctx context.Context, p forge.NewPullRequest) (model.PullRequest, error)
	Merge(ctx context.Context, number int, expectedHead string, method forge.MergeMethod) (string, error)
	UpsertComment(ctx context.Context, number int, marker, body string) error
	SetStatus(ctx context.Context, commit string, s forge.Status) error
}

// Registry is what the engine needs of the places where images are.
type Registry interface {
	Tags(ctx context.Context, repository string) ([]string, error)
	Digest(ctx context.Context, ref string) (string, error)
}

var _ Registry = (*registry.Client)(nil)

var _ Forge = (*forge.GitHub)(nil)
