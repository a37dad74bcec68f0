// Command fairtide reviews and rolls out GitOps changes to Kubernetes, in a
// terminal UI or headless.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/fairtide-dev/fairtide/cluster"
)

func main() {
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
