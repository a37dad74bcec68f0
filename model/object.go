package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	// Deployed is the render of the deployed commit, for the lenses git and
	// drift; nil: they are not asked for.
	Deployed *Rendered
	// Full has every object predicted by a dry-run, also those whose live state
	// shows that applying would alter nothing.
	Full bool
	// Keep are fields whose live value is to stay this once: they are left out
	// of what is applied.
	Keep []FieldRef
	// Replace allows objects to be deleted and made again, as an operator's
	// choice beside the environment's policy.
	Replace bool
	// Approved is the plan that this one is to be compared with: the server is
	// not asked again where its answer cannot be another one. nil: there is none.
	Approved *Plan
}

// PlanAsk asks for the plan of an environment.
type PlanAsk struct {
	Environment string
	Commit      string // any revision; empty: the head of the environment's branch
	Lenses      bool   // with the sides of the lenses git and drift
	Full        bool
	Keep        []FieldRef
	Replace     bool
	Approved    *Plan // see PlanRequest
}

// FieldRef names one field of one object.
type FieldRef struct {
	ID   ObjectID `json:"id"`
	Path string   `json:"path"` // as a Cause writes it: spec.template.spec.containers[cart].image
}

// String is the form in which a field is named on the command line:
// "Deployment shop/cart:spec.replicas".
func (f FieldRef) String() string { return f.ID.String() + ":" + f.Path }

// ParseFieldRef reads "KIND NAMESPACE/NAME:PATH", or without a namespace
// "KIND NAME:PATH". The group is not part of it; it stays empty.
func ParseFieldRef(s string) (FieldRef, bool) {
	object, path, ok := strings.Cut(s, ":")
	kind, name, named := strings.Cut(strings.TrimSpace(object), " ")
	name = strings.TrimSpace(name)
	if !ok || !named || kind == "" || name == "" || path == "" {
		return FieldRef{}, false
	}
	f := FieldRef{ID: ObjectID{Kind: kind, Name: name}, Path: path}
	if ns, rest, namespaced := strings.Cut(name, "/"); namespaced {
		f.ID.Namespace, f.ID.Name = ns, rest
	}
	return f, f.ID.Name != ""
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
