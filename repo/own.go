package repo

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// own is fairtide's own bare repository for a clone. It borrows the clone's
// objects and holds what fairtide fetches and writes, so that the clone is
// never written to. For a URL it is the only repository there is.
type own struct {
	dir   string // the bare repository
	clone string // the top of the clone it is for; empty: it is for a URL
	alone bool   // it borrows nothing
}

// Files of fairtide's in its own repository.
const (
	// seedFile records which remote branches of the clone were taken over, one
	// "HASH NAME" a line: only what the clone has fetched since is news.
	seedFile = "fairtide-seed"
	// cloneFile names the clone. Its time is that of the last use.
	cloneFile = "fairtide-clone"
	// fetchedFile is as old as the last answer of the remote.
	fetchedFile = "fairtide-fetched"
)

// errNoCache answers whatever has to write when there is nowhere to.
func (r *Repo) errNoCache(what string) error {
	return model.Errorf(model.ExitUsage, "%s: cannot %s without a cache directory, which fairtide needs to write commits to; set XDG_CACHE_HOME or HOME", r.name, what)
}

// newOwn says where below cacheDir the own repository for a clone, or for a
// URL, is.
func (r *Repo) newOwn(cacheDir, clone string, alone bool) error {
	abs, err := filepath.Abs(cacheDir)
	if err != nil {
		return model.Errorf(model.ExitUsage, "cannot use the cache directory %s: %w", cacheDir, err)
	}
	key := clone + "\x00" + endpointOf(r.url).url
	if alone && clone != "" {
		key += "\x00alone" // what borrows and what does not are never mixed
	}
	sum := sha256.Sum256([]byte(key))
	name := strings.Map(func(c rune) rune {
		if c == '.' || c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '-'
	}, r.name)
	r.own = &own{dir: filepath.Join(abs, fmt.Sprintf("%s-%x.git", name, sum[:6])), clone: clone, alone: alone}
	return nil
}

// openOwn makes or finds the own repository of a clone and takes over the
// clone's remote branches. When nothing has changed since it was last opened,
// nothing is written and no object is read.
func (r *Repo) openOwn(ctx context.Context, cacheDir string) error {
	if err := r.newOwn(cacheDir, r.store.at.top, r.lacking()); err != nil {
		return err
	}
	err := r.makeOwn(ctx)
	if err == nil {
		err = r.store.attach(r.own.dir)
	}
	if err == nil {
		err = r.takeOver(ctx)
	}
	if err != nil {
		return model.Errorf(model.ExitUnreachable, "cannot use fairtide's own repository %s: %w", r.own.dir, err)
	}
	return nil
}

// lacking reports whether the clone lacks objects, so that git must not take
// them for present: that of a partial one, and what is behind the end of a
// shallow one when there is no git to get it.
func (r *Repo) lacking() bool {
	if r.partial {
		return true
	}
	_, builtin := r.transport().(builtin)
	return builtin && r.cloneShallow() != ""
}

// cloneShallow is where the clone's history ends, one hash a line.
func (r *Repo) cloneShallow() string {
	data, err := os.ReadFile(filepath.Join(filepath.Dir(r.store.objectsDir()), "shallow"))
	if err != nil {
		return ""
	}
	return string(data)
}

// makeOwn writes what makes a directory a bare repository, without git: to
// read must be possible where there is none.
func (r *Repo) makeOwn(ctx context.Context) error {
	files, err := r.ownFiles()
	if err != nil {
		return err
	}
	made := true
	for name, text := range files {
		old, err := os.ReadFile(filepath.Join(r.own.dir, name))
		made = made && err == nil && string(old) == text
	}
	if made {
		return r.own.used()
	}
	return r.locked(ctx, func() error {
		for _, sub := range []string{"objects/info", "objects/pack", "refs/heads"} {
			if err := os.MkdirAll(filepath.Join(r.own.dir, sub), 0o700); err != nil {
				return err
			}
		}
		for name, text := range files {
			if err := replaceFile(filepath.Join(r.own.dir, name), text); err != nil {
				return err
			}
		}
		return nil
	})
}

// ownFiles are the files of the own repository that are the same at every
// Open. None holds a URL.
func (r *Repo) ownFiles() (map[string]string, error) {
	borrowed := ""
	if !r.own.alone {
		// All of them by absolute path: git does not follow a relative one that
		// it finds behind another.
		objects := r.store.objectsDir()
		further, err := alternates(objects, alternateDepth)
		if err != nil {
			return nil, err
		}
		for _, d := range append([]string{objects}, further...) {
			borrowed += quoteAlternate(filepath.Clean(d)) + "\n"
		}
	}
	files := map[string]string{
		"config":                  "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n",
		"objects/info/alternates": borrowed,
		cloneFile:                 r.own.clone + "\n",
	}
	if _, err := os.Lstat(filepath.Join(r.own.dir, "HEAD")); err != nil {
		files["HEAD"] = "ref: refs/heads/main\n"
	}
	return files, nil
}

// quoteAlternate writes a path for git's list of alternates, which has one a
// line.
func quoteAlternate(path string) string {
	if !strings.ContainsAny(path, "\n\"") {
		return path
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
}

// replaceFile writes a file whole or not at all, and only when it differs.
func replaceFile(name, text string) error {
	if old, err := os.ReadFile(name); err == nil && string(old) == text {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// takeOver makes the clone's news the own repository's.
func (r *Repo) takeOver(ctx context.Context) error {
	if r.own.clone == "" {
		return nil
	}
	clone, had, err := r.remoteBranches()
	if err != nil {
		return err
	}
	file := filepath.Join(r.own.dir, seedFile)
	if old, err := os.ReadFile(file); err == nil && string(old) == r.seedText(clone) && (len(had) > 0 || len(clone) == 0) {
		return nil
	}
	return r.locked(ctx, r.seed)
}

// remoteBranches are the branches of the remote as the clone has them and as
// the own repository has them.
func (r *Repo) remoteBranches() (clone, had map[string]plumbing.Hash, err error) {
	if !r.own.alone {
		if clone, err = r.store.cloneReferences(r.remotePrefix()); err != nil {
			return nil, nil, err
		}
	}
	had, err = r.store.ownReferences(r.remotePrefix())
	return clone, had, err
}

// seedText is what the seed file says once a clone was taken over.
func (r *Repo) seedText(clone map[string]plumbing.Hash) string {
	var text strings.Builder
	fmt.Fprintf(&text, "# shallow %x\n", sha256.Sum256([]byte(r.cloneShallow())))
	for _, name := range slices.Sorted(maps.Keys(clone)) {
		fmt.Fprintf(&text, "%s %s\n", clone[name], name)
	}
	return text.String()
}

// seed takes over the remote branches that the clone has fetched since it was
// last asked, unless the own repository already has something newer. Branches
// whose commits the clone has since thrown away are dropped.
func (r *Repo) seed() error {
	if err := r.copyShallow(); err != nil {
		return err
	}
	clone, had, err := r.remoteBranches()
	if err != nil {
		return err
	}
	file := filepath.Join(r.own.dir, seedFile)
	seen := readSeed(file)
	gone, err := r.dropVanished(had)
	if err != nil {
		return err
	}
	for _, name := range gone {
		delete(had, name)
		delete(seen, name)
	}
	for name, h := range clone {
		// What was taken over before and is gone was pruned.
		if had[name] == h || seen[name] == h && len(had) > 0 {
			continue
		}
		if mine, kept := had[name]; kept && r.contains(mine, h) {
			continue
		}
		if err := r.store.setReference(name, h); err != nil {
			return err
		}
	}
	if err := r.packBranches(); err != nil {
		return err
	}
	return replaceFile(file, r.seedText(clone))
}

// packBranches puts the branches of the remote into one file when there are
// many: each would be opened at every start.
func (r *Repo) packBranches() error {
	const many = 10
	loose := 0
	err := filepath.WalkDir(filepath.Join(r.own.dir, filepath.FromSlash(r.remotePrefix())), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			loose++
		}
		return nil // there may be none, or one that git just packed
	})
	if err != nil || loose <= many {
		return err
	}
	return r.store.use(func() error { return r.store.own.PackRefs() })
}

// dropVanished removes the references whose commits were borrowed and are no
// longer there, and lists them.
func (r *Repo) dropVanished(refs map[string]plumbing.Hash) (gone []string, err error) {
	for name, h := range refs {
		if _, err := r.store.commit(h); errors.Is(err, plumbing.ErrObjectNotFound) {
			if err := r.store.removeReference(name); err != nil {
				return gone, err
			}
			gone = append(gone, name)
		}
	}
	return gone, nil
}

func (r *Repo) remotePrefix() string { return "refs/remotes/" + r.remote + "/" }

// contains reports whether a commit is b or comes after it. What cannot be
// read contains nothing.
func (r *Repo) contains(a, b plumbing.Hash) bool {
	base, err := r.mergeBase(a, b)
	return err == nil && base == b
}

// copyShallow tells git where the borrowed history ends: at the commits whose
// parents are not at hand. Those that were fetched since are.
func (r *Repo) copyShallow() error {
	file := filepath.Join(r.own.dir, "shallow")
	var ends strings.Builder
	if !r.own.alone {
		for line := range strings.Lines(r.cloneShallow()) {
			c, err := r.store.commit(plumbing.NewHash(strings.TrimSpace(line)))
			if err != nil || slices.ContainsFunc(c.ParentHashes, func(p plumbing.Hash) bool {
				_, err := r.store.commit(p)
				return err != nil
			}) {
				ends.WriteString(line)
			}
		}
	}
	if ends.Len() > 0 {
		return replaceFile(file, ends.String())
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func readSeed(file string) map[string]plumbing.Hash {
	seen := map[string]plumbing.Hash{}
	f, err := os.Open(file)
	if err != nil {
		return seen // none yet: everything is news
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if hash, name, ok := strings.Cut(lines.Text(), " "); ok && hash != "#" {
			seen[name] = plumbing.NewHash(hash)
		}
	}
	if errors.Join(lines.Err(), f.Close()) != nil {
		return map[string]plumbing.Hash{}
	}
	return seen
}

// isPartial reports whether the clone was made with a filter, so that objects
// may be missing from it.
func isPartial(cfg *config.Config, remote string) bool {
	promisor := cfg.Raw.Section("remote").Subsection(remote).Option("promisor")
	return strings.EqualFold(promisor, "true") || cfg.Raw.Section("extensions").Option("partialclone") != ""
}

// missingObject is an object that a commit needs and that is nowhere.
type missingObject struct {
	kind string
	hash plumbing.Hash
}

func (a missingObject) Error() string {
	return fmt.Sprintf("%s %s is not in this clone, which is partial or damaged; try again while its remote can be reached, or use a full clone (`git clone` without --filter)", a.kind, a.hash)
}

// Is lets it pass for what go-git says.
func (missingObject) Is(err error) bool { return err == plumbing.ErrObjectNotFound }

// noAlternates hides the list of alternates, which store follows itself.
type noAlternates struct{ billy.Filesystem }

func (n noAlternates) Open(name string) (billy.File, error) {
	if filepath.ToSlash(filepath.Clean(name)) == "objects/info/alternates" {
		return nil, fs.ErrNotExist
	}
	return n.Filesystem.Open(name)
}

func (n noAlternates) Chroot(dir string) (billy.Filesystem, error) {
	sub, err := n.Filesystem.Chroot(dir)
	return noAlternates{sub}, err
}
