package cluster

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// pullWrapping is what kubelets put before a registry's words, and differently
// from one attempt to the next.
var pullWrapping = regexp.MustCompile(`^(?:Back-off pulling image "[^"]*"|Failed to pull image "[^"]*"|ErrImagePull|Error)(?:: |$)`)

// imageNames are what is quoted, and what has a slash in it: an image may well
// be called certificate-manager.
var imageNames = regexp.MustCompile(`"[^"]*"|[^\s"]{2,}/[^\s"]+|[^\s"]+/[^\s"]{2,}`)

// pullErrors tells why a pull failed by what runtimes and registries write.
// The first that matches counts: an unreachable host comes before "not found".
var pullErrors = []struct {
	words  *regexp.Regexp
	what   string
	doomed bool
	remedy string
}{
	{regexp.MustCompile(`(?i)no such host|server misbehaving|i/o timeout|connection (?:refused|reset|timed out)|network is unreachable|no route to host|TLS handshake timeout|deadline exceeded`), "the registry cannot be reached", false, "see to the registry's address and the node's way to it"},
	{regexp.MustCompile(`(?i)x509:|certificate`), "the registry's certificate is not trusted", false, "have the nodes trust its CA"},
	{regexp.MustCompile(`(?i)toomanyrequests|too many requests|rate limit|\b429\b`), "the registry's rate limit is reached", false, "wait, or pull with credentials or from a mirror"},
	{regexp.MustCompile(`(?i)no match for platform|no matching manifest|exec format`), "there is no image for the node's platform", true, "build it for the node's platform, or set nodeSelector"},
	{regexp.MustCompile(`(?i)unauthorized|authentication required|authorization failed|access (?:to the resource is )?denied|denied:|insufficient_scope|\b40[13]\b|forbidden`), "access denied", false, ""},
	{regexp.MustCompile(`(?i)manifest[ _]unknown|name[ _]unknown|not ?found|repository name not known`), "not found", true, "push that image, or name one that exists"},
	{regexp.MustCompile(`(?i)no space left on device`), "the node's disk is full", false, "free space on the node"},
	{regexp.MustCompile(`(?i)signature|policy rejected`), "its signature is not accepted", true, "sign the image, or name a signed one"},
}

// judgeImage explains a container whose image does not come.
func judgeImage(pod *corev1.Pod, k podContainer, events []*corev1.Event, now time.Time) finding {
	waiting := k.status.State.Waiting
	f := finding{
		level: levelImage, reason: plainLine(waiting.Reason, 60),
		words: plainLine(waiting.Message, wordsMost), image: k.image(),
	}
	words := unwrapPull(waiting.Message)
	if words == "" { // an older kubelet, that backs off without saying why
		last := newestEvent(events, func(e *corev1.Event) bool {
			return e.Reason == "Failed" && eventContainer(e, k.spec.Name) && unwrapPull(e.Message) != "" &&
				strings.HasPrefix(e.Message, "Failed to pull image")
		})
		if last != nil {
			words = unwrapPull(last.Message)
			f.words = plainLine(last.Message, wordsMost)
		}
	}
	what, bare := "", imageNames.ReplaceAllString(words, "")
	f.remedy = "correct the image in Git"
	switch waiting.Reason {
	case "InvalidImageName":
		what, f.doomed = "the name is not a valid image reference", true
	case "ErrImageNeverPull":
		what = "it is not on the node, and imagePullPolicy is Never"
		f.remedy = "load it there, or set imagePullPolicy"
	default:
		f.remedy = "see to the registry"
		for _, e := range pullErrors {
			if e.words.MatchString(bare) {
				what, f.doomed, f.remedy = e.what, e.doomed, e.remedy
				break
			}
		}
	}
	if what == "access denied" {
		f.remedy = pullSecretRemedy(pod, events)
		f.late(podSince(pod), now)
	}
	words = registryWords(words, what)
	if what == "" {
		what, words = cmp.Or(words, f.reason), ""
	}
	f.head = fmt.Sprintf("cannot pull %s: %s (%s of pod %s)", f.image, plainLine(what, 100), k, pod.Name)
	f.quote = words
	return f
}

var pullSecretEvent = regexp.MustCompile(`image pull secrets? \(([^)]*)\)`)

// pullSecretRemedy says which secret to look at for a registry that refuses.
func pullSecretRemedy(pod *corev1.Pod, events []*corev1.Event) string {
	last := newestEvent(events, func(e *corev1.Event) bool { return e.Reason == "FailedToRetrieveImagePullSecret" })
	if last != nil {
		if m := pullSecretEvent.FindStringSubmatch(last.Message); m != nil {
			return "its pull secret " + plainLine(m[1], 80) + " does not exist: add it"
		}
	}
	var names []string
	for _, s := range pod.Spec.ImagePullSecrets {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return "it has no imagePullSecrets: add one, or correct the image"
	}
	return "check pull secret " + strings.Join(names, ", ")
}

// registryWords are the end of what a runtime says about a pull, where the
// registry's own words are; empty: they say no more than what.
func registryWords(words, what string) string {
	words = rpcWords.ReplaceAllString(strings.Join(strings.Fields(words), " "), "")
	parts := strings.Split(words, ": ")
	if n := len(parts); n > 2 {
		parts = parts[n-2:]
		if imageNames.ReplaceAllString(parts[0], "") == "" || strings.Contains(parts[0], "failed to") {
			parts = parts[1:]
		}
	}
	words = spoken(strings.Join(parts, ": "), wordsMost)
	if strings.EqualFold(words, what) {
		return ""
	}
	return words
}

// unwrapPull leaves the registry's own words.
func unwrapPull(message string) string {
	for {
		m := pullWrapping.FindString(message)
		if m == "" {
			return strings.TrimSpace(message)
		}
		message = message[len(m):]
	}
}
