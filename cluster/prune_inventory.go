package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/fairtide-dev/fairtide/model"
)

// inventory is an inventory as an environment's record holds it.
type inventory []model.InventoryEntry

// inventoryRecord is one entry: the identity as Flux and cli-utils write it,
// so that either can take over what the other applied.
type inventoryRecord struct {
	ID      string `json:"id"`
	Version string `json:"v"`
	UID     string `json:"uid,omitempty"`
	// Name is set where the identity alone would be read as another one.
	Name string `json:"name,omitempty"`
	Keep string `json:"keep,omitempty"`
	Left bool   `json:"left,omitempty"`
}

// MarshalJSON writes the entries as records.
func (list inventory) MarshalJSON() ([]byte, error) {
	out := make([]inventoryRecord, 0, len(list))
	for _, e := range list {
		r := inventoryRecord{ID: inventoryID(e.ID), Version: e.Version, UID: e.UID, Keep: e.Keep, Left: e.Left}
		if back, err := parseInventoryID(r.ID); err != nil || back != e.ID {
			r.Name = e.ID.Name
		}
		out = append(out, r)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads them. What is not exactly an inventory is an error: from
// half of one the wrong objects would be pruned, or none.
func (list *inventory) UnmarshalJSON(raw []byte) error {
	var records []inventoryRecord
	if err := json.Unmarshal(raw, &records); err != nil {
		return err
	}
	out := make(inventory, 0, len(records))
	seen := make(map[model.ObjectID]bool, len(records))
	for _, r := range records {
		id, err := parseInventoryID(r.ID)
		if err != nil {
			return err
		}
		if r.Name != "" {
			id.Name = r.Name
		}
		if seen[id] {
			return fmt.Errorf("the inventory has %s twice", plainLine(id.String(), reasonMost))
		}
		seen[id] = true
		out = append(out, model.InventoryEntry{ID: id, Version: r.Version, UID: r.UID, Keep: r.Keep, Left: r.Left})
	}
	if *list = out; len(out) == 0 {
		*list = nil
	}
	return nil
}

// inventoryID is an identity as Flux and cli-utils write it:
// NAMESPACE_NAME_GROUP_KIND. The names of RBAC's objects may hold colons, which
// are written as two underscores.
func inventoryID(id model.ObjectID) string {
	name := id.Name
	switch id.Kind {
	case "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding":
		if id.Group == rbacGroup {
			name = strings.ReplaceAll(name, ":", "__")
		}
	}
	return strings.Join([]string{id.Namespace, name, id.Group, id.Kind}, "_")
}

// parseInventoryID reads what inventoryID wrote. A name that holds underscores
// of its own may come back as another one.
func parseInventoryID(s string) (model.ObjectID, error) {
	namespace, rest, ok := strings.Cut(s, "_")
	kindAt := strings.LastIndexByte(rest, '_')
	if ok && kindAt > 0 {
		groupAt := strings.LastIndexByte(rest[:kindAt], '_')
		if groupAt > 0 && kindAt+1 < len(rest) {
			return model.ObjectID{
				Group: rest[groupAt+1 : kindAt], Kind: rest[kindAt+1:], Namespace: namespace,
				Name: strings.ReplaceAll(rest[:groupAt], "__", ":"),
			}, nil
		}
	}
	return model.ObjectID{}, fmt.Errorf("the inventory's id %q is not of the form NAMESPACE_NAME_GROUP_KIND", plainLine(s, reasonMost))
}

// claims are what the other environments with records in the same namespace
// say they apply.
type claims struct {
	byID    map[model.ObjectID][]claim
	unknown string // why it is not known in full; empty: it is
}

type claim struct {
	environment string
	uid         string // empty: a run of it meant to create the object
}

// otherClaims are the claims of the other environments, read once for a plan.
func (p *predictor) otherClaims(ctx context.Context) (*claims, error) {
	if p.others == nil {
		read, err := p.c.readClaims(ctx, p.env.Name)
		if err != nil {
			return nil, err
		}
		p.others = read
	}
	return p.others, nil
}

// readClaims reads the records of the other environments.
func (c *Client) readClaims(ctx context.Context, env string) (*claims, error) {
	out := &claims{byID: map[model.ObjectID][]claim{}}
	opts := metav1.ListOptions{Limit: listPage, LabelSelector: labelManagedBy + "=" + FieldManager + "," + labelRecord + "=environment"}
	for {
		page, err := c.configMaps().List(ctx, opts)
		switch {
		case apierrors.IsForbidden(err):
			out.unknown = fmt.Sprintf(`what other environments apply is not known: forbidden (needs "list configmaps" in %q)`, c.cfg.StateNamespace)
			return out, nil
		case err != nil:
			return nil, c.recordError(env, "list", "configmaps", stateName("*"), err)
		}
		for i := range page.Items {
			if page.Items[i].GetName() != stateName(env) {
				out.add(ctx, c, &page.Items[i])
			}
		}
		if opts.Continue = page.GetContinue(); opts.Continue == "" {
			return out, nil
		}
	}
}

// add takes in one record. One that cannot be read may claim anything.
func (l *claims) add(ctx context.Context, c *Client, u *unstructured.Unstructured) {
	doc, _, err := c.readStateDoc(ctx, u)
	if err != nil {
		l.unknown = plainLine(fmt.Sprintf("what another environment applies is not known: its record, ConfigMap %s/%s, cannot be read: %v",
			c.cfg.StateNamespace, u.GetName(), err), reasonMost)
		return
	}
	for _, e := range doc.Inventory {
		if !e.Left {
			l.byID[e.ID] = append(l.byID[e.ID], claim{doc.Environment, e.UID})
		}
	}
}

// of is the environment that applies a live object, too; empty: none is known
// to.
func (l *claims) of(id model.ObjectID, uid string) string {
	for _, c := range l.byID[id] {
		if c.uid == "" || c.uid == uid {
			return c.environment
		}
	}
	return ""
}

// matching counts the objects that another environment applies and that are of
// a sort. The environment is the first by name of those that have the most.
func (l *claims) matching(sort func(model.ObjectID) bool) (environment string, n int) {
	counts := map[string]int{}
	for id, list := range l.byID {
		if !sort(id) {
			continue
		}
		for _, c := range list {
			counts[c.environment]++
		}
	}
	for env, count := range counts {
		if count > n || count == n && env < environment {
			environment, n = env, count
		}
	}
	return environment, n
}
