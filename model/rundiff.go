package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// LensRun is the lens that a run's diff is seen through: what Git had before
// the run, and what it had as the run wrote it. It is none of a plan's lenses.
const LensRun Lens = "run"

// RunDiff is what a run changed in Git's terms, or with Other how two runs
// differ. What was changed live beside Git is in no record, and not in it.
type RunDiff struct {
	Run   Run
	Other *Run // that Run is compared with; nil: nothing, it is the run's own diff
	// Plan is for reading only. Before is as the run's From renders an object,
	// or with Other as Run's commit does; After as the run's commit renders it,
	// or Other's. Verdicts are what the run did, or with Other how one side
	// came from the other. Failed and pending objects carry a risk that says so.
	Plan *Plan
	// Fields are where the two records differ; nil without Other.
	Fields []RunField
	// Objects are those of which the records tell different things; nil without
	// Other.
	Objects []RunObjectChange
}

// RunField is a fact of two runs that differs between them, for a person.
type RunField struct {
	Name string `json:"name"`
	A    string `json:"a"` // empty: nothing is recorded
	B    string `json:"b"`
}

// String says both: "operator: op1@bastion; then op2@laptop".
func (f RunField) String() string {
	or := func(s string) string { return cmp.Or(s, "nothing") }
	return fmt.Sprintf("%s: %s; then %s", f.Name, or(f.A), or(f.B))
}

// RunObjectChange is an object that two runs treated differently.
type RunObjectChange struct {
	ID ObjectID `json:"id"`
	A  string   `json:"a"` // "update, ready"; empty: the run had nothing to write
	B  string   `json:"b"`
}

// String says both.
func (c RunObjectChange) String() string { return RunField{c.ID.String(), c.A, c.B}.String() }

// Took is how long the run took, from its start to its end, waits for somebody
// to continue it included; zero: it has not ended.
func (r Run) Took() time.Duration {
	if r.FinishedAt.IsZero() {
		return 0
	}
	return max(0, r.FinishedAt.Sub(r.StartedAt))
}

// Tally counts the objects of a run by what became of them, in words: "3 ready,
// 1 failed, 2 not written".
func (r Run) Tally() string {
	var parts []string
	for _, s := range []struct {
		result ObjectResult
		words  string
	}{
		{ResultReady, "ready"}, {ResultApplied, "applied, not seen ready"}, {ResultPruned, "deleted"},
		{ResultFailed, "failed"}, {ResultPending, "not written"},
	} {
		n := 0
		for _, o := range r.Objects {
			if o.Result == s.result {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s.words))
		}
	}
	if len(parts) == 0 {
		return "no object was to be written"
	}
	return strings.Join(parts, ", ")
}

// lastNamed is how many runs an error names.
const lastNamed = 5

// FindRun finds a run of an environment among those recorded, newest first, by
// its ID or by its number alone. The error names the last ones.
func FindRun(env string, runs []Run, id string) (Run, error) {
	for _, r := range runs {
		if r.ID == id || r.ID == env+"-"+id {
			return r, nil
		}
	}
	if len(runs) == 0 {
		return Run{}, Errorf(ExitUsage, "%s: there is no run %q: %[1]s has no recorded runs", env, id)
	}
	names := make([]string, 0, lastNamed)
	for _, r := range runs[:min(len(runs), lastNamed)] {
		names = append(names, r.ID)
	}
	return Run{}, Errorf(ExitUsage, "%s: there is no run %q; the last ones are %s", env, id, strings.Join(names, ", "))
}

// CompareRecords says where the records of two runs differ.
func CompareRecords(a, b Run) ([]RunField, []RunObjectChange) {
	var fields []RunField
	was, is := facts(a), facts(b)
	for i := range was {
		if was[i].value != is[i].value {
			fields = append(fields, RunField{was[i].name, was[i].value, is[i].value})
		}
	}
	return fields, compareObjects(a, b)
}

type fact struct{ name, value string }

// facts are what is compared of a run, each in words. All runs have the same
// ones, in the same order.
func facts(r Run) []fact {
	override := ""
	if x := r.Exception; x != nil {
		override = fmt.Sprintf("by %s: %s (%s)", x.Who(), x.Reason, strings.Join(x.Rules, "; "))
	}
	took := ""
	if !r.FinishedAt.IsZero() {
		took = r.Took().Round(time.Second).String()
	}
	return []fact{
		{"state", string(r.State)}, {"from", Short(r.From)}, {"commit", Short(r.Commit)}, {"operator", r.Operator},
		{"continued by", continued(r)}, {"started", r.StartedAt.UTC().Format(time.RFC3339)}, {"took", took},
		{"window", r.Window}, {"override", override}, {"reason", r.Reason}, {"rolls back", r.RollsBack},
		{"objects", r.Tally()}, {"tests", tests(r)}, {"pull requests", pullRequests(r)},
		{"kept", kept(r)}, {"requirements", strings.Join(UnmetSentences(r.Requirements), "; ")},
	}
}

func continued(r Run) string {
	var who []string
	for _, a := range r.Attempts {
		who = append(who, a.Operator)
	}
	return strings.Join(who, ", ")
}

func tests(r Run) string {
	var out []string
	for _, t := range r.Tests {
		out = append(out, t.Name+" "+string(t.State))
	}
	return strings.Join(out, ", ")
}

func pullRequests(r Run) string {
	var out []string
	for _, n := range r.PullRequests {
		out = append(out, fmt.Sprintf("#%d", n))
	}
	return strings.Join(out, ", ")
}

func kept(r Run) string {
	var out []string
	for _, f := range r.Kept {
		out = append(out, f.String())
	}
	return strings.Join(out, ", ")
}

func compareObjects(a, b Run) []RunObjectChange {
	of := func(r Run) map[ObjectID]string {
		out := make(map[ObjectID]string, len(r.Objects))
		for _, o := range r.Objects {
			out[o.ID] = string(o.Verdict) + ", " + string(o.Result)
			if o.Message != "" {
				out[o.ID] += ": " + o.Message
			}
		}
		return out
	}
	was, is := of(a), of(b)
	var out []RunObjectChange
	for id, text := range was {
		if text != is[id] {
			out = append(out, RunObjectChange{id, text, is[id]})
		}
	}
	for id, text := range is {
		if _, both := was[id]; !both {
			out = append(out, RunObjectChange{id, "", text})
		}
	}
	slices.SortFunc(out, func(x, y RunObjectChange) int { return x.ID.Compare(y.ID) })
	return out
}
