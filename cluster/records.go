package cluster

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/fairtide-dev/fairtide/model"
)

// What every record carries, so that it can be found and told apart.
const (
	labelManagedBy   = "app.kubernetes.io/managed-by"
	labelEnvironment = "fairtide.dev/environment"
	labelRecord      = "fairtide.dev/record" // environment or run
	// annotationWrite names one write. A write whose answer was lost is
	// recognised by it, so that it need not be repeated to be sure.
	annotationWrite = "fairtide.dev/write"

	// What is in one piece, or only lacks what is in its inventory.json, has the
	// format 1; programs that know of no more cannot read what is split otherwise.
	recordFormatKey = "format"
	recordFormat    = "1"
	splitFormat     = "2"

	// plainMost is up to where a body stays legible to kubectl; packedMost
	// leaves room below the API server's limit of 1 MiB for a ConfigMap.
	plainMost   = 100 << 10
	packedMost  = 900 << 10
	unpackedMax = 64 << 20
)

var (
	configMapGVR = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	namespaceGVR = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
)

func (c *Client) configMaps() dynamic.ResourceInterface {
	return c.dyn.Resource(configMapGVR).Namespace(c.cfg.StateNamespace)
}

// recordError says which record could not be read or written, and what the
// operator lacks. The verb is the one RBAC knows.
func (c *Client) recordError(env, verb, resource, name string, err error) error {
	what := fmt.Sprintf("%s %s/%s", resource, c.cfg.StateNamespace, name)
	var status apierrors.APIStatus
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: cannot %s %s: %w", env, verb, what, err)
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return model.Errorf(model.ExitUnreachable,
			"%s: cannot %s %s: the namespace is being deleted; wait until it is gone and try again, or set another stateNamespace", env, verb, what)
	case apierrors.IsForbidden(err):
		return model.Errorf(model.ExitUnreachable, "%s: cannot %s %s: forbidden (needs %q in %q)",
			env, verb, what, verb+" "+resource, c.cfg.StateNamespace)
	case errors.As(err, &status):
		return model.Errorf(model.ExitUnreachable, "%s: cannot %s %s: %w", env, verb, what, err)
	}
	return fmt.Errorf("%s: cannot %s %s: %w", env, verb, what, c.unreachable(err))
}

// createRecord creates an object in the state namespace, and that namespace
// when it is missing. An existing object is returned as the API's error.
func (c *Client) createRecord(ctx context.Context, env string, gvr schema.GroupVersionResource, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	in := c.dyn.Resource(gvr).Namespace(c.cfg.StateNamespace)
	out, err := in.Create(ctx, obj, metav1.CreateOptions{FieldManager: FieldManager})
	if !apierrors.IsNotFound(err) {
		return out, err
	}
	ns := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{
			"name":   c.cfg.StateNamespace,
			"labels": map[string]any{labelManagedBy: FieldManager},
		},
	}}
	_, err = c.dyn.Resource(namespaceGVR).Create(ctx, ns, metav1.CreateOptions{FieldManager: FieldManager})
	switch {
	case apierrors.IsForbidden(err):
		return nil, model.Errorf(model.ExitUnreachable,
			"%s: namespace %q does not exist and may not be created (needs \"create namespaces\"); create it, or set another stateNamespace in .fairtide.yaml",
			env, c.cfg.StateNamespace)
	case err != nil && !apierrors.IsAlreadyExists(err):
		return nil, c.recordError(env, "create", "namespaces", c.cfg.StateNamespace, err)
	}
	return in.Create(ctx, obj, metav1.CreateOptions{FieldManager: FieldManager})
}

// outcomeUnknown reports whether a write may have happened although it failed:
// the answer was lost on the way, or came from something before the server.
func outcomeUnknown(err error) bool {
	if err == nil || errors.As(err, new(*notHeldError)) {
		return false
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return true
	}
	code := status.Status().Code
	return code >= http.StatusInternalServerError || code == 0
}

// recordBody is the content of a record: of its ConfigMap, and of its parts.
type recordBody struct {
	data   map[string]string
	binary map[string][]byte
	large  map[string][]byte // compressed; it goes into parts
}

func newRecordBody() recordBody {
	return recordBody{
		data: map[string]string{recordFormatKey: recordFormat}, binary: map[string][]byte{}, large: map[string][]byte{},
	}
}

func (b recordBody) size() int {
	n := 0
	for _, v := range b.data {
		n += len(v)
	}
	for _, v := range b.binary {
		n += len(v)
	}
	return n
}

// put adds v as JSON under key, or compressed under key.gz when that is more
// than is good to read. What one ConfigMap does not hold goes into parts.
func (b recordBody) put(key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	if len(raw) <= plainMost {
		b.data[key] = string(raw)
		return nil
	}
	if len(raw) > unpackedMax {
		return fmt.Errorf("%s takes %d MiB, and a record holds %d MiB at most; split the environment", key, len(raw)>>20, unpackedMax>>20)
	}
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	_, err = zip.Write(raw)
	if err = errors.Join(err, zip.Close()); err != nil {
		return fmt.Errorf("compress %s: %w", key, err)
	}
	if b.size()+buf.Len() > packedMost {
		b.large[key] = buf.Bytes()
	} else {
		b.binary[key+".gz"] = buf.Bytes()
	}
	return nil
}

// get reads into v what put wrote under key; false when there is nothing.
func (b recordBody) get(key string, v any) (bool, error) {
	raw := []byte(b.data[key])
	if _, ok := b.data[key]; !ok {
		packed, found := b.large[key]
		if !found {
			packed, found = b.binary[key+".gz"]
		}
		if !found {
			return false, nil
		}
		zip, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return false, fmt.Errorf("%s.gz: %w", key, err)
		}
		if raw, err = io.ReadAll(io.LimitReader(zip, unpackedMax+1)); err != nil {
			return false, fmt.Errorf("%s.gz: %w", key, err)
		}
		if len(raw) > unpackedMax {
			return false, fmt.Errorf("%s.gz: more than %d MiB when unpacked", key, unpackedMax>>20)
		}
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("%s: %w", key, err)
	}
	return true, nil
}

// readBody takes the content out of a ConfigMap and checks that this version
// of the program can read it. What is in parts is not read: see loadBody.
func readBody(u *unstructured.Unstructured) (recordBody, error) {
	cm, err := typedObject[corev1.ConfigMap](u)
	if err != nil {
		return recordBody{}, err
	}
	if f := cm.Data[recordFormatKey]; f != recordFormat && f != splitFormat {
		return recordBody{}, fmt.Errorf("its format is %q and this version of fairtide reads %q and %q; use the version that wrote it, or a later one",
			plainLine(f, 20), recordFormat, splitFormat)
	}
	return recordBody{data: cm.Data, binary: cm.BinaryData, large: map[string][]byte{}}, nil
}

// object is a new ConfigMap with the body.
func (b recordBody) object(name string, labels, annotations map[string]string) (*unstructured.Unstructured, error) {
	cm := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: annotations},
		Data:       b.data, BinaryData: b.binary,
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(cm)
	if err != nil {
		return nil, fmt.Errorf("encode ConfigMap %s: %w", name, err)
	}
	return &unstructured.Unstructured{Object: fields}, nil
}

// recordPatch replaces a record's body if it still is at resourceVersion. It
// is a merge patch (RFC 7386), so that labels others put there stay.
type recordPatch struct {
	Immutable *bool `json:"immutable,omitempty"`
	Metadata  struct {
		ResourceVersion string             `json:"resourceVersion"`
		Labels          map[string]string  `json:"labels,omitempty"`
		Annotations     map[string]*string `json:"annotations,omitempty"` // nil: it goes away
	} `json:"metadata"`
	Data       map[string]*string `json:"data,omitempty"`
	BinaryData map[string]*[]byte `json:"binaryData,omitempty"`
}

// set fills in the body; the keys are those a body may have, so that one that
// is not used any more is removed.
func (p *recordPatch) set(b recordBody, keys ...string) {
	p.Data, p.BinaryData = map[string]*string{}, map[string]*[]byte{}
	p.Data[recordFormatKey] = new(b.data[recordFormatKey])
	for _, key := range append(keys, partsKey) {
		p.Data[key], p.BinaryData[key+".gz"] = nil, nil
		if v, ok := b.data[key]; ok {
			p.Data[key] = &v
		}
		if v, ok := b.binary[key+".gz"]; ok {
			p.BinaryData[key+".gz"] = &v
		}
	}
}

func (c *Client) patchRecord(ctx context.Context, name string, p recordPatch) (*unstructured.Unstructured, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode the patch of ConfigMap %s: %w", name, err)
	}
	return c.configMaps().Patch(ctx, name, types.MergePatchType, raw, metav1.PatchOptions{FieldManager: FieldManager})
}

// typedObject converts what the dynamic client returned.
func typedObject[T any](u *unstructured.Unstructured) (*T, error) {
	out := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, out); err != nil {
		return nil, fmt.Errorf("%s %s/%s: %w", u.GetKind(), u.GetNamespace(), u.GetName(), err)
	}
	return out, nil
}

// nonce is a name that no other write has.
func nonce() string { return rand.Text() }
