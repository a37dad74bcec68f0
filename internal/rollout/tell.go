package rollout

import (
	"context"
	"time"

	"github.com/fairtide-dev/fairtide/internal/notify"
	"github.com/fairtide-dev/fairtide/model"
)

// Notifier tells others of one run. It never fails or delays it.
type Notifier interface {
	Start(m notify.Message)
	Event(e model.Event)
	Finish(run model.Run)
	Thread() (channel, message string)
	// Close delivers what is waiting, and says in one line what was lost.
	Close(ctx context.Context) string
}

var _ Notifier = (*notify.Notifier)(nil)

// flush is how long the end of a run waits for its last messages, once its
// verdict was shown.
const flush = 3 * time.Second

// teller passes a run's story on to a Notifier. A nil teller tells nobody.
type teller struct {
	notifier Notifier
}

// tellOthers begins to tell of the run, once it has a record.
func (x *execution) tellOthers() {
	if x.engine.cfg.Notifier == nil {
		return
	}
	n, err := x.engine.cfg.Notifier(x.site.config.Notify)
	if err != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "nobody is notified: " + err.Error()})
		return
	}
	if n == nil {
		return
	}
	x.teller = &teller{notifier: n}
	run := x.record.get()
	n.Start(notify.Message{
		Run: run.ID, Environment: x.site.env.Name, Tier: x.site.env.Tier, Commit: run.Commit,
		Title: x.title, Operator: run.Operator, Override: run.Override, Exception: run.Exception,
	})
}

func (t *teller) event(e model.Event) {
	if t != nil {
		t.notifier.Event(e)
	}
}

// thread is where the run is told of, for its record.
func (t *teller) thread() *model.Thread {
	if t == nil {
		return nil
	}
	if channel, message := t.notifier.Thread(); message != "" {
		return &model.Thread{Channel: channel, Message: message}
	}
	return nil
}

// close tells the verdict and delivers what is waiting. It returns what was
// lost, in one line: the run has ended as it has, and others may not know it.
func (t *teller) close(run model.Run) (lost string) {
	if t == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), flush)
	defer cancel()
	t.notifier.Finish(run)
	return t.notifier.Close(ctx)
}
