package cluster

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
)

const (
	// killsVariable has the kill test try every n-th call, from the last one
	// back; 1: each.
	killsVariable = "FAIRTIDE_TEST_KILL_EVERY"
	killStride    = 31
	killPairs     = 4 // runs that are killed twice
	killWorlds    = 6 // at once
	killSize      = 40
	// holdFinalizer keeps an object that is deleted for a moment.
	holdFinalizer = "example.com/hold"
)

var killKinds = []schema.GroupVersionResource{
	configGVR, secretGVR, deploymentGVR, roleGVR, bindingGVR,
	{Version: "v1", Resource: "services"}, {Version: "v1", Resource: "serviceaccounts"},
	{Group: "apps", Version: "v1", Resource: "statefulsets"}, {Group: "batch", Version: "v1", Resource: "cronjobs"},
	{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
	{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
}

// killBefore is what is live before the run that is killed, and killAfter what
// it makes of that: forty objects are written, in all waves.
var killBefore, killAfter = killCommits()

func killCommits() (before, after string) {
	var was, is []string
	both := func(a, b string) { was, is = append(was, a), append(is, b) }
	made := func(docs ...string) { is = append(is, docs...) }
	both(configYAML("same", "{x: one}"), configYAML("same", "{x: one}"))
	// Six updates.
	both(configYAML("changed-1", "{x: one}"), configYAML("changed-1", "{x: two}"))
	both(configYAML("changed-2", "{x: one, y: gone}"), configYAML("changed-2", "{x: one}"))
	both(hiddenYAML("changed", "one"), hiddenYAML("changed", "two"))
	both(deploymentYAML("changed", "shop/cart:1"), deploymentYAML("changed", "shop/cart:2"))
	both(portYAML("changed", 80), portYAML("changed", 81))
	both(mayYAML("changed", "pods"), mayYAML("changed", "services"))
	// Two replacements: one is gone at once, the other after what it owns.
	both(deploymentYAML("replaced", "shop/cart:1"), strings.ReplaceAll(deploymentYAML("replaced", "shop/cart:1"), "{app: replaced}", "{app: anew}"))
	both(podlessYAML("replaced", "one"), podlessYAML("replaced", "two"))
	// One that kubectl applied, one that somebody else owns.
	made(configYAML("migrated", "{x: two}"), configYAML("foreign", "{x: one}"))
	// Six that leave Git.
	was = append(was, configs("gone-1", "gone-2", "held"), hiddenYAML("gone", "one"), deploymentYAML("gone", "shop/cart:1"), portYAML("gone", 80))
	// And twenty-four that are created.
	made(`{apiVersion: v1, kind: Namespace, metadata: {name: $NS-new}}`, boatDefinition,
		`{apiVersion: $NS.example.com/v1, kind: Boat, metadata: {name: one}, spec: {size: 1}}`,
		`{apiVersion: $NS.example.com/v1, kind: Boat, metadata: {name: two, namespace: $NS-new}, spec: {size: 2}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: inside, namespace: $NS-new}, data: {x: one}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: inside, namespace: $NS-new}, stringData: {x: one}}`,
		`{apiVersion: v1, kind: ServiceAccount, metadata: {name: inside, namespace: $NS-new}}`,
		`{apiVersion: v1, kind: ServiceAccount, metadata: {name: made}}`,
		mayYAML("made", "pods"),
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: made}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: made}, subjects: [{kind: ServiceAccount, name: made, namespace: $NS}]}`,
		configYAML("made-1", "{x: one}"), configYAML("made-2", "{x: one}"), configYAML("made-3", "{x: one}"), configYAML("made-4", "{x: one}"),
		hiddenYAML("made-1", "one"), hiddenYAML("made-2", "one"),
		portYAML("made-1", 80), portYAML("made-2", 80),
		deploymentYAML("made-1", "shop/cart:1"), deploymentYAML("made-2", "shop/cart:1"), deploymentYAML("made-3", "shop/cart:1"),
		`{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: made}, spec: {minAvailable: 1, selector: {matchLabels: {app: nobody}}}}`,
		`{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: made}, spec: {podSelector: {}}}`,
		`{apiVersion: batch/v1, kind: CronJob, metadata: {name: made}, spec: {schedule: "0 0 1 1 *", suspend: true, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: shop/cart:1}]}}}}}}`,
	)
	return strings.Join(was, "\n---\n"), strings.Join(is, "\n---\n")
}

const boatDefinition = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: boats.$NS.example.com},
  spec: {group: $NS.example.com, scope: Namespaced, names: {kind: Boat, plural: boats, singular: boat, listKind: BoatList},
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}]}}`

func hiddenYAML(name, value string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: %s}, stringData: {x: %s}}", name, value)
}

func portYAML(name string, port int) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: %s}, spec: {selector: {app: %[1]s}, ports: [{port: %d}]}}", name, port)
}

func mayYAML(name, resource string) string {
	return fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: %s}, rules: [{apiGroups: [''], resources: [%s], verbs: [get]}]}", name, resource)
}

func podlessYAML(name, service string) string {
	return fmt.Sprintf("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: %s}, spec: {replicas: 0, serviceName: %s, selector: {matchLabels: {app: %[1]s}}, template: {metadata: {labels: {app: %[1]s}}, spec: {containers: [{name: main, image: shop/cart:1}]}}}}", name, service)
}

// killed is a run that is killed after some of its calls, and when it is resumed
// after some of those.
type killed struct{ first, second int }

// TestKilledAfterEveryCall kills a run of forty objects after its calls, one run
// for each, and has it gone on with. All ends as without: the same objects are
// live, the records say the same, and nothing was written twice. Each call takes
// minutes, so that some are tried by default: see killsVariable.
func TestKilledAfterEveryCall(t *testing.T) {
	t.Parallel()
	began := time.Now()
	space := stateSpace(t)
	admin := testcluster.Get(t).Client(t)
	makeNamespace(t, admin, space)
	letGo(t)

	calm := newKillWorld(t, space, "calm")
	defer calm.discard()
	calm.hold()
	if ended, err := calm.killed(0, false); !ended || err != nil {
		t.Fatalf("ended %v: %v", ended, err)
	}
	calls := calm.doom.counted()
	live, record := calm.outcome()
	calm.wroteOnce("without a kill")
	if n := strings.Count(record, "in wave"); n < killSize || !strings.Contains(record, "succeeded") {
		t.Fatalf("%d objects were written:\n%s", n, record)
	}

	cuts := killPlan(t, calls)
	work := make(chan killed)
	var done sync.WaitGroup
	var mu sync.Mutex
	kills, resumed, again := 0, 0, 0
	for n := range killWorlds {
		done.Go(func() {
			for cut := range work {
				k, r, a := survive(t, space, fmt.Sprintf("kill-%d-%d-%d", n, cut.first, cut.second), cut, live, record)
				mu.Lock()
				kills, resumed, again = kills+k, resumed+r, again+a
				mu.Unlock()
			}
		})
	}
	deadline, limited := t.Deadline()
	for i, cut := range cuts {
		if limited && time.Until(deadline) < time.Minute {
			t.Errorf("there was time for %d of %d runs; give it more with -timeout", i, len(cuts))
		}
		if t.Failed() {
			cuts = cuts[:i]
			break
		}
		work <- cut
	}
	close(work)
	done.Wait()
	t.Logf("a run of %d objects makes %d calls; killed %d times in %d runs, resumed %d times, begun again before its record %d times, in %s",
		killSize, calls, kills, len(cuts), resumed, again, time.Since(began).Round(time.Second))
}

// killPlan is after which calls runs are killed: each, or some of them.
func killPlan(t *testing.T, calls int) []killed {
	t.Helper()
	stride := killStride
	if v := os.Getenv(killsVariable); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			t.Fatalf("%s is %q", killsVariable, v)
		}
		stride = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var out []killed
	for first := calls - random.IntN(stride); first > 0; first -= stride {
		out = append(out, killed{first: first})
	}
	for range killPairs {
		out = append(out, killed{first: calls/3 + random.IntN(calls*2/3), second: 1 + random.IntN(calls)})
	}
	return out
}

// survive kills one run, goes on with it and compares what comes of it.
func survive(t *testing.T, space, name string, cut killed, live, record string) (kills, resumed, again int) {
	w := newKillWorld(t, space, name)
	defer w.discard()
	w.hold()
	what := fmt.Sprintf("killed after %d calls, then %d", cut.first, cut.second)
	ended, err := w.killed(cut.first, false)
	for next := cut.second; !ended; next = 0 {
		kills++
		if kills > 2 {
			t.Errorf("%s: it does not come to its end", what)
			return kills, resumed, again
		}
		var how string
		ended, how, err = w.goOn(next)
		switch how {
		case "resumed":
			resumed++
		case "applied":
			again++
		}
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return kills, resumed, again
	}
	w.start() // who looks is not killed
	nowLive, nowRecord := w.outcome()
	if diff := lineDiff(live, nowLive); diff != "" {
		t.Errorf("%s: live is otherwise:\n%s", what, diff)
	}
	if diff := lineDiff(record, nowRecord); diff != "" {
		t.Errorf("%s: recorded is otherwise:\n%s", what, diff)
	}
	w.wroteOnce(what)
	return kills, resumed, again
}

// wroteOnce checks that no write took effect twice.
func (w *killWorld) wroteOnce(what string) {
	w.t.Helper()
	w.audit.mu.Lock()
	defer w.audit.mu.Unlock()
	if len(w.audit.writes) < killSize {
		w.t.Errorf("%s: only %d writes", what, len(w.audit.writes))
	}
	for write, n := range w.audit.writes {
		if n > 1 {
			w.t.Errorf("%s: done %d times: %s", what, n, write)
		}
	}
}

// hold prepares, with one of the objects that leave Git held by a finalizer.
func (w *killWorld) hold() {
	w.t.Helper()
	w.prepare()
	w.change("holder", configGVR, "held", fmt.Sprintf(`{"metadata":{"labels":{"held":"yes"},"finalizers":[%q]}}`, holdFinalizer))
}

// letGo lets go of what is held a moment after it was deleted, as a controller
// would.
func letGo(t *testing.T) {
	w := newPlanWorldIn(t, "default")
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-w.ctx.Done():
				return
			case <-tick.C:
			}
			list, err := w.admin.Resource(configGVR).List(w.ctx, metav1.ListOptions{LabelSelector: "held=yes"})
			if err != nil {
				continue // the next one tells, or the test ends
			}
			for _, o := range list.Items {
				if at := o.GetDeletionTimestamp(); at != nil && time.Since(at.Time) > time.Second {
					_, _ = w.admin.Resource(configGVR).Namespace(o.GetNamespace()).Patch(w.ctx, o.GetName(), types.MergePatchType,
						[]byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
				}
			}
		}
	}()
}

// lineDiff is what lines one text has that the other does not.
func lineDiff(a, b string) string {
	has := func(text string) map[string]bool {
		out := map[string]bool{}
		for line := range strings.Lines(text + "\n") {
			out[line] = true
		}
		return out
	}
	was, is := has(a), has(b)
	var out []string
	for line := range was {
		if !is[line] {
			out = append(out, "- "+strings.TrimSpace(line))
		}
	}
	for line := range is {
		if !was[line] {
			out = append(out, "+ "+strings.TrimSpace(line))
		}
	}
	return strings.Join(sortedStrings(out), "\n")
}
