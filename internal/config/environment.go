package config

import (
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// maxEnvironment is the length of an environment's name: it is part of the
// names of records in the cluster.
const maxEnvironment = 40

// maxSandbox leaves room in a namespace's name for what makes it unique.
const maxSandbox = 40

func (d *decoder) environment(n *yaml.Node, index int) model.Environment {
	what := title("environment", n, index)
	e := model.Environment{
		Deploy:  model.DeployConfirm,
		Overrun: model.OverrunFinish,
		Rollout: model.RolloutPolicy{Gate: model.GateReady, OnFailure: model.FailStop},
		Prune:   model.PrunePolicy{Enabled: true, Max: model.DefaultPruneMax, Share: true},
	}
	in := func(key string) string { return what + ": " + key }
	var rules []*windowRule
	var rollout rolloutKeys
	d.mapping(n, what, []key{
		{name: "name", required: true, hint: "give it one, such as staging", read: func(n *yaml.Node) {
			d.label(n, in("name"), maxEnvironment, &e.Name)
		}},
		{name: "tier", required: true, hint: "one of development, staging, production", read: func(n *yaml.Node) {
			choice(d, n, in("tier"), model.Tiers[:], &e.Tier)
		}},
		{name: "branch", read: func(n *yaml.Node) { d.branch(n, in("branch"), &e.Branch) }},
		{name: "path", required: true, hint: "the directory of its manifests, from the root of the repository", read: func(n *yaml.Node) {
			d.path(n, in("path"), &e.Path)
		}},
		{name: "cluster", read: func(n *yaml.Node) { d.cluster(n, in("cluster"), &e.Context) }},
		{name: "namespace", read: func(n *yaml.Node) { d.label(n, in("namespace"), maxLabel, &e.Namespace) }},
		{name: "deploy", read: func(n *yaml.Node) {
			choice(d, n, in("deploy"), []model.DeployMode{model.DeployConfirm, model.DeployAuto}, &e.Deploy)
		}},
		{name: "windows", read: func(n *yaml.Node) { rules = d.windows(n, what+": ", false) }},
		{name: "overrun", read: func(n *yaml.Node) {
			choice(d, n, in("overrun"), []model.Overrun{model.OverrunFinish, model.OverrunStop}, &e.Overrun)
		}},
		{name: "rollout", read: func(n *yaml.Node) { rollout = d.rollout(n, in("rollout"), &e.Rollout) }},
		{name: "override", read: func(n *yaml.Node) { e.Override = d.override(n, in("override")) }},
		{name: "prune", read: func(n *yaml.Node) {
			d.mapping(n, in("prune"), []key{
				{name: "enabled", read: func(n *yaml.Node) { d.bool(n, in("prune: enabled"), &e.Prune.Enabled) }},
				{name: "max", read: func(n *yaml.Node) {
					d.count(n, in("prune: max"), &e.Prune.Max)
					e.Prune.Share = false // who sets a limit means that one
				}},
			})
		}},
		{name: "replace", read: func(n *yaml.Node) { e.Replace = d.replace(n, in("replace")) }},
		{name: "requires", read: func(n *yaml.Node) { d.requires(n, in("requires"), &e) }},
		{name: "tests", read: func(n *yaml.Node) { e.Tests = d.tests(n, what) }},
		{name: "sandbox", read: func(n *yaml.Node) { e.Sandbox = d.sandbox(n, in("sandbox")) }},
		{name: "helm", read: func(n *yaml.Node) { e.Helm = d.helm(n, in("helm")) }},
		{name: "hide", read: func(n *yaml.Node) { e.Hide = d.hideRules(n, in("hide")) }},
		{name: "mask", read: func(n *yaml.Node) { e.Mask = d.maskRules(n, in("mask")) }},
	})
	d.own = append(d.own, rules)
	d.oddRollout(rollout, in("rollout"), &e)
	return e
}

// cluster reads which cluster is meant.
func (d *decoder) cluster(n *yaml.Node, what string, to *string) {
	d.mapping(n, what, []key{{name: "context", read: func(n *yaml.Node) {
		*to, _ = d.text(n, what+": context")
	}}})
}

func (d *decoder) sandbox(n *yaml.Node, what string) model.Sandbox {
	var s model.Sandbox
	d.mapping(n, what, []key{
		{name: "cluster", read: func(n *yaml.Node) { d.cluster(n, what+": cluster", &s.Context) }},
		{name: "namespace", read: func(n *yaml.Node) { d.label(n, what+": namespace", maxSandbox, &s.Namespace) }},
	})
	return s
}

// path reads a directory of the repository.
func (d *decoder) path(n *yaml.Node, what string, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	clean := path.Clean(v)
	switch {
	case strings.Contains(v, `\`):
		d.at(n, "%s %s: write / between directories, not \\", what, quote(v))
	case strings.HasPrefix(v, "/"), strings.HasPrefix(v, "~"):
		d.at(n, "%s %s must be relative to the root of the repository%s", what, quote(v), relative(v))
	case clean == "..", strings.HasPrefix(clean, "../"):
		d.at(n, "%s %s leads out of the repository: only what is in it can be reviewed", what, quote(v))
	default:
		*to = clean
	}
}

func relative(v string) string {
	if v = strings.Trim(path.Clean(strings.TrimLeft(v, "/~")), "/"); v == "" || v == "." || strings.HasPrefix(v, "..") {
		return "; the root is \".\""
	}
	return fmt.Sprintf("; did you mean %s?", quote(v))
}

// branch reads the name of a branch, by the rules of git check-ref-format.
func (d *decoder) branch(n *yaml.Node, what string, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	if short, ok := strings.CutPrefix(v, "refs/heads/"); ok {
		d.at(n, "%s %s: write the name without refs/heads/: %s", what, quote(v), quote(short))
		return
	}
	bad := strings.ContainsAny(v, " ~^:?*[\\") || strings.Contains(v, "..") || strings.Contains(v, "@{") ||
		v == "@" || v == "HEAD" || strings.HasPrefix(v, "-") || strings.HasSuffix(v, ".")
	for part := range strings.SplitSeq(v, "/") {
		bad = bad || part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock")
	}
	if bad {
		d.at(n, "%s %s is not the name of a branch", what, quote(v))
		return
	}
	*to = v
}
