package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// Soak, review and the override's policy, by the commands and the UI, on a
// control plane that says who the caller is.
func TestRequirements(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{Windows: map[string]string{"staging": "[]", "dev": "[]"}})
	p.must(0, "apply", "-e", "dev", "--yes")
	p.live("staging")
	p.onMain(".fairtide.yaml", "requires: {approvals: 1, checks: true}",
		"requires: {approvals: 1, selfApproval: false, checks: true, reviewed: true, soak: {environment: dev, for: 1h}}")
	p.onMain(".fairtide.yaml", "override: {allowed: true}", "override: {allowed: true, users: [nobody]}")
	up := p.bump("1.5.0")
	p.merges(up.PullRequest.Number)

	judged := func(code int) map[string]string {
		t.Helper()
		out := map[string]string{}
		for _, r := range decode[planDocument](t, p.must(code, "diff", "-e", "staging", "-o", "json").stdout).Requirements {
			if out[r.Name] = "met"; !r.Met {
				out[r.Name] = strings.Join(r.Unmet, "; ")
			}
		}
		return out
	}
	first := judged(1)
	if first["approvals"] != "met" || first["checks"] != "met" || !strings.Contains(first["soak"], "is not live in dev") || !strings.Contains(first["reviewed"], "you have not marked") {
		t.Errorf("the plan says %q", first)
	}
	r := p.must(8, "apply", "-e", "staging", "--yes")
	if !strings.Contains(r.stderr, `requirement "soak" is not met: #`) || !strings.Contains(r.stderr, `requirement "reviewed" is not met`) || !strings.Contains(r.stderr, "it can be overridden by user nobody") {
		t.Errorf("refused with\n%s", r.stderr)
	}
	if r := p.must(8, "apply", "-e", "staging", "--yes", "--override", "checkout is down"); !strings.Contains(r.stderr, "that is for user nobody") {
		t.Errorf("an override by somebody else: %s", r.stderr)
	}

	p.must(0, "apply", "-e", "dev", "--yes")
	p.marksAll(up.PullRequest.Number)
	then := judged(1)
	if then["reviewed"] != "met" || !strings.Contains(then["soak"], "is live in dev since") || !strings.Contains(then["soak"], " of 1 h); wait until ") {
		t.Errorf("shipped to dev and read: %q", then)
	}
	p.onMain(".fairtide.yaml", "users: [nobody]", "groups: [nobodies, \"system:masters\"]")
	p.must(0, "apply", "-e", "staging", "--yes", "--override", "checkout is down")
	run := decode[struct{ Runs []model.Run }](t, p.must(0, "history", "-e", "staging", "-o", "json").stdout).Runs[0]
	x := run.Exception
	if x == nil || x.By == "" || x.As != "group system:masters" || x.Reason != "checkout is down" || x.At.IsZero() || len(x.Rules) != 1 || !strings.Contains(x.Rules[0], "is live in dev since") {
		t.Errorf("the record says %+v", x)
	}
	if said := strings.Join(p.stage.Forge.Comments(up.PullRequest.Number), "\n"); !strings.Contains(said, "Run "+run.ID+" to staging began although a rule forbids it") || !strings.Contains(said, "Reason: checkout is down") || !strings.Contains(said, "(group system:masters)") {
		t.Errorf("the pull request says %q", said)
	}
	if text := p.must(0, "history", "-e", "staging").stdout; !strings.Contains(text, "overridden by "+x.By+" (group system:masters): checkout is down (requirement") {
		t.Errorf("the history says\n%s", text)
	}
	if names := model.UnmetSentences(run.Requirements); len(run.Requirements) != 4 || !slices.Equal(names, x.Rules) {
		t.Errorf("the state of the rules: %+v", run.Requirements)
	}
}

// marksAll reads staging's plan in the UI and marks every object.
func (p *pipeline) marksAll(number int) {
	p.t.Helper()
	o := p.operator(120, 40)
	o.sees("ENVIRONMENTS", "staging")
	o.types("2")
	o.sees("PENDING IN staging", "#"+strconv.Itoa(number))
	o.types("\r")
	o.sees("reviewed", "read just now")
	o.untilSees(" ", "✓ all ")
	o.types("s")
	o.sees("needs", "soak: #", "approvals, checks, reviewed met", "others only: user nobody")
	o.untilSees("\x1b", "ENVIRONMENTS")
	o.leaves()
}
