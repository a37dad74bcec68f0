package chart

import (
	"context"
	"encoding/gob"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/fairtide-dev/fairtide/repo/internal/bound"
)

// workerMark is the environment variable that makes any program with this
// package in it a worker.
const workerMark = "FAIRTIDE_INTERNAL_CHART_WORKER"

const (
	workerMemory    = 512 << 20 // bytes
	workerAddresses = 3 << 30   // likewise
	exitMemory      = 3
)

// answer is what a worker sends back. Failure is about the worker itself.
type answer struct {
	Result  Result
	Failure string
}

// A program that renders charts starts itself again to do so. Doing this here,
// and not in main, makes it hold for every program and for tests alike, and
// spares the worker all of the program's own start.
func init() {
	if os.Getenv(workerMark) != "" {
		os.Exit(serve(os.Stdin, os.Stdout)) //nolint:forbidigo // this is the main of the worker
	}
}

// serve answers requests until there are no more. It ends with the program
// that started it, also in the middle of a render.
func serve(in io.Reader, out io.Writer) int {
	signal.Ignore(os.Interrupt) // meant for the program that started this one
	// helm warns of what it does not like; the text may hold values.
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	debug.SetMemoryLimit(workerMemory * 3 / 4)
	bound.Memory(workerAddresses)
	requests := make(chan Request)
	go func() {
		for dec := gob.NewDecoder(in); ; {
			var q Request
			if err := dec.Decode(&q); err != nil {
				os.Exit(0) //nolint:forbidigo // a render that is under way would not end by itself
			}
			requests <- q
		}
	}()
	enc := gob.NewEncoder(out)
	for q := range requests {
		stop := make(chan struct{})
		go watchMemory(stop)
		res, err := Render(context.Background(), q)
		close(stop)
		a := answer{Result: res}
		if err != nil {
			a.Failure = err.Error()
		}
		if err := enc.Encode(a); err != nil {
			return 1
		}
	}
	return 0
}

// watchMemory ends the process when it holds too much memory. The runtime has
// no limit that does: its own makes a process slow, not small.
func watchMemory(stop <-chan struct{}) {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			metrics.Read(samples)
			if samples[0].Value.Uint64()-samples[1].Value.Uint64() > workerMemory {
				os.Exit(exitMemory) //nolint:forbidigo // nothing else stops a template
			}
		}
	}
}
