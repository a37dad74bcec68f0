package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	riskMigrates       = "migrates-ownership"
	referenceMigration = "https://kubernetes.io/docs/reference/using-api/server-side-apply/#upgrading-from-client-side-apply-to-server-side-apply"
	// clientSideApply is the field manager of kubectl's client-side apply.
	clientSideApply = "kubectl-client-side-apply"
	// beforeFirstApply is what the server calls whoever set fields before it
	// kept account of that.
	beforeFirstApply = "before-first-apply"
)

// migratable are the field managers under which kubectl applied an object from
// the client's side. What they own was in Git once, and a server-side apply
// alone would leave it there for ever.
//
// Such a manager did updates and is kubectl's client-side apply itself, or has
// written its annotation. Managers are left out that wrote at another API
// version than fairtide does: what they own cannot be joined with what fairtide
// owns, and so it stays.
func migratable(live map[string]any, apiVersion string) []string {
	owners := fieldOwners(live)
	if own := ownEntry(owners); own != nil && own.apiVersion != apiVersion {
		return nil // the next apply writes at this version, and the one after migrates
	}
	found := map[string]bool{}
	for _, o := range owners {
		if o.operation != string(metav1.ManagedFieldsOperationUpdate) || o.subresource != "" {
			continue
		}
		kubectl := o.manager == beforeFirstApply || o.manager == "kubectl" || strings.HasPrefix(o.manager, "kubectl-")
		if o.manager == clientSideApply || kubectl && o.wroteLastApplied() {
			found[o.manager] = true
		}
	}
	for _, o := range owners { // all entries of a name go the same way
		if o.operation == string(metav1.ManagedFieldsOperationUpdate) && o.subresource == "" && o.apiVersion != apiVersion {
			delete(found, o.manager)
		}
	}
	return sets.List(sets.KeySet(found))
}

func (o fieldOwner) wroteLastApplied() bool {
	_, ok := mapAt(o.fields, "f:metadata", "f:annotations")["f:"+lastAppliedAnnotation]
	return ok
}

// compareMigrated makes a verdict of the live object and the server's
// prediction, and of what goes away when ownership is migrated before.
//
// The server cannot be asked for both at once: a dry-run of the migration
// leaves nothing behind for a dry-run of the apply. So what kubectl owned, Git
// does not render and nobody else owns is taken out of the prediction, and the
// rest is sent as a dry-run of its own, which fills in defaults and is refused
// where the apply would be. It reports whether the object moved meanwhile.
func (p *predictor) compareMigrated(ctx context.Context, it *planItem, reply map[string]any) (moved bool, _ error) {
	managers := migratable(it.live, it.object.APIVersion())
	if len(managers) == 0 {
		p.compare(it, reply)
		return false, nil
	}
	wanted := withoutLeftovers(reply, managers)
	body, err := json.Marshal(pinnedMergePatch(it.live, wanted))
	if err != nil {
		return false, fmt.Errorf("%s: the preview of the migration: %w", it.object.ID, err)
	}
	after, err := p.c.resource(it.mapping, it.object.ID.Namespace).Patch(ctx, it.object.ID.Name, types.MergePatchType, body,
		metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: FieldManager})
	if apierrors.IsConflict(err) {
		return true, nil
	}
	if err != nil {
		return false, p.refused(ctx, it, scrub(it, err))
	}
	p.compareTaken(it, reply, after.Object, managers)
	return false, nil
}

// compareTaken makes a verdict of the live object and what a migration from the
// given managers and the apply make of it. reply is what the apply alone does.
func (p *predictor) compareTaken(it *planItem, reply, after map[string]any, managers []string) {
	if len(managers) == 0 {
		p.compare(it, after)
		return
	}
	// Causes are told by who owns a field: what Git dropped is Git's doing.
	live := it.live
	it.live = disowned(live, reply, managers)
	p.compare(it, after)
	it.live = live

	it.planned.Migrates = true
	it.planned.TakesOwnership = it.planned.Verdict == model.VerdictUnchanged
	it.planned.Risks = append(it.planned.Risks, model.Risk{
		Name: riskMigrates, Severity: model.SeverityInfo, Reference: referenceMigration,
		Message: plainLine(fmt.Sprintf("was applied by %s; applying takes its fields over, so that those Git no longer has go away, and removes kubectl's last-applied annotation",
			strings.Join(managers, " and ")), reasonMost),
	})
	sortRisks(it.planned.Risks)
}

// takenOver is a live object as a migration from the given managers leaves it,
// for a prediction without the server. kubectl owns the defaults of what it
// created, too. The server fills them in again after they went away, and here
// nobody does: so only what was in kubectl's last configuration is taken over.
func takenOver(live map[string]any, managers []string) map[string]any {
	if len(managers) == 0 {
		return live
	}
	out, _ := cloneValue(live).(map[string]any)
	var last map[string]any
	if json.Unmarshal([]byte(annotationOf(live, lastAppliedAnnotation)), &last) == nil {
		for _, e := range sliceAt(mapAt(out, "metadata"), "managedFields") {
			entry := asTree(e)
			if name, _ := entry["manager"].(string); slices.Contains(managers, name) && entry["operation"] == "Update" {
				entry["fieldsV1"] = fieldsIn(asTree(entry["fieldsV1"]), last)
			}
		}
	}
	if err := csaupgrade.UpgradeManagedFields(&unstructured.Unstructured{Object: out}, sets.New(managers...), FieldManager); err != nil {
		return live // which keeps what Git dropped; so would the server, that refuses the same
	}
	return out
}

// migrationPatch hands what kubectl owns to fairtide; nil when there is nothing
// to hand over. It takes effect only on the reading it was made from.
//
// The annotation with the last applied configuration is among what kubectl
// owns. The apply that follows does not render it, and so removes it: it would
// have a later `kubectl apply` delete fields by a configuration that is long
// out of date.
func migrationPatch(live map[string]any, managers []string) ([]byte, error) {
	if len(managers) == 0 {
		return nil, nil
	}
	return csaupgrade.UpgradeManagedFieldsPatch(&unstructured.Unstructured{Object: live}, sets.New(managers...), FieldManager)
}

// migrate takes over what kubectl owns, once, on the pinned reading; the pin is
// the reading after that. An object that moved is a conflict. When the write
// ends in between, fairtide owns what Git dropped, and the next plan removes it
// as any other field that left Git.
func (w *objectWriter) migrate(ctx context.Context) error {
	if !w.planned.Migrates || w.migrated {
		return nil
	}
	id := w.it.object.ID
	from := w.c.resource(w.it.mapping, id.Namespace)
	live, err := from.Get(ctx, id.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && liveRef(live.Object) != w.pin {
		return apierrors.NewConflict(w.it.mapping.Resource.GroupResource(), id.Name, errMoved)
	}
	if err != nil {
		return err
	}
	patch, err := migrationPatch(live.Object, migratable(live.Object, w.it.object.APIVersion()))
	if err != nil {
		return model.Errorf(model.ExitRolloutFailed, "%s: not written: its managedFields cannot be migrated: %w", id, err)
	}
	if patch != nil {
		after, err := from.Patch(ctx, id.Name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
		if err != nil {
			return err
		}
		w.pin = liveRef(after.Object)
	}
	w.migrated = true
	return nil
}

// errMoved is what a conflict is about that was found before the server did.
var errMoved = errors.New("the object is no longer at the reading")

// pinnedMergePatch is the JSON merge patch from one object to another, bound to
// the first one's reading.
func pinnedMergePatch(from, to map[string]any) map[string]any {
	patch := mergePatch(from, to)
	metadata, ok := patch["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		patch["metadata"] = metadata
	}
	delete(metadata, "managedFields")
	metadata["resourceVersion"] = metaString(from, "resourceVersion")
	return patch
}

func mergePatch(from, to map[string]any) map[string]any {
	patch := map[string]any{}
	for k, old := range from {
		now, ok := to[k]
		if !ok {
			patch[k] = nil
			continue
		}
		a, isMap := old.(map[string]any)
		b, wasMap := now.(map[string]any)
		switch {
		case isMap && wasMap:
			if sub := mergePatch(a, b); len(sub) > 0 {
				patch[k] = sub
			}
		case !fieldpath.Equal(old, now):
			patch[k] = now
		}
	}
	for k, now := range to {
		if _, ok := from[k]; !ok {
			patch[k] = now
		}
	}
	return patch
}

// withoutLeftovers is a prediction without the fields that go away with the
// migration.
func withoutLeftovers(reply map[string]any, managers []string) map[string]any {
	out, _ := cloneValue(reply).(map[string]any)
	var dropped, kept []map[string]any
	for _, o := range fieldOwners(reply) {
		if o.migrates(managers) {
			dropped = append(dropped, o.fields)
		} else {
			kept = append(kept, o.fields)
		}
	}
	for _, fields := range dropped {
		pruneOwned(out, fields, kept)
	}
	return out
}

func (o fieldOwner) migrates(managers []string) bool {
	return o.operation == string(metav1.ManagedFieldsOperationUpdate) && o.subresource == "" && slices.Contains(managers, o.manager)
}
