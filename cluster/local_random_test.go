package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// localRounds edits are made to randomly chosen objects of every kind.
const localRounds = 400

// TestLocalPredictionEqualsServers: after random edits to Git and to the live
// object, what is predicted without the server is what its dry-run says. Only
// defaults of built-in kinds may be missing, in what is new and for what left
// Git, and zeros that such a kind does not write may be there.
func TestLocalPredictionEqualsServers(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	if text := os.Getenv("FAIRTIDE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FAIRTIDE_SEED=%d repeats this", seed)
	first := newPlanWorld(t)
	group := first.ns + ".example.com"
	first.create(crdGVR, fmt.Sprintf(wareYAML, group))
	first.removeLater(crdGVR, "wares."+group)
	kinds := kindsOfRounds(group)
	first.eventually("the definition is served", func() bool {
		_, err := first.admin.Resource(kinds[len(kinds)-1].gvr).List(first.ctx, metav1.ListOptions{})
		return err == nil
	})
	// The server publishes a schema some time after it serves the kind.
	first.eventually("its schema is published", func() bool {
		first.c.disco.Invalidate()
		paths, err := first.c.disco.OpenAPIV3().Paths()
		if err != nil || paths["apis/"+group+"/v1"] == nil {
			return false
		}
		schema, err := paths["apis/"+group+"/v1"].Schema("application/json")
		return err == nil && strings.Contains(string(schema), `"slow"`)
	})
	w := &randomWorld{planWorld: *first, rng: rand.New(rand.NewPCG(seed, 0)), kinds: kinds, prefix: "local"} //nolint:gosec // a test's
	for i := range kinds {
		w.kinds = kinds[i : i+1]
		w.add()
	}
	p := newPredictor(w.c, w.env, "", "uid")
	counts := map[string]int{}
	for range localRounds {
		w.editGit()
		for range w.rng.IntN(3) {
			if err := w.editLive(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		o := w.objects[w.rng.IntN(len(w.objects))]
		verdict, err := w.compareLocal(p, o.object(w.ns), counts)
		if err != nil {
			t.Fatalf("%s: %v\nafter %s", o.name, err, strings.Join(w.history, "\n"))
		}
		counts[verdict]++
		if len(w.objects) > 2*len(kinds) {
			w.objects = w.objects[1:]
		}
	}
	t.Logf("%d edits: %v", localRounds, counts)
	if counts["create"] < 10 || counts["update"] < 100 || counts["unchanged"] < 20 {
		t.Errorf("too little happened for the agreement to mean much: %v", counts)
	}
}

// compareLocal predicts an object in both ways and then, mostly, applies it.
func (w *randomWorld) compareLocal(p *predictor, o model.Object, counts map[string]int) (string, error) {
	it := &planItem{object: o}
	var err error
	if it.mapping, err = w.c.mapping(o.ID, o.Version); err != nil {
		return "", err
	}
	if err := p.read(w.ctx, it); err != nil || it.readErr != nil {
		return "", fmt.Errorf("%w %w", err, it.readErr)
	}
	server, err := w.c.tryApply(w.ctx, it)
	switch {
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err): // nothing to compare with
		w.dropNamed(o.ID.Name)
		return "refused", nil
	case err != nil:
		return "", err
	}
	local, _, reason := p.predictLocally(w.ctx, it)
	if reason != "" {
		return "", fmt.Errorf("not predicted: %s", reason)
	}
	before, there := p.sides(it, server, metaString(server, "uid"))
	_, here := p.sides(it, local, "")
	for _, c := range fieldpath.Diff(here, there) {
		if !w.isDefault(it, c) {
			return "", fmt.Errorf("%s is %s without the server, %s with it", c.Path, showValue(c.Old), showValue(c.New))
		}
		counts["missing defaults"]++
	}
	if fieldpath.Equal(before, there) && fieldpath.Equal(before, here) && sameOwnership(it.live, server) != sameOwnership(it.live, local) {
		return "", fmt.Errorf("the server takes ownership: %v", !sameOwnership(it.live, server))
	}
	if w.rng.IntN(3) > 0 {
		if _, err := w.c.write(context.WithoutCancel(w.ctx), it, model.LiveRef{}); err != nil {
			return "", err
		}
	}
	switch {
	case it.live == nil:
		return "create", nil
	case fieldpath.Equal(before, there):
		return "unchanged", nil
	}
	return "update", nil
}

// isDefault reports whether only the server has a value, which neither Git
// writes nor another manager owns, of a built-in kind; or whether such a kind
// leaves out a zero that Git writes.
func (w *randomWorld) isDefault(it *planItem, c fieldpath.Change) bool {
	if it.object.ID.Kind != "Ware" && c.HasOld && !c.HasNew {
		return c.Old == false || c.Old == "" || fieldpath.Equal(c.Old, int64(0))
	}
	_, rendered := fieldpath.At(it.object.Fields, c.Steps)
	other, foreign := ownerOf(c.Steps, fieldOwners(it.live))
	foreign = foreign && other.owns(c.Steps) != ownsAbove // of a piece that Git writes anew
	if !c.HasOld && c.HasNew && c.New == nil {
		return true // a Role without rules has null for them
	}
	return !c.HasOld && c.HasNew && !rendered && !foreign && it.object.ID.Kind != "Ware"
}

func (w *randomWorld) dropNamed(name string) {
	for i, o := range w.objects {
		if o.name == name {
			w.objects = append(w.objects[:i:i], w.objects[i+1:]...)
			w.add()
			return
		}
	}
}
