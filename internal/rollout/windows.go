package rollout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/internal/calendars"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
)

// skewed is how far the local clock may be off before an operator is told.
const skewed = time.Minute

// concern is what a window is judged for.
type concern struct {
	subjects  []model.WindowSubject
	known     bool // what is to be written is known; else rules about some of it are left out
	automatic bool // nobody confirmed it by hand
}

// about is the concern of these subjects. Without any it is not known what is
// to be written, and the rules that are about everything are judged.
func about(subjects []model.WindowSubject) concern {
	return concern{subjects: subjects, known: len(subjects) > 0}
}

func (c concern) ask(rules []model.WindowRule) window.Ask {
	return window.Ask{Rules: rules, Subjects: c.subjects, Known: c.known, Automatic: c.automatic}
}

// concern is what the window of a run is judged for, by a plan of it.
func (x *execution) concern(plan *model.Plan) concern {
	return concern{subjects: plan.WindowSubjects(), known: true, automatic: x.approval.Automatic}
}

// rules are the windows of an environment with their calendars read: files as
// they are where the environment's policy is, at the head of its branch.
func (e *Engine) rules(ctx context.Context, s site) []model.WindowRule {
	if e.cfg.Calendars == nil {
		return withoutCalendars(s.env.Windows)
	}
	return e.cfg.Calendars.Read(ctx, s.env.Windows, e.filesAt(s.head.Hash))
}

// knownRules are rules with what is known of their calendars without asking
// anybody.
func (e *Engine) knownRules(ctx context.Context, rules []model.WindowRule, commit string) []model.WindowRule {
	if e.cfg.Calendars == nil {
		return withoutCalendars(rules)
	}
	return e.cfg.Calendars.Cached(ctx, rules, e.filesAt(commit))
}

func (e *Engine) filesAt(commit string) calendars.File {
	return func(ctx context.Context, path string) ([]byte, error) {
		return e.cfg.Repository.File(ctx, commit, path)
	}
}

// withoutCalendars closes the rules that need a calendar: there is nothing that
// reads one.
func withoutCalendars(rules []model.WindowRule) []model.WindowRule {
	rules = slices.Clone(rules)
	for i := range rules {
		if rules[i].Source != nil {
			rules[i].Unreadable = "nothing here reads calendars"
		}
	}
	return rules
}

// standing is how the window of an environment stands at its cluster's clock.
type standing struct {
	model.WindowState
	rules []model.WindowRule // that say so
	info  model.ClusterInfo
}

// stand judges a window at the cluster's clock. The clock is read last: to read
// a calendar can take a while.
func (e *Engine) stand(ctx context.Context, s site, c concern) (standing, error) {
	rules := e.rules(ctx, s)
	info, err := s.cluster.Info(ctx)
	if err != nil {
		return standing{rules: rules}, err
	}
	return standing{WindowState: c.ask(rules).At(info.Now), rules: rules, info: info}, nil
}

// opens says when a closed window opens.
func (w standing) opens() string {
	switch {
	case !w.NextOpen.IsZero():
		return "it opens " + moment(w.NextOpen)
	case w.Unknown:
		return "nobody can say when it opens before that is mended"
	}
	return "it does not open within a year"
}

// said is what the window says, with what is to be known of how it was read.
func (w standing) said() string {
	if w.Aside == "" {
		return w.Reason
	}
	return w.Reason + " (" + w.Aside + ")"
}

// SkewNote says how far the local clock is off the cluster's; empty: not so far
// that anybody needs to know. No verdict depends on it.
func SkewNote(skew time.Duration) string {
	way := "ahead of"
	if skew < 0 {
		way, skew = "behind", -skew
	}
	if skew <= skewed {
		return ""
	}
	return fmt.Sprintf("this computer's clock is %s %s the cluster's; windows are judged by the cluster's", span(skew.Round(time.Minute)), way)
}

// tellWindow tells what there is to know of how the window of a run was judged.
func (x *execution) tellWindow(w standing) {
	for _, note := range []string{w.Aside, SkewNote(w.info.Skew)} {
		if note != "" {
			x.log.tell(model.Event{Type: model.EventNote, Message: note})
		}
	}
}

// Window judges an environment's windows for what is to be written: at the
// given time, or for the zero time at the cluster's clock. Without subjects it
// is not known what is to be written, and only rules about everything are judged.
func (e *Engine) Window(ctx context.Context, name string, at time.Time, subjects []model.WindowSubject) (model.WindowState, error) {
	s, at, note, err := e.moment(ctx, name, at)
	if err != nil {
		return model.WindowState{}, err
	}
	w := about(subjects).ask(e.rules(ctx, s)).At(at)
	switch {
	case w.Aside == "":
		w.Aside = note
	case note != "":
		w.Aside += "; " + note
	}
	return w, nil
}

// Openings are the next n openings of an environment's windows after a time, or
// for the zero time after the cluster's clock, and the zone of its first rule to
// show them in.
func (e *Engine) Openings(ctx context.Context, name string, at time.Time, n int, subjects []model.WindowSubject) ([]window.Opening, *time.Location, error) {
	s, at, _, err := e.moment(ctx, name, at)
	if err != nil {
		return nil, nil, err
	}
	rules, zone := e.rules(ctx, s), time.UTC
	if len(rules) > 0 && rules[0].Location != nil {
		zone = rules[0].Location
	}
	return about(subjects).ask(rules).Next(at, n), zone, nil
}

// moment finds an environment, and the cluster's clock unless a time is given:
// that needs no cluster. note says that the local clock is off.
func (e *Engine) moment(ctx context.Context, name string, at time.Time) (s site, when time.Time, note string, err error) {
	s, err = e.locate(ctx, name)
	if !at.IsZero() && s.env.Name != "" {
		return s, at, "", nil
	}
	if err != nil {
		return s, at, "", err
	}
	info, err := s.cluster.Info(ctx)
	if err != nil {
		return s, at, "", prefix(name, err)
	}
	return s, info.Now, SkewNote(info.Skew), nil
}

// changedSubjects are altered objects, as the rules of windows see them. Where
// they name no namespace it is taken to be the environment's, also for the few
// that live in none: what is exact, and what they risk, only a plan knows, by
// which the window is judged again before anything is written.
func changedSubjects(env model.Environment, changed []model.ChangedObject) []model.WindowSubject {
	var out []model.WindowSubject
	seen := map[[3]string]bool{}
	for _, o := range changed {
		s := o.ID.WindowSubject()
		if s.Namespace == "" {
			s.Namespace = namespaceOf(env)
		}
		if sort := [3]string{s.Group, s.Kind, s.Namespace}; !seen[sort] {
			seen[sort] = true
			out = append(out, s)
		}
	}
	return out
}
