package cluster

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// TestInventoryIDs has ids as object.ObjMetadata of cli-utils writes them, and
// Flux after it; the package itself needs modules that nothing else does.
func TestInventoryIDs(t *testing.T) {
	for want, id := range map[string]model.ObjectID{
		"shop_cart_apps_Deployment":                                          {Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"},
		"_shop__Namespace":                                                   {Kind: "Namespace", Name: "shop"},
		"_system__shop_rbac.authorization.k8s.io_ClusterRole":                {Group: rbacGroup, Kind: "ClusterRole", Name: "system:shop"},
		"shop_a__b__c_rbac.authorization.k8s.io_RoleBinding":                 {Group: rbacGroup, Kind: "RoleBinding", Namespace: "shop", Name: "a:b:c"},
		"_baskets.example.com_apiextensions.k8s.io_CustomResourceDefinition": {Group: crdKind.Group, Kind: crdKind.Kind, Name: "baskets.example.com"},
	} {
		if got := inventoryID(id); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
		back, err := parseInventoryID(want)
		if err != nil || back != id {
			t.Errorf("%q reads as %+v, %v", want, back, err)
		}
	}
	for _, s := range []string{"", "_", "__", "___", "a_b", "a_b_c", "_cart_apps_", "shop__apps_Deployment"} {
		if id, err := parseInventoryID(s); err == nil {
			t.Errorf("%q reads as %+v", s, id)
		}
	}
}

// FuzzInventory: what is written reads as it was, whatever the names are.
func FuzzInventory(f *testing.F) {
	f.Add("apps", "Deployment", "shop", "cart", "u1", false)
	f.Add(rbacGroup, "ClusterRole", "", "a__b", "", true)
	f.Add(rbacGroup, "ClusterRole", "", "_:_a", "", true)
	f.Fuzz(func(t *testing.T, group, kind, namespace, name, uid string, left bool) {
		if strings.ContainsAny(group+kind+namespace, "_") || kind == "" || name == "" {
			return // no such names
		}
		for _, s := range []string{group, kind, namespace, name, uid} {
			if strings.ToValidUTF8(s, "") != s {
				return
			}
		}
		want := inventory{{ID: model.ObjectID{Group: group, Kind: kind, Namespace: namespace, Name: name}, Version: "v1", UID: uid, Keep: "x", Left: left}}
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got inventory
		if err := json.Unmarshal(raw, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads as %+v, %v", raw, got, err)
		}
	})
}

// A damaged inventory is not half of one.
func TestInventoryDamage(t *testing.T) {
	for _, raw := range []string{`{}`, `[{}]`, `["x"]`, `[{"id":"shop_cart"}]`, `[{"id":"a_b_c_D","uid":7}]`,
		`[{"id":"a_b_c_D","uid":"1"},{"id":"a_b_c_D","uid":"2"}]`} {
		var got inventory
		if err := json.Unmarshal([]byte(raw), &got); err == nil {
			t.Errorf("%s reads as %+v", raw, got)
		}
	}
}

func TestPruneLimit(t *testing.T) {
	share := model.PrunePolicy{Enabled: true, Max: model.DefaultPruneMax, Share: true}
	for _, tc := range []struct {
		policy  model.PrunePolicy
		applied int
		want    int
	}{
		{share, 0, 2}, {share, 5, 2}, {share, 6, 2}, {share, 9, 3}, {share, 29, 9}, {share, 30, 10}, {share, 500, 10},
		{model.PrunePolicy{Max: 40}, 6, 40}, {model.PrunePolicy{Max: 0}, 6, 0},
	} {
		if got, why := pruneLimit(tc.policy, tc.applied); got != tc.want || why == "" {
			t.Errorf("%+v of %d: %d (%s), want %d", tc.policy, tc.applied, got, why, tc.want)
		}
	}
}
