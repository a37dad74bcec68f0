package cluster

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

// The names of the risks that a replacement is marked with, besides those that
// other verdicts have too.
const (
	riskReplacesObject = "replaces-object"
	riskUnchecked      = "replacement-unchecked"
	riskDeletesHistory = "deletes-history"
	riskRunsAgain      = "runs-again"
	riskChangesAddress = "changes-address"
	riskKeepsVolumes   = "keeps-volumes"
	riskStopsPods      = "stops-pods"
)

// replacePages are where these risks are explained.
var replacePages = map[string]string{
	riskReplacesObject: docsPage + "concepts/overview/working-with-objects/",
	riskUnchecked:      docsPage + "concepts/overview/working-with-objects/",
	riskStopsPods:      docsPage + "concepts/workloads/pods/pod-lifecycle/",
	riskDeletesHistory: docsPage + "concepts/workloads/controllers/job/",
	riskRunsAgain:      docsPage + "concepts/workloads/controllers/job/",
	riskChangesAddress: docsPage + "concepts/services-networking/service/",
	riskKeepsVolumes:   docsPage + "concepts/workloads/controllers/statefulset/",
	riskHasFinalizers:  docsPage + "concepts/overview/working-with-objects/finalizers/",
	riskDeletesData:    docsPage + "concepts/storage/persistent-volumes/",
}

func replaceRisk(severity model.Severity, name, format string, args ...any) model.Risk {
	return model.Risk{Name: name, Severity: severity, Reference: replacePages[name], Message: plainLine(fmt.Sprintf(format, args...), riskMost)}
}

var volumeGVR = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}

// replaceRisks is what it costs to delete a live object and make it again.
func (p *predictor) replaceRisks(ctx context.Context, it *planItem) []model.Risk {
	id := it.object.ID
	whole := typed(replaceRisk(model.SeverityDanger, riskReplacesObject, "is deleted and made again, and does not exist in between: %s", it.planned.Reason))
	risks := []model.Risk{whole}
	add := func(name string, severity model.Severity, format string, args ...any) {
		risks = append(risks, replaceRisk(severity, name, format, args...))
	}
	if n := runningPods(id, it.live); n > 0 {
		add(riskStopsPods, model.SeverityDanger, "stops %s at once; none runs until the new ones are ready", countOf(int(n), "pod"))
	}
	switch (model.ObjectID{Group: id.Group, Kind: id.Kind}) {
	case model.ObjectID{Kind: "PersistentVolumeClaim"}:
		risks = append(risks, p.claimRisk(ctx, it.live))
	case model.ObjectID{Group: "apps", Kind: "StatefulSet"}:
		if r, ok := volumesRisk(it.live); ok {
			risks = append(risks, r)
		}
	case model.ObjectID{Group: "batch", Kind: "Job"}:
		status := mapAt(it.live, "status")
		succeeded, _ := number(status["succeeded"])
		failed, _ := number(status["failed"])
		add(riskDeletesHistory, model.SeverityWarning, "the record of this Job (%d succeeded, %d failed), its pods and their logs are deleted", succeeded, failed)
		add(riskRunsAgain, model.SeverityWarning, "the Job runs again from its start")
	case model.ObjectID{Group: crdKind.Group, Kind: crdKind.Kind}:
		add(riskDeletesData, model.SeverityDanger, "deletes every object of the kind %s, in all namespaces", id.Name)
	}
	risks = append(risks, addressRisks(it)...)
	if held := finalizers(it.live); len(held) > 0 {
		add(riskHasFinalizers, model.SeverityInfo, "is gone, and can be made again, only when %s lets it go", finalizerWords(held))
	}
	return risks
}

// runningPods is how many pods a live workload has.
func runningPods(id model.ObjectID, live map[string]any) int64 {
	status := mapAt(live, "status")
	var n int64
	switch (schema.GroupKind{Group: id.Group, Kind: id.Kind}) {
	case schema.GroupKind{Kind: "Pod"}:
		if phase := status["phase"]; phase != "Succeeded" && phase != "Failed" {
			n = 1
		}
	case schema.GroupKind{Group: "apps", Kind: "DaemonSet"}:
		n, _ = number(status["currentNumberScheduled"])
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		n, _ = number(status["active"])
	default:
		if mapAt(live, "spec", "template") != nil {
			n, _ = number(status["replicas"])
		}
	}
	return n
}

// claimRisk says what becomes of the data of a claim, by its volume's policy.
func (p *predictor) claimRisk(ctx context.Context, claim map[string]any) model.Risk {
	name, _ := mapAt(claim, "spec")["volumeName"].(string)
	if name == "" {
		return replaceRisk(model.SeverityInfo, riskDeletesData, "the claim has no volume, so no data is lost")
	}
	volume, err := p.c.dyn.Resource(volumeGVR).Get(ctx, name, metav1.GetOptions{})
	if err != nil { // many operators may not read volumes
		return typed(replaceRisk(model.SeverityDanger, riskDeletesData, "deletes the data of volume %s, unless its reclaim policy keeps it", name))
	}
	policy := textAt(mapAt(volume.Object, "spec"), "persistentVolumeReclaimPolicy")
	if policy == "Retain" {
		return replaceRisk(model.SeverityWarning, riskDeletesData,
			"volume %s keeps its data (reclaim policy Retain), but the new claim gets another, empty one", name)
	}
	return typed(replaceRisk(model.SeverityDanger, riskDeletesData, "deletes the data of volume %s (reclaim policy %s)", name, policy))
}

func typed(r model.Risk) model.Risk {
	r.TypeName = true
	return r
}

// volumesRisk says what becomes of the volumes of a StatefulSet's pods.
func volumesRisk(set map[string]any) (model.Risk, bool) {
	spec := mapAt(set, "spec")
	var names []string
	for _, t := range sliceAt(spec, "volumeClaimTemplates") {
		template, _ := t.(map[string]any)
		names = append(names, plainLine(metaString(template, "name"), 60))
	}
	if len(names) == 0 {
		return model.Risk{}, false
	}
	list := strings.Join(names, ", ")
	if mapAt(spec, "persistentVolumeClaimRetentionPolicy")["whenDeleted"] == "Delete" {
		return typed(replaceRisk(model.SeverityDanger, riskDeletesData,
			"deletes the volumes of its pods with their data (%s): its retention policy says whenDeleted: Delete", list)), true
	}
	return replaceRisk(model.SeverityInfo, riskKeepsVolumes,
		"the volume claims of its pods stay (%s), as they are; new pods use those that have the same name", list), true
}

// addressRisks says which addresses an object gives up that others may use.
func addressRisks(it *planItem) []model.Risk {
	var risks []model.Risk
	var balancers []string
	for _, i := range sliceAt(mapAt(it.live, "status", "loadBalancer"), "ingress") {
		ingress, _ := i.(map[string]any)
		for _, key := range []string{"ip", "hostname"} {
			if s, ok := ingress[key].(string); ok {
				balancers = append(balancers, plainLine(s, 120))
			}
		}
	}
	if len(balancers) > 0 {
		risks = append(risks, replaceRisk(model.SeverityDanger, riskChangesAddress,
			"gives up the load balancer's address %s and gets another one", strings.Join(balancers, ", ")))
	}
	if it.object.ID.Group != "" || it.object.ID.Kind != "Service" {
		return risks
	}
	ip, _ := mapAt(it.live, "spec")["clusterIP"].(string)
	wants := mapAt(it.object.Fields, "spec")["clusterIP"]
	if ip != "" && ip != corev1.ClusterIPNone && wants != any(ip) {
		risks = append(risks, replaceRisk(model.SeverityWarning, riskChangesAddress,
			"gives up cluster IP %s; who has resolved its name keeps asking there", ip))
	}
	return risks
}
