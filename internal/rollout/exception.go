package rollout

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fairtide-dev/fairtide/model"
)

// How an override is written to the pull requests that a run ships.
const (
	commentLimit  = 30 * time.Second // for all of them
	commentGrace  = 3 * time.Second  // that the end of the run waits for the rest
	commentAtOnce = 4
)

// overrideMarker marks the comment that tells of an override. Each merge and
// each run has one of its own.
const overrideMarker = "fairtide-override"

// overrideComment says, where others look, that a rule was overridden, and why.
func overrideComment(done, rules, reason string) string {
	return fmt.Sprintf("%s although a rule forbids it (%s). Reason: %s", done, text(rules), text(reason))
}

// exceptionTold is the telling of a run's override, on its way.
type exceptionTold struct {
	stop func()
	done chan struct{}
}

// tellException begins to write the override of a run to the pull requests that
// it ships. It does not hold the run up.
func (x *execution) tellException(ctx context.Context) {
	run := x.record.get()
	ex := run.Exception
	if ex == nil || len(run.PullRequests) == 0 || x.engine.cfg.Forge == nil || x.engine.cfg.Repository.RemoteURL() == "" {
		return
	}
	// What was overridden is told also when the run is stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commentLimit)
	t := &exceptionTold{stop: cancel, done: make(chan struct{})}
	x.told = t
	rules := fmt.Sprintf("%s; overridden by %s", strings.Join(ex.Rules, "; "), ex.Who())
	body := overrideComment(fmt.Sprintf("Run %s to %s began", text(run.ID), text(run.Environment)), rules, ex.Reason)
	marker, numbers := overrideMarker+"-"+run.ID, run.PullRequests
	go func() {
		defer close(t.done)
		defer cancel()
		if missing, err := x.engine.comment(ctx, numbers, marker, body); err != nil {
			x.log.tell(model.Event{Type: model.EventNote, Message: fmt.Sprintf(
				"the override is in the run's record, and could not be written to %s: %v", strings.Join(missing, ", "), err)})
		}
	}()
}

// comment writes a comment to pull requests. It returns those that did not get
// it, with the first reason.
func (e *Engine) comment(ctx context.Context, numbers []int, marker, body string) (missing []string, err error) {
	f, away := e.connectForge(ctx)
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(commentAtOnce)
	for _, n := range numbers {
		g.Go(func() error {
			failure := away
			if failure == nil {
				failure = f.UpsertComment(ctx, n, marker, body)
			}
			if failure != nil {
				mu.Lock()
				missing = append(missing, fmt.Sprintf("#%d", n))
				mu.Unlock()
			}
			return failure
		})
	}
	err = g.Wait()
	return missing, err
}

// finish waits for what is on its way, and no longer than a moment.
func (t *exceptionTold) finish() {
	if t == nil {
		return
	}
	grace := time.NewTimer(commentGrace)
	defer grace.Stop()
	select {
	case <-t.done:
	case <-grace.C:
		t.stop()
		<-t.done
	}
}
