package cluster

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	openapierrors "k8s.io/kube-openapi/pkg/validation/errors"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"

	"github.com/fairtide-dev/fairtide/model"
)

const quantityModel = "io.k8s.apimachinery.pkg.api.resource.Quantity"

// complete does to a merged object, in place, what the server does when it
// reads one: fields without a value go, defaults of the schema come in, and
// quantities are written in one way.
func (k *localKind) complete(object map[string]any) {
	if k.root != nil {
		k.completeValue(k.root, object)
	}
}

func (k *localKind) completeValue(s *spec.Schema, v any) any {
	s, quantity := k.follow(s)
	if quantity {
		return canonicalQuantity(v)
	}
	switch v := v.(type) {
	case map[string]any:
		k.completeMap(s, v)
	case []any:
		for i := range v {
			if s != nil && s.Items != nil && s.Items.Schema != nil {
				v[i] = k.completeValue(s.Items.Schema, v[i])
			} else {
				v[i] = k.completeValue(nil, v[i])
			}
		}
	}
	return v
}

func (k *localKind) completeMap(s *spec.Schema, v map[string]any) {
	if s != nil {
		for name := range s.Properties {
			prop := s.Properties[name]
			child, has := v[name]
			if has && child == nil && !prop.Nullable {
				delete(v, name)
				has = false
			}
			if !has && k.wantsDefault(prop.Default) {
				v[name] = wholeNumbers(prop.Default)
			}
		}
	}
	if name, _ := v["serviceAccountName"].(string); name != "" && v["serviceAccount"] != nil && !k.custom {
		v["serviceAccount"] = name // its old name
	}
	for name, child := range v {
		prop, known := k.property(s, name)
		child = k.completeValue(prop, child)
		if !k.custom && k.leftOut(s, prop, known, name, child) {
			delete(v, name)
			continue
		}
		v[name] = child
	}
}

// property is the schema of one field; nil when it has none.
func (k *localKind) property(s *spec.Schema, name string) (*spec.Schema, bool) {
	if s == nil {
		return nil, false
	}
	if prop, ok := s.Properties[name]; ok {
		return &prop, true
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		return s.AdditionalProperties.Schema, false
	}
	return nil, false
}

// leftOut reports whether a built-in kind does not write a field: one without a
// value, or with an empty list or map.
func (k *localKind) leftOut(owner, s *spec.Schema, known bool, name string, v any) bool {
	if v == nil {
		return true
	}
	if !known || slices.Contains(owner.Required, name) || !isEmpty(v) {
		return false
	}
	switch s, _ := k.follow(s); v.(type) {
	case []any:
		return true
	case map[string]any:
		return s != nil && s.AdditionalProperties != nil
	}
	return false
}

// wantsDefault reports whether a default of the schema is one the server fills
// in. Those of built-in kinds that are zero only say that the field is always
// written.
func (k *localKind) wantsDefault(def any) bool {
	if k.custom || def == nil {
		return def != nil
	}
	switch def := def.(type) {
	case string:
		return def != ""
	case float64:
		return def != 0
	case int64:
		return def != 0
	case bool:
		return def
	}
	return false
}

// follow resolves references, and reports whether they lead to a quantity.
func (k *localKind) follow(s *spec.Schema) (_ *spec.Schema, quantity bool) {
	for s != nil {
		ref := s.Ref.String()
		if ref == "" && len(s.AllOf) == 1 {
			ref = s.AllOf[0].Ref.String()
		}
		if ref == "" {
			return s, false
		}
		name := modelName(ref)
		if name == quantityModel {
			return nil, true
		}
		s = k.models[name]
	}
	return nil, false
}

func canonicalQuantity(v any) any {
	text, ok := v.(string)
	if !ok {
		raw, err := json.Marshal(v)
		if err != nil {
			return v
		}
		text = string(raw)
	}
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return v
	}
	return q.String()
}

// wholeNumbers copies a decoded default, with whole numbers as objects have
// them.
func wholeNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, child := range v {
			out[key] = wholeNumbers(child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = wholeNumbers(child)
		}
		return out
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	}
	return v
}

// invalid says what of an object its rendered definition does not allow; empty
// when it allows it. Names of fields are said, never their values.
func (k *localKind) invalid(object map[string]any, id model.ObjectID) string {
	if !k.custom {
		return ""
	}
	var words []string
	o := &unstructured.Unstructured{Object: object}
	for _, err := range validation.ValidateObjectMetaAccessor(o, id.Namespace != "", validation.NameIsDNSSubdomain, nil) {
		words = append(words, err.Field+": "+err.Detail)
	}
	if k.checked != nil {
		for _, err := range validate.NewSchemaValidator(k.checked, nil, "", strfmt.Default).Validate(object).Errors {
			words = append(words, schemaWords(err))
		}
	}
	slices.Sort(words)
	return plainLine(strings.Join(slices.Compact(words), "; "), reasonMost)
}

// schemaWords words one error of the validator without the value it is about.
func schemaWords(err error) string {
	text := strings.TrimPrefix(strings.Replace(err.Error(), " in body ", ": ", 1), ".")
	switch err := err.(type) { //nolint:errorlint // the validator does not wrap
	case *openapierrors.Validation:
		if err.Code() == openapierrors.InvalidTypeCode {
			text, _, _ = strings.Cut(text, `: "`) // the value comes last
		}
		return text
	case openapierrors.Error:
		if err.Code() == openapierrors.CompositeErrorCode { // says how many alternatives fit
			return text
		}
	}
	return "it does not fit its schema"
}

// dropServiceType drops what a Service has only because of its old type and Git
// does not write, as the server does when the type changes to one that reaches
// no further than the cluster.
func dropServiceType(id model.ObjectID, live, predicted, rendered map[string]any) {
	was, is, git := mapAt(live, "spec"), mapAt(predicted, "spec"), mapAt(rendered, "spec")
	kind, _ := is["type"].(string)
	if id.Group != "" || id.Kind != "Service" || was == nil || was["type"] == kind || kind == "NodePort" || kind == "LoadBalancer" {
		return
	}
	for _, key := range []string{"externalTrafficPolicy", "healthCheckNodePort", "allocateLoadBalancerNodePorts"} {
		if git[key] == nil {
			delete(is, key)
		}
	}
	for _, p := range sliceAt(is, "ports") {
		if port, ok := p.(map[string]any); ok && !servicePortHasNode(git, port) {
			delete(port, "nodePort")
		}
	}
}
