package rollout

import (
	"context"
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// judgePulls judges what pull requests have to meet: every change has to come
// from one that met it when it was merged.
func (e *Engine) judgePulls(ctx context.Context, j *judgement, r model.Requirements, what shipment) {
	pulls, err := e.pullRequestsOf(ctx, what.changes)
	unanswered := false
	for _, c := range what.changes {
		pr, ok := pulls[c.Commit]
		switch {
		case ok:
			j.pull(r, pr, c, what.caller)
		case err != nil:
			unanswered = true
		default:
			j.fail(model.RequireApprovals, fmt.Sprintf("%s %q came without a pull request: nobody approved it", model.Short(c.Commit), c.Title))
			j.fail(model.RequireChecks, fmt.Sprintf("%s %q came without a pull request: nothing checked it", model.Short(c.Commit), c.Title))
		}
	}
	if unanswered {
		for _, name := range []string{model.RequireApprovals, model.RequireChecks} {
			j.unjudged(name, err)
		}
	}
}

// pull judges one pull request; c is what it became, if it is merged.
func (j *judgement) pull(r model.Requirements, pr model.PullRequest, c model.Change, caller string) {
	for _, u := range unapproved(r, pr, c, caller) {
		j.fail(model.RequireApprovals, fmt.Sprintf("#%d: %s", pr.Number, u))
	}
	for _, u := range unchecked(r, pr) {
		j.fail(model.RequireChecks, fmt.Sprintf("#%d: %s", pr.Number, u))
	}
}

// callerOf is who asks, where that matters; empty: it does not, or is not known.
func (e *Engine) callerOf(ctx context.Context, s site) string {
	if !s.env.Requires.NoSelfApproval || s.cluster == nil {
		return ""
	}
	info, err := s.cluster.Info(ctx)
	if err != nil {
		return ""
	}
	return info.User
}

// mergeNeeds is what a pull request lacks to be merged. Signatures, soak, tests
// and reviews are about what is merged, and judged when it is shipped.
func (e *Engine) mergeNeeds(ctx context.Context, s site, pr model.PullRequest) ([]string, error) {
	caller := ""
	if s.env.Requires.NoSelfApproval {
		info, err := s.cluster.Info(ctx)
		if err != nil {
			return nil, err
		}
		caller = info.User
	}
	j := judging(model.RequireApprovals, model.RequireChecks)
	j.pull(s.env.Requires, pr, model.Change{}, caller)
	return model.UnmetSentences(j.requirements()), nil
}

// unmet lists the requirements that a pull request does not meet, each with
// what would satisfy it. The caller is who would merge it.
func unmet(r model.Requirements, pr model.PullRequest, caller string) []string {
	return append(unapproved(r, pr, model.Change{}, caller), unchecked(r, pr)...)
}

// unapproved is what a pull request lacks of approvals.
func unapproved(r model.Requirements, pr model.PullRequest, c model.Change, caller string) []string {
	if r.Approvals == 0 {
		return nil
	}
	var out []string
	n, own, whose := len(pr.Approvals), "", "by somebody other than "+pr.Author
	if r.NoSelfApproval {
		if caller == "" {
			return []string{"the API server does not say who you are, so that it cannot be told whether an approval is your own: use a cluster that does (SelfSubjectReview)"}
		}
		var left []string
		for _, login := range pr.Approvals {
			if why := selfApproval(login, pr, c, caller); why != "" {
				left = append(left, login+" "+why)
			}
		}
		if n -= len(left); len(left) > 0 {
			own = " (not counted: " + strings.Join(left, ", ") + ")"
		}
		whose = "by somebody who neither wrote nor ships it"
	}
	if n < r.Approvals {
		s := fmt.Sprintf("%d of %d approvals%s: %d more of its head, %s", n, r.Approvals, own, r.Approvals-n, whose)
		if stale := pr.StaleApprovals(); len(stale) > 0 {
			s += " (" + strings.Join(stale, ", ") + " approved before the last push)"
		}
		out = append(out, s)
	}
	if o := pr.Objections(); len(o) > 0 {
		out = append(out, "changes are requested by "+strings.Join(o, ", ")+": they have to approve or withdraw")
	}
	return out
}

// selfApproval says why an approval is one's own; empty: it is somebody else's.
// A forge and a cluster know people by names of their own: they are the same
// where one is the other, or its part before the @ or after the last colon.
func selfApproval(login string, pr model.PullRequest, c model.Change, caller string) string {
	switch {
	case same(login, caller):
		return "ships it"
	case same(login, pr.Author):
		return "opened it"
	}
	for _, co := range c.CoAuthors {
		name, rest, _ := strings.Cut(co, " <")
		if same(login, name) || same(login, strings.TrimSuffix(rest, ">")) {
			return "wrote part of it"
		}
	}
	// The author of a merge commit is who merged, which is not to write it.
	if login != pr.MergedBy && (same(login, c.Author) || same(login, c.AuthorEmail)) {
		return "wrote it"
	}
	return ""
}

// same reports whether a login and the name of somebody, or an address, are
// one person's.
func same(login, name string) bool {
	login, name = strings.ToLower(login), strings.ToLower(strings.TrimSpace(name))
	if login == "" || name == "" {
		return false
	}
	if login == name {
		return true
	}
	name = name[strings.LastIndexAny(name, ":/")+1:]
	local, domain, _ := strings.Cut(name, "@")
	if domain == "users.noreply.github.com" { // 1234567+login
		if _, after, ok := strings.Cut(local, "+"); ok {
			local = after
		}
	}
	return login == local
}

// unchecked is what a pull request lacks of checks.
func unchecked(r model.Requirements, pr model.PullRequest) []string {
	if !r.Checks || pr.Checks == model.CheckSuccess {
		return nil
	}
	return []string{checksWord(pr)}
}

func checksWord(pr model.PullRequest) string {
	var names []string
	for _, c := range pr.CheckRuns {
		if c.State == model.CheckFailure || c.State == model.CheckPending {
			names = append(names, c.Name)
		}
	}
	what := ""
	if len(names) > 0 {
		what = " (" + strings.Join(names, ", ") + ")"
	}
	switch pr.Checks {
	case model.CheckFailure:
		return "checks failed" + what + ": a green run of its head is needed"
	case model.CheckPending:
		return "checks are running" + what + ": wait for them"
	case model.CheckNone, "":
		return "no check has reported on its head: one green check is needed"
	}
	note := pr.ChecksNote
	if note == "" {
		note = "the forge does not say how they stand"
	}
	return "checks cannot be read: " + note
}
