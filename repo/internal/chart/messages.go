package chart

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v2 "helm.sh/helm/v4/pkg/chart/v2"
)

// shortestSecret is the shortest value that is masked in a message: hiding
// "on" or "80" would make every message unreadable.
const shortestSecret = 4

const masked = "***"

// secrets are the values that no message may show: any of them may be a
// password.
type secrets struct{ texts map[string]bool }

func newSecrets(ch *v2.Chart, values map[string]any) *secrets {
	s := &secrets{texts: map[string]bool{}}
	s.add(values)
	s.chart(ch)
	return s
}

func (s *secrets) chart(ch *v2.Chart) {
	s.add(ch.Values)
	for _, sub := range ch.Dependencies() {
		s.chart(sub)
	}
}

func (s *secrets) add(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			s.add(e)
		}
	case []any:
		for _, e := range v {
			s.add(e)
		}
	case string:
		s.text(v)
		for line := range strings.Lines(v) {
			s.text(strings.TrimSpace(line))
		}
	case float64: // as all numbers in values are
		s.text(fmt.Sprint(v))
		s.text(strconv.FormatFloat(v, 'f', -1, 64))
	}
}

func (s *secrets) text(v string) {
	if len(v) < shortestSecret {
		return
	}
	s.texts[v] = true
	s.texts[base64.StdEncoding.EncodeToString([]byte(v))] = true
}

// hide makes a library's message fit to be shown: in one line, not too long,
// and without values.
func (s *secrets) hide(text string) string {
	text = quotedTemplate.ReplaceAllString(text, "$1 …")
	long := func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }
	for _, v := range slices.SortedFunc(maps.Keys(s.texts), long) {
		text = strings.ReplaceAll(text, v, masked)
	}
	return withoutQuotes(text)
}

// quotedTemplate is where the text that `tpl` was given is repeated in full.
var quotedTemplate = regexp.MustCompile(`(?s)(cannot parse template|error during tpl function execution for) "(?:[^"\\]|\\.)*"`)

var quoted = regexp.MustCompile("`[^`]*`")

// withoutQuotes leaves out what YAML libraries repeat of a file.
func withoutQuotes(text string) string {
	return shorten(quoted.ReplaceAllString(oneLine(text), "…"))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func shorten(text string) string {
	const longest = 400
	if r := []rune(text); len(r) > longest {
		return string(r[:longest]) + " …"
	}
	return text
}

// place is where the engine says that something is wrong: NAME:LINE or
// NAME:LINE:COLUMN, NAME being as the engine calls the template.
var place = regexp.MustCompile(`([^\s"'<>():]+):(\d+)(?::\d+)?`)

// executing is what the engine says between a place and what is wrong there.
var executing = regexp.MustCompile(`^executing "(?:[^"\\]|\\.)*" at <.*?>: *`)

// templateError says what the engine says, by the file of the template.
func (l *loaded) templateError(err error, s *secrets) error {
	text := oneLine(err.Error())
	where, line, message := "", "", text
	for _, m := range place.FindAllStringSubmatchIndex(text, -1) {
		name := text[m[2]:m[3]]
		if _, known := l.paths[name]; known { // the last is the innermost
			where, line = name, text[m[4]:m[5]]
			message = executing.ReplaceAllString(strings.TrimLeft(text[m[1]:], ":) "), "")
		}
	}
	message = s.hide(message)
	switch {
	case where == "":
		return problemf("%s: %s", l.dir, message)
	case l.archived[where]:
		return problemf("%s (%s:%s): %s", l.at(where), where, line, message)
	}
	return problemf("%s:%s: %s", l.at(where), line, message)
}
