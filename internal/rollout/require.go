package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// whysMost is how many reasons a requirement gives: they go on record.
const whysMost = 10

// judgement is what was found of an environment's requirements.
type judgement struct {
	list []model.Requirement
	// away is why some could not be judged at all, which leaves them unmet.
	away error
}

// judging begins with every requirement of names met.
func judging(names ...string) *judgement {
	j := &judgement{}
	for _, n := range names {
		j.list = append(j.list, model.Requirement{Name: n, Met: true})
	}
	return j
}

// fail adds why a requirement is not met. One that the environment does not
// have stays out.
func (j *judgement) fail(name string, whys ...string) {
	i := slices.IndexFunc(j.list, func(r model.Requirement) bool { return r.Name == name })
	if i < 0 || len(whys) == 0 {
		return
	}
	j.list[i].Met = false
	j.list[i].Unmet = append(j.list[i].Unmet, whys...)
}

// unjudged says of a requirement that it could not be judged.
func (j *judgement) unjudged(name string, err error) {
	j.fail(name, "it cannot be judged: "+err.Error())
	if j.away == nil {
		j.away = fmt.Errorf("requirement %q cannot be judged: %w", name, err)
	}
}

// requirements are what was found, with no more reasons than are read.
func (j *judgement) requirements() []model.Requirement {
	for i := range j.list {
		if u := j.list[i].Unmet; len(u) > whysMost {
			j.list[i].Unmet = append(slices.Clone(u[:whysMost]), fmt.Sprintf("and %d more", len(u)-whysMost))
		}
	}
	return j.list
}

// shipment is what the requirements of an environment are judged for.
type shipment struct {
	from, to string
	changes  []model.Change // that alter the render, newest first
	caller   string         // who ships, as the API server knows it
	now      time.Time      // the cluster's clock
}

// changeName is how a change is named in a reason.
func changeName(c model.Change) string {
	if c.PullRequest != nil {
		return fmt.Sprintf("#%d", c.PullRequest.Number)
	}
	return model.Short(c.Commit)
}

// needs judges the requirements that are about what is shipped: every change
// has to meet each. A first deployment has no changes, and nothing to judge.
// RequireReviewed is not among them, as only the operator knows.
func (e *Engine) needs(ctx context.Context, s site, from, to string) (*judgement, error) {
	names := slices.DeleteFunc(s.env.Requires.Named(), func(n string) bool { return n == model.RequireReviewed })
	j := judging(names...)
	if len(names) == 0 || from == "" || from == to {
		return j, nil
	}
	p, err := e.cfg.Repository.Pending(ctx, s.env, from, to)
	if err != nil {
		return nil, err
	}
	if p.Incomplete {
		for _, n := range names {
			j.fail(n, "not every change that is shipped is known: "+p.Diverged)
		}
	}
	info, err := s.cluster.Info(ctx)
	if err != nil {
		return nil, err
	}
	what := shipment{from: from, to: to, caller: info.User, now: info.Now}
	for _, c := range p.Changes {
		if c.RendersChange {
			what.changes = append(what.changes, c)
		}
	}
	if len(what.changes) == 0 {
		return j, nil
	}
	r := s.env.Requires
	if r.Approvals > 0 || r.Checks {
		e.judgePulls(ctx, j, r, what)
	}
	if r.Signed {
		j.fail(model.RequireSigned, unsigned(what.changes)...)
	}
	e.judgeElsewhere(ctx, j, r, what)
	return j, ctx.Err()
}

// unsigned says which changes bear no signature that counts.
func unsigned(changes []model.Change) []string {
	var out []string
	for _, c := range changes {
		name := changeName(c)
		if c.PullRequest != nil {
			name += " (" + model.Short(c.Commit) + ")"
		}
		switch c.Signature.State {
		case model.SignatureVerified:
		case model.SignatureUnverified:
			out = append(out, name+": its signature does not count, as "+c.Signature.Reason+
				"; where it should, add the key to signers and merge that, else revert it and merge it signed")
		default:
			out = append(out, name+" is not signed: revert it, and merge it again with a signature of one of the signers")
		}
	}
	return out
}

// planned judges what a plan is to show. It does not wait long for those it
// has to ask, and what they do not answer is unmet.
func (e *Engine) planned(ctx context.Context, s site, plan *model.Plan) []model.Requirement {
	asking, cancel := context.WithTimeout(ctx, askForge)
	defer cancel()
	j, err := e.needs(asking, s, plan.From, plan.Commit)
	if err == nil {
		return j.requirements()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("there was no answer within %s; read the plan again", askForge)
	}
	j = judging(slices.DeleteFunc(s.env.Requires.Named(), func(n string) bool { return n == model.RequireReviewed })...)
	for i := range j.list {
		j.unjudged(j.list[i].Name, err)
	}
	return j.requirements()
}

// judge judges all that a run has to meet. It keeps the state of the rules for
// the record, and what is missing for the gate.
func (x *execution) judge(ctx context.Context, plan *model.Plan) error {
	j, err := x.engine.needs(ctx, x.site, plan.From, plan.Commit)
	if err != nil {
		return err
	}
	if j.away != nil && strings.TrimSpace(x.approval.Override) == "" {
		return j.away
	}
	x.requirements = j.requirements()
	if x.site.env.Requires.Reviewed {
		x.requirements = append(x.requirements, plan.JudgeReviewed(x.approval.Reviewed))
	}
	x.missing = model.UnmetSentences(x.requirements)
	if x.unmerged {
		x.missing = append(x.missing, fmt.Sprintf("%s is not merged: nobody approved it", model.Short(plan.Commit)))
	}
	return nil
}

// overriddenPrefix begins what is recorded of the window when rules gave way to
// a reason.
const overriddenPrefix = "overridden: "

// ruling is what window and requirements said together.
type ruling struct {
	standing
	window    string // for the record
	override  bool   // the window is closed, and overridden
	exception *model.Exception
}

// gate judges window and requirements together, for a merge or an apply.
func (e *Engine) gate(ctx context.Context, s site, c concern, override string, missing []string) (ruling, error) {
	w, err := e.stand(ctx, s, c)
	if err != nil {
		return ruling{}, fmt.Errorf("the window counts as closed, as the cluster's clock cannot be read: %w", err)
	}
	info := w.info
	if w.Open && len(missing) == 0 {
		return ruling{standing: w, window: w.said()}, nil
	}
	reason := strings.TrimSpace(override)
	as, may := s.env.Override.Permits(info.User, info.Groups)
	if reason != "" && may {
		rules := slices.Clone(missing)
		if !w.Open {
			rules = append([]string{"the window is closed: " + w.said()}, rules...)
		}
		return ruling{
			standing: w, override: !w.Open,
			window:    overriddenPrefix + strings.Join(rules, "; "),
			exception: &model.Exception{By: info.User, As: as, At: info.Now, Reason: reason, Rules: rules},
		}, nil
	}
	how := ""
	switch {
	case reason != "":
		how = "; " + mayNot(s.env.Override, info.User)
	case may:
		how = "; or give a reason to override it: --override REASON"
	case s.env.Override.Allowed:
		how = "; it can be overridden by " + s.env.Override.Who()
	}
	if w.Open {
		return ruling{}, model.Errorf(model.ExitRequirements, "%s%s", strings.Join(missing, "; "), how)
	}
	return ruling{}, model.Errorf(model.ExitWindowClosed, "the window is closed (%s); %s%s", w.said(), w.opens(), how)
}

// moment is a time as refusals have it: it means the same to everybody.
func moment(t time.Time) string { return t.UTC().Format("Mon 2006-01-02 15:04 MST") }

// mayNot is why a caller may not override, whatever the reason.
func mayNot(p model.OverridePolicy, user string) string {
	switch {
	case !p.Allowed:
		return "the policy does not allow to override it"
	case user == "":
		return "the policy does not allow you to override it: that is for " + p.Who() + ", and the API server does not say who you are"
	}
	return "the policy does not allow " + user + " to override it: that is for " + p.Who()
}

// MayOverride is the error with exit code 8 when the policy of an environment
// allows this operator no exception, whatever the reason.
func (e *Engine) MayOverride(ctx context.Context, name string) error {
	s, err := e.locate(ctx, name)
	if err != nil {
		return err
	}
	user := ""
	ok := false
	if s.env.Override.Allowed { // else nobody needs to be asked
		info, err := s.cluster.Info(ctx)
		if err != nil {
			return prefix(name, err)
		}
		user = info.User
		_, ok = s.env.Override.Permits(info.User, info.Groups)
	}
	if !ok {
		return model.Errorf(model.ExitRequirements, "%s: %s, so nothing is applied before it is merged; open the pull request, and have it approved",
			name, mayNot(s.env.Override, user))
	}
	return nil
}
