package model

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Wave is a group of objects that are applied together, before the next one.
type Wave struct {
	Name    string
	Objects []PlannedObject
	// Settle is set when the wave has to be ready before the next may start,
	// because the next one's objects cannot exist without it.
	Settle bool
	Prune  bool
}

// The waves, in order.
const (
	waveFoundation = iota // what others need in order to exist at all
	waveConfig
	waveWorkloads
	waveRest
	waveLate // what can stand in the way of the others' writes
	wavePrune
	waveCount // less than stages
)

var waveNames = [waveCount]string{
	"namespaces and definitions", "configuration and RBAC", "workloads and services",
	"custom resources and the rest", "webhooks and API services", "prune",
}

// kindOrder places a kind in a wave, and inside it. Kinds that are not named
// are in waveRest. The order follows what Flux and Helm have found to work.
var kindOrder = map[string]struct{ wave, rank int }{
	"CustomResourceDefinition": {waveFoundation, 0},
	"Namespace":                {waveFoundation, 1},

	"PriorityClass": {waveConfig, 0}, "StorageClass": {waveConfig, 0}, "RuntimeClass": {waveConfig, 0},
	"IngressClass": {waveConfig, 0}, "GatewayClass": {waveConfig, 0}, "VolumeSnapshotClass": {waveConfig, 0},
	"ResourceQuota": {waveConfig, 1}, "LimitRange": {waveConfig, 1},
	"ServiceAccount": {waveConfig, 2},
	"ClusterRole":    {waveConfig, 3}, "Role": {waveConfig, 3},
	"ClusterRoleBinding": {waveConfig, 4}, "RoleBinding": {waveConfig, 4},
	"ConfigMap": {waveConfig, 5}, "Secret": {waveConfig, 5},
	"PersistentVolume": {waveConfig, 6}, "PersistentVolumeClaim": {waveConfig, 7},
	"NetworkPolicy": {waveConfig, 8},

	"Service": {waveWorkloads, 0}, "PodDisruptionBudget": {waveWorkloads, 1},
	"Deployment": {waveWorkloads, 2}, "StatefulSet": {waveWorkloads, 2}, "DaemonSet": {waveWorkloads, 2},
	"ReplicaSet": {waveWorkloads, 2}, "Pod": {waveWorkloads, 2}, "Job": {waveWorkloads, 2}, "CronJob": {waveWorkloads, 2},

	"MutatingWebhookConfiguration":   {waveLate, 0},
	"ValidatingWebhookConfiguration": {waveLate, 0},
	"APIService":                     {waveLate, 1},
}

// Waves sorts the objects that a plan writes into the order of applying:
// first what others cannot exist without, deletions last and in reverse.
// Objects the plan does not write are left out, and so are empty waves.
//
// Annotations refine the order: what they put earlier or later (see WaveKey) is
// in waves of its own, each with its kinds in the usual order. Namespaces and
// definitions come first whatever they say.
func (p *Plan) Waves() []Wave {
	at := map[WaveKey][]PlannedObject{}
	for i := range p.Objects {
		if key, ok := p.Objects[i].InWave(); ok {
			at[key] = append(at[key], p.Objects[i])
		}
	}
	var out []Wave
	for _, key := range slices.Sorted(maps.Keys(at)) {
		objects := at[key]
		slices.SortStableFunc(objects, func(a, b PlannedObject) int { return CompareApplied(&a, &b) })
		out = append(out, Wave{Name: key.Name(), Objects: objects, Settle: key == foundation, Prune: key == pruning})
	}
	return out
}

// WaveKey is the place of a wave in the order of applying: the lesser comes
// first. It is made of the phase that a hook's annotation asks for, of the
// number that an annotation gives, and of what the kind is.
//
// The annotations are fairtide.dev/wave, else argocd.argoproj.io/sync-wave with
// argocd.argoproj.io/hook, else helm.sh/hook with helm.sh/hook-weight. A number
// that is none, or beyond 32 bits, counts as 0, as Argo CD has it.
type WaveKey int64

const (
	foundation WaveKey = 0
	pruning    WaveKey = math.MaxInt64 - 1 // so that there is one more

	stages      = 8       // room for the kinds' waves
	numbers     = 1 << 32 // of the annotations
	firstNumber = 1 << 31 // what is added to make them positive
)

// The phases of hooks.
const (
	phaseBefore = iota
	phaseMain
	phaseAfter
)

func waveKey(phase int, number int64, stage int) WaveKey {
	return WaveKey(1 + (int64(phase)*numbers+number+firstNumber)*stages + int64(stage))
}

// Name is what the wave is called.
func (k WaveKey) Name() string {
	switch {
	case k == pruning:
		return waveNames[wavePrune]
	case k <= foundation:
		return waveNames[waveFoundation]
	}
	rest := int64(k) - 1
	name := waveNames[rest%stages]
	rest /= stages
	number := rest%numbers - firstNumber
	switch rest / numbers {
	case phaseBefore:
		name += ", before the others"
	case phaseAfter:
		name += ", after the others"
	}
	if number != 0 {
		name += fmt.Sprintf(", order %d", number)
	}
	return name
}

// InWave is which wave an object is written in. ok is false when it is not
// written.
func (o *PlannedObject) InWave() (key WaveKey, ok bool) {
	switch {
	case o.Verdict == VerdictUnchanged && !o.TakesOwnership: // as Writes has it, without a copy
		return 0, false
	case o.Verdict == VerdictDelete:
		return pruning, true
	}
	return o.applied(), true
}

// applied is the wave that an object is applied in, or was when it is deleted.
func (o *PlannedObject) applied() WaveKey {
	stage := placeOf(o.ID).wave
	if stage == waveFoundation {
		return foundation
	}
	side := o.After
	if side == nil {
		side = o.Before
	}
	phase, number := annotatedOrder(side)
	return waveKey(phase, number, stage)
}

// OrderedBy is the annotations, as "name: value", by which an object is applied
// earlier or later than its kind is; empty: there are none.
func (o *PlannedObject) OrderedBy() string {
	side := o.After
	if side == nil {
		side = o.Before
	}
	if placeOf(o.ID).wave == waveFoundation {
		return ""
	}
	text := annotationsOf(side)
	keys := []string{"helm.sh/hook", "helm.sh/hook-weight"}
	switch {
	case text("fairtide.dev/wave") != "":
		keys = []string{"fairtide.dev/wave"}
	case text("argocd.argoproj.io/hook") != "" || text("argocd.argoproj.io/sync-wave") != "":
		keys = []string{"argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave"}
	case text("helm.sh/hook") == "":
		return ""
	}
	var out []string
	for _, key := range keys {
		if v := text(key); v != "" {
			out = append(out, key+": "+v)
		}
	}
	return strings.Join(out, ", ")
}

// annotationsOf looks up the annotations of an object.
func annotationsOf(object map[string]any) func(key string) string {
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	return func(key string) string {
		v, _ := annotations[key].(string)
		return strings.TrimSpace(v)
	}
}

// annotatedOrder is what the annotations of an object say of when it is applied.
func annotatedOrder(object map[string]any) (phase int, number int64) {
	text := annotationsOf(object)
	count := func(key string) int64 {
		n, err := strconv.ParseInt(text(key), 10, 32)
		if err != nil {
			return 0
		}
		return n
	}
	argo, helm := text("argocd.argoproj.io/hook"), text("helm.sh/hook")
	switch {
	case text("fairtide.dev/wave") != "":
		return phaseMain, count("fairtide.dev/wave")
	case argo != "" || text("argocd.argoproj.io/sync-wave") != "":
		return hookPhase(argo, "PreSync", "PostSync"), count("argocd.argoproj.io/sync-wave")
	case helm != "":
		return hookPhase(helm, "pre-", "post-"), count("helm.sh/hook-weight")
	}
	return phaseMain, 0
}

// hookPhase is the phase of the first of some hooks, which are apart by commas.
func hookPhase(hooks, before, after string) int {
	switch {
	case strings.HasPrefix(hooks, before):
		return phaseBefore
	case strings.HasPrefix(hooks, after):
		return phaseAfter
	}
	return phaseMain
}

// CompareApplied orders objects that are written as they are applied: by wave,
// and inside it what others need first; deletions the other way round.
func CompareApplied(a, b *PlannedObject) int {
	x, _ := a.InWave()
	y, _ := b.InWave()
	if x == pruning && y == pruning {
		return -cmp.Or(cmp.Compare(a.applied(), b.applied()), compareInWave(a, b))
	}
	return cmp.Or(cmp.Compare(x, y), compareInWave(a, b))
}

func placeOf(id ObjectID) struct{ wave, rank int } {
	if place, ok := kindOrder[id.Kind]; ok {
		return place
	}
	return struct{ wave, rank int }{waveRest, 0}
}

func compareInWave(a, b *PlannedObject) int {
	x, y := placeOf(a.ID), placeOf(b.ID)
	return cmp.Or(cmp.Compare(x.wave, y.wave), cmp.Compare(x.rank, y.rank), a.ID.Compare(b.ID))
}
