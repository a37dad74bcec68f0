package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/internal/diskcache"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo/internal/chart"
	"github.com/fairtide-dev/fairtide/repo/internal/kustworker"
)

// DefaultRemote is the remote whose branches count as merged.
const DefaultRemote = "origin"

// Options say which repository to open.
type Options struct {
	Path   string // a worktree, a directory inside one, a bare repository, or a URL; empty: the current directory
	Remote string // empty: DefaultRemote
	// URL opens a repository that needs no clone: what is fetched from it is
	// kept in CacheDir. The password it may hold is used, and written nowhere.
	URL string
	// CacheDir is where fairtide keeps a repository of its own for each clone,
	// which what it fetches and writes goes to. Empty: there is none, and all
	// that has to fetch or write is refused. Renders and lists that were worked
	// out are kept there as well, encrypted, for all clones and processes.
	CacheDir string
	// Credentials gives a user and password for the host of an http or https
	// URL. nil, or ok false, leaves it to git's own credential helpers.
	Credentials func(ctx context.Context, url string) (user, password string, ok bool)
	// Transport is how remotes are talked to. Empty: TransportAuto.
	Transport Transport
	// Progress is told in a few words how a long fetch gets on. nil: nobody is.
	Progress func(string)
	// Capabilities says what the environment's cluster has. It is asked when a
	// chart is rendered, for what the configuration does not say. nil: charts of
	// such environments are refused.
	Capabilities func(ctx context.Context, env model.Environment) (model.Capabilities, error)
	// Now is the clock that signatures are judged by. nil: time.Now.
	Now func() time.Time
}

// Repo is an opened clone.
type Repo struct {
	name    string
	remote  string
	url     string // of the remote, as configured; empty: there is no remote
	pushURL string
	partial bool // the clone lacks objects on purpose
	store   *store
	own     *own // nil: no cache directory
	through Transport
	tell    func(string) // of Options.Progress, never nil
	cache   *renderCache
	disk    *diskcache.Cache // nil: none
	limits  limits
	now     func() time.Time
	signers keyrings
	ask     func(ctx context.Context, url string) (user, password string, ok bool)

	capabilities func(ctx context.Context, env model.Environment) (model.Capabilities, error) // of Options
	charts       chart.Worker
	kustomizers  kustworker.Pool

	mu     sync.Mutex
	last   map[string]plumbing.Hash // the branches when Fetch last looked
	tidies tidying

	clusterAsked atomic.Int64 // how often capabilities was called
}

// Open opens the clone that contains o.Path. Linked worktrees, bare, shared,
// sparse and shallow clones work. What cannot be read, such as a repository
// with sha256 object names or without a single commit, is an error that says so.
// Nothing is written but to o.CacheDir.
//
// With a URL there is no clone: the first Open fetches, which may take long,
// and later ones do not ask the remote.
func Open(ctx context.Context, o Options) (*Repo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := o.Transport.check(); err != nil {
		return nil, err
	}
	given := cmp.Or(o.URL, o.Path, ".")
	r := &Repo{
		remote:  cmp.Or(o.Remote, DefaultRemote),
		store:   &store{},
		cache:   newRenderCache(),
		limits:  defaultLimits,
		ask:     o.Credentials,
		through: o.Transport,
		tell:    o.Progress,
		now:     o.Now,

		capabilities: o.Capabilities,
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.tell == nil {
		r.tell = func(string) {}
	}
	var err error
	if o.URL != "" || IsURL(given) {
		err = r.openURL(ctx, given, o.CacheDir)
	} else {
		err = r.openClone(ctx, given, o.CacheDir)
	}
	if err == nil {
		r.last, err = r.branches()
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.useDisk(o.CacheDir)
	return r, nil
}

func (r *Repo) openClone(ctx context.Context, given, cacheDir string) (err error) {
	if r.store.at, err = locate(given); err != nil {
		return err
	}
	if err := r.store.reopen(); err != nil {
		return model.Errorf(model.ExitUnreachable, "cannot open the Git repository %s: %w", given, err)
	}
	if err := r.check(given); err != nil || cacheDir == "" {
		return err
	}
	return r.openOwn(ctx, cacheDir)
}

// Close lets go of the repository's open files, and ends what Fetch left to do
// in the background. The Repo stays usable: a later read opens them again.
func (r *Repo) Close() error {
	r.tidies.stop()
	r.charts.Close()
	r.kustomizers.Close()
	return r.store.close()
}

// check refuses repositories whose format cannot be read and learns the name.
func (r *Repo) check(given string) error {
	cfg, err := r.store.config()
	if err != nil {
		return model.Errorf(model.ExitUnreachable, "cannot read the configuration of the Git repository %s: %w", given, err)
	}
	for _, o := range cfg.Raw.Section("extensions").Options {
		switch strings.ToLower(o.Key) {
		case "objectformat":
			if !strings.EqualFold(o.Value, "sha1") {
				return model.Errorf(model.ExitUsage, "%s uses %s object names, which fairtide cannot read; use a clone with sha1 object names", given, o.Value)
			}
		case "refstorage":
			if !strings.EqualFold(o.Value, "files") {
				return model.Errorf(model.ExitUsage, "%s keeps its references as %s, which fairtide cannot read; run `git refs migrate --ref-format=files` in it or use another clone", given, o.Value)
			}
		}
	}
	r.name = nameOf(cfg, r.remote, r.store.at.top)
	r.learnRemote(cfg)
	r.partial = isPartial(cfg, r.remote)
	r.store.ownPrefix = r.remotePrefix()
	refs, err := r.store.references()
	if err != nil {
		return model.Errorf(model.ExitUnreachable, "cannot read the references of the Git repository %s: %w", given, err)
	}
	for _, ref := range refs {
		if ref.Type() == plumbing.HashReference {
			return nil
		}
	}
	return model.Errorf(model.ExitUsage, "%s has no commit yet; commit or fetch something first", given)
}

// Name is what the repository is called: the last element of the remote's URL,
// or the name of its directory when there is no such remote.
func (r *Repo) Name() string { return r.name }

func nameOf(cfg *config.Config, remote, top string) string {
	if rc := cfg.Remotes[remote]; rc != nil && len(rc.URLs) > 0 {
		if name := NameOfURL(rc.URLs[0]); name != "" {
			return name
		}
	}
	return strings.TrimSuffix(filepath.Base(top), ".git")
}

// location is where a repository's files are.
type location struct {
	top    string // what a person calls the repository's directory
	gitDir string
	common string // of a linked worktree: the main repository's gitDir; else empty
}

// locate finds the repository that contains dir, looking upwards as git does.
func locate(dir string) (location, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return location{}, fmt.Errorf("find %s: %w", dir, err)
	}
	if resolved, err := filepath.EvalSymlinks(abs); err == nil {
		abs = resolved
	} else if errors.Is(err, fs.ErrNotExist) {
		return location{}, model.Errorf(model.ExitUsage, "%s does not exist; run in a clone of your environments repository or pass --repo", dir)
	}
	for at := abs; ; at = filepath.Dir(at) {
		l, ok, err := repositoryAt(at)
		if err != nil {
			return location{}, model.Errorf(model.ExitUsage, "cannot open the Git repository %s: %w", at, err)
		}
		if ok {
			return l, nil
		}
		if filepath.Dir(at) == at {
			return location{}, model.Errorf(model.ExitUsage, "%s is not a Git repository; run in a clone of your environments repository or pass --repo", dir)
		}
	}
}

func repositoryAt(dir string) (location, bool, error) {
	dot := filepath.Join(dir, ".git")
	info, err := os.Stat(dot)
	switch {
	case err == nil && info.IsDir():
		if !isGitDir(dot) {
			return location{}, false, nil
		}
		return location{top: dir, gitDir: dot}, true, nil
	case err == nil:
		target, err := gitFile(dot)
		if err != nil {
			return location{}, false, err
		}
		common, err := commonDir(target)
		return location{top: dir, gitDir: target, common: common}, true, err
	case isGitDir(dir):
		top := dir
		if filepath.Base(dir) == ".git" {
			top = filepath.Dir(dir)
		}
		common, err := commonDir(dir)
		return location{top: top, gitDir: dir, common: common}, true, err
	}
	return location{}, false, nil
}

// isGitDir reports whether dir is the inside of a repository: what git itself
// looks for.
func isGitDir(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, "HEAD")); err != nil {
		return false
	}
	if _, err := os.Stat(filepath.Join(dir, "commondir")); err == nil {
		return true
	}
	for _, sub := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// gitFile reads the `.git` file of a linked worktree or a submodule.
func gitFile(name string) (string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir:")
	if !ok {
		return "", fmt.Errorf("%s is not a directory and names none", name)
	}
	target = strings.TrimSpace(target)
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(name), target)
	}
	if _, err := os.Stat(target); err != nil {
		return "", fmt.Errorf("%s points to %s: %w; run `git worktree repair` in the main worktree", name, target, err)
	}
	return target, nil
}

func commonDir(gitDir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(gitDir, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	common := strings.TrimSpace(string(data))
	if !filepath.IsAbs(common) {
		common = filepath.Join(gitDir, common)
	}
	return common, nil
}

// cleanPath turns an environment's path into the form used as a tree path.
func cleanPath(p string) (string, error) {
	c := path.Clean(strings.TrimSuffix(p, "/"))
	if p == "" || c == "." {
		return ".", nil
	}
	if strings.HasPrefix(c, "/") || c == ".." || strings.HasPrefix(c, "../") {
		return "", contentf("path %q leads out of the repository", p)
	}
	return c, nil
}
