package rollout

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

func TestSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		login, name string
		want        bool
	}{
		{"op1", "op1", true},
		{"Op1", "oP1", true},
		{"op1", "op1@example.com", true},
		{"op1", "oidc:op1@example.com", true},
		{"op1", "arn:aws:sts::1:assumed-role/ops/op1", true},
		{"op1", "1234567+op1@users.noreply.github.com", true},
		{"op1", "op1@users.noreply.github.com", true},
		{"op1", "op12", false},
		{"op1", "x+op1@example.com", false},
		{"op1", "example.com@op1", false},
		{"op1", "", false},
		{"", "", false},
	} {
		if got := same(c.login, c.name); got != c.want {
			t.Errorf("%q, %q: %v", c.login, c.name, got)
		}
	}
}

func TestSelfApproval(t *testing.T) {
	t.Parallel()
	strict := model.Requirements{Approvals: 1, NoSelfApproval: true}
	for _, c := range []struct {
		name     string
		r        model.Requirements
		approved []string
		mergedBy string
		change   model.Change
		caller   string
		want     string // empty: met
	}{
		{name: "somebody else", r: strict, approved: []string{"op2"}, caller: "op1@example.com"},
		{name: "the operator", r: strict, approved: []string{"op1"}, caller: "op1@example.com", want: "0 of 1 approvals (not counted: op1 ships it): 1 more of its head, by somebody who neither wrote nor ships it"},
		{name: "the operator, where that counts", r: model.Requirements{Approvals: 1}, approved: []string{"op1"}, caller: "op1"},
		{name: "the operator and another", r: strict, approved: []string{"op1", "op2"}, caller: "op1"},
		{name: "two are asked for", r: model.Requirements{Approvals: 2, NoSelfApproval: true}, approved: []string{"op1", "op2"}, caller: "op1", want: "1 of 2 approvals"},
		{name: "the author of the commit", r: strict, approved: []string{"dev2"}, change: model.Change{Author: "Dev Two", AuthorEmail: "dev2@example.com"}, caller: "op1", want: "dev2 wrote it"},
		{name: "who only merged it", r: strict, approved: []string{"dev2"}, mergedBy: "dev2", change: model.Change{Author: "dev2"}, caller: "op1"},
		{name: "a co-author", r: strict, approved: []string{"dev3"}, change: model.Change{CoAuthors: []string{"Dev Three <dev3@example.com>"}}, caller: "op1", want: "dev3 wrote part of it"},
		{name: "who opened it", r: strict, approved: []string{"dev1"}, caller: "op1", want: "dev1 opened it"},
		{name: "an unknown caller", r: strict, approved: []string{"op2"}, want: "does not say who you are"},
		{name: "an unknown caller, where it does not matter", r: model.Requirements{Approvals: 1}, approved: []string{"op2"}},
	} {
		pr := model.PullRequest{Number: 7, Author: "dev1", Approvals: c.approved, MergedBy: c.mergedBy}
		got := strings.Join(unapproved(c.r, pr, c.change, c.caller), "; ")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnsigned(t *testing.T) {
	t.Parallel()
	got := unsigned([]model.Change{
		{Commit: newCommit, Signature: model.Signature{State: model.SignatureVerified}},
		{Commit: oldCommit, PullRequest: &model.PullRequest{Number: 42}, Signature: model.Signature{State: model.SignatureUnsigned}},
		{Commit: newCommit, Signature: model.Signature{State: model.SignatureUnverified, Reason: "its key has expired"}},
		{Commit: newCommit}, // nobody looked
	})
	want := []string{"#42 (0a0b0c0) is not signed", "1a1b1c1: its signature does not count, as its key has expired", "1a1b1c1 is not signed"}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i, w := range want {
		if !strings.HasPrefix(got[i], w) {
			t.Errorf("%q, want %q", got[i], w)
		}
	}
}

func TestReasonsAreBounded(t *testing.T) {
	t.Parallel()
	j := judging(model.RequireSigned)
	j.fail(model.RequireSigned, make([]string, 30)...)
	j.fail(model.RequireSoak, "nobody asks for it")
	if got := j.requirements(); len(got) != 1 || got[0].Met || len(got[0].Unmet) != whysMost+1 || got[0].Unmet[whysMost] != "and 20 more" {
		t.Errorf("%+v", got)
	}
}

// noForge answers nothing.
type noForge struct{ Forge }

func (noForge) PullRequestsOf(context.Context, []string) (map[string]model.PullRequest, error) {
	return nil, model.Errorf(model.ExitUnreachable, "forge.example is away")
}

// A forge that is away ends an apply with its own exit code; a plan shows it,
// and a reason overrides it.
func TestWhatCannotBeJudgedIsUnmet(t *testing.T) {
	t.Parallel()
	m, r, _, e := newShared(", requires: {approvals: 1, soak: {environment: staging, for: 24h}}, override: {allowed: true}")
	e.cfg.Forge = func(context.Context, string) (Forge, error) { return noForge{}, nil }
	r.pending.Changes = []model.Change{{Commit: newCommit, RendersChange: true}}
	plan, err := e.Plan(t.Context(), "production", "")
	if err != nil {
		t.Fatal(err)
	}
	if q := plan.Requirements; len(q) != 2 || q[0].Met || !strings.Contains(q[0].Sentence(), "forge.example is away") || q[1].Met {
		t.Errorf("the plan says %+v", q)
	}
	silent := func(model.Event) {}
	if _, err := e.Apply(t.Context(), model.Approval{Plan: plan}, silent); model.CodeOf(err, 0) != model.ExitUnreachable || len(m.runs) != 0 {
		t.Errorf("%v, %d runs", err, len(m.runs))
	}
	run, err := e.Apply(t.Context(), model.Approval{Plan: plan, Override: "checkout is down"}, silent)
	if err != nil || run.Exception == nil {
		t.Fatalf("%v, %+v", err, run)
	}
	if x := run.Exception; x.By != "op1" || x.As != "" || x.Reason != "checkout is down" || len(x.Rules) != 2 || !x.At.Equal(judgedAt) {
		t.Errorf("%+v", x)
	}
	if len(run.Requirements) != 2 || run.Requirements[1].Name != model.RequireSoak || !strings.HasPrefix(run.Window, overriddenPrefix) {
		t.Errorf("%+v", run)
	}
}

// Who may override is asked of the API server, at each rule.
func TestOverrideIsForSome(t *testing.T) {
	t.Parallel()
	closed := []model.WindowRule{{Name: "holidays", Freeze: &model.Schedule{From: judgedAt.Add(-time.Hour), To: judgedAt.Add(time.Hour)}}}
	for _, c := range []struct {
		name   string
		policy model.OverridePolicy
		user   string
		groups []string
		as     string
		says   string // of the refusal; empty: allowed
	}{
		{"everybody", model.OverridePolicy{Allowed: true}, "dev1", nil, "", ""},
		{"a user", model.OverridePolicy{Allowed: true, Users: []string{"op1"}}, "op1", nil, "user op1", ""},
		{"another user", model.OverridePolicy{Allowed: true, Users: []string{"op1"}}, "dev1", []string{"op1"}, "", "does not allow dev1 to override it: that is for user op1"},
		{"a group", model.OverridePolicy{Allowed: true, Users: []string{"op1"}, Groups: []string{"sre"}}, "op2", []string{"dev", "sre"}, "group sre", ""},
		{"another group", model.OverridePolicy{Allowed: true, Groups: []string{"sre"}}, "sre", []string{"dev"}, "", "that is for group sre"},
		{"nobody knows who", model.OverridePolicy{Allowed: true, Users: []string{"op1"}}, "", nil, "", "does not say who you are"},
		{"nobody", model.OverridePolicy{}, "op1", nil, "", "the policy does not allow to override it"},
	} {
		m, e := newMemory()
		s := site{cluster: &named{memory: m, user: c.user, groups: c.groups}, env: model.Environment{Windows: closed, Override: c.policy}}
		got, err := e.gate(t.Context(), s, concern{}, "it burns", []string{"no approval"})
		if c.says != "" {
			if model.CodeOf(err, 0) != model.ExitWindowClosed || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || got.exception.As != c.as || got.exception.By != c.user || len(got.exception.Rules) != 2 {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	m, e := newMemory()
	s := site{cluster: m, env: model.Environment{Override: model.OverridePolicy{Allowed: true, Groups: []string{"sre"}}}}
	if _, err := e.gate(t.Context(), s, concern{}, "", []string{"no approval"}); model.CodeOf(err, 0) != model.ExitRequirements || !strings.Contains(err.Error(), "no approval; it can be overridden by group sre") {
		t.Errorf("without a reason: %v", err)
	}
}

// named is a cluster whose API server knows the caller by another name.
type named struct {
	*memory
	user   string
	groups []string
}

func (n *named) Info(ctx context.Context) (model.ClusterInfo, error) {
	info, err := n.memory.Info(ctx)
	info.User, info.Groups = n.user, n.groups
	return info, err
}

// A requirement that is met when the plan is confirmed and not any more under
// the lock refuses the run before its first write.
func TestRequirementsBindUnderTheLock(t *testing.T) {
	t.Parallel()
	m, r, _, e := newShared(", requires: {signed: true, reviewed: true}")
	r.config = strings.Replace(r.config, "environments:", `signers: [{name: op1, ssh: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOzf06lVmznDbkuiOqkKtBhBDnTsJKQcH38UGPDTsPcK"}]`+"\nenvironments:", 1)
	signed := model.Signature{State: model.SignatureVerified}
	r.pending.Changes = []model.Change{{Commit: newCommit, RendersChange: true, Signature: signed}}
	plan, err := e.Plan(t.Context(), "production", "")
	if err != nil {
		t.Fatal(err)
	}
	silent := func(model.Event) {}
	if len(plan.Requirements) != 1 || !plan.Requirements[0].Met {
		t.Errorf("the plan says %+v", plan.Requirements)
	}
	_, err = e.Apply(t.Context(), model.Approval{Plan: plan, Reviewed: []model.ObjectID{id("cart")}}, silent)
	if model.CodeOf(err, 0) != model.ExitRequirements || !strings.Contains(err.Error(), `production: requirement "reviewed" is not met: you have not marked 1 of 2 objects`) {
		t.Errorf("half read: %v", err)
	}
	read := model.Approval{Plan: plan, Reviewed: []model.ObjectID{id("cart"), id("gateway")}}
	e.cfg.Connect = nil // the cluster is known by now
	e.clusters["\x00fairtide"] = &expiring{memory: m, then: func() {
		r.pending.Changes[0].Signature = model.Signature{State: model.SignatureUnverified, Reason: "its key has expired"}
	}}
	_, err = e.Apply(t.Context(), read, silent)
	if model.CodeOf(err, 0) != model.ExitRequirements || !strings.Contains(err.Error(), "its key has expired") || len(m.runs) != 0 || len(m.live) != 0 {
		t.Errorf("under the lock: %v, %d runs, live %v", err, len(m.runs), m.live)
	}
	r.pending.Changes[0].Signature = signed
	e.clusters["\x00fairtide"] = m
	run, err := e.Apply(t.Context(), read, silent)
	if err != nil || len(run.Requirements) != 2 || !run.Requirements[0].Met || !run.Requirements[1].Met || run.Exception != nil {
		t.Errorf("all met: %v, %+v", err, run)
	}
}

// expiring is a cluster at whose lock something happens.
type expiring struct {
	*memory
	then func()
}

func (x *expiring) Lock(ctx context.Context, env string, ask model.LockAsk) (Lease, error) {
	x.then()
	return x.memory.Lock(ctx, env, ask)
}

// What is away in another environment leaves its requirement unjudged.
func TestElsewhereIsAway(t *testing.T) {
	t.Parallel()
	_, r, _, e := newShared(", requires: {soak: {environment: staging, for: 24h}}")
	r.pending.Changes = []model.Change{{Commit: newCommit, RendersChange: true}}
	for name, change := range map[string]func(*memory) Cluster{
		"its records": func(m *memory) Cluster { return unreadable{m} },
		"its lock":    func(m *memory) Cluster { return lockless{m} },
	} {
		m, _ := newMemory()
		m.runs = []model.Run{ran(1, newCommit, model.RunSucceeded, 30)}
		e.clusters["\x00fairtide"] = change(m)
		s, err := e.locate(t.Context(), "production")
		if err != nil {
			t.Fatal(err)
		}
		j, err := e.needs(t.Context(), s, oldCommit, newCommit)
		if err != nil || j.away == nil || j.list[0].Met || !strings.Contains(j.list[0].Sentence(), "is away") {
			t.Errorf("%s: %+v, %v", name, j, err)
		}
	}
}

type unreadable struct{ *memory }

func (u unreadable) Runs(context.Context, string) ([]model.Run, error) {
	return u.runs, errors.New("staging-1 is away")
}

type lockless struct{ *memory }

func (lockless) ReadLock(context.Context, string) (*model.Lock, error) {
	return nil, errors.New("the lock is away")
}
