package repo

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func pending(t testing.TB, r *Repo, env model.Environment, deployed string) model.Pending {
	t.Helper()
	p, err := r.Pending(t.Context(), env, deployed, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// told puts a list into one line per change.
func told(p model.Pending) []string {
	var out []string
	for _, c := range p.Changes {
		s := c.Title
		if c.PullRequest != nil {
			s = fmt.Sprintf("#%d %s", c.PullRequest.Number, s)
		}
		if !c.RendersChange {
			s += " (same render)"
		}
		if c.Problem != "" {
			s += " (problem)"
		}
		for _, o := range c.Objects {
			s += fmt.Sprintf("; %s %s %s", o.Verdict, o.ID, o.Summary)
		}
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

var staging = model.Environment{Name: "staging", Path: "environments/staging"}

func TestPendingMergeStyles(t *testing.T) {
	var h history
	v := func(tag, timeout string) files {
		return shop().with(files{
			"base/config.yaml":                           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart}\ndata:\n  timeout: " + timeout + "\n",
			"environments/production/kustomization.yaml": "namespace: shop\nresources: [../../base]\nimages: [{name: registry.example.com/cart, newTag: " + tag + "}]\n",
		})
	}
	first := h.commit("main", "start", v("1.4.1", "10s"))
	squash := h.commit("main", "Upgrade cart (#7)\n\nWhy: it is faster.", v("1.4.2", "10s"), first)
	side1 := h.commit("side", "half", v("1.4.2", "20s"), squash)
	side2 := h.commit("side", "whole", v("1.4.2", "30s"), side1)
	docs := h.commit("main", "docs", v("1.4.2", "10s").with(files{"README.md": "x", "base/README.md": "y"}), squash)
	merged := v("1.4.2", "30s").with(files{"README.md": "x", "base/README.md": "y"})
	merge := h.commit("main", "Merge pull request #8 from dev1/slow\n\nWait longer\n\nFor slow banks.", merged, docs, side2)
	rebase1 := h.commit("main", "Add a comment", merged.with(files{"base/config.yaml": "# said\n" + merged["base/config.yaml"]}), merge)
	rebase2 := h.commit("main", "More replicas", merged.with(files{"base/deployment.yaml": deployment("cart", "registry.example.com/cart:1.4.1", 3)}), rebase1)
	dir, hashes := h.write(t)
	r := open(t, dir)

	p := pending(t, r, production, hashes[first])
	equal(t, "production", told(p), []string{
		"More replicas; update Deployment shop/cart replicas 2 → 3",
		"Add a comment (same render)",
		"#8 Wait longer; update ConfigMap shop/cart timeout 10s → 30s",
		"#7 Upgrade cart; update Deployment shop/cart image 1.4.1 → 1.4.2",
	})
	if p.Adopt || p.Diverged != "" || p.Head.Hash != hashes[rebase2] || p.Deployed != hashes[first] {
		t.Errorf("pending %+v", p)
	}
	equal(t, "files", p.Changes[0].Files, []string{"base/config.yaml", "base/deployment.yaml"})
	equal(t, "files", p.Changes[3].Files, []string{"environments/production/kustomization.yaml"})
	m := p.Changes[2]
	if m.Commit != hashes[merge] || m.Author != "dev1" || m.AuthorEmail != "dev1@example.com" || m.Body != "For slow banks." ||
		!m.MergedAt.Equal(time.Unix(1772442000+int64(merge)*60, 0)) || m.MergedAt.Location() != time.UTC {
		t.Errorf("merge %+v", m)
	}
	if p.Changes[3].Body != "Why: it is faster." {
		t.Errorf("body %q", p.Changes[3].Body)
	}
	equal(t, "staging reads only the base", told(pending(t, r, staging, hashes[first])), []string{
		"More replicas; update Deployment stage/cart replicas 2 → 3",
		"Add a comment (same render)",
		"#8 Wait longer; update ConfigMap stage/cart timeout 10s → 30s",
	})
	for _, head := range []string{hashes[docs], hashes[docs][:8]} {
		p, err := r.Pending(t.Context(), production, hashes[squash], head)
		if err != nil || len(p.Changes) > 0 || p.Head.Hash != hashes[docs] {
			t.Errorf("only docs up to %s: %+v, %v", head, p, err)
		}
	}
	if p := pending(t, r, production, hashes[rebase2]); len(p.Changes) > 0 || p.Adopt || p.Diverged != "" {
		t.Errorf("all deployed: %+v", p)
	}
	if p := pending(t, r, production, ""); !p.Adopt || len(p.Changes) > 0 || p.Head.Hash != hashes[rebase2] {
		t.Errorf("never deployed: %+v", p)
	}
}

func TestPendingFollowsWhatIsRead(t *testing.T) {
	both := shop().with(files{k: "namespace: shop\nresources: [../../base, ../../extra]\n"})
	one := shop().with(files{k: "namespace: shop\nresources: [../../base]\n"})
	job := func(v string) files { return files{"extra/job.yaml": configMap("extra", v)} }
	var h history
	last := h.linear(0,
		one,                 // 1
		one.with(job("2")),  // 2: extra is not read yet
		both.with(job("2")), // 3: it is now
		both.with(job("3")), // 4
		one.with(job("3")),  // 5: revert of 3
		one.with(job("4")),  // 6: not read any more
	)
	dir, hashes := h.write(t)
	p := pending(t, open(t, dir), production, hashes[1])
	equal(t, "changes", told(p), []string{
		"change 5; delete ConfigMap shop/extra",
		"change 4; update ConfigMap shop/extra value 2 → 3",
		"change 3; create ConfigMap shop/extra",
	})
	if p.Head.Hash != hashes[last] {
		t.Errorf("head %s", p.Head.Hash)
	}
}

func TestPendingOfPlainManifests(t *testing.T) {
	start := files{"environments/production/a.yaml": configMap("a", "1")}
	var h history
	h.linear(0, start,
		start.with(files{"environments/production/deep/b.yaml": configMap("b", "1")}),
		start.with(files{"environments/production/deep/b.yaml": configMap("b", "1"), "environments/production/notes.md": "x"}),
		start.with(files{"environments/production/a.yaml": "link:../../shared.yaml", "shared.yaml": configMap("a", "1")}),
		start.with(files{"environments/production/a.yaml": "link:../../shared.yaml", "shared.yaml": configMap("a", "2")}),
	)
	dir, hashes := h.write(t)
	p := pending(t, open(t, dir), production, hashes[1])
	equal(t, "changes", told(p), []string{
		"change 5; update ConfigMap a value 1 → 2",
		"change 4; delete ConfigMap b",
		"change 2; create ConfigMap b",
	})
	equal(t, "files", p.Changes[0].Files, []string{"shared.yaml"})
	equal(t, "files", p.Changes[1].Files, []string{"environments/production/a.yaml", "environments/production/deep/b.yaml", "shared.yaml"})
}

func TestPendingListsWhatDoesNotRender(t *testing.T) {
	good := func(v string) files { return shop().with(files{"base/config.yaml": configMap("cart", v)}) }
	broken := func(v string) files { return good(v).with(files{k: "resources: [../../none]\n"}) }
	gone := good("2").with(files{k: ""})
	for _, tt := range []struct {
		name  string
		trees []files
		want  []string
	}{
		{"broken and mended", []files{good("1"), broken("1"), broken("2"), good("2")}, []string{"change 4 (problem)", "change 3 (problem)", "change 2 (problem)"}},
		{"broken at head", []files{good("1"), broken("1"), broken("2")}, []string{"change 3 (problem)", "change 2 (problem)"}},
		{"gone and back", []files{good("1"), good("2"), gone, good("3")}, []string{
			"change 4; create ConfigMap shop/cart ; create Deployment shop/cart", "change 3 (problem)", "change 2; update ConfigMap shop/cart value 1 → 2",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h history
			h.linear(0, tt.trees...)
			dir, hashes := h.write(t)
			p := pending(t, open(t, dir), production, hashes[1])
			equal(t, "changes", told(p), tt.want)
			for _, c := range p.Changes {
				if c.Problem != "" && (!c.RendersChange || strings.Contains(c.Problem, "\n")) {
					t.Errorf("change %+v", c)
				}
			}
		})
	}
}

func TestPendingDiverged(t *testing.T) {
	v := func(n string) files { return shop().with(files{"base/config.yaml": configMap("cart", n)}) }
	var h history
	a := h.commit("main", "a", v("1"))
	b := h.commit("main", "b", v("2"), a)
	lost := h.commit("lost", "lost", v("9"), b)
	lost2 := h.commit("lost", "lost more", v("10"), lost)
	side := h.commit("side", "side", v("3"), a)
	c := h.commit("main", "c", v("2").with(files{"README.md": "c"}), b)
	d := h.commit("main", "Merge branch side", v("3"), c, side)
	other := h.commit("other", "another root", v("4"))
	dir, hashes := h.write(t)
	r := open(t, dir)
	short := func(i int) string { return model.Short(hashes[i]) }

	p := pending(t, r, production, hashes[lost2])
	equal(t, "force push", told(p), []string{"Merge branch side; update ConfigMap shop/cart value 2 → 3"})
	if !strings.Contains(p.Diverged, short(lost2)) || !strings.Contains(p.Diverged, "merge base "+short(b)) {
		t.Errorf("diverged %q", p.Diverged)
	}
	p = pending(t, r, production, hashes[side])
	equal(t, "side branch", told(p), []string{
		"Merge branch side; update ConfigMap shop/cart value 2 → 3", "b; update ConfigMap shop/cart value 1 → 2",
	})
	if !strings.Contains(p.Diverged, "merge base "+short(a)) {
		t.Errorf("diverged %q", p.Diverged)
	}
	if !strings.Contains(p.Diverged, "came in with merge "+short(d)) {
		t.Errorf("diverged %q", p.Diverged)
	}
	p, err := r.Pending(t.Context(), production, hashes[d], hashes[b])
	if err != nil || len(p.Changes) > 0 || p.Incomplete || !strings.Contains(p.Diverged, short(d)+" is ahead of the branch") || !strings.Contains(p.Diverged, "nothing is pending") {
		t.Errorf("ahead: %+v, %v", p, err)
	}
	p = pending(t, r, production, hashes[other])
	if len(p.Changes) != 3 || !strings.Contains(p.Diverged, "shares no history") {
		t.Errorf("no common history: %q %q", told(p), p.Diverged)
	}
	p = pending(t, r, production, strings.Repeat("ab", 20))
	if len(p.Changes) != 3 || !strings.Contains(p.Diverged, "abababa is not in this clone") || !strings.Contains(p.Diverged, "fetch") {
		t.Errorf("unknown commit: %q %q", told(p), p.Diverged)
	}
	r.limits.rows = 2
	p = pending(t, r, production, strings.Repeat("ab", 20))
	if len(p.Changes) != 2 || p.Changes[0].Commit != hashes[d] || !strings.Contains(p.Diverged, "only the newest 2 changes") {
		t.Errorf("unknown commit, capped: %q %q", told(p), p.Diverged)
	}
}

func TestPendingInShallowClone(t *testing.T) {
	v := func(n string) files { return shop().with(files{"base/config.yaml": configMap("cart", n)}) }
	var h history
	h.linear(0, v("1"), v("2"), v("3"), v("4"))
	origin, hashes := h.write(t)
	dir := filepath.Join(t.TempDir(), "shallow")
	git(t, filepath.Dir(dir), "clone", "-q", "--depth", "2", "file://"+origin, dir)
	r := open(t, dir)
	p := pending(t, r, production, hashes[1])
	equal(t, "changes", told(p), []string{"change 4; update ConfigMap shop/cart value 3 → 4"})
	for _, want := range []string{"shallow", model.Short(hashes[3]), model.Short(hashes[1]), "git fetch --unshallow"} {
		if !strings.Contains(p.Diverged, want) {
			t.Errorf("diverged %q does not say %q", p.Diverged, want)
		}
	}
	if p := pending(t, r, production, hashes[3]); len(p.Changes) != 1 || p.Diverged != "" {
		t.Errorf("deployed at the boundary: %+v", p)
	}
}

func TestPendingSeesWhatGitDoesMeanwhile(t *testing.T) {
	v := func(n string) files { return shop().with(files{"base/config.yaml": configMap("cart", n)}) }
	var h history
	h.linear(0, v("1"), v("2"))
	dir, hashes := h.write(t)
	r := open(t, dir)
	if n := len(pending(t, r, production, hashes[1]).Changes); n != 1 {
		t.Fatalf("%d changes", n)
	}
	git(t, dir, "reset", "-q", "--hard")
	git(t, dir, "rm", "-q", "base/config.yaml")
	git(t, dir, "mv", "extra", "more")
	cmd := exec.CommandContext(t.Context(), "git", "commit", "-qm", "Remove (#9)")
	cmd.Dir, cmd.Env = dir, gitEnv(dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	git(t, dir, "repack", "-adq")
	git(t, dir, "prune")
	p := pending(t, r, production, hashes[1])
	if len(p.Changes) != 2 || p.Changes[0].Problem == "" || p.Changes[0].PullRequest.Number != 9 {
		t.Errorf("after a commit and a repack: %q", told(p))
	}
}

func TestSummaries(t *testing.T) {
	obj := func(text string) map[string]any {
		docs, err := parse("t", []byte(text), 1000)
		if err != nil {
			t.Fatal(err)
		}
		return docs[0].value.(map[string]any)
	}
	image := func(s string) string { return "spec: {containers: [{name: a, image: '" + s + "'}]}" }
	for _, tt := range []struct{ kind, old, now, want string }{
		{"Pod", image("x:5000/a:1"), image("x:5000/a:2"), "image 1 → 2"},
		{"Pod", image("x/a:1"), image("x/b:1"), "image x/a:1 → x/b:1"},
		{"Pod", image("x/a@sha256:" + strings.Repeat("1", 64)), image("x/a@sha256:" + strings.Repeat("2", 64)), "image sha256:111111111111 → sha256:222222222222"},
		{"Pod", image("x/a:1@sha256:" + strings.Repeat("1", 64)), image("x/a:1@sha256:" + strings.Repeat("2", 64)), "image 1, another digest"},
		{"Pod", "image: a:1\nb: 1", "image: a:2\nb: 2", "image 1 → 2 and 1 field"},
		{"Pod", "a: {image: a:1}\nb: {image: b:1}", "a: {image: a:2}\nb: {image: b:2}", "image 1 → 2"},
		{"Pod", "a: {image: a:1}\nb: {image: b:1}", "a: {image: a:2}\nb: {image: b:3}", "2 images"},
		{"Pod", "env: [{name: X, value: a}]", "env: [{name: X, value: b}]", "X a → b"},
		{"Pod", "env: [{name: X, value: a}, {name: Z, value: a}]", "env: [{name: Z, value: a}, {name: X, value: a}]", "1 field"},
		{"Pod", "args: [a, b]", "args: [a, c]", "args b → c"},
		{"Pod", "args: [a]", "args: [a, c]", "1 field"},
		{"Pod", "x: {replicas: 2}", "x: {replicas: 3}", "replicas 2 → 3"},
		{"Pod", "a: true", "a: false", "a true → false"},
		{"Pod", "a: 1", "{}", "a removed"},
		{"Pod", "{}", "a: 1", "a 1 added"},
		{"Pod", "{}", "a: {b: 1}", "a added"},
		{"Pod", "a: 1\nb: 1", "a: 2\nb: 2", "2 fields"},
		{"Pod", "a: \"\\e[31m\"", "a: b", "1 field"},
		{"Pod", "\"\\e[31m\": 1", "\"\\e[31m\": 2", "1 field"},
		{"ConfigMap", "data: {app.conf: \"a=1\\nb=2\\nc=3\\n\"}", "data: {app.conf: \"a=1\\nb=5\\nc=3\\n\"}", "b 2 → 5"},
		{"ConfigMap", "data: {app.conf: \"a: 1\\nb\\n\"}", "data: {app.conf: \"a: 1\\nc\\nd\\n\"}", "app.conf: 2 lines"},
		{"Secret", "stringData: {password: hunter22}", "stringData: {password: hunter23}", "1 field"},
		{"Secret", "image: a:1", "image: a:2", "1 field"},
	} {
		got := summarize(model.ObjectID{Kind: tt.kind}, differences(obj(tt.old), obj(tt.now)))
		if got != tt.want {
			t.Errorf("%s %q to %q: %q, want %q", tt.kind, tt.old, tt.now, got, tt.want)
		}
		if d := differences(obj(tt.old), obj(tt.old)); len(d) > 0 {
			t.Errorf("%q differs from itself: %v", tt.old, d)
		}
	}
}
