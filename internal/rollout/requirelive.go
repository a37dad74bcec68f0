package rollout

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// judgeElsewhere judges what a change has to have done in other environments.
// It is told from the records of their runs: a change is live where the last
// run shipped a commit that contains it and no revert of it.
func (e *Engine) judgeElsewhere(ctx context.Context, j *judgement, r model.Requirements, what shipment) {
	read := map[string]past{}
	of := func(env string) past {
		p, ok := read[env]
		if !ok {
			p = e.past(ctx, env, what)
			read[env] = p
		}
		return p
	}
	if env := r.Soak.Environment; env != "" {
		if p := of(env); p.err != nil {
			j.unjudged(model.RequireSoak, p.err)
		} else {
			j.fail(model.RequireSoak, p.unsoaked(r.Soak, what.now)...)
		}
	}
	if env := r.TestsPassed; env != "" {
		if p := of(env); p.err != nil {
			j.unjudged(model.RequireTestsPassed, p.err)
		} else {
			j.fail(model.RequireTestsPassed, p.untested()...)
		}
	}
}

// past is what another environment's records say of what is to be shipped.
type past struct {
	env     string
	runs    []model.Run    // newest first
	changes []model.Change // newest first, without those whose revert is shipped too
	// live says of a commit that was shipped which of changes it leaves live.
	live map[string][]bool
	err  error
}

func (p past) has(run model.Run, change int) bool {
	live := p.live[run.Commit]
	return change < len(live) && live[change]
}

// past reads the records of an environment.
func (e *Engine) past(ctx context.Context, env string, what shipment) past {
	p := past{env: env, live: map[string][]bool{}}
	s, err := e.locate(ctx, env)
	if err != nil {
		p.err = err
		return p
	}
	if p.runs, p.err = e.History(ctx, env); p.err != nil {
		return p
	}
	for i, c := range what.changes {
		if revertOf(c, what.changes[:i]) < 0 {
			p.changes = append(p.changes, c)
		}
	}
	for _, run := range p.runs {
		if _, done := p.live[run.Commit]; done {
			continue
		}
		if p.live[run.Commit], p.err = e.leavesLive(ctx, s.env, p.changes, what.from, run.Commit); p.err != nil {
			return p
		}
	}
	return p
}

// leavesLive says which of some changes a commit contains, and no revert of
// them. All are on one line after from, newest first, so that what contains one
// contains those after it too. A commit that cannot be read contains nothing that is
// known.
func (e *Engine) leavesLive(ctx context.Context, env model.Environment, changes []model.Change, from, commit string) ([]bool, error) {
	hashes := make([]string, len(changes))
	for i, c := range changes {
		hashes[i] = c.Commit
	}
	at, err := e.cfg.Repository.NewestOn(ctx, hashes, from, commit)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil || at == len(changes) {
		return nil, nil //nolint:nilerr // a commit that cannot be read is what the comment says
	}
	var since []model.Change
	if changes[at].Commit != commit {
		answer := e.cfg.Repository.Outline(ctx, []model.PendingAsk{{Environment: env, Deployed: changes[at].Commit, Head: commit}})[0]
		if answer.Err != nil {
			return nil, answer.Err
		}
		if answer.Pending.Incomplete { // a revert may be among what is missing
			return nil, nil
		}
		since = answer.Pending.Changes
	}
	live := make([]bool, len(changes))
	for i := at; i < len(changes); i++ {
		live[i] = revertOf(changes[i], since) < 0
	}
	return live, nil
}

var (
	revertsCommit = regexp.MustCompile(`(?i)\breverts commit ([0-9a-f]{7,40})\b`)
	revertsPull   = regexp.MustCompile(`(?i)\breverts (?:[\w.-]+/[\w.-]+)?#([0-9]{1,9})\b`)
)

// revertOf is the index of the newest among some changes that says it reverts
// another; -1: none does.
func revertOf(c model.Change, among []model.Change) int {
	return slices.IndexFunc(among, func(r model.Change) bool {
		if r.Title == `Revert "`+c.Title+`"` || r.Title == fmt.Sprintf("Revert %q", c.Title) {
			return true
		}
		for _, m := range revertsCommit.FindAllStringSubmatch(r.Body, -1) {
			if strings.HasPrefix(c.Commit, strings.ToLower(m[1])) {
				return true
			}
		}
		for _, m := range revertsPull.FindAllStringSubmatch(r.Body, -1) {
			if c.PullRequest != nil && m[1] == fmt.Sprint(c.PullRequest.Number) {
				return true
			}
		}
		return false
	})
}

// grouped joins the names of changes of which the same is to be said, in the
// order of changes.
func grouped(changes []model.Change, say func(i int) string) []string {
	names := map[string][]string{}
	var order []string
	for i, c := range changes {
		words := say(i)
		if words == "" {
			continue
		}
		if names[words] == nil {
			order = append(order, words)
		}
		names[words] = append(names[words], changeName(c))
	}
	out := make([]string, len(order))
	for i, words := range order {
		verb := " is "
		if len(names[words]) > 1 {
			verb = " are "
		}
		out[i] = strings.Join(names[words], ", ") + verb + words
	}
	return out
}

// unsoaked says which changes were not live and healthy for long enough.
func (p past) unsoaked(s model.Soak, now time.Time) []string {
	return grouped(p.changes, func(i int) string {
		since, why := p.stay(i)
		switch live := now.Sub(since); {
		case why != "":
			return why + " (it takes " + span(s.For) + " live and healthy)"
		case live < s.For:
			return fmt.Sprintf("live in %s since %s (%s of %s); wait until %s",
				p.env, moment(since), span(max(0, live)), span(s.For), moment(since.Add(s.For+time.Minute-1).Truncate(time.Minute)))
		}
		return ""
	})
}

// stay says since when a change has been live and healthy: since the oldest
// run that succeeded with it, where every run after that did too. A run that
// did not succeed leaves nobody knowing, and one under way as well.
func (p past) stay(change int) (since time.Time, why string) {
	for i, run := range p.runs {
		has := p.has(run, change)
		switch {
		case i == 0 && !run.State.Final():
			return since, fmt.Sprintf("not known to be well in %s while run %s is under way: wait for its end", p.env, run.ID)
		case i == 0 && !has && slices.ContainsFunc(p.runs, func(r model.Run) bool { return p.has(r, change) }):
			return since, fmt.Sprintf("not live in %s any more since run %s shipped %s: ship it there again", p.env, run.ID, model.Short(run.Commit))
		case i == 0 && has && run.State != model.RunSucceeded:
			return since, fmt.Sprintf("not healthy in %s, as run %s is %s: make a run succeed there", p.env, run.ID, run.State)
		case !has || run.State != model.RunSucceeded:
			if since.IsZero() {
				return since, notShipped(p.env)
			}
			return since, ""
		}
		since = run.FinishedAt
	}
	if since.IsZero() {
		return since, notShipped(p.env)
	}
	return since, ""
}

func notShipped(env string) string {
	return fmt.Sprintf("not live in %s: no run on record has shipped it there; do that first", env)
}

// untested says which changes' last run did not pass its tests.
func (p past) untested() []string {
	return grouped(p.changes, func(i int) string {
		at := slices.IndexFunc(p.runs, func(r model.Run) bool { return p.has(r, i) })
		if at < 0 {
			return notShipped(p.env)
		}
		run := p.runs[at]
		var failed []string
		for _, t := range run.Tests {
			if t.Blocks() {
				failed = append(failed, t.Name)
			}
		}
		switch {
		case !run.State.Final():
			return fmt.Sprintf("still being shipped to %s by run %s: wait for its tests", p.env, run.ID)
		case len(run.Tests) == 0 && run.State == model.RunSucceeded:
			return fmt.Sprintf("not tested in %s: run %s had no tests; ship it there again", p.env, run.ID)
		case len(run.Tests) == 0:
			return fmt.Sprintf("not tested in %s: run %s is %s, and came to no tests; make one succeed there", p.env, run.ID, run.State)
		case len(failed) > 0:
			return fmt.Sprintf("not well in %s: in run %s %s did not pass; make a run pass its tests there", p.env, run.ID, strings.Join(failed, ", "))
		}
		return ""
	})
}

// span is a span of time in words, to the minute.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	days, hours, minutes := int(d/day), int(d%day/time.Hour), int(d%time.Hour/time.Minute)
	if days < 2 { // "24 h" is how people say it
		hours, days = hours+24*days, 0
	}
	var parts []string
	for _, p := range []struct {
		n    int
		unit string
	}{{days, "d"}, {hours, "h"}, {minutes, "min"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.unit))
		}
	}
	if len(parts) == 0 {
		return "0 min"
	}
	return strings.Join(parts, " ")
}
