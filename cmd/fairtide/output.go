package main

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/model"
)

// writeJSON writes one document to stdout.
func (p *program) writeJSON(v any) error { return encodeJSON(p.stdout, v) }

func encodeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table aligns tab-separated cells. Each cell is made safe to print.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer) *table {
	return &table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
}

func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = sanitize.Line(cells[i])
	}
	_, _ = fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

func (t *table) flush() error { return t.w.Flush() }

// planDocument is a plan as `-o json` writes it.
type planDocument struct {
	Environment string           `json:"environment"`
	Commit      string           `json:"commit"`
	From        string           `json:"from"`
	Digest      string           `json:"digest"`
	Cluster     string           `json:"cluster"`
	ReadAt      time.Time        `json:"readAt"`
	Problem     string           `json:"problem,omitempty"`
	Lens        model.Lens       `json:"lens"`
	NoLenses    string           `json:"noLenses,omitempty"` // why there is nothing to see through the lens
	Kept        []model.FieldRef `json:"kept,omitempty"`
	Replaces    bool             `json:"replaces,omitempty"`
	Risks       []model.Risk     `json:"risks"` // of the plan as a whole
	Notes       []string         `json:"notes,omitempty"`
	// Requirements are how those of the environment stand; none: it has none
	// that are about this plan.
	Requirements []model.Requirement `json:"requirements,omitempty"`
	Objects      []objectDocument    `json:"objects"`
	Counts       model.Counts        `json:"counts"`
}

type objectDocument struct {
	Group     string         `json:"group"`
	Version   string         `json:"version"`
	Kind      string         `json:"kind"`
	Namespace string         `json:"namespace"`
	Name      string         `json:"name"`
	Verdict   model.Verdict  `json:"verdict"`
	Reason    string         `json:"reason"`
	Risks     []model.Risk   `json:"risks"`
	Causes    []model.Cause  `json:"causes"`
	Before    map[string]any `json:"before"`
	After     map[string]any `json:"after"`
	Diff      string         `json:"diff"`
	Source    model.Source   `json:"source"`
	// TakesOwnership is set where only the fields' manager changes.
	TakesOwnership bool `json:"takesOwnership,omitempty"`
	// Hidden are the differences that rules keep out of the diff, and OnlyHidden
	// is set when there are no others.
	Hidden     []model.HiddenPath `json:"hidden,omitempty"`
	OnlyHidden bool               `json:"onlyHidden,omitempty"`
}

// newPlanDocument is the document of a plan seen through the lens apply.
func newPlanDocument(plan *model.Plan) (planDocument, error) {
	return lensDocument(plan, model.LensApply)
}

// lensDocument is the document of what lens.Through gave.
func lensDocument(plan *model.Plan, l model.Lens) (planDocument, error) {
	d := planDocument{
		Lens: l, NoLenses: plan.NoLenses, Kept: plan.Kept, Replaces: plan.Replaces, Notes: plan.Notes, Risks: orEmpty(plan.Risks),
		Environment: plan.Environment, Commit: plan.Commit, From: plan.From, Digest: plan.Digest,
		Cluster: plan.Cluster, ReadAt: plan.ReadAt.UTC(), Problem: plan.Problem,
		Objects: []objectDocument{}, Counts: plan.Counts(),
	}
	for _, o := range plan.Objects {
		diff, err := unified(o, l)
		if err != nil {
			return d, err
		}
		d.Objects = append(d.Objects, objectDocument{
			Group: o.ID.Group, Version: o.Version, Kind: o.ID.Kind, Namespace: o.ID.Namespace, Name: o.ID.Name,
			Verdict: o.Verdict, Reason: o.Reason, Risks: orEmpty(o.Risks), Causes: orEmpty(o.Causes),
			Before: o.Before, After: o.After, Diff: diff, Source: o.Source, TakesOwnership: o.TakesOwnership,
			Hidden: o.Hidden, OnlyHidden: o.OnlyHidden,
		})
	}
	return d, nil
}

// plan is as much of a saved plan as it takes to tell what moved since.
func (d planDocument) plan() *model.Plan {
	p := &model.Plan{Environment: d.Environment, Commit: d.Commit, From: d.From, Digest: d.Digest, ReadAt: d.ReadAt}
	for _, o := range d.Objects {
		p.Objects = append(p.Objects, model.PlannedObject{
			ID:      model.ObjectID{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name},
			Version: o.Version, Verdict: o.Verdict, Reason: o.Reason, Risks: o.Risks, Causes: o.Causes,
			Before: o.Before, After: o.After, TakesOwnership: o.TakesOwnership,
		})
	}
	return p
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// unified is an object's difference as a unified diff of a lens' two sides.
func unified(o model.PlannedObject, l model.Lens) (string, error) {
	shown := o.After
	if o.Shown != nil { // without what rules hide
		shown = o.Shown
	}
	if reflect.DeepEqual(o.Before, shown) {
		return "", nil // writing both as YAML would take most of the time of a diff
	}
	before, err := manifest.YAML(o.Before)
	if err != nil {
		return "", fmt.Errorf("%s: %w", o.ID, err)
	}
	after, err := manifest.YAML(shown)
	if err != nil {
		return "", fmt.Errorf("%s: %w", o.ID, err)
	}
	left, right := "live", "after apply"
	if l != model.LensApply {
		left, right = lens.Titles(model.VerdictUpdate, l)
	}
	return textdiff.Unified(left+" "+o.ID.String(), right+" "+o.ID.String(), string(before), string(after), 3), nil
}

var verdictSigns = map[model.Verdict]string{
	model.VerdictCreate: "+", model.VerdictUpdate: "~", model.VerdictDelete: "-",
	model.VerdictReplace: "±", model.VerdictUnpredictable: "?", model.VerdictUnchanged: "=",
}

func (p *program) sign(v model.Verdict) string {
	if p.flags.ascii && v == model.VerdictReplace {
		return "R"
	}
	return verdictSigns[v]
}

// summary counts a plan's objects in words: "3 update, 1 create, 22 unchanged".
func (p *program) summary(c model.Counts) string {
	var words []string
	for _, v := range []struct {
		n       int
		verdict model.Verdict
	}{
		{c.Unpredictable, model.VerdictUnpredictable}, {c.Delete, model.VerdictDelete}, {c.Replace, model.VerdictReplace},
		{c.Update, model.VerdictUpdate}, {c.Create, model.VerdictCreate}, {c.Unchanged, model.VerdictUnchanged},
	} {
		if v.n > 0 {
			words = append(words, fmt.Sprintf("%s %d %s", p.sign(v.verdict), v.n, v.verdict))
		}
	}
	if len(words) == 0 {
		return "no objects"
	}
	return strings.Join(words, ", ")
}

// ago is how long ago something was, in one unit.
func ago(now, then time.Time) string {
	d := now.Sub(then)
	switch {
	case then.IsZero():
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
