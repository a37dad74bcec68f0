package cluster

import (
	"slices"
	"strings"
)

// floatingTags are names that registries move from one image to the next.
var floatingTags = []string{
	"", "latest", "main", "master", "head", "develop", "dev", "edge", "nightly", "snapshot", "canary", "stable", "unstable", "current",
}

// floats reports whether an image reference may mean another image tomorrow,
// by the name of its tag.
func floats(image string) bool {
	_, tag := splitImage(image)
	return !strings.Contains(image, "@") && slices.Contains(floatingTags, strings.ToLower(tag))
}

func (o *riskObject) judgeImages() {
	after, ok := o.templateAfter()
	if !ok {
		return
	}
	before, _ := o.templateBefore()
	for _, now := range after.containers() {
		was := before.container(now.name)
		from, to := textAt(was.fields, "image"), textAt(now.fields, "image")
		if to != "" && from != to {
			o.judgeImage(now, from, to)
		}
		policy := textAt(now.fields, "imagePullPolicy")
		if policy == "Never" && textAt(was.fields, "imagePullPolicy") != "Never" {
			o.warn(riskImagePullPolicy, "%s sets imagePullPolicy Never on container %s: it starts only where a node has %s already", o.name(), now.name, to)
		}
		if from == to && policy == "IfNotPresent" && textAt(was.fields, "imagePullPolicy") == "Always" && floats(to) {
			o.warn(riskImagePullPolicy, "%s no longer pulls %s of container %s at every start (imagePullPolicy Always → IfNotPresent), though its tag moves", o.name(), to, now.name)
		}
	}
}

// judgeImage judges a container's new image; from is empty for a new one.
func (o *riskObject) judgeImage(now container, from, to string) {
	if floats(to) && !floats(from) || floats(to) && from == "" {
		_, tag := splitImage(to)
		what := "tag " + tag
		if tag == "" {
			what = "no tag, which means latest"
		}
		o.warn(riskImageFloating, "%s runs container %s from %s (%s): what that is can change without a change in Git%s",
			o.name(), now.name, to, what, pullWords(textAt(now.fields, "imagePullPolicy")))
	}
	if from == "" {
		return
	}
	oldRepository, _ := splitImage(from)
	newRepository, _ := splitImage(to)
	if oldRepository != newRepository {
		o.warn(riskImageRepository, "%s takes the image of container %s from another repository: %s → %s", o.name(), now.name, oldRepository, newRepository)
	}
	if strings.Contains(from, "@") && !strings.Contains(to, "@") {
		o.warn(riskImageDigest, "%s no longer pins the image of container %s by digest: %s → %s", o.name(), now.name, from, to)
	}
	if goesBackwards(from, to) {
		o.warn(riskImageGoesBack, "%s: container %s goes back from %s to %s", o.name(), now.name, from, to)
	}
}

func pullWords(policy string) string {
	switch policy {
	case "IfNotPresent":
		return ", and nodes keep what they pulled first (imagePullPolicy IfNotPresent)"
	case "Always":
		return ", at any restart of a pod (imagePullPolicy Always)"
	}
	return ""
}
