package cluster

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// rollout is how an update replaces the pods of a workload.
type rollout struct {
	pods    int64 // that are replaced
	total   int64 // that there are to be
	down    int64 // how many of them may be missing at once
	surge   int64 // how many more there may be meanwhile
	how     string
	waiting string // why pods are not replaced although their template changes
}

// rolloutOf says how an update replaces pods; ok is false when the pod template
// stays, or there are no pods.
func (o *riskObject) rolloutOf() (r rollout, ok bool) {
	if !o.is("apps", "Deployment", "StatefulSet", "DaemonSet") || o.verdict != model.VerdictUpdate ||
		fieldpath.Equal(mapAt(o.before, "spec", "template"), mapAt(o.after, "spec", "template")) {
		return r, false
	}
	spec := mapAt(o.after, "spec")
	r.total = min(replicasAt(o.before), replicasAt(o.after))
	if o.id.Kind == "DaemonSet" {
		r.total, _ = number(mapAt(o.live, "status")["desiredNumberScheduled"])
	}
	r.pods = r.total
	switch o.id.Kind {
	case "Deployment":
		r.ofDeployment(spec)
	default:
		r.ofSet(o.id.Kind, mapAt(spec, "updateStrategy"))
	}
	return r, r.total > 0
}

// replicasAt is the number of replicas an object's spec asks for.
func replicasAt(fields map[string]any) int64 {
	if n, ok := number(mapAt(fields, "spec")["replicas"]); ok {
		return n
	}
	return 1 // the server's default, where a side was predicted without it
}

func (r *rollout) ofDeployment(spec map[string]any) {
	strategy := mapAt(spec, "strategy")
	switch {
	case spec["paused"] == true:
		r.waiting = "spec.paused is true: no pod is replaced until it is resumed"
	case strategy["type"] == "Recreate":
		r.down, r.how = r.total, "strategy Recreate"
	default:
		rolling := mapAt(strategy, "rollingUpdate")
		r.down = share(rolling["maxUnavailable"], "25%", r.total, math.Floor)
		r.surge = share(rolling["maxSurge"], "25%", r.total, math.Ceil)
		if r.down == 0 && r.surge == 0 {
			r.down = 1 // as the controller does, or it could never begin
		}
		r.how = fmt.Sprintf("maxUnavailable %s, maxSurge %s", shareText(rolling["maxUnavailable"], "25%"), shareText(rolling["maxSurge"], "25%"))
	}
}

// ofSet is for a StatefulSet or a DaemonSet.
func (r *rollout) ofSet(kind string, strategy map[string]any) {
	rolling := mapAt(strategy, "rollingUpdate")
	if strategy["type"] == "OnDelete" {
		r.waiting = "updateStrategy OnDelete: its pods stay as they are until they are deleted by hand"
		return
	}
	r.down = share(rolling["maxUnavailable"], "1", r.total, math.Ceil)
	r.how = "maxUnavailable " + shareText(rolling["maxUnavailable"], "1")
	if kind == "DaemonSet" {
		if r.surge = share(rolling["maxSurge"], "0", r.total, math.Ceil); r.surge > 0 {
			r.down = share(rolling["maxUnavailable"], "0", r.total, math.Ceil)
		}
		return
	}
	r.how = "one after the other"
	if r.down > 1 {
		r.how = "maxUnavailable " + shareText(rolling["maxUnavailable"], "1")
	}
	if partition, ok := number(rolling["partition"]); ok && partition > 0 {
		r.pods = max(0, r.total-partition)
		r.waiting = fmt.Sprintf("updateStrategy.rollingUpdate.partition is %d: only pods numbered from %d on are replaced, %d of %d",
			partition, partition, r.pods, r.total)
	}
}

// share resolves a number or percentage of a total.
func share(v any, preset string, total int64, round func(float64) float64) int64 {
	text := shareText(v, preset)
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		n, err := strconv.ParseFloat(percent, 64)
		if err != nil {
			return 0
		}
		return min(int64(round(n*float64(total)/100)), total)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return min(n, total)
}

func shareText(v any, preset string) string {
	if n, ok := number(v); ok {
		return strconv.FormatInt(n, 10)
	}
	if s, ok := v.(string); ok {
		return plainLine(s, 20)
	}
	return preset
}

// judgeReplicas judges the pods that an update stops, by the workload alone.
func (o *riskObject) judgeReplicas() {
	was, wasSet := number(mapAt(o.before, "spec")["replicas"])
	now, nowSet := number(mapAt(o.after, "spec")["replicas"])
	if wasSet && nowSet && now < was {
		judge := o.warn
		if now == 0 {
			judge = o.danger
		}
		judge(riskLowersReplicas, "%s lowers replicas from %d to %d", o.name(), was, now)
	}
	r, ok := o.rolloutOf()
	if !ok {
		return
	}
	if r.waiting != "" {
		o.info(riskRolloutHeldBack, "%s: %s", o.name(), r.waiting)
	}
	if r.pods == 0 || r.how == "" {
		return
	}
	pods := fmt.Sprintf("restarts %s of %s", countOf(int(r.pods), "pod"), o.name())
	switch {
	case o.id.Kind == "DaemonSet" && r.down < r.total:
		o.warn(riskRestartsPods, "%s, at most %d at a time (%s); each node is without it meanwhile", pods, r.down, r.how)
	case r.down >= r.total && r.total == 1:
		o.danger(riskRestartsPods, "%s, its only one, which is down until the new one is ready (%s)", pods, r.how)
	case r.down >= r.total && r.pods == r.total:
		o.danger(riskRestartsPods, "%s, all at once (%s): none serves until the new ones are ready", pods, r.how)
	case r.down == 0 && r.total == 1:
		o.warn(riskRestartsPods, "%s, its only one; the new one is started first (%s)", pods, r.how)
	case r.down == 0:
		o.warn(riskRestartsPods, "%s, each after a new one is ready (%s)", pods, r.how)
	default:
		o.warn(riskRestartsPods, "%s, at most %d down at a time (%s)", pods, r.down, r.how)
	}
}

// restarting are the objects of the plan whose pods it replaces.
func (w *riskWorld) restarting() (objects []*riskObject, pods int64) {
	for _, o := range w.objects {
		if r, ok := o.rolloutOf(); ok && o.changes() && r.how != "" && r.pods > 0 {
			objects = append(objects, o)
			pods += r.pods
		}
	}
	return objects, pods
}

// judgeDisruption judges a workload against the disruption budgets and the
// autoscalers that are about it.
func (w *riskWorld) judgeDisruption(o *riskObject) {
	if !o.is("apps", "Deployment", "StatefulSet", "ReplicaSet") || o.after == nil {
		return
	}
	w.judgeAutoscaled(o)
	r, restarts := o.rolloutOf()
	resized := replicasAt(o.before) != replicasAt(o.after)
	if !restarts && !resized && o.before != nil {
		return
	}
	for _, budget := range w.present(budgetKind, o.id.Namespace) {
		total, need, ok := w.budgetOf(budget, o)
		if !ok {
			continue
		}
		name := metaString(budget.fields, "name")
		if restarts && r.pods > 0 && r.how != "" && total-r.down < need {
			o.warn(riskRolloutBelowBudget, "the rollout of %s may leave %d of %s running, fewer than the %d that PodDisruptionBudget %s asks for: a budget holds back evictions, not rollouts",
				o.name(), total-r.down, countOf(int(total), "pod"), need, name)
		}
		if !budget.changed && need >= total {
			o.warn(riskBudgetBlocks, "PodDisruptionBudget %s asks for %d of the %s of %s: no node that runs one can be drained",
				name, need, countOf(int(total), "pod"), o.name())
		}
	}
}

// budgetOf says how many pods of a workload a budget wants to have; ok is false
// when the budget is not about it, or about others too. A budget that counts
// fewer pods than there are to be has not seen them all yet.
func (w *riskWorld) budgetOf(budget presentObject, o *riskObject) (total, need int64, ok bool) {
	t, isTemplate := o.templateAfter()
	selector := mapAt(budget.fields, "spec", "selector")
	total = replicasAt(o.after)
	if !isTemplate || total == 0 || isEmpty(selector) || !selects(selector, t.labels) {
		return 0, 0, false
	}
	if expected, known := number(mapAt(budget.fields, "status")["expectedPods"]); known && o.before != nil && expected > replicasAt(o.before) {
		return 0, 0, false
	}
	for _, other := range w.objects {
		if other == o || other.id.Namespace != o.id.Namespace || !other.stays() {
			continue
		}
		if t, isTemplate := other.templateAfter(); isTemplate && selects(selector, t.labels) {
			return 0, 0, false
		}
	}
	spec := mapAt(budget.fields, "spec")
	if v, set := spec["maxUnavailable"]; set {
		return total, total - share(v, "0", total, math.Ceil), true
	}
	v, set := spec["minAvailable"]
	if !set {
		v = int64(1) // the server's default
	}
	if text := shareText(v, ""); strings.HasSuffix(text, "%") {
		return total, share(v, "", total, math.Ceil), true
	}
	need, isNumber := number(v)
	return total, need, isNumber
}

// judgeAutoscaled finds an autoscaler that sets what Git sets too.
func (w *riskWorld) judgeAutoscaled(o *riskObject) {
	replicas, set := number(mapAt(o.rendered, "spec")["replicas"])
	if !set {
		return
	}
	for _, scaler := range w.present(autoscalerKind, o.id.Namespace) {
		spec := mapAt(scaler.fields, "spec")
		target := mapAt(spec, "scaleTargetRef")
		group, _, _ := strings.Cut(textAt(target, "apiVersion"), "/")
		if target["kind"] != o.id.Kind || target["name"] != o.id.Name || group != o.id.Group {
			continue
		}
		least, ok := number(spec["minReplicas"])
		if !ok {
			least = 1 // the server's default
		}
		most, _ := number(spec["maxReplicas"])
		o.warn(riskReplicasFought, "%s has replicas: %d in Git, and HorizontalPodAutoscaler %s sets it too (%d to %d): each apply takes it back; leave it out of Git",
			o.name(), replicas, metaString(scaler.fields, "name"), least, most)
	}
}

// judgeBudget judges a disruption budget that the plan writes.
func (w *riskWorld) judgeBudget(o *riskObject) {
	if !o.is("policy", "PodDisruptionBudget") {
		return
	}
	if !o.stays() {
		return
	}
	budget := presentObject{id: o.id, fields: o.after, changed: true}
	for _, other := range w.objects {
		if other.id.Namespace != o.id.Namespace || !other.stays() || !other.is("apps", "Deployment", "StatefulSet") {
			continue
		}
		if total, need, ok := w.budgetOf(budget, other); ok && need >= total {
			o.warn(riskBudgetBlocks, "%s asks for %d of the %s of %s: no node that runs one can be drained", o.name(), need, countOf(int(total), "pod"), other.name())
		}
	}
	if v, set := mapAt(o.after, "spec")["maxUnavailable"]; set && (shareText(v, "") == "0" || shareText(v, "") == "0%") {
		o.warn(riskBudgetBlocks, "%s has maxUnavailable: 0: no pod it selects can be evicted, and no node that runs one drained", o.name())
	}
}
