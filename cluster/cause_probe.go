package cluster

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// probeOf is the container's probe of a kind; nil: it has none.
func probeOf(k podContainer, kind string) *corev1.Probe {
	switch kind {
	case "liveness":
		return k.spec.LivenessProbe
	case "startup":
		return k.spec.StartupProbe
	}
	return k.spec.ReadinessProbe
}

// probeField is where more time is to be had.
func probeField(kind string) string {
	if kind == "liveness" {
		return "startupProbe, or livenessProbe.failureThreshold"
	}
	return kind + "Probe.failureThreshold"
}

// failedProbe is the last event about a failure of the container's probe.
func failedProbe(k podContainer, kind string, events []*corev1.Event) *corev1.Event {
	return newestEvent(events, func(e *corev1.Event) bool {
		return (e.Reason == "Unhealthy" || e.Reason == "ProbeWarning") && eventContainer(e, k.spec.Name) &&
			strings.HasPrefix(strings.ToLower(e.Message), kind+" probe")
	})
}

// probeAnswer is what a probe was answered.
func probeAnswer(e *corev1.Event) string {
	words := spoken(e.Message, wordsMost)
	if _, answer, found := strings.Cut(words, ": "); found && answer != "" {
		return answer
	}
	return words
}

// probeWords is a probe in short, as "GET :8080/healthz".
func probeWords(k podContainer, p *corev1.Probe) string {
	port := func(name string, number int32) string {
		for _, c := range k.spec.Ports {
			if name != "" && c.Name == name {
				return fmt.Sprint(c.ContainerPort)
			}
		}
		if name != "" {
			return name
		}
		return fmt.Sprint(number)
	}
	switch {
	case p == nil:
	case p.HTTPGet != nil:
		// The path without its query: a token may be in it.
		path, _, _ := strings.Cut(p.HTTPGet.Path, "?")
		return plainLine(fmt.Sprintf("GET :%s%s", port(p.HTTPGet.Port.StrVal, p.HTTPGet.Port.IntVal), path), 100)
	case p.TCPSocket != nil:
		return plainLine("on TCP port "+port(p.TCPSocket.Port.StrVal, p.TCPSocket.Port.IntVal), 100)
	case p.GRPC != nil:
		return fmt.Sprintf("by gRPC on port %d", p.GRPC.Port)
	case p.Exec != nil && len(p.Exec.Command) > 0:
		return plainLine("by command "+p.Exec.Command[0], 100) // its arguments may hold anything
	}
	return ""
}

// judgeProbe explains a container that runs, and whose probe of a kind has not
// succeeded.
func judgeProbe(pod *corev1.Pod, k podContainer, kind string, events []*corev1.Event, f finding) finding {
	probe := probeWords(k, probeOf(k, kind))
	f.reason = "Unhealthy"
	last := failedProbe(k, kind, events)
	if last == nil {
		f.words = fmt.Sprintf("its %s probe %s has not succeeded yet", kind, probe)
		f.head = fmt.Sprintf("%s of pod %s is not ready: %s", k, pod.Name, f.words)
		f.remedy = "read its log"
		return f
	}
	f.words = spoken(last.Message, wordsMost)
	f.head = fmt.Sprintf("%s of pod %s is not ready: its %s probe %s fails", k, pod.Name, kind, probe)
	f.quote = probeAnswer(last)
	f.remedy = "read its log, or correct " + kind + "Probe"
	return f
}
