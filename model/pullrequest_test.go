package model

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestApprovalsCountForTheHeadOnly(t *testing.T) {
	p := PullRequest{Number: 7, Author: "dev1", Head: "c2"}
	for _, r := range []Review{
		{Author: "op2", State: ReviewApproved, Commit: "c2"},
		{Author: "op1", State: ReviewApproved, Commit: "c2"},
		{Author: "dev1", State: ReviewApproved, Commit: "c2"}, // one's own does not count
		{Author: "op3", State: ReviewApproved, Commit: "c1"},  // pushed since
		{Author: "op4", State: ReviewApproved},                // the commit is gone
		{Author: "op5", State: ReviewChanges, Commit: "c1"},
		{Author: "op6", State: ReviewDismissed, Commit: "c2"},
	} {
		p.Review(r)
	}
	if want := []string{"op1", "op2"}; !slices.Equal(p.Approvals, want) {
		t.Errorf("approvals %q, want %q", p.Approvals, want)
	}
	if got, want := p.StaleApprovals(), []string{"op3", "op4"}; !slices.Equal(got, want) {
		t.Errorf("stale %q, want %q", got, want)
	}
	if got, want := p.Objections(), []string{"op5"}; !slices.Equal(got, want) {
		t.Errorf("objections %q, want %q", got, want)
	}
	if !slices.IsSortedFunc(p.Reviews, func(a, b Review) int { return slices.Compare([]string{a.Author}, []string{b.Author}) }) {
		t.Errorf("not by login: %+v", p.Reviews)
	}
}

// The names are a contract with scripts; what is not known does not appear.
func TestPullRequestAsJSON(t *testing.T) {
	for want, p := range map[string]PullRequest{
		`{"number":1}`: {Number: 1},
		`{"number":2,"url":"u","title":"t","author":"dev1","approvals":["op1"],"checks":"success"}`: {
			Number: 2, URL: "u", Title: "t", Author: "dev1", Approvals: []string{"op1"}, Checks: CheckSuccess,
		},
	} {
		got, err := json.Marshal(p)
		if err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}
