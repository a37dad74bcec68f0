package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/recur"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
)

// syncWindow is for which applications a sync window of Argo CD is. What is
// empty names none.
type syncWindow struct {
	applications, namespaces, clusters []*regexp.Regexp
	and                                bool // it has to be each of those that name any

	application, cluster string // what Argo CD calls the environment and its cluster; empty: as it is called here
	overrun              bool
}

// defaultNamespace is that of objects that name none.
const defaultNamespace = "default"

// counts reports whether a sync window is about an environment: the
// application is called like the environment, unless it is said how, the
// cluster like its context, and the namespace is the environment's.
func (w *syncWindow) counts(e *model.Environment) bool {
	or := func(s, def string) string {
		if s == "" {
			return def
		}
		return s
	}
	named, all := false, true
	for _, of := range []struct {
		patterns []*regexp.Regexp
		name     string
	}{
		{w.applications, or(w.application, e.Name)},
		{w.clusters, or(w.cluster, e.Context)},
		{w.namespaces, or(e.Namespace, defaultNamespace)},
	} {
		if len(of.patterns) == 0 {
			continue
		}
		is := false
		for _, p := range of.patterns {
			is = is || p.MatchString(of.name)
		}
		named, all = named || is, all && is
	}
	return named && (all || !w.and)
}

// nobody reports whether a sync window is for no application at all.
func (w *syncWindow) nobody() bool {
	return len(w.applications)+len(w.namespaces)+len(w.clusters) == 0
}

// imports reports whether an entry brings the rules of another tool.
func (e *windowEntry) imports() bool {
	return e.given["import"] != nil || e.given["syncWindows"] != nil
}

// imported reads the sync windows of an Argo CD project as they are.
func (e *windowEntry) imported(common windowRule) []*windowRule {
	for _, name := range []string{"allow", "freeze", "cutoff", "timeZone"} {
		if n := e.given[name]; n != nil {
			e.at(n, "%s: %s does not go with import: the sync windows say it themselves", e.what, name)
		}
	}
	from := e.given["import"]
	if from == nil {
		e.at(e.node, "%s: import is missing: write import: argocd", e.what)
		return nil
	}
	var tool string
	choice(e.decoder, from, e.what+": import", []string{"argocd"}, &tool)
	list := e.given["syncWindows"]
	if list == nil {
		e.at(e.node, "%s: syncWindows is missing: put those of the AppProject here, as they are", e.what)
		return nil
	}
	common.sync = &syncWindow{}
	for _, alias := range []struct {
		key string
		to  *string
	}{{"application", &common.sync.application}, {"cluster", &common.sync.cluster}} {
		n := e.given[alias.key]
		if n == nil {
			continue
		}
		if e.shared {
			e.at(n, "%s: %s is one environment's: move the import there", e.what, alias.key)
		}
		*alias.to, _ = e.text(n, e.what+": "+alias.key)
	}
	items, ok := e.list(list, e.what+": syncWindows")
	if ok && len(items) == 0 {
		e.at(list, "%s: syncWindows is empty: remove the import", e.what)
	}
	var rules []*windowRule
	for i, item := range items {
		rules = append(rules, e.syncWindow(item, i, common))
	}
	return rules
}

// syncWindow reads one sync window, whose number is that of `argocd proj
// windows list`.
func (e *windowEntry) syncWindow(n *yaml.Node, number int, r windowRule) *windowRule {
	sync := *r.sync
	r.sync, r.at, r.Imported = &sync, n, true
	r.what = fmt.Sprintf("%s: sync window %d", e.what, number)
	r.Name = fmt.Sprintf("%s %d", e.name, number)
	if e.name == "" {
		r.Name = "" // that is reported
	}
	r.Location = time.UTC
	var kind string
	var s model.Schedule
	patterns := func(name string, to *[]*regexp.Regexp) key {
		return key{name: name, read: func(n *yaml.Node) { *to = e.globs(n, r.what+": "+name) }}
	}
	if !e.mapping(n, r.what, []key{
		{name: "kind", required: true, hint: "allow or deny", read: func(n *yaml.Node) {
			choice(e.decoder, n, r.what+": kind", []string{"allow", "deny"}, &kind)
		}},
		{name: "schedule", required: true, hint: "a cron schedule", read: func(n *yaml.Node) { e.syncSchedule(n, r.what+": schedule", &s) }},
		{name: "duration", required: true, hint: "such as 1h", read: func(n *yaml.Node) { e.syncDuration(n, r.what+": duration", &s.Duration) }},
		patterns("applications", &sync.applications),
		patterns("namespaces", &sync.namespaces),
		patterns("clusters", &sync.clusters),
		{name: "manualSync", read: func(n *yaml.Node) { e.bool(n, r.what+": manualSync", &r.Manual) }},
		{name: "timeZone", read: func(n *yaml.Node) {
			if v := resolve(n); v.Kind != yaml.ScalarNode || v.Value != "" {
				r.Location = e.zone(n, r.what+": timeZone")
			}
		}},
		{name: "andOperator", read: func(n *yaml.Node) { e.bool(n, r.what+": andOperator", &sync.and) }},
		{name: "useAndOperator", read: func(n *yaml.Node) {
			e.at(n, "%s: useAndOperator is not a field that Argo CD reads: write andOperator, or remove it, which is what it does there", r.what)
		}},
		{name: "syncOverrun", read: func(n *yaml.Node) { e.bool(n, r.what+": syncOverrun", &sync.overrun) }},
		{name: "description", read: func(n *yaml.Node) { r.Name += e.describe(n, r.what+": description") }},
	}) {
		return &r
	}
	if kind == "deny" {
		r.Freeze = &s
	} else {
		r.Allow = &s
	}
	return &r
}

func (e *windowEntry) syncSchedule(n *yaml.Node, what string, s *model.Schedule) {
	text, ok := e.text(n, what)
	if !ok {
		return
	}
	rule, err := recur.Cron(text)
	if err != nil {
		e.at(n, "%s %s: %v", what, quote(text), err)
		return
	}
	e.eitherDay(n, what, text)
	s.Starts = rule
}

// syncDuration reads a duration: Argo CD takes seconds, too.
func (e *windowEntry) syncDuration(n *yaml.Node, what string, to *time.Duration) {
	v, ok := e.text(n, what)
	if !ok {
		return
	}
	span, err := time.ParseDuration(v)
	switch {
	case err != nil:
		e.at(n, "%s %s is not a duration such as 15m, 8h or 1h30m", what, quote(v))
	case span <= 0 || span%time.Second != 0 || span > window.Longest:
		e.at(n, "%s %s must be whole seconds, longer than nothing and at most %dh", what, quote(v), window.Longest/time.Hour)
	default:
		*to = span
	}
}

// describe is the begin of a description, as a part of a name.
func (e *windowEntry) describe(n *yaml.Node, what string) string {
	s := resolve(n)
	if !e.spend(n) {
		return ""
	}
	if s.Kind != yaml.ScalarNode {
		e.at(n, "%s must be a text, not %s", what, e.kindOf(s))
		return ""
	}
	const longest = 40
	line, _, _ := strings.Cut(strings.TrimSpace(s.Value), "\n")
	text := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.TrimSpace(line)))
	if len(text) > longest {
		text = append(text[:longest-1], '…')
	}
	if len(text) == 0 {
		return ""
	}
	return " (" + string(text) + ")"
}

// globs reads patterns as Argo CD has them.
func (e *windowEntry) globs(n *yaml.Node, what string) []*regexp.Regexp {
	items, _ := e.list(n, what)
	var out []*regexp.Regexp
	for _, item := range items {
		v, ok := e.text(item, what)
		if !ok {
			continue
		}
		p, err := glob(v)
		if err != nil {
			e.at(item, "%s: %s is not a pattern: %v", what, quote(v), err)
			continue
		}
		out = append(out, p)
	}
	return out
}
