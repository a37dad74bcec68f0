package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/internal/screen"
	"github.com/fairtide-dev/fairtide/model"
)

// operator is somebody at a terminal with the UI open.
type operator struct {
	t    *testing.T
	ctx  context.Context
	term *screen.Terminal
}

func (w *world) operator(cols, rows int, args ...string) *operator {
	t := w.t
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = w.env
	term, err := screen.Start(cmd, cols, rows)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return &operator{t, ctx, term}
}

// sees waits until the screen shows every one of the texts at once.
func (o *operator) sees(texts ...string) {
	o.t.Helper()
	err := o.term.Wait(o.ctx, strings.Join(texts, " and "), func(screen string) bool {
		for _, s := range texts {
			if !strings.Contains(screen, s) {
				return false
			}
		}
		return true
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *operator) types(keys string) {
	o.t.Helper()
	if err := o.term.Type(keys); err != nil {
		o.t.Fatal(err)
	}
}

// confirms answers the confirm dialog, pressing keys again until the dialog
// takes them: it swallows what is typed while it is new.
func (o *operator) confirms(env, commit string) {
	o.t.Helper()
	ship := "Ship " + model.Short(commit)
	o.sees("Type "+env+" to confirm", ship)
	for !strings.Contains(o.term.Text(), "confirm: "+env) {
		if err := o.ctx.Err(); err != nil {
			o.t.Fatalf("the dialog takes no text: %v\n%s", err, o.term.Text())
		}
		o.types("\x1b[Z") // shift+tab: from Cancel back to the field
		o.typesSlowly(env)
	}
	o.types("\t") // from the field to the button
	o.sees("[ " + ship)
	// An enter that follows the last one too soon is taken for a key that is
	// held down, and ignored.
	o.untilSees("\r", "rolling out")
}

// typesSlowly types a word and gives the screen a moment to show it.
func (o *operator) typesSlowly(word string) {
	o.t.Helper()
	o.types(word)
	ctx, cancel := context.WithTimeout(o.ctx, time.Second)
	defer cancel()
	_ = o.term.WaitFor(ctx, "confirm: "+word) // the caller looks again
}

func (o *operator) leaves() {
	o.t.Helper()
	o.types("q")
	if err := o.term.Exited(o.ctx); err != nil {
		o.t.Errorf("the UI ended with %v", err)
	}
}

func TestJourneyReviewAndShip(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{})
	w.deploy("production")
	good := w.change("remove-admin").Commit // the newest of production's before the broken upgrade

	o := w.operator(120, 40)
	o.sees("ENVIRONMENTS", "dev", "staging", "production")
	o.types("3")
	o.sees("PENDING IN production", "#121", "#113")
	o.types("\tj") // into the list, past the broken upgrade
	o.sees("▌ #118")
	o.types("\r")
	o.sees("production  review", "live", "~ update", "+ create")
	// Object by object to the image upgrade: both sides, word for word.
	o.untilSees("]", "petstore:1.4.1", "petstore:1.4.2", "after apply")
	o.types("s")
	o.confirms("production", good)
	o.sees("✓ succeeded: production runs " + model.Short(good))
	o.types("\x1b")
	o.sees("PENDING IN production", "#121")
	if text := o.term.Text(); strings.Contains(text, "#118") {
		t.Errorf("a shipped change is still pending:\n%s", text)
	}
	o.types("h")
	o.sees("production  history", "production-2  ✓ succeeded", model.Short(good))
	o.types("d")
	o.sees("what production-2 changed", "Git, before", "~ update")
	o.types("\x1b")
	o.sees("production  history")
	o.types("cjc") // with the one before it
	o.sees("production-1 compared with production-2", "Git, before")
	o.types("\x1b")
	o.sees("production  history")
	o.types("\x1b")
	o.sees("PENDING IN production")
	o.leaves()

	changes := decode[struct{ Changes []model.Change }](t, w.must(0, "changes", "-e", "production", "-o", "json").stdout).Changes
	if len(changes) != 1 || changes[0].Commit != w.repo.Head {
		t.Errorf("pending after the journey: %+v", changes)
	}
}

// untilSees presses a key until the screen shows all the texts.
func (o *operator) untilSees(key string, texts ...string) {
	o.t.Helper()
	const most = 40
	for range most {
		ctx, cancel := context.WithTimeout(o.ctx, 400*time.Millisecond)
		err := o.term.Wait(ctx, "", func(screen string) bool {
			for _, s := range texts {
				if !strings.Contains(screen, s) {
					return false
				}
			}
			return true
		})
		cancel()
		if err == nil {
			return
		}
		o.types(key)
	}
	o.t.Fatalf("pressed %q %d times without seeing %q:\n%s", key, most, texts, o.term.Text())
}

func TestJourneyBrokenUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{})
	w.deploy("production")

	o := w.operator(120, 40)
	o.sees("production")
	o.types("3")
	o.sees("PENDING IN production", "#121")
	o.types("s")
	o.confirms("production", w.repo.Head)
	reported := w.imagePullErrorReported(o.ctx)
	shown := make(chan time.Time, 1)
	go func() {
		if err := o.term.Wait(o.ctx, "the reason", func(s string) bool {
			return strings.Contains(s, "cannot pull ghcr.io/petstore/gateway:2.0.9") && strings.Contains(s, "not found")
		}); err != nil {
			t.Error(err)
		}
		shown <- time.Now()
	}()
	at := <-reported
	late := (<-shown).Sub(at)
	t.Logf("the page named the reason %s after the pod reported it", late.Round(10*time.Millisecond))
	if late > 5*time.Second {
		t.Errorf("the page named the reason %s after the pod reported it; it may take 5 s", late)
	}
	o.sees("will not become ready", "failed")
	o.types("\x1b")
	o.sees("PENDING IN production", "#121", "✗ failed")
	o.leaves()
	runs := decode[struct{ Runs []model.Run }](t, w.must(0, "history", "-e", "production", "-o", "json").stdout).Runs
	if runs[0].State != model.RunFailed || !strings.Contains(runs[0].Reason, "gateway:2.0.9") {
		t.Errorf("the record says %s: %s", runs[0].State, runs[0].Reason)
	}
}

// imagePullErrorReported sends the time at which a pod of the environment
// first says that its image cannot be pulled, as its watch tells it.
func (w *world) imagePullErrorReported(ctx context.Context) <-chan time.Time {
	w.t.Helper()
	out := make(chan time.Time, 1)
	pods, err := w.cluster.Client(w.t).CoreV1().Pods("petstore-production"+w.suffix).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer pods.Stop()
		for e := range pods.ResultChan() {
			pod, ok := e.Object.(*corev1.Pod)
			if !ok {
				continue
			}
			for _, s := range pod.Status.ContainerStatuses {
				if s.State.Waiting != nil && strings.Contains(s.State.Waiting.Message, "not found") {
					out <- time.Now()
					return
				}
			}
		}
		w.t.Error("no pod said that its image cannot be pulled")
		out <- time.Now()
	}()
	return out
}
