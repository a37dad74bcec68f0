package kubelet

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/fairtide-dev/fairtide/internal/controlplane/sim"
)

// serveNode serves what the API server asks nodes for: the logs. All nodes
// share one port, whose number it returns.
func serveNode(opts Options, pods *podTable, failed chan<- error) (int32, error) {
	cert, err := tls.LoadX509KeyPair(opts.CertFile, opts.KeyFile)
	if err != nil {
		return 0, err
	}
	ca, err := os.ReadFile(opts.ClientCAFile)
	if err != nil {
		return 0, err
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(ca) {
		return 0, fmt.Errorf("no certificate in %s", opts.ClientCAFile)
	}
	listener, err := net.Listen("tcp4", net.JoinHostPort(nodeIP, "0"))
	if err != nil {
		return 0, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", pods.serveLog)
	server := &http.Server{
		Handler:           onlyFor(opts.ClientName, mux),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.Default(),
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
		},
	}
	go func() { failed <- fmt.Errorf("node server: %w", server.ServeTLS(listener, "", "")) }()
	return int32(listener.Addr().(*net.TCPAddr).Port), nil
}

// onlyFor lets pass the client whose certificate is for name. The certificate
// itself has been verified.
func onlyFor(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.PeerCertificates[0].Subject.CommonName != name {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (t *podTable) serveLog(w http.ResponseWriter, r *http.Request) {
	opts, err := sim.ParseLogOptions(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	pod, name := r.PathValue("pod"), r.PathValue("container")
	worker := t.byName(r.PathValue("namespace"), pod)
	if worker == nil {
		http.Error(w, fmt.Sprintf("pod %q does not exist", pod), http.StatusNotFound)
		return
	}
	for _, c := range worker.containers {
		if c.spec.Name != name {
			continue
		}
		output, err := c.output(opts.Previous)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		flush := func() { _ = http.NewResponseController(w).Flush() }
		if err := output.CopyTo(r.Context(), w, flush, opts); err != nil {
			log.Printf("log of %s/%s: %v", worker.namespace, pod, err)
		}
		return
	}
	http.Error(w, fmt.Sprintf("container %q not found in pod %q", name, pod), http.StatusNotFound)
}

// output returns the log a request is about. The errors are those of a
// kubelet, word for word, because the API server passes them on to users.
func (c *container) output(previous bool) (*sim.Log, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	switch {
	case previous && c.state.Waiting != nil && c.last.Terminated != nil && c.log != nil:
		// Between two runs the one that ended last is the previous one, too.
		return c.log, nil
	case previous && (c.last.Terminated == nil || c.previous == nil):
		return nil, fmt.Errorf("previous terminated container %q in pod %q not found", c.spec.Name, c.w.name)
	case previous:
		return c.previous, nil
	case c.log != nil:
		return c.log, nil
	case c.state.Terminated != nil:
		// It ended before the kubelet was restarted.
		return nil, fmt.Errorf("unable to retrieve container logs for %s", c.id)
	}
	why := fmt.Sprintf("container %q in pod %q is waiting to start: ", c.spec.Name, c.w.name)
	reason := "ContainerCreating"
	if c.state.Waiting != nil {
		reason = c.state.Waiting.Reason
	} else if len(c.w.pod.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	switch reason {
	case "ErrImagePull":
		reason = "image can't be pulled"
	case "ImagePullBackOff":
		reason = "trying and failing to pull image"
	}
	return nil, fmt.Errorf("%s%s", why, reason)
}
