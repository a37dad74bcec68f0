package component

import (
	"context"
	"net/url"
	"os"

	"go.etcd.io/etcd/server/v3/embed"

	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

// runEtcd serves a single member on unix sockets: no port can be lost to
// somebody else, and only this user can connect.
func runEtcd(ctx context.Context, _ []string) error {
	client := url.URL{Scheme: "unix", Host: layout.EtcdSocket}
	peer := url.URL{Scheme: "unix", Host: layout.EtcdPeerSocket}

	// Sockets of a control plane that was killed are still there.
	for _, name := range []string{layout.EtcdSocket, layout.EtcdPeerSocket} {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	cfg := embed.NewConfig()
	cfg.Dir = layout.EtcdDir
	cfg.LogLevel = "warn"
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	// The data has to survive the process, not the machine.
	cfg.UnsafeNoFsync = true
	// One member elects itself; the default of a second is all waiting.
	cfg.TickMs, cfg.ElectionMs = 20, 200
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		etcd.Close()
		return nil
	case err = <-etcd.Err():
		return err
	}
}
