package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

var (
	schedulerHead = regexp.MustCompile(`^(\d+)/(\d+) nodes are available: `)
	// schedulerTail is what the scheduler adds about making room.
	schedulerTail = regexp.MustCompile(`(?:[.,] )?(?:preemption: |no new claims to deallocate|not eligible for preemption|not found$).*$`)
	nodeCount     = regexp.MustCompile(`(?:^|, )\d+ `)
	shortOf       = regexp.MustCompile(`^(\d+ Insufficient )(\S+)$`)
	taintWords    = regexp.MustCompile(`untolerated taint(?:\(s\))? ?\{([^}:]*): ?([^}]*)\}`)
	claimMissing  = regexp.MustCompile(`persistentvolumeclaim "([^"]+)" not found`)
)

// judgeUnscheduled explains a pod that no node takes: how many nodes there are,
// what they lack, and which field asks for it.
func judgeUnscheduled(pod *corev1.Pod, c *corev1.PodCondition) finding {
	f := finding{level: levelUnscheduled, reason: plainLine(c.Reason, 60), words: plainLine(c.Message, wordsMost)}
	f.head = fmt.Sprintf("pod %s cannot be scheduled", pod.Name)
	if c.Reason == "SchedulingGated" {
		var gates []string
		for _, g := range pod.Spec.SchedulingGates {
			gates = append(gates, g.Name)
		}
		f.quote, f.remedy = "held by its scheduling gates "+strings.Join(gates, ", "), "see to the controller that removes them"
		return f
	}
	head := schedulerHead.FindStringSubmatch(c.Message)
	if head == nil {
		f.quote = cmp.Or(f.words, f.reason)
		return f
	}
	rest := schedulerTail.ReplaceAllString(c.Message[len(head[0]):], "")
	var reasons []nodeReason
	for _, part := range splitReasons(strings.TrimRight(rest, ". ")) {
		reasons = append(reasons, schedulerReason(pod, part))
	}
	// What a node lacks that the pod may run on says more than why it may not.
	slices.SortStableFunc(reasons, func(a, b nodeReason) int { return cmp.Compare(a.rank, b.rank) })
	var parts []string
	for _, reason := range reasons {
		parts = append(parts, strings.Replace(reason.words, "node(s) ", "", 1))
		f.remedy = cmp.Or(f.remedy, reason.remedy)
		if reason.rank == rankTaint && reasons[0].rank == rankSelector {
			f.remedy += ", or tolerate the taint"
		}
	}
	f.quote = fmt.Sprintf("%s of %s nodes fit: %s", head[1], head[2], strings.Join(parts, ", "))
	f.remedy = cmp.Or(f.remedy, "change what it asks for, or add nodes")
	return f
}

// splitReasons takes the scheduler's list apart, each with how many nodes it is
// about. A reason may have commas itself.
func splitReasons(text string) []string {
	starts := nodeCount.FindAllStringIndex(text, -1)
	if len(starts) == 0 {
		return []string{text}
	}
	var out []string
	if lead := strings.Trim(text[:starts[0][0]], ", "); lead != "" {
		out = append(out, lead)
	}
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		out = append(out, strings.Trim(text[at[0]:end], ", "))
	}
	return out
}

// nodeReason is why some nodes do not take a pod.
type nodeReason struct {
	words  string
	remedy string
	rank   int // the reason with the lowest is told first
}

const (
	rankLacks = iota
	rankSelector
	rankTaint
)

// schedulerReason adds to one of the scheduler's reasons which field of the pod
// it is about, and says what to do.
func schedulerReason(pod *corev1.Pod, part string) nodeReason {
	words, remedy := reasonWords(pod, part)
	out := nodeReason{words: words, remedy: remedy}
	switch {
	case strings.Contains(part, "node affinity/selector"), strings.Contains(part, "[NodeAffinity]"):
		out.rank = rankSelector
	case strings.Contains(part, "untolerated taint"):
		out.rank = rankTaint
	}
	return out
}

func reasonWords(pod *corev1.Pod, part string) (more, remedy string) {
	has := func(words string) bool { return strings.Contains(part, words) }
	switch m := shortOf.FindStringSubmatch(part); {
	case m != nil:
		if asked := podRequest(pod, corev1.ResourceName(m[2])); !asked.IsZero() {
			part += fmt.Sprintf(" (it requests %s)", asked.String())
		}
		return part, "lower resources.requests." + m[2] + ", or add nodes"
	case has("Too many pods"):
		return part, "add nodes"
	case has("volume node affinity"):
		return part, "its volume is bound to another zone or node: free a node there"
	case has("node affinity/selector"), has("didn't satisfy plugin(s) [NodeAffinity]"):
		what, field := "node affinity", "nodeAffinity"
		if sel := selectorWords(pod.Spec.NodeSelector); sel != "" {
			what, field = "nodeSelector "+sel, "nodeSelector"
		}
		return strings.Replace(part, "Pod's node affinity/selector", "its "+what, 1), "label a node, or correct " + field
	case has("untolerated taint"):
		return taintWords.ReplaceAllStringFunc(part, func(s string) string {
			m := taintWords.FindStringSubmatch(s)
			return "taint " + strings.TrimRight(m[1]+"="+m[2], "=") + " that it does not tolerate"
		}), "add it to tolerations, or take the taint away"
	case has("topology spread constraints"):
		return part + spreadWords(pod), "relax topologySpreadConstraints, or add nodes there"
	case has("anti-affinity"):
		return part, "add nodes, or relax podAntiAffinity"
	case has("pod affinity"):
		return part, "start the pods it wants to be near, or relax podAffinity"
	case has("free ports"):
		return part, "free the hostPort, or drop it"
	case has("were unschedulable"):
		return strings.Replace(part, "were unschedulable", "are cordoned", 1), "uncordon a node, or add nodes"
	case has("persistent volumes to bind"), has("enough free storage"):
		return part, "add a PersistentVolume that fits, or a storage class that makes one"
	case claimMissing.MatchString(part):
		return part, "add the PersistentVolumeClaim to Git, or correct claimName"
	case has("unbound immediate PersistentVolumeClaims"):
		return "it waits for its claim " + strings.Join(claimsOf(pod), ", ") + " to be bound", "see to the claim's storage class"
	}
	return part, ""
}

// claimsOf names the claims that a pod's volumes are of.
func claimsOf(pod *corev1.Pod) []string {
	var out []string
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			out = append(out, v.PersistentVolumeClaim.ClaimName)
		}
	}
	return out
}

func selectorWords(labels map[string]string) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, key+"="+labels[key])
	}
	return strings.Join(out, ",")
}

func spreadWords(pod *corev1.Pod) string {
	for _, c := range pod.Spec.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.DoNotSchedule {
			return fmt.Sprintf(" (%s, maxSkew %d)", c.TopologyKey, c.MaxSkew)
		}
	}
	return ""
}

// podRequest is what a pod asks for of a resource: its containers together.
func podRequest(pod *corev1.Pod, name corev1.ResourceName) resource.Quantity {
	var sum resource.Quantity
	for _, c := range pod.Spec.Containers {
		sum.Add(c.Resources.Requests[name])
	}
	for _, c := range pod.Spec.InitContainers {
		if asked := c.Resources.Requests[name]; asked.Cmp(sum) > 0 {
			sum = asked.DeepCopy()
		}
	}
	return sum
}
