package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// apiServer is in front of the control plane and passes on what it is asked,
// with a clock of its own: that of the Date header.
type apiServer struct {
	*httptest.Server

	mu      sync.Mutex
	ahead   time.Duration              // of its clock, to this machine's
	undated bool                       // it does not say what time it has
	before  func(*http.Request) func() // what happens before it passes a request on, and what after; may be nil
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	cfg := testcluster.Get(t).Config(t)
	to, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &apiServer{}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:     transport,
		FlushInterval: -1, // watches
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Date")
			return nil
		},
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		happen := s.before
		s.mu.Unlock()
		if happen != nil {
			if after := happen(r); after != nil {
				defer after()
			}
		}
		s.mu.Lock()
		if s.undated {
			w.Header()["Date"] = nil
		} else {
			w.Header().Set("Date", time.Now().Add(s.ahead).UTC().Format(http.TimeFormat))
		}
		s.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections() // watches
		s.Close()
	})
	return s
}

func (s *apiServer) set(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead = time.Until(at)
}

func (s *apiServer) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// when moves the clock as soon as a request that matches comes in.
func (s *apiServer) when(match func(*http.Request) bool, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = func(r *http.Request) func() {
		if match(r) {
			s.set(to)
		}
		return nil
	}
}

// leave ends what when began.
func (s *apiServer) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = nil
}

// silent is whether the server does not say what time it has.
func (s *apiServer) silent(undated bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undated = undated
}

// shore is an environment with windows, on a control plane whose clock and
// whose operator's clock the test moves.
type shore struct {
	t      *testing.T
	server *apiServer
	ns     string // of the environment's objects; the records are in one of their own
	dir    string // of the repository
	env    map[string]string
	skew   time.Duration // of the operator's clock, to the API server's
	config string
}

// newShore makes an environment with these keys in its configuration, and
// deploys its first commit while it has no windows.
func newShore(t *testing.T, keys string) *shore {
	t.Helper()
	w := &shore{t: t, server: newAPIServer(t), ns: testcluster.Get(t).Namespace(t), dir: t.TempDir()}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: shore, cluster: {server: %q}}]
users: [{name: op1, user: {}}]
contexts: [{name: shore, context: {cluster: shore, user: op1}}]
current-context: shore
`, w.server.URL)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env = map[string]string{"HOME": t.TempDir(), "FAIRTIDE_KUBECONFIG": kubeconfig, "FAIRTIDE_REPO": w.dir}
	w.git("init", "--quiet", "--initial-branch=main")
	w.config = fmt.Sprintf("apiVersion: fairtide.dev/v1\nstateNamespace: %s-state\nenvironments:\n- name: production\n  tier: production\n  path: app\n  namespace: %s\n  prune: {enabled: true, max: 10}\n", w.ns, w.ns)
	t.Cleanup(func() {
		namespaces := w.dynamic().Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
		if err := namespaces.Delete(context.Background(), w.ns+"-state", metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	w.commit(map[string]string{
		".fairtide.yaml": w.config, "app/settings.yaml": shoreSettings("1"), "app/web.yaml": service(80), "app/old.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n",
	})
	w.server.set(shoreDay)
	w.must(0, "apply", "-e", "production", "--yes")
	w.git("rm", "--quiet", "app/old.yaml")
	w.commit(map[string]string{".fairtide.yaml": w.config + keys, "app/settings.yaml": shoreSettings("2"), "app/web.yaml": service(81)})
	return w
}

// shoreDay is a Monday.
var shoreDay = time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)

// at is a time of that day.
func at(hour, minute, second int) time.Time {
	return time.Date(2027, 3, 1, hour, minute, second, 0, time.UTC)
}

func shoreSettings(value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {value: \"" + value + "\"}\n"
}

func service(port int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: %d}]}\n", port)
}

func (w *shore) git(args ...string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", append([]string{"-C", w.dir, "-c", "user.name=op1", "-c", "user.email=op1@example.com"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("git %s: %v\n%s", args, err, out)
	}
}

func (w *shore) commit(files map[string]string) {
	w.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	w.git("add", "--all")
	w.git("commit", "--quiet", "--message=a change")
}

// must runs the program with the operator's clock, and insists on its exit code
// and on what it says.
func (w *shore) must(code model.ExitCode, args ...string) result {
	w.t.Helper()
	out, err := os.CreateTemp(w.t.TempDir(), "stdout")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	var errs bytes.Buffer
	// The operator's clock goes on evenly, also where the other one is moved
	// under way: one that jumps is that of a machine that was asleep.
	ahead := time.Until(w.server.now()) + w.skew
	p := program{
		args: args, stdin: out, stdout: out, stderr: &errs,
		lookupEnv: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		workDir:   func() (string, error) { return w.dir, nil }, hostname: func() (string, error) { return "bastion", nil },
		clock: func() time.Time { return time.Now().Add(ahead) },
	}
	got := p.run(w.t.Context())
	data, err := os.ReadFile(out.Name())
	if err != nil {
		w.t.Fatal(err)
	}
	if got != code {
		w.t.Fatalf("fairtide %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), got, code, data, errs.String())
	}
	return result{int(got), string(data), errs.String()}
}

// says insists on what was said, on either stream.
func (w *shore) says(r result, texts ...string) {
	w.t.Helper()
	for _, s := range texts {
		if !strings.Contains(r.stdout+r.stderr, s) {
			w.t.Errorf("nothing says %q:\n%s\n%s", s, r.stdout, r.stderr)
		}
	}
}

func (w *shore) dynamic() dynamic.Interface {
	w.t.Helper()
	dyn, err := dynamic.NewForConfig(testcluster.Get(w.t).Config(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	return dyn
}

// live is what the control plane has of the environment, as "kind/name" with
// resource versions, without what it makes itself.
func (w *shore) live() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, resource := range []string{"configmaps", "services"} {
		list, err := w.dynamic().Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).Namespace(w.ns).List(w.t.Context(), metav1.ListOptions{})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, o := range list.Items {
			if o.GetName() != "kube-root-ca.crt" {
				out[o.GetKind()+"/"+o.GetName()] = o.GetResourceVersion()
			}
		}
	}
	return out
}

// runs are the records of the environment, newest first.
func (w *shore) runs() []model.Run {
	w.t.Helper()
	return decode[struct{ Runs []model.Run }](w.t, w.must(0, "history", "-e", "production", "-o", "json").stdout).Runs
}

// untouched insists that nothing was written since.
func (w *shore) untouched(what string, live map[string]string, runs int) {
	w.t.Helper()
	if now := w.live(); !maps.Equal(live, now) {
		w.t.Errorf("%s: %v became %v", what, live, now)
	}
	if n := len(w.runs()); n != runs {
		w.t.Errorf("%s: %d runs on record, want %d", what, n, runs)
	}
}

// written matches the request that writes an object, and no dry-run of it.
func (w *shore) written(resource, name string) func(*http.Request) bool {
	path := "/api/v1/namespaces/" + w.ns + "/" + resource + "/" + name
	return func(r *http.Request) bool {
		return r.Method == http.MethodPatch && r.URL.Path == path && r.URL.Query().Get("dryRun") == ""
	}
}
