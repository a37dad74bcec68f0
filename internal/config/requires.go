package config

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// The shortest and the longest soak. Longer than that, no record is kept.
const (
	minSoak = time.Minute
	maxSoak = 90 * 24 * time.Hour
)

// requires reads what has to be met. What it says of other environments, and of
// the signers, is checked when all of them are read.
func (d *decoder) requires(n *yaml.Node, what string, of *model.Environment) {
	r := &of.Requires
	self := true
	d.mapping(n, what, []key{
		{name: "approvals", read: func(n *yaml.Node) { d.count(n, what+": approvals", &r.Approvals) }},
		{name: "checks", read: func(n *yaml.Node) { d.bool(n, what+": checks", &r.Checks) }},
		{name: "selfApproval", read: func(n *yaml.Node) {
			d.bool(n, what+": selfApproval", &self)
			r.NoSelfApproval = !self
			d.later = append(d.later, func(model.Config) {
				if r.NoSelfApproval && r.Approvals == 0 {
					d.at(n, "%s: selfApproval says whose approvals do not count, and approvals asks for none: write approvals: 1, or remove it", what)
				}
			})
		}},
		{name: "signed", read: func(n *yaml.Node) {
			d.bool(n, what+": signed", &r.Signed)
			d.later = append(d.later, func(c model.Config) {
				if r.Signed && len(signersOf(c)) == 0 {
					d.at(n, "%s: signed asks for signatures, and nobody's counts: list whose does under signers, at the top of the file", what)
				}
			})
		}},
		{name: "reviewed", read: func(n *yaml.Node) {
			d.bool(n, what+": reviewed", &r.Reviewed)
			d.later = append(d.later, func(model.Config) {
				if r.Reviewed && of.Deploy == model.DeployAuto {
					d.at(n, "%s: reviewed asks an operator to read each plan, and with deploy: auto there is none: write deploy: confirm, or remove it", what)
				}
			})
		}},
		{name: "soak", read: func(n *yaml.Node) { d.soak(n, what+": soak", of) }},
		{name: "testsPassed", read: func(n *yaml.Node) { d.elsewhere(n, what+": testsPassed", of, true, &r.TestsPassed) }},
	})
}

// signersOf are the signers of a configuration, which every environment has.
func signersOf(c model.Config) []model.Signer {
	if len(c.Environments) == 0 {
		return nil
	}
	return c.Environments[0].Signers
}

func (d *decoder) soak(n *yaml.Node, what string, of *model.Environment) {
	s := &of.Requires.Soak
	d.mapping(n, what, []key{
		{name: "environment", required: true, hint: "name the one in which a change has to be live first, such as staging", read: func(n *yaml.Node) {
			d.elsewhere(n, what+": environment", of, false, &s.Environment)
		}},
		{name: "for", required: true, hint: "say how long, such as 24h", read: func(n *yaml.Node) {
			d.long(n, what+": for", &s.For)
		}},
	})
}

// elsewhere reads the name of another environment.
func (d *decoder) elsewhere(n *yaml.Node, what string, of *model.Environment, tested bool, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	*to = v
	d.later = append(d.later, func(c model.Config) {
		var names []string
		for _, e := range c.Environments {
			names = append(names, e.Name)
		}
		other, there := c.Environment(v)
		switch {
		case !there:
			hint := "there are " + strings.Join(names, ", ")
			if s := Suggest(v, names); s != "" {
				hint = "did you mean " + quote(s) + "?"
			}
			d.at(n, "%s: no environment is called %s; %s", what, quote(v), hint)
		case v == of.Name:
			d.at(n, "%s is this environment itself: name the one in which a change is live before", what)
		case tested && len(other.Tests) == 0:
			d.at(n, "%s: %s has no tests, so that none can pass: declare some there, or remove it", what, quote(v))
		}
	})
}

// long reads a span of time of up to months: a duration, or a number of days
// such as 7d.
func (d *decoder) long(n *yaml.Node, what string, to *time.Duration) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	span, err := time.ParseDuration(v)
	if number, isDays := strings.CutSuffix(v, "d"); isDays {
		var days uint64
		days, err = strconv.ParseUint(number, 10, 16)
		span = time.Duration(days) * 24 * time.Hour
	}
	switch {
	case err != nil:
		d.at(n, "%s %s is not a duration such as 24h, 90m or 7d", what, quote(v))
	case span < minSoak || span > maxSoak:
		d.at(n, "%s %s must be at least 1m and at most 90d", what, quote(v))
	default:
		*to = span
	}
}

// override reads whether rules may be overridden, and by whom.
func (d *decoder) override(n *yaml.Node, what string) model.OverridePolicy {
	var p model.OverridePolicy
	var named []*yaml.Node
	names := func(of string, to *[]string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			named = append(named, n)
			d.callers(n, what+": "+of, to)
		}
	}
	d.mapping(n, what, []key{
		{name: "allowed", read: func(n *yaml.Node) { d.bool(n, what+": allowed", &p.Allowed) }},
		{name: "users", read: names("users", &p.Users)},
		{name: "groups", read: names("groups", &p.Groups)},
	})
	if len(named) > 0 && !p.Allowed {
		d.at(named[0], "%s names who may, and nobody is allowed to: write allowed: true, or remove the names", what)
	}
	return p
}

// callers reads names of users or groups, as an API server knows them.
func (d *decoder) callers(n *yaml.Node, what string, to *[]string) {
	items, ok := d.list(n, what)
	if ok && len(items) == 0 {
		d.at(n, "%s is empty: name somebody, or remove it, which lets everybody", what)
	}
	for _, item := range items {
		if v, ok := d.text(item, what); ok {
			*to = append(*to, v)
		}
	}
}
