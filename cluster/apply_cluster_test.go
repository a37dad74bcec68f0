package cluster

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/model"
)

// TestApplyMoved: between the plan and the write something happens to the live
// object.
func TestApplyMoved(t *testing.T) {
	t.Parallel()
	remove := func(w *planWorld) {
		if err := w.admin.Resource(deploymentGVR).Namespace(w.ns).Delete(w.ctx, "cart", metav1.DeleteOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
	create := func(w *planWorld) {
		w.create(deploymentGVR, strings.Replace(deploymentYAML("cart", "cart:9"), "{name: cart}", "{name: cart, namespace: $NS}", 1))
	}
	first, next := deploymentYAML("cart", "cart:1"), deploymentYAML("cart", "cart:2")
	cases := []struct {
		name          string
		shipped, next string
		move          func(w *planWorld)
		want          []string // of the error; nil: it is written
		image         string   // afterwards; empty: there is no object
	}{
		{"nothing", first, next, func(*planWorld) {}, nil, "cart:2"},
		{"only the status", first, next, func(w *planWorld) {
			w.change("test", deploymentGVR, "cart", `{"status":{"conditions":[{"type":"Test","status":"True"}]}}`, "status")
		}, nil, "cart:2"},
		{"only noise", first, next, func(w *planWorld) {
			w.change("test", deploymentGVR, "cart", `{"metadata":{"annotations":{"deployment.kubernetes.io/revision":"7"}}}`)
		}, nil, "cart:2"},
		{"a field", first, next, func(w *planWorld) {
			w.change("kubectl-scale", deploymentGVR, "cart", `{"spec":{"replicas":2}}`, "scale")
		}, []string{"Deployment ", "/cart moved", "spec.replicas 0 → 2 (by kubectl-scale)"}, "cart:1"},
		{"deleted", first, next, remove, []string{"it was deleted since"}, ""},
		{"deleted and created", first, next, func(w *planWorld) { remove(w); create(w) }, []string{"deleted and created again since"}, "cart:9"},
		{"created", configYAML("a", "{}"), next, create, []string{"it was created since"}, "cart:9"},
		{"still not there", configYAML("a", "{}"), next, func(*planWorld) {}, nil, "cart:2"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			w.env.Prune.Enabled = false
			w.ship(tc.shipped)
			plan, objects := w.plan(tc.next)
			tc.move(w)
			entry, err := w.c.Apply(w.ctx, objects[0], planRow(t, plan, objects[0].ID))
			if tc.want != nil {
				wantCode(t, err, model.ExitPlanMoved, tc.want...)
			} else if err != nil {
				t.Fatal(err)
			}
			if tc.image == "" {
				if why, err := w.c.Remains(w.ctx, model.PlannedObject{ID: objects[0].ID, Version: "v1"}); why != "" || err != nil {
					t.Errorf("remains: %q, %v", why, err)
				}
				return
			}
			live := w.live(deploymentGVR, "cart")
			if got := containerImages(objects[0].ID, live)["main"]; got != tc.image {
				t.Errorf("image is %s, want %s", got, tc.image)
			}
			if tc.want == nil && entry != (model.InventoryEntry{ID: objects[0].ID, Version: "v1", UID: metaString(live, "uid")}) {
				t.Errorf("inventory entry %+v", entry)
			}
		})
	}
}

// TestApplyMovedCustomResource: what the plan predicted without the
// server is still bound to the object it was predicted from.
func TestApplyMovedCustomResource(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	text := crdYAML("Bin", w.ns) + "\n---\n{apiVersion: $NS.example.com/v1, kind: Bin, metadata: {name: b}, spec: {size: %d}}"
	plan, objects := w.plan(fmt.Sprintf(text, 2))
	w.apply(plan, objects)
	plan, objects = w.plan(fmt.Sprintf(text, 3))
	w.apply(plan, objects)
	// The same create once more: the object is there now.
	stale := rowNamed(t, plan, "Bin", "b")
	stale.Verdict, stale.Live, stale.Before = model.VerdictCreate, model.LiveRef{}, nil
	_, err := w.c.Apply(w.ctx, objects[1], stale)
	wantCode(t, err, model.ExitPlanMoved, "Bin ", "it was created since")
}

// TestApplyLostAnswer: a write arrives and its answer does not. It must be
// neither reported as failed nor taken for somebody else's.
func TestApplyLostAnswer(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	for _, text := range []string{configYAML("a", "{x: one}"), configYAML("a", "{x: two}")} {
		plan, objects := w.plan(text)
		w.faults.loseAnswer.Store(true)
		entry, err := w.c.Apply(w.ctx, objects[0], plan.Objects[0])
		if err != nil {
			t.Fatal(err)
		}
		if w.faults.loseAnswer.Load() {
			t.Fatal("no answer was lost")
		}
		if live := w.live(configGVR, "a"); entry.UID != metaString(live, "uid") {
			t.Errorf("inventory entry %+v, live %v", entry, live)
		}
		if again, _ := w.plan(text); again.Objects[0].Writes() {
			t.Errorf("not written: %+v", again.Objects[0])
		}
	}
	w.state.Inventory = []model.InventoryEntry{{ID: model.ObjectID{Kind: "ConfigMap", Namespace: w.ns, Name: "a"}, Version: "v1", UID: metaString(w.live(configGVR, "a"), "uid")}}
	plan, _ := w.plan(configYAML("b", "{}"))
	w.faults.loseAnswer.Store(true)
	if err := w.c.Delete(w.ctx, rowNamed(t, plan, "ConfigMap", "a")); err != nil {
		t.Fatal(err)
	}
}

func TestApplyUnreachable(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	plan, objects := w.plan(configYAML("a", "{}"))
	w.faults.down.Store(true)
	_, err := w.c.Apply(w.ctx, objects[0], plan.Objects[0])
	wantCode(t, err, model.ExitUnreachable, "ConfigMap "+w.ns+"/a: ", "cannot reach")
}

func TestDeleteMoved(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		move func(w *planWorld)
		want string // of the error; empty: it is deleted
	}{
		{"only noise", func(w *planWorld) {
			w.change("test", configGVR, "left", `{"metadata":{"annotations":{"deployment.kubernetes.io/revision":"7"}}}`)
		}, ""},
		{"a field", func(w *planWorld) { w.change("dev1", configGVR, "left", `{"data":{"x":"mine"}}`) }, "data.x one → mine (by dev1"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanWorld(t)
			w.ship(configYAML("a", "{}") + "---\n" + configYAML("left", "{x: one}"))
			plan, _ := w.plan(configYAML("a", "{}"))
			row := rowNamed(t, plan, "ConfigMap", "left")
			tc.move(w)
			err := w.c.Delete(w.ctx, row)
			if tc.want != "" {
				wantCode(t, err, model.ExitPlanMoved, tc.want)
				w.live(configGVR, "left")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if why, err := w.c.Remains(w.ctx, row); why != "" || err != nil {
				t.Errorf("remains: %q, %v", why, err)
			}
		})
	}
	t.Run("made anew", func(t *testing.T) {
		t.Parallel()
		w := newPlanWorld(t)
		w.ship(configYAML("a", "{}") + "---\n" + configYAML("left", "{x: one}"))
		plan, _ := w.plan(configYAML("a", "{}"))
		if err := w.admin.Resource(configGVR).Namespace(w.ns).Delete(w.ctx, "left", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: left, namespace: $NS}}")
		if err := w.c.Delete(w.ctx, rowNamed(t, plan, "ConfigMap", "left")); err != nil {
			t.Error(err)
		}
		w.live(configGVR, "left") // somebody else's now
	})
}

// TestApplyRefused: the server says no to the write itself.
func TestApplyRefused(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.ship(configYAML("a", "{x: one}"))
	plan, objects := w.plan(configYAML("a", "{x: two}"))
	c, _ := w.clientAs("nobody-" + w.ns)
	_, err := c.Apply(w.ctx, objects[0], plan.Objects[0])
	wantCode(t, err, model.ExitRolloutFailed, "ConfigMap "+w.ns+"/a", `forbidden (needs "patch configmaps" in "`+w.ns+`")`)

	secret := "{apiVersion: v1, kind: Secret, metadata: {name: db}, immutable: true, stringData: {password: hunter%d}}"
	w.ship(configYAML("a", "{x: one}") + "---\n" + fmt.Sprintf(secret, 2))
	plan, objects = w.plan(configYAML("a", "{x: one}") + "---\n" + fmt.Sprintf(secret, 3))
	row := rowNamed(t, plan, "Secret", "db")
	if row.Verdict != model.VerdictReplace || !strings.Contains(plan.Problem, "data is immutable") {
		t.Fatalf("row %+v, problem %q", row, plan.Problem)
	}
	_, err = w.c.Apply(w.ctx, objects[1], row)
	wantCode(t, err, model.ExitRolloutFailed, "not replaced, as neither")
	row.Verdict = model.VerdictUpdate // as if the plan had not seen it
	_, err = w.c.Apply(w.ctx, objects[1], row)
	wantCode(t, err, model.ExitRolloutFailed, "Secret ", "data is immutable")
	if strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "aHVudGVy") {
		t.Errorf("a Secret's value is in %q", err)
	}
}
