// Package home is the first page: the environments and how they stand, and
// what is merged but not live in the selected one.
package home

import (
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

// Page is the state of the page. The root fills its slots.
type Page struct {
	Repository   string // label for the header
	Fetched      string // how old what is known of Git is, in words; empty: there is no remote
	Progress     string // how opening the repository gets on, in words
	Environments slot.Slot[[]model.Environment]

	// Running says, for an environment that a run of this program is under way
	// in, how it stands: "wave 2 of 3, 1 failed". Absent: none.
	Running map[string]Running

	// Interrupted are the runs that stopped without an end and can be resumed, by
	// environment.
	Interrupted map[string]model.Run

	status  map[string]*slot.Slot[model.EnvironmentStatus]
	pending map[string]*slot.Slot[model.Pending]

	envs    list.List[string]
	changes map[string]*list.List[string] // by environment; keys are commits
	shown   map[string][]int              // the pending changes that are listed, likewise
	widths  map[string]widths
	learned map[string]learned
	query   string // what the changes are filtered by
	inList  bool   // the changes have the focus

	split       int // where the divider was put; 0: where it belongs
	drawn       places
	stackedLast bool // the page was drawn in one column
}

// Running is a run of this program that is under way, or has just ended.
type Running struct {
	State    model.RunState
	Words    string
	Followed bool      // it is carried out elsewhere
	Armed    bool      // it waits for the window, and has written nothing
	Until    time.Time // when it starts then; zero: not known
}

// New makes an empty page.
func New(repository string) *Page {
	return &Page{
		Repository:  repository,
		Running:     map[string]Running{},
		Interrupted: map[string]model.Run{},
		status:      map[string]*slot.Slot[model.EnvironmentStatus]{},
		pending:     map[string]*slot.Slot[model.Pending]{},
		changes:     map[string]*list.List[string]{},
		shown:       map[string][]int{},
		widths:      map[string]widths{},
		learned:     map[string]learned{},
	}
}

// Status is the slot for an environment's status.
func (p *Page) Status(env string) *slot.Slot[model.EnvironmentStatus] { return at(p.status, env) }

// Pending is the slot for an environment's pending changes.
func (p *Page) Pending(env string) *slot.Slot[model.Pending] { return at(p.pending, env) }

func at[T any](m map[string]*slot.Slot[T], key string) *slot.Slot[T] {
	s, ok := m[key]
	if !ok {
		s = &slot.Slot[T]{}
		m[key] = s
	}
	return s
}

// Sync brings the lists in line with the slots. The root calls it after one
// of them was filled.
func (p *Page) Sync() {
	items := make([]list.Item[string], 0, len(p.Environments.Value))
	for _, e := range p.Environments.Value {
		items = append(items, list.Item[string]{Key: e.Name})
	}
	p.envs.Set(items)
	for env := range p.pending {
		p.fill(env)
	}
	p.stay()
}

// stay takes the focus off the changes when there are none.
func (p *Page) stay() {
	if _, ok := p.Change(); !ok {
		p.inList = false
	}
}

func (p *Page) list(env string) *list.List[string] {
	l, ok := p.changes[env]
	if !ok {
		l = &list.List[string]{}
		p.changes[env] = l
	}
	return l
}

// Environment is the selected one.
func (p *Page) Environment() (model.Environment, bool) {
	name, ok := p.envs.Selected()
	if !ok {
		return model.Environment{}, false
	}
	return p.Find(name)
}

// Find is the environment with the name.
func (p *Page) Find(name string) (model.Environment, bool) {
	for _, e := range p.Environments.Value {
		if e.Name == name {
			return e, true
		}
	}
	return model.Environment{}, false
}

// Change is the selected pending change of the selected environment.
func (p *Page) Change() (model.Change, bool) {
	env, ok := p.envs.Selected()
	if !ok {
		return model.Change{}, false
	}
	shown, changes := p.shown[env], p.Pending(env).Value.Changes
	if i := p.list(env).Index(); i >= 0 && i < len(shown) && shown[i] < len(changes) {
		return changes[shown[i]], true
	}
	return model.Change{}, false
}

// Shipped are the changes that shipping up to commit would make live, newest
// first, and newer is how many would stay pending.
func (p *Page) Shipped(env, commit string) (shipped []model.Change, newer int) {
	changes := p.Pending(env).Value.Changes
	for i, c := range changes {
		if c.Commit == commit {
			return changes[i:], i
		}
	}
	return changes, 0
}

// SelectPlace selects the n-th environment, counted from 1.
func (p *Page) SelectPlace(n int) {
	if n >= 1 && n <= len(p.Environments.Value) {
		p.envs.Select(p.Environments.Value[n-1].Name)
		p.inList = false
	}
}

// Do carries out a movement. It reports whether the page knows the action.
func (p *Page) Do(id action.ID) bool {
	env, ok := p.envs.Selected()
	if !ok {
		return false
	}
	const page = 10
	switch id {
	case action.NextPane, action.PrevPane:
		_, any := p.Change()
		p.inList = any && !p.inList
	case action.Down:
		p.move(env, 1)
	case action.Up:
		p.move(env, -1)
	case action.PageDown:
		p.move(env, page)
	case action.PageUp:
		p.move(env, -page)
	case action.Top:
		p.focused(env).Top()
	case action.Bottom:
		p.focused(env).Bottom()
	default:
		return false
	}
	return true
}

func (p *Page) focused(env string) *list.List[string] {
	if p.inList {
		return p.list(env)
	}
	return &p.envs
}

func (p *Page) move(env string, n int) { p.focused(env).Move(n) }

// Leave goes one level up inside the page: it takes the filter away, or gives
// the focus back to the environments.
func (p *Page) Leave() {
	if p.query != "" {
		p.Filter("")
		return
	}
	p.inList = false
}

// Hints are the footer's actions, the most wanted first.
func (p *Page) Hints() []action.ID {
	if len(p.Environments.Value) == 0 {
		return []action.ID{action.Refresh, action.Quit}
	}
	env, _ := p.Environment()
	next, _ := p.next(env)
	out := []action.ID{next}
	rest := []action.ID{action.OpenReview, action.Ship, action.OpenHistory, action.OpenWindows, action.OpenProposed, action.Revert}
	if p.anyRun(env.Name) {
		rest = append([]action.ID{action.OpenRun}, rest...)
	}
	rest = append(rest, action.Filter, action.OpenUpgrades, action.OpenChange, action.NextPane, action.Palette, action.Refresh, action.Quit)
	for _, id := range rest {
		if id != next {
			out = append(out, id)
		}
	}
	return out
}

// anyRun reports whether there is a run to look at in an environment: one that
// is under way, here or elsewhere, or one that was interrupted.
func (p *Page) anyRun(env string) bool {
	_, running := p.Running[env]
	_, interrupted := p.Interrupted[env]
	return running || interrupted || p.elsewhere(env)
}

// elsewhere reports whether somebody else held the lock of an environment when
// that was read.
func (p *Page) elsewhere(env string) bool {
	return p.held(env, p.Status(env).At) && !p.ours(env)
}

// held reports whether the lock of an environment is held by this computer's
// time now: it expires by the cluster's clock.
func (p *Page) held(env string, now time.Time) bool {
	st := p.Status(env).Value
	return st.Lock != nil && st.Lock.Expires.After(now.Add(-st.Skew))
}
