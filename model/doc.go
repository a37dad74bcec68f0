// Package model holds the nouns of fairtide and the pure rules about them:
// environments, changes, objects, plans, verdicts, windows and runs.
//
// It imports the standard library only, so that every other package can speak
// its types. Nothing in it reads a clock, a file, a repository or a cluster.
package model
