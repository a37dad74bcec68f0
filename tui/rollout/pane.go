package rollout

import (
	"strings"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/list"
	"github.com/fairtide-dev/fairtide/tui/slot"
)

// LogLines is how many lines of a container's log are read.
const LogLines = 200

// Pane is what is behind one object of the run: its tree down to the
// containers, what was said about them, and the end of a log. The root fills
// its slots, and keeps them current while the pane is open.
type Pane struct {
	Target model.Target
	Tree   slot.Slot[model.ObjectTree]
	Log    *Log // nil: no log is shown

	logs     bool // a log is wanted
	previous bool // that of the container's run before
	focus    bool // the pane hears the movements
	chosen   bool // the operator moved the cursor in it
	nodes    list.List[string]
	flat     map[string]node
	order    []string
	scroll   int // of events and log: lines away from the newest

	tree, below frame.Area
}

// Log is the end of a container's log.
type Log struct {
	Namespace, Pod, Container string
	Previous                  bool
	Lines                     slot.Slot[[]string]
}

// node is a node of the tree as it is drawn.
type node struct {
	*model.TreeNode
	depth  int
	parent *model.TreeNode
}

// Pane is what is open behind an object; nil: nothing is.
func (p *Page) Pane() *Pane { return p.pane }

// Logs reports whether a log is shown, or would be if there was one.
func (p *Page) Logs() bool { return p.pane != nil && p.pane.logs }

// HasEarlier reports whether there is a log of an earlier run of the container
// whose log is shown.
func (p *Page) HasEarlier() bool { return p.pane.hasEarlier() }

func newPane(o *object, logs bool) *Pane {
	return &Pane{Target: model.Target{ID: o.id, Version: o.version}, logs: logs, flat: map[string]node{}}
}

// openTree opens what is behind the selected object, or closes it.
func (p *Page) openTree() {
	switch {
	case p.pane == nil:
		p.open(false)
	case p.pane.logs:
		p.pane.logs = false
		p.pane.sync()
	default:
		p.pane = nil
	}
}

// openLog shows a log in place of the events, or the events again.
func (p *Page) openLog() {
	if p.pane == nil {
		p.open(true)
		return
	}
	p.pane.logs, p.pane.scroll = !p.pane.logs, 0
	p.pane.sync()
}

func (p *Page) open(logs bool) {
	if id, ok := p.Selected(); ok {
		p.pane, p.moved = newPane(p.objects[id], logs), true
	}
}

// retarget makes the pane one of the object that is selected now.
func (p *Page) retarget() {
	id, ok := p.Selected()
	if p.pane == nil || !ok || p.pane.Target.ID == id {
		return
	}
	p.pane = newPane(p.objects[id], p.pane.logs)
}

// earlier shows the log of the container's run before, or the current one's.
func (a *Pane) earlier() {
	if a != nil {
		a.previous, a.scroll = !a.previous, 0
		a.sync()
	}
}

// hasEarlier reports whether the container whose log is shown has one of a run
// before.
func (a *Pane) hasEarlier() bool {
	if a == nil || !a.logs {
		return false
	}
	_, container := a.logOf()
	return container != nil && container.Previous
}

// Sync brings the pane in line with its tree, after that was read.
func (a *Pane) Sync() {
	a.flat, a.order = map[string]node{}, nil
	var items []list.Item[string]
	var above []*model.TreeNode
	var keys []string
	a.Tree.Value.Root.Walk(func(n *model.TreeNode, depth int) bool {
		above, keys = append(above[:depth], n), append(keys[:depth], n.Kind+"/"+n.Name)
		key := strings.Join(keys, "\n")
		var parent *model.TreeNode
		if depth > 0 {
			parent = above[depth-1]
		}
		a.flat[key] = node{n, depth, parent}
		a.order = append(a.order, key)
		items = append(items, list.Item[string]{Key: key})
		return true
	})
	a.nodes.Set(items)
	if !a.chosen {
		a.nodes.Show(a.worst())
	}
	a.sync()
}

// worst is the first pod that something is wrong with, else the object itself:
// the worst come first.
func (a *Pane) worst() string {
	for _, key := range a.order {
		if n := a.flat[key]; n.Kind == "Pod" && !n.Ready && n.Current {
			return key
		}
	}
	if len(a.order) > 0 {
		return a.order[0]
	}
	return ""
}

// sync makes the log that of the selected node.
func (a *Pane) sync() {
	pod, container := a.logOf()
	if !a.logs || container == nil {
		if a.Log = nil; !a.logs {
			a.previous = false
		}
		return
	}
	previous := a.previous && container.Previous
	if l := a.Log; l != nil && l.Pod == pod.Name && l.Container == container.Name && l.Previous == previous {
		return
	}
	a.Log = &Log{Namespace: pod.Namespace, Pod: pod.Name, Container: container.Name, Previous: previous}
}

// logOf is the container, and its pod, whose log belongs to the selected node:
// itself, or the first below it that has one.
func (a *Pane) logOf() (pod, container *model.TreeNode) {
	key, ok := a.nodes.Selected()
	n, known := a.flat[key]
	if !ok || !known {
		return nil, nil
	}
	last := n.parent
	n.Walk(func(below *model.TreeNode, _ int) bool {
		if below.Kind == "Pod" {
			last = below
		}
		if below.Logs && last != nil && container == nil {
			pod, container = last, below
		}
		return container == nil
	})
	return pod, container
}

// do carries out a movement in the pane.
func (a *Pane) do(id action.ID) bool {
	const page = 5
	switch id {
	case action.Down:
		a.nodes.Move(1)
	case action.Up:
		a.nodes.Move(-1)
	case action.Top:
		a.nodes.Top()
	case action.Bottom:
		a.nodes.Bottom()
	case action.PageDown:
		a.roll(page)
		return true
	case action.PageUp:
		a.roll(-page)
		return true
	default:
		return false
	}
	a.chosen, a.scroll = true, 0
	a.sync()
	return true
}

// roll scrolls events or log by n lines down the screen. The events begin with
// the newest, and the log ends with it.
func (a *Pane) roll(n int) {
	if a.logs {
		n = -n
	}
	a.scroll = max(0, a.scroll+n)
}
