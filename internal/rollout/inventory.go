package rollout

import (
	"context"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// The inventory of an environment is what its runs have applied and not pruned.
// A run makes it larger before its first write and smaller after its last one,
// so that a run that is cut off at any point leaves nothing out of it.

// mergeInventory is the old inventory with all that the plan may create. The
// UID of what is created, or made again, is not known yet: the one of an object
// that went before it must not stand for it.
func mergeInventory(old []model.InventoryEntry, plan *model.Plan, rendered map[model.ObjectID]model.Object) []model.InventoryEntry {
	out := slices.Clone(old)
	at := make(map[model.ObjectID]int, len(out))
	for i, e := range out {
		at[e.ID] = i
	}
	for _, o := range plan.Objects {
		obj, ok := rendered[o.ID]
		if !ok {
			continue // it left Git, and is in the inventory, or it would not be in the plan
		}
		e := model.InventoryEntry{ID: o.ID, Version: o.Version, UID: o.Live.UID, Keep: model.KeepMark(obj.Fields)}
		if o.Verdict == model.VerdictCreate || o.Verdict == model.VerdictReplace {
			e.UID = ""
		}
		if i, known := at[o.ID]; known {
			out[i] = e
		} else {
			out = append(out, e)
		}
	}
	return out
}

// inventoryIndex is an inventory by its objects. It is good as long as the list
// is the same: WriteState may return another one.
type inventoryIndex struct {
	list []model.InventoryEntry
	at   map[model.ObjectID]int
}

func indexed(list []model.InventoryEntry) inventoryIndex {
	x := inventoryIndex{list: list, at: make(map[model.ObjectID]int, len(list))}
	for i, e := range list {
		x.at[e.ID] = i
	}
	return x
}

// noteUID notes which object an apply made or wrote.
func (x inventoryIndex) noteUID(written model.InventoryEntry) {
	if i, known := x.at[written.ID]; known && written.UID != "" {
		x.list[i].UID, x.list[i].Version = written.UID, written.Version
	}
}

// keepInventory records the UIDs of what a wave has made, so that a run that is
// cut off later leaves objects that are known for certain. That it cannot be
// written is no reason to stop: the end of the run writes it again.
func (x *execution) keepInventory(ctx context.Context, w model.Wave) {
	made := slices.ContainsFunc(w.Objects, func(o model.PlannedObject) bool {
		return o.Verdict == model.VerdictCreate || o.Verdict == model.VerdictReplace
	})
	if x.sandbox || !made || x.mayWrite(ctx) != nil {
		return
	}
	ctx, cancel := x.toItsEnd(ctx)
	defer cancel()
	written, err := x.site.cluster.WriteState(ctx, x.site.env.Name, x.state)
	if model.CodeOf(err, model.ExitOK) == model.ExitLocked {
		x.lose(err)
		return
	}
	if err != nil {
		x.log.tell(model.Event{Type: model.EventNote, Message: "what was made could not be recorded yet: " + err.Error()})
		return
	}
	x.state = written
}

// toItsEnd is ctx for a write of what is recorded, which a run that is stopped
// meanwhile lets come to its end, within Timing.Close: after one of which nobody
// knows whether it was done, the state could not be written again, and a record
// would stay open.
func (x *execution) toItsEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(x.engine.cfg.Timing.Close):
			cancel()
		case <-lasting.Done():
		}
	})
	return lasting, func() {
		forget()
		cancel()
	}
}

// shrunkInventory is the inventory after everything went well: without what was
// pruned, is gone, or is another's by now. What is kept stays in it, marked as
// having left Git.
func (x *execution) shrunkInventory() []model.InventoryEntry {
	rows := make(map[model.ObjectID]model.Verdict, len(x.reading.plan.Objects))
	for _, o := range x.reading.plan.Objects {
		rows[o.ID] = o.Verdict
	}
	var out []model.InventoryEntry
	for _, e := range x.state.Inventory {
		_, rendered := x.reading.objects[e.ID]
		if !rendered && x.gone(e.ID, rows) {
			continue
		}
		e.Left = !rendered
		out = append(out, e)
	}
	return out
}

// gone reports whether the plan, of which rows are the verdicts, took an object
// that is not rendered out of the environment. What the plan has no row for is
// gone, or not ours any more.
func (x *execution) gone(id model.ObjectID, rows map[model.ObjectID]model.Verdict) bool {
	verdict, known := rows[id]
	if !known {
		return x.site.env.Prune.Enabled
	}
	return verdict == model.VerdictDelete || x.record.result(id) == model.ResultPruned
}
