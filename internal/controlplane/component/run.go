// Package component runs the processes a control plane is made of: etcd, the
// API server, the controller manager, the scheduler and the simulated kubelet.
// Every one of them is this same binary, started again by the supervisor with
// the component's name as its first argument and the control plane's directory
// as its working directory.
package component

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairtide-dev/fairtide/internal/controlplane/kubelet"
	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

var components = map[string]func(ctx context.Context, args []string) error{
	layout.Etcd:              runEtcd,
	layout.APIServer:         runAPIServer,
	layout.ControllerManager: runControllerManager,
	layout.Scheduler:         runScheduler,
	layout.Kubelet:           runKubelet,
}

// Known says whether name is a component rather than an argument meant for the
// supervisor.
func Known(name string) bool {
	_, ok := components[name]
	return ok
}

// Run runs a component until it fails or the supervisor is gone.
//
// Components are not wound down in an orderly way, which takes the API server
// a minute, because nothing is lost: whatever a client was told to be stored is
// in etcd. Only etcd gets a moment to close its files. The caller has to end
// the process when Run returns.
func Run(name string, args []string) error {
	run, ok := components[name]
	if !ok {
		return fmt.Errorf("unknown component %q", name)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args) }()
	select {
	case err := <-ended:
		return err
	case <-supervisorGone():
	}
	cancel()
	if name == layout.Etcd {
		select {
		case <-ended:
		case <-time.After(time.Second):
		}
	}
	return nil
}

// supervisorGone returns a channel that is closed when the supervisor closes
// its end of the pipe, on purpose or by dying.
func supervisorGone() <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		// Errors mean the same as the end of the pipe: there is no supervisor.
		_, _ = io.Copy(io.Discard, os.NewFile(layout.LifelineFD, "lifeline"))
	}()
	return gone
}

// poll calls done every few milliseconds until it succeeds.
func poll(ctx context.Context, done func() error) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := done()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}

// waitForEtcd spares the API server the seconds-long back-off of a first
// connection that is refused.
func waitForEtcd(ctx context.Context) error {
	return poll(ctx, func() error {
		conn, err := net.Dial("unix", layout.EtcdSocket)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// rolesHook makes the roles that come with Kubernetes. It takes a second longer
// than the rest of the API server's start, and on a busy machine many.
const rolesHook = "poststarthook/rbac/bootstrap-roles"

// waitForAPI returns when the API server serves, but for the hooks that are not
// waited for. Components that start before that would sleep for seconds between
// their attempts.
func waitForAPI(ctx context.Context, name string, without ...string) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", layout.Kubeconfig(name))
	if err != nil {
		return err
	}
	cfg.QPS = -1
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	return poll(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		code := 0
		ask := cs.Discovery().RESTClient().Get().AbsPath("/readyz")
		for _, hook := range without {
			ask = ask.Param("exclude", hook)
		}
		err := ask.Do(ctx).StatusCode(&code).Error()
		if err == nil && code != http.StatusOK {
			return fmt.Errorf("/readyz answered %d", code)
		}
		return err
	})
}

func runKubelet(ctx context.Context, args []string) error {
	opts, err := kubelet.ParseOptions(args)
	if err != nil {
		return err
	}
	opts.Kubeconfig = layout.Kubeconfig(layout.Kubelet)
	opts.EgressSocket = layout.EgressSocket
	opts.CertFile, opts.KeyFile = layout.KubeletCert, layout.KubeletKey
	opts.ClientCAFile, opts.ClientName = layout.CACert, layout.KubeletClientName
	// Components are cluster administrators and need no roles.
	if err := waitForAPI(ctx, layout.Kubelet, rolesHook); err != nil {
		return err
	}
	return kubelet.Run(ctx, opts)
}
