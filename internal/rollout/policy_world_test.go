package rollout

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/notify"
	"github.com/fairtide-dev/fairtide/model"
)

// piece is one object of a commit: of which kind, and with which content.
type piece struct{ kind, name, content, wave string }

func (p piece) id() model.ObjectID {
	group := ""
	if p.kind == "Deployment" {
		group = "apps"
	}
	return model.ObjectID{Group: group, Kind: p.kind, Namespace: "shop", Name: p.name}
}

func (p piece) fields() map[string]any {
	annotations := map[string]any{}
	if p.wave != "" {
		annotations["fairtide.dev/wave"] = p.wave
	}
	return map[string]any{"metadata": map[string]any{"annotations": annotations}, "content": p.content}
}

// rolling is a repository and a cluster in which each commit is some pieces.
// What is live becomes ready at once, unless a test says otherwise.
type rolling struct {
	*memory
	t       *testing.T
	policy  string // keys of the environment
	branch  []string
	commits map[string][]piece

	guard   sync.Mutex
	now     map[model.ObjectID]piece // live
	wrote   []string                 // names, in the order of the writes; a deletion has a minus
	becomes map[string]model.Progress
	holds   map[string]chan struct{} // what is not ready before it is closed
	refuses map[string]error         // writes
	named   map[string]bool          // whose deletion needs their name
	risks   map[string]model.Risk    // by the name of the object
	aborts  chan string
	freed   int // locks
	doing   []string
	story   []model.Event
	onEvent func(model.Event)
}

const baseCommit = oldCommit

func newRolling(t *testing.T, policy string) (*rolling, *Engine) {
	t.Helper()
	m, _ := newMemory()
	w := &rolling{
		memory: m, t: t, policy: policy, branch: []string{baseCommit}, commits: map[string][]piece{},
		now: map[model.ObjectID]piece{}, becomes: map[string]model.Progress{}, holds: map[string]chan struct{}{},
		refuses: map[string]error{}, named: map[string]bool{}, aborts: make(chan string, 1),
	}
	m.state = model.State{Deployed: &model.Deployed{Commit: baseCommit}}
	return w, New(w.wiring())
}

func (w *rolling) wiring() Config {
	return Config{
		Repository: w.git(), File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (Cluster, error) { return w, nil },
		Timing:  Timing{Ready: 20 * time.Second, Doomed: 10 * time.Millisecond, Poll: time.Millisecond},
	}
}

// live makes the base commit of some pieces, and all of them live.
func (w *rolling) live(pieces ...piece) {
	w.commits[baseCommit] = pieces
	for _, p := range pieces {
		w.now[p.id()] = p
		w.state.Inventory = append(w.state.Inventory, model.InventoryEntry{ID: p.id(), Version: "v1", UID: p.name})
	}
}

// merge makes the next commit of the branch.
func (w *rolling) merge(pieces ...piece) string {
	commit := fmt.Sprintf("%040x", 0xabc0+len(w.branch))
	w.branch = append(w.branch, commit)
	w.commits[commit] = pieces
	return commit
}

// git is the repository's half.
func (w *rolling) git() Repository { return rollingGit{w: w} }

type rollingGit struct {
	oneCommit
	w *rolling
}

func (g rollingGit) Head(context.Context, string) (model.Commit, error) {
	return model.Commit{Hash: g.w.branch[len(g.w.branch)-1]}, nil
}
func (g rollingGit) Fetch(context.Context) (bool, error) { return false, nil }
func (g rollingGit) RemoteURL() string                   { return "" }
func (g rollingGit) File(context.Context, string, string) ([]byte, error) {
	return []byte("apiVersion: fairtide.dev/v1\nenvironments:\n- {name: staging, tier: staging, path: x" + g.w.policy + "}\n"), nil
}
func (g rollingGit) Render(_ context.Context, _ model.Environment, commit string) (*model.Rendered, error) {
	return &model.Rendered{Commit: commit}, nil
}
func (g rollingGit) Pending(_ context.Context, _ model.Environment, from, to string) (p model.Pending, err error) {
	a, b := slices.Index(g.w.branch, from), slices.Index(g.w.branch, to)
	for _, c := range g.w.branch[a+1 : max(a, b)+1] {
		p.Changes = append(p.Changes, model.Change{Commit: c, RendersChange: true})
	}
	return p, nil
}

func (w *rolling) Plan(_ context.Context, r model.PlanRequest) (*model.Plan, []model.Object, error) {
	w.guard.Lock()
	defer w.guard.Unlock()
	p := &model.Plan{Environment: r.Environment.Name, Commit: r.Rendered.Commit, From: deployedCommit(r.State)}
	var objects []model.Object
	wanted := map[model.ObjectID]bool{}
	for _, c := range w.commits[r.Rendered.Commit] {
		wanted[c.id()] = true
		o := model.PlannedObject{ID: c.id(), Version: "v1", Verdict: model.VerdictCreate, After: c.fields()}
		if live, ok := w.now[c.id()]; ok {
			o.Verdict, o.Before, o.Live = model.VerdictUpdate, live.fields(), model.LiveRef{UID: c.name}
			if live == c {
				o.Verdict = model.VerdictUnchanged
			}
		}
		if r, ok := w.risks[c.name]; ok {
			o.Risks = []model.Risk{r}
		}
		p.Objects = append(p.Objects, o)
		objects = append(objects, model.Object{ID: o.ID, Version: "v1", Fields: map[string]any{"piece": c}})
	}
	for _, e := range r.State.Inventory {
		live, ok := w.now[e.ID]
		if !ok || wanted[e.ID] {
			continue
		}
		o := model.PlannedObject{ID: e.ID, Version: "v1", Verdict: model.VerdictDelete, Left: true, Before: live.fields(), Live: model.LiveRef{UID: live.name}}
		if w.named[live.name] {
			o.Risks = []model.Risk{{Name: "deletes-data", Severity: model.SeverityDanger, Message: "its data is lost", TypeName: true}}
		}
		p.Objects = append(p.Objects, o)
	}
	return p, objects, p.Seal("")
}

func (w *rolling) Apply(_ context.Context, o model.Object, _ model.PlannedObject) (model.InventoryEntry, error) {
	w.guard.Lock()
	defer w.guard.Unlock()
	c := o.Fields["piece"].(piece)
	if err := w.refuses[c.name+c.content]; err != nil {
		return model.InventoryEntry{}, err
	}
	w.now[o.ID] = c
	w.wrote = append(w.wrote, c.name)
	return model.InventoryEntry{ID: o.ID, Version: "v1", UID: c.name}, nil
}

func (w *rolling) Delete(_ context.Context, o model.PlannedObject) error {
	w.guard.Lock()
	defer w.guard.Unlock()
	delete(w.now, o.ID)
	w.wrote = append(w.wrote, "-"+o.ID.Name)
	return nil
}

func (*rolling) Remains(context.Context, model.PlannedObject) (string, error) { return "", nil }

func (w *rolling) Watch(ctx context.Context, targets []model.Target, emit func(model.Progress), _ func(time.Time, string)) error {
	var waits sync.WaitGroup
	for _, t := range targets {
		w.guard.Lock()
		key := t.ID.Name + w.now[t.ID].content
		p, known := w.becomes[key]
		hold := w.holds[key]
		w.guard.Unlock()
		if !known {
			p.Readiness = model.ReadinessReady
		}
		p.ID = t.ID
		waits.Go(func() {
			if hold != nil {
				emit(model.Progress{ID: t.ID, Readiness: model.ReadinessProgress, Message: "0 of 1 pods"})
				select {
				case <-hold:
				case <-ctx.Done():
					return
				}
			}
			emit(p)
		})
	}
	<-ctx.Done()
	waits.Wait()
	return nil
}

// rollingLease tells the test what is done under it.
type rollingLease struct {
	freeLease
	w *rolling
}

func (l rollingLease) Aborted() <-chan string { return l.w.aborts }
func (l rollingLease) SetDoing(text string) {
	l.w.guard.Lock()
	defer l.w.guard.Unlock()
	l.w.doing = append(l.w.doing, text)
}
func (l rollingLease) Release(context.Context) error {
	l.w.guard.Lock()
	defer l.w.guard.Unlock()
	l.w.freed++
	return nil
}

func (w *rolling) Lock(context.Context, string, model.LockAsk) (Lease, error) {
	return rollingLease{w: w}, nil
}

func (w *rolling) SaveRun(_ context.Context, r model.Run) error {
	w.guard.Lock()
	defer w.guard.Unlock()
	r.Objects = slices.Clone(r.Objects)
	for i := range w.runs {
		if w.runs[i].ID == r.ID {
			w.runs[i] = r
		}
	}
	return nil
}

// run is the record of a run.
func (w *rolling) run(id string) model.Run {
	w.t.Helper()
	for _, r := range w.runs {
		if r.ID == id {
			return r
		}
	}
	w.t.Fatalf("there is no record of %q", id)
	return model.Run{}
}

// ship plans the head and applies it.
func (w *rolling) ship(e *Engine, change ...func(*model.Approval)) (model.Run, error) {
	w.t.Helper()
	plan, err := e.Plan(w.t.Context(), "staging", "")
	if err != nil {
		w.t.Fatal(err)
	}
	a := model.Approval{Plan: plan}
	for _, c := range change {
		c(&a)
	}
	w.story, w.wrote = nil, nil
	run, err := e.Apply(w.t.Context(), a, w.hear)
	w.wantOneEnd(err)
	return run, err
}

func (w *rolling) hear(ev model.Event) {
	w.story = append(w.story, ev)
	if w.onEvent != nil {
		w.onEvent(ev)
	}
}

// wantOneEnd checks that the story has one end, which is its last event.
func (w *rolling) wantOneEnd(err error) {
	w.t.Helper()
	ends := 0
	for _, ev := range w.story {
		if ev.Type == model.EventFinished {
			ends++
		}
	}
	last := w.story[len(w.story)-1]
	if ends != 1 || last.Type != model.EventFinished || last.ExitCode == nil || *last.ExitCode != int(model.CodeOf(err, model.ExitUsage)) {
		w.t.Errorf("the story has %d ends; the last event is %+v, the error %v", ends, last, err)
	}
}

// results says of a record what became of each object.
func results(r model.Run) string {
	var out []string
	for _, o := range r.Objects {
		out = append(out, o.ID.Name+" "+string(o.Result))
	}
	return strings.Join(out, ", ")
}

// contents says what is live.
func (w *rolling) contents() string {
	w.guard.Lock()
	defer w.guard.Unlock()
	var out []string
	for _, p := range slices.SortedFunc(maps.Values(w.now), func(a, b piece) int { return strings.Compare(a.name, b.name) }) {
		out = append(out, p.name+"="+p.content)
	}
	return strings.Join(out, " ")
}

// when does something at the first event of a story that is as wanted.
func (w *rolling) when(is func(model.Event) bool, do func()) {
	var once sync.Once
	w.onEvent = func(ev model.Event) {
		if is(ev) {
			once.Do(do)
		}
	}
}

// hearer is a Notifier that remembers what it was told.
type hearer struct {
	mu       *sync.Mutex
	told     *[]string
	run      string
	lostSome bool
}

func (h *hearer) note(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*h.told = append(*h.told, text)
}

func (h *hearer) Start(m notify.Message) {
	h.run = m.Run
	h.note("start " + m.Run + " " + model.Short(m.Commit))
}
func (h *hearer) Event(model.Event)                 {}
func (h *hearer) Finish(run model.Run)              { h.note("finish " + run.ID + " " + string(run.State)) }
func (h *hearer) Thread() (channel, message string) { return "", "" }
func (h *hearer) Close(context.Context) string {
	if h.lostSome {
		return "not told: " + h.run
	}
	return ""
}
