package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// twoStages is a file with a staging that has tests, and a production whose
// lines follow.
func twoStages(top string, lines ...string) string {
	return "apiVersion: fairtide.dev/v1\n" + top + `environments:
  - {name: staging, tier: staging, path: s, tests: [{name: t, job: x.yaml}]}
  - {name: dev, tier: development, path: d}
  - name: prod
    tier: production
    path: p
    ` + strings.Join(lines, "\n    ") + "\n"
}

const oneSigner = `signers: [{name: op1, ssh: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOzf06lVmznDbkuiOqkKtBhBDnTsJKQcH38UGPDTsPcK"}]` + "\n"

func TestRequires(t *testing.T) {
	for _, c := range []struct {
		line string
		want model.Requirements
	}{
		{"requires: {}", model.Requirements{}},
		{"requires: {approvals: 2, selfApproval: true}", model.Requirements{Approvals: 2}},
		{"requires: {approvals: 2, selfApproval: false}", model.Requirements{Approvals: 2, NoSelfApproval: true}},
		{"requires: {selfApproval: true}", model.Requirements{}},
		{"requires: {signed: true, reviewed: true}", model.Requirements{Signed: true, Reviewed: true}},
		{"requires: {signed: false, reviewed: false}", model.Requirements{}},
		{"requires: {soak: {environment: staging, for: 24h}}", model.Requirements{Soak: model.Soak{Environment: "staging", For: 24 * time.Hour}}},
		{"requires: {soak: {environment: dev, for: 7d}}", model.Requirements{Soak: model.Soak{Environment: "dev", For: 7 * 24 * time.Hour}}},
		{"requires: {soak: {environment: dev, for: 1h30m}}", model.Requirements{Soak: model.Soak{Environment: "dev", For: 90 * time.Minute}}},
		{"requires: {testsPassed: staging}", model.Requirements{TestsPassed: "staging"}},
	} {
		cfg, err := Parse(File, []byte(twoStages(oneSigner, c.line)))
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if got := cfg.Environments[2].Requires; got != c.want {
			t.Errorf("%s: %+v", c.line, got)
		}
	}
}

func TestOverridePolicy(t *testing.T) {
	cfg, err := Parse(File, []byte(twoStages("", `override: {allowed: true, users: [op1, "op2@example.com"], groups: [sre]}`)))
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Environments[2].Override; got.Who() != "user op1, user op2@example.com, group sre" || !got.Allowed {
		t.Errorf("%+v", got)
	}
}

func TestRequiresProblems(t *testing.T) {
	for _, c := range []struct{ top, line, want string }{
		{"", "requires: {approval: 1}", `unknown key "approval"; did you mean "approvals"?`},
		{"", "requires: {selfApproval: false}", "approvals asks for none"},
		{"", "requires: {selfApproval: never}", "selfApproval must be true or false"},
		{"", "requires: {signed: true}", "list whose does under signers"},
		{"", "requires: {reviewed: true}\n    deploy: auto", "with deploy: auto there is none"},
		{"", "requires: {soak: 24h}", "soak must be a mapping"},
		{"", "requires: {soak: {for: 24h}}", "environment is missing"},
		{"", "requires: {soak: {environment: staging}}", "for is missing"},
		{"", "requires: {soak: {environment: stagin, for: 24h}}", `no environment is called "stagin"; did you mean "staging"?`},
		{"", "requires: {soak: {environment: prod, for: 24h}}", "this environment itself"},
		{"", "requires: {soak: {environment: staging, for: a day}}", "is not a duration such as 24h"},
		{"", "requires: {soak: {environment: staging, for: 24}}", "for must be a text"},
		{"", "requires: {soak: {environment: staging, for: 0h}}", "at least 1m and at most 90d"},
		{"", "requires: {soak: {environment: staging, for: 91d}}", "at least 1m and at most 90d"},
		{"", "requires: {soak: {environment: staging, for: -1d}}", "is not a duration"},
		{"", "requires: {testsPassed: qa}", "there are staging, dev, prod"},
		{"", "requires: {testsPassed: prod}", "this environment itself"},
		{"", "requires: {testsPassed: dev}", `"dev" has no tests`},
		{"", "override: {users: [op1]}", "names who may, and nobody is allowed to"},
		{"", "override: {allowed: false, groups: [sre]}", "names who may, and nobody is allowed to"},
		{"", "override: {allowed: true, users: []}", "users is empty"},
		{"", "override: {allowed: true, users: op1}", "users must be a list"},
		{"", "override: {allowed: true, groups: ['']}", "groups is empty"},
		{"", "override: {allowed: true, user: [op1]}", `unknown key "user"; did you mean "users"?`},
	} {
		_, err := Parse(File, []byte(twoStages(c.top, c.line)))
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 || !strings.Contains(problems[0].Message, c.want) || problems[0].Line < 8 {
			t.Errorf("%s: %v", c.line, err)
		}
	}
}
