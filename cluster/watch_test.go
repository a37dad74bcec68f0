package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

func TestWatchDeploymentRollsOut(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	target := createDeployment(t, ns, deploymentOf("web", 3, nil))
	w := startWatch(t, c, target)
	p := w.until(target.ID, "is ready", isReady)
	if p.Ready != 3 || p.Desired != 3 || len(p.Pods) != 3 || p.Message != "3 of 3 new pods ready" || p.Cause != "" {
		t.Errorf("%+v", p)
	}

	// A new revision: the pods of the old one do not count.
	deployments := adminClient(t).AppsV1().Deployments(ns)
	patch := []byte(`{"spec":{"template":{"metadata":{"annotations":{"sim.fairtide.dev/ready-after":"700ms"}},"spec":{"containers":[{"name":"main","image":"registry.example/web:2.0.0"}]}}}}`)
	if _, err := deployments.Patch(t.Context(), "web", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	w.until(target.ID, "starts anew", func(p model.Progress) bool { return p.Readiness == model.ReadinessProgress })
	// Pods come by a watch of their own, maybe after the Deployment's verdict.
	p = w.until(target.ID, "is ready again, with its pods", func(p model.Progress) bool {
		return isReady(p) && len(p.Pods) == 3 && !slices.ContainsFunc(p.Pods, func(pod model.Pod) bool { return !pod.Ready })
	})
	for _, pod := range p.Pods {
		if pod.Image != "registry.example/web:2.0.0" || pod.Created.IsZero() {
			t.Errorf("pod %+v", pod)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.all {
		for _, pod := range p.Pods {
			if len(p.Pods) > 0 && p.Readiness == model.ReadinessProgress && strings.Contains(p.Message, unobserved) {
				t.Errorf("old pod %s among the new ones: %+v", pod.Name, p)
			}
		}
	}
}

// A Watch that starts right after a change must not take the state before it
// for the result.
func TestWatchIsNotFooledByTheOldState(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	target := createDeployment(t, ns, deploymentOf("web", 1, nil))
	first := startWatch(t, c, target)
	patch := func(readyAfter string) {
		t.Helper()
		body := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"sim.fairtide.dev/ready-after":%q}}}}}`, readyAfter)
		if _, err := adminClient(t).AppsV1().Deployments(ns).Patch(t.Context(), "web", types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 5 {
		first.until(target.ID, "is ready", isReady)
		patch("never") // from now on, ready is what it was
		w := startWatch(t, c, target)
		w.until(target.ID, "has a pod that is not ready", func(p model.Progress) bool { return len(p.Pods) == 1 && !p.Pods[0].Ready })
		w.mu.Lock()
		for _, p := range w.all {
			if isReady(p) {
				t.Errorf("round %d: ready: %+v", round, p)
			}
		}
		w.mu.Unlock()
		w.cancel()
		first.until(target.ID, "is not ready", func(p model.Progress) bool { return !isReady(p) })
		patch("0s")
	}
}

func TestWatchCauses(t *testing.T) {
	t.Parallel()
	c, _ := stateClient(t, "unused", nil)
	for _, tt := range []struct {
		name        string
		annotations map[string]string
		change      func(*corev1.PodSpec)
		words       []string
		reason      []string // one of these, the kubelet alternates
		doomed      bool
	}{
		{"no-image", map[string]string{"sim.fairtide.dev/pull-error": ""}, nil,
			[]string{"cannot pull registry.example/no-image:1.0.0: not found (container main of pod no-image-"}, []string{"ErrImagePull", "ImagePullBackOff"}, true},
		{"denied", map[string]string{"sim.fairtide.dev/pull-error": "failed to authorize: 401 Unauthorized"}, nil,
			[]string{"cannot pull registry.example/denied:1.0.0: access denied (container main"}, []string{"ErrImagePull", "ImagePullBackOff"}, false},
		{"crash", map[string]string{"sim.fairtide.dev/exit-code": "3", "sim.fairtide.dev/exit-after": "10ms", "sim.fairtide.dev/log": "password=hunter2"}, nil,
			[]string{"container main of pod crash-", "crashes: exit code 3", "restarted"}, []string{"CrashLoopBackOff", "Error"}, true},
		{"never-ready", map[string]string{"sim.fairtide.dev/ready-after": "never"}, func(s *corev1.PodSpec) {
			s.Containers[0].ReadinessProbe = &corev1.Probe{
				ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz"}},
				PeriodSeconds: 1,
			}
			s.Containers[0].ReadinessProbe.HTTPGet.Port.IntVal = 8080
		}, []string{"container main of pod never-ready-", "is not ready: its readiness probe GET :8080/healthz fails: HTTP probe failed with statuscode: 503"}, []string{"Unhealthy"}, false},
		{"no-config", nil, func(s *corev1.PodSpec) {
			s.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "absent"}}}}
		}, []string{"container main of pod no-config-", `cannot be configured: configmap "absent" not found`}, []string{"CreateContainerConfigError"}, false},
		{"too-big", nil, func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10000")}
		}, []string{"pod too-big-", "cannot be scheduled", "Insufficient cpu"}, []string{"Unschedulable"}, false},
		{"no-account", nil, func(s *corev1.PodSpec) { s.ServiceAccountName = "absent" },
			[]string{"cannot create pods", `serviceaccount "absent" not found`}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := deploymentOf(tt.name, 1, tt.annotations)
			if tt.change != nil {
				tt.change(&d.Spec.Template.Spec)
			}
			ns := testcluster.Get(t).Namespace(t)
			target := createDeployment(t, ns, d)
			w := startWatch(t, c, target)
			p := w.until(target.ID, "has its cause", func(p model.Progress) bool {
				return causeHas(tt.words...)(p) && p.Doomed == tt.doomed
			})
			if p.Readiness != model.ReadinessProgress || p.Ready != 0 || strings.Contains(fmt.Sprint(p), "hunter2") {
				t.Errorf("%+v", p)
			}
			if len(tt.reason) == 0 {
				return
			}
			if len(p.Pods) != 1 || !strings.Contains(strings.Join(tt.reason, " "), p.Pods[0].Reason) || p.Pods[0].Image != d.Spec.Template.Spec.Containers[0].Image {
				t.Errorf("pods %+v", p.Pods)
			}
		})
	}
}

// The cause has to be told within seconds of the pod's own report.
func TestWatchCauseIsPrompt(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	target := createDeployment(t, ns, deploymentOf("slow", 1, map[string]string{"sim.fairtide.dev/pull-error": ""}))
	w := startWatch(t, c, target)
	var reported time.Time
	testcluster.Eventually(t, 45*time.Second, "the pod reports", func() (bool, error) {
		pods, err := adminClient(t).CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil || len(pods.Items) == 0 {
			return false, err
		}
		for _, s := range pods.Items[0].Status.ContainerStatuses {
			if s.State.Waiting != nil && strings.HasPrefix(s.State.Waiting.Reason, "ErrImage") {
				reported = time.Now()
				return true, nil
			}
		}
		return false, nil
	})
	w.until(target.ID, "has its cause", causeHas("cannot pull"))
	took := time.Since(reported)
	t.Logf("cause told within %s of the pod's report", took.Round(time.Millisecond))
	if took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestWatchQuota(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "few"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("1")}},
	}
	quotas := adminClient(t).CoreV1().ResourceQuotas(ns)
	if _, err := quotas.Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, 30*time.Second, "the quota counts", func() (bool, error) {
		q, err := quotas.Get(t.Context(), "few", metav1.GetOptions{})
		return err == nil && len(q.Status.Hard) > 0, err
	})
	target := createDeployment(t, ns, deploymentOf("web", 3, nil))
	w := startWatch(t, c, target)
	p := w.until(target.ID, "names the quota", causeHas("Deployment "+ns+"/web cannot create pods", "exceeded quota: few"))
	if p.Readiness != model.ReadinessProgress || p.Doomed {
		t.Errorf("%+v", p)
	}
}

func TestWatchProgressDeadline(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	d := deploymentOf("stuck", 1, map[string]string{"sim.fairtide.dev/ready-after": "never"})
	d.Spec.ProgressDeadlineSeconds = new(int32(1))
	target := createDeployment(t, ns, d)
	p := startWatch(t, c, target).until(target.ID, "fails", func(p model.Progress) bool { return p.Readiness == model.ReadinessFailed })
	if !p.Doomed || p.Cause == "" || !strings.Contains(p.Message, "progress deadline exceeded") {
		t.Errorf("%+v", p)
	}
}

func TestWatchJobs(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	job := func(name, code string) model.Target {
		j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)), TTLSecondsAfterFinished: new(int32(1)),
			Template: podTemplateOf(name, map[string]string{"sim.fairtide.dev/exit-after": "100ms", "sim.fairtide.dev/exit-code": code}),
		}}
		j.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
		j, err := adminClient(t).BatchV1().Jobs(ns).Create(t.Context(), j, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return model.Target{ID: model.ObjectID{Group: "batch", Kind: "Job", Namespace: ns, Name: name}, Version: "v1", UID: string(j.UID)}
	}
	good, bad := job("good", "0"), job("bad", "7")
	w := startWatch(t, c, good, bad)
	if p := w.until(good.ID, "completes", isReady); p.Message != "completed" || p.Ready != 1 {
		t.Errorf("%+v", p)
	}
	p := w.until(bad.ID, "fails", func(p model.Progress) bool { return p.Readiness == model.ReadinessFailed })
	if !p.Doomed || !strings.Contains(p.Cause, "Job "+ns+"/bad failed: container main of pod bad-") || !strings.Contains(p.Cause, "exit code 7") {
		t.Errorf("%+v", p)
	}
	// Kubernetes cleans both up; how they ended stays.
	testcluster.Eventually(t, 60*time.Second, "the Jobs are cleaned up", func() (bool, error) {
		jobs, err := adminClient(t).BatchV1().Jobs(ns).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(jobs.Items) == 0, err
	})
	marker := createDeployment(t, ns, deploymentOf("after", 1, nil))
	startWatch(t, c, marker).until(marker.ID, "is ready", isReady)
	if p, _ := w.get(good.ID); !isReady(p) {
		t.Errorf("%+v", p)
	}
	if p, _ := w.get(bad.ID); p.Readiness != model.ReadinessFailed {
		t.Errorf("%+v", p)
	}
}

func TestWatchStatefulSetAndDaemonSet(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	labels := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}
	sts, err := adminClient(t).AppsV1().StatefulSets(ns).Create(t.Context(), &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "db"},
		Spec:       appsv1.StatefulSetSpec{Replicas: new(int32(2)), Selector: labels, ServiceName: "db", Template: podTemplateOf("db", nil)},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	agent := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "agent"}}
	ds, err := adminClient(t).AppsV1().DaemonSets(ns).Create(t.Context(), &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "agent"},
		Spec:       appsv1.DaemonSetSpec{Selector: agent, Template: podTemplateOf("agent", nil)},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set := model.Target{ID: model.ObjectID{Group: "apps", Kind: "StatefulSet", Namespace: ns, Name: "db"}, Version: "v1", UID: string(sts.UID)}
	daemon := model.Target{ID: model.ObjectID{Group: "apps", Kind: "DaemonSet", Namespace: ns, Name: "agent"}, Version: "v1", UID: string(ds.UID)}
	w := startWatch(t, c, set, daemon)
	if p := w.until(set.ID, "is ready", isReady); p.Ready != 2 || len(p.Pods) != 2 {
		t.Errorf("%+v", p)
	}
	if p := w.until(daemon.ID, "is ready", isReady); p.Desired == 0 || p.Ready != p.Desired || len(p.Pods) != p.Desired {
		t.Errorf("%+v", p)
	}
	// A broken revision of both; the pods of the new one only are told.
	patch := []byte(`{"spec":{"template":{"metadata":{"annotations":{"sim.fairtide.dev/pull-error":""}}}}}`)
	if _, err := adminClient(t).AppsV1().StatefulSets(ns).Patch(t.Context(), "db", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := adminClient(t).AppsV1().DaemonSets(ns).Patch(t.Context(), "agent", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []model.ObjectID{set.ID, daemon.ID} {
		p := w.until(id, "names the image", causeHas("cannot pull registry.example/"))
		if len(p.Pods) != 1 || p.Pods[0].Ready || !p.Doomed || p.Ready != 0 {
			t.Errorf("%+v", p)
		}
	}
}

func TestWatchOtherKinds(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	cm, err := adminClient(t).CoreV1().ConfigMaps(ns).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "here"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	if _, err := adminClient(t).CoreV1().Services(ns).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	id := func(kind, name string) model.ObjectID { return model.ObjectID{Kind: kind, Namespace: ns, Name: name} }
	unknown := model.ObjectID{Group: "example.com", Kind: "Nothing", Namespace: ns, Name: "x"}
	w := startWatch(t, c,
		model.Target{ID: id("ConfigMap", "here"), Version: "v1", UID: string(cm.UID)},
		model.Target{ID: id("ConfigMap", "kube-root-ca.crt"), Version: "v1"},
		model.Target{ID: id("ConfigMap", "absent"), Version: "v1"},
		model.Target{ID: id("Service", "web"), Version: "v1"},
		model.Target{ID: id("Service", "absent"), Version: "v1"},
		model.Target{ID: model.ObjectID{Kind: "Namespace", Name: ns}, Version: "v1"},
		model.Target{ID: unknown, Version: "v1"},
	)
	for _, ready := range []model.ObjectID{id("ConfigMap", "here"), id("ConfigMap", "kube-root-ca.crt"), id("Service", "web"), {Kind: "Namespace", Name: ns}} {
		w.until(ready, "is ready", isReady)
	}
	for _, missing := range []model.ObjectID{id("ConfigMap", "absent"), id("Service", "absent")} {
		if p := w.until(missing, "is known", func(model.Progress) bool { return true }); p.Readiness != model.ReadinessWaiting {
			t.Errorf("%+v", p)
		}
	}
	if p := w.until(unknown, "is known", func(model.Progress) bool { return true }); !p.Doomed || !strings.Contains(p.Cause, "CustomResourceDefinition") {
		t.Errorf("%+v", p)
	}
	// What was missing appears; what was there goes away.
	service = &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "absent"}, Spec: service.Spec}
	if _, err := adminClient(t).CoreV1().Services(ns).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.until(id("Service", "absent"), "is ready", isReady)
	if err := adminClient(t).CoreV1().Services(ns).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.until(id("Service", "web"), "is gone", func(p model.Progress) bool { return p.Readiness == model.ReadinessWaiting })
}

func TestWatchNoticesDeletion(t *testing.T) {
	t.Parallel()
	c, ns := watchClient(t)
	target := createDeployment(t, ns, deploymentOf("web", 1, nil))
	w := startWatch(t, c, target)
	w.until(target.ID, "is ready", isReady)
	if err := adminClient(t).AppsV1().Deployments(ns).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.until(target.ID, "is gone", func(p model.Progress) bool { return p.Doomed && causeHas("deleted by someone")(p) })
	createDeployment(t, ns, deploymentOf("web", 1, nil))
	w.until(target.ID, "is another", func(p model.Progress) bool { return p.Doomed && causeHas("created again by someone")(p) })
}

func TestWatchForbidden(t *testing.T) {
	t.Parallel()
	tc := testcluster.Get(t)
	ns := tc.Namespace(t)
	target := createDeployment(t, ns, deploymentOf("web", 1, map[string]string{"sim.fairtide.dev/ready-after": "never"}))
	c, _ := stateClient(t, "unused", func(cfg *Config) { cfg.Kubeconfig = tc.KubeconfigFor(t, limitedUser) })
	w := startWatch(t, c, target)
	p := w.until(target.ID, "is refused", func(p model.Progress) bool { return p.Doomed })
	if want := fmt.Sprintf(`cannot watch deployments.apps: forbidden (needs "list,watch deployments.apps" in %q)`, ns); p.Cause != want || p.Readiness != model.ReadinessProgress {
		t.Errorf("%+v, want cause %q", p, want)
	}
	// Granted meanwhile, for Deployments only.
	grantRules(t, ns, rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"list", "watch"}})
	w.until(target.ID, "is seen, without its pods", func(p model.Progress) bool {
		return !p.Doomed && p.Desired == 1 && causeHas(`cannot watch pods: forbidden (needs "list,watch pods" in "`+ns)(p)
	})
}

func grantRules(t *testing.T, ns string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	cs := adminClient(t)
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "limited"}, Rules: rules}
	if _, err := cs.RbacV1().Roles(ns).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "limited"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "limited"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: limitedUser}},
	}
	if _, err := cs.RbacV1().RoleBindings(ns).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// While the network is away what is known stays, and afterwards the watch
// catches up.
func TestWatchResumes(t *testing.T) {
	t.Parallel()
	ns := testcluster.Get(t).Namespace(t)
	c, f := stateClient(t, "unused", nil)
	target := createDeployment(t, ns, deploymentOf("web", 1, nil))
	w := startWatch(t, c, target)
	w.until(target.ID, "is ready", isReady)
	f.down.Store(true)
	c.http.CloseIdleConnections()
	patch := []byte(`{"spec":{"replicas":2}}`)
	if _, err := adminClient(t).AppsV1().Deployments(ns).Patch(t.Context(), "web", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	f.down.Store(false)
	w.until(target.ID, "has two pods", func(p model.Progress) bool { return isReady(p) && p.Ready == 2 })
}

// A watch waits for a server that is away (see TestWatchBeginsWhileTheServerIsAway),
// but not where waiting does not help: it ends with the error.
func TestWatchDoesNotWaitInVain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*rest.Config)
		why    string
	}{
		"somebody else's certificate": {func(rc *rest.Config) { rc.CAData, rc.CAFile = nil, "" }, "x509: "},
		"no credential plugin": {func(rc *rest.Config) {
			*rc = *rest.AnonymousClientConfig(rc)
			rc.ExecProvider = &clientcmdapi.ExecConfig{
				Command: "fairtide-no-such-plugin", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
			}
		}, "fairtide-no-such-plugin"},
	} {
		rc := rest.CopyConfig(testcluster.Get(t).Config(t))
		c.change(rc)
		client, err := newForConfig(Config{StateNamespace: "unused", UserAgent: "test", Now: time.Now}, "test", rc)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		err = client.Watch(ctx, []model.Target{{ID: model.ObjectID{Kind: "Service", Namespace: "default", Name: "x"}, Version: "v1"}},
			func(p model.Progress) { t.Errorf("told %+v", p) },
			func(_ time.Time, why string) { t.Errorf("away: %s", why) })
		if ctx.Err() != nil || model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: error %v, %v", name, err, ctx.Err())
		}
		cancel()
	}
}

func TestIsAway(t *testing.T) {
	status := func(code int32) error {
		return fmt.Errorf("asked: %w", &apierrors.StatusError{ErrStatus: metav1.Status{Code: code}})
	}
	sent := func(err error) error { return &url.Error{Op: "Get", URL: "https://10.0.0.1", Err: err} }
	for _, c := range []struct {
		err  error
		away bool
	}{
		{nil, false},
		{sent(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), true},
		{sent(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Name: "api", IsNotFound: true}}), true},
		{sent(syscall.ECONNRESET), true},
		{sent(io.EOF), true},
		{fmt.Errorf("asked: %w", io.ErrUnexpectedEOF), true},
		{sent(os.ErrDeadlineExceeded), true},
		{sent(context.DeadlineExceeded), true},
		{context.DeadlineExceeded, true},
		{status(500), true},
		{status(503), true},
		{status(429), true},
		{status(401), false},
		{status(403), false},
		{status(404), false},
		{&meta.NoKindMatchError{}, false},
		{sent(x509.UnknownAuthorityError{}), false},
		{sent(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}), false},
		{sent(errors.New("getting credentials: exec: executable plugin not found")), false},
		{context.Canceled, false},
	} {
		if got := isAway(c.err); got != c.away {
			t.Errorf("%v: away is %v", c.err, got)
		}
	}
}
