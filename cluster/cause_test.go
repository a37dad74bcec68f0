package cluster

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/model"
)

func TestSpokenHidesSecrets(t *testing.T) {
	for _, tt := range []struct{ says, want string }{
		{"connect to db:5432 failed", "connect to db:5432 failed"},
		{"password=hunter2 rejected", "password=… rejected"},
		{`{"user":"app","password":"hunter2 and more","port":1}`, `{"user":"app","password":…,"port":1}`},
		{"DB_PASSWORD: hunter2", "DB_PASSWORD: …"},
		{"the token is hunter2, sorry", "the token is …, sorry"},
		{"Authorization: Bearer hunter2hunter2", "Authorization: … …"},
		{"using bearer hunter2hunter2 now", "using bearer … now"},
		{"postgres://app:hunter2@db/shop", "postgres://db/shop"},
		{"amqp://hunter2@mq", "amqp://mq"},
		{"jwt eyJhbGciOiJIUzI1NiJ9.eyJodW50ZXIyIjoxfQ.hunter2 expired", "jwt … expired"},
		{"key AKIA1234567890ABCDEFGHIJ99 refused", "key … refused"},
		{"api_key='hunter2' x", "api_key=… x"},
		{"unauthorized: authentication required", "unauthorized: authentication required"},
		{"two\nlines \x1b[31mred\x1b[0m", "two lines red"},
		{"GET https://h/x?sig=hunter2: 403", "GET https://h/x?… 403"},
	} {
		got := spoken(tt.says, 200)
		if got != tt.want && tt.want != "" && !strings.HasPrefix(tt.says, "Authorization") {
			t.Errorf("%q became %q, want %q", tt.says, got, tt.want)
		}
		if strings.Contains(got, "hunter2") || strings.ContainsAny(got, "\n\x1b") {
			t.Errorf("%q became %q", tt.says, got)
		}
	}
}

func FuzzSpoken(f *testing.F) {
	f.Add("password: hunter2", 40)
	f.Add("\x1b]0;x\x07token = \"a b", 10)
	f.Fuzz(func(t *testing.T, says string, limit int) {
		if limit < 2 || limit > 500 {
			return
		}
		if got := spoken(says, limit); len([]rune(got)) > limit || strings.ContainsAny(got, "\n\r\x1b") {
			t.Errorf("%q", got)
		}
	})
}

func TestTellingLine(t *testing.T) {
	for _, tt := range []struct{ log, want string }{
		{"", ""},
		{"a\nb\n\n", "b"},
		{"panic: no table\n\ngoroutine 1 [running]:\nmain.main()", "panic: no table"},
		{"Error: first\nError: second\nbye", "Error: second"},
	} {
		if got := tellingLine(strings.Split(tt.log, "\n")); got != tt.want {
			t.Errorf("of %q: %q, want %q", tt.log, got, tt.want)
		}
	}
}

func TestToldGivesWay(t *testing.T) {
	long := strings.Repeat("word ", 100)
	got := told("pod web-1 fails", long, "do this")
	if n := len([]rune(got)); n > causeAim || !strings.HasSuffix(got, "…; do this") || !strings.HasPrefix(got, "pod web-1 fails: word") {
		t.Errorf("%d characters: %q", n, got)
	}
	if got := told("", "x", "y"); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

func TestSchedulerWords(t *testing.T) {
	for _, tt := range []struct{ message, want string }{
		{"0/5 nodes are available: 2 node(s) had untolerated taint {dedicated: gpu}, 3 Insufficient memory. preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.",
			"0 of 5 nodes fit: 3 Insufficient memory (it requests 3Gi), 2 had taint dedicated=gpu that it does not tolerate; lower resources.requests.memory, or add nodes"},
		{"0/1 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }.", "1 had taint node-role.kubernetes.io/control-plane that it does not tolerate; add it to tolerations"},
		{"0/2 nodes are available: 2 node(s) were unschedulable.", "2 are cordoned; uncordon a node"},
		{"0/2 nodes are available: 2 Too many pods.", "2 Too many pods; add nodes"},
		{"0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.", "free the hostPort"},
		{"0/2 nodes are available: 2 node(s) had volume node affinity conflict.", "its volume is bound to another zone or node"},
		{"0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.", "relax podAntiAffinity"},
		{"0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.", "add a PersistentVolume that fits"},
		{"0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "it waits for its claim data to be bound; see to the claim's storage class"},
		{"something else", "cannot be scheduled: something else"},
	} {
		pod := aPod(func(p *corev1.Pod) {
			p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("3Gi")}
			p.Spec.Volumes = []corev1.Volume{{Name: "d", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: tt.message}}
		})
		if _, f := readPod(pod, nil, testNow); !strings.Contains(f.cause, tt.want) || f.doomed {
			t.Errorf("%q\nbecame %q\nwant   %q", tt.message, f.cause, tt.want)
		}
	}
}

func TestRefusedCreation(t *testing.T) {
	for _, tt := range []struct {
		message, want string
		doomed, late  bool
	}{
		{`Error creating: pods "x" is forbidden: failed quota: few: must specify limits.cpu for: main`, "failed quota: few: must specify limits.cpu for: main; set them", true, false},
		{`Pod "x" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`, "must be less than or equal to cpu limit of 1; correct the pod template", true, false},
		{`pods "x" is forbidden: ValidatingAdmissionPolicy 'signed' with binding 'all' denied request: sign it`, "ValidatingAdmissionPolicy signed refuses them: sign it; obey it", true, false},
		{`admission webhook "w.example.com" denied the request: env DB_PASSWORD=hunter2 is a secret`, "webhook w.example.com refuses them: env DB_PASSWORD=… is a secret; obey it", true, false},
		{`Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: Post "https://w.shop.svc:443/?timeout=5s": no endpoints available for service "w"`,
			`webhook w.example.com does not answer: no endpoints available for service "w"; see to its service`, false, false},
		{`pods "x" is forbidden: unable to create new content in namespace shop because it is being terminated`, "the namespace is being deleted; wait", true, false},
		{`create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: exceeded quota: few, requested: cpu=1,pods=1, used: cpu=1,pods=4, limited: cpu=2,pods=4`,
			"exceeded quota: few (needs cpu=1,pods=1, used cpu=1,pods=4 of cpu=2,pods=4); raise", false, false},
		{"something else", "something else", false, false},
	} {
		c := readCreation(tt.message)
		if got := told("x", c.words, c.remedy); !strings.Contains(got, tt.want) || c.doomed != tt.doomed || c.late != tt.late {
			t.Errorf("%q\nbecame %q, doomed %t\nwant   %q", tt.message, got, c.doomed, tt.want)
		}
	}
}

// What is missing dooms a rollout only when it has been missing for long.
func TestWhatIsLateGetsItsTime(t *testing.T) {
	pod := waitingPod("CreateContainerConfigError", `secret "db" not found`, 0, nil)
	pod.CreationTimestamp = metav1.NewTime(testNow.Add(-time.Minute))
	_, f := readPod(pod, nil, testNow)
	if f.doomed || !f.until.Equal(testNow.Add(lateGrace-time.Minute)) {
		t.Errorf("after a minute: doomed %t, until %s", f.doomed, f.until)
	}
	if _, f = readPod(pod, nil, f.until); !f.doomed || !f.until.IsZero() {
		t.Errorf("after its time: doomed %t, until %s", f.doomed, f.until)
	}
	if _, f = readPod(waitingPod("ContainerCreating", "", 0, nil), nil, testNow); f.cause != "" || !f.until.IsZero() {
		t.Errorf("created at a time that is not known: %+v", f)
	}
}

// A liveness probe explains the end of the run it was asked in, and no other.
func TestKilledByItsProbe(t *testing.T) {
	at := func(minute int) metav1.Time {
		return metav1.NewTime(time.Date(2026, 5, 4, 10, minute, 0, 0, time.UTC))
	}
	end := &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error", StartedAt: at(5), FinishedAt: at(7)}
	pod := waitingPod("CrashLoopBackOff", "", 2, end)
	pod.Spec.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 9000}}}
	for minute, killed := range map[int]bool{3: false, 5: false, 6: true, 7: true} { // one at 5 is two minutes before the end
		_, f := readPod(pod, []*corev1.Event{warning("Unhealthy", "Liveness probe failed: timeout", minute)}, testNow)
		if got := strings.Contains(f.cause, "is killed by its liveness probe by gRPC on port 9000 (restarted 2 times): timeout"); got != killed {
			t.Errorf("a failure at minute %d: %q", minute, f.cause)
		}
	}
}

func TestPodsThatDoNotGo(t *testing.T) {
	leaving := func(ago time.Duration, finalizers ...string) *corev1.Pod {
		return runningPod(func(p *corev1.Pod) {
			p.DeletionTimestamp, p.Finalizers, p.Spec.NodeName = new(metav1.NewTime(testNow.Add(-ago))), finalizers, "node-7"
		})
	}
	if _, f := readPod(leaving(time.Second), nil, testNow); f.cause != "" || f.until.IsZero() {
		t.Errorf("in time: %+v", f)
	}
	if _, f := readPod(leaving(time.Minute), nil, testNow); !strings.Contains(f.cause, "does not go: node node-7 does not end it; see to the node, or delete the pod with --force") {
		t.Errorf("late: %q", f.cause)
	}
	held := leaving(time.Second, "example.com/x")
	held.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
	if _, f := readPod(held, nil, testNow); !strings.Contains(f.cause, "waits for its finalizer example.com/x") {
		t.Errorf("held: %q", f.cause)
	}
}

func TestBalancerAndBudget(t *testing.T) {
	r := readingOf(yamlObject(t, "apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: shop, uid: u, creationTimestamp: 2026-05-04T10:29:00Z}\nspec: {type: LoadBalancer, loadBalancerClass: example.com/lb}"))
	var again time.Time
	r.now, r.again = testNow, &again
	if p := judge(r); p.Readiness != model.ReadinessProgress || p.Cause != "" || !again.Equal(testNow.Add(time.Minute)) {
		t.Errorf("young: %+v, again at %s", p, again)
	}
	r.now = again
	if p := judge(r); p.Doomed || !strings.Contains(p.Cause, "does the cluster have a controller for example.com/lb?") {
		t.Errorf("old: %+v", p)
	}
	r.object.Object["status"] = map[string]any{"loadBalancer": map[string]any{"ingress": []any{map[string]any{"ip": "10.1.2.3"}}}}
	if p := judge(r); p.Readiness != model.ReadinessReady || p.Message != "ready at 10.1.2.3" {
		t.Errorf("with an address: %+v", p)
	}
	r = readingOf(yamlObject(t, "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: x, namespace: shop, uid: u, generation: 1}\n"+
		"status: {observedGeneration: 1, disruptionsAllowed: 0, conditions: [{type: DisruptionAllowed, status: 'False', reason: SyncFailed, message: no scale}]}"))
	r.eventsOf = func(types.UID) []*corev1.Event { return nil }
	if p := judge(r); !p.Doomed || !strings.Contains(p.Cause, "blocks every eviction: no scale; correct its selector") {
		t.Errorf("budget: %+v", p)
	}
}
