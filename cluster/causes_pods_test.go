package cluster

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
)

// configRows are pods that lack something they refer to.
func configRows() []*causeRow {
	const absent = "envFrom: [{configMapRef: {name: absent}}]"
	key := `{apiVersion: v1, kind: Secret, metadata: {name: $NAME}, stringData: {user: hunter2}}`
	return []*causeRow{
		{name: "config", objects: deploymentRow("", "", absent), knows: `configmap "absent" not found`,
			cause: []string{"container main of pod config-", `cannot be configured: configmap "absent" not found (envFrom)`, "add ConfigMap absent"}},
		{name: "config-long", objects: deploymentRow("", "", absent), later: true, doomed: true, cause: []string{`configmap "absent" not found (envFrom)`}},
		{name: "secret", objects: deploymentRow("", "", "env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: gone, key: token}}}]"), knows: `secret "gone" not found`,
			cause: []string{`secret "gone" not found (env TOKEN)`, "add Secret gone"}},
		{name: "secret-key", objects: deploymentRow("", "", "env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: $NAME, key: password}}}]") + "\n---\n" + key, knows: "couldn't find key",
			cause: []string{"couldn't find key password in Secret NS/secret-key (env DB_PASSWORD)", "add key password"}},
		{name: "non-root", objects: deploymentRow(alone, "", "securityContext: {runAsNonRoot: true}"), knows: "image will run as root", doomed: true,
			status: waits("CreateContainerConfigError", `container has runAsNonRoot and image will run as root (pod: "$POD", container: main)`),
			cause:  []string{"cannot be configured: container has runAsNonRoot and image will run as root", "set securityContext.runAsUser"}},
		{name: "mount-secret", objects: deploymentRow("", "volumes: [{name: tls, secret: {secretName: web-tls}}]", ""), knows: "FailedMount",
			cause: []string{"pod mount-secret-", `cannot start, its volume tls does not come: secret "web-tls" not found`, "add Secret web-tls"}},
		{name: "mount-key", objects: deploymentRow(alone, "", ""), status: waits("ContainerCreating", ""), knows: "non-existent",
			events: []causeEvent{fromNode("FailedMount", `MountVolume.SetUp failed for volume "tls" : references non-existent secret key: tls.key`)},
			cause:  []string{"its volume tls does not come: references non-existent secret key: tls.key", "add key tls.key"}},
		{name: "attach", objects: deploymentRow(alone, "", ""), status: waits("ContainerCreating", ""), knows: "Multi-Attach",
			events: []causeEvent{{"Warning", "attachdetach-controller", "FailedAttachVolume", `Multi-Attach error for volume "pvc-7" Volume is already used by pod(s) db-0`, ""},
				fromNode("FailedMount", "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: timed out waiting for the condition")},
			cause: []string{"its volume pvc-7 does not come: Volume is already used by pod(s) db-0", "strategy Recreate"}},
		{name: "mount-slow", objects: deploymentRow(alone, "", ""), status: waits("ContainerCreating", ""), knows: "FailedMount",
			events: []causeEvent{fromNode("FailedMount", "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: timed out waiting for the condition")},
			cause:  []string{"its volume data does not come: it is not attached or mounted", "see to its claim and the storage driver"}},
		{name: "sandbox", objects: deploymentRow(alone, "", ""), status: waits("ContainerCreating", ""), knows: "FailedCreatePodSandBox",
			events: []causeEvent{fromNode("FailedCreatePodSandBox", `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to set up sandbox container network: no IP addresses available in range`)},
			cause:  []string{"its network does not come: failed to set up sandbox container network: no IP addresses available", "see to the network plugin of node node-"}},
	}
}

// scheduleRows are pods that no node takes.
func scheduleRows() []*causeRow {
	const near = `affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: nobody}}}]}}`
	tainted := `{apiVersion: v1, kind: Node, metadata: {name: tainted-$NS, labels: {pool: $NS}}, spec: {taints: [{key: dedicated, value: gpu, effect: NoSchedule}]}}`
	claims := `volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: absent, resources: {requests: {storage: 1Gi}}}}]`
	row := func(name, spec, main string, cause ...string) *causeRow {
		return &causeRow{name: name, objects: deploymentRow("", spec, main), knows: "PodScheduled", cause: append([]string{"pod " + name + "-"}, cause...)}
	}
	taint := row("taint", `nodeSelector: {pool: $NS}`, "", "1 had untolerated taint(s)", "correct nodeSelector, or tolerate the taint")
	taint.before = func(w *causeWorld, r *causeRow) { w.create(r, tainted) }
	return []*causeRow{
		row("too-big", "", "resources: {requests: {cpu: 10000}}", "cannot be scheduled: 0 of ", "Insufficient cpu (it requests 10k)", "lower resources.requests.cpu"),
		row("no-gpu", "", "resources: {limits: {example.com/gpu: 1}}", "Insufficient example.com/gpu (it requests 1)", "lower resources.requests.example.com/gpu"),
		row("selector", "nodeSelector: {disk: ssd}", "", " didn't match its nodeSelector disk=ssd", "label a node, or correct nodeSelector"),
		taint,
		row("near", near, "", "didn't match pod affinity rules", "relax podAffinity"),
		row("spread", `topologySpreadConstraints: [{maxSkew: 1, topologyKey: rack, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: $NAME}}}]`, "", "topology spread constraints", "(rack, maxSkew 1)", "relax topologySpreadConstraints"),
		row("claim-absent", `volumes: [{name: data, persistentVolumeClaim: {claimName: absent}}]`, "", `persistentvolumeclaim "absent" not found; add`, "correct claimName"),
		row("gated", `schedulingGates: [{name: example.com/quota}]`, "", "held by its scheduling gates example.com/quota", "see to the controller"),
		{name: "claim-class", objects: `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: $NAME}, spec: {replicas: 1, serviceName: x, selector: {matchLabels: {app: $NAME}}, ` + claims + `, template: ` + templateRow("", "", "") + `}}`,
			knows: `storageclass.storage.k8s.io`, cause: []string{"pod claim-class-0 waits for its claim data-claim-class-0, which is not bound", `"absent" not found`, "add the StorageClass"}},
	}
}

// createRows are workloads that may not create their pods.
func createRows() []*causeRow {
	quota := func(hard string) string {
		return "{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {" + hard + "}}}"
	}
	counted := func(w *causeWorld, r *causeRow) {
		testcluster.Eventually(w.t, 30*time.Second, "the quota counts", func() (bool, error) {
			q, err := w.cs.CoreV1().ResourceQuotas(r.place).Get(w.t.Context(), "few", metav1.GetOptions{})
			return err == nil && len(q.Status.Hard) > 0, err
		})
	}
	row := func(name, ns, spec, main string, doomed bool, cause ...string) *causeRow {
		return &causeRow{name: name, ns: ns, objects: deploymentRow("", spec, main), doomed: doomed, knows: "ReplicaFailure",
			cause: append([]string{"Deployment NS/" + name + " cannot create pods: "}, cause...)}
	}
	full, never := row("quota", quota("pods: 1"), "", "", false, "exceeded quota: few (needs pods=1, used pods=1 of pods=1)", "raise ResourceQuota few, or free some"),
		row("quota-never", quota("requests.cpu: 1"), "", "resources: {requests: {cpu: 2}}", true, "exceeded quota: few (needs requests.cpu=2, used requests.cpu=0 of requests.cpu=1)", "ask for less")
	full.before, never.before = func(w *causeWorld, r *causeRow) {
		counted(w, r)
		w.create(r, `{apiVersion: v1, kind: Pod, metadata: {name: first}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: x, image: x}]}}`)
	}, counted
	account := row("account", "", "serviceAccountName: absent", "", false, `serviceaccount "absent" not found`, "add ServiceAccount absent, or correct serviceAccountName")
	account.knows = "serviceaccount"
	long := row("account-long", "", "serviceAccountName: absent", "", true, `serviceaccount "absent" not found`)
	long.later, long.knows = true, ""
	security := row("security", "{}", "", "", true, `violates PodSecurity "restricted:latest": `, "set it in securityContext")
	security.before = func(w *causeWorld, r *causeRow) {
		w.label(r, `{"pod-security.kubernetes.io/enforce":"restricted"}`)
	}
	down := row("webhook-down", "{}", "", "", false, "webhook dead.example.com does not answer: dial tcp 127.0.0.1:1: connect: connection refused", "see to its service")
	down.before = func(w *causeWorld, r *causeRow) { w.hook(r, "dead.example.com", "https://127.0.0.1:1/", "") }
	denied := row("webhook-denies", "{}", "", "", true, "webhook images.example.com refuses them: image has no signature", "obey it")
	denied.before = func(w *causeWorld, r *causeRow) {
		url, ca := denyingHook(w.t, "image has no signature")
		w.hook(r, "images.example.com", url, ca)
	}
	for _, r := range []*causeRow{down, denied} {
		r.after = func(w *causeWorld, r *causeRow) { w.kickUntilRefused(r) }
	}
	return []*causeRow{
		full, never, account, long, security, down, denied,
		row("limits", `{apiVersion: v1, kind: LimitRange, metadata: {name: small}, spec: {limits: [{type: Container, max: {cpu: "1"}}]}}`, "", "resources: {limits: {cpu: 2}}", true,
			"maximum cpu usage per Container is 1, but limit is 2", "change resources, or the namespace's LimitRange"),
		row("priority", "", "priorityClassName: absent", "", false, "no PriorityClass with name absent was found", "add the PriorityClass"),
		row("runtime-class", "", "runtimeClassName: absent", "", false, `RuntimeClass "absent" not found`, "correct runtimeClassName"),
	}
}

// label labels the row's namespace.
func (w *causeWorld) label(r *causeRow, labels string) {
	w.t.Helper()
	patch := []byte(`{"metadata":{"labels":` + labels + `}}`)
	if _, err := w.cs.CoreV1().Namespaces().Patch(w.t.Context(), r.place, "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// hook has a webhook asked about the pods of the row's namespace.
func (w *causeWorld) hook(r *causeRow, name, url, ca string) {
	w.t.Helper()
	if ca != "" {
		ca = ", caBundle: " + ca
	}
	w.create(r, fmt.Sprintf(`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: $NS}, webhooks: [{name: %s, failurePolicy: Fail, sideEffects: None,
  admissionReviewVersions: [v1], timeoutSeconds: 5, clientConfig: {url: "%s"%s}, namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $NS}}, rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}`, name, url, ca))
	pod := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"probe"},"spec":{"containers":[{"name":"x","image":"x"}]}}`
	testcluster.Eventually(w.t, 20*time.Second, "the webhook is asked", func() (bool, error) {
		err := w.cs.CoreV1().RESTClient().Post().AbsPath("/api/v1/namespaces/"+r.place+"/pods").Param("dryRun", "All").
			SetHeader("Content-Type", "application/json").Body([]byte(pod)).Do(w.t.Context()).Error()
		return err != nil, nil
	})
}

// kickUntilRefused does nothing but wait for the refusal to be on record.
func (w *causeWorld) kickUntilRefused(r *causeRow) {
	w.t.Helper()
	testcluster.Eventually(w.t, 20*time.Second, r.name+" is refused", func() (bool, error) {
		sets, err := w.cs.AppsV1().ReplicaSets(r.place).List(w.t.Context(), metav1.ListOptions{})
		return err == nil && len(sets.Items) > 0 && len(sets.Items[0].Status.Conditions) > 0, err
	})
}

// denyingHook is a webhook that refuses everything. The server's certificate
// comes back as a webhook configuration has it.
func denyingHook(t *testing.T, why string) (url, ca string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		var review struct {
			Request struct {
				UID string `json:"uid"`
			} `json:"request"`
		}
		body, err := io.ReadAll(in.Body)
		if err != nil || json.Unmarshal(body, &review) != nil {
			http.Error(out, "no review", http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(out).Encode(map[string]any{
			"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
			"response": map[string]any{"uid": review.Request.UID, "allowed": false, "status": map[string]any{"message": why}},
		})
	}))
	t.Cleanup(server.Close)
	return server.URL, pemOf(server.Certificate())
}

func pemOf(cert *x509.Certificate) string {
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}
