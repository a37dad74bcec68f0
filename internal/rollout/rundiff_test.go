package rollout

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func deploymentID() model.ObjectID {
	return model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}
}

func inShop(kind, name string) model.ObjectID {
	return model.ObjectID{Kind: kind, Namespace: "shop", Name: name}
}

// archived has two runs: staging-1 shipped c0 as the first, staging-2 c3 and
// failed in the middle.
func archived() (*lineRepo, *planned, *Engine) {
	repo := threeCommits()
	c, e := blameWorld(repo)
	at := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	first := model.Run{ID: "staging-1", Commit: "c0", Operator: "op1@a", State: model.RunSucceeded, StartedAt: at, FinishedAt: at.Add(time.Minute),
		Objects: []model.RunObject{
			{ID: deploymentID(), Verdict: model.VerdictCreate, Result: model.ResultReady},
			{ID: inShop("Secret", "db"), Verdict: model.VerdictCreate, Result: model.ResultReady},
		}}
	second := model.Run{ID: "staging-2", From: "c0", Commit: "c3", Operator: "op2@b", State: model.RunFailed, StartedAt: at, FinishedAt: at.Add(2 * time.Minute),
		Objects: []model.RunObject{
			{ID: deploymentID(), Verdict: model.VerdictUpdate, Result: model.ResultFailed, Message: "cannot pull cart:3"},
			{ID: inShop("ConfigMap", "new"), Verdict: model.VerdictCreate, Result: model.ResultPending},
			{ID: inShop("ConfigMap", "old"), Verdict: model.VerdictDelete, Result: model.ResultPruned},
		}}
	c.runs = []model.Run{second, first}
	return repo, c, e
}

// told is what a plan tells, an object a line.
func told(p *model.Plan) string {
	var b strings.Builder
	for _, o := range p.Objects {
		fmt.Fprintf(&b, "%s %s", o.Verdict, o.ID)
		if o.Reason != "" {
			b.WriteString(" | " + o.Reason)
		}
		for _, r := range o.Risks {
			fmt.Fprintf(&b, " ! %s %s", r.Severity, r.Message)
		}
		for _, c := range o.Causes {
			fmt.Fprintf(&b, " # %s=%s:%s#%d", c.Path, c.Kind, c.By, c.PullRequest)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestRunDiffTellsAPartialSuccessAsWhatItIs(t *testing.T) {
	_, _, e := archived()
	d, err := e.RunDiff(t.Context(), "staging", "staging-2")
	if err != nil {
		t.Fatal(err)
	}
	const want = `delete ConfigMap shop/old | neither commit has it: it was left from an earlier one # =git:#0
update Deployment shop/cart ! danger it failed in this run: cannot pull cart:3 # spec.containers[main].env[NEW]=git:c2#0 # spec.containers[main].image=git:c3#100
update Secret shop/db | the run had nothing to write: it was live like this already # data.password=git:c1#102
create ConfigMap shop/new ! warning it was not written: the run ended before its turn # =git:c3#100
`
	if got := told(d.Plan); got != want {
		t.Errorf("the diff tells\n%swant\n%s", got, want)
	}
	if len(d.Plan.Notes) != 2 || d.Plan.Notes[0] != "staging-2 is failed: 1 deleted, 1 failed, 1 not written" {
		t.Errorf("notes %q", d.Plan.Notes)
	}
	if d.Plan.From != "c0" || d.Plan.Commit != "c3" || d.Run.ID != "staging-2" || d.Other != nil {
		t.Errorf("%+v", d)
	}
}

func TestTheFirstRunCreatedItAll(t *testing.T) {
	_, _, e := archived()
	d, err := e.RunDiff(t.Context(), "staging", "1") // its number is enough
	if err != nil {
		t.Fatal(err)
	}
	if c := d.Plan.Counts(); c != (model.Counts{Create: 2}) || !strings.Contains(strings.Join(d.Plan.Notes, "\n"), "nothing was deployed before") {
		t.Errorf("%+v, notes %q", c, d.Plan.Notes)
	}
}

func TestRunDiffOfDrift(t *testing.T) {
	repo, c, e := archived()
	c.runs[0].From, c.runs[0].State = "c3", model.RunSucceeded
	c.runs[0].Objects = []model.RunObject{
		{ID: deploymentID(), Verdict: model.VerdictUpdate, Result: model.ResultReady},
		{ID: inShop("Secret", "db"), Verdict: model.VerdictCreate, Result: model.ResultReady},
	}
	c.runs[0].Kept = []model.FieldRef{{ID: deploymentID(), Path: "spec.replicas"}}
	d, err := e.RunDiff(t.Context(), "staging", "staging-2")
	if err != nil {
		t.Fatal(err)
	}
	const want = `update Deployment shop/cart | Git did not change it: it was changed live, and the run wrote it as Git has it; what it was is not recorded; the run kept what was live of spec.replicas # =drift:#0
create Secret shop/db | Git did not change it: it was not live, and the run made it again # =drift:#0
unchanged ConfigMap shop/new
`
	if got := told(d.Plan); got != want {
		t.Errorf("the diff tells\n%swant\n%s", got, want)
	}
	repo.fail = "c3"
	for _, ask := range []func() error{
		func() error { _, err := e.RunDiff(t.Context(), "staging", "2"); return err },
		func() error { _, err := e.CompareRuns(t.Context(), "staging", "1", "2"); return err },
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), "staging-2: what it changed cannot be shown: commit c3") {
			t.Errorf("a commit that is gone: %v", err)
		}
	}
}

func TestCompareRuns(t *testing.T) {
	_, _, e := archived()
	d, err := e.CompareRuns(t.Context(), "staging", "1", "2")
	if err != nil {
		t.Fatal(err)
	}
	if c := d.Plan.Counts(); c != (model.Counts{Create: 1, Update: 2}) || d.Plan.From != "c0" || d.Plan.Commit != "c3" || d.Other.ID != "staging-2" {
		t.Errorf("%+v, %+v", c, d)
	}
	all := strings.Join(d.Plan.Notes, "\n")
	for _, want := range []string{
		"state: succeeded; then failed", "operator: op1@a; then op2@b", "took: 1m0s; then 2m0s",
		"Deployment shop/cart: create, ready; then update, failed: cannot pull cart:3",
		"Secret shop/db: create, ready; then nothing", "ConfigMap shop/new: nothing; then create, pending",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if strings.Contains(all, "window") {
		t.Errorf("what is the same in both is listed:\n%s", all)
	}
	same, err := e.CompareRuns(t.Context(), "staging", "2", "2")
	if err != nil || same.Plan.Differs() || len(same.Fields)+len(same.Objects) > 0 {
		t.Errorf("a run compared with itself: %v, %+v", err, same)
	}
}

func TestAnUnknownRunNamesTheLastOnes(t *testing.T) {
	_, _, e := archived()
	for _, ask := range []func() error{
		func() error { _, err := e.RunDiff(t.Context(), "staging", "7"); return err },
		func() error { _, err := e.CompareRuns(t.Context(), "staging", "1", "7"); return err },
		func() error { _, err := e.CompareRuns(t.Context(), "staging", "7", "1"); return err },
	} {
		err := ask()
		if model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), "the last ones are staging-2, staging-1") {
			t.Errorf("%v", err)
		}
	}
}

// Whether a value stands in data or in stringData is no change, and none of it
// is shown.
func TestRunDiffMasksSecrets(t *testing.T) {
	repo, _, e := archived()
	const old, now = "b2xkLXBhc3N3b3Jk", "new-password"
	as := func(key, password, user string) model.Object {
		return model.Object{ID: model.ObjectID{Kind: "Secret", Name: "db"}, Version: "v1", Fields: fields{
			"apiVersion": "v1", "kind": "Secret", key: fields{"password": password}, "data": fields{"user": user},
		}}
	}
	repo.renders["c0"] = []model.Object{{ID: model.ObjectID{Kind: "Secret", Name: "db"}, Version: "v1", Fields: fields{
		"apiVersion": "v1", "kind": "Secret", "data": fields{"password": old, "user": "b3Ax"},
	}}}
	repo.renders["c3"] = []model.Object{as("stringData", "old-password", "b3Ax")}
	d, err := e.RunDiff(t.Context(), "staging", "2")
	if err != nil {
		t.Fatal(err)
	}
	if o := d.Plan.Objects[len(d.Plan.Objects)-1]; o.ID.Kind != "Secret" || o.Verdict != model.VerdictUnchanged {
		t.Errorf("moved to stringData: %s", told(d.Plan))
	}
	repo.renders["c3"] = []model.Object{as("stringData", now, "b3Ay")}
	for _, diff := range []func() (*model.RunDiff, error){
		func() (*model.RunDiff, error) { return e.RunDiff(t.Context(), "staging", "2") },
		func() (*model.RunDiff, error) { return e.CompareRuns(t.Context(), "staging", "1", "2") },
	} {
		d, err := diff()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{old, now, "old-password", "b3Ax", "b3Ay"} {
			if strings.Contains(string(text), value) {
				t.Errorf("%q is in %s", value, text)
			}
		}
		if strings.Count(string(text), "masked ") < 4 || !strings.Contains(told(d.Plan), "data.password") || !strings.Contains(told(d.Plan), "data.user") {
			t.Errorf("the change is not told: %s", told(d.Plan))
		}
	}
	if repo.renders["c3"][0].Fields["stringData"].(fields)["password"] != now {
		t.Error("the render itself was masked")
	}
}
