package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/demo/stage"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/internal/sample"
)

// canaries are values that must never come out of the program.
type canaries struct {
	*pipeline
	random *rand.Rand
	values []string
	seen   map[string]string // what came out of the program, by where
}

// next is another value. It has characters that encodings write otherwise.
func (c *canaries) next() string {
	v := fmt.Sprintf("cnry%03d/%016x+%08x", len(c.values), c.random.Uint64(), c.random.Uint32())
	c.values = append(c.values, v)
	return v
}

func (c *canaries) several(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = c.next()
	}
	return out
}

// forms are the ways a value can be written so that it can be read again.
func forms(v string) []string {
	out := []string{v, url.QueryEscape(v), url.PathEscape(v), hex.EncodeToString([]byte(v)), strings.ToUpper(hex.EncodeToString([]byte(v)))}
	for shift := range 3 { // wherever it stands in what was encoded
		padded := strings.Repeat("x", shift) + v
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			text := enc.EncodeToString([]byte(padded))
			out = append(out, text[4:len(text)-len(text)%4-8])
		}
	}
	return out
}

// either is for a command that may find a difference or none.
const either = -1

// says runs the program and keeps all it prints.
func (c *canaries) says(code int, args ...string) string {
	c.t.Helper()
	r := c.world.fairtide(append(args, "--log-file", c.logFile())...)
	if r.code != code && (code != either || r.code > 1) {
		c.t.Errorf("fairtide %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	c.seen[fmt.Sprintf("%d: fairtide %s", len(c.seen), strings.Join(args, " "))] = r.stdout + r.stderr
	return r.stdout
}

func (c *canaries) logFile() string { return filepath.Join(filepath.Dir(c.repo.Dir), "fairtide.log") }

// keepFiles takes the files below a directory for output.
func (c *canaries) keepFiles(dir string) {
	c.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		c.seen["file "+path] = path + "\n" + string(data)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// keepState takes what the program keeps in the cluster for output.
func (c *canaries) keepState() {
	c.t.Helper()
	n := 0
	for _, gvr := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "events"},
		{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
	} {
		list, err := c.dynamic().Resource(gvr).Namespace("fairtide"+c.suffix).List(c.t.Context(), metav1.ListOptions{})
		if err != nil {
			c.t.Fatal(err)
		}
		for _, o := range list.Items {
			data, err := json.Marshal(o.Object)
			if err != nil {
				c.t.Fatal(err)
			}
			c.seen["in the cluster: "+gvr.Resource+" "+o.GetName()] = string(data)
			n++
		}
	}
	if n < 3 {
		c.t.Errorf("only %d objects of state: the check has seen nothing", n)
	}
}

// check looks for the values in all that came out, and that it was enough.
func (c *canaries) check() {
	c.t.Helper()
	total := c.find()
	c.t.Logf("%d values, %d places, %d bytes", len(c.values), len(c.seen), total)
	if len(c.values) < 50 || total < 100_000 {
		c.t.Errorf("%d values and %d bytes: the check has seen too little", len(c.values), total)
	}
}

// find looks for the values and says in how many bytes it did.
func (c *canaries) find() (total int) {
	c.t.Helper()
	for _, where := range slices.Sorted(maps.Keys(c.seen)) {
		text := c.seen[where]
		total += len(text)
		for i, v := range c.values {
			for _, form := range forms(v) {
				if at := strings.Index(text, form); at >= 0 {
					c.t.Errorf("%s has value %d: …%s<<<%s>>>", where, i, text[max(0, at-120):at], form)
					break
				}
			}
		}
	}
	return total
}

// masks are the rules for the fields that are no Secret's.
const masks = `mask:
  - {kind: ConfigMap, pointer: /data/password}
  - {kind: ConfigMap, pointer: "/data/keys.txt"}
  - {pointer: "/spec/template/spec/containers/*/env/*/value"}
  - {pointer: /metadata/annotations/canary.example~1token}
  - {kind: Service, pointer: /spec/sessionAffinity}
`

// manifests are objects that are full of values.
func (c *canaries) manifests() map[string]string {
	quoted := func(vs []string) string {
		var b strings.Builder
		for i, v := range vs {
			fmt.Fprintf(&b, "  k%d: %q\n", i, v)
		}
		return b.String()
	}
	encoded := c.several(10)
	for i, v := range encoded {
		encoded[i] = base64.StdEncoding.EncodeToString([]byte(v))
	}
	var env strings.Builder
	for i, v := range c.several(6) {
		fmt.Fprintf(&env, "            - {name: V%d, value: %q}\n", i, v)
	}
	all := "apiVersion: v1\nkind: Secret\nmetadata: {name: canary-data}\ndata:\n" + quoted(encoded) +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: canary-text, annotations: {canary.example/token: " + c.next() + "}}\nstringData:\n" + quoted(c.several(8)) +
		"  lines: |\n    first " + c.next() + "\n    second " + c.next() + "\n" +
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: canary-marked, annotations: {canary.example/token: " + c.next() + "}}\ndata:\n  public: yes-indeed\n  password: " + c.next() +
		"\n  keys.txt: |\n    one=" + c.next() + "\n    two=" + c.next() + "\n" +
		"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: canary, annotations: {canary.example/token: " + c.next() + "}}\nspec:\n  replicas: 1\n" +
		"  selector: {matchLabels: {app: canary}}\n  template:\n    metadata: {labels: {app: canary}}\n    spec:\n      containers:\n        - name: main\n" +
		"          image: ghcr.io/petstore/cart:0.9.4\n          env:\n" + env.String()
	literals := c.several(6)
	return map[string]string{
		"environments/staging/canary/all.yaml": all,
		"environments/staging/canary/kustomization.yaml": "resources: [all.yaml]\nsecretGenerator:\n- name: canary-generated\n  literals:\n  - a=" + literals[0] + "\n  - b=" + literals[1] +
			"\n- name: canary-steady\n  options: {disableNameSuffixHash: true}\n  literals:\n  - c=" + literals[2] + "\n  - d=" + literals[3] +
			"\n  files: [values.env]\n",
		"environments/staging/canary/values.env": "E=" + literals[4] + "\nF=" + literals[5] + "\n",
	}
}

func (c *canaries) merge(message string, files map[string]string) {
	c.t.Helper()
	if _, err := c.stage.Forge.Commit(githubtest.Commit{Branch: "main", Message: message, Files: files}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *canaries) namespace() string { return "petstore-staging" + c.suffix }

// appliedByKubectl is a live Secret that kubectl applied from a file, with the
// values in its annotation.
func (c *canaries) appliedByKubectl() map[string]any {
	c.t.Helper()
	secret := map[string]any{
		"apiVersion": "v1", "kind": "Secret",
		"metadata":   map[string]any{"name": "canary-text", "namespace": c.namespace()},
		"stringData": map[string]any{"k0": c.next(), "old": c.next()},
	}
	applied, err := json.Marshal(secret)
	if err != nil {
		c.t.Fatal(err)
	}
	metadata, _ := secret["metadata"].(map[string]any)
	metadata["annotations"] = map[string]any{"kubectl.kubernetes.io/last-applied-configuration": string(applied), "canary.example/token": c.next()}
	return secret
}

func (c *canaries) put(gvr schema.GroupVersionResource, ns string, fields map[string]any) {
	c.t.Helper()
	_, err := c.dynamic().Resource(gvr).Namespace(ns).Create(c.t.Context(), &unstructured.Unstructured{Object: fields}, metav1.CreateOptions{FieldManager: "kubectl-client-side-apply"})
	if err != nil {
		c.t.Fatal(err)
	}
}

// drift changes values live.
func (c *canaries) drift() {
	c.t.Helper()
	for resource, patch := range map[string]string{
		"secrets/canary-data":      fmt.Sprintf(`{"stringData": {"k0": %q, "extra": %q}}`, c.next(), c.next()),
		"configmaps/canary-marked": fmt.Sprintf(`{"data": {"password": %q}, "metadata": {"annotations": {"canary.example/token": %q}}}`, c.next(), c.next()),
	} {
		kind, name, _ := strings.Cut(resource, "/")
		_, err := c.dynamic().Resource(schema.GroupVersionResource{Version: "v1", Resource: kind}).Namespace(c.namespace()).
			Patch(c.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"})
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

// views asks for everything there is to see.
func (c *canaries) views() {
	c.t.Helper()
	c.says(0, "status", "-e", "staging", "-o", "json")
	c.says(0, "status", "-e", "staging")
	for _, format := range []string{"text", "json"} {
		c.says(0, "changes", "-e", "staging", "-o", format)
		c.says(0, "history", "-e", "staging", "-o", format)
		c.says(0, "proposed", "-e", "staging", "-o", format)
		c.says(0, "images", "-e", "staging", "-o", format)
	}
	for _, format := range []string{"text", "json", "markdown"} {
		c.says(1, "diff", "-e", "staging", "-o", format)
		c.says(either, "diff", "-e", "staging", "-o", format, "--lens", "git")
		c.says(either, "diff", "-e", "staging", "-o", format, "--lens", "drift")
	}
	c.says(1, "diff", "-e", "staging", "--full", "--show-hidden")
}

// screens goes through the review in the UI.
func (c *canaries) screens() {
	c.t.Helper()
	o := c.operator(160, 60)
	o.sees("ENVIRONMENTS", "staging")
	o.types("2")
	o.sees("PENDING IN staging")
	o.types("c")
	o.sees("canary")
	for range 6 {
		c.seen[fmt.Sprintf("screen %d", len(c.seen))] = o.term.Text()
		o.types("]")
	}
	o.types("\x1b")
	o.sees("ENVIRONMENTS")
	o.untilSees("\r", "staging  review", "canary-bad")
	o.types("f")
	for _, name := range []string{"/canary-bad", "/canary-worse", "/canary-generated", "/canary-steady"} {
		o.untilSees("]", name)
		c.seen["screen of "+name] = o.term.Text()
		o.types("v")
		c.seen["screen of "+name+" by Git"] = o.term.Text()
		o.types("vv")
		o.types("[[[[[[[[[[[[")
	}
}

// refusals asks for what the server refuses, which quotes what it rejects.
func (c *canaries) refusals() {
	c.t.Helper()
	bad := "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {name: canary-bad}\nstringData:\n  .dockerconfigjson: " + c.next() + "\n" +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: canary-worse}\ndata:\n  x: \"" + c.next() + "\"\n" +
		"---\napiVersion: v1\nkind: Service\nmetadata: {name: canary-bad}\nspec:\n  ports: [{port: 80}]\n  sessionAffinity: " + c.next() + "\n"
	c.merge("canary: what the server refuses", map[string]string{
		"environments/staging/canary/bad.yaml": bad, "environments/staging/canary/kustomization.yaml": "resources: [all.yaml, bad.yaml]\n",
	})
	if out := c.says(1, "diff", "-e", "staging"); !strings.Contains(out, "Unsupported value") {
		c.t.Errorf("the server's words are not there, in which a value could be:\n%s", out)
	}
	c.says(6, "apply", "-e", "staging", "--yes", "--override", "canary")
}

// outside takes what others were told for output.
func (c *canaries) outside(pr opened) {
	c.t.Helper()
	for i, m := range c.stage.Slack.Messages(stage.Channel) {
		c.seen[fmt.Sprintf("Slack, message %d", i)] = fmt.Sprint(m)
		c.seen[fmt.Sprintf("Slack, blocks %d", i)] = string(m.Blocks)
	}
	for i, comment := range c.stage.Forge.Comments(pr.PullRequest.Number) {
		c.seen[fmt.Sprintf("comment %d", i)] = comment
	}
	for i, r := range c.stage.Forge.Log() {
		c.seen[fmt.Sprintf("forge, request %d", i)] = fmt.Sprintf("%+v", r)
	}
}

// TestCanary puts known values where secrets are, goes through a whole journey,
// and looks for them in everything that came out of it.
func TestCanary(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &canaries{pipeline: newPipeline(t, sample.Options{}), random: rand.New(rand.NewPCG(seed, 1)), seen: map[string]string{}}
	c.says(0, "apply", "-e", "staging", "--yes", "--override", "before the canaries", "--commit", c.repo.Deployed["staging"])

	c.onMain(".fairtide.yaml", "stateNamespace:", masks+"stateNamespace:")
	c.onMain("environments/staging/kustomization.yaml", "resources:\n", "resources:\n  - canary\n")
	c.merge("canary: first values", c.manifests())
	c.put(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, c.namespace(), c.appliedByKubectl())
	c.views()
	plan := filepath.Join(filepath.Dir(c.repo.Dir), "plan.json")
	c.says(1, "diff", "-e", "staging", "--save", plan)
	c.says(0, "apply", "-e", "staging", "--plan", plan, "--yes", "--override", "canary", "-o", "json")

	c.merge("canary: other values", c.manifests())
	c.drift()
	c.views()
	c.says(1, "diff", "-e", "staging", "--save", plan)
	c.drift()
	c.says(4, "apply", "-e", "staging", "--plan", plan, "--yes", "--override", "canary")
	c.says(1, "diff", "-e", "staging", "--keep", "ConfigMap "+c.namespace()+"/canary-marked:data.password")
	c.says(0, "validate", "-e", "staging", "--head", c.stage.Forge.Head("main"), "-o", "markdown")
	c.says(0, "apply", "-e", "staging", "--yes", "--override", "canary")
	c.says(0, "test", "-e", "staging")
	c.says(0, "revert", "-e", "staging", c.stage.Forge.Head("main"))
	c.says(0, "revert", "-e", "staging", c.stage.Forge.Head("main"), "-o", "json")
	reverted := decode[opened](t, c.says(0, "revert", "-e", "staging", c.stage.Forge.Head("main"), "--yes", "-o", "json"))
	c.says(0, "validate", "-e", "staging", "--pr", fmt.Sprint(reverted.PullRequest.Number))
	c.says(0, "run", "--once")
	c.refusals()
	c.says(0, "status", "-e", "staging", "-o", "json")
	c.says(0, "history", "-e", "staging", "-o", "json")

	c.outside(reverted)
	c.keepState()
	c.keepFiles(filepath.Join(filepath.Dir(c.repo.Dir), "cache"))
	c.keepFiles(c.logFile())
	c.keepFiles(plan)
	c.check()
	clear(c.seen)
	c.screens()
	c.find()
}
