package cluster

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fairtide-dev/fairtide/model"
)

// deploymentRow is a Deployment with one pod. spec is of the pod, without its
// containers; main is what its container has besides name and image.
func deploymentRow(annotations, spec, main string, deployment ...string) string {
	return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: $NAME}, spec: {replicas: 1, ` + strings.Join(append(deployment, ""), ", ") +
		`selector: {matchLabels: {app: $NAME}}, template: ` + templateRow(annotations, spec, main) + `}}`
}

func templateRow(annotations, spec, main string) string {
	var notes []string
	for pair := range strings.SplitSeq(annotations, "|") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			notes = append(notes, `sim.fairtide.dev/`+key+`: "`+value+`"`)
		}
	}
	if spec != "" {
		spec += ", "
	}
	if main != "" {
		main = ", " + main
	}
	return `{metadata: {labels: {app: $NAME}, annotations: {` + strings.Join(notes, ", ") + `}}, spec: {terminationGracePeriodSeconds: 0, ` + spec +
		`containers: [{name: main, image: "registry.example/$NAME:1"` + main + `}]}}`
}

// waits is the status of a container that waits.
func waits(reason, message string) string {
	return `{phase: Pending, containerStatuses: [{name: main, image: x, imageID: "", ready: false, started: false, restartCount: 0, state: {waiting: {reason: ` + reason + `, message: '` + message + `'}}}]}`
}

// runs is the status of a container that runs and is not ready; more are
// further fields of it.
func runs(more string) string {
	return `{phase: Running, containerStatuses: [{name: main, image: x, imageID: x, ready: false, ` + more + `, state: {running: {startedAt: $NOW}}}]}`
}

const (
	alone  = "left-alone=yes"
	crash  = "exit-after=10ms|exit-code="
	health = `ports: [{name: http, containerPort: 8080}], readinessProbe: {periodSeconds: 1, httpGet: {path: "/healthz?token=hunter2", port: http}}`
)

func fromKubelet(reason, message string) causeEvent {
	return causeEvent{"Warning", "kubelet", reason, message, "spec.containers{main}"}
}

func fromNode(reason, message string) causeEvent {
	return causeEvent{"Warning", "kubelet", reason, message, ""}
}

// imageRows are pods whose image does not come.
func imageRows() []*causeRow {
	pull := func(name, error string, doomed bool, cause ...string) *causeRow {
		cause = append([]string{"cannot pull registry.example/" + name + ":1: ", " (container main of pod " + name + "-"}, cause...)
		return &causeRow{name: name, objects: deploymentRow("pull-error="+error, "", ""), knows: "ErrImagePull", doomed: doomed, cause: cause}
	}
	later := pull("image-denied-long", "failed to authorize: failed to fetch oauth token: 403 Forbidden", true, "access denied", "check pull secret regcred")
	later.objects, later.later = deploymentRow("pull-error=failed to authorize: failed to fetch oauth token: 403 Forbidden", "imagePullSecrets: [{name: regcred}]", ""), true
	return []*causeRow{
		pull("image-missing", "", true, "not found", "push that image"),
		pull("image-denied", "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized", false, "access denied", ": 401 Unauthorized", "it has no imagePullSecrets"),
		later,
		{name: "image-secret", objects: deploymentRow(alone, "imagePullSecrets: [{name: absent}]", ""), status: waits("ErrImagePull", "pull access denied, repository does not exist or may require authorization"),
			events: []causeEvent{fromNode("FailedToRetrieveImagePullSecret", "Unable to retrieve some image pull secrets (absent); attempting to pull the image may not succeed.")},
			knows:  "FailedToRetrieveImagePullSecret", cause: []string{"access denied", "its pull secret absent does not exist: add it"}},
		pull("registry-away", "dial tcp: lookup registry.example on 10.0.0.10:53: no such host", false, "the registry cannot be reached", "see to the registry's address"),
		pull("registry-limit", "toomanyrequests: You have reached your pull rate limit.", false, "rate limit", "toomanyrequests", "mirror"),
		pull("registry-cert", "tls: failed to verify certificate: x509: certificate signed by unknown authority", false, "certificate is not trusted", "unknown authority", "trust its CA"),
		pull("image-platform", "no match for platform in manifest: not found", true, "no image for the node's platform", "build it"),
		{name: "image-name", objects: deploymentRow(alone, "", ""), status: waits("InvalidImageName", `Failed to apply default image tag "a:b:c": couldn''t parse image name "a:b:c": invalid reference format`),
			knows: "InvalidImageName", doomed: true, cause: []string{"the name is not a valid image reference", "invalid reference format", "correct the image"}},
		{name: "image-never", objects: deploymentRow(alone, "", "imagePullPolicy: Never"), status: waits("ErrImageNeverPull", `Container image "x" is not present with pull policy of Never`),
			knows: "ErrImageNeverPull", cause: []string{"not on the node, and imagePullPolicy is Never", "load it there"}},
	}
}

// crashRows are containers that end.
func crashRows() []*causeRow {
	return []*causeRow{
		{name: "crash", objects: deploymentRow(crash+`3|log=starting\npanic: no table users, password=hunter2\nbye`, "", ""), doomed: true,
			cause: []string{"container main of pod crash-", "crashes: exit code 3 (restarted ", "its log ends: panic: no table users, password=…", "fix or revert"}},
		{name: "crash-signal", objects: deploymentRow(crash+"139|log=segmentation fault", "", ""), doomed: true, cause: []string{"exit code 139 (SIGSEGV)", "segmentation fault"}},
		{name: "crash-oom", objects: deploymentRow(crash+"137|exit-reason=OOMKilled", "", "resources: {limits: {memory: 64Mi}}"), doomed: true,
			cause: []string{"out of memory: it needs more than its limit of 64Mi (OOMKilled)", "raise resources.limits.memory"}},
		{name: "ends-well", objects: deploymentRow(crash+"0", "", ""), doomed: true, cause: []string{"ends with exit code 0, but must keep running", "command and args"}},
		{name: "ends-words", objects: deploymentRow(alone, "", ""), doomed: true, knows: "CrashLoopBackOff",
			status: `{phase: Running, containerStatuses: [{name: main, image: x, imageID: x, ready: false, started: false, restartCount: 5, state: {waiting: {reason: CrashLoopBackOff, message: back-off 2m40s}},
  lastState: {terminated: {exitCode: 1, reason: Error, message: "booting\nFATAL: cannot connect to postgres://app:hunter2@db/x\n", startedAt: $NOW, finishedAt: $NOW}}}]}`,
			cause: []string{"crashes: exit code 1 (restarted 5 times)", "its log ends: FATAL: cannot connect to postgres://db/x"}},
		{name: "no-command", objects: deploymentRow(alone, "", "command: [crat]"), knows: "executable file",
			status: waits("RunContainerError", `rpc error: code = Unknown desc = failed to start containerd task: exec: "crat": executable file not found in $PATH`),
			cause:  []string{"container main of pod no-command-", "cannot be started", `exec: "crat": executable file not found`, "check its command"}},
		{name: "hook", objects: deploymentRow(alone, "", ""), knows: "PostStartHookError", status: waits("PostStartHookError", "Exec lifecycle hook ([/warm]) failed: exit status 1"),
			cause: []string{"cannot be started: Exec lifecycle hook", "check its lifecycle hooks"}},
		{name: "init-crash", objects: deploymentRow("exit-after.migrate=10ms|exit-code.migrate=4|log.migrate=migration 7 failed", `initContainers: [{name: migrate, image: "registry.example/migrate:1"}]`, ""), doomed: true,
			cause: []string{"init container migrate of pod init-crash-", "crashes: exit code 4", "migration 7 failed"}},
		{name: "init-stuck", objects: deploymentRow("exit-after.migrate=never", `initContainers: [{name: migrate, image: "registry.example/migrate:1"}]`, ""), later: true,
			cause: []string{"init container migrate of pod init-stuck-", "has not ended yet", "read its log"}},
		{name: "sidecar", objects: deploymentRow("exit-after.proxy=10ms|exit-code.proxy=2|log.proxy=error: no certificate", `initContainers: [{name: proxy, image: "registry.example/proxy:1", restartPolicy: Always}]`, ""), doomed: true,
			cause: []string{"sidecar proxy of pod sidecar-", "crashes: exit code 2", "no certificate"}},
		{name: "evicted", objects: `{apiVersion: v1, kind: Pod, metadata: {name: $NAME, labels: {app: $NAME}, annotations: {sim.fairtide.dev/left-alone: "yes"}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: x}]}}`,
			status: `{phase: Failed, reason: Evicted, message: "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi."}`, knows: "low on resource",
			readiness: model.ReadinessFailed, doomed: true, cause: []string{"pod evicted failed: Evicted: The node was low on resource: memory", "see to the node"}},
		{name: "node-lost", objects: deploymentRow(alone, "", ""), knows: "NodeNotReady",
			status: `{phase: Running, conditions: [{type: Ready, status: "False", lastTransitionTime: $NOW}], containerStatuses: [{name: main, image: x, imageID: x, ready: true, started: true, restartCount: 0, state: {running: {startedAt: $NOW}}}]}`,
			events: []causeEvent{{"Warning", "node-controller", "NodeNotReady", "Node is not ready", ""}}, cause: []string{"pod node-lost-", "is lost: its node node-", "see to the node"}},
	}
}

// probeRows are containers that run and are not ready.
func probeRows() []*causeRow {
	return []*causeRow{
		{name: "readiness", objects: deploymentRow("ready-after=never", "", health), knows: "Readiness probe failed",
			cause: []string{"container main of pod readiness-", "its readiness probe GET :8080/healthz fails: HTTP probe failed with statuscode: 503", "read its log, or correct readinessProbe"}},
		{name: "readiness-silent", objects: deploymentRow(alone, "", health), later: true, status: runs("started: true, restartCount: 0"),
			cause: []string{"its readiness probe GET :8080/healthz has not succeeded yet", "read its log"}},
		{name: "startup", objects: deploymentRow(alone, "", "startupProbe: {tcpSocket: {port: 9000}}"), status: runs("started: false, restartCount: 0"), knows: "Startup probe failed",
			events: []causeEvent{fromKubelet("Unhealthy", "Startup probe failed: dial tcp 10.0.0.7:9000: connect: connection refused")},
			cause:  []string{"its startup probe on TCP port 9000 fails: dial tcp 10.0.0.7:9000: connect: connection refused", "startupProbe"}},
		{name: "liveness", objects: deploymentRow(alone, "", "livenessProbe: {exec: {command: [/bin/alive, --key=hunter2]}}"), knows: "Liveness probe failed", doomed: true,
			status: runs(`started: true, restartCount: 3, lastState: {terminated: {exitCode: 137, reason: Error, startedAt: $NOW, finishedAt: $NOW}}`),
			events: []causeEvent{fromKubelet("Unhealthy", "Liveness probe failed: deadlock in worker, token: hunter2")},
			cause:  []string{"container main of pod liveness-", "is killed by its liveness probe by command /bin/alive (restarted 3 times): deadlock in worker", "give it more time: startupProbe"}},
		{name: "ready-gate", objects: deploymentRow(alone, "readinessGates: [{conditionType: example.com/attached}]", ""), knows: "ReadinessGatesNotReady",
			status: `{phase: Running, conditions: [{type: Ready, status: "False", reason: ReadinessGatesNotReady}], containerStatuses: [{name: main, image: x, imageID: x, ready: true, started: true, restartCount: 0, state: {running: {startedAt: $NOW}}}]}`,
			cause:  []string{"pod ready-gate-", "waits for its readiness gate example.com/attached", "see to the controller"}},
		{name: "slow-start", objects: deploymentRow("start-after=3h", "", ""), message: "0 of 1 new pod ready"},
		{name: "slow-create", objects: deploymentRow(alone, "", ""), later: true, status: waits("ContainerCreating", ""), cause: []string{"is still being created after 45s, which is slow", "wait: image registry.example/slow-create:1"}},
		{name: "min-ready", objects: deploymentRow("", "", "", "minReadySeconds: 300"), message: "available after 5m0s (minReadySeconds)"},
	}
}

// TestCauseTable produces ways for a rollout to fail or to hang on the control
// plane, and checks the one line that is told about each.
func TestCauseTable(t *testing.T) {
	t.Parallel()
	began := time.Now()
	rows := slices.Concat(imageRows(), crashRows(), probeRows(), configRows(), scheduleRows(), createRows(), workloadRows(), kindRows())
	w := newCauseWorld(t, rows)
	w.produce()
	w.watch()
	for _, r := range rows {
		w.play(r)
	}
	for _, r := range rows {
		if r.after != nil {
			r.after(w, r)
		}
	}
	w.deadline = time.Now().Add(40 * time.Second)
	var delays []time.Duration
	longest := 0
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			line, took := w.check(t, r)
			longest = max(longest, utf8.RuneCountInString(line))
			if took >= 0 {
				delays = append(delays, took)
			}
			t.Logf("doomed %-5t %5dms  %s", r.doomed, took.Milliseconds(), line)
		})
	}
	slices.Sort(delays)
	if len(delays) == 0 {
		t.Fatal("no delay was measured")
	}
	t.Logf("%d ways to fail or hang; the longest line has %d characters; told after the cluster knew (%d measured): median %s, most %s; %s in all",
		len(rows), longest, len(delays), delays[len(delays)/2], delays[len(delays)-1], time.Since(began).Round(time.Second))
}
