package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	// killsVariable has the kill test try every n-th call, both ways; 1: each.
	killsVariable = "FAIRTIDE_TEST_KILL_EVERY"
	killSize      = 40 // objects that the run writes
	killTries     = 6  // by default, spread over the run
	killsAtOnce   = 4
	killsApart    = 5 // tries that went wrong are enough
	takenOver     = "its process was killed"
)

// kill is when a process is killed: at its n-th call of the API server, which is
// passed on and answered, or not passed on.
type kill struct {
	n      int
	before bool
}

func (k kill) String() string {
	if k.before {
		return fmt.Sprintf("before call %d", k.n)
	}
	return fmt.Sprintf("after call %d", k.n)
}

// killTally is what came of all that was tried.
type killTally struct {
	mu                                       sync.Mutex
	tries, kills, resumed, again, over, late int
	lost                                     int // writes that took effect and whose answer the process did not live to see
	differ                                   int // tries that ended otherwise than without a kill
}

func (t *killTally) apart() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.differ
}

// A real process is killed (SIGKILL) at its calls of the API server: once the
// call was answered and before the process sees that, or before it was passed
// on. Then is done what the program says. All ends as without a kill: the same
// objects are live, the records say the same and are true, and the lock is free.
// Over both processes every write to an object took effect exactly once: also
// one whose answer was lost is found done, and not sent again. Every call takes
// up to half an hour: some are tried by default, see killsVariable.
func TestProcessKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	if _, err := binary(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	calm := newKillRig(t)
	if ended := calm.process(kill{}, calm.apply()...); !ended {
		t.Fatal("it was killed")
	}
	calls := calm.server.counted()
	want := calm.outcome()
	calm.discard()
	if n := strings.Count(want.record, "  "+killEnv+"-2: "); n != killSize || !strings.Contains(want.record, "deployed AFTER") {
		t.Fatalf("%d objects were written, want %d:\n%s", n, killSize, want.record)
	}

	cuts := killCuts(t, calls)
	var tally killTally
	work := make(chan kill)
	var done sync.WaitGroup
	for range killsAtOnce {
		done.Go(func() {
			for cut := range work {
				t.Run(cut.String(), func(t *testing.T) { outlive(t, cut, want, &tally) })
			}
		})
	}
	deadline, limited := t.Deadline()
	for i, cut := range cuts {
		if limited && time.Until(deadline) < time.Minute {
			t.Errorf("there was time for %d of %d tries; give it more with -timeout", i, len(cuts))
			break
		}
		if tally.apart() >= killsApart {
			break
		}
		work <- cut
	}
	close(work)
	done.Wait()
	t.Logf("a run of %d objects makes %d calls; %d tries: %d processes killed (%d had ended before), %d resumed, %d begun again, %d had all done; "+
		"%d writes had taken effect with their answer lost; %d differences; in %s", killSize, calls,
		tally.tries, tally.kills, tally.late, tally.resumed, tally.again, tally.over, tally.lost, tally.differ, time.Since(began).Round(time.Second))
}

// killCuts is when processes are killed: at each call, or at some.
func killCuts(t *testing.T, calls int) []kill {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	stride, ways := max(calls/killTries, 1), 1
	if v := os.Getenv(killsVariable); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			t.Fatalf("%s is %q", killsVariable, v)
		}
		stride, ways = n, 2
	}
	var out []kill
	for way := range ways {
		for n := calls - random.IntN(stride); n > 0; n -= stride {
			// By default one way and the other in turns.
			out = append(out, kill{n, way == 1 || ways == 1 && len(out)%2 == 1})
		}
	}
	// A table that runs out of time has tried all parts of the run.
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	t.Logf("seed %d; killed %v", seed, out)
	return out
}

// outlive has one process killed, does what the program says then, and compares
// what comes of it.
func outlive(t *testing.T, cut kill, want killOutcome, tally *killTally) {
	ended, how, lost := true, "", 0
	defer func() { tally.note(how, ended, t.Failed(), lost) }()
	w := newKillRig(t)
	defer w.discard()
	ended = w.process(cut, w.apply()...)
	lost = w.server.lostWrites()
	if !ended {
		w.expire()
		how = w.goOn()
	}
	got := w.outcome()
	attempts := "none"
	if how == "resume" {
		attempts = "one"
	}
	for _, c := range []struct{ what, want, got string }{
		{"live", want.live, got.live}, {"recorded", want.record, got.record}, {"written", want.writes, got.writes}, {"continued", attempts, got.attempts},
	} {
		if diff := linesApart(c.want, c.got); diff != "" {
			t.Errorf("killed %s (%s), then %q: %s is otherwise:\n%s\n%s", cut, w.server.cutOff(), how, c.what, diff, w.said)
		}
	}
}

func (t *killTally) note(how string, ended, failed bool, lost int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries++
	t.lost += lost
	switch {
	case ended:
		t.late++
	case how == "resume":
		t.resumed++
	case how == "apply":
		t.again++
	default:
		t.over++
	}
	if !ended {
		t.kills++
	}
	if failed {
		t.differ++
	}
}

// apply ships the head, with what does not come back confirmed.
func (w *killRig) apply() []string {
	return []string{"apply", "-e", killEnv, "--yes", "--confirm", "Deployment/" + w.ns + "/replaced"}
}

// goOn does what the status says is to be done after a process was killed.
func (w *killRig) goOn() string {
	w.t.Helper()
	s := w.status()
	var args []string
	switch {
	case s.LastRun != nil && s.LastRun.State == model.RunInterrupted:
		args = []string{"resume", "-e", killEnv, "--yes", "--reason", takenOver}
	case s.Deployed == nil || s.Deployed.Commit != s.Head:
		args = append(w.apply(), "--take-over", takenOver)
	default:
		return ""
	}
	if ended := w.process(kill{}, args...); !ended {
		w.t.Fatal("it was killed")
	}
	return args[0]
}

// process runs the program as a process of its own and kills it as is said. It
// reports whether the process came to its end by itself.
func (w *killRig) process(cut kill, args ...string) (ended bool) {
	w.t.Helper()
	path, err := binary()
	if err != nil {
		w.t.Fatal(err)
	}
	p := &process{t: w.t, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Dir = w.dir
	p.cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	for name, value := range w.env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	started := make(chan struct{})
	w.server.begin(cut, func() {
		<-started
		_ = p.cmd.Process.Kill() // it may have ended in this moment
		<-p.ended
	})
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the exit code is looked at below
	}()
	close(started)
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		w.t.Errorf("it goes on still:\n%s", p.all())
	}
	w.server.settle()
	lines := strings.Split(p.all(), "\n")
	const most = 60 // the plan before is long
	w.said += "fairtide " + strings.Join(append(lines[:1:1], lines[max(1, len(lines)-most):]...), "\n")
	switch code := p.cmd.ProcessState.ExitCode(); {
	case code == -1: // by a signal
		return false
	case code != 0:
		w.t.Errorf("killed %s (%s): exit code %d of\n%s", cut, w.server.cutOff(), code, w.said)
	}
	return true
}

// expire lets the lock of a killed process expire, as the time would.
func (w *killRig) expire() {
	w.t.Helper()
	patch := fmt.Sprintf(`{"spec":{"renewTime":%q}}`, time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z07:00"))
	w.patch(killLeases, w.ns, "fairtide-env-"+killEnv, patch)
}

// killObjects is what is live before the run, and what the run makes of it:
// forty objects are written, in all waves.
func killObjects() (before, after string) {
	var was, is []string
	both := func(doc, from, to string) {
		was, is = append(was, strings.ReplaceAll(doc, "VALUE", from)), append(is, strings.ReplaceAll(doc, "VALUE", to))
	}
	made := func(docs ...string) { is = append(is, docs...) }
	const (
		config     = `{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME}, data: {x: VALUE}}`
		secret     = `{apiVersion: v1, kind: Secret, metadata: {name: NAME}, stringData: {x: VALUE}}`
		headless   = `{apiVersion: v1, kind: Service, metadata: {name: NAME}, spec: {clusterIP: None, ports: [{port: VALUE}]}}`
		role       = `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: NAME}, rules: [{apiGroups: [''], resources: [VALUE], verbs: [get]}]}`
		deployment = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {replicas: 0, selector: {matchLabels: {app: LABEL}}, template: {metadata: {labels: {app: LABEL}}, spec: {containers: [{name: main, image: "shop/cart:VALUE"}]}}}}`
	)
	named := func(doc, name string) string {
		return strings.ReplaceAll(strings.ReplaceAll(doc, "NAME", name), "LABEL", name)
	}
	both(named(config, "same"), "one", "one")
	// Nine updates, and one that is replaced.
	for i := range 4 {
		both(named(config, fmt.Sprint("changed-", i)), "one", "two")
	}
	both(named(secret, "changed-1"), "one", "two")
	both(named(secret, "changed-2"), "one", "two")
	both(named(headless, "changed"), "80", "81")
	both(named(role, "changed"), "pods", "services")
	both(named(deployment, "changed"), "1", "2")
	was, is = append(was, strings.ReplaceAll(strings.ReplaceAll(deployment, "NAME", "replaced"), "LABEL", "one")),
		append(is, strings.ReplaceAll(strings.ReplaceAll(deployment, "NAME", "replaced"), "LABEL", "two"))
	// One that kubectl applied, one that somebody else owns.
	made(named(config, "migrated"), named(config, "foreign"))
	// Five that leave Git.
	was = append(was, named(config, "gone-1"), named(config, "gone-2"), named(secret, "gone"), named(headless, "gone"), named(deployment, "gone"))
	// Twenty-three that are created.
	made(`{apiVersion: v1, kind: Namespace, metadata: {name: $NS-new}}`, killDefinition,
		`{apiVersion: $NS.example.com/v1, kind: Boat, metadata: {name: one}, spec: {size: 1}}`,
		`{apiVersion: $NS.example.com/v1, kind: Boat, metadata: {name: two, namespace: $NS-new}, spec: {size: 2}}`)
	for _, doc := range []string{config, secret, `{apiVersion: v1, kind: ServiceAccount, metadata: {name: NAME}}`} {
		made(strings.Replace(doc, "{name: NAME}", "{name: inside, namespace: $NS-new}", 1), named(doc, "made-0"))
	}
	made(named(role, "made"), `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: made}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: made}, subjects: [{kind: ServiceAccount, name: made-0, namespace: $NS}]}`)
	for i := 1; i <= 5; i++ {
		made(named(config, fmt.Sprint("made-", i)))
	}
	for i := 1; i <= 2; i++ {
		name := fmt.Sprint("made-", i)
		made(named(secret, name), named(headless, name), named(deployment, name))
	}
	fill := strings.NewReplacer("[VALUE]", "[pods]", "port: VALUE", "port: 80", "VALUE", "one")
	return fill.Replace(strings.Join(was, "\n---\n")), fill.Replace(strings.Join(is, "\n---\n"))
}

const killDefinition = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: boats.$NS.example.com},
  spec: {group: $NS.example.com, scope: Namespaced, names: {kind: Boat, plural: boats, singular: boat, listKind: BoatList},
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}]}}`

// linesApart is what lines one text has more often than the other.
func linesApart(want, got string) string {
	count := map[string]int{}
	for _, line := range strings.Split(want, "\n") {
		count[line]++
	}
	for _, line := range strings.Split(got, "\n") {
		count[line]--
	}
	var out []string
	for line, n := range count {
		switch {
		case n > 0:
			out = append(out, fmt.Sprintf("- %s (%d)", line, n))
		case n < 0:
			out = append(out, fmt.Sprintf("+ %s (%d)", line, -n))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}
