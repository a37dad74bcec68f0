package repo

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// secretValues are twenty that nobody may find in a file of the cache.
func secretValues() []string {
	var values []string
	for i := range 20 {
		values = append(values, fmt.Sprintf("canary-%02d-%s", i, strings.Repeat(string(rune('a'+i)), 9)))
	}
	return values
}

func TestCacheShowsNoSecrets(t *testing.T) {
	values := secretValues()
	tree := shop()
	overlay := "resources: [../../base, secrets.yaml]\nsecretGenerator:\n"
	var manifests strings.Builder
	for i, v := range values {
		switch i % 3 {
		case 0:
			overlay += fmt.Sprintf("- {name: generated-%d, literals: [password=%s]}\n", i, v)
		case 1:
			fmt.Fprintf(&manifests, "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s%d}\nstringData: {password: %s}\n", i, v)
		default:
			fmt.Fprintf(&manifests, "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s%d}\ndata: {password: %s}\n", i, base64.StdEncoding.EncodeToString([]byte(v)))
		}
	}
	tree = tree.with(files{"environments/production/kustomization.yaml": overlay, "environments/production/secrets.yaml": manifests.String()})
	tree[".fairtide.yaml"] = "# " + values[0] + "\n"
	var h history
	h.linear(0, shop(), tree)
	dir, hashes := h.write(t)
	cacheDir := t.TempDir()
	r := openKept(t, dir, cacheDir)
	got := render(t, r, production)
	if _, err := start(t, r, []model.PendingAsk{{Environment: production, Deployed: hashes[1]}}); err != nil {
		t.Fatal(err)
	}
	data, err := encodeResult(&result{objects: got.Objects})
	if err != nil {
		t.Fatal(err)
	}
	kept := keptFiles(t, cacheDir)
	if len(kept) < 5 {
		t.Fatalf("only %d files were kept", len(kept))
	}
	for _, v := range values {
		forms := []string{v, hex.EncodeToString([]byte(v))}
		for offset := range 3 {
			// However it lies in the text that was encoded.
			b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + v))
			forms = append(forms, b[4:len(b)-4])
		}
		if !slices.ContainsFunc(forms, func(f string) bool { return bytes.Contains(data, []byte(f)) }) {
			t.Errorf("the render does not hold %q at all", v)
		}
		for name, content := range kept {
			for _, f := range append(forms, v[:9], "kind", "production") {
				if strings.Contains(content, f) {
					t.Errorf("%s shows %q", name, f)
				}
			}
		}
	}
}

// Two trees that answer alike are those that compare takes for the same.
func TestAnswersAgreeWithCompare(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	names := []string{"a", "b", "c.yaml", "d.yml", ".h.yaml", "kustomization.yaml", "e.txt"}
	somePath := func() string {
		p := names[random.IntN(len(names))]
		for random.IntN(2) == 0 {
			p = names[random.IntN(2)] + "/" + p
		}
		return p
	}
	content := func() string {
		switch random.IntN(8) {
		case 0:
			return "link:" + names[random.IntN(3)]
		case 1:
			return "exec:text 1\n"
		}
		return fmt.Sprintf("text %d\n", random.IntN(3))
	}
	var h history
	const trees = 60
	tree := files{}
	for range trees {
		if tree = maps.Clone(tree); random.IntN(4) == 0 {
			tree = files{}
		}
		for range 1 + random.IntN(3) {
			p := somePath()
			for other := range tree {
				if strings.HasPrefix(other, p+"/") || strings.HasPrefix(p, other+"/") {
					delete(tree, other)
				}
			}
			if tree[p] = content(); random.IntN(3) == 0 {
				delete(tree, p)
			}
		}
		h.linear(h.marks, tree)
	}
	dir, hashes := h.write(t)
	r := open(t, dir)
	var roots []plumbing.Hash
	for _, hash := range hashes[1:] {
		c, err := r.commit(plumbing.NewHash(hash))
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, c.TreeHash)
	}
	alike := 0
	for range 40 {
		in, whole := &inputs{}, false
		for range 1 + random.IntN(4) {
			n := in.at(somePath())
			switch random.IntN(6) {
			case 0, 1:
				n = in.at(names[random.IntN(2)])
				n.all = true
			case 2:
				n.whole, whole = true, true
			default:
				n.read = true
			}
		}
		var sums [][]byte
		for _, root := range roots {
			sum, err := in.answers(r.store, root)
			if err != nil {
				t.Fatal(err)
			}
			sums = append(sums, sum)
		}
		for i := range roots {
			for j := range i {
				same, err := in.same(r.store, roots[i], roots[j])
				if err != nil {
					t.Fatal(err)
				}
				// Of a whole directory the executable bits count as well.
				if equal := bytes.Equal(sums[i], sums[j]); equal != same && (equal || !whole) {
					t.Fatalf("%q: trees %s and %s: answers are equal: %v, compare says the same: %v", encodeInputs(in), roots[i], roots[j], equal, same)
				}
				if same && roots[i] != roots[j] {
					alike++
				}
			}
		}
	}
	if alike == 0 {
		t.Error("no two trees were alike")
	}
}
