package cluster

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

func someState(by string) model.State {
	return model.State{
		Deployed: &model.Deployed{Commit: "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d", At: time.Date(2026, 5, 4, 10, 3, 0, 0, time.UTC), By: by, Run: "production-1"},
		Inventory: []model.InventoryEntry{
			{ID: model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}, Version: "v1", UID: "u1"},
			{ID: model.ObjectID{Kind: "Namespace", Name: "shop"}, Version: "v1", UID: "u2"},
		},
		LastRun: &model.RunRef{ID: "production-1", State: model.RunSucceeded},
	}
}

func TestStateRoundTrip(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, _ := stateClient(t, space, nil)
	ctx := t.Context()
	empty, err := c.ReadState(ctx, "production")
	if err != nil || !reflect.DeepEqual(empty, model.State{}) {
		t.Fatalf("without a record: %+v, %v", empty, err)
	}
	written, err := c.WriteState(ctx, "production", someState("op1@host"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.ReadState(ctx, "production")
	if err != nil || !reflect.DeepEqual(read, written) {
		t.Fatalf("read %+v, %v; wrote %+v", read, err, written)
	}
	want := someState("op1@host")
	want.ResourceVersion = read.ResourceVersion
	want.Inventory[0], want.Inventory[1] = want.Inventory[1], want.Inventory[0] // sorted
	if !reflect.DeepEqual(read, want) {
		t.Errorf("read %+v, want %+v", read, want)
	}

	cms := adminClient(t).CoreV1().ConfigMaps(space)
	cm, err := cms.Get(ctx, "fairtide-env-production", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		labelManagedBy: "fairtide", labelEnvironment: "production", labelApplySetID: applySetID("fairtide-env-production", space),
	} {
		if cm.Labels[key] != want {
			t.Errorf("label %s is %q, want %q", key, cm.Labels[key], want)
		}
	}
	for key, want := range map[string]string{
		annotationApplySetTooling: "fairtide/v0.1.0", annotationApplySetKinds: "Deployment.apps,Namespace", annotationApplySetSpaces: "shop",
	} {
		if cm.Annotations[key] != want {
			t.Errorf("annotation %s is %q, want %q", key, cm.Annotations[key], want)
		}
	}

	// What others put on the record stays.
	cm.Labels["team"] = "shop"
	if _, err := cms.Update(ctx, cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if read, err = c.ReadState(ctx, "production"); err != nil {
		t.Fatal(err)
	}
	read.LastRun.State = model.RunFailed
	if _, err := c.WriteState(ctx, "production", read); err != nil {
		t.Fatal(err)
	}
	if cm, err = cms.Get(ctx, cm.Name, metav1.GetOptions{}); err != nil || cm.Labels["team"] != "shop" {
		t.Errorf("labels %v, %v", cm.Labels, err)
	}
}

func TestApplySetID(t *testing.T) {
	// base64url(sha256("my-set.default.ConfigMap.")), computed with openssl.
	if got, want := applySetID("my-set", "default"), "applyset-DaObTxGT41gT7jz9wyulA3kuIrhUKfuOcjAfLI6wcmQ-v1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStateLostRace(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	ours, _ := stateClient(t, space, nil)
	theirs, _ := stateClient(t, space, nil)
	ctx := t.Context()
	first, err := ours.WriteState(ctx, "production", someState("op1@host"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = theirs.WriteState(ctx, "production", someState("op2@host")) // expects no record
	wantLocked(t, err, "production", "op1@host", "production-1", "look at the environment again")

	theirState := first
	theirState.Deployed = &model.Deployed{Commit: "ffff", At: time.Now(), By: "op2@host\x1b[2J", Run: "production-2"}
	if _, err := theirs.WriteState(ctx, "production", theirState); err != nil {
		t.Fatal(err)
	}
	_, err = ours.WriteState(ctx, "production", first)
	wantLocked(t, err, "op2@host", "production-2")
	if strings.Contains(err.Error(), "\x1b") {
		t.Errorf("escape sequence in %q", err)
	}

	if err := adminClient(t).CoreV1().ConfigMaps(space).Delete(ctx, stateName("production"), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = ours.WriteState(ctx, "production", first)
	wantLocked(t, err, "deleted")
}

func TestStateRaceHasOneWinner(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	base, _ := stateClient(t, space, nil)
	now, err := base.WriteState(t.Context(), "production", someState("op0@host"))
	if err != nil {
		t.Fatal(err)
	}
	const writers, rounds = 4, 10
	for round := range rounds {
		results := make([]error, writers)
		states := make([]model.State, writers)
		var all sync.WaitGroup
		for i := range writers {
			c, _ := stateClient(t, space, nil)
			s := now
			s.Deployed = &model.Deployed{By: fmt.Sprintf("op%d@host", i), Run: fmt.Sprintf("production-%d", round)}
			all.Go(func() { states[i], results[i] = c.WriteState(t.Context(), "production", s) })
		}
		all.Wait()
		won := -1
		for i, err := range results {
			if err == nil {
				if won >= 0 {
					t.Fatalf("round %d: writers %d and %d both won", round, won, i)
				}
				won = i
				continue
			}
			wantLocked(t, err)
		}
		if won < 0 {
			t.Fatalf("round %d: nobody won: %v", round, results)
		}
		now = states[won]
	}
}

func TestStateLargeInventory(t *testing.T) {
	t.Parallel()
	c, _ := stateClient(t, stateSpace(t), nil)
	ctx := t.Context()
	s := someState("op1@host")
	s.Inventory = nil
	for i := range 5000 {
		s.Inventory = append(s.Inventory, model.InventoryEntry{
			ID:      model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: fmt.Sprintf("team-%03d", i%100), Name: fmt.Sprintf("service-%05d", i)},
			Version: "v1", UID: nonce() + nonce()[:10],
		})
	}
	written, err := c.WriteState(ctx, "production", s)
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.ReadState(ctx, "production")
	if err != nil || len(read.Inventory) != 5000 || !reflect.DeepEqual(read, written) {
		t.Fatalf("%d entries, %v", len(read.Inventory), err)
	}
	cm, err := adminClient(t).CoreV1().ConfigMaps(c.cfg.StateNamespace).Get(ctx, stateName("production"), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("5000 entries: %d KiB compressed", len(cm.BinaryData[inventoryKey+".gz"])>>10)
	if !strings.Contains(cm.Data[stateKey], "1a2b3c4") {
		t.Errorf("the deployed commit is not legible: %v", cm.Data)
	}
	// Small again: the packed list must go.
	read.Inventory = read.Inventory[:2]
	if _, err := c.WriteState(ctx, "production", read); err != nil {
		t.Fatal(err)
	}
	if read, err = c.ReadState(ctx, "production"); err != nil || len(read.Inventory) != 2 {
		t.Errorf("%d entries, %v", len(read.Inventory), err)
	}
}

func TestStateLostAnswer(t *testing.T) {
	t.Parallel()
	c, f := stateClient(t, stateSpace(t), nil)
	ctx := t.Context()
	if _, err := c.WriteState(ctx, "warm-up", model.State{}); err != nil { // so that the namespace is there
		t.Fatal(err)
	}
	f.loseAnswer.Store(true)
	s, err := c.WriteState(ctx, "production", someState("op1@host"))
	if err != nil || f.loseAnswer.Load() {
		t.Fatalf("created with the answer lost: %v", err)
	}
	f.loseAnswer.Store(true)
	if s, err = c.WriteState(ctx, "production", s); err != nil || f.loseAnswer.Load() {
		t.Fatalf("written with the answer lost: %v", err)
	}
	if _, err := c.WriteState(ctx, "production", s); err != nil {
		t.Fatal(err)
	}
	f.down.Store(true)
	if _, err := c.WriteState(ctx, "production", s); model.CodeOf(err, 0) != model.ExitUnreachable {
		t.Errorf("away: %v", err)
	}
}

func TestStateRefused(t *testing.T) {
	t.Parallel()
	tc := testcluster.Get(t)
	space := stateSpace(t)
	c, _ := stateClient(t, space, func(cfg *Config) { cfg.Kubeconfig = tc.KubeconfigFor(t, limitedUser) })
	ctx := t.Context()
	_, err := c.ReadState(ctx, "production")
	if model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), `needs "get configmaps" in "`+space) {
		t.Errorf("read: %v", err)
	}
	_, err = c.WriteState(ctx, "production", model.State{})
	if model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), `needs "create configmaps" in "`+space) {
		t.Errorf("write: %v", err)
	}
	// May write records, but the namespace is missing and not theirs to make.
	cs := adminClient(t)
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: space},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"create"}}},
	}
	if _, err := cs.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: space},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: space},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: limitedUser}},
	}
	if _, err := cs.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, 20*time.Second, "the missing namespace is named", func() (bool, error) {
		_, err := c.WriteState(ctx, "production", model.State{})
		return err != nil && strings.Contains(err.Error(), `needs "create namespaces"`), err
	})
}

func TestStateUnreadable(t *testing.T) {
	t.Parallel()
	space := stateSpace(t)
	c, _ := stateClient(t, space, nil)
	ctx := t.Context()
	if _, err := c.WriteState(ctx, "other", model.State{}); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]map[string]string{
		"a later format": {"format": "2", "state.json": "{}"},
		"no state":       {"format": "1"},
		"not JSON":       {"format": "1", "state.json": "{"},
	} {
		t.Run(name, func(t *testing.T) {
			cms := adminClient(t).CoreV1().ConfigMaps(space)
			err := cms.Delete(ctx, stateName("production"), metav1.DeleteOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				t.Fatal(err)
			}
			cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: stateName("production")}, Data: data}
			if _, err := cms.Create(ctx, cm, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.ReadState(ctx, "production"); err == nil || !strings.Contains(err.Error(), space+"/fairtide-env-production") {
				t.Errorf("error %v", err)
			}
		})
	}
}
