package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
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
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// killServer is between a process and the API server. It counts the calls of the
// process, watches too, and has it killed at one of them.
type killServer struct {
	*httptest.Server
	api      http.RoundTripper
	isRecord func(path string) bool

	mu     sync.Mutex
	cut    kill
	kill   func() // returns when the process is gone
	calls  int
	at     string // the call it was killed at
	doomed bool   // nothing more is passed on
	lost   int    // see lostWrites
	// writes are those to objects that took effect, of all processes.
	writes map[string]int
	flying sync.WaitGroup
}

var errProcessKilled = errors.New("the process was killed")

func newKillServer(t *testing.T, isRecord func(path string) bool) *killServer {
	t.Helper()
	cfg := testcluster.Get(t).Config(t)
	to, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	s := &killServer{isRecord: isRecord, writes: map[string]int{}, kill: func() {}}
	if s.api, err = rest.TransportFor(cfg); err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0) // connections of killed processes break
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:     s,
		FlushInterval: -1, // watches
		ErrorLog:      quiet,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through, last := s.enter(r)
		if !through {
			panic(http.ErrAbortHandler)
		}
		defer s.flying.Done()
		if last {
			r = r.WithContext(context.WithValue(r.Context(), lastCall{}, true))
			if s.cut.before {
				s.kill()
				panic(http.ErrAbortHandler)
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// lastCall marks the context of the call that a process is killed at.
type lastCall struct{}

// begin counts the calls of another process.
func (s *killServer) begin(cut kill, how func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut, s.kill, s.calls, s.doomed = cut, how, 0, false
}

// enter counts a call and says whether it is passed on, and whether it is the one
// that the process is killed at. What comes after that does not get through:
// the process is as good as dead.
func (s *killServer) enter(r *http.Request) (through, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doomed {
		return false, false
	}
	s.calls++
	s.flying.Add(1)
	if s.calls == s.cut.n {
		s.doomed, s.at = true, r.Method+" "+r.URL.RequestURI()
	}
	return true, s.doomed
}

// RoundTrip implements http.RoundTripper. What has reached the API server takes
// its course there, also when who sent it is gone.
func (s *killServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("watch") == "" {
		r = r.WithContext(context.WithoutCancel(r.Context()))
	}
	alters, err := s.alters(r)
	if err != nil {
		return nil, err
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	resp, err := s.api.RoundTrip(r)
	took := err == nil && alters && resp.StatusCode < 300
	if took {
		s.mu.Lock()
		s.writes[r.Method+" "+r.URL.Path+" "+kind]++
		s.mu.Unlock()
	}
	if r.Context().Value(lastCall{}) != nil {
		s.kill()
	}
	s.mu.Lock()
	doomed := s.doomed
	s.mu.Unlock()
	if !doomed {
		return resp, err
	}
	// Neither the last answer nor those that come with it are seen.
	if took {
		s.mu.Lock()
		s.lost++
		s.mu.Unlock()
	}
	if err == nil {
		_ = resp.Body.Close()
	}
	return nil, errProcessKilled
}

// alters reports whether a request is to alter an object: no record or lock, no
// question, no dry-run.
func (s *killServer) alters(r *http.Request) (bool, error) {
	switch {
	case r.Method == http.MethodGet, r.URL.Query().Get("dryRun") != "", s.isRecord(r.URL.Path),
		strings.Contains(r.URL.Path, "/authorization.k8s.io/"), strings.Contains(r.URL.Path, "/authentication.k8s.io/"):
		return false, nil
	case r.Method != http.MethodDelete:
		return true, nil
	}
	body, err := io.ReadAll(r.Body) // which says of a deletion whether it is one
	r.Body = io.NopCloser(bytes.NewReader(body))
	return !bytes.Contains(body, []byte(`"dryRun"`)), err
}

// settle waits until nothing of a process that has gone is under way.
func (s *killServer) settle() {
	s.mu.Lock()
	s.doomed = true
	s.mu.Unlock()
	s.flying.Wait()
}

func (s *killServer) counted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// lostWrites is how many writes to objects took effect with their answer lost.
func (s *killServer) lostWrites() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

func (s *killServer) cutOff() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

const killEnv = "kill"

var (
	killLeases      = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
	killConfigs     = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	killDefinitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	killKinds       = []schema.GroupVersionResource{
		killConfigs, {Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "services"}, {Version: "v1", Resource: "serviceaccounts"},
		{Group: "apps", Version: "v1", Resource: "deployments"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"}, {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	}
	killRigs atomic.Int64
)

// killRig is an environment of its own with forty objects to be shipped.
type killRig struct {
	t       *testing.T
	ns, dir string
	server  *killServer
	env     map[string]string // of the processes
	admin   dynamic.Interface
	commits *strings.Replacer
	said    string // by the processes
}

// newKillRig makes one, with the first commit live and the second to be shipped.
// Its namespaces stay until the control plane is gone: to empty them would keep
// that busy with more than the test.
func newKillRig(t *testing.T) *killRig {
	t.Helper()
	c := testcluster.Get(t)
	w := &killRig{t: t, ns: fmt.Sprintf("killed-%d", killRigs.Add(1)), dir: t.TempDir()}
	w.server = newKillServer(t, func(path string) bool {
		return strings.Contains(path, "/leases") || strings.Contains(path, "/namespaces/"+w.ns+"/configmaps/fairtide-") || strings.HasSuffix(path, "/namespaces/"+w.ns+"/configmaps")
	})
	var err error
	if w.admin, err = dynamic.NewForConfig(c.Config(t)); err != nil {
		t.Fatal(err)
	}
	_, err = c.Client(t).CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.ns}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	w.file(kubeconfig, fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: kill, cluster: {server: %q}}]
users: [{name: op1, user: {}}]
contexts: [{name: kill, context: {cluster: kill, user: op1}}]
current-context: kill
`, w.server.URL))
	w.env = map[string]string{"HOME": t.TempDir(), "XDG_CACHE_HOME": "", "KUBECONFIG": kubeconfig, "FAIRTIDE_REPO": w.dir}
	w.file(filepath.Join(w.dir, ".fairtide.yaml"), fmt.Sprintf("apiVersion: fairtide.dev/v1\nstateNamespace: %[1]s\nenvironments:\n"+
		"- {name: %[2]s, tier: staging, path: app, namespace: %[1]s, replace: {allowed: true}, prune: {enabled: true, max: 50}}\n", w.ns, killEnv))
	w.git("init", "--quiet", "--initial-branch=main")
	before, after := killObjects()
	first := w.commit(before)
	w.foreign()
	w.must("apply", "-e", killEnv, "--yes")
	w.commits = strings.NewReplacer(first, "BEFORE", w.commit(after), "AFTER", w.ns, "NS")
	return w
}

// foreign makes what others applied and the second commit has too.
func (w *killRig) foreign() {
	w.t.Helper()
	for name, manager := range map[string]string{"migrated": "kubectl-client-side-apply", "foreign": "somebody"} {
		fields := map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": w.ns}, "data": map[string]any{"x": "zero", "gone": "zero"},
		}
		u := &unstructured.Unstructured{Object: fields}
		if name == "migrated" {
			last, err := json.Marshal(fields)
			if err != nil {
				w.t.Fatal(err)
			}
			u.SetAnnotations(map[string]string{corev1.LastAppliedConfigAnnotation: string(last)})
		}
		if _, err := w.admin.Resource(killConfigs).Namespace(w.ns).Create(w.t.Context(), u, metav1.CreateOptions{FieldManager: manager}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *killRig) file(path, text string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *killRig) commit(objects string) string {
	w.t.Helper()
	w.file(filepath.Join(w.dir, "app", "all.yaml"), strings.ReplaceAll(objects, "$NS", w.ns))
	w.git("add", "--all")
	w.git("commit", "--quiet", "--message=a change")
	return w.git("rev-parse", "HEAD")
}

func (w *killRig) git(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", append([]string{"-C", w.dir, "-c", "user.name=op1", "-c", "user.email=op1@example.com"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// must runs the program in this process, not through killServer, and returns
// its output.
func (w *killRig) must(args ...string) string {
	w.t.Helper()
	out, err := os.CreateTemp(w.t.TempDir(), "stdout")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	var errs bytes.Buffer
	p := program{
		args: append(args, "--kubeconfig", testcluster.Get(w.t).Kubeconfig), stdin: out, stdout: out, stderr: &errs,
		lookupEnv: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		workDir:   func() (string, error) { return w.dir, nil }, hostname: func() (string, error) { return "bastion", nil },
	}
	code := p.run(w.t.Context())
	data, err := os.ReadFile(out.Name())
	if err != nil {
		w.t.Fatal(err)
	}
	if code != 0 {
		w.t.Fatalf("fairtide %s: exit code %d\n%s\n%s\n%s", strings.Join(args, " "), code, data, errs.String(), w.said)
	}
	return string(data)
}

func (w *killRig) status() model.EnvironmentStatus {
	w.t.Helper()
	return decode[struct{ Environments []model.EnvironmentStatus }](w.t, w.must("status", "-e", killEnv, "-o", "json")).Environments[0]
}

func (w *killRig) patch(gvr schema.GroupVersionResource, ns, name, patch string) {
	w.t.Helper()
	_, err := w.admin.Resource(gvr).Namespace(ns).Patch(w.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		w.t.Fatal(err)
	}
}

// killOutcome is all that is to be the same after every run, as lines without
// names or times of their own.
type killOutcome struct{ live, record, writes, attempts string }

func (w *killRig) outcome() killOutcome {
	w.t.Helper()
	live, uids := w.live()
	record, attempts := w.recorded(uids)
	var writes []string
	w.server.mu.Lock()
	for what, n := range w.server.writes {
		writes = append(writes, fmt.Sprintf("%d times %s", n, what))
	}
	w.server.mu.Unlock()
	plain := func(lines []string) string {
		slices.Sort(lines)
		return w.commits.Replace(strings.Join(lines, "\n"))
	}
	return killOutcome{plain(live), plain(record), plain(writes), attempts}
}

// live is the objects that there are, with who owns fields of them, and which
// UIDs they have.
func (w *killRig) live() (lines []string, uids map[string]bool) {
	w.t.Helper()
	uids = map[string]bool{}
	boats := schema.GroupVersionResource{Group: w.ns + ".example.com", Version: "v1", Resource: "boats"}
	for _, gvr := range append(slices.Clone(killKinds), boats, schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, killDefinitions) {
		for _, ns := range []string{w.ns, w.ns + "-new"} {
			opts := metav1.ListOptions{LabelSelector: "fairtide.dev/record notin (environment,run)"}
			in := w.admin.Resource(gvr).Namespace(ns)
			switch gvr.Resource {
			case "namespaces":
				in, opts.FieldSelector = w.admin.Resource(gvr), "metadata.name="+ns
			case "customresourcedefinitions":
				in, opts.FieldSelector = w.admin.Resource(gvr), "metadata.name=boats."+ns+".example.com"
			}
			list, err := in.List(w.t.Context(), opts)
			if apierrors.IsNotFound(err) {
				continue // the definition is not there
			}
			if err != nil {
				w.t.Fatal(err)
			}
			for _, o := range list.Items {
				if o.GetName() != "kube-root-ca.crt" && o.GetName() != "default" {
					uids[string(o.GetUID())] = true
					lines = append(lines, liveLine(o))
				}
			}
		}
	}
	return lines, uids
}

// liveLine is an object without what the server keeps in it for itself.
func liveLine(o unstructured.Unstructured) string {
	var owners []string
	for _, f := range o.GetManagedFields() {
		if f.Subresource == "" && !strings.HasPrefix(f.Manager, "kube-") {
			owners = append(owners, f.Manager+"/"+string(f.Operation))
		}
	}
	slices.Sort(owners)
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(o.Object, "metadata", "annotations", "deployment.kubernetes.io/revision")
	if len(o.GetAnnotations()) == 0 {
		o.SetAnnotations(nil)
	}
	delete(o.Object, "status")
	text, err := json.Marshal(o.Object)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s of %s", text, strings.Join(owners, ", "))
}

// recorded is what the program and its records say of the environment, and how
// often the run was continued. An object that is there is known by its UID.
func (w *killRig) recorded(uids map[string]bool) (lines []string, attempts string) {
	w.t.Helper()
	attempts = "none"
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	runs := decode[struct{ Runs []model.Run }](w.t, w.must("history", "-e", killEnv, "-o", "json")).Runs
	for _, r := range runs {
		took := !r.FinishedAt.IsZero() && !r.FinishedAt.Before(r.StartedAt)
		add("run %s %s of %s from %s, ended %v, because %q, override %q, window %q, waves %v, last %d",
			r.ID, r.State, r.Commit, r.From, took, r.Reason, r.Override, r.Window, r.Waves, r.Wave)
		for _, o := range r.Objects {
			isThere := uids[o.UID] == (o.Verdict != model.VerdictDelete)
			add("  %s: %s %s: %s %q in wave %d, true %v, timed %v", r.ID, o.Verdict, o.ID, o.Result, o.Message, o.Wave, isThere, !o.At.IsZero())
		}
		for i, a := range r.Attempts {
			attempts = fmt.Sprintf("%d: %+v of %s", i+1, a, r.ID)
			if len(r.Attempts) == 1 && r.ID == killEnv+"-2" && a.Operator != "" && a.Operator == r.Writer() && a.Reason == takenOver && a.At.After(r.StartedAt.Add(-time.Second)) {
				attempts = "one"
			}
		}
	}
	s := w.status()
	add("deployed %s by %s, last run %s %s, pending %d, lock %v", s.Deployed.Commit, s.Deployed.Run, s.LastRun.ID, s.LastRun.State, s.Pending, s.Lock)
	state, err := w.admin.Resource(killConfigs).Namespace(w.ns).Get(w.t.Context(), "fairtide-env-"+killEnv, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	text, _, _ := unstructured.NestedString(state.Object, "data", "state.json")
	for _, e := range decode[struct {
		Inventory []struct{ ID, UID string }
	}](w.t, text).Inventory {
		add("has %s, known %v", e.ID, uids[e.UID])
	}
	return lines, attempts
}

// discard takes away what costs every request of other tests.
func (w *killRig) discard() {
	err := w.admin.Resource(killDefinitions).Delete(context.WithoutCancel(w.t.Context()), "boats."+w.ns+".example.com", metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		w.t.Error(err)
	}
}
