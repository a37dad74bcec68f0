package cluster

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

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
}{
	{regexp.MustCompile(`(?i)no such host|server misbehaving|i/o timeout|connection (?:refused|reset|timed out)|network is unreachable|no route to host|TLS handshake timeout|deadline exceeded`), "the registry cannot be reached", false},
	{regexp.MustCompile(`(?i)x509:|certificate`), "the registry's certificate is not trusted", false},
	{regexp.MustCompile(`(?i)toomanyrequests|too many requests|rate limit|\b429\b`), "the registry's rate limit is reached", false},
	{regexp.MustCompile(`(?i)no match for platform|no matching manifest|exec format`), "there is no image for the node's platform", true},
	{regexp.MustCompile(`(?i)unauthorized|authentication required|authorization failed|access (?:to the resource is )?denied|denied:|insufficient_scope|\b40[13]\b|forbidden`), "access denied", false},
	{regexp.MustCompile(`(?i)manifest[ _]unknown|name[ _]unknown|not ?found|repository name not known`), "not found", true},
	{regexp.MustCompile(`(?i)no space left on device`), "the node's disk is full", false},
	{regexp.MustCompile(`(?i)signature|policy rejected`), "its signature is not accepted", true},
}

// judgeImage explains a container whose image does not come.
func judgeImage(pod *corev1.Pod, k podContainer, events []*corev1.Event) finding {
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
	switch waiting.Reason {
	case "InvalidImageName":
		what, f.doomed = "the name is not a valid image reference", true
	case "ErrImageNeverPull":
		what = "it is not on the node, and imagePullPolicy is Never"
	default:
		for _, e := range pullErrors {
			if e.words.MatchString(bare) {
				what, f.doomed = e.what, e.doomed
				break
			}
		}
	}
	words = plainLine(words, wordsMost)
	if what == "" {
		what, words = cmp.Or(words, f.reason), ""
	}
	f.cause = fmt.Sprintf("cannot pull %s: %s (%s of pod %s)", f.image, what, k, pod.Name)
	if words != "" {
		f.cause = fmt.Sprintf("cannot pull %s: %s (%s of pod %s: %s)", f.image, what, k, pod.Name, words)
	}
	return f
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
