package cluster

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

// creation is why a controller cannot create pods.
type creation struct {
	words  string
	remedy string
	doomed bool
	late   bool // what is missing may still come
	since  time.Time
}

var (
	// createHead is what controllers and the API server put before the reason.
	createHead  = regexp.MustCompile(`^(?:Error creating: |create Pod \S+ in StatefulSet \S+ failed error: )?(?:[Pp]ods? "[^"]*" is (?:forbidden|invalid): )?`)
	quotaWords  = regexp.MustCompile(`exceeded quota: ([^,]+), requested: (.+), used: (.+), limited: (.+)$`)
	limitWords  = regexp.MustCompile(`(?:maximum|minimum|max limit to request ratio|cpu max|memory max).* (?:per|is|but) `)
	policyWords = regexp.MustCompile(`^ValidatingAdmissionPolicy '([^']+)' with binding '[^']*' denied request: (.*)$`)
	hookDenied  = regexp.MustCompile(`admission webhook "([^"]+)" denied the request(?:: )?(.*)$`)
	hookFailed  = regexp.MustCompile(`failed calling webhook "([^"]+)": (.*)$`)
	noAccount   = regexp.MustCompile(`error looking up service account \S+: (serviceaccount "([^"]+)" not found)`)
	dialFailure = regexp.MustCompile(`(?:dial tcp|lookup) .*$|context deadline exceeded.*$|x509: .*$|service "[^"]+" not found|no endpoints available for service "[^"]+"`)
)

// readCreation explains the refusal of a pod: who refuses it, which field or
// limit it is about, and what to do.
func readCreation(message string) creation {
	words := strings.Join(strings.Fields(message), " ")
	text := createHead.ReplaceAllString(words, "")
	if m := quotaWords.FindStringSubmatch(text); m != nil {
		quota := creation{
			words:  fmt.Sprintf("exceeded quota: %s (needs %s, used %s of %s)", m[1], m[2], m[3], m[4]),
			remedy: "raise ResourceQuota " + m[1] + ", or free some of it",
			doomed: neverFits(m[2], m[4]),
		}
		if quota.doomed {
			quota.remedy = "ask for less, or raise ResourceQuota " + m[1]
		}
		return quota
	}
	if m := policyWords.FindStringSubmatch(text); m != nil {
		return creation{words: "ValidatingAdmissionPolicy " + m[1] + " refuses them: " + spoken(m[2], wordsMost), remedy: "obey it, or have it changed", doomed: true}
	}
	if m := hookDenied.FindStringSubmatch(text); m != nil {
		return creation{words: "webhook " + m[1] + " refuses them: " + spoken(m[2], wordsMost), remedy: "obey it, or have it changed", doomed: true}
	}
	if m := hookFailed.FindStringSubmatch(text); m != nil {
		why := m[2]
		if d := dialFailure.FindString(why); d != "" {
			why = d
		}
		return creation{words: "webhook " + m[1] + " does not answer: " + why, remedy: "see to its service, or to its failurePolicy"}
	}
	if m := noAccount.FindStringSubmatch(text); m != nil {
		return creation{words: m[1], remedy: "add ServiceAccount " + m[2] + ", or correct serviceAccountName", late: true}
	}
	switch has := func(s string) bool { return strings.Contains(text, s) }; {
	case has("violates PodSecurity"):
		return creation{words: text, remedy: "set it in securityContext", doomed: true}
	case strings.HasPrefix(text, "failed quota: "):
		return creation{words: text, remedy: "set them in the container's resources", doomed: true}
	case limitWords.MatchString(text):
		return creation{words: text, remedy: "change resources, or the namespace's LimitRange", doomed: true}
	case has("because it is being terminated"):
		return creation{words: "the namespace is being deleted", remedy: "wait until it is gone, and apply again", doomed: true}
	case has("no PriorityClass with name"):
		return creation{words: text, remedy: "add the PriorityClass, or correct priorityClassName", late: true}
	case has("RuntimeClass") && has("not found"):
		return creation{words: text, remedy: "add the RuntimeClass, or correct runtimeClassName", late: true}
	case strings.Contains(words, " is invalid: "):
		return creation{words: text, remedy: "correct the pod template", doomed: true}
	}
	return creation{words: text}
}

// neverFits reports whether more is asked for than a quota has at all, both as
// "cpu=2,pods=1".
func neverFits(requested, limited string) bool {
	limits := map[string]string{}
	for pair := range strings.SplitSeq(limited, ",") {
		name, value, _ := strings.Cut(pair, "=")
		limits[name] = value
	}
	for pair := range strings.SplitSeq(requested, ",") {
		name, value, _ := strings.Cut(pair, "=")
		asked, err := resource.ParseQuantity(value)
		most, errMost := resource.ParseQuantity(limits[name])
		if err == nil && errMost == nil && asked.Cmp(most) > 0 {
			return true
		}
	}
	return false
}

// created says why a controller cannot create pods (a quota, an admission
// rule), from its conditions or its last event; without words it can.
func (r reading) created(creators ...types.UID) creation {
	message, since := r.refusedCreation(creators...)
	if message == "" {
		return creation{}
	}
	out := readCreation(message)
	out.since = since
	return out
}

// creationFailure is why a controller cannot create pods, in the API server's
// words.
func (r reading) creationFailure(creators ...types.UID) string {
	message, _ := r.refusedCreation(creators...)
	return plainLine(message, wordsMost)
}

func (r reading) refusedCreation(creators ...types.UID) (message string, since time.Time) {
	for _, rs := range r.replicaSets {
		for _, c := range rs.Status.Conditions {
			if slices.Contains(creators, rs.UID) && c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
				return c.Message, c.LastTransitionTime.Time
			}
		}
	}
	if c := objectCondition(r.object, "ReplicaFailure"); c.status == "True" {
		return c.message, time.Time{}
	}
	for _, uid := range creators {
		last := newestEvent(r.eventsOf(uid), func(e *corev1.Event) bool {
			return e.Reason == "FailedCreate" || e.Reason == "ReplicaSetCreateError" || e.Reason == "FailedDaemonPod"
		})
		if last != nil {
			return last.Message, last.FirstTimestamp.Time
		}
	}
	return "", time.Time{}
}
