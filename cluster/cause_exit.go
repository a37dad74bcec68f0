package cluster

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// lastWordsMost bounds what is quoted from an application.
const lastWordsMost = 120

// crashRef names a run of a container that ended, whose log is worth a look.
type crashRef struct {
	uid            types.UID // the pod's; empty: there is none
	pod, container string
	run            string // which run of the container
}

// judgeExit explains a container that has ended and is, or will be, started
// again. end may be nil: a kubelet that was restarted does not know it any more.
func judgeExit(pod *corev1.Pod, k podContainer, end *corev1.ContainerStateTerminated, reason, words string, events []*corev1.Event) finding {
	f := finding{level: levelCrashed, reason: reason, words: words, image: k.image()}
	f.doomed = k.status.RestartCount >= doomedRestarts
	how := "it does not keep running"
	if end != nil {
		how = exitWords(k, end)
		if reason == "Error" {
			f.reason = cmp.Or(plainLine(end.Reason, 60), reason)
		}
		if f.words == "" {
			f.words = how
		}
	}
	restarted := ""
	if n := k.status.RestartCount; n > 0 {
		restarted = fmt.Sprintf(" (restarted %s)", times(int(n)))
	}
	if kind, answer := killedByProbe(k, end, events); kind != "" {
		f.head = fmt.Sprintf("%s of pod %s is killed by its %s probe %s%s", k, pod.Name, kind, probeWords(k, probeOf(k, kind)), restarted)
		f.quote, f.remedy = answer, "fix what it asks, or give it more time: "+probeField(kind)
		return f
	}
	f.head = fmt.Sprintf("%s of pod %s crashes: %s%s", k, pod.Name, how, restarted)
	f.remedy = exitRemedy(end)
	f.addLastWords(pod, k, end)
	return f
}

// addLastWords quotes what the container left as its termination message, or
// else says whose log may tell more.
func (f *finding) addLastWords(pod *corev1.Pod, k podContainer, end *corev1.ContainerStateTerminated) {
	switch {
	case end == nil || end.Reason == "OOMKilled" || end.ExitCode == 0:
	case end.Reason == "ContainerCannotRun" || end.Reason == "StartError": // told already; it never ran
	case strings.TrimSpace(end.Message) != "":
		f.sayLast(end.Message)
	default:
		f.crash = crashRef{uid: pod.UID, pod: pod.Name, container: k.spec.Name, run: containerRunName(end.ContainerID, k.status.RestartCount)}
	}
}

// sayLast quotes from the end of a container's output.
func (f *finding) sayLast(output string) {
	if line := tellingLine(strings.Split(output, "\n")); line != "" {
		f.quote = "its log ends: " + line
		f.crash = crashRef{}
	}
}

var failureWords = regexp.MustCompile(`(?i)\b(?:panic|fatal|critical|error|exception|caused by|failed|cannot|can't|could not|unable|denied|refused|missing|not found)\b`)

// tellingLine is the last of the lines that speaks of a failure, or else the
// last one, without what looks like a secret.
func tellingLine(lines []string) string {
	last := ""
	for i := len(lines) - 1; i >= 0; i-- {
		line := spoken(lines[i], lastWordsMost)
		if line == "" {
			continue
		}
		if last == "" {
			last = line
		}
		if failureWords.MatchString(line) {
			return line
		}
	}
	return last
}

// killedByProbe says which probe had the container ended, with its last answer.
func killedByProbe(k podContainer, end *corev1.ContainerStateTerminated, events []*corev1.Event) (kind, answer string) {
	if end == nil || end.Reason == "OOMKilled" {
		return "", ""
	}
	for _, kind := range []string{"liveness", "startup"} {
		last := failedProbe(k, kind, events)
		if probeOf(k, kind) == nil || last == nil {
			continue
		}
		// The answer has to be about the run that ended: another may have
		// failed by itself. Events know whole seconds.
		if at := eventTime(last); !end.StartedAt.IsZero() && at.Before(end.StartedAt.Add(-time.Second)) ||
			!end.FinishedAt.IsZero() && at.Add(time.Minute).Before(end.FinishedAt.Time) {
			continue
		}
		return kind, probeAnswer(last)
	}
	return "", ""
}

// exitSignals names the signals a container usually dies of; a shell's or a
// runtime's exit code for signal n is 128+n.
var exitSignals = map[int32]string{
	130: "SIGINT", 131: "SIGQUIT", 132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE",
	137: "SIGKILL", 139: "SIGSEGV", 141: "SIGPIPE", 143: "SIGTERM",
}

// exitWords says how a container ended. The termination message is left out:
// the application writes it, and may write anything.
func exitWords(k podContainer, end *corev1.ContainerStateTerminated) string {
	switch {
	case end.Reason == "OOMKilled":
		limit := k.spec.Resources.Limits.Memory()
		if limit.IsZero() {
			return "out of memory: killed although it has no memory limit (OOMKilled)"
		}
		return fmt.Sprintf("out of memory: it needs more than its limit of %s (OOMKilled)", limit)
	case end.Reason == "ContainerCannotRun", end.Reason == "StartError":
		if words := plainLine(end.Message, wordsMost); words != "" {
			return words
		}
	case end.ExitCode == 0:
		return "it ends with exit code 0, but must keep running"
	}
	if name, ok := exitSignals[end.ExitCode]; ok {
		return fmt.Sprintf("exit code %d (%s)", end.ExitCode, name)
	}
	return fmt.Sprintf("exit code %d", end.ExitCode)
}

// exitRemedy says what to do about an end.
func exitRemedy(end *corev1.ContainerStateTerminated) string {
	switch {
	case end == nil:
		return "read its log"
	case end.Reason == "OOMKilled":
		return "raise resources.limits.memory, or have it use less"
	case end.Reason == "ContainerCannotRun", end.Reason == "StartError", end.ExitCode == 126, end.ExitCode == 127:
		return "check its command and args"
	case end.ExitCode == 0:
		return "check its command and args, or make it a Job"
	case end.ExitCode == 137:
		return "see who killed it: a probe, or the node out of memory"
	}
	return "read its log, fix or revert"
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
