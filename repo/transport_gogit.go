package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	gitproto "github.com/go-git/go-git/v5/plumbing/transport/git"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/plumbing/transport/server"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// builtin speaks Git's protocol itself, for machines without the git command.
type builtin struct{ r *Repo }

// havesPerBranch is how many commits of a branch the server is told to be at
// hand, from its head on. The protocol as spoken here has one round only.
const havesPerBranch = 64

// dialed is how to reach a remote.
type dialed struct {
	transport.Transport
	at   *transport.Endpoint
	auth transport.AuthMethod
	// holds reports whether the remote has an object; nil: that is not known
	// before it is asked.
	holds func(plumbing.Hash) bool
}

// dial prepares to talk to a remote. Nothing is sent yet.
func (b builtin) dial(at endpoint) (dialed, error) {
	at = b.rewritten(at)
	if path, ok := at.local(); ok {
		return dialLocal(path)
	}
	ep, err := transport.NewEndpoint(at.url)
	if err != nil {
		return dialed{}, &gitError{text: redact(err.Error()), err: err}
	}
	d := dialed{at: ep}
	switch ep.Protocol {
	case "http", "https":
		policy := githttp.FollowInitialRedirects
		if at.login {
			policy = githttp.NoFollowRedirects // the login would go along to another host
			d.auth = &githttp.BasicAuth{Username: at.user, Password: at.password}
		}
		d.Transport = githttp.NewClientWithOptions(&http.Client{Transport: http.DefaultTransport}, &githttp.ClientOptions{RedirectPolicy: policy})
	case "ssh":
		d.Transport = gitssh.NewClient(nil)
		if d.auth, err = sshAuth(ep); err != nil {
			return d, err
		}
	case "git":
		d.Transport = gitproto.DefaultClient
	default:
		return d, &gitError{text: fmt.Sprintf("%s cannot be fetched from without the git command", ep.Protocol), err: errors.ErrUnsupported}
	}
	return d, nil
}

// rewritten applies the url.BASE.insteadOf rules of the clone and of the user.
func (b builtin) rewritten(at endpoint) endpoint {
	longest, to := "", ""
	apply := func(cfg *config.Config) {
		for _, sub := range cfg.Raw.Section("url").Subsections {
			for _, from := range sub.OptionAll("insteadOf") {
				if len(from) > len(longest) && strings.HasPrefix(at.url, from) {
					longest, to = from, sub.Name
				}
			}
		}
	}
	if cfg, err := config.LoadConfig(config.GlobalScope); err == nil {
		apply(cfg)
	}
	if cfg, err := b.r.store.config(); err == nil {
		apply(cfg)
	}
	if longest == "" {
		return at
	}
	next := endpointOf(to + strings.TrimPrefix(at.url, longest))
	if !next.login {
		next.user, next.password, next.login = at.user, at.password, at.login
	}
	return next
}

// onDisk serves a repository of this machine in process.
type onDisk struct{ storer.Storer }

func (d onDisk) Load(*transport.Endpoint) (storer.Storer, error) { return d.Storer, nil }

func dialLocal(path string) (dialed, error) {
	l, ok, err := repositoryAt(path)
	if err != nil || !ok {
		return dialed{}, &gitError{text: fmt.Sprintf("%s does not appear to be a git repository", path), err: cmpErr(err, os.ErrNotExist)}
	}
	dir := l.gitDir
	if l.common != "" {
		dir = l.common
	}
	s := filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(objectCacheSize), filesystem.Options{AlternatesFS: osfs.New("/")})
	return dialed{
		Transport: server.NewClient(onDisk{s}),
		at:        &transport.Endpoint{Protocol: "file", Path: dir},
		holds:     func(h plumbing.Hash) bool { return s.HasEncodedObject(h) == nil },
	}, nil
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// ask opens a session and reads what the remote has. It returns soon after the
// context ends, although what dials does not know of it.
func ask[S transport.Session](ctx context.Context, open func(*transport.Endpoint, transport.AuthMethod) (S, error), d dialed) (s S, adv *packp.AdvRefs, err error) {
	type answer struct {
		s   S
		adv *packp.AdvRefs
		err error
	}
	ch := make(chan answer, 1)
	go func() {
		var a answer
		if a.s, a.err = open(d.at, d.auth); a.err == nil {
			if a.adv, a.err = a.s.AdvertisedReferencesContext(ctx); a.err != nil {
				a.err = errors.Join(a.err, a.s.Close())
			}
		}
		ch <- a
	}()
	select {
	case a := <-ch:
		return a.s, a.adv, protocolError(a.err)
	case <-ctx.Done():
		go func() {
			if a := <-ch; a.err == nil {
				_ = a.s.Close()
			}
		}()
		return s, nil, model.Errorf(model.ExitInterrupted, "fetch: %w", ctx.Err())
	}
}

// protocolError makes one line of what a server or the network said.
func protocolError(err error) error {
	var key *hostKeyError
	if err == nil || errors.As(err, &key) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return model.Errorf(model.ExitInterrupted, "fetch: %w", err)
	}
	return &gitError{text: sanitize.Line(oneLine(redact(strings.ReplaceAll(err.Error(), "\n", "; ")))), err: err}
}

func (b builtin) list(ctx context.Context, at endpoint, _ bool) (remoteRefs, error) {
	l := remoteRefs{branches: map[string]plumbing.Hash{}}
	d, err := b.dial(at)
	if err != nil {
		return l, err
	}
	s, adv, err := ask(ctx, d.NewUploadPackSession, d)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	for name, h := range adv.References {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			l.branches[branch] = h
		}
	}
	for _, ref := range adv.Capabilities.Get(capability.SymRef) {
		if branch, ok := strings.CutPrefix(ref, "HEAD:refs/heads/"); ok {
			l.head = branch
		}
	}
	return l, protocolError(s.Close())
}

func (b builtin) fetch(ctx context.Context, at endpoint, what refspec) error {
	if b.r.shallow() {
		return model.Errorf(model.ExitUsage, "the history of the clone is cut off, and without the git command it cannot be completed; install git, or run `git fetch --unshallow` in the clone")
	}
	d, err := b.dial(at)
	if err != nil {
		return err
	}
	s, adv, err := ask(ctx, d.NewUploadPackSession, d)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return b.point(what, nil)
	}
	if err != nil {
		return err
	}
	refs, err := wanted(adv, what)
	if err == nil {
		err = b.transfer(ctx, s, d, adv, refs)
	}
	if err = errors.Join(err, protocolError(s.Close())); err != nil {
		return err
	}
	return b.point(what, refs)
}

// wanted are the references to make and what they become.
func wanted(adv *packp.AdvRefs, what refspec) (map[string]plumbing.Hash, error) {
	refs := map[string]plumbing.Hash{}
	switch h, ok := adv.References[what.from]; {
	case what.all:
		for name, h := range adv.References {
			if rest, ok := strings.CutPrefix(name, what.from); ok {
				refs[what.to+rest] = h
			}
		}
	case plumbing.IsHash(what.from):
		refs[what.to] = plumbing.NewHash(what.from)
	case ok:
		refs[what.to] = h
	default:
		return nil, &gitError{text: "couldn't find remote ref " + what.from, err: plumbing.ErrReferenceNotFound}
	}
	return refs, nil
}

// transfer brings what is not at hand into the own repository.
func (b builtin) transfer(ctx context.Context, s transport.UploadPackSession, d dialed, adv *packp.AdvRefs, refs map[string]plumbing.Hash) error {
	had, err := b.r.store.ownReferences("refs/")
	if err != nil {
		return err
	}
	req := packp.NewUploadPackRequestFromCapabilities(adv.Capabilities)
	at := map[plumbing.Hash]bool{}
	for _, h := range had {
		at[h] = true
	}
	for _, h := range refs {
		if _, err := b.r.store.commit(h); !at[h] && (b.r.own.alone || err != nil) {
			at[h] = true
			req.Wants = append(req.Wants, h)
		}
	}
	if len(req.Wants) == 0 {
		return nil
	}
	req.Haves = slices.DeleteFunc(b.haves(had), func(h plumbing.Hash) bool { return d.holds != nil && !d.holds(h) })
	res, err := s.UploadPack(ctx, req)
	if err != nil {
		return protocolError(err)
	}
	var pack io.Reader = res
	told := &progress{tell: b.r.tell}
	for c, kind := range map[capability.Capability]sideband.Type{capability.Sideband64k: sideband.Sideband64k, capability.Sideband: sideband.Sideband} {
		if req.Capabilities.Supports(c) {
			demux := sideband.NewDemuxer(kind, res)
			demux.Progress = told
			pack = demux
		}
	}
	into := filesystem.NewStorage(noAlternates{osfs.New(b.r.own.dir)}, cache.NewObjectLRU(objectCacheSize))
	err = packfile.UpdateObjectStorage(into, pack)
	return errors.Join(protocolError(err), res.Close(), into.Close())
}

// haves are commits that are at hand with all that is behind them.
func (b builtin) haves(had map[string]plumbing.Hash) []plumbing.Hash {
	seen := map[plumbing.Hash]bool{}
	for _, h := range had {
		for range havesPerBranch {
			c, err := b.r.store.commit(h)
			if err != nil || seen[h] {
				break
			}
			seen[h] = true
			if len(c.ParentHashes) == 0 {
				break
			}
			h = c.ParentHashes[0]
		}
	}
	list := make([]plumbing.Hash, 0, len(seen))
	for h := range seen {
		list = append(list, h)
	}
	return list
}

// point sets the references to what was fetched, and removes those that a
// prefix no longer has.
func (b builtin) point(what refspec, refs map[string]plumbing.Hash) error {
	if err := b.r.store.reopen(); err != nil {
		return err
	}
	for name, h := range refs {
		if _, err := b.r.store.commit(h); err != nil {
			return fmt.Errorf("the server did not send %s: %w", name, err)
		}
	}
	had, err := b.r.store.ownReferences(what.to)
	if err != nil {
		return err
	}
	for name := range had {
		if _, is := refs[name]; !is && what.all {
			if err := b.r.store.removeReference(name); err != nil {
				return err
			}
		}
	}
	for name, h := range refs {
		if had[name] == h {
			continue
		}
		if err := b.r.store.setReference(name, h); err != nil {
			return err
		}
	}
	return nil
}

func (b builtin) push(ctx context.Context, at endpoint, h plumbing.Hash, branch plumbing.ReferenceName) error {
	d, err := b.dial(at)
	if err != nil {
		return err
	}
	s, adv, err := ask(ctx, d.NewReceivePackSession, d)
	if err != nil {
		return err
	}
	err = b.send(ctx, s, adv, h, branch)
	return errors.Join(err, protocolError(s.Close()))
}

func (b builtin) send(ctx context.Context, s transport.ReceivePackSession, adv *packp.AdvRefs, h plumbing.Hash, branch plumbing.ReferenceName) error {
	switch old, is := adv.References[branch.String()]; {
	case is && old == h:
		return nil
	case is:
		return ErrBranchTaken
	}
	objects, err := b.missing(h, adv)
	if err != nil {
		return err
	}
	var pack bytes.Buffer
	if err := b.pack(&pack, objects); err != nil {
		return err
	}
	req := packp.NewReferenceUpdateRequestFromCapabilities(adv.Capabilities)
	req.Commands = []*packp.Command{{Name: branch, Old: plumbing.ZeroHash, New: h}}
	req.Packfile = io.NopCloser(&pack)
	said := &progress{}
	if adv.Capabilities.Supports(capability.Sideband64k) {
		if err := req.Capabilities.Set(capability.Sideband64k); err != nil {
			return err
		}
		req.Progress = said
	}
	report, err := s.ReceivePack(ctx, req)
	if report == nil {
		return protocolError(err)
	}
	for _, c := range report.CommandStatuses {
		if e := c.Error(); e != nil {
			if says(e.Error(), "already exists", "failed to update ref") {
				return ErrBranchTaken // made by somebody else meanwhile
			}
			g := gitRun{}
			return &rejected{strings.TrimSpace(g.clean(e.Error()) + " " + g.clean(said.String()))}
		}
	}
	return protocolError(err)
}

// pack writes objects as a pack. A draft is small: none is compared with
// another.
func (b builtin) pack(w io.Writer, objects []plumbing.Hash) error {
	s := chain{}
	lru := cache.NewObjectLRU(objectCacheSize)
	dirs := []string{b.r.own.dir}
	if b.r.own.clone != "" {
		further, err := alternates(b.r.store.objectsDir(), alternateDepth)
		if err != nil {
			return err
		}
		for _, d := range append([]string{b.r.store.objectsDir()}, further...) {
			dirs = append(dirs, filepath.Dir(d))
		}
	}
	for _, dir := range dirs {
		s = append(s, filesystem.NewStorage(noAlternates{osfs.New(dir)}, lru))
	}
	_, err := packfile.NewEncoder(w, s, false).Encode(objects, 0)
	return errors.Join(err, s.Close())
}
