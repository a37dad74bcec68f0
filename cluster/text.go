package cluster

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
)

var (
	// A signed URL carries its signature in the query, and some carry a
	// password: neither is for a screen or a record.
	urlQuery    = regexp.MustCompile(`(https?://[^\s"'?]+)\?[^\s"']*`)
	urlUserinfo = regexp.MustCompile(`(https?://)[^\s"'/@]+@`)
)

// plainLine makes one harmless line of a text from the cluster: no control
// characters, no credentials in URLs, at most limit runes.
func plainLine(s string, limit int) string {
	if len(s) > 16*limit { // far more than can be kept; do not search all of it
		s = s[:16*limit]
	}
	s = strings.Join(strings.Fields(sanitize.Line(s)), " ")
	s = urlUserinfo.ReplaceAllString(s, "$1")
	s = urlQuery.ReplaceAllString(s, "$1?…")
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:limit-1]), " ") + "…"
}
