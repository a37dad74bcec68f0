package model

import "time"

// TreeNode is one object, or one container, under what an operator looks at: a
// workload, its ReplicaSets, their pods, and their containers. Its texts are
// one line each and harmless to a terminal.
type TreeNode struct {
	Kind      string    `json:"kind"` // "Deployment", "ReplicaSet", "Pod", "container", "init container", "sidecar"
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
	UID       string    `json:"uid,omitempty"`    // empty for containers
	Status    string    `json:"status,omitempty"` // "2 of 3 ready", "Pending", "waiting", "running", …
	Reason    string    `json:"reason,omitempty"` // CrashLoopBackOff, Unschedulable, …
	Message   string    `json:"message,omitempty"`
	Cause     string    `json:"cause,omitempty"` // of a pod, as its workload's Progress has it
	Ready     bool      `json:"ready"`
	Current   bool      `json:"current"` // of the revision that was applied last
	Doomed    bool      `json:"doomed,omitempty"`
	Created   time.Time `json:"created,omitzero"` // of a container: when it started
	Image     string    `json:"image,omitempty"`
	Node      string    `json:"node,omitempty"` // of a pod: where it runs
	Restarts  int       `json:"restarts,omitempty"`
	// Logs is set for a container that has a log, and Previous when there is
	// one of an earlier run of it, too.
	Logs     bool       `json:"logs,omitempty"`
	Previous bool       `json:"previous,omitempty"`
	Children []TreeNode `json:"children,omitempty"` // the worst first
}

// ObjectEvent is what a component of the cluster said about an object of a
// tree. Those that say the same are one.
type ObjectEvent struct {
	Type    string    `json:"type"` // Normal or Warning
	Reason  string    `json:"reason"`
	Object  string    `json:"object"` // "Pod cart-7d5b9c-x2x9k", and the container it is about
	Message string    `json:"message"`
	Count   int       `json:"count"`
	Last    time.Time `json:"last,omitzero"`
}

// ObjectTree is an object with all that belongs to it, and what was said about
// that lately.
type ObjectTree struct {
	Root   TreeNode      `json:"root"`
	Events []ObjectEvent `json:"events"` // the newest first
	ReadAt time.Time     `json:"readAt"`
	// Notes say what could not be read, or is left out.
	Notes []string `json:"notes,omitempty"`
}

// Walk calls visit for a node and all below it, with how deep each is, in the
// order in which they are shown, until visit returns false.
func (n *TreeNode) Walk(visit func(node *TreeNode, depth int) bool) {
	n.walk(visit, 0)
}

func (n *TreeNode) walk(visit func(*TreeNode, int) bool, depth int) bool {
	if !visit(n, depth) {
		return false
	}
	for i := range n.Children {
		if !n.Children[i].walk(visit, depth+1) {
			return false
		}
	}
	return true
}
