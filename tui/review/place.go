package review

import (
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/diffview"
)

// riskPaths are, by the beginning of a risk's name, parts of the paths whose
// change is the risk: the most telling first. Risks that are not named, or none
// of whose paths changes, are about the object as a whole.
var riskPaths = []struct {
	risk  string
	parts []string
}{
	{"restarts-pods", []string{"spec.template"}},
	{"rollout-below-budget", []string{"spec.strategy", "spec.updateStrategy", "spec.template"}},
	{"rollout-held-back", []string{"spec.updateStrategy", "spec.template"}},
	{"budget-", []string{"spec.minAvailable", "spec.maxUnavailable", "spec.selector"}},
	{"lowers-replicas", []string{"spec.replicas"}},
	{"replicas-fought-over", []string{"spec.replicas"}},
	{"autoscaler-lowered", []string{"spec.maxReplicas", "spec.minReplicas"}},
	{"image-pull-policy", []string{".imagePullPolicy"}},
	{"image-", []string{".image"}},
	{"changes-secret", []string{"data", "stringData"}},
	{"changes-config", []string{"data", "binaryData"}},
	{"becomes-immutable", []string{"immutable"}},
	{"widens-rbac", []string{"rules", "roleRef", "subjects", "aggregationRule"}},
	{"narrows-rbac", []string{"rules", "roleRef", "subjects", "aggregationRule"}},
	{"resources-", []string{".resources"}},
	{"limit-range-violated", []string{".resources"}},
	{"probe-", []string{"*Probe"}},
	{"lifecycle-hook-removed", []string{".lifecycle"}},
	{"grace-period-lowered", []string{".terminationGracePeriodSeconds"}},
	{"privileged-container", []string{".securityContext.privileged", ".securityContext"}},
	{"host-namespace", []string{".hostNetwork", ".hostPID", ".hostIPC"}},
	{"host-path", []string{".hostPath", ".volumes"}},
	{"host-port", []string{".hostPort", ".ports"}},
	{"runs-as-root", []string{".runAs*", ".securityContext"}},
	{"capabilities-added", []string{".capabilities", ".securityContext"}},
	{"privilege-escalation", []string{".allowPrivilegeEscalation", ".securityContext"}},
	{"confinement-weakened", []string{".seccompProfile", ".appArmorProfile", ".seLinuxOptions", ".securityContext"}},
	{"root-filesystem-writable", []string{".readOnlyRootFilesystem", ".securityContext"}},
	{"token-mounted", []string{"automountServiceAccountToken"}},
	{"service-account-changed", []string{".serviceAccount*"}},
	{"service-selects-nothing", []string{"spec.selector"}},
	{"service-port", []string{"spec.ports"}},
	{"service-exposed", []string{"spec.type"}},
	{"service-unexposed", []string{"spec.type"}},
	{"source-ranges-widened", []string{"spec.loadBalancerSourceRanges"}},
	{"ingress-route", []string{"spec.rules", "spec.defaultBackend"}},
	{"ingress-tls-removed", []string{"spec.tls"}},
	{"tls-secret-missing", []string{"spec.tls"}},
	{"network-policy-widened", []string{"spec"}},
	{"crd-", []string{"spec.versions"}},
	{"volume-shrinks", []string{"spec.resources"}},
	{"storage-class-changed", []string{"spec.storageClassName"}},
	{"cronjob-resumed", []string{"spec.suspend"}},
	{"cronjob-schedule-changed", []string{"spec.schedule"}},
	{"pod-security-", []string{"metadata.labels"}},
	{"webhook-", []string{"webhooks"}},
	{"priority-lowered", []string{".priorityClassName", "value"}},
	{"no-node-matches", []string{".nodeSelector", ".affinity", ".tolerations"}},
}

// riskPath is the path of the change that a risk is about; empty: it is about
// the object as a whole.
func riskPath(risk string, changes []fieldpath.Change) string {
	for _, r := range riskPaths {
		if !strings.HasPrefix(risk, r.risk) {
			continue
		}
		for _, part := range r.parts {
			for _, c := range changes {
				if leadsThrough(c.Path, part) {
					return c.Path
				}
			}
		}
		return ""
	}
	return ""
}

// leadsThrough reports whether a path goes through a field. A part that begins
// with a dot, or a star for the rest of a name, may stand anywhere in it, any
// other one only at its beginning. A star at the end is for the rest of a name.
func leadsThrough(path, part string) bool {
	anywhere := part[0] == '.' || part[0] == '*'
	part, open := strings.CutSuffix(strings.TrimPrefix(part, "*"), "*")
	for from := 0; ; {
		i := strings.Index(path[from:], part)
		if i < 0 || !anywhere && from+i > 0 {
			return false
		}
		end := from + i + len(part)
		if open || end == len(path) || path[end] == '.' || path[end] == '[' {
			return true
		}
		from = end
	}
}

// placeRisks puts the risks of an object above the hunks that they are about.
// It returns which of them stand there, and how many of those are not above the
// first hunk.
func placeRisks(doc *diffview.Document, o *model.PlannedObject, shown map[string]any) (above []bool, later int) {
	if len(o.Risks) == 0 || o.Before == nil || shown == nil || doc.Hunks() == 0 {
		return nil, 0
	}
	changes := fieldpath.Diff(o.Before, shown)
	paths := make([]string, len(o.Risks))
	asked := map[string]bool{}
	for i, r := range o.Risks {
		if paths[i] = riskPath(r.Name, changes); paths[i] != "" {
			asked[paths[i]] = true
		}
	}
	at := doc.HunksOf(keys(asked))
	lines := map[int][]diffview.Line{}
	above = make([]bool, len(o.Risks))
	for i, r := range o.Risks {
		n, ok := at[paths[i]]
		if !ok {
			continue
		}
		lines[n] = append(lines[n], diffview.Line{Text: sanitize.Line(withoutReason(*o, r)), Severity: r.Severity})
		above[i] = true
		if n > 0 {
			later++
		}
	}
	doc.AnnotateHunks(lines)
	return above, later
}

func keys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}
