package cluster

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const testImage = "ghcr.io/petstore/petstore:1.5.0"

// aPod is a pending pod with one container called cart.
func aPod(change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "cart-1", Namespace: "shop", UID: "pod-1"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "cart", Image: testImage}}},
		Status: corev1.PodStatus{
			Phase:             corev1.PodPending,
			ContainerStatuses: []corev1.ContainerStatus{{Name: "cart", Image: "sha256:abc"}},
		},
	}
	if change != nil {
		change(pod)
	}
	return pod
}

func waitingPod(reason, message string, restarts int32, last *corev1.ContainerStateTerminated) *corev1.Pod {
	return aPod(func(p *corev1.Pod) {
		s := &p.Status.ContainerStatuses[0]
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: message}
		s.RestartCount, s.LastTerminationState.Terminated = restarts, last
	})
}

func runningPod(change func(*corev1.Pod)) *corev1.Pod {
	return aPod(func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodRunning
		p.Status.ContainerStatuses[0].State.Running = &corev1.ContainerStateRunning{}
		p.Status.ContainerStatuses[0].Started = new(true)
		p.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/healthz?token=s3cret", Port: intstr.FromString("http")},
		}}
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
		if change != nil {
			change(p)
		}
	})
}

func warning(reason, message string, minute int) *corev1.Event {
	return &corev1.Event{
		Reason: reason, Message: message, Type: corev1.EventTypeWarning,
		LastTimestamp: metav1.NewTime(time.Date(2026, 5, 4, 10, minute, 0, 0, time.UTC)),
	}
}

// testNow is when the pods of these tests are looked at.
var testNow = time.Date(2026, 5, 4, 10, 30, 0, 0, time.UTC)

// startedAgo makes the pod's first container, or first init container, one
// that has been running for so long.
func startedAgo(p *corev1.Pod, age time.Duration) *corev1.Pod {
	s := p.Status.ContainerStatuses
	if len(p.Status.InitContainerStatuses) > 0 {
		s = p.Status.InitContainerStatuses
	}
	s[0].State.Running.StartedAt = metav1.NewTime(testNow.Add(-age))
	return p
}

func TestPodCauses(t *testing.T) {
	exit := func(code int32, reason string) *corev1.ContainerStateTerminated {
		return &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: "password=hunter2"}
	}
	initRuns := func(p *corev1.Pod) {
		p.Spec.InitContainers = []corev1.Container{{Name: "migrate", Image: "migrate:1"}}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
		p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
	}
	for _, tt := range []struct {
		name   string
		pod    *corev1.Pod
		events []*corev1.Event
		reason string
		cause  string
		doomed bool
	}{
		{"just created", aPod(nil), nil, "", "", false},
		{"being created", waitingPod("ContainerCreating", "", 0, nil), nil, "ContainerCreating", "", false},
		{"ready", runningPod(func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		}), []*corev1.Event{warning("Unhealthy", "Readiness probe failed: 503", 1)}, "", "", false},
		{"unschedulable", aPod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses = nil
			p.Status.Conditions = []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable",
				Message: "0/3 nodes are available: 3 Insufficient cpu.",
			}}
		}), nil, "Unschedulable", "pod cart-1 cannot be scheduled: 0 of 3 nodes fit: 3 Insufficient cpu; lower resources.requests.cpu, or add nodes", false},
		{"invalid image name", waitingPod("InvalidImageName", `Failed to apply default image tag "a:b:c"`, 0, nil), nil,
			"InvalidImageName", "cannot pull " + testImage + ": the name is not a valid image reference (container cart of pod cart-1): Failed to apply", true},
		{"never pulled", waitingPod("ErrImageNeverPull", "", 0, nil), nil,
			"ErrImageNeverPull", "cannot pull " + testImage + ": it is not on the node, and imagePullPolicy is Never (container cart of pod cart-1)", false},
		{"missing ConfigMap", waitingPod("CreateContainerConfigError", `configmap "cart-config" not found`, 0, nil), nil,
			"CreateContainerConfigError", `container cart of pod cart-1 cannot be configured: configmap "cart-config" not found`, false},
		{"bad command", waitingPod("RunContainerError", "exec: \"crat\": executable file not found\nin $PATH", 1, nil), nil,
			"RunContainerError", `container cart of pod cart-1 cannot be started: exec: "crat": executable file not found in $PATH`, false},
		{"first crash", waitingPod("CrashLoopBackOff", "back-off 10s", 1, exit(1, "Error")), nil,
			"CrashLoopBackOff", "container cart of pod cart-1 crashes: exit code 1 (restarted once)", false},
		{"crash loop", waitingPod("CrashLoopBackOff", "back-off 40s", 3, exit(139, "Error")), nil,
			"CrashLoopBackOff", "container cart of pod cart-1 crashes: exit code 139 (SIGSEGV) (restarted 3 times)", true},
		{"crash loop after the kubelet restarted", waitingPod("CrashLoopBackOff", "", 5, nil), nil,
			"CrashLoopBackOff", "container cart of pod cart-1 crashes: it does not keep running (restarted 5 times)", true},
		{"ends well, which is wrong", waitingPod("CrashLoopBackOff", "", 1, exit(0, "Completed")), nil,
			"CrashLoopBackOff", "it ends with exit code 0, but must keep running", false},
		{"out of memory", func() *corev1.Pod {
			p := waitingPod("CrashLoopBackOff", "", 4, exit(137, "OOMKilled"))
			p.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")}
			return p
		}(), nil, "CrashLoopBackOff", "out of memory: it needs more than its limit of 128Mi (OOMKilled)", true},
		{"between two restarts", aPod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].State.Terminated = exit(2, "Error")
		}), nil, "Error", "container cart of pod cart-1 crashes: exit code 2", false},
		{"probe not answered yet", startedAgo(runningPod(nil), startGrace), nil,
			"Unhealthy", "container cart of pod cart-1 is not ready: its readiness probe GET :8080/healthz has not succeeded yet", false},
		{"probe not answered yet, just started", startedAgo(runningPod(nil), startGrace-time.Second), nil, "", "", false},
		{"probe failing, just started", startedAgo(runningPod(nil), time.Second), []*corev1.Event{warning("Unhealthy", "Readiness probe failed: connection refused", 29)},
			"Unhealthy", "its readiness probe GET :8080/healthz fails: connection refused", false},
		{"probe not answered yet, the node's clock is an hour ahead", startedAgo(runningPod(nil), -time.Hour), nil, "Unhealthy", "has not succeeded yet", false},
		{"probe failing", runningPod(nil), []*corev1.Event{
			warning("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", 5),
			warning("Unhealthy", "Readiness probe failed: connection refused", 1),
			warning("Unhealthy", "Liveness probe failed: no", 7),
		}, "Unhealthy", "its readiness probe GET :8080/healthz fails: HTTP probe failed with statuscode: 503", false},
		{"probe of another container", runningPod(nil), []*corev1.Event{func() *corev1.Event {
			e := warning("Unhealthy", "Readiness probe failed: no", 5)
			e.InvolvedObject.FieldPath = "spec.containers{proxy}"
			return e
		}()}, "Unhealthy", "has not succeeded yet", false},
		{"startup probe", runningPod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].Started = new(false)
			p.Spec.Containers[0].StartupProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(9000)}}}
		}), []*corev1.Event{warning("Unhealthy", "Startup probe failed: dial tcp: connection refused", 5)},
			"Unhealthy", "its startup probe on TCP port 9000 fails: dial tcp: connection refused", false},
		{"readiness gate", runningPod(func(p *corev1.Pod) {
			p.Spec.Containers[0].ReadinessProbe = nil
			p.Status.ContainerStatuses[0].Ready = true
			p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/attached"}}
			p.Status.Conditions = []corev1.PodCondition{{Type: "example.com/attached", Status: corev1.ConditionFalse, Message: "no target group"}}
		}), nil, "ReadinessGatesNotReady", "pod cart-1 waits for its readiness gate example.com/attached: no target group", false},
		{"volume", waitingPod("ContainerCreating", "", 0, nil), []*corev1.Event{
			warning("FailedMount", `MountVolume.SetUp failed for volume "config" : configmap "cart" not found`, 2),
		}, "FailedMount", `pod cart-1 cannot start, its volume config does not come: configmap "cart" not found; add ConfigMap cart`, false},
		{"sandbox", waitingPod("ContainerCreating", "", 0, nil), []*corev1.Event{warning("FailedCreatePodSandBox", "no free address", 2)},
			"FailedCreatePodSandBox", "pod cart-1 cannot start, its network does not come: no free address", false},
		{"init container runs", startedAgo(aPod(initRuns), startGrace), nil, "PodInitializing", "init container migrate of pod cart-1 has not ended yet", false},
		{"init container has just started", startedAgo(aPod(initRuns), time.Second), nil, "PodInitializing", "", false},
		{"one container of a Job has ended", runningPod(func(p *corev1.Pod) {
			p.Spec.RestartPolicy = corev1.RestartPolicyNever
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: exit(0, "Completed")}
		}), nil, "", "", false},
		{"one container of a Job has ended badly", runningPod(func(p *corev1.Pod) {
			p.Spec.RestartPolicy = corev1.RestartPolicyNever
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: exit(4, "Error")}
		}), nil, "Error", "container cart of pod cart-1 crashes: exit code 4", false},
		{"init container crashes", aPod(func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "migrate", Image: "migrate:1"}}
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{
				Name: "migrate", RestartCount: 3, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
				LastTerminationState: corev1.ContainerState{Terminated: exit(3, "Error")},
			}}
			p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
		}), nil, "CrashLoopBackOff", "init container migrate of pod cart-1 crashes: exit code 3 (restarted 3 times)", true},
		{"evicted", aPod(func(p *corev1.Pod) {
			p.Status.Phase, p.Status.Reason, p.Status.Message = corev1.PodFailed, "Evicted", "The node was low on resource: memory."
		}), nil, "Evicted", "pod cart-1 failed: Evicted: The node was low on resource: memory; ", false},
		{"failed", aPod(func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodFailed
			p.Status.ContainerStatuses[0].State.Terminated = exit(7, "Error")
		}), nil, "Error", "container cart of pod cart-1 failed: exit code 7", false},
		{"succeeded", aPod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }), nil, "", "", false},
		{"terminating", func() *corev1.Pod {
			p := waitingPod("CrashLoopBackOff", "", 9, nil)
			p.DeletionTimestamp = new(metav1.Now())
			return p
		}(), nil, "Terminating", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pod, f := readPod(tt.pod, tt.events, testNow)
			if pod.Reason != tt.reason || f.doomed != tt.doomed || !strings.Contains(f.cause, tt.cause) || (tt.cause == "") != (f.cause == "") {
				t.Errorf("reason %q, doomed %t, cause %q;\nwant %q, %t, %q", pod.Reason, f.doomed, f.cause, tt.reason, tt.doomed, tt.cause)
			}
			for _, text := range []string{f.cause, f.words, pod.Message} {
				if strings.Contains(text, "hunter2") || strings.Contains(text, "s3cret") {
					t.Errorf("a secret is told: %q", text)
				}
			}
		})
	}
}

func TestPodImage(t *testing.T) {
	pod, _ := readPod(aPod(func(p *corev1.Pod) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "proxy", Image: "proxy:2"})
		p.Status.ContainerStatuses[0].RestartCount = 1
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: "proxy", RestartCount: 2, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"}},
		})
	}), nil, testNow)
	if pod.Image != "proxy:2" || pod.Restarts != 3 || pod.Reason != "ErrImagePull" {
		t.Errorf("%+v", pod)
	}
	if pod, _ = readPod(aPod(nil), nil, testNow); pod.Image != testImage {
		t.Errorf("%+v", pod)
	}
}

func TestPullErrors(t *testing.T) {
	for _, tt := range []struct {
		image, message string
		what           string
		doomed         bool
	}{
		{testImage, `rpc error: code = NotFound desc = failed to pull and unpack image "` + testImage + `": failed to resolve reference "` + testImage + `": ` + testImage + `: not found`, "not found", true},
		{testImage, `Error response from daemon: manifest for ` + testImage + ` not found: manifest unknown: manifest unknown`, "not found", true},
		{testImage, `failed to resolve reference: unexpected status from HEAD request to https://ghcr.io/v2/petstore/petstore/manifests/1.5.0: 404 Not Found`, "not found", true},
		{testImage, `Back-off pulling image "` + testImage + `": ErrImagePull: rpc error: code = NotFound desc = x: not found`, "not found", true},
		{testImage, `Failed to pull image "` + testImage + `": rpc error: code = Unknown desc = failed to authorize: failed to fetch anonymous token: 401 Unauthorized`, "access denied", false},
		{testImage, `pull access denied for petstore, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`, "access denied", false},
		{testImage, `dial tcp: lookup ghcr.io on 10.0.0.10:53: no such host`, "the registry cannot be reached", false},
		{testImage, `Head "https://ghcr.io/v2/": dial tcp 1.2.3.4:443: i/o timeout`, "the registry cannot be reached", false},
		{testImage, `tls: failed to verify certificate: x509: certificate signed by unknown authority`, "the registry's certificate is not trusted", false},
		{testImage, `toomanyrequests: You have reached your pull rate limit.`, "the registry's rate limit is reached", false},
		{testImage, `no match for platform in manifest: not found`, "there is no image for the node's platform", true},
		{"quay.io/jetstack/certificate-forbidden:429", `rpc error: code = NotFound desc = failed to resolve reference "quay.io/jetstack/certificate-forbidden:429": quay.io/jetstack/certificate-forbidden:429: not found`, "not found", true},
		{testImage, `something else altogether`, "something else altogether", false},
		{testImage, ``, "ErrImagePull", false},
	} {
		t.Run(tt.message, func(t *testing.T) {
			pod := waitingPod("ErrImagePull", tt.message, 0, nil)
			pod.Spec.Containers[0].Image = tt.image
			_, f := readPod(pod, nil, testNow)
			if want := "cannot pull " + tt.image + ": " + tt.what + " ("; !strings.HasPrefix(f.cause, want) || f.doomed != tt.doomed {
				t.Errorf("doomed %t, cause %q, want %t, %q", f.doomed, f.cause, tt.doomed, want)
			}
		})
	}
}

// Kubelets alternate between two reasons: the cause must not.
func TestPullCauseIsSteady(t *testing.T) {
	words := "rpc error: code = NotFound desc = x: not found"
	event := warning("Failed", `Failed to pull image "`+testImage+`": `+words, 1)
	_, a := readPod(waitingPod("ErrImagePull", words, 0, nil), nil, testNow)
	_, b := readPod(waitingPod("ImagePullBackOff", `Back-off pulling image "`+testImage+`": ErrImagePull: `+words, 0, nil), nil, testNow)
	_, old := readPod(waitingPod("ImagePullBackOff", `Back-off pulling image "`+testImage+`"`, 0, nil), []*corev1.Event{event, warning("Failed", "Error: ImagePullBackOff", 2)}, testNow)
	if a.cause != b.cause || a.cause != old.cause || !old.doomed || !strings.Contains(a.cause, ": x: not found; ") {
		t.Errorf("causes\n%q\n%q\n%q", a.cause, b.cause, old.cause)
	}
}

func TestEventTime(t *testing.T) {
	at := func(m int) time.Time { return time.Date(2026, 5, 4, 10, m, 0, 0, time.UTC) }
	for _, tt := range []struct {
		name  string
		event corev1.Event
		want  time.Time
	}{
		{"none", corev1.Event{}, time.Time{}},
		{"first", corev1.Event{FirstTimestamp: metav1.NewTime(at(1))}, at(1)},
		{"last", corev1.Event{FirstTimestamp: metav1.NewTime(at(1)), LastTimestamp: metav1.NewTime(at(2))}, at(2)},
		{"new API", corev1.Event{EventTime: metav1.NewMicroTime(at(3))}, at(3)},
		{"series", corev1.Event{EventTime: metav1.NewMicroTime(at(3)), Series: &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(at(4))}}, at(4)},
	} {
		if got := eventTime(&tt.event); !got.Equal(tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func FuzzPlainLine(f *testing.F) {
	for _, s := range []string{
		"plain", "two\nlines", "\x1b[31mred\x1b[0m", "https://user:pass@host/x?sig=secret end", "\u202eevil", strings.Repeat("ä", 500), "\xff\xfe", "",
	} {
		f.Add(s, 40)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 1 || limit > 1000 {
			return
		}
		out := plainLine(s, limit)
		if n := utf8.RuneCountInString(out); n > limit || !utf8.ValidString(out) {
			t.Errorf("%d runes of at most %d, valid: %t", n, limit, utf8.ValidString(out))
		}
		if strings.IndexFunc(out, unicode.IsControl) >= 0 || strings.TrimSpace(out) != out {
			t.Errorf("%q is no plain line", out)
		}
		if again := plainLine(out, limit); again != out && !strings.Contains(out, "http") {
			t.Errorf("%q becomes %q when made plain again", out, again)
		}
	})
}

func TestPlainLineHidesCredentials(t *testing.T) {
	got := plainLine("GET https://user:pass@host.example/x?X-Sig=abc: 403\nretry", 200)
	if want := "GET https://host.example/x?… 403 retry"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What has just started tells that in a message, and becomes a cause with time
// alone; a cause of another pod is not hidden by it.
func TestAStartingContainerIsNoCauseYet(t *testing.T) {
	young := namedPod("a", startedAgo(runningPod(nil), 4*time.Second))
	old := namedPod("b", startedAgo(runningPod(nil), time.Minute))
	r := deploymentReading(t, nil, nil, young)
	var again time.Time
	r.now, r.again = testNow, &again
	p := judge(r)
	if p.Cause != "" || p.Doomed || len(p.Pods) != 1 || p.Pods[0].Reason != "" ||
		!strings.Contains(p.Pods[0].Message, "readiness probe GET :8080/healthz has not succeeded yet") {
		t.Errorf("just started: %+v", p)
	}
	if want := testNow.Add(6 * time.Second); !again.Equal(want) {
		t.Errorf("to be judged again at %v, want %v", again, want)
	}
	r.now, again = again, time.Time{}
	if p := judge(r); !strings.Contains(p.Cause, "pod a is not ready") || !again.IsZero() {
		t.Errorf("after its time: %+v, again at %v", p, again)
	}
	r = deploymentReading(t, nil, nil, young, old)
	r.now = testNow
	if p := judge(r); !strings.Contains(p.Cause, "pod b is not ready") {
		t.Errorf("one young and one old: %+v", p)
	}
}

// An entry is judged anew when its time has come, without any change.
func TestWatchJudgesAgainInTime(t *testing.T) {
	r := deploymentReading(t, nil, nil)
	e := &watchEntry{target: r.target, object: r.object, own: &feed{synced: true}}
	e.target.UID = string(r.object.GetUID())
	w := &watchRun{
		entries: []*watchEntry{e}, dirty: map[*watchEntry]bool{e: true}, wake: make(chan struct{}, 1),
		pods: newOwned[*corev1.Pod](), replicaSets: newOwned[*appsv1.ReplicaSet](),
	}
	owner := func(uid types.UID) []metav1.OwnerReference {
		return []metav1.OwnerReference{{UID: uid, Controller: new(true)}}
	}
	for _, rs := range r.replicaSets {
		rs.OwnerReferences = owner(r.object.GetUID())
		w.replicaSets.put(rs)
	}
	pod := namedPod("a", startedAgo(runningPod(nil), 4*time.Second))
	pod.OwnerReferences = owner("new")
	w.pods.put(pod)

	told, again := w.collect(testNow)
	if len(told) != 1 || told[0].Cause != "" || again != 6*time.Second {
		t.Fatalf("at first: %+v, again in %s", told, again)
	}
	if told, again = w.collect(testNow.Add(2 * time.Second)); len(told) != 0 || again != 4*time.Second {
		t.Errorf("too early: %+v, again in %s", told, again)
	}
	if told, again = w.collect(testNow.Add(6 * time.Second)); len(told) != 1 || !strings.Contains(told[0].Cause, "has not succeeded yet") || again != 0 {
		t.Errorf("in time: %+v, again in %s", told, again)
	}
}
