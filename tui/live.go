package tui

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/review"
)

const (
	// replanPace is the shortest time between two readings of a plan that
	// nobody asked for.
	replanPace = 2 * time.Second

	// replanShare is how many times as long as a reading keeps the processor
	// busy nothing is read after it, but not longer than replanMost.
	replanShare = 10
	replanMost  = 20 * time.Second
)

// paceAfter is how long after a reading that cost so much the next one may begin.
func paceAfter(cost time.Duration) time.Duration {
	return min(max(replanPace, replanShare*cost), replanMost)
}

// live is the watch over the plan on the review page.
type live struct {
	page   *review.Page
	commit string // of the plan whose objects are watched
	cancel context.CancelFunc

	mu    sync.Mutex
	news  model.Observation
	ended bool
	wake  chan struct{} // holds one token when there are news
}

// liveMsg is what has moved since the last one.
type liveMsg struct {
	live *live
	news model.Observation
}

func (l *live) add(o model.Observation) {
	l.mu.Lock()
	l.news.Moved = append(l.news.Moved, o.Moved...)
	if o.Unwatched != "" {
		l.news.Unwatched = o.Unwatched
	}
	l.mu.Unlock()
	l.ring()
}

func (l *live) ring() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// end is called when the watch is over; err is why, if it was not told to stop.
func (l *live) end(ctx context.Context, err error) {
	l.mu.Lock()
	l.ended = true
	if err != nil && ctx.Err() == nil {
		l.news.Unwatched = err.Error()
	}
	l.mu.Unlock()
	l.ring()
}

// next blocks until there are news and takes them all; nil when there will be
// no more.
func (l *live) next(wait time.Duration) tea.Msg {
	if wait > 0 {
		<-time.After(wait)
	}
	<-l.wake
	l.mu.Lock()
	defer l.mu.Unlock()
	news := l.news
	l.news = model.Observation{}
	if l.ended {
		l.ring() // for whoever asks again
		if len(news.Moved) == 0 && news.Unwatched == "" {
			return nil
		}
	}
	return liveMsg{live: l, news: news}
}

// watch starts and ends the watch over the plan, as pages come and go. A draft
// is made anew when it is read again, so that it is left to the operator.
func (a *App) watch() tea.Cmd {
	p := a.review
	wanted := a.at == action.Review && p.Plan.Loaded && p.Draft == nil && p.Past == nil
	if a.live != nil && (!wanted || a.live.page != p || a.live.commit != p.Plan.Value.Commit) {
		a.live.cancel()
		a.live = nil
	}
	if !wanted || a.live != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(a.ctx)
	plan := p.Plan.Value
	l := &live{page: p, commit: plan.Commit, cancel: cancel, wake: make(chan struct{}, 1)}
	a.live = l
	return tea.Batch(
		func() tea.Msg {
			defer cancel()
			l.end(ctx, a.cfg.Backend.Observe(ctx, plan, l.add))
			return nil
		},
		func() tea.Msg { return l.next(0) },
	)
}

// observed reads the plan again when something in it moved.
func (a *App) observed(msg liveMsg) tea.Cmd {
	l := msg.live
	if a.live != l {
		return nil
	}
	wait := paceAfter(l.page.Cost())
	again := func() tea.Msg { return l.next(wait) }
	if msg.news.Unwatched != "" {
		l.page.Unwatched = msg.news.Unwatched
		a.notice = "this plan is not kept current, " + a.keyOf(action.Refresh, action.Review) + " reads it again: " + msg.news.Unwatched
	}
	if len(msg.news.Moved) == 0 {
		return again
	}
	if l.page.Plan.Busy() {
		l.add(msg.news) // the reading under way may have passed it already
		return again
	}
	return tea.Batch(a.replan(l.page), again)
}

// replan reads a plan again that nobody asked to be read: of the same commit,
// also when newer ones were merged.
func (a *App) replan(p *review.Page) tea.Cmd {
	asked := p.Commit
	defer func() { p.Commit = asked }()
	if p.Proposed == nil {
		p.Commit = p.Plan.Value.Commit
	}
	return a.loadPlan(p)
}
