package cluster

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fairtide-dev/fairtide/model"
)

// The names of the risks that a plan and its objects are marked with. They are
// part of what other programs read, and stay.
const (
	riskRestartsPods       = "restarts-pods"
	riskRestartsSeveral    = "restarts-several-workloads"
	riskRolloutBelowBudget = "rollout-below-budget"
	riskRolloutHeldBack    = "rollout-held-back"
	riskBudgetBlocks       = "budget-blocks-evictions"
	riskBudgetRemoved      = "budget-removed"
	riskBudgetLoosened     = "budget-loosened"
	riskLowersReplicas     = "lowers-replicas"
	riskReplicasFought     = "replicas-fought-over"
	riskAutoscalerLowered  = "autoscaler-lowered"
	riskAutoscalerRemoved  = "autoscaler-removed"

	riskImageGoesBack   = "image-goes-backwards"
	riskImageFloating   = "image-floating-tag"
	riskImageRepository = "image-other-repository"
	riskImageDigest     = "image-digest-dropped"
	riskImagePullPolicy = "image-pull-policy"

	riskChangesSecret    = "changes-secret"
	riskChangesConfig    = "changes-config"
	riskConfigUnnoticed  = "changes-config-unnoticed"
	riskBecomesImmutable = "becomes-immutable"
	riskDeletesInUse     = "deletes-config-in-use"

	riskWidensRBAC  = "widens-rbac"
	riskNarrowsRBAC = "narrows-rbac"

	riskResourcesLowered = "resources-lowered"
	riskResourcesRemoved = "resources-removed"
	riskProbeRemoved     = "probe-removed"
	riskProbeLaxer       = "probe-laxer"
	riskHookRemoved      = "lifecycle-hook-removed"
	riskGraceLowered     = "grace-period-lowered"

	riskPrivileged     = "privileged-container"
	riskHostNamespace  = "host-namespace"
	riskHostPath       = "host-path"
	riskHostPort       = "host-port"
	riskRunsAsRoot     = "runs-as-root"
	riskCapabilities   = "capabilities-added"
	riskEscalation     = "privilege-escalation"
	riskUnconfined     = "confinement-weakened"
	riskRootFilesystem = "root-filesystem-writable"
	riskTokenMounted   = "token-mounted"
	riskServiceAccount = "service-account-changed"

	riskServiceEmpty     = "service-selects-nothing"
	riskServicePort      = "service-port-unknown"
	riskServicePortGone  = "service-port-removed"
	riskServiceExposed   = "service-exposed"
	riskServiceUnexposed = "service-unexposed"
	riskSourceRanges     = "source-ranges-widened"
	riskRouteRemoved     = "ingress-route-removed"
	riskRouteChanged     = "ingress-route-changed"
	riskTLSRemoved       = "ingress-tls-removed"
	riskTLSSecretMissing = "tls-secret-missing"
	riskPolicyRemoved    = "network-policy-removed"
	riskPolicyWidened    = "network-policy-widened"

	riskVersionRemoved    = "crd-version-removed"
	riskVersionUnserved   = "crd-version-unserved"
	riskSchemaFieldGone   = "crd-field-removed"
	riskSchemaRequires    = "crd-field-required"
	riskQuotaExceeded     = "quota-exceeded"
	riskLimitRange        = "limit-range-violated"
	riskVolumeShrinks     = "volume-shrinks"
	riskStorageClass      = "storage-class-changed"
	riskJobRuns           = "job-runs"
	riskCronResumed       = "cronjob-resumed"
	riskCronSchedule      = "cronjob-schedule-changed"
	riskPodSecurity       = "pod-security-lowered"
	riskPodSecurityRaised = "pod-security-raised"
	riskWebhookEverything = "webhook-blocks-everything"
	riskWebhookFails      = "webhook-fails-closed"
	riskPriorityLowered   = "priority-lowered"
	riskNoNode            = "no-node-matches"
	riskLaterWave         = "waits-for-later-wave"

	riskDeletesData   = "deletes-data"
	riskDeletesObject = "deletes-object"
	riskNotLookedAt   = "risks-not-looked-at"
)

const docsPage = "https://kubernetes.io/docs/"

// riskPages are where the risks are explained.
var riskPages = map[string]string{
	riskRestartsPods:       docsPage + "concepts/workloads/controllers/deployment/",
	riskRestartsSeveral:    docsPage + "concepts/workloads/controllers/deployment/",
	riskRolloutBelowBudget: docsPage + "concepts/workloads/pods/disruptions/",
	riskRolloutHeldBack:    docsPage + "concepts/workloads/controllers/statefulset/",
	riskBudgetBlocks:       docsPage + "tasks/run-application/configure-pdb/",
	riskBudgetRemoved:      docsPage + "concepts/workloads/pods/disruptions/",
	riskBudgetLoosened:     docsPage + "tasks/run-application/configure-pdb/",
	riskLowersReplicas:     docsPage + "concepts/workloads/controllers/deployment/",
	riskReplicasFought:     docsPage + "concepts/workloads/autoscaling/",
	riskAutoscalerLowered:  docsPage + "concepts/workloads/autoscaling/",
	riskAutoscalerRemoved:  docsPage + "concepts/workloads/autoscaling/",

	riskImageGoesBack:   docsPage + "concepts/containers/images/",
	riskImageFloating:   docsPage + "concepts/containers/images/",
	riskImageRepository: docsPage + "concepts/containers/images/",
	riskImageDigest:     docsPage + "concepts/containers/images/",
	riskImagePullPolicy: docsPage + "concepts/containers/images/",

	riskChangesSecret:    docsPage + "concepts/configuration/secret/",
	riskChangesConfig:    docsPage + "concepts/configuration/configmap/",
	riskConfigUnnoticed:  docsPage + "concepts/configuration/configmap/",
	riskBecomesImmutable: docsPage + "concepts/configuration/configmap/",
	riskDeletesInUse:     docsPage + "concepts/configuration/configmap/",

	riskWidensRBAC:  docsPage + "concepts/security/rbac-good-practices/",
	riskNarrowsRBAC: docsPage + "reference/access-authn-authz/rbac/",

	riskResourcesLowered: docsPage + "concepts/configuration/manage-resources-containers/",
	riskResourcesRemoved: docsPage + "concepts/configuration/manage-resources-containers/",
	riskProbeRemoved:     docsPage + "tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
	riskProbeLaxer:       docsPage + "tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
	riskHookRemoved:      docsPage + "concepts/containers/container-lifecycle-hooks/",
	riskGraceLowered:     docsPage + "concepts/workloads/pods/pod-lifecycle/",

	riskPrivileged:     docsPage + "concepts/security/pod-security-standards/",
	riskHostNamespace:  docsPage + "concepts/security/pod-security-standards/",
	riskHostPath:       docsPage + "concepts/storage/volumes/",
	riskHostPort:       docsPage + "concepts/security/pod-security-standards/",
	riskRunsAsRoot:     docsPage + "concepts/security/pod-security-standards/",
	riskCapabilities:   docsPage + "tasks/configure-pod-container/security-context/",
	riskEscalation:     docsPage + "tasks/configure-pod-container/security-context/",
	riskUnconfined:     docsPage + "concepts/security/pod-security-standards/",
	riskRootFilesystem: docsPage + "tasks/configure-pod-container/security-context/",
	riskTokenMounted:   docsPage + "tasks/configure-pod-container/configure-service-account/",
	riskServiceAccount: docsPage + "concepts/security/service-accounts/",

	riskServiceEmpty:     docsPage + "concepts/services-networking/service/",
	riskServicePort:      docsPage + "concepts/services-networking/service/",
	riskServicePortGone:  docsPage + "concepts/services-networking/service/",
	riskServiceExposed:   docsPage + "concepts/services-networking/service/",
	riskServiceUnexposed: docsPage + "concepts/services-networking/service/",
	riskSourceRanges:     docsPage + "concepts/services-networking/service/",
	riskRouteRemoved:     docsPage + "concepts/services-networking/ingress/",
	riskRouteChanged:     docsPage + "concepts/services-networking/ingress/",
	riskTLSRemoved:       docsPage + "concepts/services-networking/ingress/",
	riskTLSSecretMissing: docsPage + "concepts/services-networking/ingress/",
	riskPolicyRemoved:    docsPage + "concepts/services-networking/network-policies/",
	riskPolicyWidened:    docsPage + "concepts/services-networking/network-policies/",

	riskVersionRemoved:    docsPage + "tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/",
	riskVersionUnserved:   docsPage + "tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/",
	riskSchemaFieldGone:   docsPage + "tasks/extend-kubernetes/custom-resources/custom-resource-definitions/",
	riskSchemaRequires:    docsPage + "tasks/extend-kubernetes/custom-resources/custom-resource-definitions/",
	riskQuotaExceeded:     docsPage + "concepts/policy/resource-quotas/",
	riskLimitRange:        docsPage + "concepts/policy/limit-range/",
	riskVolumeShrinks:     docsPage + "concepts/storage/persistent-volumes/",
	riskStorageClass:      docsPage + "concepts/storage/storage-classes/",
	riskJobRuns:           docsPage + "concepts/workloads/controllers/job/",
	riskCronResumed:       docsPage + "concepts/workloads/controllers/cron-jobs/",
	riskCronSchedule:      docsPage + "concepts/workloads/controllers/cron-jobs/",
	riskPodSecurity:       docsPage + "concepts/security/pod-security-admission/",
	riskPodSecurityRaised: docsPage + "concepts/security/pod-security-admission/",
	riskWebhookEverything: docsPage + "reference/access-authn-authz/extensible-admission-controllers/",
	riskWebhookFails:      docsPage + "reference/access-authn-authz/extensible-admission-controllers/",
	riskPriorityLowered:   docsPage + "concepts/scheduling-eviction/pod-priority-preemption/",
	riskNoNode:            docsPage + "concepts/scheduling-eviction/assign-pod-node/",

	riskDeletesData:   docsPage + "concepts/storage/persistent-volumes/",
	riskDeletesObject: docsPage + "concepts/overview/working-with-objects/",
	riskNotLookedAt:   docsPage + "reference/access-authn-authz/rbac/",

	riskOverwritesDrift:   docsPage + "reference/using-api/server-side-apply/",
	riskAdopts:            docsPage + "reference/using-api/server-side-apply/",
	riskConflicts:         docsPage + "reference/using-api/server-side-apply/",
	riskMigrates:          docsPage + "reference/using-api/server-side-apply/",
	riskDeprecatedVersion: docsPage + "reference/using-api/deprecation-guide/",
	riskWebhookNotAsked:   docsPage + "reference/access-authn-authz/extensible-admission-controllers/",
	riskHasFinalizers:     docsPage + "concepts/overview/working-with-objects/finalizers/",
	riskDeletesMore:       docsPage + "concepts/architecture/garbage-collection/",
	riskDeletesOthers:     docsPage + "concepts/architecture/garbage-collection/",
}

// riskMost bounds the words of one risk, which may quote names from Git.
const riskMost = 400

func newRisk(severity model.Severity, name, format string, args ...any) model.Risk {
	return model.Risk{
		Name: name, Severity: severity, Reference: riskPages[name],
		Message: plainLine(fmt.Sprintf(format, args...), riskMost),
	}
}

// riskObject is one object of a plan as its risks are judged: its masked
// sides, as far as there are any, and what they were made from.
type riskObject struct {
	id            model.ObjectID
	verdict       model.Verdict
	before, after map[string]any
	live          map[string]any // as read, for the counts that only a status has
	rendered      map[string]any // as Git writes it
	takes         bool           // ownership, so that it is written in any case
	wave          int            // that it is written in, from 1; 0: it is not
	ordered       string         // by which annotations
	risks         []model.Risk
}

func (o *riskObject) info(name, format string, args ...any) {
	o.risks = append(o.risks, newRisk(model.SeverityInfo, name, format, args...))
}

func (o *riskObject) warn(name, format string, args ...any) {
	o.risks = append(o.risks, newRisk(model.SeverityWarning, name, format, args...))
}

func (o *riskObject) danger(name, format string, args ...any) {
	o.risks = append(o.risks, newRisk(model.SeverityDanger, name, format, args...))
}

// name is how a risk calls its object: the namespace is on the object's own row.
func (o *riskObject) name() string { return o.id.Kind + " " + o.id.Name }

// is reports whether the object is of a group and one of the kinds.
func (o *riskObject) is(group string, kinds ...string) bool {
	return o.id.Group == group && slices.Contains(kinds, o.id.Kind)
}

// changes reports whether applying the plan writes the object's values, and it
// is known how.
func (o *riskObject) changes() bool {
	return o.verdict.Differs() && o.verdict != model.VerdictUnpredictable
}

// stays reports whether the object exists once the plan is applied.
func (o *riskObject) stays() bool { return o.verdict != model.VerdictDelete && o.after != nil }

// judge finds the risks that the two sides of an object show by themselves.
func (o *riskObject) judge() {
	o.risks = nil
	if !o.changes() {
		return
	}
	o.judgeImages()
	o.judgeContainers()
	o.judgePodSecurity()
	o.judgeReplicas()
	o.judgeConfig()
	o.judgeRBAC()
	o.judgeNetwork()
	o.judgeKind()
}

// sortRisks puts the gravest first.
func sortRisks(risks []model.Risk) {
	slices.SortStableFunc(risks, func(a, b model.Risk) int {
		return cmp.Or(b.Severity.Compare(a.Severity), cmp.Compare(a.Name, b.Name))
	})
}

// number is a whole number as JSON decodes it.
func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == float64(int64(v))
	}
	return 0, false
}

// textAt is a string of a map; empty when there is none.
func textAt(fields map[string]any, key string) string {
	s, _ := fields[key].(string)
	return s
}

// mapsAt are the maps of a list; nothing where there is no list.
func mapsAt(fields map[string]any, key string) []map[string]any {
	var out []map[string]any
	for _, e := range sliceAt(fields, key) {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// textsAt are the strings of a list.
func textsAt(fields map[string]any, key string) []string {
	var out []string
	for _, e := range sliceAt(fields, key) {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// few lists the first names, and how many more there are.
func few(names []string) string {
	const shown = 3
	out := ""
	for i, n := range names[:min(shown, len(names))] {
		if i > 0 {
			out += ", "
		}
		out += plainLine(n, 80)
	}
	if more := len(names) - shown; more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}
