// Command fairtide reviews and rolls out GitOps changes to Kubernetes, in a
// terminal UI or headless.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/fairtide-dev/fairtide/cluster"
	"github.com/fairtide-dev/fairtide/internal/heap"
)

// memory is about what the process keeps to; see heap.Bound. Its code takes some
// 45 MB beside that.
const memory = 112 << 20

func main() {
	heap.Bound(memory)
	cluster.SilenceLibraries()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{
		args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		lookupEnv: os.LookupEnv, workDir: os.Getwd, hostname: os.Hostname,
	}
	code := p.run(ctx)
	stop()
	os.Exit(int(code))
}
