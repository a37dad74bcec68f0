package model

import "time"

// State is what a cluster records about an environment.
type State struct {
	Deployed  *Deployed
	Inventory []InventoryEntry // what fairtide has applied and not pruned
	LastRun   *RunRef
	// ResourceVersion is the reading of the record this state came from; a
	// write that carries another one is refused. Empty: there is no record.
	ResourceVersion string
}

// Deployed names the commit an environment runs and who put it there.
type Deployed struct {
	Commit string    `json:"commit"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Run    string    `json:"run"`
}

// InventoryEntry is an object an earlier apply of the environment wrote.
type InventoryEntry struct {
	ID      ObjectID `json:"id"`
	Version string   `json:"version"`
	UID     string   `json:"uid"` // empty: a run meant to create it, and has not said that it did
	// Keep is the mark in the object as it was last rendered that keeps it from
	// being pruned (see KeepMark); empty: none.
	Keep string `json:"keep,omitempty"`
	// Left is set when the object is no longer rendered, and was kept.
	Left bool `json:"left,omitempty"`
}

// RunRef names a run and how it stands.
type RunRef struct {
	ID     string   `json:"id"`
	State  RunState `json:"state"`
	Commit string   `json:"commit,omitempty"` // what it applied, or tried to
	// TakesBack is the commit of the failed run whose work it took back; empty: none.
	TakesBack string `json:"takesBack,omitempty"`
}

// Lock says who may write to an environment.
type Lock struct {
	Holder  string    `json:"holder"` // user@host
	Run     string    `json:"run,omitempty"`
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"`
	Doing   string    `json:"doing,omitempty"` // what the holder does, in few words
	// TookOver is why the holder took the lock over from one who let it expire;
	// empty: it was free.
	TookOver string `json:"tookOver,omitempty"`
}

// ClusterInfo is what a cluster says of itself and of the caller.
type ClusterInfo struct {
	Context string
	Server  string // the API server's URL
	UID     string // of the kube-system namespace
	Version string
	User    string        // the caller, as the API server knows it
	Groups  []string      // that the caller is in, likewise
	Now     time.Time     // the API server's clock, to the second
	Skew    time.Duration // the local clock minus the API server's
}

// EnvironmentStatus is the answer to "how does this environment stand".
type EnvironmentStatus struct {
	Name     string       `json:"name"`
	Tier     Tier         `json:"tier"`
	Branch   string       `json:"branch"`
	Path     string       `json:"path"`
	Head     string       `json:"head"`
	Deployed *Deployed    `json:"deployed"`
	Pending  int          `json:"pending"` // 1 when never deployed: everything, as one entry
	Window   *WindowState `json:"window"`  // nil: could not be judged, see Problem
	// Clock is the cluster's clock when the window was judged, to the second;
	// zero: not known. Skew is how far the local clock was ahead of it.
	Clock time.Time     `json:"clock,omitzero"`
	Skew  time.Duration `json:"-"`
	// Rules are the environment's windows with their calendars read.
	Rules   []WindowRule `json:"-"`
	Lock    *Lock        `json:"lock"`
	LastRun *RunRef      `json:"lastRun"`
	Adopt   bool         `json:"adopt,omitempty"`
	Cluster string       `json:"cluster,omitempty"` // context and server
	User    string       `json:"user,omitempty"`    // the caller, as the API server knows it
	Groups  []string     `json:"-"`                 // that the caller is in, likewise
	Problem string       `json:"problem,omitempty"` // why a part is missing; one sentence
}
