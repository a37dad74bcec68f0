//go:build unix

package tui

import (
	"context"
	"io"
	"syscall"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// processor is the processor time that this process has taken.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// share measures how much of a core the process takes while work goes on.
func share(b *testing.B, work func()) {
	b.Helper()
	before, began := processor(b), time.Now()
	work()
	b.ReportMetric(100*(processor(b)-before).Seconds()/time.Since(began).Seconds(), "%-of-a-core")
}

// program is the UI in Bubble Tea's own hands, on a terminal of 200x60 that
// takes all it gets.
type program struct {
	*tea.Program
	messages int // handled so far
	ended    chan struct{}
}

// probe asks a question of the App, in its goroutine.
type probe func(a *App, messages int)

func newProgram(b *testing.B, backend Backend) *program {
	b.Helper()
	p := &program{ended: make(chan struct{})}
	a := New(Config{Backend: backend})
	p.Program = tea.NewProgram(a, tea.WithInput(nil), tea.WithOutput(io.Discard), tea.WithWindowSize(200, 60),
		tea.WithColorProfile(colorprofile.TrueColor), tea.WithoutSignals(),
		tea.WithFilter(func(m tea.Model, msg tea.Msg) tea.Msg {
			if ask, ok := msg.(probe); ok {
				ask(m.(*App), p.messages)
				return nil
			}
			p.messages++
			return byCharacter(m, msg)
		}))
	go func() {
		defer close(p.ended)
		_, _ = p.Run()
	}()
	b.Cleanup(func() {
		p.Quit()
		<-p.ended
		a.cancel()
	})
	return p
}

// handled is how many messages were handled so far.
func (p *program) handled() int {
	answer := make(chan int)
	p.Send(probe(func(_ *App, n int) { answer <- n }))
	return <-answer
}

func (p *program) until(b *testing.B, what string, is func(*App) bool) {
	b.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		answer := make(chan bool)
		p.Send(probe(func(a *App, _ int) { answer <- is(a) }))
		if <-answer {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("%s: it does not come to that", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (p *program) press(keys ...string) {
	for _, k := range keys {
		p.Send(tuitest.Key(k))
	}
}

// production goes to production's review.
func (p *program) production(b *testing.B) {
	b.Helper()
	p.until(b, "home", func(a *App) bool { return a.home.Pending("dev").Loaded })
	p.press("3")
	p.until(b, "production", func(a *App) bool { return a.home.Pending("production").Loaded })
	p.press("enter")
	p.until(b, "the plan", func(a *App) bool { return a.at == action.Review && a.review.Plan.Loaded && a.live != nil })
}

const (
	perSecond = 1_000
	lasting   = 4 * time.Second
)

// pour calls emit a thousand times a second for some seconds.
func pour(emit func(i int)) {
	const step = 10 * time.Millisecond
	t := time.NewTicker(step)
	defer t.Stop()
	for i := 0; i < perSecond*int(lasting/time.Second); {
		<-t.C
		for range perSecond * int(step) / int(time.Second) {
			emit(i)
			i++
		}
	}
}

// BenchmarkWatchEvents is what a thousand events a second cost: of objects on
// the review page, and of a run on its page.
func BenchmarkWatchEvents(b *testing.B) {
	for name, plan := range map[string]*model.Plan{"review-26-objects": nil, "review-5000-objects": manyPlan()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				backend := tuitest.Sample(time.Now())
				if plan != nil {
					backend.Plans["production"] = plan
				}
				objects := backend.Plans["production"].Objects
				backend.Moves = make(chan model.Observation)
				p := newProgram(b, backend)
				p.production(b)
				// Opening the page is not what events cost.
				p.until(b, "what is found out about the plan", func(a *App) bool { return a.review.Cost() > 0 })
				share(b, func() {
					pour(func(i int) { backend.Moves <- model.Observation{Moved: []model.ObjectID{objects[i%len(objects)].ID}} })
				})
			}
		})
	}
	b.Run("rollout", func(b *testing.B) {
		for b.Loop() {
			backend := tuitest.Sample(time.Now())
			plan := backend.Plans["production"]
			pouring, poured := make(chan struct{}), make(chan struct{})
			backend.Script = func(ctx context.Context, a model.Approval, emit func(model.Event)) (model.Run, error) {
				<-pouring
				pour(func(i int) {
					o := plan.Objects[i%len(plan.Objects)].ID
					emit(model.Event{Time: time.Now(), Type: model.EventProgress, Object: &o, Progress: &model.Progress{
						ID: o, Readiness: model.ReadinessProgress, Ready: i % 3, Desired: 3, Message: "updated pods are available", Since: time.Now(),
					}})
				})
				close(poured)
				<-ctx.Done()
				return model.Run{}, ctx.Err()
			}
			p := newProgram(b, backend)
			p.production(b)
			p.Send(probe(func(a *App, _ int) {
				cmd := a.start(a.review.Environment, model.Approval{Plan: a.review.Plan.Value}, nil)
				go p.Send(cmd())
			}))
			p.until(b, "the run", func(a *App) bool { return a.at == action.Rollout })
			share(b, func() {
				close(pouring)
				<-poured
			})
		}
	})
}

// BenchmarkIdle is what the UI costs when nothing happens: no message at all,
// but for the home page's ages.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		p := newProgram(b, tuitest.Sample(time.Now()))
		p.production(b)
		<-time.After(2 * time.Second) // until what was started has come to rest
		before := p.handled()
		share(b, func() { <-time.After(lasting) })
		b.ReportMetric(float64(p.handled()-before), "messages")
	}
}
