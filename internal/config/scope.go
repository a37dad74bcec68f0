package config

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// windowRule is a rule as it was read, and for which environments it counts.
type windowRule struct {
	model.WindowRule
	at   *yaml.Node // where it is in the file
	when *yaml.Node // its allow or freeze; nil: somebody else's
	what string

	environments []*yaml.Node // patterns of names; none: all
	tiers        []model.Tier // none: all
	sync         *syncWindow  // that it was made of; nil: it is our own
}

// counts reports whether a rule is about an environment.
func (r *windowRule) counts(e *model.Environment) bool {
	named := func(n *yaml.Node) bool { return matches(resolve(n).Value, e.Name) }
	return (len(r.environments) == 0 || slices.ContainsFunc(r.environments, named)) &&
		(len(r.tiers) == 0 || slices.Contains(r.tiers, e.Tier)) &&
		(r.sync == nil || r.sync.counts(e))
}

// matches reports whether a pattern, in which * stands for any characters, is
// that of a name.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(name, parts[0])
	if len(parts) == 1 {
		return ok && rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if ok = ok && i >= 0; ok {
			rest = rest[i+len(part):]
		}
	}
	return ok && strings.HasSuffix(rest, parts[len(parts)-1])
}

var (
	labelPattern = regexp.MustCompile(`^[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?$`)
	// scopedKind is a kind, and after a dot its group.
	scopedKind = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(\.[a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$`)
	riskName   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
)

// scope reads which environments, and what in a plan, a rule is about.
func (e *windowEntry) scope(n *yaml.Node, r *windowRule) {
	what := e.what + ": scope"
	s := &r.Scope
	before := len(e.problems)
	ok := e.mapping(n, what, []key{
		{name: "environments", read: func(n *yaml.Node) {
			e.elsewhereOnly(n, what, "environments")
			e.items(n, what+": environments", func(item *yaml.Node, v string) bool {
				r.environments = append(r.environments, item)
				return labelPattern.MatchString(v)
			}, "the name of an environment, in which * stands for any characters")
		}},
		{name: "tiers", read: func(n *yaml.Node) {
			e.elsewhereOnly(n, what, "tiers")
			items, _ := e.list(n, what+": tiers")
			for _, item := range items {
				var tier model.Tier
				if choice(e.decoder, item, what+": tiers", model.Tiers[:], &tier); tier != "" {
					r.tiers = append(r.tiers, tier)
				}
			}
		}},
		{name: "kinds", read: func(n *yaml.Node) {
			s.Kinds = e.items(n, what+": kinds", func(item *yaml.Node, v string) bool {
				e.oddKind(item, what+": kinds", v)
				return scopedKind.MatchString(v)
			}, "a kind as a manifest has it, such as StatefulSet or StatefulSet.apps")
		}},
		{name: "namespaces", read: func(n *yaml.Node) {
			s.Namespaces = e.items(n, what+": namespaces", func(_ *yaml.Node, v string) bool { return labelPattern.MatchString(v) },
				"the name of a namespace, in which * stands for any characters")
		}},
		{name: "risks", read: func(n *yaml.Node) {
			s.Risks = e.items(n, what+": risks", func(_ *yaml.Node, v string) bool { return riskName.MatchString(v) },
				"the name of a risk as `diff -o json` has it, such as restarts-pods")
			e.knownRisks(n, what+": risks", s.Risks)
		}},
	})
	if ok && len(e.problems) == before && s.IsZero() && len(r.environments) == 0 && len(r.tiers) == 0 {
		e.at(n, "%s names nothing: remove it, and the window is about everything", what)
	}
}

// knownRisks reports a name that no plan has: what was meant to be frozen would
// not be.
func (d *decoder) knownRisks(n *yaml.Node, what string, named []string) {
	known := model.RiskNames()
	for _, item := range resolve(n).Content {
		v := resolve(item).Value
		if !slices.Contains(named, v) || slices.Contains(known, v) {
			continue
		}
		hint := "`fairtide diff -o json` tells those of a plan"
		if s := Suggest(v, known); s != "" {
			hint = "did you mean " + quote(s) + "?"
		}
		d.at(item, "%s: no risk is called %s; %s", what, quote(v), hint)
	}
}

// elsewhereOnly refuses what selects environments in one of them.
func (e *windowEntry) elsewhereOnly(n *yaml.Node, what, key string) {
	if !e.shared {
		e.at(n, "%s: %s is for windows that environments share: move this one to windows at the top of the file, or remove %[2]s", what, key)
	}
}

// items reads a list of texts, each of which must be good.
func (d *decoder) items(n *yaml.Node, what string, good func(*yaml.Node, string) bool, is string) []string {
	list, ok := d.list(n, what)
	if ok && len(list) == 0 {
		d.at(n, "%s is empty: name something, or remove it, which names all", what)
	}
	var out []string
	for _, item := range list {
		v, ok := d.text(item, what)
		switch {
		case !ok:
		case !good(item, v):
			d.at(item, "%s: %s is not %s", what, quote(v), is)
		case slices.Contains(out, v):
			d.at(item, "%s: %s is there twice", what, quote(v))
		default:
			out = append(out, v)
		}
	}
	return out
}

// maxPlaced bounds how many windows all environments have together: those that
// they share count in each.
const maxPlaced = 20000

// placeWindows gives each environment its own windows, and then those of the
// file that are about it.
func (d *decoder) placeWindows(environments []model.Environment) {
	counted, placed := map[*yaml.Node]bool{}, 0
	for i := range environments {
		e := &environments[i]
		first := map[string]*windowRule{}
		for j, r := range slices.Concat(d.own[i], d.shared) {
			if !r.counts(e) {
				continue
			}
			counted[r.at] = true
			if placed++; placed > maxPlaced {
				d.at(r.at, "%s: too many: the environments have more than %d windows together", r.what, maxPlaced)
				return
			}
			if f := first[r.Name]; f == nil {
				first[r.Name] = r
			} else if listed := slices.Contains(d.own[i], f) == (j < len(d.own[i])); r.Name != "" && (!listed || r.sync != nil || f.sync != nil) {
				d.at(r.at, "%s: environment %s has another window called %s, in line %d: names must differ", r.what, quote(e.Name), quote(r.Name), f.at.Line)
			}
			if r.sync != nil && r.sync.overrun && e.Overrun == model.OverrunStop {
				d.warn(r.at, "%s: syncOverrun lets a sync go on when it closes, but environment %s has overrun: stop-between-waves, which counts", r.what, quote(e.Name))
			}
			e.Windows = append(e.Windows, r.WindowRule)
		}
	}
	said := map[*yaml.Node]bool{}
	for _, r := range slices.Concat(slices.Concat(d.own...), d.shared) {
		d.knownEnvironments(r, environments)
		if counted[r.at] || said[r.at] {
			continue
		}
		said[r.at] = true
		switch {
		case r.sync == nil:
			d.warn(r.at, "%s: there is no environment that its scope names: it never counts", r.what)
		case r.sync.nobody():
			d.warn(r.at, "%s: it names no application, namespace or cluster: it never counts, as in Argo CD", r.what)
		default:
			d.warn(r.at, "%s: it names no environment here: it never counts; an application is an environment's name, a cluster its context in the kubeconfig", r.what)
		}
	}
}

// knownEnvironments reports a pattern that is that of no environment: what was
// meant to be frozen would not be.
func (d *decoder) knownEnvironments(r *windowRule, environments []model.Environment) {
	for _, n := range r.environments {
		pattern := resolve(n).Value
		var names []string
		found := pattern == "" || len(d.problems) > maxShown
		for _, e := range environments {
			names = append(names, e.Name)
			found = found || e.Name == "" || matches(pattern, e.Name) // one without a name was reported
		}
		if found || !labelPattern.MatchString(pattern) {
			continue
		}
		hint := "there are " + strings.Join(names, ", ")
		if s := Suggest(pattern, names); s != "" {
			hint = "did you mean " + quote(s) + "?"
		}
		d.at(n, "%s: scope: environments: no environment is called %s; %s", r.what, quote(pattern), hint)
	}
}
