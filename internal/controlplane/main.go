// Command controlplane runs a real Kubernetes control plane in the foreground:
// etcd, API server, controller manager and scheduler as processes of their
// own, plus simulated nodes whose pods live and die as they are told to. It
// needs no privileges, no container runtime and no network besides loopback.
//
// It is a module of its own because nothing but tests and demonstrations may
// depend on the Kubernetes server code.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/fairtide-dev/fairtide/internal/controlplane/component"
	"github.com/fairtide-dev/fairtide/internal/controlplane/supervise"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && component.Known(args[0]) {
		if err := component.Run(args[0], args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", args[0], err)
			os.Exit(1)
		}
		return
	}
	opts, err := supervise.ParseOptions(args)
	if errors.Is(err, pflag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "controlplane: %v\n", err)
		os.Exit(2)
	}
	if err := supervise.Run(opts); err != nil {
		fmt.Fprintf(os.Stderr, "controlplane: %v\n", err)
		os.Exit(1)
	}
}
