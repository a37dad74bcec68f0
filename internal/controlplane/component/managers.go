package component

import (
	"context"

	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

// commonManagerFlags makes a component the only one of its kind, without a
// port of its own, and fast: the limits on requests protect a server that many
// clients share.
func commonManagerFlags(name string) []string {
	return []string{
		"--kubeconfig=" + layout.Kubeconfig(name),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}

func runControllerManager(ctx context.Context, _ []string) error {
	// It waits ten seconds for the whole of the start itself, and gives up.
	if err := waitForAPI(ctx, layout.ControllerManager); err != nil {
		return err
	}
	cmd := controllermanager.NewControllerManagerCommand()
	cmd.SetArgs(append(commonManagerFlags(layout.ControllerManager),
		"--service-account-private-key-file="+layout.ServiceAcctKey,
		"--root-ca-file="+layout.CACert,
		// Pods of a simulated node have no addresses to manage.
		"--allocate-node-cidrs=false",
	))
	return cmd.ExecuteContext(ctx)
}

func runScheduler(ctx context.Context, _ []string) error {
	if err := waitForAPI(ctx, layout.Scheduler, rolesHook); err != nil {
		return err
	}
	cmd := scheduler.NewSchedulerCommand()
	cmd.SetArgs(commonManagerFlags(layout.Scheduler))
	return cmd.ExecuteContext(ctx)
}
