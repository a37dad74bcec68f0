package fieldpath

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

type (
	m = map[string]any
	l = []any
)

func object() m {
	return m{
		"kind": "Deployment",
		"metadata": m{"annotations": m{
			"example.com/a.b": "1", "plain": "2", "with space": "3", "x]": "4",
		}},
		"spec": m{
			"replicas": int64(3),
			"containers": l{
				m{"name": "cart", "image": "cart:1", "args": l{"-a", "-b"}, "ports": l{
					m{"containerPort": int64(80), "protocol": "TCP"}, m{"containerPort": int64(80), "protocol": "UDP"},
				}},
				m{"name": "cart.side", "image": "side:1"},
			},
			"rules": l{m{"verbs": l{"get"}}, m{"verbs": l{"list"}}},
		},
	}
}

func TestGet(t *testing.T) {
	for path, want := range map[string]any{
		"kind":                                         "Deployment",
		"metadata.annotations[example.com/a.b]":        "1",
		"metadata.annotations.plain":                   "2",
		"metadata.annotations[with space]":             "3",
		"metadata.annotations[x]]":                     "4",
		"spec.replicas":                                int64(3),
		"spec.containers[cart].image":                  "cart:1",
		"spec.containers[cart.side].image":             "side:1",
		"spec.containers[cart].ports[80,UDP].protocol": "UDP",
		"spec.containers[cart].args[1]":                "-b",
		"spec.rules[1].verbs[0]":                       "list",
	} {
		if got, ok := Get(object(), path); !ok || got != want {
			t.Errorf("%s is %v (%v), want %v", path, got, ok, want)
		}
	}
	for _, path := range []string{"", "spec.replica", "spec.replicas.x", "spec.containers[none]", "spec.containers[cart].image.x", "spec.rules[2]", "spec..replicas"} {
		if got, ok := Get(object(), path); ok {
			t.Errorf("%q is %v, and should not be there", path, got)
		}
	}
}

func TestWithoutLeavesTheOriginal(t *testing.T) {
	in := object()
	for _, path := range []string{"spec.replicas", "spec.containers[cart].image", "spec.containers[cart]", "metadata.annotations.plain", "spec.rules[0]"} {
		out, ok := Without(in, path)
		if !ok {
			t.Fatalf("%s is not found", path)
		}
		if !Equal(in, object()) {
			t.Fatalf("taking %s out altered the original", path)
		}
		if changes := Diff(in, out); len(changes) == 0 || changes[0].HasNew && path != "spec.rules[0]" {
			t.Errorf("without %s: %+v", path, changes)
		}
	}
	if out, ok := Without(in, "spec.none"); ok || !Equal(out, in) {
		t.Error("a field that is not there was taken out")
	}
}

func TestDiff(t *testing.T) {
	after := object()
	spec := after["spec"].(m)
	containers := spec["containers"].(l)
	spec["containers"] = l{containers[1], m{"name": "cart", "image": "cart:2", "args": l{"-a"}, "ports": containers[0].(m)["ports"]}, m{"name": "new"}}
	delete(spec, "replicas")
	var got []string
	for _, c := range Diff(object(), after) {
		got = append(got, fmt.Sprintf("%s %v %v", c.Path, c.HasOld, c.HasNew))
	}
	want := []string{
		"spec.containers[cart].args true true", "spec.containers[cart].image true true",
		"spec.containers[new] false true", "spec.containers true true", "spec.replicas true false",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Every path that Diff writes is found again on the sides it says it is on.
func TestDiffPathsAreFound(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 9))
	for range 3000 {
		a, b := randomMap(rng, 3), randomMap(rng, 3)
		changes := Diff(a, b)
		if (len(changes) == 0) != Equal(a, b) {
			t.Fatalf("%d changes between\n%v\n%v", len(changes), a, b)
		}
		for _, c := range changes {
			old, hasOld := Get(a, c.Path)
			new, hasNew := Get(b, c.Path)
			if c.HasOld && (!hasOld || !Equal(old, c.Old)) || c.HasNew && (!hasNew || !Equal(new, c.New)) {
				t.Fatalf("%s: found %v %v and %v %v, want %+v in\n%v\n%v", c.Path, old, hasOld, new, hasNew, c, a, b)
			}
		}
	}
}

func randomMap(rng *rand.Rand, depth int) m {
	out := m{}
	for range rng.IntN(4) {
		out[[]string{"a", "b.c", "spec", "d/e"}[rng.IntN(4)]] = randomValue(rng, depth-1)
	}
	return out
}

func randomValue(rng *rand.Rand, depth int) any {
	switch n := rng.IntN(6); {
	case n < 2 || depth <= 0:
		return int64(rng.IntN(3))
	case n < 4:
		return randomMap(rng, depth)
	}
	var out l
	for i := range rng.IntN(4) {
		if rng.IntN(8) == 0 {
			out = append(out, int64(i))
			continue
		}
		e := randomMap(rng, depth-1)
		e["name"] = string(rune('a' + i))
		out = append(out, e)
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
