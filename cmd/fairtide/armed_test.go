package main

import (
	"context"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// patience is how long these tests wait for what takes an armed plan two looks.
const patience = time.Minute

// said is what a command that goes on has said so far.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// vigil is `fairtide apply --wait-for-window` on its way.
type vigil struct {
	*shore
	stderr said
	stdout *os.File
	cancel context.CancelFunc
	ended  chan struct{}
	code   model.ExitCode
}

// arms confirms the plan and waits until the program says that it is armed.
func (w *shore) arms(args ...string) *vigil {
	w.t.Helper()
	out, err := os.CreateTemp(w.t.TempDir(), "stdout")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	v := &vigil{shore: w, stdout: out, cancel: cancel, ended: make(chan struct{})}
	p := program{
		args:  append([]string{"apply", "-e", "production", "--yes", "--wait-for-window"}, args...),
		stdin: out, stdout: out, stderr: &v.stderr,
		lookupEnv: func(name string) (string, bool) { s, ok := w.env[name]; return s, ok },
		workDir:   func() (string, error) { return w.dir, nil }, hostname: func() (string, error) { return "bastion", nil },
		clock: func() time.Time { return w.server.now().Add(w.skew) },
	}
	go func() {
		defer close(v.ended)
		v.code = p.run(ctx)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-v.ended
		_ = out.Close()
	})
	v.hears("armed: waits until ")
	return v
}

func (v *vigil) all() string {
	v.t.Helper()
	data, err := os.ReadFile(v.stdout.Name())
	if err != nil {
		v.t.Fatal(err)
	}
	return string(data) + v.stderr.String()
}

// hears waits until the program has said something.
func (v *vigil) hears(text string) {
	v.t.Helper()
	testcluster.Eventually(v.t, patience, "somebody says "+text, func() (bool, error) {
		select {
		case <-v.ended:
			if !strings.Contains(v.all(), text) {
				v.t.Fatalf("ended with %d, without %q:\n%s", v.code, text, v.all())
			}
		default:
		}
		return strings.Contains(v.all(), text), nil
	})
}

// ends waits for the end.
func (v *vigil) ends(code model.ExitCode, says ...string) {
	v.t.Helper()
	select {
	case <-v.ended:
	case <-time.After(patience):
		v.t.Fatalf("it waits still:\n%s", v.all())
	}
	if v.code != code {
		v.t.Errorf("exit code %d, want %d:\n%s", v.code, code, v.all())
	}
	for _, s := range says {
		if !strings.Contains(v.all(), s) {
			v.t.Errorf("nothing says %q:\n%s", s, v.all())
		}
	}
}

// begins insists that the plan has become a run that nobody overrode.
func (v *vigil) begins() {
	v.t.Helper()
	v.ends(0, "the window is open: ")
	if run := v.runs()[0]; run.State != model.RunSucceeded || run.Exception != nil || !strings.HasPrefix(run.Window, "open: ") || len(run.Objects) != 3 {
		v.t.Errorf("the record: %+v", run)
	}
	v.must(0, "diff", "-e", "production")
}

func TestArmedUntilItOpens(t *testing.T) {
	t.Parallel()
	w := newShore(t, morning)
	live := w.live()
	v := w.arms("-o", "json")
	w.untouched("it is armed", live, 1)
	if st := decode[struct{ Environments []model.EnvironmentStatus }](t, w.must(0, "status", "-o", "json").stdout).Environments[0]; st.Lock != nil {
		t.Errorf("an armed plan holds the lock: %+v", st.Lock)
	}
	w.server.set(at(8, 59, 58))
	v.begins()
	v.ends(0, `"type":"armed","message":"armed: waits until Mon 2027-03-01 09:00 UTC (`, `"until":"2027-03-01T09:00:00Z"`)
	if run := w.runs()[0]; run.StartedAt.Before(at(9, 0, 0)) {
		t.Errorf("started %s", run.StartedAt)
	}

	w.commit(map[string]string{"app/settings.yaml": shoreSettings("3")})
	r := w.must(0, "apply", "-e", "production", "--yes", "--wait-for-window")
	if strings.Contains(r.stderr, "armed: ") {
		t.Errorf("an open window was waited for:\n%s", r.stderr)
	}
	w.says(w.must(2, "apply", "-e", "production", "--yes", "--wait-for-window", "--override", "it burns"), "--wait-for-window", "--override")
}

func TestArmedPlanMoves(t *testing.T) {
	t.Parallel()
	w := newShore(t, morning)
	v := w.arms("-o", "json")
	_, err := w.dynamic().Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(w.ns).
		Patch(t.Context(), "settings", "application/merge-patch+json", []byte(`{"data":{"value":"by hand"}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		t.Fatal(err)
	}
	live := w.live()
	v.ends(4, "the arming is void", "nothing was written", `"moved":[{"id":{`, "by hand", `"exitCode":4`)
	w.untouched("the arming is void", live, 1)
}

// A rule that is merged meanwhile counts; the plan of a commit that is still on
// the branch goes on to.
func TestArmedRulesChange(t *testing.T) {
	t.Parallel()
	w := newShore(t, morning)
	v := w.arms()
	w.commit(map[string]string{".fairtide.yaml": w.config + strings.ReplaceAll(morning, "09:00", "07:00")})
	v.ends(0, "armed: waits until Mon 2027-03-01 09:00 UTC", "the window is open: ")
	if run := w.runs()[0]; run.State != model.RunSucceeded || run.Exception != nil || len(run.Objects) != 3 {
		t.Errorf("the record: %+v", run)
	}
}

func TestArmedAPIServerIsAway(t *testing.T) {
	t.Parallel()
	w := newShore(t, morning)
	live := w.live()
	v := w.arms()
	var broken atomic.Int64
	w.server.mu.Lock()
	w.server.before = func(r *http.Request) func() {
		if r.URL.Path == "/version" { // is asked for the clock
			broken.Add(1)
		}
		panic(http.ErrAbortHandler) // the connection breaks
	}
	w.server.mu.Unlock()
	w.server.CloseClientConnections()
	v.hears("armed: since Mon 2027-03-01 08:0")
	w.server.set(at(9, 30, 0)) // and by the operator's clock it is open
	seen, before := v.all(), broken.Load()
	testcluster.Eventually(t, patience, "it was asked again in vain", func() (bool, error) {
		return broken.Load() > before, nil
	})
	if now := w.live(); !maps.Equal(live, now) || v.all() != seen {
		t.Fatalf("%v became %v:\n%s", live, now, v.all())
	}
	w.server.mu.Lock()
	w.server.before = nil
	w.server.mu.Unlock()
	v.begins()
}

func TestArmedIsInterrupted(t *testing.T) {
	t.Parallel()
	w := newShore(t, morning)
	live := w.live()
	v := w.arms()
	v.cancel()
	v.ends(130, "interrupted while it waited for the window; nothing was written")
	w.untouched("interrupted", live, 1)
}
