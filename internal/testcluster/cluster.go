// Package testcluster gives tests a real Kubernetes control plane with
// simulated nodes: see internal/controlplane for what its pods can be made to
// do. A test binary has at most one, which is started when the first test asks
// for it. Tests share it and keep apart by namespaces.
package testcluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// settings are the flags of the control plane.
type settings struct{ flags []string }

// Option changes the control plane.
type Option func(*settings)

// WithUser adds a user in a group, who has no permissions until a test grants
// some. KubeconfigFor leads to the user's credentials.
func WithUser(name, group string) Option {
	return func(s *settings) { s.flags = append(s.flags, "--user="+name+":"+group) }
}

// WithNodes sets the number of simulated nodes; the default is 2.
func WithNodes(n int) Option {
	return func(s *settings) { s.flags = append(s.flags, fmt.Sprintf("--nodes=%d", n)) }
}

// WithContexts names the contexts of the kubeconfig, all of which lead to this
// control plane. The first one is the current one.
func WithContexts(names ...string) Option {
	return func(s *settings) {
		for _, name := range names {
			s.flags = append(s.flags, "--context="+name)
		}
	}
}

// Cluster is a running control plane.
type Cluster struct {
	// Kubeconfig is the administrator's.
	Kubeconfig string
	// Dir is where the control plane keeps its state and its logs.
	Dir string

	process *process
	rules   rules
}

// shared is the control plane of this test binary.
var shared struct {
	prepared bool
	opts     []Option
	once     sync.Once
	cluster  *Cluster
	err      error
}

// Main runs the tests of a package and stops the control plane after them. It
// is to be all that TestMain calls; the exit code is that of the tests.
func Main(m *testing.M, opts ...Option) {
	shared.prepared, shared.opts = true, opts
	m.Run()
	// Claims the once, so that there is nothing left to start.
	shared.once.Do(func() {})
	if shared.cluster != nil {
		if err := shared.cluster.discard(); err != nil {
			log.Fatalf("testcluster: %v", err)
		}
	}
}

// Get returns the control plane of this test binary, starting it if necessary.
func Get(t testing.TB) *Cluster {
	t.Helper()
	if !shared.prepared {
		t.Fatal("TestMain has to call testcluster.Main, which stops the control plane")
	}
	shared.once.Do(func() { shared.cluster, shared.err = startScratch(shared.opts) })
	if shared.err != nil {
		t.Fatalf("starting a control plane: %v", shared.err)
	}
	return shared.cluster
}

func startScratch(opts []Option) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "testcluster-")
	if err != nil {
		return nil, err
	}
	c, err := Start(dir, opts...)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return c, nil
}

func (c *Cluster) discard() error {
	err := c.Stop()
	if removeErr := os.RemoveAll(c.Dir); err == nil {
		err = removeErr
	}
	return err
}

// Start starts a control plane of its own in a directory, for tests that stop
// it. Others share the one that Get returns.
func Start(dir string, opts ...Option) (*Cluster, error) {
	var s settings
	for _, opt := range opts {
		opt(&s)
	}
	path, err := controlPlane.find()
	if err != nil {
		return nil, err
	}
	// Starting is all computing, and its components give up when the API server
	// takes too long, so starts take turns.
	unlock, err := Lock(filepath.Join(os.TempDir(), fmt.Sprintf("testcluster-%d.lock", os.Getuid())))
	if err != nil {
		return nil, err
	}
	defer unlock()
	c := &Cluster{Kubeconfig: filepath.Join(dir, "kubeconfig"), Dir: dir}
	c.rules.path = filepath.Join(dir, "pod-rules.yaml")
	c.process, err = startProcess(path, append([]string{"--dir=" + dir}, s.flags...))
	return c, err
}

// Stop ends the control plane and waits until it is gone.
func (c *Cluster) Stop() error { return c.process.stop() }

// Config returns the administrator's client configuration, without a limit on
// requests.
func (c *Cluster) Config(t testing.TB) *rest.Config {
	t.Helper()
	return loadConfig(t, c.Kubeconfig)
}

// Kubectl returns the path of a kubectl of the control plane's version.
func (c *Cluster) Kubectl(t testing.TB) string {
	t.Helper()
	path, err := kubectl.find()
	if err != nil {
		t.Fatalf("building kubectl: %v", err)
	}
	return path
}

// KubeconfigFor returns the path of the kubeconfig of a user that was added by
// WithUser.
func (c *Cluster) KubeconfigFor(t testing.TB, user string) string {
	t.Helper()
	path := filepath.Join(c.Dir, "kubeconfig-"+user)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("user %q: %v", user, err)
	}
	return path
}

// ConfigFor returns the client configuration of a user that was added by
// WithUser.
func (c *Cluster) ConfigFor(t testing.TB, user string) *rest.Config {
	t.Helper()
	return loadConfig(t, c.KubeconfigFor(t, user))
}

func loadConfig(t testing.TB, path string) *rest.Config {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	return cfg
}

// Client returns the administrator's typed client.
func (c *Cluster) Client(t testing.TB) *kubernetes.Clientset {
	t.Helper()
	cs, err := kubernetes.NewForConfig(c.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// Namespace creates a namespace for the test in which pods can run, and has it
// deleted when the test ends.
func (c *Cluster) Namespace(t testing.TB) string {
	t.Helper()
	cs := c.Client(t)
	name := namespaceName(t.Name())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := cs.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		t.Fatalf("creating a namespace: %v", err)
	}
	t.Cleanup(func() {
		// The context of the test is over by now.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		err := cs.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("deleting namespace %s: %v", name, err)
		}
	})
	// Without its service account no pod can be created.
	Eventually(t, time.Minute, "service account in namespace "+name, func() (bool, error) {
		_, err := cs.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, err
	})
	return name
}

// namespaceName makes a name that is unique and still tells the test.
func namespaceName(test string) string {
	var raw [4]byte
	// Read never fails, it ends the program instead.
	_, _ = rand.Read(raw[:])
	var out strings.Builder
	for _, c := range strings.ToLower(test) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			out.WriteRune(c)
		} else {
			out.WriteByte('-')
		}
	}
	name := out.String()
	name = strings.Trim(name[:min(len(name), 45)], "-")
	return name + "-" + hex.EncodeToString(raw[:])
}

// Eventually calls done until it returns true, and fails the test after the
// timeout with the last error, if any. Errors before that are no failure.
func Eventually(t testing.TB, timeout time.Duration, what string, done func() (bool, error)) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	ticker := time.NewTicker(25 * time.Millisecond)
	defer ticker.Stop()
	for {
		ok, err := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s (last error: %v)", what, timeout, err)
		}
		<-ticker.C
	}
}
