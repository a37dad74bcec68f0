package repo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/internal/diskcache"
	"github.com/fairtide-dev/fairtide/model"
)

// What the start of the program asks is kept on disk under all that the answer
// depends on, above all the names of commits. So an answer is never outdated:
// when something has moved, the question is another one. Only what is true of
// a clone rather than of its commits is not kept.

// cacheName is the directory below Options.CacheDir. All repositories share it.
const cacheName = "cache-v1"

// openDisk opens the cache on disk; nil when there is to be none.
func openDisk(cacheDir string) *diskcache.Cache {
	version := toolVersion()
	if cacheDir == "" || version == "" {
		return nil
	}
	disk, err := diskcache.Open(filepath.Join(cacheDir, cacheName), diskcache.Options{ToolVersion: version})
	if err != nil {
		return nil // it is without effect
	}
	return disk
}

// keyOf makes a cache key that differs when any of its parts does.
func keyOf(parts ...string) []byte {
	var key []byte
	for _, p := range parts {
		key = binary.AppendUvarint(key, uint64(len(p)))
		key = append(key, p...)
	}
	return key
}

// keep puts a value into the cache. One that cannot be written is without
// effect, and so is a value that has no form there.
func keep(disk *diskcache.Cache, key []byte, value any) {
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(value); err == nil {
		_ = disk.Put(key, buf.Bytes())
	}
}

// kept reads a value into v, a pointer.
func kept(disk *diskcache.Cache, key []byte, v any) bool {
	data, ok := disk.Get(key)
	return ok && gob.NewDecoder(bytes.NewReader(data)).Decode(v) == nil
}

// target finds the object that a full hash or a reference names without
// reading any object. ok is false for other revisions.
func (r *Repo) target(rev string) (h plumbing.Hash, ok bool) {
	if plumbing.IsHash(rev) {
		return plumbing.NewHash(rev), true
	}
	return r.reference(rev)
}

func commitKey(h plumbing.Hash) []byte { return keyOf("commit", h.String()) }

// keptFile is the content of a file at a commit; found is false when there is
// no such file.
type keptFile struct {
	Found bool
	Data  []byte
}

// File is the content of a file at a commit. One that does not exist there is
// an error that wraps fs.ErrNotExist.
func (r *Repo) File(ctx context.Context, commit, name string) ([]byte, error) {
	h, ok := r.target(commit)
	p, err := cleanPath(name)
	if !ok || err != nil || ctx.Err() != nil {
		return r.readFile(ctx, commit, name)
	}
	key := keyOf("file", h.String(), p, fmt.Sprint(r.limits.file))
	var f keptFile
	if kept(r.disk, key, &f) {
		if f.Found {
			return f.Data, nil
		}
		return nil, noFile(name, h)
	}
	data, err := r.readFile(ctx, commit, name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		keep(r.disk, key, keptFile{Found: err == nil, Data: data})
	}
	return data, err
}

func noFile(name string, h plumbing.Hash) error {
	return fmt.Errorf("%s at commit %s: %w", name, model.Short(h.String()), fs.ErrNotExist)
}

// Pending lists the changes of an environment after the deployed commit up to
// head, newest first: the first-parent commits that touch what the
// environment's render reads at that commit or at its parent. head is a
// revision; empty is the head of the environment's branch. deployed is a
// commit, or empty when the environment was never deployed.
//
// A commit that does not render is listed with its Problem. A deployed commit
// that is not on the first-parent line, or not in this clone, is said in
// Diverged together with from where the list was made instead.
func (r *Repo) Pending(ctx context.Context, env model.Environment, deployed, head string) (model.Pending, error) {
	a := r.PendingAll(ctx, []model.PendingAsk{{Environment: env, Deployed: deployed, Head: head}})[0]
	return a.Pending, a.Err
}

// PendingAll is Pending of several environments in one walk: a line of first
// parents that several are deployed from is read once, and so is each tree. The
// answers are in the order of asks. Those that were worked out before come from
// the cache.
func (r *Repo) PendingAll(ctx context.Context, asks []model.PendingAsk) []model.PendingAnswer {
	return r.answered(ctx, asks, func(missing []model.PendingAsk) []model.PendingAnswer {
		return r.pendingAnew(ctx, missing)
	}, true)
}

// answered takes from the cache what it can, and the rest by work, whose answers
// are kept if that is wanted.
func (r *Repo) answered(ctx context.Context, asks []model.PendingAsk, work func([]model.PendingAsk) []model.PendingAnswer, keep bool) []model.PendingAnswer {
	ends, err := r.ends()
	if r.disk == nil || err != nil || ctx.Err() != nil {
		return work(asks)
	}
	answers := make([]model.PendingAnswer, len(asks))
	keys := make([][]byte, len(asks)) // nil: not to be kept
	var missing []int
	var wanted []model.PendingAsk
	for i, ask := range asks {
		keys[i], ask = r.pendingKey(ctx, ask, ends)
		if p, ok := r.keptPending(ctx, keys[i], ask); ok {
			answers[i].Pending = p
			continue
		}
		if !r.has(ask.Deployed) {
			keys[i] = nil
		}
		missing, wanted = append(missing, i), append(wanted, ask)
	}
	if len(missing) == 0 {
		return answers
	}
	before := r.clusterAsked.Load()
	found := work(wanted)
	charts := r.clusterAsked.Load() != before
	if after, err := r.ends(); err != nil || after != ends {
		keys = make([][]byte, len(asks)) // somebody fetched meanwhile
	}
	for j, i := range missing {
		answers[i] = found[j]
		if keep && keys[i] != nil && found[j].Err == nil {
			r.keepPending(ctx, keys[i], wanted[j], charts, found[j].Pending)
		}
	}
	return answers
}

// ends names the commits at which the clone's history is cut off.
func (r *Repo) ends() (string, error) {
	shallow, err := r.store.shallow()
	var ends []string
	for h, cut := range shallow {
		if cut {
			ends = append(ends, h.String())
		}
	}
	slices.Sort(ends)
	return strings.Join(ends, " "), err
}

// has reports whether a deployed commit is in this clone. When it is not, the
// list says so, which may be another thing after the next fetch.
func (r *Repo) has(deployed string) bool {
	if deployed == "" {
		return true
	}
	_, err := r.named(deployed)
	return err == nil
}

// pendingKey is all that a list depends on; nil when that cannot be told
// without reading objects. The head of the ask is made a hash: a branch may
// move before the list is made.
func (r *Repo) pendingKey(ctx context.Context, ask model.PendingAsk, ends string) ([]byte, model.PendingAsk) {
	env := ask.Environment
	dir, err := cleanPath(env.Path)
	if err != nil || ask.Deployed != "" && !plumbing.IsHash(ask.Deployed) {
		return nil, ask
	}
	env.Path = dir
	head, ok := r.target(ask.Head)
	if ask.Head == "" {
		head, err = r.headHash(ctx, env.Branch)
		ok = err == nil
	}
	if !ok {
		return nil, ask
	}
	ask.Head = head.String()
	return keyOf("pending", recipe(env), fmt.Sprintf("%q %q %+v %q %q", env.Name, env.Namespace, r.limits.of(env), env.Signers, env.Mask),
		r.signers.of(env.Signers).outdated(r.now()), ask.Head, ask.Deployed, ends), ask
}

// keptList is a list, or for one that depends on the cluster, because it has
// renders of a chart, that it does: it is found under a key that says what the
// cluster has.
type keptList struct {
	Asks    bool
	Pending model.Pending
}

func (r *Repo) keepPending(ctx context.Context, key []byte, ask model.PendingAsk, asks bool, p model.Pending) {
	now := r.now()
	for _, c := range p.Changes {
		if c.MergedAt.After(now) {
			return // whether its signature counts is another thing later
		}
	}
	if asks {
		of, ok := r.clusterKey(ctx, key, ask.Environment)
		if !ok {
			return
		}
		keep(r.disk, key, keptList{Asks: true})
		key = of
	}
	keep(r.disk, key, keptList{Pending: p})
}

func (r *Repo) keptPending(ctx context.Context, key []byte, ask model.PendingAsk) (model.Pending, bool) {
	var list keptList
	if key == nil || !kept(r.disk, key, &list) {
		return model.Pending{}, false
	}
	if list.Asks {
		of, ok := r.clusterKey(ctx, key, ask.Environment)
		if list = (keptList{}); !ok || !kept(r.disk, of, &list) {
			return model.Pending{}, false
		}
	}
	return list.Pending, true
}

func (r *Repo) clusterKey(ctx context.Context, key []byte, env model.Environment) ([]byte, bool) {
	if r.capabilities == nil {
		return nil, false
	}
	caps, err := r.capabilities(ctx, env)
	return keyOf("cluster", string(key), fmt.Sprintf("%q", caps)), err == nil
}

// useDisk gives the repository its cache on disk.
func (r *Repo) useDisk(cacheDir string) {
	if r.disk = openDisk(cacheDir); r.disk == nil {
		return
	}
	if caps := r.capabilities; caps != nil {
		r.capabilities = func(ctx context.Context, env model.Environment) (model.Capabilities, error) {
			r.clusterAsked.Add(1)
			return caps(ctx, env)
		}
	}
	r.cache.disk = &diskRenders{
		cache:  r.disk,
		store:  r.store,
		origin: cmp.Or(r.url, r.store.at.top),
		limits: &r.limits,
		asked:  map[string][]string{},
	}
}
