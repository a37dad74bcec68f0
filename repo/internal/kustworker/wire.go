// Package kustworker runs kustomize where it can reach nothing: in a child
// process of the same executable, without an environment, without a network
// where the system allows that, and with a file system that is a conversation
// with the parent.
//
// A program that links this package is its own child: the package's init sees
// the variable that Pool sets and never returns. That is before most of the
// program has initialised, and there is no program that links it and forgets
// to call something.
package kustworker

import "time"

// State is what is at a path.
type State byte

// The states.
const (
	Absent State = iota
	File
	Directory
	Failed // the path cannot be looked at; the Text says why
)

// Fact is what the parent says about a path.
type Fact struct {
	State State
	Real  string // the path behind symbolic links
	Text  string
	Data  []byte // the content of a File
	Read  bool   // Data is there
}

// Job is one kustomization to build. Paths are relative to the root of the
// tree, which itself is ".".
type Job struct {
	Dir   string
	Known map[string]Fact
	// Marks lists, by the real path of a resource file, the marks of its
	// documents in order. A file whose documents are not that many gets none.
	Marks map[string][]string
	Limit time.Duration // after which the child ends itself
}

// Object is a built object: as JSON, with the mark of the document it came
// from, if kustomize kept that.
type Object struct {
	JSON []byte
	Mark string
}

// request is what the parent sends: a job, then facts.
type request struct {
	Job  *Job
	Fact *Fact
}

// reply is what the child sends: questions, then the result.
type reply struct {
	Ask     string
	Content bool // the question is for the content too
	Done    bool
	Objects []Object
	Text    string // why there are no objects
}

// variable marks the environment of a child.
const variable = "FAIRTIDE_RENDER_CHILD"

// deadProxy refuses every connection.
const deadProxy = "http://127.0.0.1:1"
