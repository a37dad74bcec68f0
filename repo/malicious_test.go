package repo

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/repo/internal/kustworker"
)

// attack is a commit made to do harm. Either it is refused with an error that
// says all of refused, or it is survived and renders just the objects.
type attack struct {
	name    string
	tree    files
	raw     func(w *rawRepo) string // makes the root tree where git would not
	refused []string
	renders []string
}

// rawRepo writes objects as they are given, wrong ones too.
type rawRepo struct {
	t   testing.TB
	dir string
}

type rawEntry struct{ mode, name, hash string }

// object writes an object without looking at it.
func (w *rawRepo) object(kind string, content []byte) string {
	raw := append(fmt.Appendf(nil, "%s %d\x00", kind, len(content)), content...)
	hash := fmt.Sprintf("%x", sha1.Sum(raw))
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, err := z.Write(raw)
	name := filepath.Join(w.dir, ".git", "objects", hash[:2], hash[2:])
	if err := errors.Join(err, z.Close(), os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, b.Bytes(), 0o600)); err != nil {
		w.t.Fatal(err)
	}
	return hash
}

func (w *rawRepo) blob(content string) string { return w.object("blob", []byte(content)) }

func (w *rawRepo) tree(entries ...rawEntry) string {
	var b bytes.Buffer
	for _, e := range entries {
		hash, err := hex.DecodeString(e.hash)
		if err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\x00%s", e.mode, e.name, hash)
	}
	return w.object("tree", b.Bytes())
}

// production puts a tree at the environment's path.
func (w *rawRepo) production(tree string) string {
	return w.tree(rawEntry{"40000", "environments", w.tree(rawEntry{"40000", "production", tree})})
}

func (w *rawRepo) commit(tree string) string {
	const who = "dev1 <dev1@example.com> 1772442000 +0000"
	return w.object("commit", fmt.Appendf(nil, "tree %s\nauthor %s\ncommitter %s\n\nraw\n", tree, who, who))
}

// rawFile is an environment of one manifest with a name that only a raw tree has.
func rawFile(name, content string) func(*rawRepo) string {
	return func(w *rawRepo) string {
		return w.production(w.tree(rawEntry{"100644", name, w.blob(content)}))
	}
}

// rawEntries is an environment of entries that all have the content.
func rawEntries(content string, names ...string) func(*rawRepo) string {
	return func(w *rawRepo) string {
		blob := w.blob(content)
		var entries []rawEntry
		for _, name := range names {
			entries = append(entries, rawEntry{"100644", name, blob})
		}
		return w.production(w.tree(entries...))
	}
}

// TestMaliciousRepository goes through everything that somebody who may push
// could try on those who render. Nothing of it reaches the network, runs a
// program, reads outside of the tree, exhausts the machine or gets a control
// character into an error.
func TestMaliciousRepository(t *testing.T) {
	var hits atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer server.Close()
	attacks := slices.Concat(remoteAttacks(server.URL), pluginAttacks(), escapeAttacks(), yamlAttacks(),
		objectAttacks(), sizeAttacks(), nameAttacks(), treeAttacks())
	r, commits := attacked(t, attacks)
	ran := trapGit(t)
	seen := map[string]bool{}
	for i, tt := range attacks {
		if seen[tt.name] {
			t.Errorf("two rows are called %q", tt.name)
		}
		seen[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			got, err := r.Render(t.Context(), production, commits[i])
			if tt.refused != nil {
				checkRefusal(t, err, tt.refused...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if have := described(got.Objects); !slices.Equal(have, tt.renders) {
				t.Errorf("objects %q, want %q", have, tt.renders)
			}
		})
	}
	if n := hits.Load(); n > 0 {
		t.Errorf("rendering made %d requests over the network", n)
	}
	ran()
}

// attacked makes one repository with a commit for each attack.
func attacked(t *testing.T, attacks []attack) (*Repo, []string) {
	t.Helper()
	var h history
	for _, a := range attacks {
		h.commit("main", a.name, a.tree)
	}
	dir, hashes := h.write(t)
	commits := hashes[1:]
	w := &rawRepo{t, dir}
	for i, a := range attacks {
		if a.raw != nil {
			commits[i] = w.commit(a.raw(w))
		}
	}
	return open(t, dir), commits
}

// trapGit puts a git in front of all others on PATH; the returned function
// checks that nobody ran it.
func trapGit(t *testing.T) func() {
	t.Helper()
	bin := t.TempDir()
	mark := filepath.Join(bin, "ran")
	script := "#!/bin/sh\necho \"$@\" >>'" + mark + "'\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() {
		if data, err := os.ReadFile(mark); err == nil {
			t.Errorf("rendering ran git %s", data)
		}
	}
}

// remoteSpellings are ways to name what is not in the repository; some have
// another port or host so that a request would show.
func remoteSpellings(url string) map[string]string {
	return map[string]string{
		"http":                  url + "/x.yaml",
		"https":                 "https://example.com/org/repo",
		"upper-case scheme":     strings.Replace(url, "http", "HTTP", 1) + "/x.yaml",
		"mixed-case scheme":     "hTTps://Example.com/org/repo",
		"a reference":           "https://github.com/org/repo//dir?ref=v1.0",
		"forced git":            "git::https://example.com/org/repo",
		"forced git, mixed":     "GiT::example.com/org/repo",
		"forced git, github":    "git::github.com/org/repo",
		"ssh":                   "ssh://git@example.com/org/repo",
		"ssh, upper case":       "SSH://git@example.com/org/repo",
		"scp":                   "git@example.com:org/repo",
		"scp, another user":     "Deploy-1@example.com:org/repo.git",
		"scp with a slash":      "git@example.com/org/repo",
		"github":                "github.com/org/repo/dir?ref=main",
		"github, mixed case":    "GitHub.com/org/repo",
		"github with a colon":   "github.com:org/repo",
		"file":                  "file:///srv/git/repo",
		"file, upper case":      "FILE:///srv/git/repo",
		"git protocol":          "git://example.com/org/repo",
		"trailing space":        url + "/x.yaml ",
		"leading space":         " " + url + "/x.yaml",
		"leading tab":           "\t" + url + "/x.yaml",
		"user in the URL":       strings.Replace(url, "://", "://u:p@", 1) + "/x.yaml",
		"one slash":             strings.Replace(url, "://", ":/", 1) + "/x.yaml",
		"query only":            url + "?ref=v1",
		"scheme of no protocol": "s3://bucket/key",
	}
}

// remoteFields are the places of a kustomization that name files. %s is the
// reference, in quotes.
func remoteFields() map[string]files {
	fields := map[string]files{}
	for name, text := range map[string]string{
		"resources":                   "resources: [../../base, %s]\n",
		"bases":                       "bases: [%s]\n",
		"components":                  "resources: [../../base]\ncomponents: [%s]\n",
		"crds":                        "resources: [../../base]\ncrds: [%s]\n",
		"configurations":              "resources: [../../base]\nconfigurations: [%s]\n",
		"openapi":                     "resources: [../../base]\nopenapi: {path: %s}\n",
		"patches":                     "resources: [../../base]\npatches: [{path: %s}]\n",
		"patchesStrategicMerge":       "resources: [../../base]\npatchesStrategicMerge: [%s]\n",
		"patchesJson6902":             "resources: [../../base]\npatchesJson6902: [{target: {kind: X, name: z}, path: %s}]\n",
		"replacements":                "resources: [../../base]\nreplacements: [{path: %s}]\n",
		"generators":                  "resources: [../../base]\ngenerators: [%s]\n",
		"transformers":                "resources: [../../base]\ntransformers: [%s]\n",
		"validators":                  "resources: [../../base]\nvalidators: [%s]\n",
		"configMapGenerator files":    "configMapGenerator: [{name: a, files: [%s]}]\n",
		"configMapGenerator envs":     "configMapGenerator: [{name: a, envs: [%s]}]\n",
		"configMapGenerator env":      "configMapGenerator: [{name: a, env: %s}]\n",
		"secretGenerator files":       "secretGenerator: [{name: a, files: [%s]}]\n",
		"secretGenerator envs":        "secretGenerator: [{name: a, envs: [%s]}]\n",
		"keys in upper case":          "RESOURCES: [../../base, %s]\n",
		"keys in another case":        "Resources: [../../base]\nConfigMapGenerator: [{NAME: a, Files: [%s]}]\n",
		"an inline built-in":          "resources: [../../base]\ntransformers:\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: p}\n  path: %s\n",
		"an inline generator":         "generators:\n- |\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: p}\n  files: [%s]\n",
		"an inline built-in, another": "resources: [../../base]\ntransformers:\n- |\n  apiVersion: builtin\n  kind: ReplacementTransformer\n  metadata: {name: p}\n  replacements: [{path: %s}]\n",
	} {
		fields[name] = files{k: text}
	}
	builtin := "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nliterals: [a=b]\n"
	fields["a nested base"] = files{"base/kustomization.yaml": "resources: [deployment.yaml, config.yaml, %s]\n"}
	fields["a built-in in a file"] = files{k: "resources: [../../base]\ntransformers: [t.yaml]\n",
		dir("t.yaml"): "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: %s\n"}
	fields["a built-in, keys in upper case"] = files{k: "resources: [../../base]\ntransformers: [t.yaml]\n",
		dir("t.yaml"): "apiVersion: builtin\nkind: PatchStrategicMergeTransformer\nmetadata: {name: p}\nPATHS: [%s]\n"}
	fields["the second document of a generator"] = files{k: "generators: [g.yaml]\n",
		dir("g.yaml"): builtin + "---\napiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: s}\nenvs: [%s]\n"}
	fields["a directory of generators"] = files{k: "generators: [g]\n", dir("g/kustomization.yaml"): "resources: [%s]\n"}
	return fields
}

// remoteAttacks are every field with http, and every spelling in two fields.
func remoteAttacks(url string) []attack {
	var all []attack
	add := func(name string, field files, ref string) {
		tree := over(nil)
		for file, text := range field {
			if strings.Contains(text, "%s") {
				text = fmt.Sprintf(text, fmt.Sprintf("%q", ref))
			}
			tree[file] = text
		}
		all = append(all, attack{name: name, tree: tree, refused: []string{"remote"}})
	}
	fields := remoteFields()
	for name, field := range fields {
		add("remote: http in "+name, field, url+"/x.yaml")
		add("remote: scp in "+name, field, "git@example.com:org/repo")
	}
	for name, ref := range remoteSpellings(url) {
		add("remote: "+name, fields["resources"], ref)
		add("remote component: "+name, fields["components"], ref)
		add("remote data: "+name, fields["crds"], ref)
	}
	all = append(all,
		attack{name: "remote: a key of a generated file", tree: over(files{k: "configMapGenerator: [{name: a, files: ['x=" + url + "']}]\n"}), refused: []string{k + ":1", "is remote"}},
		attack{name: "remote: a directory that is spelled like one", tree: over(files{k: "resources: [git@host/a/b]\n", dir("git@host/a/b/kustomization.yaml"): "resources: [x.yaml]\n", dir("git@host/a/b/x.yaml"): configMap("x", "1")}), refused: []string{"is remote"}},
		attack{name: "remote: a file that is spelled like one", tree: over(files{k: "resources: [git@host/a.yaml]\n", dir("git@host/a.yaml"): configMap("x", "1")}), renders: []string{"ConfigMap x environments/production/git@host/a.yaml:1"}},
		attack{name: "remote: not a path and not absent", tree: over(files{k: "resources: ['   ']\n"}), refused: []string{k + ":1", "does not exist"}},
		attack{name: "remote: a network path", tree: over(files{k: "resources: ['//host/share']\n"}), refused: []string{k + ":1", "absolute path"}},
	)
	slices.SortFunc(all, func(a, b attack) int { return strings.Compare(a.name, b.name) })
	return all
}

// pluginAttacks are what would run programs and containers.
func pluginAttacks() []attack {
	config := func(body string) files {
		return files{k: "resources: [../../base]\ntransformers: [t.yaml]\n", dir("t.yaml"): body}
	}
	return []attack{
		{name: "exec plugin", tree: over(config("apiVersion: example.com/v1\nkind: Exec\nmetadata: {name: p}\n")), refused: []string{dir("t.yaml:1"), "plugin"}},
		{name: "exec plugin on disk", tree: over(config("apiVersion: someteam.example.com/v1\nkind: Exec\nmetadata: {name: p}\n").with(files{dir("someteam.example.com/v1/exec/Exec"): "exec:#!/bin/sh\n"})), refused: []string{"plugin"}},
		{name: "exec function", tree: over(config("apiVersion: x/v1\nkind: T\nmetadata: {name: p, annotations: {config.kubernetes.io/function: \"exec: {path: /bin/sh}\"}}\n")), refused: []string{dir("t.yaml:1"), "function"}},
		{name: "container function", tree: over(config("apiVersion: x/v1\nkind: T\nmetadata: {name: p, annotations: {config.kubernetes.io/function: \"container: {image: x, network: true}\"}}\n")), refused: []string{dir("t.yaml:1"), "function"}},
		{name: "starlark function", tree: over(config("apiVersion: x/v1\nkind: T\nmetadata: {name: p, annotations: {config.k8s.io/function: \"starlark: {path: x.star, name: n}\"}}\n")), refused: []string{dir("t.yaml:1"), "function"}},
		{name: "function that claims to be built in", tree: over(config("apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: p, annotations: {config.kubernetes.io/function: \"container: {image: x}\"}}\n")), refused: []string{"function"}},
		{name: "function in the second document", tree: over(config("apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: p}\nlabels: {a: b}\n---\napiVersion: x/v1\nkind: T\nmetadata: {name: q, annotations: {config.kubernetes.io/function: \"exec: {path: x}\"}}\n")), refused: []string{dir("t.yaml:6"), "function"}},
		{name: "inline function", tree: over(files{k: "generators:\n- |\n  apiVersion: builtin\n  kind: T\n  metadata: {name: p, annotations: {config.k8s.io/function: \"exec: {path: /bin/sh}\"}}\n"}), refused: []string{k, "function"}},
		{name: "legacy Go plugin", tree: over(config("apiVersion: someteam.example.com/v1\nkind: SomePlugin\nmetadata: {name: p}\n").with(files{dir("SomePlugin.so"): "\x7fELF"})), refused: []string{"plugin"}},
		{name: "plugin as validator in a directory", tree: over(files{k: "resources: [../../base]\nvalidators: [v]\n", dir("v/kustomization.yaml"): "resources: [v.yaml]\n", dir("v/v.yaml"): "apiVersion: example.com/v1\nkind: Check\nmetadata: {name: p}\n"}), refused: []string{dir("v/v.yaml:1"), "plugin"}},
		{name: "plugin through a merge key", tree: over(config("x: &x {apiVersion: example.com/v1}\n<<: *x\nkind: T\nmetadata: {name: p}\n")), refused: []string{"plugin"}},
		{name: "plugin that is no mapping", tree: over(config("- apiVersion: builtin\n")), refused: []string{dir("t.yaml:1")}},
		{name: "plugin that is an empty file", tree: over(files{k: "resources: [../../base]\ntransformers: [t.yaml]\n", dir("t.yaml"): "# none\n"}), renders: []string{"ConfigMap cart base/config.yaml:1", "Deployment cart base/deployment.yaml:1"}},
	}
}

// escapeAttacks lead out of the tree.
func escapeAttacks() []attack {
	out := func(name, content string) attack {
		return attack{name: name, tree: plain(files{dir("a.yaml"): content}), refused: []string{dir("a.yaml"), "outside of the repository"}}
	}
	outRef := func(name, text string) attack {
		return attack{name: name, tree: over(files{k: text}), refused: []string{k + ":1", "leads out of the repository"}}
	}
	module := "module:" + strings.Repeat("1", 40)
	return []attack{
		outRef("dots in resources", "resources: [../../../other]\n"),
		outRef("dots in components", "components: [../../../other]\n"),
		outRef("dots behind a directory", "resources: [x/../../../../other]\n"),
		outRef("dots in a generated file", "configMapGenerator: [{name: a, files: [../../../etc/passwd]}]\n"),
		outRef("dots behind a key", "secretGenerator: [{name: a, files: [key=../../../etc/passwd]}]\n"),
		outRef("dots in a patch", "patches: [{path: ../../../../etc/passwd}]\n"),
		{name: "dots in a built-in", tree: over(files{k: "resources: [../../base]\ntransformers: [t.yaml]\n", dir("t.yaml"): "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: ../../../../etc/passwd\n"}), refused: []string{"environments/production"}},
		{name: "absolute path", tree: over(files{k: "configMapGenerator: [{name: a, files: [/etc/passwd]}]\n"}), refused: []string{k + ":1", "absolute path"}},
		{name: "absolute path in a built-in", tree: over(files{k: "resources: [../../base]\ntransformers: [t.yaml]\n", dir("t.yaml"): "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: /etc/passwd\n"}), refused: []string{"environments/production"}},
		out("absolute link", "link:/etc/passwd"),
		out("relative link", "link:../../../etc/passwd"),
		out("link that goes up behind a directory", "link:../production/../../../etc/passwd"),
		{name: "link chain that ends outside", tree: plain(files{dir("a.yaml"): "link:../../l1", "l1": "link:base/l2", "base/l2": "link:../../secret"}), refused: []string{"base/l2", "outside of the repository"}},
		{name: "link out in resources", tree: over(files{k: "resources: [a.yaml]\n", dir("a.yaml"): "link:../../../etc/passwd"}), refused: []string{k + ":1", dir("a.yaml"), "outside of the repository"}},
		{name: "link chain inside", tree: plain(files{dir("a.yaml"): "link:../../l1", "l1": "link:base/../l2", "l2": "link:base/config.yaml"}), renders: []string{"ConfigMap cart environments/production/a.yaml:1"}},
		{name: "link through a linked directory and back up", tree: plain(files{dir("a.yaml"): "link:../../in/../config.yaml", "in": "link:base/deep", "base/deep/x": "x"}), renders: []string{"ConfigMap cart environments/production/a.yaml:1"}},
		{name: "link to itself", tree: plain(files{dir("a.yaml"): "link:a.yaml"}), refused: []string{"symbolic links"}},
		{name: "links to each other", tree: plain(files{dir("a.yaml"): "link:b.yaml", dir("b.yaml"): "link:a.yaml"}), refused: []string{"symbolic links"}},
		{name: "link that grows", tree: plain(files{dir("a.yaml"): "link:a.yaml/a.yaml/a.yaml"}), refused: []string{"symbolic links"}},
		{name: "link to a directory above", tree: plain(files{dir("up"): "link:.."}), refused: []string{dir("up"), "symbolic link to a directory"}},
		{name: "link to a directory above in resources", tree: over(files{k: "resources: [up/production]\n", dir("up"): "link:.."}), refused: []string{"cycle"}},
		{name: "link in the middle of a path", tree: over(files{k: "resources: [in/config.yaml]\n", dir("in"): "link:../../base"}), renders: []string{"ConfigMap cart base/config.yaml:1"}},
		{name: "link in the middle that leads out", tree: over(files{k: "resources: [in/passwd]\n", dir("in"): "link:../../../etc"}), refused: []string{dir("in"), "outside of the repository"}},
		{name: "link called kustomization.yaml that leads out", tree: over(files{k: "link:../../../kustomization.yaml"}), refused: []string{k, "outside of the repository"}},
		{name: "link called kustomization.yaml inside", tree: over(files{k: "link:../../shared.yaml", "shared.yaml": "resources: [../../base/config.yaml]\n"}), renders: []string{"ConfigMap cart base/config.yaml:1"}},
		{name: "link called kustomization.yaml to a directory", tree: over(files{k: "link:../../base"}), refused: []string{"environments/production"}},
		{name: "link to nothing", tree: plain(files{dir("a.yaml"): "link:b.yaml"}), refused: []string{dir("a.yaml"), "nothing"}},
		{name: "link with an empty target", tree: plain(files{dir("a.yaml"): "link:"}), refused: []string{dir("a.yaml")}},
		{name: "link with a target longer than any path", tree: plain(files{dir("a.yaml"): "link:" + strings.Repeat("x/", 3000)}), refused: []string{dir("a.yaml"), "longer than any"}},
		{name: "link to the environment itself", tree: files{"environments": "link:."}, refused: []string{"does not exist"}},
		{name: "link with a control character", tree: plain(files{dir("a.yaml"): "link:/\x1b[2Jx"}), refused: []string{dir("a.yaml"), "outside"}},
		{name: "submodule as base", tree: over(files{k: "resources: [sub/base]\n", dir("sub"): module}), refused: []string{k + ":1", dir("sub"), "submodule"}},
		{name: "submodule among manifests", tree: plain(files{dir("a.yaml"): configMap("a", "1"), dir("sub"): module}), refused: []string{dir("sub"), "submodule"}},
		{name: "submodule as the environment", tree: files{"environments/production": module}, refused: []string{"environments/production", "submodule"}},
		{name: "submodule elsewhere", tree: shop().with(files{"vendor": module, k: "resources: [../../base/config.yaml]\n"}), renders: []string{"ConfigMap cart base/config.yaml:1"}},
	}
}

// TestNothingIsReachedWithoutTheScan runs what builds on a kustomization that
// the scan would have refused.
func TestNothingIsReachedWithoutTheScan(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	url := "http://" + listener.Addr().String()
	var repos []*Repo
	for _, ref := range []string{url + "/x.yaml", url + "/org/repo.git", "git@" + listener.Addr().String() + ":org/repo", "file:///srv/repo.git", "ssh://git@" + listener.Addr().String() + "/org/repo"} {
		repos = append(repos, single(t, files{k: fmt.Sprintf("resources: [%q]\n", ref)}))
	}
	ran := trapGit(t)
	for _, r := range repos {
		if err := buildUnscanned(t, r); err == nil {
			t.Error("something was built")
		}
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	if n := connections.Load(); n > 0 {
		t.Errorf("building made %d connections", n)
	}
	ran()
}

// buildUnscanned builds production at HEAD without having looked at it.
func buildUnscanned(t *testing.T, r *Repo) error {
	t.Helper()
	h, err := r.resolve("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.commit(h)
	if err != nil {
		t.Fatal(err)
	}
	s := newScanner(newTreeFS(t.Context(), r.store, c.TreeHash, r.limits.file), r.limits, production.Path)
	pool := new(kustworker.Pool)
	defer pool.Close()
	turn, err := pool.Reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Release()
	_, err = turn.Run(t.Context(), kustworker.Job{Dir: production.Path, Limit: time.Minute}, s.answer)
	return err
}
