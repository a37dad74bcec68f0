package model

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Requirements are what has to be met before fairtide merges a pull request
// and ships a change.
type Requirements struct {
	Approvals int  // how many, of the head, by others than the author
	Checks    bool // every check is green
	// NoSelfApproval leaves out approvals by whoever wrote the change, and by
	// the operator who merges or ships it.
	NoSelfApproval bool
	Signed         bool   // every shipped commit's signature is verified
	Soak           Soak   // zero: none
	TestsPassed    string // the environment whose last run of the change passed its tests; empty: none
	Reviewed       bool   // the operator has marked every diff of the plan as read
}

// Soak asks that a change was live and healthy in another environment first.
type Soak struct {
	Environment string
	For         time.Duration
}

// The names of requirements, as the configuration and the records have them.
const (
	RequireApprovals   = "approvals"
	RequireChecks      = "checks"
	RequireSigned      = "signed"
	RequireSoak        = "soak"
	RequireTestsPassed = "testsPassed"
	RequireReviewed    = "reviewed"
)

// Named lists the requirements that ask for something, in the order in which
// they are shown.
func (r Requirements) Named() []string {
	var out []string
	for _, n := range []struct {
		name string
		asks bool
	}{
		{RequireApprovals, r.Approvals > 0},
		{RequireChecks, r.Checks},
		{RequireSigned, r.Signed},
		{RequireSoak, r.Soak.Environment != ""},
		{RequireTestsPassed, r.TestsPassed != ""},
		{RequireReviewed, r.Reviewed},
	} {
		if n.asks {
			out = append(out, n.name)
		}
	}
	return out
}

// Requirement is one requirement, judged for what is to be merged or shipped.
type Requirement struct {
	Name string `json:"name"`
	Met  bool   `json:"met"`
	// Unmet is why it is not met, each with what would satisfy it.
	Unmet []string `json:"unmet,omitempty"`
}

// Sentence says how the requirement stands.
func (r Requirement) Sentence() string {
	if r.Met {
		return fmt.Sprintf("requirement %q is met", r.Name)
	}
	return fmt.Sprintf("requirement %q is not met: %s", r.Name, strings.Join(r.Unmet, "; "))
}

// UnmetSentences are the sentences of those that are not met.
func UnmetSentences(all []Requirement) []string {
	var out []string
	for _, r := range all {
		if !r.Met {
			out = append(out, r.Sentence())
		}
	}
	return out
}

// JudgeReviewed judges whether the operator has read a plan: every object that
// differs is among those that are marked.
func (p *Plan) JudgeReviewed(read []ObjectID) Requirement {
	r := Requirement{Name: RequireReviewed, Met: true}
	marked := make(map[ObjectID]bool, len(read))
	for _, id := range read {
		marked[id] = true
	}
	all, left := 0, 0
	for _, o := range p.Objects {
		if !o.Verdict.Differs() {
			continue
		}
		all++
		if !marked[o.ID] {
			left++
		}
	}
	if left > 0 {
		r.Met = false
		r.Unmet = []string{fmt.Sprintf("you have not marked %d of %d objects as reviewed: do it on the review page of `fairtide`, as yourself and on this machine", left, all)}
	}
	return r
}

// Judged are the plan's requirements together with whether the operator has
// read it.
func (p *Plan) Judged(read []ObjectID) []Requirement {
	out := slices.Clone(p.Requirements)
	if p.NeedsReview {
		out = append(out, p.JudgeReviewed(read))
	}
	return out
}

// Exception is the record of rules that were overridden.
type Exception struct {
	By     string    `json:"by"`           // the caller, as the API server knows it
	As     string    `json:"as,omitempty"` // what the policy allows it to, where it names anybody: "user op1", "group sre"
	At     time.Time `json:"at"`           // by the cluster's clock
	Reason string    `json:"reason"`
	Rules  []string  `json:"rules"` // each in words, with how it stood
}

// Who names who overrode, and as what they may.
func (x Exception) Who() string {
	who := x.By
	if who == "" {
		who = "somebody whom the API server does not name"
	}
	if x.As != "" && x.As != "user "+x.By {
		who += " (" + x.As + ")"
	}
	return who
}

// OverridePolicy says whether windows and requirements may be overridden with
// a reason, and by whom. Without Users and Groups everybody may.
type OverridePolicy struct {
	Allowed bool
	Users   []string // as the API server knows them
	Groups  []string
}

// Permits reports whether a caller may override, and as what the policy names
// it; empty where it names nobody.
func (p OverridePolicy) Permits(user string, groups []string) (as string, ok bool) {
	switch {
	case !p.Allowed:
		return "", false
	case len(p.Users)+len(p.Groups) == 0:
		return "", true
	case user != "" && slices.Contains(p.Users, user):
		return "user " + user, true
	}
	for _, g := range p.Groups {
		if slices.Contains(groups, g) {
			return "group " + g, true
		}
	}
	return "", false
}

// Who names in words who may override.
func (p OverridePolicy) Who() string {
	var parts []string
	for _, u := range p.Users {
		parts = append(parts, "user "+u)
	}
	for _, g := range p.Groups {
		parts = append(parts, "group "+g)
	}
	return strings.Join(parts, ", ")
}
