package cluster

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

var (
	mountWords  = regexp.MustCompile(`^(?:MountVolume|MapVolume|UnmountVolume)\.\S+ failed for volume "([^"]+)" ?: (.*)$`)
	attachWords = regexp.MustCompile(`^(?:AttachVolume\.\S+ failed|Multi-Attach error) for volume "([^"]+)" ?:? ?(.*)$`)
	waitWords   = regexp.MustCompile(`^Unable to attach or mount volumes: unmounted volumes=\[([^\]]*)\]`)
	absentThing = regexp.MustCompile(`(?i)\b(configmap|secret) "([^"]+)" not found`)
	absentKey   = regexp.MustCompile(`couldn't find key (\S+) in (ConfigMap|Secret) (\S+)|references non-existent (config|secret) key: (\S+)`)
	rpcWords    = regexp.MustCompile(`rpc error: code = \S+ desc = `)
)

// judgeSandbox explains a pod whose containers do not get to start.
func judgeSandbox(pod *corev1.Pod, events []*corev1.Event, now time.Time) finding {
	if pod.Status.Phase != corev1.PodPending {
		return finding{}
	}
	last := newestEvent(events, func(e *corev1.Event) bool {
		switch e.Reason {
		case "FailedMount", "FailedAttachVolume", "FailedMapVolume":
			return !waitWords.MatchString(e.Message) // it says only which
		case "FailedCreatePodSandBox", "NetworkNotReady":
			return true
		}
		return false
	})
	if last == nil {
		last = newestEvent(events, func(e *corev1.Event) bool { return waitWords.MatchString(e.Message) })
	}
	if last == nil {
		return finding{}
	}
	f := finding{level: levelVolume, reason: plainLine(last.Reason, 60), words: plainLine(last.Message, wordsMost)}
	said := rpcWords.ReplaceAllString(strings.Join(strings.Fields(last.Message), " "), "")
	if last.Reason == "FailedCreatePodSandBox" || last.Reason == "NetworkNotReady" {
		f.head = fmt.Sprintf("pod %s cannot start, its network does not come", pod.Name)
		f.quote = strings.TrimPrefix(said, "Failed to create pod sandbox: ")
		f.remedy = "see to the network plugin of node " + cmp.Or(pod.Spec.NodeName, "unknown")
		return f
	}
	volume := ""
	for _, words := range []*regexp.Regexp{mountWords, attachWords} {
		if m := words.FindStringSubmatch(said); m != nil {
			volume, f.quote = m[1], m[2]
		}
	}
	if m := waitWords.FindStringSubmatch(said); m != nil {
		volume, f.quote = m[1], "it is not attached or mounted"
	}
	if volume == "" {
		f.head, f.quote = fmt.Sprintf("pod %s cannot start, its volumes do not come", pod.Name), said
	} else {
		f.head = fmt.Sprintf("pod %s cannot start, its volume %s does not come", pod.Name, plainLine(volume, 60))
	}
	f.remedy = "see to its claim and the storage driver"
	switch {
	case strings.HasPrefix(said, "Multi-Attach"):
		f.remedy = "wait for the other pod to go, or use strategy Recreate"
	case absentThing.MatchString(said), absentKey.MatchString(said):
		f.remedy = absentRemedy(said)
		f.late(podSince(pod), now)
	}
	return f
}

// absentRemedy says what to do about a ConfigMap, a Secret or a key of them
// that is not there.
func absentRemedy(words string) string {
	if m := absentKey.FindStringSubmatch(words); m != nil {
		return "add key " + cmp.Or(m[1], m[5]) + ", or correct the reference"
	}
	if m := absentThing.FindStringSubmatch(words); m != nil {
		kind := "Secret "
		if strings.EqualFold(m[1], "configmap") {
			kind = "ConfigMap "
		}
		return "add " + kind + m[2] + ", or correct the name"
	}
	return ""
}

// podSince is when a pod began to be what it is: when it was bound to a node.
func podSince(pod *corev1.Pod) time.Time {
	if c := podCondition(pod, corev1.PodScheduled); c != nil && c.Status == corev1.ConditionTrue && !c.LastTransitionTime.IsZero() {
		return c.LastTransitionTime.Time
	}
	return pod.CreationTimestamp.Time
}

// judgeConfig explains a container that cannot be made of what its template
// refers to, and names the field.
func judgeConfig(pod *corev1.Pod, k podContainer, words string, now time.Time) finding {
	f := finding{level: levelConfig, head: fmt.Sprintf("%s of pod %s cannot be configured", k, pod.Name), quote: words}
	switch {
	case absentThing.MatchString(words), absentKey.MatchString(words):
		if field := referringField(k.spec, words); field != "" {
			f.quote += " (" + field + ")"
		}
		f.remedy = absentRemedy(words)
		f.late(podSince(pod), now)
	case strings.Contains(words, "runAsNonRoot"):
		f.remedy, f.doomed = "set securityContext.runAsUser, or USER in the image", true
	default:
		f.remedy = "correct the container's spec"
	}
	return f
}

// referringField names the field of a container that asks for what is missing.
func referringField(c *corev1.Container, words string) string {
	name, key := "", ""
	if m := absentThing.FindStringSubmatch(words); m != nil {
		name = m[2]
	}
	if m := absentKey.FindStringSubmatch(words); m != nil {
		key = m[1]
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		if ref := e.ValueFrom.ConfigMapKeyRef; ref != nil && (ref.Name == name && name != "" || ref.Key == key && key != "") {
			return "env " + e.Name
		}
		if ref := e.ValueFrom.SecretKeyRef; ref != nil && (ref.Name == name && name != "" || ref.Key == key && key != "") {
			return "env " + e.Name
		}
	}
	for _, e := range c.EnvFrom {
		if name != "" && (e.ConfigMapRef != nil && e.ConfigMapRef.Name == name || e.SecretRef != nil && e.SecretRef.Name == name) {
			return "envFrom"
		}
	}
	return ""
}
