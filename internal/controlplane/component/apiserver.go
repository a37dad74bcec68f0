package component

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/pflag"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	logsapi "k8s.io/component-base/logs/api/v1"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

// apiServerFlags is the configuration of the API server besides its listener.
func apiServerFlags() []string {
	return []string{
		"--etcd-servers=unix://" + layout.EtcdSocket,
		"--bind-address=127.0.0.1",
		// Without it a machine that has no network has no API server either.
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--tls-cert-file=" + layout.APIServerCert,
		"--tls-private-key-file=" + layout.APIServerKey,
		"--client-ca-file=" + layout.CACert,
		"--token-auth-file=" + layout.TokenFile,
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + layout.ServiceAcctKey,
		"--service-account-signing-key-file=" + layout.ServiceAcctKey,
		"--kubelet-certificate-authority=" + layout.CACert,
		"--kubelet-client-certificate=" + layout.ClientCert,
		"--kubelet-client-key=" + layout.ClientKey,
		"--kubelet-preferred-address-types=InternalIP",
		"--egress-selector-config-file=" + layout.EgressConfig,
		"--allow-privileged=true",
		"--profiling=false",
		"--shutdown-watch-termination-grace-period=0s",
	}
}

// runAPIServer does what the kube-apiserver command does, except that it
// listens on the socket it inherited, for which there is no flag.
func runAPIServer(ctx context.Context, _ []string) error {
	listener, err := net.FileListener(os.NewFile(layout.ListenerFD, "listener"))
	if err != nil {
		return fmt.Errorf("the listening socket: %w", err)
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return fmt.Errorf("the listening socket is not TCP but %s", listener.Addr())
	}
	opts := options.NewServerRunOptions()
	opts.SecureServing.Listener = listener
	opts.SecureServing.BindPort = address.Port

	flags := pflag.NewFlagSet(layout.APIServer, pflag.ContinueOnError)
	for _, set := range opts.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(apiServerFlags()); err != nil {
		return err
	}
	if err := opts.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	if err := logsapi.ValidateAndApply(opts.Logs, utilfeature.DefaultFeatureGate); err != nil {
		return err
	}
	completed, err := opts.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return errors.Join(errs...)
	}
	if err := waitForEtcd(ctx); err != nil {
		return err
	}
	return apiserver.Run(ctx, completed)
}
