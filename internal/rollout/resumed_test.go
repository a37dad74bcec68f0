package rollout

import (
	"slices"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// fieldsOf are the fields of an object with one value.
func fieldsOf(value string) map[string]any {
	return map[string]any{"data": map[string]any{"x": value}}
}

// row is a row of a plan.
func row(v model.Verdict, before, after string, change ...func(*model.PlannedObject)) model.PlannedObject {
	o := model.PlannedObject{ID: id("cart"), Version: "v1", Verdict: v, Prediction: model.PredictedByServer}
	if before != "" {
		o.Before, o.Live = fieldsOf(before), model.LiveRef{UID: "u1"}
	}
	if after != "" {
		o.After = fieldsOf(after)
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

func migrating(o *model.PlannedObject) { o.Migrates = true }
func taking(o *model.PlannedObject)    { o.TakesOwnership = true }
func locally(o *model.PlannedObject) {
	o.Prediction, o.Reason = model.PredictedLocally, "its CustomResourceDefinition is in this plan"
}

func leftGit(o *model.PlannedObject) { o.Left = true }

// What is left of a run may be written when it is what was approved, or half way
// from there.
func TestWhatIsLeftIsAsItWasApproved(t *testing.T) {
	for _, c := range []struct {
		what     string
		was, now model.PlannedObject
		moved    bool
	}{
		{"as it was", row(model.VerdictUpdate, "one", "two"), row(model.VerdictUpdate, "one", "two"), false},
		{"written", row(model.VerdictUpdate, "one", "two"), row(model.VerdictUnchanged, "two", "two"), false},
		{"changed live", row(model.VerdictUpdate, "one", "two"), row(model.VerdictUpdate, "three", "two"), true},
		{"changed after it was written", row(model.VerdictCreate, "", "two"), row(model.VerdictUpdate, "three", "two"), true},
		{"to become something else", row(model.VerdictUpdate, "one", "two"), row(model.VerdictUpdate, "one", "four"), true},
		{"to be deleted instead", row(model.VerdictUpdate, "one", "two"), row(model.VerdictDelete, "one", ""), true},
		{"not judged any more", row(model.VerdictUpdate, "one", "two"), row(model.VerdictUnpredictable, "one", ""), true},
		{"created with more defaults", row(model.VerdictCreate, "", "two"), row(model.VerdictCreate, "", "two and more"), false},
		{"created by somebody", row(model.VerdictCreate, "", "two"), row(model.VerdictUpdate, "one", "two"), true},
		{"replaced by half", row(model.VerdictReplace, "one", "two"), row(model.VerdictCreate, "", "two and more"), false},
		{"replaced by somebody", row(model.VerdictReplace, "one", "two"), row(model.VerdictUpdate, "five", "two"), true},
		{"updated, and deleted since", row(model.VerdictUpdate, "one", "two"), row(model.VerdictCreate, "", "two"), true},
		{"migrated by half", row(model.VerdictUpdate, "one", "two", migrating), row(model.VerdictUpdate, "one and so", "two"), false},
		{"migrated by half, of equal value", row(model.VerdictUnchanged, "two", "two", migrating, taking), row(model.VerdictUnchanged, "two", "two", taking), false},
		{"migrated by half, to something else", row(model.VerdictUpdate, "one", "two", migrating), row(model.VerdictUpdate, "one", "three"), true},
		{"to be migrated only now", row(model.VerdictUpdate, "one", "two"), row(model.VerdictUpdate, "one", "two", migrating), true},
		{"predicted by the server now", row(model.VerdictUpdate, "one", "two", locally), row(model.VerdictUpdate, "one", "two and more"), false},
		{"predicted locally, and changed live", row(model.VerdictUpdate, "one", "two", locally), row(model.VerdictUpdate, "three", "two"), true},
		{"deleted, with what else", row(model.VerdictDelete, "one", "", leftGit), row(model.VerdictDelete, "one", "", leftGit, func(o *model.PlannedObject) { o.Reason = "with it go 3 objects" }), true},
	} {
		objects, _ := recorded(&model.Plan{Objects: []model.PlannedObject{c.was}})
		moved := movedFromRecord(model.Run{Objects: objects}, &model.Plan{Objects: []model.PlannedObject{c.now}})
		if (len(moved) > 0) != c.moved {
			t.Errorf("%s: moved %v, want %v", c.what, moved, c.moved)
		}
	}
	unknown := movedFromRecord(model.Run{}, &model.Plan{Objects: []model.PlannedObject{row(model.VerdictCreate, "", "two")}})
	if len(unknown) != 1 || unknown[0].Was != "" || unknown[0].Now != model.VerdictCreate {
		t.Errorf("an object that the run does not know: %v", unknown)
	}
}

// The record of a run that is continued says what became of the objects that its
// program could not tell of any more.
func TestContinuedRecordIsTrue(t *testing.T) {
	kept := row(model.VerdictUnchanged, "one", "one", leftGit)
	kept.Reason = "kept: it is somebody's"
	for _, c := range []struct {
		what     string
		verdict  model.Verdict
		result   model.ObjectResult
		now      *model.PlannedObject
		want     model.ObjectResult
		message  string
		knownUID bool
	}{
		{"written, and not told", model.VerdictCreate, model.ResultPending, new(row(model.VerdictUnchanged, "one", "one")), model.ResultApplied, "", true},
		{"failed, and well all the same", model.VerdictUpdate, model.ResultFailed, new(row(model.VerdictUnchanged, "one", "one")), model.ResultApplied, "", true},
		{"told", model.VerdictUpdate, model.ResultReady, new(row(model.VerdictUnchanged, "one", "one")), model.ResultReady, "old", false},
		{"to be written", model.VerdictUpdate, model.ResultPending, new(row(model.VerdictUpdate, "one", "two")), model.ResultPending, "", false},
		{"to be written again", model.VerdictUpdate, model.ResultFailed, new(row(model.VerdictUpdate, "one", "two")), model.ResultPending, "", false},
		{"gone", model.VerdictDelete, model.ResultPending, nil, model.ResultPruned, "", false},
		{"gone, which had failed", model.VerdictDelete, model.ResultFailed, nil, model.ResultPruned, "", false},
		{"kept now", model.VerdictDelete, model.ResultPending, &kept, model.ResultPending, kept.Reason, false},
		{"pruned", model.VerdictDelete, model.ResultPruned, nil, model.ResultPruned, "old", false},
	} {
		objects := []model.RunObject{{ID: id("cart"), Verdict: c.verdict, Result: c.result, Message: "old"}}
		plan := &model.Plan{}
		if c.now != nil {
			plan.Objects = append(plan.Objects, *c.now)
		}
		at := time.Date(2026, 10, 5, 9, 30, 0, 0, time.UTC)
		found := continueObjects(objects, plan, at)
		o := objects[0]
		if o.Result != c.want || o.Message != c.message || (o.UID != "") != c.knownUID {
			t.Errorf("%s: %+v", c.what, o)
		}
		corrected := c.result == model.ResultPending && c.want != c.result // of what failed was told when it did
		if o.At.Equal(at) != corrected || !corrected && !o.At.IsZero() || corrected != slices.Equal(found, objects) || !corrected && len(found) > 0 {
			t.Errorf("%s: at %s, found %+v", c.what, o.At, found)
		}
	}
}

// What was typed and read before a run was begun need not be again, and nothing
// else counts as typed or read.
func TestWhatWasConfirmedBefore(t *testing.T) {
	typed := row(model.VerdictDelete, "one", "", func(o *model.PlannedObject) {
		o.Risks = []model.Risk{{Name: "deletes-data", TypeName: true, Message: "data"}}
	})
	plan := &model.Plan{Environment: "staging", Objects: []model.PlannedObject{typed}}
	objects, _ := recorded(plan)
	run := model.Run{Objects: objects}
	if err := plan.Unconfirmed(typedBefore(run)); err != nil {
		t.Errorf("its name was typed: %v", err)
	}
	run.Objects[0].Typed = false
	if err := plan.Unconfirmed(typedBefore(run)); model.CodeOf(err, model.ExitOK) != model.ExitRequirements {
		t.Errorf("what is lost with it was not known: %v", err)
	}
	if got := reviewedBefore(run); got != nil {
		t.Errorf("nobody was asked to read %v", got)
	}
	run.Requirements = []model.Requirement{{Name: model.RequireReviewed}}
	if got := reviewedBefore(run); got != nil {
		t.Errorf("nobody read %v", got)
	}
	run.Requirements[0].Met = true
	if got := reviewedBefore(run); !slices.Equal(got, []model.ObjectID{id("cart")}) {
		t.Errorf("read were %v", got)
	}
}

// Only what the run was replacing is waited for.
func TestHalfReplaced(t *testing.T) {
	going := func(o *model.PlannedObject) { o.Going = true }
	run := model.Run{Objects: []model.RunObject{{ID: id("cart"), Verdict: model.VerdictReplace, UID: "u1"}}}
	now := &model.Plan{Objects: []model.PlannedObject{row(model.VerdictUnpredictable, "one", "", going)}}
	if got := halfReplaced(run, now); len(got) != 1 {
		t.Errorf("%v is on its way out", got)
	}
	now.Objects[0].Live.UID = "u2"
	if got := halfReplaced(run, now); len(got) != 0 {
		t.Errorf("%v is somebody else's", got)
	}
	run.Objects[0].Verdict, now.Objects[0].Live.UID = model.VerdictUpdate, "u1"
	if got := halfReplaced(run, now); len(got) != 0 {
		t.Errorf("%v was not to be replaced", got)
	}
}

// A second exception does not hide the first.
func TestExceptionsAreBothRecorded(t *testing.T) {
	first := model.Exception{By: "op1", Reason: "a fix", Rules: []string{"the window is closed"}}
	second := model.Exception{By: "op2", Reason: "to end it", Rules: []string{"not approved"}}
	if got := alsoException(nil, second); got.By != "op2" || len(got.Rules) != 1 {
		t.Errorf("%+v", got)
	}
	got := alsoException(&first, second)
	if got.By != "op2" || got.Reason != "a fix (op1); when it was resumed: to end it" || !slices.Equal(got.Rules, []string{"the window is closed", "not approved"}) {
		t.Errorf("%+v", got)
	}
	if first.Reason != "a fix" || also("", "x") != "x" || also("x", "x") != "x" {
		t.Error("what was is changed")
	}
}
