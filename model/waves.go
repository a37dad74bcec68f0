package model

import (
	"cmp"
	"slices"
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
	waveCount
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
func (p *Plan) Waves() []Wave {
	var waves [waveCount][]PlannedObject
	for i := range p.Objects {
		if n, ok := p.Objects[i].InWave(); ok {
			waves[n] = append(waves[n], p.Objects[i])
		}
	}
	var out []Wave
	for i, objects := range waves {
		if len(objects) == 0 {
			continue
		}
		slices.SortStableFunc(objects, func(a, b PlannedObject) int { return CompareApplied(&a, &b) })
		out = append(out, Wave{Name: waveNames[i], Objects: objects, Settle: i == waveFoundation, Prune: i == wavePrune})
	}
	return out
}

// WaveName names the n-th wave; n is from InWave.
func WaveName(n int) string { return waveNames[n] }

// InWave is which wave an object is written in. ok is false when it is not
// written.
func (o *PlannedObject) InWave() (n int, ok bool) {
	switch {
	case o.Verdict == VerdictUnchanged && !o.TakesOwnership: // as Writes has it, without a copy
		return 0, false
	case o.Verdict == VerdictDelete:
		return wavePrune, true
	}
	return placeOf(o.ID).wave, true
}

// CompareApplied orders objects that are written as they are applied: by wave,
// and inside it what others need first; deletions the other way round.
func CompareApplied(a, b *PlannedObject) int {
	x, _ := a.InWave()
	y, _ := b.InWave()
	if x == wavePrune && y == wavePrune {
		return -compareInWave(a, b)
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
