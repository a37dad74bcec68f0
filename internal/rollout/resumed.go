package rollout

import (
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// askOf asks for the plan that a run was approved for.
func askOf(run model.Run) model.PlanAsk {
	ask := model.PlanAsk{Commit: run.Commit, Keep: run.Kept}
	for _, o := range run.Objects {
		ask.Replace = ask.Replace || o.Verdict == model.VerdictReplace
	}
	return ask
}

// movedFromRecord lists the objects that a plan would write otherwise than the
// run's approval said. What the run has written is no longer written, and what
// it was cut off in is written the rest of the way.
func movedFromRecord(run model.Run, now *model.Plan) []model.Moved {
	was := make(map[model.ObjectID]model.RunObject, len(run.Objects))
	for _, o := range run.Objects {
		was[o.ID] = o
	}
	var out []model.Moved
	for _, o := range now.Objects {
		if !o.Writes() {
			continue
		}
		w, known := was[o.ID]
		if !known || !sameApproval(w, o) {
			out = append(out, model.Moved{ID: o.ID, Was: w.Verdict, Now: o.Verdict})
		}
	}
	return out
}

// sameApproval reports whether an object that is still to be written is what
// was approved: as it was then, or half way from there to what was approved.
// The commit is the same in any case.
func sameApproval(was model.RunObject, now model.PlannedObject) bool {
	switch {
	case was.Digest != "" && was.Digest == now.ApprovedDigest():
		return true
	case was.Verdict == model.VerdictCreate || was.Verdict == model.VerdictReplace:
		// A replaced object was deleted and not made again. What is created is
		// what the commit renders, whatever the server was known to add.
		return now.Verdict == model.VerdictCreate
	case was.Migrates && !now.Migrates:
		// One whose fields are taken over lost its old owner first. What it is
		// to become is the same.
		return now.Verdict != model.VerdictReplace && was.After != "" && was.After == now.AfterDigest()
	}
	// What was predicted without the server is predicted by it now, maybe with
	// more. The live object is the one that was approved to be changed.
	return was.Verdict == now.Verdict && was.Migrates == now.Migrates && was.Before != "" && was.Before == now.BeforeDigest()
}

// halfReplaced are the objects that a run was replacing when it was cut off and
// that are on their way out.
func halfReplaced(run model.Run, now *model.Plan) []model.PlannedObject {
	was := make(map[model.ObjectID]model.RunObject, len(run.Objects))
	for _, o := range run.Objects {
		was[o.ID] = o
	}
	var out []model.PlannedObject
	for _, o := range now.Objects {
		if w := was[o.ID]; o.Going && w.Verdict == model.VerdictReplace && w.UID == o.Live.UID {
			out = append(out, o)
		}
	}
	return out
}

// typedBefore are the objects whose names were typed when a run was begun.
func typedBefore(run model.Run) []string {
	var ids []model.ObjectID
	for _, o := range run.Objects {
		if o.Typed {
			ids = append(ids, o.ID)
		}
	}
	return model.Refs(ids)
}

// reviewedBefore are the objects whose diffs were read before a run was begun,
// where its environment asked for that. Without, nobody said so.
func reviewedBefore(run model.Run) []model.ObjectID {
	if !slices.ContainsFunc(run.Requirements, func(r model.Requirement) bool { return r.Name == model.RequireReviewed && r.Met }) {
		return nil
	}
	var out []model.ObjectID
	for _, o := range run.Objects {
		out = append(out, o.ID)
	}
	return out
}

// continueObjects says in a run's record what became of its objects, by a plan
// of what is left: what the plan does not write any more was written, though
// the record does not know it, unless it is an object that was to be deleted
// and is there. at is when that was found. It returns those that turn out to
// have been written, as they are recorded now: not those that had failed, of
// which was told then.
func continueObjects(objects []model.RunObject, now *model.Plan, at time.Time) []model.RunObject {
	var found []model.RunObject
	rows := make(map[model.ObjectID]model.PlannedObject, len(now.Objects))
	for _, o := range now.Objects {
		rows[o.ID] = o
	}
	for i := range objects {
		o := &objects[i]
		was := o.Result
		row, known := rows[o.ID]
		switch {
		case known && row.Writes():
			o.Result, o.Message = model.ResultPending, ""
		case o.Result != model.ResultPending && o.Result != model.ResultFailed:
		case o.Verdict == model.VerdictDelete && known:
			o.Result, o.Message = model.ResultPending, row.Reason
		case o.Verdict == model.VerdictDelete:
			o.Result, o.Message = model.ResultPruned, ""
		default:
			o.Result, o.Message, o.UID = model.ResultApplied, "", row.Live.UID
		}
		if was == model.ResultPending && o.Result != was {
			o.At = at
			found = append(found, *o)
		}
	}
	return found
}

// leftIsApproved tells that a run may be continued.
func leftIsApproved(run string) string {
	return "what is left of run " + run + " is as it was approved"
}

// takenAt is when whoever writes the record of a run began to.
func takenAt(run model.Run) time.Time {
	if n := len(run.Attempts); n > 0 {
		return run.Attempts[n-1].At
	}
	return run.StartedAt
}

// also is what is recorded of a run when there is more to record of the same.
func also(was, more string) string {
	if was == "" || was == more {
		return more
	}
	return was + "; when it was resumed: " + more
}

// alsoException is the exceptions of a run and of its continuation as one.
func alsoException(was *model.Exception, more model.Exception) *model.Exception {
	if was == nil {
		return &more
	}
	more.Rules = slices.Concat(was.Rules, more.Rules)
	more.Reason = also(was.Reason+" ("+was.Who()+")", more.Reason)
	return &more
}
