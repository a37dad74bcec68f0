package cluster

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/model"
)

// Remains says why an object that a plan deletes is still there, as in
// "finalizer example.com/hold has not let it go"; empty: it is gone. An object
// that somebody made anew under its name is another one.
func (c *Client) Remains(ctx context.Context, planned model.PlannedObject) (string, error) {
	id := planned.ID
	m, err := c.mapping(id, planned.Version)
	if meta.IsNoMatchError(err) {
		if why := c.brokenGroup(id.Group); why != nil {
			return "", fmt.Errorf("%s: %w", id, c.serverError(ctx, why))
		}
		return "", nil // the kind is gone, and the object with it
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", id, c.serverError(ctx, err))
	}
	live, err := c.resource(m, id.Namespace).Get(ctx, id.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return "", nil
	case err == nil && planned.Live.UID != "" && string(live.GetUID()) != planned.Live.UID:
		return "", nil
	case err == nil:
		return heldBy(live.Object), nil
	case concernsAll(ctx, err):
		return "", fmt.Errorf("%s: %w", id, c.serverError(ctx, err))
	}
	return "", model.Errorf(model.ExitUnreachable, "%s: cannot be read: %s", id, readRefusal(err, id, m, true).reason)
}

// heldBy says what an object that is being deleted waits for.
func heldBy(live map[string]any) string {
	if metaString(live, "deletionTimestamp") == "" {
		return "nobody deletes it any more"
	}
	if names := finalizers(live); len(names) > 0 {
		return "held by " + finalizerWords(names)
	}
	var parts []string
	for _, c := range sliceAt(mapAt(live, "status"), "conditions") {
		condition, _ := c.(map[string]any)
		kind, _ := condition["type"].(string)
		// A namespace says what it waits for: NamespaceContentRemaining and
		// the like, each with a message.
		if message, _ := condition["message"].(string); condition["status"] == "True" && strings.HasPrefix(kind, "Namespace") {
			parts = append(parts, plainLine(message, reasonMost))
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, "; ")
	}
	return "it is being deleted, and nothing is known to hold it"
}
