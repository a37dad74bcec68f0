// Package petstore holds the sample environments repository: its first state,
// the changes that were merged since, and how its pods behave on simulated
// nodes. Package internal/sample makes a Git repository of it.
package petstore

import "embed"

// Files is the repository's first state, below "files".
//
//go:embed all:files
var Files embed.FS

// Changes is what was merged since, below "changes": one txtar archive per
// change, in the order of their names.
//
//go:embed changes/*.txtar
var Changes embed.FS

// Pipeline is what is added to the first state, below "pipeline", when the
// sample's environments are to have acceptance tests.
//
//go:embed all:pipeline
var Pipeline embed.FS

// PodRules is how the sample's images behave, as the simulated kubelet reads it.
//
//go:embed pod-rules.yaml
var PodRules string
