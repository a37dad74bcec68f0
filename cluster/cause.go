package cluster

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// wordsMost bounds what is quoted from a kubelet, scheduler or registry.
	wordsMost = 240
	// causeMost bounds a cause as a whole.
	causeMost = 400
	// causeAim is how long a cause is to be with what it quotes; quoteLeast of
	// that stays in any case.
	causeAim   = 220
	quoteLeast = 80
	imageMost  = 160
	// doomedRestarts is how many restarts a crash loop needs to be taken for
	// one that waiting does not end.
	doomedRestarts = 3
	// startGrace is how long a container may run before that it has not come
	// up yet is told as a cause: every one takes some seconds.
	startGrace = 10 * time.Second
	// createGrace is how long a container may be in the making before that is
	// a cause: large images take their time.
	createGrace = 45 * time.Second
	// lateGrace is how long a Secret, a ConfigMap or a permission to pull may
	// be missing: other controllers bring them. After it waiting does not help.
	lateGrace = 2 * time.Minute
)

// findingLevel orders what may be wrong with a pod, the deepest reason last.
type findingLevel int

const (
	levelFine findingLevel = iota
	levelStarting
	levelNotReady // it runs, but a probe or a gate says no
	levelLeaving  // it is to go away and does not
	levelVolume   // a volume or the sandbox does not come
	levelUnscheduled
	levelConfig // the container cannot be created
	levelCrashed
	levelImage
)

// finding is why a pod is not ready. The zero finding is nothing at all.
type finding struct {
	level  findingLevel
	reason string // one word, as the kubelet has it
	words  string // the kubelet's or scheduler's, on one line
	cause  string // one line for the operator, made of the three below
	head   string // which object, and what is wrong with it
	quote  string // who says it, in their words
	remedy string // what to do
	name   string // of the pod, where that is not told otherwise
	image  string
	doomed bool // waiting does not help
	// until is when what is normal so far becomes a cause, or one that may go
	// away one that will not, should nothing change before; zero: it does not
	// with time alone.
	until time.Time
	crash crashRef // whose log may say more
}

// worse reports whether f is a better explanation than g.
func (f finding) worse(g finding) bool {
	if f.doomed != g.doomed {
		return f.doomed
	}
	if f.level == g.level {
		return f.cause != "" && g.cause == ""
	}
	return f.level > g.level
}

// tell words the cause.
func (f *finding) tell() { f.cause = told(f.head, f.quote, f.remedy) }

// late has what may come late doomed once it has been missing for too long. A
// time that is not known dooms nothing.
func (f *finding) late(since, now time.Time) {
	switch end := since.Add(lateGrace); {
	case since.IsZero() || now.IsZero():
	case now.Before(end):
		f.until = end
	default:
		f.doomed = true
	}
}

// told makes one line of what is wrong, of somebody's words about it, and of
// what to do. The words give way when it gets too long.
func told(head, quote, remedy string) string {
	if head == "" {
		return ""
	}
	if remedy != "" {
		remedy = "; " + remedy
	}
	if quote != "" {
		room := causeAim - utf8.RuneCountInString(head) - utf8.RuneCountInString(remedy) - 2
		quote = ": " + strings.TrimRight(plainLine(quote, max(room, quoteLeast)), ".:; ")
	}
	return plainLine(head+quote+remedy, causeMost)
}

var (
	anyUserinfo = regexp.MustCompile(`(\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s"'@]+@`)
	bearerWords = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_=.~-]{6,}`)
	namedSecret = regexp.MustCompile(`(?i)([\w.-]*(?:passw(?:or)?d|passphrase|\bpwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization|cookie|signature|\bdsn)[\w.-]*["']?\s*(?:=>|[=:]|\bis\b)\s*)("[^"]*"?|'[^']*'?|[^\s,;&]+)`)
	webToken    = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)*`)
	longToken   = regexp.MustCompile(`[A-Za-z0-9+_=]{24,}`)
)

// spoken is what a program wrote, as one line without what looks like a secret:
// an application may write anything.
func spoken(s string, limit int) string {
	if len(s) > 64*limit {
		s = s[:64*limit]
	}
	s = bearerWords.ReplaceAllString(s, "$1 …")
	s = anyUserinfo.ReplaceAllString(s, "$1")
	s = namedSecret.ReplaceAllString(s, "$1…")
	s = webToken.ReplaceAllString(s, "…")
	s = longToken.ReplaceAllStringFunc(s, func(token string) string {
		if strings.ContainsAny(token, "0123456789") && strings.IndexFunc(token, func(r rune) bool { return r > '9' }) >= 0 {
			return "…"
		}
		return token
	})
	return plainLine(s, limit)
}
