package rollout

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/fairtide-dev/fairtide/model"
)

// Status says how an environment stands. What cannot be read leaves its field
// empty and its reason in Problem, so that one cluster that is away does not
// hide the others; an error is returned only when there is nothing to show.
func (e *Engine) Status(ctx context.Context, name string) (model.EnvironmentStatus, error) {
	all, err := e.StatusAll(ctx, []string{name})
	if err != nil {
		return model.EnvironmentStatus{}, err
	}
	return all[0], nil
}

// StatusAll is Status of several environments, in the order of names: their
// clusters are asked at the same time, and history is walked once for all.
func (e *Engine) StatusAll(ctx context.Context, names []string) ([]model.EnvironmentStatus, error) {
	all := make([]model.EnvironmentStatus, len(names))
	asks := make([]model.PendingAsk, len(names))
	g, reading := errgroup.WithContext(ctx)
	for i, name := range names {
		g.Go(func() (err error) {
			all[i], asks[i], err = e.standing(reading, name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var open []int // those whose state was read
	var wanted []model.PendingAsk
	for i := range all {
		if all[i].Problem == "" {
			open, wanted = append(open, i), append(wanted, asks[i])
		}
	}
	if len(open) == 0 {
		return all, nil
	}
	for j, a := range e.cfg.Repository.Outline(ctx, wanted) {
		st := &all[open[j]]
		if a.Err != nil {
			st.Problem = prefix(st.Name, a.Err).Error()
			continue
		}
		st.Pending = len(a.Pending.Changes)
		if st.Adopt = a.Pending.Adopt; st.Adopt {
			st.Pending = 1
		}
	}
	return all, nil
}

// standing is what is known of an environment without its history, and what to
// ask of that.
func (e *Engine) standing(ctx context.Context, name string) (model.EnvironmentStatus, model.PendingAsk, error) {
	var ask model.PendingAsk
	s, err := e.locate(ctx, name)
	if err != nil && s.env.Name == "" {
		return model.EnvironmentStatus{}, ask, err
	}
	st := model.EnvironmentStatus{
		Name: s.env.Name, Tier: s.env.Tier, Branch: s.env.Branch, Path: s.env.Path, Head: s.head.Hash,
	}
	if err != nil {
		st.Problem = err.Error()
		return st, ask, nil //nolint:nilerr // it is told in the status
	}
	if st.Branch == "" {
		if branch, err := e.cfg.Repository.DefaultBranch(ctx); err == nil {
			st.Branch = branch
		}
	}
	if err := e.readCluster(ctx, s, &st); err != nil {
		st.Problem = prefix(name, err).Error()
		return st, ask, nil
	}
	ask = model.PendingAsk{Environment: s.env, Head: s.head.Hash}
	if st.Deployed != nil {
		ask.Deployed = st.Deployed.Commit
	}
	return st, ask, nil
}

func (e *Engine) readCluster(ctx context.Context, s site, st *model.EnvironmentStatus) error {
	w, err := e.stand(ctx, s, concern{})
	st.Rules = w.rules
	if err != nil {
		return err
	}
	st.Cluster, st.User, st.Groups = ClusterName(w.info), w.info.User, w.info.Groups
	st.Window, st.Clock, st.Skew = &w.WindowState, w.info.Now, w.info.Skew
	state, err := s.cluster.ReadState(ctx, s.env.Name)
	if err != nil {
		return err
	}
	st.Deployed = state.Deployed
	if st.Lock, err = s.cluster.ReadLock(ctx, s.env.Name); err != nil {
		return err
	}
	return lastRun(ctx, s, state.LastRun, st)
}

// lastRun finds how the newest run stands. known is the one that the state
// named before the lock was read.
//
// A run takes the lock before it has a record, and frees it after the record is
// closed: it was interrupted when it was there, then did not hold the lock, and
// then its record was still open.
func lastRun(ctx context.Context, s site, known *model.RunRef, st *model.EnvironmentStatus) error {
	last, err := s.cluster.NewestRun(ctx, s.env.Name, known)
	if err != nil {
		return err
	}
	cutOff := func() bool { return last != nil && !last.State.Final() && !holds(st.Lock, last.ID) }
	if st.LastRun = last; !cutOff() {
		return nil
	}
	if known == nil || known.ID != last.ID { // it may have begun after the lock was read
		if st.Lock, err = s.cluster.ReadLock(ctx, s.env.Name); err != nil {
			return err
		}
		was := last.ID
		if last, err = s.cluster.NewestRun(ctx, s.env.Name, last); err != nil {
			return err
		}
		if st.LastRun = last; last == nil || last.ID != was || !cutOff() {
			return nil
		}
	}
	st.LastRun = &model.RunRef{ID: last.ID, State: model.RunInterrupted, Commit: last.Commit, TakesBack: last.TakesBack}
	return nil
}

// holds reports whether a run is the one under way.
func holds(l *model.Lock, run string) bool {
	return l != nil && (l.Run == "" || l.Run == run)
}

// ClusterName is how a cluster is named to a person.
func ClusterName(info model.ClusterInfo) string {
	return fmt.Sprintf("%s (%s)", info.Context, info.Server)
}

// Pending lists what is merged but not live. since, when not empty, is a
// revision that is taken to be the deployed one.
func (e *Engine) Pending(ctx context.Context, name, since string) (model.Pending, error) {
	s, err := e.locate(ctx, name)
	if since != "" && s.env.Name != "" {
		// Asking what came after a revision needs no cluster.
		commit, err := e.cfg.Repository.Resolve(ctx, since)
		if err != nil {
			return model.Pending{}, prefix(name, err)
		}
		p, err := e.cfg.Repository.Pending(ctx, s.env, commit, s.head.Hash)
		return p, prefix(name, err)
	}
	if err != nil {
		return model.Pending{}, err
	}
	state, err := s.cluster.ReadState(ctx, name)
	if err != nil {
		return model.Pending{}, prefix(name, err)
	}
	p, err := e.cfg.Repository.Pending(ctx, s.env, deployedCommit(state), s.head.Hash)
	if err != nil {
		return p, prefix(name, err)
	}
	asking, cancel := context.WithTimeout(ctx, askForge)
	defer cancel()
	_ = e.decorate(asking, p.Changes) // without a forge the list is as Git has it
	return p, nil
}

func deployedCommit(s model.State) string {
	if s.Deployed == nil {
		return ""
	}
	return s.Deployed.Commit
}

// History lists the recorded runs of an environment, newest first.
func (e *Engine) History(ctx context.Context, name string) ([]model.Run, error) {
	s, err := e.locate(ctx, name)
	if err != nil {
		return nil, err
	}
	runs, unreadable := s.cluster.Runs(ctx, name) // what can be read comes along with the error
	if unreadable != nil && len(runs) == 0 {
		return nil, prefix(name, unreadable)
	}
	lock, err := s.cluster.ReadLock(ctx, name)
	if err != nil {
		return nil, prefix(name, err)
	}
	open := map[string]bool{}
	for _, r := range runs {
		if !r.State.Final() && !holds(lock, r.ID) {
			open[r.ID] = true
		}
	}
	if len(open) == 0 {
		return runs, prefix(name, unreadable)
	}
	// One may have ended before the lock was read: see lastRun.
	again, err := s.cluster.Runs(ctx, name)
	if unreadable = err; err == nil || len(again) > 0 {
		runs = again
	}
	for i := range runs {
		if !runs[i].State.Final() && open[runs[i].ID] {
			runs[i].State = model.RunInterrupted
		}
	}
	return runs, prefix(name, unreadable)
}
