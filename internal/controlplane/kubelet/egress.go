package kubelet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// podConn is a connection to a port of a pod.
type podConn struct {
	net.Conn
	ip   string
	port int32
}

type podConnKey struct{}

// podListener hands connections to the HTTP server that plays all pods.
type podListener chan *podConn

func (l podListener) Accept() (net.Conn, error) { return <-l, nil }
func (l podListener) Close() error              { return nil }
func (l podListener) Addr() net.Addr            { return &net.UnixAddr{Name: "pods", Net: "unix"} }

// serveEgress serves the proxy through which the API server connects to nodes
// and pods. Addresses of pods lead to the simulated ones; loopback addresses,
// like that of the node server, are passed through.
func serveEgress(socket string, pods *podTable, failed chan<- error) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	conns := make(podListener)
	server := &http.Server{
		Handler:           http.HandlerFunc(pods.serveHTTP),
		ReadHeaderTimeout: 10 * time.Minute,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, podConnKey{}, conn)
		},
	}
	go func() { failed <- fmt.Errorf("pod server: %w", server.Serve(conns)) }()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				failed <- fmt.Errorf("egress proxy: %w", err)
				return
			}
			go pods.connect(conn, conns)
		}
	}()
	return nil
}

// connect answers one CONNECT request.
func (t *podTable) connect(conn net.Conn, pods podListener) {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err == nil && request.Method != http.MethodConnect {
		err = fmt.Errorf("unexpected method %s", request.Method)
	}
	if err != nil {
		log.Printf("egress proxy: %v", err)
		conn.Close()
		return
	}
	const established = "HTTP/1.1 200 Connection established\r\n\r\n"
	host, port, err := net.SplitHostPort(request.Host)
	number, portErr := strconv.ParseUint(port, 10, 16)
	ip := net.ParseIP(host)
	if ip == nil || err != nil || portErr != nil {
		refuse(conn, http.StatusBadRequest, "cannot connect to "+request.Host)
		return
	}
	if ip.IsLoopback() {
		upstream, err := net.Dial("tcp", request.Host)
		if err != nil {
			refuse(conn, http.StatusBadGateway, err.Error())
			return
		}
		fmt.Fprint(conn, established)
		join(conn, upstream)
		return
	}
	target := t.target(host, int32(number))
	if target == nil {
		refuse(conn, http.StatusBadGateway, "dial tcp "+request.Host+": connect: connection refused")
		return
	}
	fmt.Fprint(conn, established)
	pods <- &podConn{Conn: conn, ip: host, port: int32(number)}
}

// refuse puts the reason into the status line, which is all of the answer that
// the API server shows.
func refuse(conn net.Conn, code int, reason string) {
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n\r\n", code, reason)
	conn.Close()
}

// join copies in both directions until both have ended.
func join(a, b net.Conn) {
	var wg sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		wg.Go(func() {
			// A broken connection is the end of it, for both sides.
			_, _ = io.Copy(pair[0], pair[1])
			pair[0].Close()
		})
	}
	wg.Wait()
}

// target returns the running container that listens on a port of a pod: the
// one that declares it or, since ports need not be declared, any.
func (t *podTable) target(ip string, port int32) *container {
	w := t.byIP(ip)
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var found *container
	for _, c := range w.containers {
		declares := false
		for _, p := range c.spec.Ports {
			declares = declares || p.ContainerPort == port
		}
		running := c.state.Running != nil && (!c.init || c.sidecar)
		switch {
		case declares && running:
			return c
		case declares:
			return nil
		case running && found == nil:
			found = c
		}
	}
	return found
}

// serveHTTP answers a request to a pod.
func (t *podTable) serveHTTP(rw http.ResponseWriter, r *http.Request) {
	conn, ok := r.Context().Value(podConnKey{}).(*podConn)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	c := t.target(conn.ip, conn.port)
	if c == nil {
		// The container ended while the connection was kept.
		panic(http.ErrAbortHandler)
	}
	b := c.behaviour()
	status, body, kind := http.StatusOK, b.HTTPBody, "text/plain; charset=utf-8"
	if !c.isReady() {
		status = http.StatusServiceUnavailable
	}
	if b.HTTPStatus != 0 {
		status = b.HTTPStatus
	}
	if body == "" {
		body, kind = c.selfDescription(r), "application/json"
	} else if json.Valid([]byte(body)) {
		kind = "application/json"
	}
	c.logRequest(r, status)
	rw.Header().Set("Content-Type", kind)
	rw.WriteHeader(status)
	if _, err := io.WriteString(rw, body); err != nil {
		log.Printf("answering a request to %s: %v", conn.ip, err)
	}
}

func (c *container) isReady() bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.ready
}

// selfDescription is the default answer.
func (c *container) selfDescription(r *http.Request) string {
	pod := c.w.latest()
	data, err := json.Marshal(struct {
		Pod       string `json:"pod"`
		Namespace string `json:"namespace"`
		Container string `json:"container"`
		Image     string `json:"image"`
		Path      string `json:"path"`
		Ready     bool   `json:"ready"`
	}{pod.Name, pod.Namespace, c.spec.Name, c.spec.Image, r.URL.Path, podReady(pod)})
	if err != nil {
		return err.Error()
	}
	return string(data) + "\n"
}

func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func (c *container) logRequest(r *http.Request, status int) {
	c.w.mu.Lock()
	output := c.log
	c.w.mu.Unlock()
	if output != nil {
		output.Write(fmt.Sprintf("%s %s %d", r.Method, r.URL.RequestURI(), status))
	}
}
