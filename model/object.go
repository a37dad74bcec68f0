package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// ObjectID identifies an object inside one cluster. The version is not part of
// it: the same object can be read at several.
type ObjectID struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"` // empty for cluster-scoped objects
	Name      string `json:"name"`
}

// String is how an object is named to a person: "Deployment shop/cart", or
// "ClusterRole reader".
func (id ObjectID) String() string {
	if id.Namespace == "" {
		return id.Kind + " " + id.Name
	}
	return id.Kind + " " + id.Namespace + "/" + id.Name
}

// Compare orders identities by namespace, kind, name and group.
func (id ObjectID) Compare(o ObjectID) int {
	return cmp.Or(
		cmp.Compare(id.Namespace, o.Namespace),
		cmp.Compare(id.Kind, o.Kind),
		cmp.Compare(id.Name, o.Name),
		cmp.Compare(id.Group, o.Group),
	)
}

// Source says where in the repository a rendered object was written.
type Source struct {
	File string `json:"file,omitempty"` // slash-separated, relative to the repository's root
	Line int    `json:"line,omitempty"` // 1-based; 0: unknown
}

// Object is a rendered Kubernetes object. Fields is the whole object as JSON
// decodes it: map[string]any, []any, string, bool, int64, float64 and nil.
//
// An Object holds the values of Secrets as they are. It goes from the render
// to the API server and nowhere else; what is shown, written or logged is made
// from a PlannedObject, whose sides are masked.
type Object struct {
	ID      ObjectID
	Version string // of the API, without the group: "v1"
	Fields  map[string]any
	Source  Source
}

// APIVersion is group and version as a manifest writes them.
func (o Object) APIVersion() string {
	if o.ID.Group == "" {
		return o.Version
	}
	return o.ID.Group + "/" + o.Version
}

// PlanRequest is what a plan is made from, besides the live state.
type PlanRequest struct {
	Environment Environment
	Rendered    *Rendered
	State       State // what is deployed, and the inventory to prune from
}

// Target is an applied object whose readiness is watched.
type Target struct {
	ID      ObjectID
	Version string // of the API, without the group
	// UID is the identity the API server gave it; an object of another one is
	// not what was applied. Empty: not known.
	UID string
}

// Rendered is an environment's objects at a commit, sorted by ObjectID.
type Rendered struct {
	Commit  string
	Objects []Object
	Inputs  []string // files and directories that were read, sorted
}

// Digest is a hash over the rendered set. It depends on the objects alone, not
// on the files or the order they came from.
func (r Rendered) Digest() (string, error) {
	objects := slices.Clone(r.Objects)
	slices.SortFunc(objects, func(a, b Object) int { return a.ID.Compare(b.ID) })
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, o := range objects {
		if err := enc.Encode(o.Fields); err != nil { // JSON sorts keys
			return "", fmt.Errorf("hash %s: %w", o.ID, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
