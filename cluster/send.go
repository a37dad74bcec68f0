package cluster

import (
	"context"
	"encoding/json"
	"maps"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"

	"github.com/fairtide-dev/fairtide/model"
)

// applyBody is what an apply sends for an object: the object as rendered,
// without what only the server may write, pinned to a reading if there is one.
func applyBody(o model.Object, pin model.LiveRef) ([]byte, error) {
	fields := o.Fields
	if rendered := mapAt(fields, "metadata"); rendered != nil {
		own := maps.Clone(rendered) // the object is not ours to change
		for _, key := range serverMetadata {
			delete(own, key)
		}
		if pin.UID != "" {
			own["uid"] = pin.UID
		}
		if pin.ResourceVersion != "" {
			own["resourceVersion"] = pin.ResourceVersion
		}
		fields = maps.Clone(fields)
		fields["metadata"] = own
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "%s: %s cannot be written as JSON: %w", describeSource(o), o.ID, err)
	}
	return body, nil
}

// applyOptions are those of the plan's dry-run and of the real apply, so that
// the two cannot differ in what they do.
func applyOptions() metav1.PatchOptions {
	force := true
	return metav1.PatchOptions{FieldManager: FieldManager, Force: &force}
}

// tryApply sends a server-side apply as a dry-run and returns what the server
// would make of the object.
func (c *Client) tryApply(ctx context.Context, it *planItem) (map[string]any, error) {
	body, err := applyBody(it.object, model.LiveRef{})
	if err != nil {
		return nil, err
	}
	opts := applyOptions()
	opts.DryRun = []string{metav1.DryRunAll}
	reply, err := c.resource(it.mapping, it.object.ID.Namespace).Patch(ctx, it.object.ID.Name, types.ApplyPatchType, body, opts)
	if err != nil {
		return nil, scrub(it, err)
	}
	return reply.Object, nil
}

// write sends a server-side apply and returns the object's UID. It asks for no
// more than that: with the whole object in the answer the server and we would
// be busy for nothing, a tenth of the time of a large run.
func (c *Client) write(ctx context.Context, it *planItem, pin model.LiveRef) (uid string, err error) {
	body, err := applyBody(it.object, pin)
	if err != nil {
		return "", err
	}
	opts := applyOptions()
	// The server parses the body a second time only to warn of keys that are
	// there twice, which JSON made of a map has none of. A field that the kind
	// does not have is refused all the same: a server-side apply needs its type.
	opts.FieldValidation = metav1.FieldValidationIgnore
	reply, err := c.metadataOf(it).Patch(ctx, it.object.ID.Name, types.ApplyPatchType, body, opts)
	if err != nil {
		return "", scrub(it, err)
	}
	return string(reply.UID), nil
}

// metadataOf is the client for one object's kind and namespace whose answers
// have no more than metadata.
func (c *Client) metadataOf(it *planItem) metadata.ResourceInterface {
	in := c.short.Resource(it.mapping.Resource)
	if it.mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return in.Namespace(it.object.ID.Namespace)
	}
	return in
}
