package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Verdict says what applying a plan would do to one object.
type Verdict string

// The verdicts. Every planned object has exactly one.
const (
	VerdictUnchanged     Verdict = "unchanged"
	VerdictCreate        Verdict = "create"
	VerdictUpdate        Verdict = "update"
	VerdictReplace       Verdict = "replace"       // an immutable field changed: delete and create again
	VerdictDelete        Verdict = "delete"        // it left the render: prune
	VerdictUnpredictable Verdict = "unpredictable" // the server could not say; Reason has why
)

// Verdicts lists every verdict in the order in which a plan shows them.
var Verdicts = [...]Verdict{
	VerdictUnpredictable, VerdictDelete, VerdictReplace, VerdictUpdate, VerdictCreate, VerdictUnchanged,
}

// Differs reports whether the verdict counts as a difference. What cannot be
// predicted does: a diff may be incomplete, never silently equal.
func (v Verdict) Differs() bool { return v != VerdictUnchanged }

// Severity grades a risk.
type Severity string

// The severities.
const (
	SeverityInfo    Severity = "info"
	SeverityWarning Severity = "warning"
	SeverityDanger  Severity = "danger"
)

// Risk is a named, explained mark on an object.
type Risk struct {
	Name     string   `json:"name"` // stable, in kebab case: "restarts-pods"
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // one sentence for the operator
}

// Cause says why a path of an object differs.
type Cause struct {
	Path string    `json:"path"` // as in spec.template.spec.containers[cart].image
	Kind CauseKind `json:"kind"`
	By   string    `json:"by,omitempty"` // a commit for git, a field manager for drift
	At   time.Time `json:"at,omitzero"`
}

// CauseKind says what sort of thing changed a path.
type CauseKind string

// The kinds of cause.
const (
	CauseGit    CauseKind = "git"
	CauseDrift  CauseKind = "drift"
	CauseServer CauseKind = "server"
)

// PlannedObject is one object of a plan with its two sides. Before and After
// are normalised (no server bookkeeping) and masked (no Secret values); nil
// where there is no object on that side.
type PlannedObject struct {
	ID      ObjectID
	Version string
	Verdict Verdict
	Reason  string // why it is unpredictable, or must be replaced; one line
	Risks   []Risk
	Causes  []Cause
	Before  map[string]any
	After   map[string]any
	Source  Source
	// TakesOwnership is set on an unchanged object whose fields fairtide does
	// not own as Git writes them: applying alters no value, only its managers.
	TakesOwnership bool
	Live           LiveRef
}

// Writes reports whether applying the plan sends a write for this object.
func (o PlannedObject) Writes() bool { return o.Verdict.Differs() || o.TakesOwnership }

// LiveRef pins the reading of a live object that a verdict was made from. It
// is zero when there was no live object.
type LiveRef struct {
	UID             string
	ResourceVersion string
}

// Plan is a commit and what applying it would do to each object, against one
// reading of the live state.
type Plan struct {
	Environment string
	Commit      string
	From        string // the deployed commit; empty: none
	Cluster     string // who is written to, as a person reads it: context and server
	ClusterUID  string // UID of the kube-system namespace: the cluster's identity
	ReadAt      time.Time
	Objects     []PlannedObject // sorted by verdict, then identity
	Digest      string
	Problem     string // why the plan must not be applied (the prune cap); empty: it may
}

// Counts are the numbers of objects per verdict.
type Counts struct {
	Unchanged     int `json:"unchanged"`
	Create        int `json:"create"`
	Update        int `json:"update"`
	Replace       int `json:"replace"`
	Delete        int `json:"delete"`
	Unpredictable int `json:"unpredictable"`
}

// Counts counts the plan's objects by verdict.
func (p *Plan) Counts() Counts {
	var c Counts
	for _, o := range p.Objects {
		switch o.Verdict {
		case VerdictUnchanged:
			c.Unchanged++
		case VerdictCreate:
			c.Create++
		case VerdictUpdate:
			c.Update++
		case VerdictReplace:
			c.Replace++
		case VerdictDelete:
			c.Delete++
		case VerdictUnpredictable:
			c.Unpredictable++
		}
	}
	return c
}

// Differs reports whether any object of the plan differs.
func (p *Plan) Differs() bool {
	return slices.ContainsFunc(p.Objects, func(o PlannedObject) bool { return o.Verdict.Differs() })
}

// Unpredictable returns the objects the server could not judge.
func (p *Plan) Unpredictable() []PlannedObject {
	var out []PlannedObject
	for _, o := range p.Objects {
		if o.Verdict == VerdictUnpredictable {
			out = append(out, o)
		}
	}
	return out
}

// Sort puts the objects into the order in which they are shown: by verdict,
// then namespace, kind and name.
func (p *Plan) Sort() {
	rank := func(v Verdict) int { return slices.Index(Verdicts[:], v) }
	slices.SortStableFunc(p.Objects, func(a, b PlannedObject) int {
		return cmp.Or(cmp.Compare(rank(a.Verdict), rank(b.Verdict)), a.ID.Compare(b.ID))
	})
}

// Seal computes the plan's digest: over the commit, the rendered set (whose
// own digest is given), the cluster's identity and, for every object that
// differs, its verdict and normalised sides. ReadAt, resource versions and
// other harmless noise do not enter it.
func (p *Plan) Seal(renderDigest string) error {
	type entry struct {
		ID             ObjectID
		Verdict        Verdict
		Reason         string
		TakesOwnership bool
		Before, After  map[string]any
	}
	h := sha256.New()
	enc := json.NewEncoder(h)
	head := []string{p.Environment, p.Commit, p.ClusterUID, renderDigest}
	if err := enc.Encode(head); err != nil {
		return fmt.Errorf("hash the plan of %s: %w", p.Environment, err)
	}
	objects := slices.Clone(p.Objects)
	slices.SortFunc(objects, func(a, b PlannedObject) int { return a.ID.Compare(b.ID) })
	for _, o := range objects {
		if !o.Writes() {
			continue
		}
		e := entry{o.ID, o.Verdict, o.Reason, o.TakesOwnership, o.Before, o.After}
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("hash %s: %w", o.ID, err)
		}
	}
	p.Digest = hex.EncodeToString(h.Sum(nil))
	return nil
}

// Approval is an operator's confirm of a plan. It is bound to the plan's
// digest: what was approved is what is applied, or nothing is.
type Approval struct {
	Plan     *Plan
	Override string // reason to apply although a rule forbids it; empty: none given
	// Emergency allows a commit that is not merged yet: a revert that is
	// applied before its pull request is. It needs an Override.
	Emergency bool
}

// Moved is one object that another reading of a plan judges differently.
type Moved struct {
	ID       ObjectID
	Was, Now Verdict // empty: not in that plan
}

// MovedSince lists the objects whose verdict or sides differ between an
// approved plan and a later reading, sorted by identity.
func MovedSince(approved, now *Plan) []Moved {
	index := func(p *Plan) map[ObjectID]PlannedObject {
		m := make(map[ObjectID]PlannedObject, len(p.Objects))
		for _, o := range p.Objects {
			m[o.ID] = o
		}
		return m
	}
	was, is := index(approved), index(now)
	var out []Moved
	for id, a := range was {
		b, ok := is[id]
		if !ok {
			out = append(out, Moved{ID: id, Was: a.Verdict})
		} else if a.Verdict != b.Verdict || !sameSides(a, b) {
			out = append(out, Moved{ID: id, Was: a.Verdict, Now: b.Verdict})
		}
	}
	for id, b := range is {
		if _, ok := was[id]; !ok {
			out = append(out, Moved{ID: id, Now: b.Verdict})
		}
	}
	slices.SortFunc(out, func(a, b Moved) int { return a.ID.Compare(b.ID) })
	return out
}

func sameSides(a, b PlannedObject) bool {
	x, errX := json.Marshal([]any{a.Before, a.After, a.Reason, a.TakesOwnership})
	y, errY := json.Marshal([]any{b.Before, b.After, b.Reason, b.TakesOwnership})
	return errX == nil && errY == nil && string(x) == string(y)
}
