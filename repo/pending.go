package repo

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// pendingAnew works the answers out.
func (r *Repo) pendingAnew(ctx context.Context, asks []model.PendingAsk) []model.PendingAnswer {
	return r.surveyed(newSurvey(ctx, r), asks)
}

// Outline is PendingAll without the renders, and so at once: how a change alters
// objects is left out, and a commit that reads well but does not build is not
// known to have a Problem, nor its neighbours to touch what it would have read.
// Lists that were worked out before are whole.
func (r *Repo) Outline(ctx context.Context, asks []model.PendingAsk) []model.PendingAnswer {
	return r.answered(ctx, asks, func(missing []model.PendingAsk) []model.PendingAnswer {
		s := newSurvey(ctx, r)
		s.outline = true
		return r.surveyed(s, missing)
	}, false)
}

func (r *Repo) surveyed(s *survey, asks []model.PendingAsk) []model.PendingAnswer {
	defer s.end()
	answers := make([]model.PendingAnswer, len(asks))
	if !s.outline && r.kustomizers.Runs() == 0 {
		go r.kustomizers.Warm() // they start while the line is read
	}
	var all sync.WaitGroup
	for i, ask := range asks {
		// The lines are read one after the other, as most are one and the same.
		p, l, err := s.begin(ask)
		if err != nil {
			answers[i].Err = err
			continue
		}
		all.Go(func() { answers[i].Pending, answers[i].Err = s.list(ask.Environment, p, l) })
	}
	all.Wait()
	return answers
}

func (r *Repo) headOf(ctx context.Context, env model.Environment, head string) (model.Commit, error) {
	if head == "" {
		return r.Head(ctx, env.Branch)
	}
	return r.Commit(ctx, head)
}

// survey is what the walks of one call share.
type survey struct {
	*Repo
	ctx      context.Context // of the one call
	cancel   context.CancelFunc
	outline  bool // nothing is rendered
	shallow  map[plumbing.Hash]bool
	heads    map[string]model.Commit     // by branch and revision
	lines    map[plumbing.Hash]*ancestry // by head
	slots    chan struct{}               // for renders
	rendered sync.WaitGroup

	mu      sync.Mutex // of the deltas of lines, and of what follows
	renders map[cacheKey]*rendering
	changes map[plumbing.Hash]outline
}

// outline is what a commit is in the eyes of some signers.
type outline struct {
	signers []model.Signer
	change  model.Change
}

func newSurvey(ctx context.Context, r *Repo) *survey {
	s := &survey{
		Repo:    r,
		heads:   map[string]model.Commit{},
		lines:   map[plumbing.Hash]*ancestry{},
		slots:   make(chan struct{}, runtime.NumCPU()),
		renders: map[cacheKey]*rendering{},
		changes: map[plumbing.Hash]outline{},
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// end stops the renders that turned out not to be wanted.
func (s *survey) end() {
	s.cancel()
	s.rendered.Wait()
}

// begin finds the stretch of history that a list is made of.
func (s *survey) begin(ask model.PendingAsk) (model.Pending, line, error) {
	name := ask.Environment.Name
	key := ask.Environment.Branch + "\x00" + ask.Head
	top, has := s.heads[key]
	if !has {
		var err error
		if top, err = s.headOf(s.ctx, ask.Environment, ask.Head); err != nil {
			return model.Pending{}, line{}, fmt.Errorf("%s: %w", name, err)
		}
		s.heads[key] = top
	}
	p := model.Pending{Deployed: ask.Deployed, Head: top}
	if ask.Deployed == "" {
		p.Adopt = true
		return p, line{}, nil
	}
	l, err := s.line(plumbing.NewHash(top.Hash), ask.Deployed)
	if err != nil {
		return model.Pending{}, line{}, fmt.Errorf("%s: %w", name, err)
	}
	p.Diverged, p.Incomplete = l.diverged, l.cut
	return p, l, nil
}

// list fills in the changes.
func (s *survey) list(env model.Environment, p model.Pending, l line) (model.Pending, error) {
	w := &walk{survey: s, env: env, line: l}
	if err := w.run(); err != nil {
		return model.Pending{}, wrapContent(err, "%s: cannot list pending changes", env.Name)
	}
	p.Changes, p.Outlined = w.changes, s.outline
	if w.more {
		p.Incomplete = true
		p.Diverged += fmt.Sprintf("; only the newest %d changes are listed", l.limit)
	}
	return p, nil
}

// rendering is a render under way.
type rendering struct {
	done chan struct{}
	res  *result
	err  error
}

// ahead starts a render that is likely to be asked for, unless it is under way.
// mu is held.
func (s *survey) ahead(env model.Environment, root plumbing.Hash) *rendering {
	key := cacheKey{recipe(env) + env.Name + "\x00" + env.Namespace, root} // a chart is told both
	if r := s.renders[key]; r != nil {
		return r
	}
	r := &rendering{done: make(chan struct{})}
	s.renders[key] = r
	s.rendered.Go(func() {
		defer close(r.done)
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
			if s.outline {
				r.res, r.err = s.scan(s.ctx, env, root)
			} else {
				r.res, r.err = s.render(s.ctx, env, root)
			}
		case <-s.ctx.Done():
			r.err = s.ctx.Err()
		}
	})
	return r
}

func (s *survey) wait(r *rendering) (*result, error) {
	<-r.done
	return r.res, r.err
}

// described says what a commit is, once for all environments it is a change of
// that trust the same signers.
func (s *survey) described(h plumbing.Hash, env model.Environment) (model.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, has := s.changes[h]
	if !has || !slices.Equal(d.signers, env.Signers) {
		c, err := s.commit(h)
		if err != nil {
			return model.Change{}, err
		}
		if d.change, err = s.describeChange(c, env); err != nil {
			return model.Change{}, err
		}
		d.signers = env.Signers
		s.changes[h] = d
	}
	ch := d.change // its parts are the caller's to alter
	ch.CoAuthors = slices.Clone(ch.CoAuthors)
	if ch.PullRequest != nil {
		pr := *ch.PullRequest
		ch.PullRequest = &pr
	}
	return ch, nil
}
