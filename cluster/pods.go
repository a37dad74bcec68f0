package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	// wordsMost bounds what is quoted from a kubelet, scheduler or registry.
	wordsMost = 240
	// causeMost bounds a cause as a whole.
	causeMost = 400
	imageMost = 160
	// doomedRestarts is how many restarts a crash loop needs to be taken for
	// one that waiting does not end.
	doomedRestarts = 3
	// startGrace is how long a container may run before that it has not come
	// up yet is told as a cause: every one takes some seconds.
	startGrace = 10 * time.Second
)

// findingLevel orders what may be wrong with a pod, the deepest reason last.
type findingLevel int

const (
	levelFine findingLevel = iota
	levelStarting
	levelNotReady // it runs, but a probe or a gate says no
	levelVolume   // a volume or the sandbox does not come
	levelUnscheduled
	levelConfig // the container cannot be created
	levelCrashed
	levelImage
)

// finding is why a pod is not ready. The zero finding is nothing at all.
type finding struct {
	level  findingLevel
	reason string // one word, as the kubelet has it
	words  string // the kubelet's or scheduler's, on one line
	cause  string // one line for the operator
	image  string
	doomed bool // waiting does not help
	// until is when what is normal so far becomes a cause, should nothing
	// change before; zero: it does not with time alone.
	until time.Time
}

// worse reports whether f is a better explanation than g.
func (f finding) worse(g finding) bool {
	if f.doomed != g.doomed {
		return f.doomed
	}
	if f.level == g.level {
		return f.cause != "" && g.cause == ""
	}
	return f.level > g.level
}

// readPod reads a pod and the events about it, at the given time.
func readPod(pod *corev1.Pod, events []*corev1.Event, now time.Time) (model.Pod, finding) {
	out := model.Pod{
		Name: pod.Name, Phase: string(pod.Status.Phase), Ready: podReady(pod),
		Created: pod.CreationTimestamp.UTC(),
	}
	if pod.CreationTimestamp.IsZero() {
		out.Created = time.Time{}
	}
	if len(pod.Spec.Containers) > 0 {
		out.Image = plainLine(pod.Spec.Containers[0].Image, imageMost)
	}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		out.Restarts += int(s.RestartCount)
	}
	if pod.DeletionTimestamp != nil {
		out.Reason = "Terminating"
		return out, finding{}
	}
	f := judgePod(pod, events, now)
	f.cause = plainLine(f.cause, causeMost)
	out.Reason, out.Message = f.reason, f.words
	if f.image != "" {
		out.Image = f.image
	}
	return out, f
}

func podReady(pod *corev1.Pod) bool {
	c := podCondition(pod, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
}

func podCondition(pod *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// judgePod finds the deepest reason why a pod is not ready.
func judgePod(pod *corev1.Pod, events []*corev1.Event, now time.Time) finding {
	switch pod.Status.Phase {
	case corev1.PodSucceeded:
		return finding{}
	case corev1.PodFailed:
		return judgeFailedPod(pod)
	}
	if podReady(pod) {
		return finding{}
	}
	if c := podCondition(pod, corev1.PodScheduled); c != nil && c.Status == corev1.ConditionFalse {
		words := plainLine(c.Message, wordsMost)
		return finding{
			level: levelUnscheduled, reason: plainLine(c.Reason, 60), words: words,
			cause: fmt.Sprintf("pod %s cannot be scheduled: %s", pod.Name, cmp.Or(words, plainLine(c.Reason, 60))),
		}
	}
	var worst finding
	for _, k := range podContainers(pod) {
		if f := judgeContainer(pod, k, events, now); f.worse(worst) {
			worst = f
		}
	}
	if worst.level <= levelStarting {
		if f := judgeSandbox(pod, events); f.worse(worst) {
			worst = f
		}
	}
	if worst.level == levelFine {
		worst = judgeGates(pod)
	}
	return worst
}

// podContainer is a container of a pod with its status.
type podContainer struct {
	spec   *corev1.Container
	status *corev1.ContainerStatus // nil: the kubelet has not said anything yet
	init   bool
}

// String names the container to a person.
func (k podContainer) String() string {
	if k.init {
		return "init container " + k.spec.Name
	}
	return "container " + k.spec.Name
}

// image is what the manifest asks for; the status has what it resolved to.
func (k podContainer) image() string { return plainLine(k.spec.Image, imageMost) }

// podContainers lists a pod's containers in the order in which they start.
func podContainers(pod *corev1.Pod) []podContainer {
	var out []podContainer
	add := func(specs []corev1.Container, statuses []corev1.ContainerStatus, init bool) {
		for i := range specs {
			k := podContainer{spec: &specs[i], init: init}
			for j := range statuses {
				if statuses[j].Name == specs[i].Name {
					k.status = &statuses[j]
				}
			}
			out = append(out, k)
		}
	}
	add(pod.Spec.InitContainers, pod.Status.InitContainerStatuses, true)
	add(pod.Spec.Containers, pod.Status.ContainerStatuses, false)
	return out
}

func judgeContainer(pod *corev1.Pod, k podContainer, events []*corev1.Event, now time.Time) finding {
	if k.status == nil {
		return finding{}
	}
	switch state := k.status.State; {
	case state.Waiting != nil:
		return judgeWaiting(pod, k, events)
	case state.Terminated != nil:
		if state.Terminated.ExitCode == 0 && (k.init || mayEnd(pod)) {
			return finding{}
		}
		return judgeExit(pod, k, state.Terminated, "Error", "")
	case state.Running != nil:
		return judgeRunning(pod, k, events, now)
	}
	return finding{}
}

func judgeWaiting(pod *corev1.Pod, k podContainer, events []*corev1.Event) finding {
	waiting := k.status.State.Waiting
	reason := plainLine(waiting.Reason, 60)
	words := plainLine(waiting.Message, wordsMost)
	f := finding{reason: reason, words: words, image: k.image()}
	switch reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
		"ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
		return judgeImage(pod, k, events)
	case "CrashLoopBackOff":
		return judgeExit(pod, k, k.status.LastTerminationState.Terminated, reason, words)
	case "CreateContainerConfigError":
		f.level = levelConfig
		f.cause = fmt.Sprintf("%s of pod %s cannot be configured: %s", k, pod.Name, cmp.Or(words, reason))
	case "CreateContainerError", "RunContainerError", "PostStartHookError", "PreStartHookError", "PreCreateHookError":
		f.level = levelCrashed
		f.cause = fmt.Sprintf("%s of pod %s cannot be started: %s", k, pod.Name, cmp.Or(words, reason))
		f.doomed = k.status.RestartCount >= doomedRestarts
	case "", "ContainerCreating", "PodInitializing":
		return finding{level: levelStarting, reason: reason, image: f.image}
	default:
		f.level = levelStarting
		f.cause = fmt.Sprintf("%s of pod %s is waiting: %s", k, pod.Name, cmp.Or(words, reason))
	}
	return f
}

// judgeExit explains a container that has ended and is, or will be, started
// again. end may be nil: a kubelet that was restarted does not know it any more.
func judgeExit(pod *corev1.Pod, k podContainer, end *corev1.ContainerStateTerminated, reason, words string) finding {
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
	f.cause = fmt.Sprintf("%s of pod %s crashes: %s", k, pod.Name, how)
	if n := k.status.RestartCount; n > 0 {
		f.cause += fmt.Sprintf(" (restarted %s)", times(int(n)))
	}
	return f
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

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// mayEnd reports whether the containers of a pod are meant to end, as a Job's
// are: one that has ended well is done while another still runs.
func mayEnd(pod *corev1.Pod) bool {
	return pod.Spec.RestartPolicy == corev1.RestartPolicyNever || pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
}

// startingUntil is when a running container has had its time to come up; zero
// when it has had it. The node's clock may be off by a little; one that is far
// off must not hide a cause.
func startingUntil(k podContainer, now time.Time) time.Time {
	if age := now.Sub(k.status.State.Running.StartedAt.Time); age < -startGrace || age >= startGrace {
		return time.Time{}
	}
	return k.status.State.Running.StartedAt.Add(startGrace)
}

// judgeRunning explains a container that runs and yet does not count.
func judgeRunning(pod *corev1.Pod, k podContainer, events []*corev1.Event, now time.Time) finding {
	if k.status.Ready && (k.status.Started == nil || *k.status.Started) {
		return finding{}
	}
	f := finding{level: levelNotReady, image: k.image()}
	restartable := k.spec.RestartPolicy != nil && *k.spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
	if k.init && !restartable {
		f.level, f.reason = levelStarting, "PodInitializing"
		if f.until = startingUntil(k, now); f.until.IsZero() {
			f.cause = fmt.Sprintf("%s of pod %s has not ended yet", k, pod.Name)
		}
		return f
	}
	kind, probe := "readiness", k.spec.ReadinessProbe
	if k.status.Started != nil && !*k.status.Started && k.spec.StartupProbe != nil {
		kind, probe = "startup", k.spec.StartupProbe
	}
	if probe == nil {
		return finding{level: levelStarting, image: f.image}
	}
	last := newestEvent(events, func(e *corev1.Event) bool {
		return e.Reason == "Unhealthy" && eventContainer(e, k.spec.Name) &&
			strings.HasPrefix(strings.ToLower(e.Message), kind+" probe")
	})
	if last == nil {
		f.words = fmt.Sprintf("its %s probe %s has not succeeded yet", kind, probeWords(k, probe))
		if f.until = startingUntil(k, now); !f.until.IsZero() {
			f.level = levelStarting
			return f
		}
		f.reason = "Unhealthy"
		f.cause = fmt.Sprintf("%s of pod %s is not ready: %s", k, pod.Name, f.words)
		return f
	}
	f.reason, f.words = "Unhealthy", plainLine(last.Message, wordsMost)
	_, answer, _ := strings.Cut(f.words, ": ")
	f.cause = fmt.Sprintf("%s of pod %s is not ready: its %s probe %s fails: %s",
		k, pod.Name, kind, probeWords(k, probe), cmp.Or(answer, f.words))
	return f
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

// judgeSandbox explains a pod whose containers do not get to start.
func judgeSandbox(pod *corev1.Pod, events []*corev1.Event) finding {
	last := newestEvent(events, func(e *corev1.Event) bool {
		switch e.Reason {
		case "FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "NetworkNotReady":
			return true
		}
		return false
	})
	if last == nil || pod.Status.Phase != corev1.PodPending {
		return finding{}
	}
	words := plainLine(last.Message, wordsMost)
	what := "its volumes do not come"
	if last.Reason == "FailedCreatePodSandBox" || last.Reason == "NetworkNotReady" {
		what = "its network does not come"
	}
	return finding{
		level: levelVolume, reason: plainLine(last.Reason, 60), words: words,
		cause: fmt.Sprintf("pod %s cannot start, %s: %s", pod.Name, what, words),
	}
}

// judgeGates explains a pod that is not ready although its containers are.
func judgeGates(pod *corev1.Pod) finding {
	for _, gate := range pod.Spec.ReadinessGates {
		c := podCondition(pod, gate.ConditionType)
		if c != nil && c.Status == corev1.ConditionTrue {
			continue
		}
		f := finding{level: levelNotReady, reason: "ReadinessGatesNotReady"}
		f.cause = fmt.Sprintf("pod %s waits for its readiness gate %s", pod.Name, plainLine(string(gate.ConditionType), 100))
		if c != nil && c.Message != "" {
			f.words = plainLine(c.Message, wordsMost)
			f.cause += ": " + f.words
		}
		return f
	}
	return finding{}
}

// judgeFailedPod explains a pod that has ended for good.
func judgeFailedPod(pod *corev1.Pod) finding {
	if pod.Status.Reason != "" { // Evicted, NodeAffinity, DeadlineExceeded, …: not a container's doing
		reason, words := plainLine(pod.Status.Reason, 60), plainLine(pod.Status.Message, wordsMost)
		return finding{
			level: levelCrashed, reason: reason, words: words,
			cause: fmt.Sprintf("pod %s failed: %s", pod.Name, strings.TrimSuffix(reason+": "+words, ": ")),
		}
	}
	for _, k := range podContainers(pod) {
		if k.status == nil || k.status.State.Terminated == nil {
			continue
		}
		end := k.status.State.Terminated
		if end.ExitCode == 0 && end.Reason != "OOMKilled" {
			continue
		}
		how := exitWords(k, end)
		return finding{
			level: levelCrashed, reason: cmp.Or(plainLine(end.Reason, 60), "Error"), words: how, image: k.image(),
			cause: fmt.Sprintf("%s of pod %s failed: %s", k, pod.Name, how),
		}
	}
	return finding{level: levelCrashed, reason: "Failed", cause: fmt.Sprintf("pod %s failed", pod.Name)}
}

// newestEvent returns the latest event that matches; nil when none does.
func newestEvent(events []*corev1.Event, match func(*corev1.Event) bool) *corev1.Event {
	var last *corev1.Event
	for _, e := range events {
		if match(e) && (last == nil || eventTime(e).After(eventTime(last))) {
			last = e
		}
	}
	return last
}

// eventTime is when an event was last seen. The old and the new events API
// fill in different fields.
func eventTime(e *corev1.Event) time.Time {
	last := e.FirstTimestamp.Time
	for _, t := range []time.Time{e.EventTime.Time, e.LastTimestamp.Time} {
		if t.After(last) {
			last = t
		}
	}
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	return last
}

// eventContainer reports whether an event is about the container, or does not
// say about which.
func eventContainer(e *corev1.Event, name string) bool {
	path := e.InvolvedObject.FieldPath
	return path == "" || strings.HasSuffix(path, "{"+name+"}")
}
