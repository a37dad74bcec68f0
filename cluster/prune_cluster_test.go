package cluster

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

func TestPrune(t *testing.T) {
	t.Parallel()
	keep := "{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}}"
	all := configYAML("a", "{}") + "---\n" + configYAML("left", "{}") + "---\n" + configYAML("remade", "{}") + "---\n" + configYAML("gone", "{}") + "---\n" + keep
	rest := configYAML("a", "{}")
	w := newPlanWorld(t)
	w.ship(all)
	configs := w.admin.Resource(configGVR).Namespace(w.ns)
	for _, name := range []string{"remade", "gone"} {
		if err := configs.Delete(w.ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	w.create(configGVR, "{apiVersion: v1, kind: ConfigMap, metadata: {name: remade, namespace: $NS}}")

	t.Run("disabled", func(t *testing.T) {
		off := *w
		off.env.Prune.Enabled = false
		if plan, _ := off.plan(rest); len(plan.Objects) != 1 {
			t.Errorf("rows %+v", plan.Objects)
		}
	})
	t.Run("too many", func(t *testing.T) {
		few := *w
		few.env.Prune.Max = 0
		if plan, _ := few.plan(rest); !strings.Contains(plan.Problem, "it would delete 1 object, more than prune.max allows (0)") {
			t.Errorf("problem %q", plan.Problem)
		}
	})
	plan, objects := w.plan(rest)
	if plan.Problem != "" || plan.Counts() != (model.Counts{Unchanged: 2, Delete: 1}) {
		t.Fatalf("problem %q, counts %+v", plan.Problem, plan.Counts())
	}
	if row := rowNamed(t, plan, "ConfigMap", "kept"); row.Verdict != model.VerdictUnchanged || row.Writes() ||
		row.Reason != "kept: annotation helm.sh/resource-policy: keep" {
		t.Errorf("row %+v", row)
	}
	left := rowNamed(t, plan, "ConfigMap", "left")
	if left.Verdict != model.VerdictDelete || left.Live.UID == "" {
		t.Fatalf("row %+v", left)
	}
	w.apply(plan, objects)
	w.eventually("the object is gone", func() bool {
		why, err := w.c.Remains(w.ctx, left)
		if err != nil {
			t.Fatal(err)
		}
		return why == ""
	})
	if why, err := w.c.Remains(w.ctx, model.PlannedObject{ID: objects[0].ID, Version: "v1"}); why == "" || err != nil {
		t.Errorf("remains %q, %v", why, err)
	}
	if err := w.c.Delete(w.ctx, left); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	for _, name := range []string{"a", "kept", "remade"} {
		w.live(configGVR, name)
	}
}

// TestPruneSharedObject: an object that is rendered under another API group is
// still rendered.
func TestPruneSharedObject(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.ship(configYAML("a", "{}"))
	w.state.Inventory[0].ID.Group = "legacy.example.com"
	if plan, _ := w.plan(configYAML("a", "{}")); len(plan.Objects) != 1 || plan.Differs() {
		t.Errorf("rows %+v", plan.Objects)
	}
}

// TestPruneAfterARunThatWasCutOff: what such a run may have made is shown, and
// not deleted.
func TestPruneAfterARunThatWasCutOff(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.ship(configYAML("a", "{}") + "---\n" + configYAML("made", "{}"))
	for i := range w.state.Inventory {
		if w.state.Inventory[i].ID.Name == "made" {
			w.state.Inventory[i].UID = ""
		}
	}
	never := model.ObjectID{Kind: "ConfigMap", Namespace: w.ns, Name: "never-made"}
	w.state.Inventory = append(w.state.Inventory, model.InventoryEntry{ID: never, Version: "v1"})
	plan, _ := w.plan(configYAML("a", "{}"))
	if len(plan.Objects) != 2 || plan.Differs() || plan.Problem != "" {
		t.Fatalf("rows %+v, problem %q", plan.Objects, plan.Problem)
	}
	i := slices.IndexFunc(plan.Objects, func(o model.PlannedObject) bool { return o.ID.Name == "made" })
	if i < 0 || !strings.Contains(plan.Objects[i].Reason, "a run that was cut off") || plan.Objects[i].Live.UID != "" || plan.Objects[i].Writes() {
		t.Errorf("rows %+v", plan.Objects)
	}
}

// staleGroup makes discovery say that the service behind an API group does not
// answer.
type staleGroup struct {
	next  http.RoundTripper
	group string
}

func (s staleGroup) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if err != nil || r.URL.Path != "/apis" {
		return resp, err
	}
	var list struct {
		Kind       string           `json:"kind"`
		APIVersion string           `json:"apiVersion"`
		Items      []map[string]any `json:"items"`
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, err
	}
	list.Items = append(list.Items, map[string]any{"metadata": map[string]any{"name": s.group},
		"versions": []any{map[string]any{"version": "v1", "freshness": "Stale"}}})
	body, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	resp.Header.Del("Content-Length")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// TestPlanBrokenGroup: a kind that cannot be looked up is not a kind that does
// not exist, and its objects are not gone.
func TestPlanBrokenGroup(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	rc := testcluster.Get(t).Config(t)
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { return staleGroup{next, "broken.example.com"} })
	c, err := newForConfig(Config{StateNamespace: "fairtide", UserAgent: "fairtide/test", Now: time.Now}, "test", rc)
	if err != nil {
		t.Fatal(err)
	}
	lost := model.ObjectID{Group: "broken.example.com", Kind: "Thing", Namespace: w.ns, Name: "a"}
	plan, _, err := w.tryPlan(c, "{apiVersion: broken.example.com/v1, kind: Thing, metadata: {name: a}}")
	if err != nil {
		t.Fatal(err)
	}
	if row := rowNamed(t, plan, "Thing", "a"); row.Verdict != model.VerdictUnpredictable || !strings.Contains(row.Reason, "does not answer") {
		t.Errorf("row %+v", row)
	}
	if _, err = c.Remains(w.ctx, model.PlannedObject{ID: lost, Version: "v1"}); err == nil {
		t.Error("an object that cannot be looked up is gone")
	}
	err = c.Delete(w.ctx, model.PlannedObject{ID: lost, Version: "v1", Verdict: model.VerdictDelete, Live: model.LiveRef{UID: "u", ResourceVersion: "2"}})
	if err == nil {
		t.Error("an object that cannot be looked up is deleted")
	}
	w.state.Inventory = []model.InventoryEntry{
		{ID: lost, Version: "v1", UID: "u"},
		{ID: model.ObjectID{Group: "never.example.com", Kind: "Thing", Namespace: w.ns, Name: "a"}, Version: "v1", UID: "v"},
	}
	plan, _, err = w.tryPlan(c, configYAML("a", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Counts(); got != (model.Counts{Create: 1, Unpredictable: 1}) || !strings.Contains(plan.Problem, "Thing ") {
		t.Errorf("counts %+v, problem %q", got, plan.Problem)
	}
}
