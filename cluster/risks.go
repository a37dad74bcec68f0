package cluster

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fairtide-dev/fairtide/model"
)

// The names of the risks that a plan's objects are marked with.
const (
	riskRestartsPods   = "restarts-pods"
	riskDeletesData    = "deletes-data"
	riskDeletesObject  = "deletes-object"
	riskLowersReplicas = "lowers-replicas"
	riskChangesSecret  = "changes-secret"
	riskChangesConfig  = "changes-config"
	riskImageGoesBack  = "image-goes-backwards"
)

// updateRisks judges an update by its two sides. live is the object as it was
// read, for the counts that only its status has.
func updateRisks(id model.ObjectID, before, after, live map[string]any) []model.Risk {
	var risks []model.Risk
	add := func(name string, severity model.Severity, format string, args ...any) {
		risks = append(risks, model.Risk{Name: name, Severity: severity, Message: fmt.Sprintf(format, args...)})
	}
	if n, atOnce, ok := restartedPods(id, before, after, live); ok {
		if atOnce {
			add(riskRestartsPods, model.SeverityDanger, "restarts %s, all at once", countOf(int(n), "pod"))
		} else {
			add(riskRestartsPods, model.SeverityWarning, "restarts %s", countOf(int(n), "pod"))
		}
	}
	was, wasSet := number(mapAt(before, "spec")["replicas"])
	now, nowSet := number(mapAt(after, "spec")["replicas"])
	if wasSet && nowSet && now < was {
		severity := model.SeverityWarning
		if now == 0 {
			severity = model.SeverityDanger
		}
		add(riskLowersReplicas, severity, "lowers replicas from %d to %d", was, now)
	}
	if id.Group == "" && (id.Kind == "Secret" || id.Kind == "ConfigMap") && dataChanged(before, after) {
		name := riskChangesConfig
		if id.Kind == "Secret" {
			name = riskChangesSecret
		}
		add(name, model.SeverityInfo,
			"pods that read this %s at their start keep the old values until they restart", id.Kind)
	}
	for _, c := range changedImages(id, before, after) {
		if goesBackwards(c.from, c.to) {
			add(riskImageGoesBack, model.SeverityWarning, "container %s goes back from %s to %s",
				plainLine(c.container, 60), plainLine(c.from, 120), plainLine(c.to, 120))
		}
	}
	return risks
}

// deleteRisks judges the removal of an object that left Git.
func deleteRisks(id model.ObjectID) []model.Risk {
	danger := func(format string, args ...any) []model.Risk {
		return []model.Risk{{Name: riskDeletesData, Severity: model.SeverityDanger, Message: fmt.Sprintf(format, args...)}}
	}
	switch (model.ObjectID{Group: id.Group, Kind: id.Kind}) {
	case model.ObjectID{Kind: "Namespace"}:
		return danger("deletes namespace %s with everything in it", id.Name)
	case model.ObjectID{Kind: "PersistentVolumeClaim"}, model.ObjectID{Kind: "PersistentVolume"}:
		return danger("deletes the data of volume %s, unless its reclaim policy keeps it", id.Name)
	case model.ObjectID{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		return danger("deletes every object of the kind %s, in all namespaces", id.Name)
	}
	return []model.Risk{{Name: riskDeletesObject, Severity: model.SeverityWarning, Message: "is deleted: it is no longer in Git"}}
}

// sortRisks puts the gravest first.
func sortRisks(risks []model.Risk) {
	rank := map[model.Severity]int{model.SeverityDanger: 1, model.SeverityWarning: 2, model.SeverityInfo: 3}
	slices.SortStableFunc(risks, func(a, b model.Risk) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(a.Name, b.Name))
	})
}

// restartedPods says how many pods an update replaces, and whether it stops
// them all before it starts new ones. ok is false when it replaces none: the
// pod template stays, there are no pods, or they wait to be deleted by hand
// (OnDelete).
func restartedPods(id model.ObjectID, before, after, live map[string]any) (n int64, atOnce, ok bool) {
	if id.Group != "apps" {
		return 0, false, false
	}
	spec := mapAt(after, "spec")
	strategy := mapAt(spec, "strategy")["type"]
	switch id.Kind {
	case "Deployment", "StatefulSet":
		n, ok = number(spec["replicas"])
		if !ok {
			n = 1 // the server's default, where a side was predicted without it
		}
	case "DaemonSet":
		n, _ = number(mapAt(live, "status")["desiredNumberScheduled"])
	default:
		return 0, false, false
	}
	if id.Kind != "Deployment" {
		strategy = mapAt(spec, "updateStrategy")["type"]
	}
	if n == 0 || strategy == "OnDelete" ||
		equalValues(mapAt(before, "spec", "template"), mapAt(spec, "template")) {
		return 0, false, false
	}
	return n, strategy == "Recreate", true
}

func dataChanged(before, after map[string]any) bool {
	return !equalValues(before["data"], after["data"]) || !equalValues(before["binaryData"], after["binaryData"])
}

// changedImage is a container whose image differs between two sides.
type changedImage struct{ container, from, to string }

func changedImages(id model.ObjectID, before, after map[string]any) []changedImage {
	old, new := containerImages(id, before), containerImages(id, after)
	var out []changedImage
	for name, to := range new {
		if from, ok := old[name]; ok && from != to {
			out = append(out, changedImage{name, from, to})
		}
	}
	slices.SortFunc(out, func(a, b changedImage) int { return cmp.Compare(a.container, b.container) })
	return out
}

// containerImages maps the containers of an object's pod template, by name, to
// their images. It is empty for kinds without one.
func containerImages(id model.ObjectID, fields map[string]any) map[string]string {
	var path []string
	switch {
	case id.Group == "" && id.Kind == "Pod":
		path = []string{"spec"}
	case id.Group == "batch" && id.Kind == "CronJob":
		path = []string{"spec", "jobTemplate", "spec", "template", "spec"}
	default:
		path = []string{"spec", "template", "spec"}
	}
	out := map[string]string{}
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range sliceAt(mapAt(fields, path...), list) {
			container, _ := c.(map[string]any)
			name, okName := container["name"].(string)
			image, okImage := container["image"].(string)
			if okName && okImage {
				out[name] = image
			}
		}
	}
	return out
}

// number is a whole number as JSON decodes it.
func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == float64(int64(v))
	}
	return 0, false
}
