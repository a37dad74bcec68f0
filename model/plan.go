package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
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

// Compare orders severities; the graver one is the greater. None is the least.
func (s Severity) Compare(o Severity) int {
	grave := []Severity{"", SeverityInfo, SeverityWarning, SeverityDanger}
	return cmp.Compare(slices.Index(grave, s), slices.Index(grave, o))
}

// Risk is a named, explained mark on an object.
type Risk struct {
	Name      string   `json:"name"` // stable, in kebab case: "restarts-pods"
	Severity  Severity `json:"severity"`
	Message   string   `json:"message"`             // one sentence for the operator
	Reference string   `json:"reference,omitempty"` // where it is explained: a URL
	// TypeName asks for the object's name to be typed before it is applied.
	TypeName bool `json:"typeName,omitempty"`
}

// Cause says why a path of an object differs.
type Cause struct {
	Path string    `json:"path"` // as in spec.template.spec.containers[cart].image; empty: the object as a whole
	Kind CauseKind `json:"kind"`
	By   string    `json:"by,omitempty"` // a commit for git, a field manager for drift; empty: not known
	At   time.Time `json:"at,omitzero"`
	// PullRequest brought the commit; 0: not known.
	PullRequest int `json:"pullRequest,omitempty"`
}

// CauseKind says what sort of thing changed a path.
type CauseKind string

// The kinds of cause.
const (
	CauseGit    CauseKind = "git"
	CauseDrift  CauseKind = "drift"
	CauseServer CauseKind = "server"
)

// Prediction says how an object's verdict was found.
type Prediction string

// The ways to a verdict.
const (
	PredictedByServer  Prediction = "server"  // by a dry-run
	PredictedFromList  Prediction = "list"    // the live object shows that a dry-run would alter nothing
	PredictedLocally   Prediction = "local"   // without the server; Reason says why
	PredictedElsewhere Prediction = "sandbox" // by a dry-run in another namespace; Reason says why
)

// Lens says which two sides of an object are compared.
type Lens string

// The lenses.
const (
	LensApply Lens = "apply" // live, and after applying
	LensGit   Lens = "git"   // as the deployed commit renders it, and as this one does
	LensDrift Lens = "drift" // as the deployed commit renders it, and live in the same fields
)

// Lenses lists every lens.
var Lenses = [...]Lens{LensApply, LensGit, LensDrift}

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
	// Left is set on an object of the inventory that is not rendered any more:
	// it is deleted, or kept for the Reason.
	Left bool
	// Going is set on an object that is being deleted already.
	Going bool
	Live  LiveRef

	Prediction Prediction
	// Sent is a hash over what the server was asked to predict; zero: it was not.
	Sent [sha256.Size]byte
	// Owner is who else keeps the object as it is, in words: "Argo CD
	// application shop"; empty: nobody is known to.
	Owner string
	// MayReplace is set on an object to replace when the environment's policy,
	// or the operator, allows that.
	MayReplace bool
	// Immutable are the paths that differ and cannot while the object exists: why
	// it has to be replaced. Empty: the server names none that differs.
	Immutable []string
	// Migrates is set when applying first takes over what kubectl's
	// client-side apply owns, so that fields Git dropped go away.
	Migrates bool
	// Hiding is what rules keep out of the diff of the two sides, and LensHiding
	// the same of the lenses git and drift.
	Hiding
	LensHiding map[Lens]Hiding
	// Mask are the rules by which the sides were masked beside Secrets: another
	// reading of the object is compared under the same ones.
	Mask []FieldRule
	// Deployed and Rendered are the object as the deployed commit and as this
	// commit render it, normalised and masked; nil where they do not, or were
	// not asked for.
	Deployed, Rendered map[string]any
}

// Hiding is what rules hide of two sides. It is about showing: the verdict
// counts what is hidden, and applying writes it.
type Hiding struct {
	Hidden []HiddenPath // the paths that differ and are not shown
	// Shown is the second side with the values of the first in their place; nil
	// when nothing is hidden, or all is to be shown.
	Shown      map[string]any
	OnlyHidden bool // that leaves no difference to show
}

// HiddenPath is a difference that a rule keeps out of the diff.
type HiddenPath struct {
	Path string `json:"path"`
	Rule string `json:"rule"` // in words
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
	Objects     []PlannedObject // sorted: see Sort
	Digest      string
	Problem     string // why the plan must not be applied (the prune cap); empty: it may
	// ProblemCode is what a command ends with that was to apply it all the same;
	// ExitOK without a Problem.
	ProblemCode ExitCode
	Risks       []Risk // of the plan as a whole, the gravest first
	// Notes are what an operator should know of the plan as a whole; one
	// sentence each.
	Notes []string
	// Kept are the fields that are left out this once, so that their live
	// values stay.
	Kept []FieldRef
	// Replaces is set when the operator allowed objects to be deleted and made
	// again, beside what the policy allows.
	Replaces bool
	// Requirements are those of the environment that are about what is shipped,
	// as they stood when the plan was read. They are judged again before the
	// first write; RequireReviewed is the operator's, and not among them.
	Requirements []Requirement
	NeedsReview  bool // RequireReviewed is asked for too
	// NoLenses says why there are no sides for the lenses git and drift; empty
	// when there are, or when they were not asked for.
	NoLenses string
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

// Gravest is the severity of the object's gravest risk; empty: it has none.
func (o PlannedObject) Gravest() Severity {
	var worst Severity
	for _, r := range o.Risks {
		if r.Severity.Compare(worst) > 0 {
			worst = r.Severity
		}
	}
	return worst
}

// Sort puts the objects into the order in which they are shown: by verdict,
// then the gravest risk first, then namespace, kind and name.
func (p *Plan) Sort() {
	rank := func(v Verdict) int { return slices.Index(Verdicts[:], v) }
	slices.SortStableFunc(p.Objects, func(a, b PlannedObject) int {
		return cmp.Or(cmp.Compare(rank(a.Verdict), rank(b.Verdict)),
			b.Gravest().Compare(a.Gravest()), a.ID.Compare(b.ID))
	})
}

// sealVersion is part of every digest. A plan that an older program saved under
// other rules matches nothing, so that it is made again.
const sealVersion = "3"

// Seal computes the plan's digest: over the commit, the rendered set (whose
// own digest is given), the cluster's identity, what the operator decided and,
// for every object that is written, its verdict, its normalised sides and how
// it is written. ReadAt, resource versions, who else owns an object, how a
// verdict was found and other harmless noise do not enter it.
func (p *Plan) Seal(renderDigest string) error {
	h := sha256.New()
	enc := json.NewEncoder(h)
	if err := enc.Encode(append([]string{sealVersion, p.Environment, p.Commit, p.ClusterUID, renderDigest}, p.decisions()...)); err != nil {
		return fmt.Errorf("hash the plan of %s: %w", p.Environment, err)
	}
	objects := slices.Clone(p.Objects)
	slices.SortFunc(objects, func(a, b PlannedObject) int { return a.ID.Compare(b.ID) })
	for _, o := range objects {
		if !o.Writes() {
			continue
		}
		before, after := o.Approved()
		e := approvedObject{o.ID, o.Verdict, o.Reason, o.TakesOwnership, o.Migrates, before, after}
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("hash %s: %w", o.ID, err)
		}
	}
	p.Digest = hex.EncodeToString(h.Sum(nil))
	return nil
}

// Approved are the two sides as far as an approval is about them. A number of
// replicas that applying leaves alone is not: an autoscaler moves it all the
// time, and what applying does stays the same.
func (o PlannedObject) Approved() (before, after map[string]any) {
	was, is := replicas(o.Before), replicas(o.After)
	if was == "" || was != is {
		return o.Before, o.After
	}
	return withoutReplicas(o.Before), withoutReplicas(o.After)
}

// replicas is the number of replicas that an object asks for; empty: none.
func replicas(fields map[string]any) string {
	spec, _ := fields["spec"].(map[string]any)
	switch n := spec["replicas"].(type) {
	case int64, float64:
		return fmt.Sprint(n)
	}
	return ""
}

func withoutReplicas(fields map[string]any) map[string]any {
	out := maps.Clone(fields)
	if spec, ok := out["spec"].(map[string]any); ok {
		spec = maps.Clone(spec)
		delete(spec, "replicas")
		out["spec"] = spec
	}
	return out
}

// decisions are the operator's choices that alter what applying does.
func (p *Plan) decisions() []string {
	var out []string
	for _, f := range p.Kept {
		out = append(out, "kept "+f.String())
	}
	slices.Sort(out)
	if p.Replaces && slices.ContainsFunc(p.Objects, func(o PlannedObject) bool { return o.Verdict == VerdictReplace }) {
		out = append(out, "replaces")
	}
	return out
}

// Approval is an operator's confirm of a plan. It is bound to the plan's
// digest: what was approved is what is applied, or nothing is.
type Approval struct {
	Plan     *Plan
	Override string // reason to apply although a rule forbids it; empty: none given
	// Emergency allows a commit that is not merged yet: a revert that is
	// applied before its pull request is. It needs an Override.
	Emergency bool
	// Confirmed are the objects whose names the operator typed (ObjectID.Ref),
	// where the plan asks for that.
	Confirmed []string
	// Reviewed are the objects whose diffs, as the plan has them, the operator
	// has marked as read.
	Reviewed []ObjectID
	// Wait arms the plan: it is applied when the window opens, if it is still
	// the same then.
	Wait bool
	// Automatic is set when nobody confirmed the plan by hand.
	Automatic bool
	// TakeOver is why a lock may be taken over whose holder let it expire.
	TakeOver string
	// Brake pauses the run between its waves; nil: nothing does.
	Brake *Brake
}

// Moved is one object that another reading of a plan judges differently.
type Moved struct {
	ID     ObjectID     `json:"id"`
	Was    Verdict      `json:"was,omitempty"` // empty: not in that plan
	Now    Verdict      `json:"now,omitempty"`
	Fields []MovedField `json:"fields,omitempty"` // that differ, when it is in both
}

// MovedField is a field that two readings of a plan have otherwise. The values
// are short, masked and for a person.
type MovedField struct {
	Path string    `json:"path"`
	Was  string    `json:"was"`
	Now  string    `json:"now"`
	Live bool      `json:"live,omitempty"` // the live object differs; else only what applying would leave
	By   string    `json:"by,omitempty"`   // the field manager that set it; empty: not known
	At   time.Time `json:"at,omitzero"`
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
	beforeA, afterA := a.Approved()
	beforeB, afterB := b.Approved()
	x, errX := json.Marshal([]any{beforeA, afterA, a.Reason, a.TakesOwnership, a.Migrates})
	y, errY := json.Marshal([]any{beforeB, afterB, b.Reason, b.TakesOwnership, b.Migrates})
	return errX == nil && errY == nil && string(x) == string(y)
}
