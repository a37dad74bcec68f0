package repo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// builds builds a tree twice: in parts if that is possible, and whole. It tells
// whether it was possible.
func builds(t *testing.T, r *Repo, root plumbing.Hash, seed uint64) (inParts bool) {
	t.Helper()
	build := func(whole bool) (objects []model.Object, files []string, problem error) {
		tfs := newTreeFS(t.Context(), r.store, root, r.limits.file)
		s := newScanner(tfs, r.limits, production.Path)
		s.sizes = partSizes{from: 10, own: 12, most: 60}
		if whole {
			s.sizes.from = math.MaxInt
		}
		objects, err := s.kustomize(&r.kustomizers, production.Path)
		if err == nil {
			objects, err = ordered(production.Path, objects, r.limits.objects)
		}
		inParts = s.inParts
		return objects, tfs.inputPaths(), err
	}
	want, wantFiles, wantErr := build(true)
	got, gotFiles, gotErr := build(false)
	if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
		t.Fatalf("seed %d: in parts: %v, whole: %v", seed, gotErr, wantErr)
	}
	if !slices.Equal(gotFiles, wantFiles) {
		t.Errorf("seed %d: in parts %d files were read, whole %d", seed, len(gotFiles), len(wantFiles))
	}
	if len(got) != len(want) {
		t.Fatalf("seed %d: %d objects in parts, %d whole", seed, len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("seed %d: %s is\n%v\nin parts, and whole\n%v", seed, want[i].ID, got[i], want[i])
		}
	}
	return inParts
}

// TestPartsEqualWhole builds random kustomizations that refer to each other in
// every way there is.
func TestPartsEqualWhole(t *testing.T) {
	const rounds = 30
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var h history
	for i := range uint64(rounds) {
		g := &maker{Rand: rand.New(rand.NewPCG(seed+i, 0)), tree: files{}}
		h.linear(0, g.make())
	}
	dir, hashes := h.write(t)
	r := open(t, dir)
	split := 0
	for i, hash := range hashes[1:] {
		c, err := r.commit(plumbing.NewHash(hash))
		if err != nil {
			t.Fatal(err)
		}
		if builds(t, r, c.TreeHash, seed+uint64(i)) {
			split++
		}
	}
	if split < rounds/10 { // it is about a half, and varies
		t.Errorf("only %d of %d were built in parts", split, rounds)
	}
	t.Logf("%d of %d were built in parts", split, rounds)
}

// maker makes random kustomizations.
type maker struct {
	*rand.Rand
	tree files
	n    int
}

func (g *maker) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *maker) name() string { return fmt.Sprintf("n%d", g.IntN(150)) }

// ref is the name of something as it may stand in a file: with affixes or not.
func (g *maker) ref() string {
	return g.one("", "", "", "p-", "q-", "q-p-") + g.name() + g.one("", "", "", "-s")
}

func (g *maker) object() string {
	g.n++
	name := g.name() + g.one("", "", fmt.Sprintf("x%d", g.n))
	ns := g.one("", "", "", ", namespace: other", ", namespace: shop")
	switch g.IntN(9) {
	case 0:
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s%s}\ndata: {a: %q}\n", name, ns, g.ref())
	case 1:
		return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  annotations: {kubernetes.io/service-account.name: %s}\nstringData: {a: b}\n", name, g.ref())
	case 2:
		return fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s%s}\nsecrets: [{name: %s}]\n", name, ns, g.ref())
	case 3:
		return fmt.Sprintf("# a comment\napiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {name: %s}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}\nsubjects: [{kind: ServiceAccount, name: %s, namespace: %s}]\n", g.one("RoleBinding", "ClusterRoleBinding"), name, g.ref(), g.ref(), g.one("shop", "other", "default"))
	case 4:
		return fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: %s}, rules: [{apiGroups: [''], resources: [secrets], resourceNames: [%s], verbs: [get]}]}\n", name, g.ref())
	case 5:
		return fmt.Sprintf("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: %s%s}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %s}, maxReplicas: 3}\n", name, ns, g.ref())
	case 6:
		return fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: %s%s}\nspec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: %s, port: {number: 80}}}}]}}]}\n", name, ns, g.ref())
	case 7:
		return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s%s}\nspec: {selector: {app: %s}, ports: [{port: 80}]}\n", name, ns, name)
	}
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %[1]s%[2]s, labels: {app: %[1]s}}\nspec:\n  selector: {matchLabels: {app: %[1]s}}\n  template:\n    metadata: {labels: {app: %[1]s}}\n    spec:\n      serviceAccountName: %[3]s\n      volumes: [{name: v, configMap: {name: %[4]s}}, {name: w, secret: {secretName: %[5]s}}]\n      containers: [{name: main, image: 'registry.example.com/%[1]s:1', envFrom: [{configMapRef: {name: %[6]s}}]}]\n", name, ns, g.ref(), g.ref(), g.ref(), g.one("made", g.ref()))
}

// resources writes files with objects into a directory and returns them.
func (g *maker) resources(dir string, objects int) []string {
	var names []string
	seen := map[string]bool{}
	for objects > 0 {
		var docs []string
		for range 1 + g.IntN(8) {
			objects--
			o := g.object()
			at := strings.Index(o, "name: ")
			key := fmt.Sprint(strings.Contains(o, "namespace: other"), strings.Contains(o, "namespace: shop"), o[strings.Index(o, "kind: "):][:14], strings.FieldsFunc(o[at:], func(r rune) bool { return strings.ContainsRune(" ,}\n", r) })[1])
			if !seen[key] {
				seen[key] = true
				docs = append(docs, o)
			}
		}
		name := fmt.Sprintf("f%d.yaml", len(names))
		g.tree[dir+"/"+name] = g.one("", "---\n", "# head\n---\n") + strings.Join(docs, g.one("---\n", "\n--- # next\n", "---\n# nothing\n---\n"))
		names = append(names, name)
	}
	return names
}

func (g *maker) directives(dir string) string {
	var b strings.Builder
	add := func(chance int, format string, args ...any) {
		if g.IntN(10) < chance {
			fmt.Fprintf(&b, format+"\n", args...)
		}
	}
	add(5, "namePrefix: %s", g.one("p-", "q-"))
	add(3, "nameSuffix: -s")
	add(5, "namespace: %s", g.one("shop", "other"))
	add(4, "labels: [{pairs: {team: a}, includeSelectors: %v}]", g.IntN(2) == 0)
	add(3, "commonAnnotations: {note: x}")
	add(3, "images: [{name: registry.example.com/%s, newTag: \"2\"}]", g.name())
	add(4, "patches:\n- target: {kind: Deployment, name: %q}\n  patch: '[{\"op\": \"add\", \"path\": \"/spec/paused\", \"value\": true}]'\n- target: {kind: Service}\n  patch: |-\n    apiVersion: v1\n    kind: Service\n    metadata: {name: any, labels: {patched: \"yes\"}}", g.one("n1.*", "n2", "x.*"))
	add(4, "configMapGenerator: [{name: made%s, literals: [a=%s]}]", strings.ReplaceAll(dir, "/", "-")[:1], g.name())
	return b.String()
}

// make makes an overlay over some bases, with more documents than a part has.
func (g *maker) make() files {
	var bases []string
	for i := range 1 + g.IntN(3) {
		dir := fmt.Sprintf("%c/base", 'a'+i)
		list := g.resources(dir, 8+g.IntN(30))
		g.tree[dir+"/kustomization.yaml"] = "resources: [" + strings.Join(list, ", ") + "]\n" + g.directives(dir)
		bases = append(bases, "../../"+dir)
	}
	list := append(bases, g.resources(production.Path, 5+g.IntN(20))...)
	more := g.directives("made")
	if g.IntN(3) == 0 { // a patch of one object, which may not be there
		more = strings.ReplaceAll(more, "patches:\n", "patches:\n- patch: '{apiVersion: v1, kind: Service, metadata: {name: n1}, spec: {type: NodePort}}'\n")
	}
	g.tree[k] = "resources: [" + strings.Join(list, ", ") + "]\n" + more
	return g.tree
}

// TestPartsKnowNamespaces has one object whose namespace was shop before any
// kustomization set it: a reference to shop is looked up among those only, so
// the account, which is there by a kustomization, is not found, in whatever
// part the one object is.
func TestPartsKnowNamespaces(t *testing.T) {
	tree := files{
		"base/kustomization.yaml":   "namePrefix: q-\nresources: [account.yaml]\n",
		"base/account.yaml":         "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: reader}\n",
		production.Path + "/b.yaml": "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: reads}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{kind: ServiceAccount, name: reader, namespace: shop}]\n",
		k:                           "namespace: shop\nresources: [../../base, b.yaml, more.yaml]\n",
	}
	var more []string
	for i := range 60 {
		more = append(more, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\n", i))
	}
	for _, original := range []string{"", ", namespace: shop"} {
		one := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: last%s}\n", original)
		tree[production.Path+"/more.yaml"] = strings.Join(append(more, one), "---\n")
		var h history
		h.linear(0, tree)
		dir, hashes := h.write(t)
		r := open(t, dir)
		c, err := r.commit(plumbing.NewHash(hashes[len(hashes)-1]))
		if err != nil {
			t.Fatal(err)
		}
		if !builds(t, r, c.TreeHash, 0) {
			t.Errorf("original namespace %q: not built in parts", original)
		}
	}
}
