package model

import (
	"strings"
	"testing"
	"time"
)

func TestNamedRequirements(t *testing.T) {
	t.Parallel()
	if got := (Requirements{NoSelfApproval: true}).Named(); got != nil {
		t.Errorf("nothing is asked for: %q", got)
	}
	all := Requirements{Approvals: 1, Checks: true, Signed: true, Soak: Soak{"staging", time.Hour}, TestsPassed: "staging", Reviewed: true}
	if got := strings.Join(all.Named(), " "); got != "approvals checks signed soak testsPassed reviewed" {
		t.Error(got)
	}
}

func TestJudgeReviewed(t *testing.T) {
	t.Parallel()
	object := func(name string, v Verdict) PlannedObject {
		return PlannedObject{ID: ObjectID{Kind: "ConfigMap", Name: name}, Verdict: v}
	}
	p := &Plan{Objects: []PlannedObject{
		object("a", VerdictUpdate), object("b", VerdictDelete), object("c", VerdictUnpredictable), object("d", VerdictUnchanged),
	}}
	ids := func(names ...string) (out []ObjectID) {
		for _, n := range names {
			out = append(out, ObjectID{Kind: "ConfigMap", Name: n})
		}
		return out
	}
	for _, c := range []struct {
		name string
		plan *Plan
		read []ObjectID
		want string // empty: met
	}{
		{"none", p, nil, "marked 3 of 3 objects"},
		{"some", p, ids("a", "b", "z"), "marked 1 of 3 objects"},
		{"all that differ", p, ids("c", "b", "a"), ""},
		{"nothing differs", &Plan{Objects: []PlannedObject{object("d", VerdictUnchanged)}}, nil, ""},
	} {
		got := c.plan.JudgeReviewed(c.read)
		if got.Met != (c.want == "") || !strings.Contains(strings.Join(got.Unmet, ""), c.want) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	p.Requirements = []Requirement{{Name: RequireSigned, Met: true}}
	if got := p.Judged(nil); len(got) != 1 {
		t.Errorf("no review is asked for: %+v", got)
	}
	p.NeedsReview = true
	got := p.Judged(nil)
	if want := []string{`requirement "reviewed" is not met: `}; len(got) != 2 || len(p.Requirements) != 1 ||
		!strings.HasPrefix(UnmetSentences(got)[0], want[0]) || got[0].Sentence() != `requirement "signed" is met` {
		t.Errorf("%+v", got)
	}
}

func TestExceptionWho(t *testing.T) {
	t.Parallel()
	for want, x := range map[string]Exception{
		"op1":             {By: "op1"},
		"op2":             {By: "op2", As: "user op2"},
		"op1 (group sre)": {By: "op1", As: "group sre"},
		"somebody whom the API server does not name": {},
	} {
		if got := x.Who(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if p := (OverridePolicy{Users: []string{"op1"}}); p.Who() != "user op1" {
		t.Errorf("%+v", p)
	}
	if _, ok := (OverridePolicy{Users: []string{"op1"}}).Permits("op1", nil); ok {
		t.Error("what is not allowed was permitted")
	}
}
