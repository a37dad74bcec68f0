package tui

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func TestRunEndsOnQ(t *testing.T) {
	in, keys := io.Pipe()
	defer func() { _ = keys.Close() }()
	go func() { _, _ = keys.Write([]byte("q")) }()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	if err := Run(ctx, Config{Backend: tuitest.Sample(time.Now()), Input: in, Output: &out}); err != nil {
		t.Errorf("Run: %v", err)
	}
	if out.Len() == 0 {
		t.Error("nothing was written to the terminal")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	in, keys := io.Pipe()
	defer func() { _ = keys.Close() }()
	b := tuitest.Sample(time.Now())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for b.Count("Pending") == 0 && ctx.Err() == nil {
			<-time.After(time.Millisecond)
		}
		cancel()
	}()
	err := Run(ctx, Config{Backend: b, Input: in, Output: io.Discard})
	if got := model.CodeOf(err, model.ExitOK); got != model.ExitInterrupted {
		t.Errorf("Run: %v, exit code %d, want %d", err, got, model.ExitInterrupted)
	}
}
