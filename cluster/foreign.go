package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// The names of the risks that come from who else holds an object.
const (
	riskForeignOwner = "foreign-owner"
	riskAdopts       = "adopts-object"
	riskConflicts    = "conflicts-with"

	referenceShared    = docsPage + "concepts/overview/working-with-objects/common-labels/"
	referenceAdopts    = docsPage + "reference/using-api/server-side-apply/#field-management"
	referenceConflicts = docsPage + "reference/using-api/server-side-apply/#conflicts"
)

// foreignOwner is who else keeps an object as it is.
type foreignOwner struct {
	name      string // as the operator knows it: "Argo CD application shop"
	undoes    bool   // it runs in the cluster and puts the object back
	reference string
}

// mark reads what one tool writes on the objects it keeps; ok is false when the
// object has no such mark, or one that is about another object.
type mark func(id model.ObjectID, live map[string]any) (o foreignOwner, ok bool)

// marks are the tools whose marks are known, from their documentation; those
// that run in the cluster come first.
var marks = []mark{
	fluxKustomization, fluxRelease, argoApplication, configSync, controllerOwner, kappApp, cliUtilsInventory, applySetMember, helmRelease,
}

// foreignOwners are all who keep a live object, the gravest first. ownSet is the
// ApplySet of the plan's environment, and other is another environment that
// applies the object, too.
func foreignOwners(id model.ObjectID, live map[string]any, ownSet, other string) []foreignOwner {
	var out []foreignOwner
	for _, read := range marks {
		o, ok := read(id, live)
		if !ok || o.name == applySetName(ownSet) {
			continue
		}
		o.name = plainLine(o.name, 160)
		out = append(out, o)
	}
	if other != "" {
		out = append(out, foreignOwner{name: "fairtide environment " + plainLine(other, 60), reference: referenceShared})
	}
	slices.SortStableFunc(out, func(a, b foreignOwner) int {
		switch {
		case a.undoes == b.undoes:
			return 0
		case a.undoes:
			return -1
		}
		return 1
	})
	return out
}

func labelOf(live map[string]any, key string) string {
	s, _ := mapAt(live, "metadata", "labels")[key].(string)
	return s
}

func annotationOf(live map[string]any, key string) string {
	s, _ := mapAt(live, "metadata", "annotations")[key].(string)
	return s
}

func disabled(live map[string]any, key string) bool {
	return strings.EqualFold(labelOf(live, key), "disabled") || strings.EqualFold(annotationOf(live, key), "disabled")
}

func qualified(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

func fluxKustomization(_ model.ObjectID, live map[string]any) (foreignOwner, bool) {
	const group = "kustomize.toolkit.fluxcd.io/"
	name := labelOf(live, group+"name")
	return foreignOwner{
		name:      "Flux Kustomization " + qualified(labelOf(live, group+"namespace"), name),
		undoes:    !disabled(live, group+"reconcile"),
		reference: "https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources",
	}, name != ""
}

func fluxRelease(_ model.ObjectID, live map[string]any) (foreignOwner, bool) {
	const group = "helm.toolkit.fluxcd.io/"
	name := labelOf(live, group+"name")
	return foreignOwner{
		name:      "Flux HelmRelease " + qualified(labelOf(live, group+"namespace"), name),
		undoes:    !disabled(live, group+"driftDetection"),
		reference: "https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection",
	}, name != ""
}

// argoApplication reads the tracking id, which names the object it was written
// for: on a copy of it the id is about something else. The label that Argo CD
// uses otherwise is one that many tools set; it counts where Argo CD's own
// field manager shows that it has been there.
func argoApplication(id model.ObjectID, live map[string]any) (foreignOwner, bool) {
	o := foreignOwner{undoes: true, reference: "https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/"}
	app, about, found := strings.Cut(annotationOf(live, "argocd.argoproj.io/tracking-id"), ":")
	if found && app != "" && strings.HasPrefix(about, id.Group+"/"+id.Kind+":") && strings.HasSuffix(about, "/"+id.Name) {
		o.name = "Argo CD application " + app
		return o, true
	}
	app = labelOf(live, "app.kubernetes.io/instance")
	seen := slices.ContainsFunc(fieldOwners(live), func(f fieldOwner) bool { return strings.HasPrefix(f.manager, "argocd-") })
	o.name = "Argo CD application " + app
	return o, app != "" && seen
}

func configSync(_ model.ObjectID, live map[string]any) (foreignOwner, bool) {
	return foreignOwner{
		name:      "Config Sync " + annotationOf(live, "configsync.gke.io/manager"),
		undoes:    true,
		reference: "https://cloud.google.com/kubernetes-engine/enterprise/config-sync/docs/how-to/managing-objects",
	}, annotationOf(live, "configmanagement.gke.io/managed") == "enabled"
}

func controllerOwner(_ model.ObjectID, live map[string]any) (foreignOwner, bool) {
	for _, r := range sliceAt(mapAt(live, "metadata"), "ownerReferences") {
		if ref, ok := r.(map[string]any); ok && ref["controller"] == true {
			return foreignOwner{
				name: fmt.Sprintf("%v %v", ref["kind"], ref["name"]), undoes: true,
				reference: "https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/",
			}, true
		}
	}
	return foreignOwner{}, false
}

func kappApp(_ model.ObjectID, live map[string]any) (foreignOwner, bool) {
	app := labelOf(live, "kapp.k14s.io/app")
	return foreignOwner{name: "kapp app " + app, reference: "https://carvel.dev/kapp/docs/latest/state-namespace/"}, app != ""
}

func cliUtilsInventory(_ model.ObjectID, live map[string]any) (foreignOwner, bool) {
	inventory := annotationOf(live, "config.k8s.io/owning-inventory")
	return foreignOwner{name: "kpt inventory " + inventory, reference: "https://kpt.dev/reference/annotations/"},
		inventory != "" && annotationOf(live, "configmanagement.gke.io/managed") != "enabled"
}

func applySetName(set string) string { return "ApplySet " + set }

func applySetMember(_ model.ObjectID, live map[string]any) (foreignOwner, bool) {
	set := labelOf(live, "applyset.kubernetes.io/part-of")
	return foreignOwner{name: applySetName(set), reference: "https://git.k8s.io/enhancements/keps/sig-cli/3659-kubectl-apply-prune"}, set != ""
}

// helmRelease is the release that installed an object. One that Flux released
// has the same annotations, and is Flux's.
func helmRelease(_ model.ObjectID, live map[string]any) (foreignOwner, bool) {
	const group = "meta.helm.sh/"
	name := annotationOf(live, group+"release-name")
	return foreignOwner{
		name:      "Helm release " + qualified(annotationOf(live, group+"release-namespace"), name),
		reference: "https://helm.sh/docs/faq/changes_since_helm2/",
	}, name != "" && labelOf(live, "helm.toolkit.fluxcd.io/name") == ""
}

// markForeign says of every rendered object that exists who else keeps it, who
// else applies it, and whether fairtide takes it over only now.
func (p *predictor) markForeign(ctx context.Context, items []*planItem, inventory []model.InventoryEntry) error {
	exists := func(it *planItem) bool { return it.live != nil }
	if !slices.ContainsFunc(items, exists) {
		return nil
	}
	claims, err := p.otherClaims(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(inventory))
	for _, e := range inventory {
		known[e.UID] = true
	}
	ownSet := applySetID(stateName(p.env.Name), p.c.cfg.StateNamespace)
	for _, it := range items {
		if exists(it) {
			uid := metaString(it.live, "uid")
			p.markOwners(it, foreignOwners(it.object.ID, it.live, ownSet, claims.of(it.object.ID, uid)), known[uid])
		}
	}
	return nil
}

func (p *predictor) markOwners(it *planItem, owners []foreignOwner, known bool) {
	var names []string
	for _, o := range owners {
		names = append(names, o.name)
	}
	it.planned.Owner = strings.Join(names, ", ")
	if !it.planned.Writes() {
		return
	}
	for _, o := range owners {
		r := model.Risk{Name: riskForeignOwner, Severity: model.SeverityWarning, Reference: o.reference,
			Message: o.name + " keeps this object, too; what is applied here it may change back"}
		if o.undoes {
			r.Severity = model.SeverityDanger
			r.Message = o.name + " keeps this object as it is and will undo the change; take it out there first"
		}
		it.planned.Risks = append(it.planned.Risks, r)
	}
	it.planned.Risks = append(it.planned.Risks, conflictRisks(it)...)
	if !known && !slices.ContainsFunc(fieldOwners(it.live), func(o fieldOwner) bool { return o.manager == FieldManager }) {
		it.planned.Risks = append(it.planned.Risks, model.Risk{Name: riskAdopts, Severity: model.SeverityWarning, Reference: referenceAdopts,
			Message: "exists and was never applied by fairtide" + madeBy(it.live) + "; applying takes it over, and prunes it once it leaves Git"})
	}
	sortRisks(it.planned.Risks)
}

// madeBy names who set fields of an object first, as far as that is known.
func madeBy(live map[string]any) string {
	owners := slices.DeleteFunc(fieldOwners(live), func(o fieldOwner) bool { return o.subresource != "" || o.ours() })
	if len(owners) == 0 {
		return ""
	}
	first := slices.MinFunc(owners, func(a, b fieldOwner) int { return a.at.Compare(b.at) })
	return ", but by " + plainLine(first.manager, 60)
}

// conflictRisks name, for each other client of server-side apply, the fields
// that applying takes from it and what it wants there.
func conflictRisks(it *planItem) []model.Risk {
	changes := fieldpath.Diff(it.planned.Before, it.planned.After)
	var out []model.Risk
	for _, o := range fieldOwners(it.live) {
		if o.operation != string(metav1.ManagedFieldsOperationApply) || o.ours() {
			continue
		}
		const shown = 3
		var lost []string
		for _, c := range changes {
			if c.HasOld && o.owns(c.Steps) != ownsNothing {
				lost = append(lost, fmt.Sprintf("%s (%s)", c.Path, showValue(c.Old)))
			}
		}
		if len(lost) == 0 {
			continue
		}
		if more := len(lost) - shown; more > 0 {
			lost = append(lost[:shown], fmt.Sprintf("and %d more fields", more))
		}
		out = append(out, model.Risk{Name: riskConflicts, Severity: model.SeverityWarning, Reference: referenceConflicts,
			Message: fmt.Sprintf("%s applies the same fields and loses what it set: %s", plainLine(o.manager, 60), strings.Join(lost, ", "))})
	}
	return out
}
