package cluster

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

func TestReadRefusal(t *testing.T) {
	deployments := &meta.RESTMapping{Resource: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}}
	cart := model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}
	secret := model.ObjectID{Kind: "Secret", Namespace: "shop", Name: "db"}
	answer := func(code int32, reason metav1.StatusReason, message string, causes ...metav1.StatusCause) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code, Reason: reason, Message: message,
			Details: &metav1.StatusDetails{Causes: causes}}}
	}
	missing := apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop")
	missing.ErrStatus.Details.Kind = "namespaces"
	immutable := metav1.StatusCause{Type: "FieldValueInvalid", Field: "spec.selector", Message: `Invalid value: {"matchLabels":{"a":"e"}}: field is immutable`}
	required := metav1.StatusCause{Type: "FieldValueRequired", Field: "spec.x", Message: "Required value"}
	leak := metav1.StatusCause{Type: "FieldValueInvalid", Field: "data.x", Message: `Invalid value: "hunter2": too long`}
	cases := []struct {
		name   string
		err    error
		id     model.ObjectID
		exists bool
		kind   refusalCase
		want   string
	}{
		{"namespace", missing, cart, false, refusedNamespace, `namespace "shop" does not exist`},
		{"permission", answer(403, "Forbidden", `deployments.apps "cart" is forbidden: User "dev1" cannot patch resource "deployments" in API group "apps" in the namespace "shop"`),
			cart, true, refusedRights, `forbidden (needs "patch deployments" in "shop")`},
		{"create permission", answer(403, "Forbidden", `User "dev1" cannot create resource "deployments"`), cart, false, refusedRights, `forbidden (needs "create deployments" in "shop")`},
		{"quota", answer(403, "Forbidden", `deployments.apps "cart" is forbidden: exceeded quota: q`), cart, false, refusedOther,
			`the server refuses it (403 Forbidden): deployments.apps "cart" is forbidden: exceeded quota: q`},
		{"immutable", answer(422, "Invalid", "x", immutable), cart, true, refusedImmutable, "spec.selector is immutable"},
		{"immutable, but new", answer(422, "Invalid", "x", immutable), cart, false, refusedInvalid, `invalid: spec.selector: Invalid value: {"matchLabels":{"a":"e"}}: field is immutable`},
		{"immutable and wrong", answer(422, "Invalid", "x", immutable, required), cart, true, refusedInvalid,
			`invalid: spec.selector: Invalid value: {"matchLabels":{"a":"e"}}: field is immutable; spec.x: Required value`},
		{"unknown field", answer(500, "", `failed to create typed patch object (shop/cart; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="c"].imagee: field not declared in schema`),
			cart, true, refusedSchema, `spec.template.spec.containers[name="c"].imagee: the schema of Deployment has no such field`},
		{"duplicate", answer(500, "", `failed to create typed patch object (/d; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="c"].env: duplicate entries for key [name="A"]`),
			cart, true, refusedInvalid, `spec.template.spec.containers[name="c"].env: the list names an entry twice`},
		{"webhook", answer(400, "BadRequest", `admission webhook "w.example.com" does not support dry run`), cart, true, refusedDryRun, "admission webhook w.example.com does not support dry-run"},
		{"webhook down", answer(500, "InternalError", `Internal error occurred: failed calling webhook "w"`), cart, true, refusedWebhook,
			"admission webhook w does not answer"},
		{"secret of a wrong type", answer(500, "", `failed to create typed patch object (/q; /v1, Kind=Secret): .stringData.x: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"hunter":"3"}}`),
			secret, false, refusedSchema, "stringData.x: wrong type, expected string"},
		{"secret, invalid", answer(422, "Invalid", "hunter2", leak), secret, true, refusedInvalid, "invalid: data.x (FieldValueInvalid)"},
		{"secret, other", answer(400, "BadRequest", `webhook says hunter2`), secret, true, refusedOther,
			"the server refuses it (400 BadRequest); its words are withheld, as they may quote the Secret"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := readRefusal(tc.err, tc.id, deployments, tc.exists)
			if got.kind != tc.kind || got.reason != tc.want {
				t.Errorf("got %d %q, want %d %q", got.kind, got.reason, tc.kind, tc.want)
			}
			if strings.Contains(got.reason, "hunter") {
				t.Errorf("a Secret's value is in %q", got.reason)
			}
		})
	}
}

func TestKeptBecause(t *testing.T) {
	claim := model.ObjectID{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "data"}
	ours := `managedFields: [{manager: fairtide, operation: Apply, fieldsV1: {"f:x": {}}}]`
	cases := []struct {
		id       model.ObjectID
		metadata string
		want     string
	}{
		{claim, ours, ""},
		{claim, `annotations: {helm.sh/resource-policy: keep}, ` + ours, "kept: annotation helm.sh/resource-policy: keep"},
		{claim, `annotations: {argocd.argoproj.io/sync-options: "Validate=false, Prune=false"}, ` + ours, "kept: annotation argocd.argoproj.io/sync-options: Prune=false"},
		{claim, `annotations: {argocd.argoproj.io/sync-options: "Prune=true"}, ` + ours, ""},
		{claim, `annotations: {kustomize.toolkit.fluxcd.io/prune: Disabled}, ` + ours, "kept: annotation kustomize.toolkit.fluxcd.io/prune: Disabled"},
		{claim, `labels: {kustomize.toolkit.fluxcd.io/prune: disabled}, ` + ours, "kept: label kustomize.toolkit.fluxcd.io/prune: disabled"},
		{claim, `labels: {helm.sh/resource-policy: keep}, ` + ours, ""},
		{claim, `ownerReferences: [{kind: StatefulSet, name: db, controller: true}], ` + ours, "kept: StatefulSet db keeps it"},
		{claim, `ownerReferences: [{kind: StatefulSet, name: db}], ` + ours, ""},
		{claim, `managedFields: [{manager: helm, operation: Apply, fieldsV1: {"f:x": {}}}]`, "kept: fairtide owns none of its fields any more"},
		{model.ObjectID{Kind: "Namespace", Name: "default"}, ours, "kept: every cluster needs this namespace"},
		{model.ObjectID{Kind: "Namespace", Name: "kube-system"}, ours, "kept: every cluster needs this namespace"},
		{model.ObjectID{Kind: "Namespace", Name: "shop"}, ours, ""},
		{model.ObjectID{Kind: "ConfigMap", Namespace: "default", Name: "a"}, ours, ""},
	}
	for _, tc := range cases {
		if got := keptBecause(tc.id, fieldsOf(t, `{metadata: {`+tc.metadata+`}}`)); got != tc.want {
			t.Errorf("%s with {%s}: got %q, want %q", tc.id, tc.metadata, got, tc.want)
		}
	}
}
