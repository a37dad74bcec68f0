package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// schemaCache keeps the server's schemas, by API version: reading one takes
// some 20 ms. The zero value is ready.
type schemaCache struct {
	mu   sync.Mutex
	docs map[schema.GroupVersion]*schemaDoc
}

// schemaDoc is the OpenAPI document of one API version.
type schemaDoc struct {
	mu     sync.Mutex
	models map[string]*spec.Schema // nil: not read yet
	types  managedfields.TypeConverter
}

// forget drops everything, as definitions may have changed.
func (s *schemaCache) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs = nil
}

func (s *schemaCache) doc(gv schema.GroupVersion) *schemaDoc {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs == nil {
		s.docs = map[schema.GroupVersion]*schemaDoc{}
	}
	d := s.docs[gv]
	if d == nil {
		d = &schemaDoc{}
		s.docs[gv] = d
	}
	return d
}

// schemaOf reads the OpenAPI document of an API version, once.
func (c *Client) schemaOf(ctx context.Context, gv schema.GroupVersion) (*schemaDoc, error) {
	d := c.schemas.doc(gv)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.models != nil {
		return d, nil
	}
	where := path.Join("/openapi/v3/apis", gv.Group, gv.Version)
	if gv.Group == "" {
		where = path.Join("/openapi/v3/api", gv.Version)
	}
	raw, err := c.disco.RESTClient().Get().AbsPath(where).SetHeader("Accept", "application/json").Do(ctx).Raw()
	if err != nil {
		return nil, err
	}
	var doc spec3.OpenAPI
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", gv, err)
	}
	if doc.Components == nil {
		return nil, fmt.Errorf("%s has no schema", gv)
	}
	types, err := managedfields.NewTypeConverter(doc.Components.Schemas, false)
	if err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", gv, err)
	}
	d.models, d.types = doc.Components.Schemas, types
	return d, nil
}

// localKind finds the schema of an item's kind: in the rendered definition if
// there is one, else on the server.
func (p *predictor) localKind(ctx context.Context, it *planItem) (*localKind, error) {
	gvk := groupKind(it.object.ID).WithVersion(it.object.Version)
	if it.crd != nil {
		if version, ok := it.crd.versions[it.object.Version]; ok {
			return p.definedKind(ctx, gvk, version)
		}
	}
	doc, err := p.c.schemaOf(ctx, gvk.GroupVersion())
	if err != nil {
		return nil, err
	}
	for name, m := range doc.models {
		if isModelOf(m, gvk) {
			builtin := strings.HasPrefix(name, "io.k8s.api.") || strings.Contains(name, ".pkg.apis.")
			return &localKind{
				gvk: gvk, types: doc.types, models: doc.models, root: m, custom: !builtin,
				plainStatus: it.mapping != nil && p.c.statusIsPlain(it.mapping),
			}, nil
		}
	}
	return nil, fmt.Errorf("%s has no schema", gvk)
}

func isModelOf(m *spec.Schema, gvk schema.GroupVersionKind) bool {
	list, _ := m.Extensions["x-kubernetes-group-version-kind"].([]any)
	for _, e := range list {
		g, _ := e.(map[string]any)
		if g["group"] == gvk.Group && g["version"] == gvk.Version && g["kind"] == gvk.Kind {
			return true
		}
	}
	return false
}

// metaModels are the models of object metadata, as any document of the server
// has them.
const (
	metaModels  = "io.k8s.apimachinery.pkg.apis.meta.v1."
	objectModel = metaModels + "ObjectMeta"
)

// definedKind is a kind by its rendered definition.
func (p *predictor) definedKind(ctx context.Context, gvk schema.GroupVersionKind, version crdVersion) (*localKind, error) {
	k := &localKind{gvk: gvk, custom: true, plainStatus: !version.statusSubresource, models: map[string]*spec.Schema{}}
	if version.schema == nil {
		k.types = managedfields.NewDeducedTypeConverter()
		return k, nil
	}
	text, err := json.Marshal(version.schema)
	if err != nil {
		return nil, err
	}
	k.root, k.checked = &spec.Schema{}, &spec.Schema{}
	for _, s := range []*spec.Schema{k.root, k.checked} {
		if err := json.Unmarshal(text, s); err != nil {
			return nil, err
		}
	}
	// Without the server's document the metadata is not looked into.
	if doc, err := p.c.schemaOf(ctx, crdKind.WithVersion("v1").GroupVersion()); err == nil {
		for name, m := range doc.models {
			if strings.HasPrefix(name, metaModels) {
				k.models[name] = m
			}
		}
	}
	k.asPublished(k.root, true)
	eachSchema(k.checked, func(s *spec.Schema) {
		k.rules += len(anyList(s.Extensions["x-kubernetes-validations"]))
		if s.Extensions["x-kubernetes-int-or-string"] == true {
			s.Type = spec.StringOrArray{"integer", "string"}
		}
	})
	k.root.AddExtension("x-kubernetes-group-version-kind",
		[]any{map[string]any{"group": gvk.Group, "version": gvk.Version, "kind": gvk.Kind}})
	k.models["root"] = k.root
	k.types, err = managedfields.NewTypeConverter(k.models, false)
	return k, err
}

// asPublished adds to a schema what the server adds when it publishes it: the
// type and the metadata of objects.
func (k *localKind) asPublished(root *spec.Schema, object bool) {
	if object || root.Extensions["x-kubernetes-embedded-resource"] == true {
		if root.Properties == nil {
			root.Properties = map[string]spec.Schema{}
		}
		root.Properties["apiVersion"] = *spec.StringProperty()
		root.Properties["kind"] = *spec.StringProperty()
		meta := spec.Schema{}
		if k.models[objectModel] != nil {
			meta = *spec.RefSchema("#/components/schemas/" + objectModel)
		} else {
			meta.Type = spec.StringOrArray{"object"}
			meta.AddExtension("x-kubernetes-preserve-unknown-fields", true)
		}
		root.Properties["metadata"] = meta
	}
	for name, child := range root.Properties {
		if child.Ref.String() == "" {
			k.asPublished(&child, false)
			root.Properties[name] = child
		}
	}
	if root.Items != nil && root.Items.Schema != nil {
		k.asPublished(root.Items.Schema, false)
	}
	if root.AdditionalProperties != nil && root.AdditionalProperties.Schema != nil {
		k.asPublished(root.AdditionalProperties.Schema, false)
	}
}

// eachSchema visits a schema and those within it.
func eachSchema(s *spec.Schema, visit func(*spec.Schema)) {
	visit(s)
	for name, child := range s.Properties {
		eachSchema(&child, visit)
		s.Properties[name] = child
	}
	for _, list := range [][]spec.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for i := range list {
			eachSchema(&list[i], visit)
		}
	}
	if s.Not != nil {
		eachSchema(s.Not, visit)
	}
	if s.Items != nil && s.Items.Schema != nil {
		eachSchema(s.Items.Schema, visit)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		eachSchema(s.AdditionalProperties.Schema, visit)
	}
}

func anyList(v any) []any {
	l, _ := v.([]any)
	return l
}
