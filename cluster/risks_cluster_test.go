package cluster

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

// scaledYAML is a Deployment of an app in an environment of its own, whose pods
// take a tenth of a processor.
func scaledYAML(name, image, replicas string) string {
	text := strings.Replace(deploymentYAML(name, image, `        resources: {requests: {cpu: 100m}}
        envFrom: [{configMapRef: {name: settings}}]`), "replicas: 0", "replicas: "+replicas, 1)
	return text + "\n---\n"
}

// riskSurroundings are live objects that no plan of the test has.
const riskSurroundings = `
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b, namespace: $NS}, spec: {minAvailable: 2, selector: {matchLabels: {app: cart}}}}
---
{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h, namespace: $NS},
  spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: cart}, minReplicas: 1, maxReplicas: 4}}
---
{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: $NS}, spec: {limits: [{type: Container, max: {cpu: 400m}}]}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: $NS}, spec: {hard: {requests.cpu: 800m, pods: "50"}}}
---
{apiVersion: v1, kind: Service, metadata: {name: shop, namespace: $NS}, spec: {selector: {app: shop}, ports: [{port: 80}]}}
`

func surround(w *planWorld) {
	w.t.Helper()
	gvrs := map[string]schema.GroupVersionResource{
		"PodDisruptionBudget": budgetKind.gvr, "HorizontalPodAutoscaler": autoscalerKind.gvr,
		"LimitRange": limitRangeKind.gvr, "ResourceQuota": quotaKind.gvr, "Service": serviceKind.gvr,
	}
	for _, doc := range strings.Split(riskSurroundings, "\n---\n") {
		w.create(gvrs[w.objects(doc)[0].ID.Kind], doc)
	}
	w.eventually("the quota is counted", func() bool {
		return mapAt(w.live(quotaKind.gvr, "q"), "status", "used")["requests.cpu"] != nil
	})
}

func hasGrave(risks []model.Risk, severity model.Severity, name, words string) bool {
	return slices.ContainsFunc(risks, func(r model.Risk) bool {
		return r.Severity == severity && r.Name == name && strings.Contains(r.Message, words) && strings.HasPrefix(r.Reference, docsPage)
	})
}

// TestRisksOfLiveSurroundings: what is live around a plan, and not in it, is
// read once for each namespace, and only where a change needs it.
func TestRisksOfLiveSurroundings(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	settings := configYAML("settings", "{level: one}") + "---\n"
	// What a reader of the settings is: live, and in no plan.
	w.create(deploymentGVR, strings.Replace(scaledYAML("other", "a:1", "0"), "metadata: {name: other}", "metadata: {name: other, namespace: $NS}", 1))
	w.ship(settings + scaledYAML("cart", "a:1", "3") + scaledYAML("shop", "a:1", "1"))
	surround(w)
	log := &readLog{}
	c := w.countingClient(log)

	plan, _, err := w.tryPlan(c, settings+scaledYAML("cart", "a:1", "3")+scaledYAML("shop", "a:1", "1"))
	if err != nil || plan.Differs() || len(plan.Risks) > 0 {
		t.Fatalf("nothing changes, but: %v %+v", err, plan)
	}
	if read := log.around(); len(read) > 0 {
		t.Errorf("nothing changes, and yet it reads %v", read)
	}
	log.forget()

	text := strings.ReplaceAll(settings, "one", "two") +
		strings.Replace(scaledYAML("cart", "a:latest", "7"), "cpu: 100m", "cpu: 500m", 1) +
		strings.ReplaceAll(scaledYAML("shop", "a:1", "1"), "labels: {app: shop}", "labels: {app: shop, tier: web}")
	plan, _, err = w.tryPlan(c, text)
	if err != nil {
		t.Fatal(err)
	}
	cart, config := rowNamed(t, plan, "Deployment", "cart"), rowNamed(t, plan, "ConfigMap", "settings")
	for _, want := range []struct {
		risks       []model.Risk
		severity    model.Severity
		name, words string
	}{
		{cart.Risks, model.SeverityWarning, riskRestartsPods, "restarts 3 pods of Deployment cart"},
		{cart.Risks, model.SeverityWarning, riskReplicasFought, "replicas: 7 in Git, and HorizontalPodAutoscaler h sets it too (1 to 4)"},
		{cart.Risks, model.SeverityWarning, riskImageFloating, "a:latest"},
		{cart.Risks, model.SeverityDanger, riskLimitRange, "LimitRange l refuses the pods of Deployment cart"},
		{cart.Risks, model.SeverityDanger, riskQuotaExceeded, "ResourceQuota q allows 800m"},
		{config.Risks, model.SeverityWarning, riskConfigUnnoticed, "environment variables of Deployment other keep the old values"},
		{plan.Risks, model.SeverityInfo, riskRestartsSeveral, "2 workloads together: Deployment cart, Deployment shop"},
	} {
		if !hasGrave(want.risks, want.severity, want.name, want.words) {
			t.Errorf("no %s %s with %q in %+v", want.severity, want.name, want.words, want.risks)
		}
	}
	if rows := plan.Objects; rows[0].ID.Name != "cart" {
		t.Errorf("%s is before the gravest", rows[0].ID)
	}
	for path, times := range log.around() {
		if times > 1 {
			t.Errorf("%s is read %d times", path, times)
		}
	}
	if len(log.around()) == 0 {
		t.Error("no reading was seen")
	}
}

// TestRisksOfServicesLive: a Service's pods may be live and of no plan.
func TestRisksOfServicesLive(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.create(podKind.gvr, `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: $NS, labels: {app: live}}, spec: {containers: [{name: c, image: "a:1"}]}}`)
	service := func(name, app string) string {
		return "{apiVersion: v1, kind: Service, metadata: {name: " + name + "}, spec: {selector: {app: " + app + "}, ports: [{port: 80}]}}\n---\n"
	}
	const ingress = `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {tls: [{hosts: [a.test], secretName: t}],
  rules: [{host: a.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: live, port: {number: 80}}}}]}}]}}`
	plan, _ := w.plan(service("live", "live") + service("lost", "lost") + ingress)
	if row := rowNamed(t, plan, "Service", "live"); len(row.Risks) > 0 {
		t.Errorf("a Service with live pods: %+v", row.Risks)
	}
	if row := rowNamed(t, plan, "Service", "lost"); !hasGrave(row.Risks, model.SeverityDanger, riskServiceEmpty, "selects no pod (app=lost)") {
		t.Errorf("a Service without pods: %+v", row.Risks)
	}
	if row := rowNamed(t, plan, "Ingress", "i"); !hasGrave(row.Risks, model.SeverityWarning, riskTLSSecretMissing, "Secret t") {
		t.Errorf("an Ingress without its certificate: %+v", row.Risks)
	}
	w.create(secretGVR, `{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: $NS}, stringData: {tls.crt: "", tls.key: ""}}`)
	plan, _ = w.plan(ingress)
	if row := rowNamed(t, plan, "Ingress", "i"); hasRisk(row, riskTLSSecretMissing, "") {
		t.Errorf("an Ingress with its certificate: %+v", row.Risks)
	}
}

// TestRisksWithoutPermission: what may not be read is said once, with the
// permission that it takes, and is no reason to have no plan.
func TestRisksWithoutPermission(t *testing.T) {
	t.Parallel()
	w := newPlanWorld(t)
	w.ship(scaledYAML("cart", "a:1", "2"))
	user := "u-" + w.ns
	w.grant(user, `[{apiGroups: [apps], resources: [deployments], verbs: [get, list, patch]}]`)
	c, _ := w.clientAs(user)
	w.eventually("the permissions take effect", func() bool {
		plan, _, err := w.tryPlan(c, scaledYAML("cart", "a:2", "2"))
		if err != nil {
			t.Fatal(err)
		}
		row := rowNamed(t, plan, "Deployment", "cart")
		if row.Verdict != model.VerdictUpdate {
			return false
		}
		said := slices.DeleteFunc(slices.Clone(plan.Risks), func(r model.Risk) bool { return r.Name != riskNotLookedAt })
		if len(said) != 1 || !hasGrave(said, model.SeverityInfo, riskNotLookedAt, `it takes "list horizontalpodautoscalers" in "`+w.ns+`", "list poddisruptionbudgets" in`) {
			t.Errorf("what was not looked at: %+v", plan.Risks)
		}
		if !hasRisk(row, riskRestartsPods, "restarts 2 pods") {
			t.Errorf("what needs no reading: %+v", row.Risks)
		}
		return true
	})
}

// readLog counts the lists of the kinds that only risks are judged by.
type readLog struct {
	mu    sync.Mutex
	lists map[string]int
}

func (l *readLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lists = nil
}

// around are the lists of what is around a plan, and how often each was made.
func (l *readLog) around() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int{}
	for path, n := range l.lists {
		for _, kind := range []riskKind{budgetKind, autoscalerKind, quotaKind, limitRangeKind, serviceKind, statefulSetKind, daemonSetKind} {
			if strings.HasSuffix(path, "/"+kind.gvr.Resource) {
				out[path] = n
			}
		}
	}
	return out
}

type loggingTransport struct {
	next http.RoundTripper
	log  *readLog
}

func (t loggingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		t.log.mu.Lock()
		if t.log.lists == nil {
			t.log.lists = map[string]int{}
		}
		t.log.lists[r.URL.Path]++
		t.log.mu.Unlock()
	}
	return t.next.RoundTrip(r)
}

func (w *planWorld) countingClient(log *readLog) *Client {
	w.t.Helper()
	rc := rest.CopyConfig(testcluster.Get(w.t).Config(w.t))
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { return loggingTransport{next, log} })
	c, err := newForConfig(w.c.cfg, "test", rc)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}
