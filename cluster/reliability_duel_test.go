package cluster

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	duels      = 200
	duelGround = 4 // environments in which they are fought at the same time
)

// TestTwoOperatorsAtOnce lets two operators confirm the same plan at the same
// time: one ships it, in one run, and the other is told who.
func TestTwoOperatorsAtOnce(t *testing.T) {
	t.Parallel()
	tc := testcluster.Get(t)
	began, ends := time.Now(), &faultTally{}
	var all sync.WaitGroup
	for range duelGround {
		r := newRig(t, tc, tc.Namespace(t), "")
		all.Go(func() { duelIn(t, r, duels/duelGround, ends) })
	}
	all.Wait()
	t.Logf("%d duels in %s: %s", duels, time.Since(began).Round(time.Second), ends)
	if n := ends.get("exit 5"); n != duels {
		t.Errorf("%d of %d were refused with exit code 5", n, duels)
	}
	if ends.get("won by host-0") == 0 || ends.get("won by host-1") == 0 {
		t.Error("one of them won every time, so they were not there at once")
	}
}

func duelIn(t *testing.T, r *rig, rounds int, ends *faultTally) {
	var locks gate
	var both [2]*operator
	for i := range both {
		both[i] = r.operator(fmt.Sprintf("host-%d", i), nil, func(next http.RoundTripper) http.RoundTripper {
			return hook{next: next, before: func(q *http.Request) error {
				if q.Method == http.MethodGet && strings.Contains(q.URL.Path, "/leases/") && q.URL.Query().Get("watch") == "" {
					locks.meet(i)
				}
				return nil
			}}
		})
	}
	for round := 1; round <= rounds; round++ {
		value := fmt.Sprintf("v%d", round)
		r.commit(round, numbered(2, value))
		plan := both[round%2].plan()
		locks.open()
		errs := [2]error{}
		done := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
		for i, o := range both {
			o.onTold = func(e model.Event) {
				if e.Type != model.EventLocked {
					return
				}
				select { // so that the other one does not come after the end
				case <-done[1-i]:
				case <-time.After(time.Minute):
					t.Errorf("round %d: the other one is not refused while %d holds the lock", round, i)
				}
			}
			go func() {
				defer close(done[i])
				_, errs[i] = o.apply(t.Context(), plan)
			}()
		}
		<-done[0]
		<-done[1]
		won := 0
		if errs[0] != nil {
			won = 1
		}
		if errs[won] != nil {
			t.Errorf("round %d: nobody shipped: %v, %v", round, errs[0], errs[1])
			return
		}
		ends.add(fmt.Sprintf("won by host-%d", won), 1)
		ends.add(fmt.Sprintf("exit %d", model.CodeOf(errs[1-won], model.ExitOK)), 1)
		wantCode(t, errs[1-won], model.ExitLocked, fmt.Sprintf("locked by fairtide-admin@host-%d since ", won))
		if t.Failed() {
			return
		}
	}
	ends.add("runs", endOfDuels(t, r, rounds))
}

// endOfDuels checks what all rounds have left, and returns the number of runs.
func endOfDuels(t *testing.T, r *rig, rounds int) int {
	runs, err := r.operator("looker", nil, nil).c.Runs(t.Context(), "staging")
	if err != nil {
		t.Error(err)
		return 0
	}
	if len(runs) == 0 || runs[0].ID != fmt.Sprintf("staging-%d", rounds) {
		t.Errorf("after %d rounds there are %d records, of which the newest is %+v", rounds, len(runs), runs[:min(1, len(runs))])
	}
	for _, run := range runs {
		if run.State != model.RunSucceeded {
			t.Errorf("run %s is %s", run.ID, run.State)
		}
	}
	for name, value := range r.values() {
		if value != fmt.Sprintf("v%d", rounds) {
			t.Errorf("%s is %q", name, value)
		}
	}
	return len(runs)
}

// gate lets two pass only together, once each time it was opened.
type gate struct {
	mu   sync.Mutex
	here [2]bool
	wait chan struct{}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.here, g.wait = [2]bool{}, make(chan struct{})
}

// meet waits for the other one.
func (g *gate) meet(who int) {
	g.mu.Lock()
	if g.wait == nil || g.here[who] {
		g.mu.Unlock()
		return
	}
	g.here[who] = true
	wait := g.wait
	if g.here[1-who] {
		close(wait)
	}
	g.mu.Unlock()
	select {
	case <-wait:
	case <-time.After(10 * time.Second): // the other one came no further
	}
}
