package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
)

// abbreviation is a zone's name that is no place's: EST, CET, EST5EDT.
var abbreviation = regexp.MustCompile(`^(?:E|C|M|P|H)ST(?:[5-8][ECMP]DT)?$|^[CEMW]ET$`)

// fixedZone is a zone that is always as far from UTC, with its sign reversed.
var fixedZone = regexp.MustCompile(`^Etc/GMT([+-])([1-9][0-9]?)$`)

// oddZone warns of a zone that is seldom the one that is meant.
func (d *decoder) oddZone(n *yaml.Node, what, zone string) {
	if abbreviation.MatchString(zone) {
		d.warn(n, "%s: %s is an abbreviation, and not everybody's clock there keeps its daylight saving time: write a place, such as Europe/Berlin", what, zone)
	}
	m := fixedZone.FindStringSubmatch(zone)
	if m == nil {
		return
	}
	side, other := "behind", "-"
	if m[1] == "-" {
		side, other = "ahead of", "+"
	}
	d.warn(n, "%s: %s is %s h %s UTC: the sign of these names is reversed; if that is not meant, write Etc/GMT%s%s, and better a place, such as Europe/Berlin",
		what, zone, m[2], side, other, m[2])
}

// commonKinds are kinds whose letters are mixed up easily.
var commonKinds = [...]string{
	"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "ConfigMap", "Secret", "Service", "ServiceAccount",
	"Ingress", "NetworkPolicy", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Namespace", "PersistentVolume",
	"PersistentVolumeClaim", "StorageClass", "CustomResourceDefinition", "HorizontalPodAutoscaler", "PodDisruptionBudget",
}

// oddKind warns of a kind that is not how manifests write it, and so may be
// another word. A scope names it all the same.
func (d *decoder) oddKind(n *yaml.Node, what, text string) {
	kind, group, _ := strings.Cut(text, ".")
	for _, known := range commonKinds {
		if kind != known && (strings.EqualFold(kind, known) || isPlural(kind, known)) {
			if group != "" {
				known += "." + group
			}
			d.warn(n, "%s: %s is written %s in manifests", what, quote(text), known)
			return
		}
	}
	if scopedKind.MatchString(text) && kind[0] >= 'a' && kind[0] <= 'z' {
		d.warn(n, "%s: %s begins with a small letter, and kinds do not: write it as a manifest has it, such as StatefulSet", what, quote(text))
	}
}

// isPlural reports whether a word is the plural of a kind, as kubectl takes it.
func isPlural(word, kind string) bool {
	stem, ends := strings.CutSuffix(kind, "y")
	return strings.EqualFold(word, kind+"s") || strings.EqualFold(word, kind+"es") || ends && strings.EqualFold(word, stem+"ies")
}

// eitherDay warns of a cron schedule that restricts both kinds of day.
func (d *decoder) eitherDay(n *yaml.Node, what, schedule string) {
	fields := strings.Fields(schedule)
	if len(fields) != 5 || !restricts(fields[2]) || !restricts(fields[4]) {
		return
	}
	d.warn(n, "%s %s: the day of the month or the day of the week is enough, not both together: for both write an rrule with BYMONTHDAY and BYDAY, or two windows",
		what, quote(schedule))
}

// restricts reports whether a field of a cron schedule leaves something out.
func restricts(field string) bool {
	for part := range strings.SplitSeq(field, ",") {
		if span, step, _ := strings.Cut(part, "/"); (span == "*" || span == "?") && (step == "" || step == "1") {
			return false
		}
	}
	return true
}

// look warns of rules that say nothing, or everything, at a time and after it.
func (d *decoder) look(environments []model.Environment, now time.Time) {
	seen := map[*yaml.Node]bool{}
	for i := range environments {
		e := &environments[i]
		var freezes []model.WindowRule // that are about everything
		for _, r := range e.Windows {
			if r.Freeze != nil && r.Scope.IsZero() && r.Source == nil && !r.Manual {
				freezes = append(freezes, r)
			}
		}
		own := d.own[i]
		for j, r := range append(own[:len(own):len(own)], d.shared...) {
			if r.Source != nil || !r.counts(e) || r.Location == nil {
				continue
			}
			if !seen[r.at] {
				seen[r.at] = true
				d.lookAt(r, now)
			}
			env := ""
			if j >= len(own) {
				env = fmt.Sprintf("environment %s: ", quote(e.Name))
			}
			if r.Allow != nil && r.Scope.IsZero() && comes(r.WindowRule, now) && len(freezes) > 0 && !comes(r.WindowRule, now, freezes...) {
				d.warn(r.at, "%s%s: freezes cover all of it for the next year: nothing can be applied in it", env, r.what)
			}
		}
	}
}

// comes reports whether there is a time within a year at which a rule allows
// and no freeze forbids.
func comes(r model.WindowRule, now time.Time, freezes ...model.WindowRule) bool {
	return len(window.Next(append([]model.WindowRule{alone(r)}, freezes...), now, 1)) > 0
}

// lookAt warns of what is odd about one rule, at a time and after it.
func (d *decoder) lookAt(r *windowRule, now time.Time) {
	as := alone(r.WindowRule) // and as if it allowed
	at := r.when
	if at == nil {
		at = r.at
	}
	if as.Freeze != nil {
		as.Allow, as.Freeze = as.Freeze, nil
	}
	s := as.Allow
	if !sometime(s) {
		return // it was reported
	}
	next := window.Next([]model.WindowRule{as}, now, 1)
	switch {
	case s.OneOff() && !s.To.After(now):
		what := "nothing is allowed by it any more"
		if r.Freeze != nil {
			what = "nothing is frozen by it any more"
		}
		d.warn(at, "%s: it was over on %s: %s", r.what, s.To.In(r.Location).Format(time.DateOnly), what)
	case len(next) == 0 && !s.OneOff():
		d.warn(at, "%s: it does not come within a year", r.what)
	case len(next) == 1 && next[0].To.IsZero() && !s.OneOff() && r.Scope.IsZero():
		d.warn(at, "%s: it never ends: each time begins before the one before is over", r.what)
	case r.Cutoff > 0 && len(next) == 1 && !next[0].To.IsZero() && next[0].From.After(now):
		if left := next[0].To.Sub(next[0].From); left < r.Cutoff {
			d.warn(at, "%s: its cutoff of %s leaves %s to start in", r.what, shortly(r.Cutoff), shortly(left))
		}
	}
}

// shortly writes a duration of whole minutes: "90m", "8h".
func shortly(span time.Duration) string {
	if span%time.Hour == 0 {
		return strconv.Itoa(int(span/time.Hour)) + "h"
	}
	return strconv.Itoa(int(span/time.Minute)) + "m"
}
