package model

import (
	"context"
	"sync"
	"time"
)

// RolloutPolicy says how a run goes about its waves.
type RolloutPolicy struct {
	Gate      WaveGate
	OnFailure OnFailure
	// WaveTimeout is how long a wave may take to become ready, and Timeout how
	// long the run may take, without its tests. 0: the default of the engine,
	// and no limit.
	WaveTimeout time.Duration
	Timeout     time.Duration
}

// WaveGate says when a wave begins.
type WaveGate string

// The gates. Namespaces and definitions are waited for in any case.
const (
	GateReady   WaveGate = "ready"   // when the wave before is ready
	GateApplied WaveGate = "applied" // when the wave before is written
)

// OnFailure says what becomes of a run in which something failed.
type OnFailure string

// The ways to go on. Nothing is pruned, and no test is run, after a failure.
const (
	FailStop     OnFailure = "stop"     // no other wave begins
	FailContinue OnFailure = "continue" // the other waves are applied all the same
	FailRollback OnFailure = "rollback" // the run stops, and what was deployed before is applied in a run of its own
)

// Brake holds a run up between its waves. The zero value holds nothing up. It
// is safe for concurrent use.
type Brake struct {
	mu     sync.Mutex
	on     bool
	change chan struct{} // closed when it is released; nil: it is not on
}

// Set holds the run up before its next wave, or lets it go on.
func (b *Brake) Set(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case on == b.on:
	case on:
		b.on, b.change = true, make(chan struct{})
	default:
		close(b.change)
		b.on, b.change = false, nil
	}
}

// On reports whether the run is to be held up.
func (b *Brake) On() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.on
}

// Wait returns when the run may go on, or with the error of ctx. A nil Brake
// never holds up.
func (b *Brake) Wait(ctx context.Context) error {
	if b == nil {
		return ctx.Err()
	}
	b.mu.Lock()
	change := b.change
	b.mu.Unlock()
	if change == nil {
		return ctx.Err()
	}
	select {
	case <-change:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
