package rollout

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// replacing is a cluster where cart has to be replaced.
type replacing struct {
	*memory
	allowed bool // by the environment's policy, as it stands now
	fail    error
	applied []model.PlannedObject
}

func (m *replacing) Plan(_ context.Context, r model.PlanRequest) (*model.Plan, []model.Object, error) {
	p := &model.Plan{Environment: r.Environment.Name, Commit: r.Rendered.Commit, From: deployedCommit(r.State), Replaces: r.Replace}
	o := model.PlannedObject{
		ID: id("cart"), Version: "v1", Verdict: model.VerdictReplace, Live: model.LiveRef{UID: "old"}, MayReplace: r.Replace || m.allowed,
		Risks: []model.Risk{{Name: "replaces-object", Message: "is deleted and made again", TypeName: true}},
	}
	if !o.MayReplace {
		p.Problem = "cart may not be deleted and made again"
	}
	p.Objects = []model.PlannedObject{o}
	return p, []model.Object{{ID: o.ID, Version: "v1"}}, p.Seal("")
}

func (m *replacing) Apply(_ context.Context, o model.Object, planned model.PlannedObject) (model.InventoryEntry, error) {
	m.applied = append(m.applied, planned)
	return model.InventoryEntry{ID: o.ID, Version: o.Version, UID: "new"}, m.fail
}

func newReplacing() (*replacing, *Engine) {
	m, _ := newMemory()
	r := &replacing{memory: m}
	return r, New(Config{
		Repository: oneCommit{}, File: ".fairtide.yaml", Host: "host", Now: time.Now,
		Connect: func(string, string) (Cluster, error) { return r, nil },
	})
}

func TestReplace(t *testing.T) {
	m, e := newReplacing()
	apply := func(ask model.PlanAsk, confirmed ...string) (model.Run, error) {
		t.Helper()
		ask.Environment = "staging"
		plan, err := e.PlanAs(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		return e.Apply(t.Context(), model.Approval{Plan: plan, Confirmed: confirmed}, func(model.Event) {})
	}
	refused := func(err error, code model.ExitCode, words string) {
		t.Helper()
		if model.CodeOf(err, 0) != code || !strings.Contains(err.Error(), words) || len(m.applied) != 0 || len(m.runs) != 0 {
			t.Errorf("%v; applied %v, %d runs", err, m.applied, len(m.runs))
		}
	}
	name := id("cart").Ref()
	_, err := apply(model.PlanAsk{}, name)
	refused(err, model.ExitRolloutFailed, "may not be deleted and made again")
	_, err = apply(model.PlanAsk{Replace: true})
	refused(err, model.ExitRequirements, "--confirm "+name)

	// The policy allows it when it is approved, and no longer under the lock.
	m.allowed = true
	plan, err := e.Plan(t.Context(), "staging", "")
	if err != nil {
		t.Fatal(err)
	}
	m.allowed = false
	_, err = e.Apply(t.Context(), model.Approval{Plan: plan, Confirmed: []string{name}}, func(model.Event) {})
	refused(err, model.ExitRolloutFailed, "no longer be applied")

	// What goes wrong in between is in the record, and nobody takes the old
	// object for what the environment has.
	m.fail = model.Errorf(model.ExitRolloutFailed, "cart was deleted and not made again")
	run, err := apply(model.PlanAsk{Replace: true}, name)
	if model.CodeOf(err, 0) != model.ExitRolloutFailed || run.State != model.RunFailed || run.Objects[0].Result != model.ResultFailed ||
		!strings.Contains(m.runs[0].Objects[0].Message, "deleted and not made again") {
		t.Errorf("%v, run %+v", err, m.runs[0])
	}
	if got := m.state.Inventory; len(got) != 1 || got[0].UID == "old" {
		t.Errorf("inventory %+v", got)
	}

	m.fail = nil
	run, err = apply(model.PlanAsk{Replace: true}, name)
	if err != nil || run.Objects[0].Verdict != model.VerdictReplace || run.Objects[0].Result != model.ResultReady || !m.applied[1].MayReplace {
		t.Errorf("%v, run %+v", err, run)
	}
	if got := m.state.Inventory; len(got) != 1 || got[0].UID != "new" {
		t.Errorf("inventory %+v", got)
	}
}
