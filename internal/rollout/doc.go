// Package rollout is the engine that both front ends drive, the terminal UI
// and the commands: it says what is pending, makes plans, and runs an approved
// plan through lock, re-check, waves of apply, watch, prune and record.
//
// It declares what it needs of the Git side and of the Kubernetes side and
// imports neither.
package rollout
