package cluster

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/fairtide-dev/fairtide/model"
)

// withoutServer begins the reason of a verdict that the server had no part in.
const withoutServer = "predicted without the server: "

// invalidReason begins the reason of a verdict on an object that its schema
// does not allow.
const invalidReason = "invalid: "

// locally finds the verdict of an object that the server cannot be asked
// about. It does what the server does with an apply, by the same code and the
// schema of the kind. What it cannot know is admission, and for the built-in
// kinds the defaults of what is new.
func (p *predictor) locally(ctx context.Context, it *planItem, why string) {
	predicted, remark, reason := p.predictLocally(ctx, it)
	if reason != "" {
		p.unpredictable(it, reason)
		return
	}
	it.planned.Prediction = model.PredictedLocally
	it.planned.Reason = withoutServer + why + remark
	p.compareTaken(it, predicted, predicted, migratable(it.live, it.object.APIVersion()))
}

// predictLocally returns what applying would make of an object, and what is to
// be said about that; or the reason why applying will fail.
func (p *predictor) predictLocally(ctx context.Context, it *planItem) (predicted map[string]any, remark, reason string) {
	kind, err := p.localKind(ctx, it)
	if err != nil {
		return mergeLocally(it.live, it.object.Fields), "; its schema cannot be read, so elements that leave a list without names are not told apart", ""
	}
	body, err := applyBody(it.object, model.LiveRef{})
	var applied map[string]any
	if err == nil {
		err = utiljson.Unmarshal(body, &applied)
	}
	if err != nil {
		return nil, "", plainLine(err.Error(), reasonMost)
	}
	predicted, err = kind.apply(takenOver(it.live, migratable(it.live, it.object.APIVersion())), applied)
	if err != nil {
		return nil, "", localRefusal(err, it.object.ID)
	}
	dropServiceType(it.object.ID, it.live, predicted, applied)
	if problem := kind.invalid(predicted, it.object.ID); problem != "" {
		return nil, "", invalidReason + problem
	}
	if kind.rules > 0 {
		remark = fmt.Sprintf("; %s of its schema (x-kubernetes-validations) not checked", countOf(kind.rules, "rule"))
	}
	return predicted, remark, ""
}

// localRefusal words why an object does not fit its schema. The words of the
// library quote values, so only those known to hold none are kept.
func localRefusal(err error, id model.ObjectID) string {
	if r, ok := readSchemaText(err.Error(), id); ok {
		return r.reason
	}
	return "it does not fit the schema of " + id.Kind
}

// localKind is a kind as its schema describes it.
type localKind struct {
	gvk    schema.GroupVersionKind
	types  managedfields.TypeConverter
	models map[string]*spec.Schema
	root   *spec.Schema // nil: the kind has no schema
	// custom is set for kinds that a CustomResourceDefinition defines: their
	// schemas hold all defaults. Those of built-in kinds hold a few.
	custom bool
	// checked is the schema to validate against, of a rendered definition.
	checked     *spec.Schema
	rules       int  // that are not checked: x-kubernetes-validations
	plainStatus bool // the status is a field like any other
}

// apply does what the server does with an apply, except for admission,
// validation and the defaults that schemas do not hold.
func (k *localKind) apply(live, applied map[string]any) (map[string]any, error) {
	gv := k.gvk.GroupVersion()
	from := map[string]any{"apiVersion": gv.String(), "kind": k.gvk.Kind}
	if live != nil {
		from, _ = cloneValue(live).(map[string]any)
	}
	oneVersion(from, gv.String())
	var reset map[fieldpath.APIVersion]fieldpath.Filter
	if !k.plainStatus {
		status := fieldpath.NewSet(fieldpath.MakePathOrDie("status"))
		reset = fieldpath.NewExcludeFilterSetMap(map[fieldpath.APIVersion]*fieldpath.Set{fieldpath.APIVersion(gv.String()): status})
	}
	m, err := managedfields.NewDefaultCRDFieldManager(k.types, k, k, k, k.gvk, gv, "", reset)
	if err != nil {
		return nil, err
	}
	reply, err := m.Apply(&unstructured.Unstructured{Object: from}, &unstructured.Unstructured{Object: applied}, FieldManager, true)
	if err != nil {
		return nil, err
	}
	object, ok := reply.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("unexpected %T", reply)
	}
	for key, v := range live { // a Role without rules has null for them
		if _, has := object.Object[key]; v == nil && !has {
			object.Object[key] = nil
		}
	}
	return object.Object, nil
}

// oneVersion makes an object, and what its managers own of it, one of the given
// version. Owners of fields that this version lacks own nothing then.
func oneVersion(object map[string]any, version string) {
	object["apiVersion"] = version
	for _, e := range sliceAt(mapAt(object, "metadata"), "managedFields") {
		if entry, ok := e.(map[string]any); ok {
			entry["apiVersion"] = version
		}
	}
}

// A localKind is also the scheme that the library wants: there is one version,
// and its defaults are those of the schema.
var (
	_ runtime.ObjectConvertor = (*localKind)(nil)
	_ runtime.ObjectDefaulter = (*localKind)(nil)
	_ runtime.ObjectCreater   = (*localKind)(nil)
)

// Convert implements runtime.ObjectConvertor.
func (k *localKind) Convert(_, _, _ any) error { return fmt.Errorf("%s has one version only", k.gvk) }

// ConvertToVersion implements runtime.ObjectConvertor.
func (k *localKind) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}

// ConvertFieldLabel implements runtime.ObjectConvertor.
func (k *localKind) ConvertFieldLabel(schema.GroupVersionKind, string, string) (string, string, error) {
	return "", "", fmt.Errorf("%s has no field labels", k.gvk)
}

// New implements runtime.ObjectCreater.
func (k *localKind) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(gvk)
	return o, nil
}

// Default implements runtime.ObjectDefaulter.
func (k *localKind) Default(in runtime.Object) {
	if o, ok := in.(*unstructured.Unstructured); ok {
		k.complete(o.Object)
	}
}

// modelName cuts a reference into the models down to its name.
func modelName(ref string) string { return strings.TrimPrefix(ref, "#/components/schemas/") }
