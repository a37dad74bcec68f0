package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// late is YAML of an object that an annotation puts in another wave.
func late(wave, rest string) string {
	return fmt.Sprintf("{metadata: {annotations: {fairtide.dev/wave: %q}}%s}", wave, rest)
}

func TestOrderRisks(t *testing.T) {
	const volume = "volumes: [{name: v, configMap: {name: settings}}]"
	config := func(wave string) planned {
		return planned{"core/ConfigMap", "settings", "", late(wave, ", data: {level: a}")}
	}
	web := func(before, pod, container string) planned {
		return planned{"apps/Deployment", "web", before, workload("replicas: 1", pod, container)}
	}
	says := func(words string) map[string][]string {
		return map[string][]string{"Deployment web": {"danger waits-for-later-wave: " + words}}
	}
	const settings = `Deployment shop/web waits for ConfigMap shop/settings, which this plan applies only in wave 2 of 2 (annotation fairtide.dev/wave: 3), and that wave waits for the Deployment; give ConfigMap settings an earlier wave`
	rows := []surroundings{
		{name: "mounted", objects: []planned{config("3"), web("", volume, "")}, want: says(settings)},
		{name: "projected", objects: []planned{config("3"), web("", "volumes: [{name: v, projected: {sources: [{configMap: {name: settings}}]}}]", "")}, want: says(settings)},
		{name: "all variables", objects: []planned{config("3"), web("", "", "envFrom: [{configMapRef: {name: settings}}]")}, want: says(settings)},
		{name: "one variable, told once", objects: []planned{config("3"), web("", volume, "env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: level}}}]")}, want: says(settings)},
		{name: "optional", objects: []planned{config("3"), web("", "volumes: [{name: v, configMap: {name: settings, optional: true}}]", "envFrom: [{configMapRef: {name: settings, optional: true}}]")}},
		{name: "another one", objects: []planned{config("3"), web("", "volumes: [{name: v, configMap: {name: others}}]", "")}},
		{name: "earlier", objects: []planned{config("-3"), web("", volume, "")}},
		{name: "as the kinds are", objects: []planned{{"core/ConfigMap", "settings", "", "{data: {level: a}}"}, web("", volume, "")}},
		{name: "it is there already", objects: []planned{{"core/ConfigMap", "settings", "{data: {level: a}}", late("3", ", data: {level: a}")}, web("", volume, "")}},
		{name: "a key that is not there yet", objects: []planned{{"core/ConfigMap", "settings", "{data: {level: a}}", late("3", ", data: {level: a, more: b}")},
			web("", "", "env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: more}}}]")},
			want: map[string][]string{
				"Deployment web":     {"danger waits-for-later-wave: Deployment shop/web waits for key more of ConfigMap shop/settings, which this plan applies only in wave 2 of 2"},
				"ConfigMap settings": {"info changes-config: 1 key: more"}}},
		{name: "the workload is early", objects: []planned{{"core/Secret", "hidden", "", "{data: {a: b}}"},
			{"apps/StatefulSet", "db", "", late("-1", ", spec: {template: {spec: {volumes: [{name: v, secret: {secretName: hidden}}], containers: [{name: c}]}}}")}},
			want: map[string][]string{"StatefulSet db": {"danger waits-for-later-wave: waits for Secret shop/hidden, which this plan applies only in wave 2 of 2 (StatefulSet db is applied earlier by annotation fairtide.dev/wave: -1)"}}},
		{name: "account and claim", objects: []planned{{"core/ServiceAccount", "sa", "", late("2", "")}, {"core/PersistentVolumeClaim", "data", "", late("4", ", spec: {resources: {}}")},
			web("", "serviceAccountName: sa, volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]", "")},
			want: map[string][]string{"Deployment web": {
				"danger waits-for-later-wave: waits for PersistentVolumeClaim shop/data, which this plan applies only in wave 3 of 3",
				"danger waits-for-later-wave: waits for ServiceAccount shop/sa, which this plan applies only in wave 2 of 3"}}},
		{name: "no pods", objects: []planned{config("3"), {"apps/Deployment", "web", "", workload("replicas: 0", volume, "")}}},
		{name: "no new pods", objects: []planned{config("3"), {"apps/Deployment", "web", workload("replicas: 1", volume, ""), workload("replicas: 1, minReadySeconds: 5", volume, "")}}},
		{name: "new pods", objects: []planned{config("3"), {"apps/Deployment", "web", workload("replicas: 1", "", ""), workload("replicas: 1", volume, "")}},
			want: map[string][]string{"Deployment web": {"danger waits-for-later-wave: " + settings, "warning restarts-pods: restarts 1 pod"}}},
		{name: "the first of many keys", objects: []planned{{"core/ConfigMap", "settings", "{data: {level: a}}", late("3", ", data: {level: a, k1: b, k2: b, k3: b}")},
			web("", "", "env: [{name: C, valueFrom: {configMapKeyRef: {name: settings, key: k3}}}, {name: A, valueFrom: {configMapKeyRef: {name: settings, key: k1}}}, {name: B, valueFrom: {configMapKeyRef: {name: settings, key: k2}}}]")},
			want: map[string][]string{
				"Deployment web":     {"danger waits-for-later-wave: Deployment shop/web waits for key k1 of ConfigMap shop/settings, which this plan applies only in wave 2 of 2"},
				"ConfigMap settings": {"info changes-config: 3 keys: k1, k2, k3"}}},
		{name: "a schedule", objects: []planned{config("3"), {"batch/CronJob", "web", "", "{spec: {schedule: '0 0 1 1 *', suspend: true, jobTemplate: {spec: {template: {spec: {" + volume + ", containers: [{name: c}]}}}}}}"}}},
	}
	for i := range rows {
		rows[i].gated = true
	}
	rows = append(rows, surroundings{name: "nothing is waited for", objects: []planned{config("3"), web("", volume, "")}})
	runSurroundings(t, rows)
	if riskLaterWave != model.RiskLaterWave {
		t.Errorf("the risk is called %s here and %s there", riskLaterWave, model.RiskLaterWave)
	}
}

// Pods that an update of a set leaves as they are wait for nothing.
func TestOrderRisksOfSets(t *testing.T) {
	const (
		volume = "volumes: [{name: v, configMap: {name: settings}}]"
		held   = "replicas: 2, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}"
		byHand = "replicas: 2, updateStrategy: {type: OnDelete}"
	)
	for _, c := range []struct {
		name, kind    string
		before, after string // the spec besides the template
		was           string // of the template
		created       bool
		risk          bool
	}{
		{name: "rolling", kind: "StatefulSet", before: "replicas: 2", after: "replicas: 2", risk: true},
		{name: "some held back", kind: "StatefulSet", before: "replicas: 2", after: "replicas: 2, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}", risk: true},
		{name: "all held back", kind: "StatefulSet", before: held, after: held},
		{name: "one held back, of one", kind: "StatefulSet", before: "x: 1", after: "updateStrategy: {rollingUpdate: {partition: 1}}"},
		{name: "more, all held back", kind: "StatefulSet", before: "replicas: 1", after: held},
		{name: "more of the same", kind: "StatefulSet", before: "replicas: 1", after: held, was: volume, risk: true},
		{name: "held back, created", kind: "StatefulSet", after: held, created: true, risk: true},
		{name: "on deletion", kind: "StatefulSet", before: byHand, after: byHand},
		{name: "more on deletion", kind: "StatefulSet", before: "replicas: 1", after: byHand, risk: true},
		{name: "on deletion, created", kind: "StatefulSet", after: byHand, created: true, risk: true},
		{name: "daemons, rolling", kind: "DaemonSet", before: "x: 1", after: "x: 1", risk: true},
		{name: "daemons on deletion", kind: "DaemonSet", before: "x: 1", after: "updateStrategy: {type: OnDelete}"},
		{name: "another kind's partition", kind: "Deployment", before: "replicas: 1", after: "replicas: 1, updateStrategy: {type: OnDelete, rollingUpdate: {partition: 9}}", risk: true},
	} {
		o := &riskObject{id: riskID("apps/"+c.kind, "db"), verdict: model.VerdictUpdate, after: fieldsOf(t, workload(c.after, volume, ""))}
		if !c.created {
			o.before = fieldsOf(t, workload(c.before, c.was, ""))
		}
		if _, starts := o.startsPods(); starts != c.risk {
			t.Errorf("%s: starts pods: %v, want %v", c.name, starts, c.risk)
		}
	}
}

// The annotation that orders an object is named as it is written.
func TestOrderedBy(t *testing.T) {
	for _, c := range []struct{ kind, annotations, want string }{
		{"ConfigMap", "a: b", ""},
		{"ConfigMap", "fairtide.dev/wave: '3', argocd.argoproj.io/sync-wave: '4'", "fairtide.dev/wave: 3"},
		{"ConfigMap", "argocd.argoproj.io/sync-wave: '-4', argocd.argoproj.io/hook: PreSync, helm.sh/hook: pre-install", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/sync-wave: -4"},
		{"ConfigMap", "helm.sh/hook: post-install, helm.sh/hook-weight: '5'", "helm.sh/hook: post-install, helm.sh/hook-weight: 5"},
		{"ConfigMap", "helm.sh/hook-weight: '5'", ""},
		{"Namespace", "fairtide.dev/wave: '3'", ""},
	} {
		o := model.PlannedObject{ID: riskID("core/"+c.kind, "x"), After: fieldsOf(t, "{metadata: {annotations: {"+c.annotations+"}}}")}
		if got := o.OrderedBy(); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.kind, strings.TrimSpace(c.annotations), got, c.want)
		}
	}
}
