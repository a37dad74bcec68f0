package testcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const patience = time.Minute

func TestMain(m *testing.M) {
	Main(m, WithUser("dev", "developers"), WithContexts("gke-prod", "gke-staging"))
}

// env is a namespace of the shared control plane.
type env struct {
	*testing.T
	*kubernetes.Clientset
	cluster *Cluster
	ns      string
}

func newEnv(t *testing.T) *env {
	t.Parallel()
	c := Get(t)
	return &env{T: t, Clientset: c.Client(t), cluster: c, ns: c.Namespace(t)}
}

func (e *env) pod(name, image string, change ...func(*corev1.Pod)) {
	e.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}, Annotations: map[string]string{}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
	}
	for _, f := range change {
		f(pod)
	}
	if _, err := e.CoreV1().Pods(e.ns).Create(e.Context(), pod, metav1.CreateOptions{}); err != nil {
		e.Fatal(err)
	}
}

func annotate(field, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations["sim.fairtide.dev/"+field] = value }
}

// until waits for a pod to be as wanted and returns its first container.
func (e *env) until(what, name string, wanted func(*corev1.Pod, corev1.ContainerStatus) bool) corev1.ContainerStatus {
	e.Helper()
	var status corev1.ContainerStatus
	Eventually(e.T, patience, what, func() (bool, error) {
		pod, err := e.CoreV1().Pods(e.ns).Get(e.Context(), name, metav1.GetOptions{})
		if err != nil || len(pod.Status.ContainerStatuses) == 0 {
			return false, err
		}
		status = pod.Status.ContainerStatuses[0]
		return wanted(pod, status), nil
	})
	return status
}

func waitingFor(reason string) func(*corev1.Pod, corev1.ContainerStatus) bool {
	return func(_ *corev1.Pod, s corev1.ContainerStatus) bool {
		return s.State.Waiting != nil && s.State.Waiting.Reason == reason
	}
}

func ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func (e *env) untilEvent(pod, reason, message string) {
	e.Helper()
	Eventually(e.T, patience, "event "+reason, func() (bool, error) {
		list, err := e.CoreV1().Events(e.ns).List(e.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + pod})
		if err != nil {
			return false, err
		}
		for _, event := range list.Items {
			if event.Reason == reason && strings.Contains(event.Message, message) && event.Source.Component == "kubelet" {
				return true, nil
			}
		}
		return false, nil
	})
}

func (e *env) logs(pod string, opts corev1.PodLogOptions) (string, error) {
	stream, err := e.CoreV1().Pods(e.ns).GetLogs(pod, &opts).Stream(e.Context())
	if err != nil {
		return "", err
	}
	defer stream.Close()
	data, err := io.ReadAll(stream)
	return string(data), err
}

func (e *env) deployment(name, image string, replicas int32) *appsv1.Deployment {
	e.Helper()
	labels := map[string]string{"app": name}
	d, err := e.AppsV1().Deployments(e.ns).Create(e.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "main", Image: image, Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		e.Fatal(err)
	}
	return d
}

func (e *env) untilAvailable(name string, replicas int32) {
	e.Helper()
	Eventually(e.T, patience, "available Deployment", func() (bool, error) {
		d, err := e.AppsV1().Deployments(e.ns).Get(e.Context(), name, metav1.GetOptions{})
		return err == nil && d.Status.AvailableReplicas == replicas, err
	})
}

func TestDeploymentBecomesAvailableAndIsScaledDown(t *testing.T) {
	e := newEnv(t)
	e.deployment("web", "web:1", 3)
	began := time.Now()
	e.untilAvailable("web", 3)
	t.Logf("available after %s", time.Since(began).Round(time.Millisecond))

	pods, err := e.CoreV1().Pods(e.ns).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ips := map[string]bool{}
	for _, pod := range pods.Items {
		ips[pod.Status.PodIP] = true
		if s := pod.Status.ContainerStatuses[0]; s.State.Running == nil || !strings.HasPrefix(s.ImageID, "web@sha256:") {
			t.Errorf("unexpected status %+v", s)
		}
	}
	if len(ips) != 3 || ips[""] {
		t.Errorf("addresses are not unique: %v", ips)
	}
	e.untilEvent(pods.Items[0].Name, "Started", "Container started")

	if err := e.AppsV1().Deployments(e.ns).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	Eventually(t, patience, "no pods", func() (bool, error) {
		pods, err := e.CoreV1().Pods(e.ns).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(pods.Items) == 0, err
	})
}

func TestPullErrorByRuleUntilItIsFixed(t *testing.T) {
	e := newEnv(t)
	t.Run("broken", func(t *testing.T) {
		e.cluster.PodRules(t, PodRule{Image: "registry.test/*/broken:*", PullError: "no such thing"})
		e.pod("p", "registry.test/some/path/broken:1")
		s := e.until("ErrImagePull", "p", waitingFor("ErrImagePull"))
		if s.State.Waiting.Message != "no such thing" {
			t.Errorf("message of ErrImagePull is %q", s.State.Waiting.Message)
		}
		s = e.until("ImagePullBackOff", "p", waitingFor("ImagePullBackOff"))
		want := `Back-off pulling image "registry.test/some/path/broken:1": ErrImagePull: no such thing`
		if s.State.Waiting.Message != want {
			t.Errorf("message of ImagePullBackOff is %q, want %q", s.State.Waiting.Message, want)
		}
		e.untilEvent("p", "Failed", `Failed to pull image "registry.test/some/path/broken:1": no such thing`)
		e.untilEvent("p", "Failed", "Error: ImagePullBackOff")
		if _, err := e.logs("p", corev1.PodLogOptions{}); err == nil || !strings.Contains(err.Error(), "is waiting to start") {
			t.Errorf("logs without a container: %v", err)
		}
	})
	// The rule is gone with the test that added it.
	e.until("running pod", "p", func(p *corev1.Pod, _ corev1.ContainerStatus) bool { return ready(p) })
}

func TestDefaultPullErrorIsNotFound(t *testing.T) {
	e := newEnv(t)
	e.pod("p", "registry.test/missing:1", annotate("pull-error", ""))
	s := e.until("ErrImagePull", "p", waitingFor("ErrImagePull"))
	if !strings.HasSuffix(s.State.Waiting.Message, "registry.test/missing:1: not found") {
		t.Errorf("message is %q", s.State.Waiting.Message)
	}
}

func TestCrashLoop(t *testing.T) {
	e := newEnv(t)
	e.pod("p", "crash:1", annotate("exit-code", "137"), annotate("exit-reason", "OOMKilled"),
		annotate("exit-after", "200ms"), annotate("log.main", "one\ntwo\nout of memory"))
	s := e.until("CrashLoopBackOff", "p", waitingFor("CrashLoopBackOff"))
	if last := s.LastTerminationState.Terminated; last == nil || last.Reason != "OOMKilled" || last.ExitCode != 137 {
		t.Errorf("last state is %+v", last)
	}
	if s.RestartCount == 0 {
		t.Error("no restart was counted")
	}
	e.untilEvent("p", "BackOff", "Back-off restarting failed container main in pod p_"+e.ns)
	for _, previous := range []bool{false, true} {
		out, err := e.logs("p", corev1.PodLogOptions{Previous: previous})
		if err != nil || out != "one\ntwo\nout of memory\n" {
			t.Errorf("previous=%v: log is %q, %v", previous, out, err)
		}
	}
	one := int64(1)
	out, err := e.logs("p", corev1.PodLogOptions{TailLines: &one, Timestamps: true})
	at, text, _ := strings.Cut(strings.TrimSpace(out), " ")
	if _, timeErr := time.Parse(time.RFC3339Nano, at); err != nil || timeErr != nil || text != "out of memory" {
		t.Errorf("last line with time is %q, %v, %v", out, err, timeErr)
	}
}

func TestNeverReady(t *testing.T) {
	e := newEnv(t)
	e.pod("p", "slow:1", annotate("ready-after", "never"))
	e.untilEvent("p", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
	s := e.until("running container", "p", func(_ *corev1.Pod, s corev1.ContainerStatus) bool { return s.State.Running != nil })
	if s.Ready {
		t.Error("the container is ready")
	}
}

func (e *env) job(name string, annotations map[string]string) {
	e.Helper()
	none := int32(0)
	_, err := e.BatchV1().Jobs(e.ns).Create(e.Context(), &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: batchv1.JobSpec{BackoffLimit: &none, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Annotations: annotations},
			Spec: corev1.PodSpec{
				RestartPolicy:  corev1.RestartPolicyNever,
				InitContainers: []corev1.Container{{Name: "init", Image: "init:1"}},
				Containers:     []corev1.Container{{Name: "main", Image: "job:1"}},
			},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		e.Fatal(err)
	}
}

func (e *env) untilJob(name string, kind batchv1.JobConditionType) {
	e.Helper()
	Eventually(e.T, patience, "Job "+string(kind), func() (bool, error) {
		job, err := e.BatchV1().Jobs(e.ns).Get(e.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		for _, c := range job.Status.Conditions {
			if c.Type == kind && c.Status == corev1.ConditionTrue {
				return true, nil
			}
		}
		return false, nil
	})
}

func TestJobs(t *testing.T) {
	e := newEnv(t)
	for _, test := range []struct {
		name        string
		annotations map[string]string
		end         batchv1.JobConditionType
		log         string
	}{
		{"good", map[string]string{"sim.fairtide.dev/log.main": "checking\nfine"}, batchv1.JobComplete, "checking\nfine\n"},
		{"bad", map[string]string{
			"sim.fairtide.dev/exit-code.main": "2", "sim.fairtide.dev/exit-after.main": "700ms", "sim.fairtide.dev/log.main": "a\nb\nc",
		}, batchv1.JobFailed, "a\nb\nc\n"},
	} {
		e.job(test.name, test.annotations)
		var pod string
		Eventually(t, patience, "running pod", func() (bool, error) {
			pods, err := e.CoreV1().Pods(e.ns).List(t.Context(), metav1.ListOptions{LabelSelector: "job-name=" + test.name})
			if err != nil || len(pods.Items) == 0 {
				return false, err
			}
			pod = pods.Items[0].Name
			return pods.Items[0].Status.Phase != corev1.PodPending, nil
		})
		// Following ends with the container.
		out, err := e.logs(pod, corev1.PodLogOptions{Container: "main", Follow: true})
		if err != nil || out != test.log {
			t.Errorf("%s: log is %q, %v", test.name, out, err)
		}
		e.untilJob(test.name, test.end)
	}
}

func TestMissingReferences(t *testing.T) {
	e := newEnv(t)
	e.pod("env", "env:1", func(p *corev1.Pod) {
		p.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "late"}}}}
	})
	e.pod("volume", "volume:1", func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "late"}}}}}
	})
	s := e.until("config error", "env", waitingFor("CreateContainerConfigError"))
	if s.State.Waiting.Message != `configmap "late" not found` {
		t.Errorf("message is %q", s.State.Waiting.Message)
	}
	e.untilEvent("volume", "FailedMount", `MountVolume.SetUp failed for volume "v" : configmap "late" not found`)
	e.until("waiting container", "volume", waitingFor("ContainerCreating"))

	late := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "late"}, Data: map[string]string{"a": "b"}}
	if _, err := e.CoreV1().ConfigMaps(e.ns).Create(t.Context(), late, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"env", "volume"} {
		e.until("ready pod "+name, name, func(p *corev1.Pod, _ corev1.ContainerStatus) bool { return ready(p) })
	}
}

func TestServiceAndPodProxy(t *testing.T) {
	e := newEnv(t)
	e.cluster.PodRules(t, PodRule{Image: "hello:1", HTTPStatus: 418, HTTPBody: "short and stout"})
	e.deployment("hello", "hello:1", 1)
	e.deployment("plain", "plain:1", 1)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "plain"},
		Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "plain"},
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}}},
	}
	if _, err := e.CoreV1().Services(e.ns).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	e.untilAvailable("hello", 1)
	Eventually(t, patience, "answer of the service", func() (bool, error) {
		data, err := e.CoreV1().Services(e.ns).ProxyGet("http", "plain", "http", "/health", nil).DoRaw(t.Context())
		return err == nil && strings.Contains(string(data), `"image":"plain:1"`) && strings.Contains(string(data), `"path":"/health"`), err
	})
	pods, err := e.CoreV1().Pods(e.ns).List(t.Context(), metav1.ListOptions{LabelSelector: "app=hello"})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("pods: %v, %v", pods, err)
	}
	// The typed client keeps answers that are no success to itself.
	cfg := e.cluster.Config(t)
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Get(fmt.Sprintf("%s/api/v1/namespaces/%s/pods/%s:8080/proxy/", cfg.Host, e.ns, pods.Items[0].Name))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusTeapot || string(body) != "short and stout" {
		t.Errorf("the pod answered %s %q, %v", answer.Status, body, err)
	}
}

func TestRestrictedUserIsForbidden(t *testing.T) {
	e := newEnv(t)
	dev, err := kubernetes.NewForConfig(e.cluster.ConfigFor(t, "dev"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = dev.CoreV1().Pods(e.ns).List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("listing pods: %v, want that it is forbidden", err)
	}
}

func TestGetReturnsOneControlPlane(t *testing.T) {
	t.Parallel()
	first, second := Get(t), Get(t)
	if first != second {
		t.Error("there are two")
	}
}

func TestEventuallyReportsTheLastError(t *testing.T) {
	t.Parallel()
	calls := 0
	Eventually(t, patience, "third call", func() (bool, error) {
		calls++
		return calls == 3, errors.New("not yet")
	})
	if calls != 3 {
		t.Errorf("%d calls", calls)
	}
}

func TestNamespaceIsDeletedAfterTheTest(t *testing.T) {
	t.Parallel()
	c := Get(t)
	var name string
	t.Run("Some Test/with, a name that is far too long to be the name of a namespace", func(t *testing.T) { name = c.Namespace(t) })
	cs := c.Client(t)
	Eventually(t, patience, "end of namespace "+name, func() (bool, error) {
		_, err := cs.CoreV1().Namespaces().Get(context.Background(), name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), err
	})
}
