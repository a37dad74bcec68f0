package tui

import (
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// standing is how an environment's window stands, for a plan where there is one.
type standing struct {
	state *model.WindowState // nil: not known
	about string             // what frame.WindowFor says after the state
}

// judgement is the last standing for a plan: within a second it is the same.
type judgement struct {
	of     any       // the plan, or the dialog, that it is for
	read   time.Time // when the rules were
	second int64
	standing
}

// clusterNow is what the clock of an environment's cluster shows, as far as it
// is known: windows go by that one.
func (a *App) clusterNow(env string) time.Time {
	return a.now().Add(-a.home.Status(env).Value.Skew)
}

// window is how an environment's window stands, without a plan.
func (a *App) window(env string) *model.WindowState { return a.home.Status(env).Value.Window }

// judge is how an environment's window stands for a plan; nil is none.
func (a *App) judge(env string, plan *model.Plan) standing {
	if plan == nil {
		return a.judgeFor(env, nil, nil)
	}
	return a.judgeFor(env, plan, plan.WindowSubjects)
}

// judgeFor is how an environment's window stands for what has these subjects;
// without them only rules that are about everything are judged.
func (a *App) judgeFor(env string, of any, subjects func() []model.WindowSubject) standing {
	st := a.home.Status(env)
	w := st.Value.Window
	if w == nil || of == nil || !slices.ContainsFunc(st.Value.Rules, func(r model.WindowRule) bool { return !r.Scope.IsZero() }) {
		return standing{w, unreadable(w, st.Value.Rules)}
	}
	now := a.clusterNow(env)
	j := &a.judged
	if j.of != of || !j.read.Equal(st.At) || j.second != now.Unix() {
		*j = judgement{of, st.At, now.Unix(), judgeSubjects(w, st.Value.Rules, subjects(), now)}
	}
	return j.standing
}

// unreadable says that it is closed by a calendar that cannot be read.
func unreadable(w *model.WindowState, rules []model.WindowRule) string {
	if w != nil && !w.Open && w.NextOpen.IsZero() &&
		slices.ContainsFunc(rules, func(r model.WindowRule) bool { return r.Unreadable != "" }) {
		return ", a calendar is unreadable"
	}
	return ""
}

// judgeSubjects judges what a plan is about, and says where that differs from
// how it stands in general.
func judgeSubjects(general *model.WindowState, rules []model.WindowRule, subjects []model.WindowSubject, now time.Time) standing {
	ask := window.Ask{Rules: rules, Subjects: subjects, Known: len(subjects) > 0}
	state := ask.At(now)
	if state.Open {
		if !general.Open {
			return standing{&state, " for this plan"}
		}
		return standing{&state, ""}
	}
	if said := unreadable(&state, rules); said != "" {
		return standing{&state, said}
	}
	shut := 0
	var names []string
	for _, s := range subjects {
		ask.Subjects = []model.WindowSubject{s}
		if ask.At(now).Open {
			continue
		}
		shut++
		if name := subjectName(s); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if shut == 0 || shut == len(subjects) && !general.Open {
		return standing{&state, ""}
	}
	return standing{&state, " for " + words.List(names, 1)}
}

// subjectName is what of a plan is meant, in a word: the kind, or a risk of the
// plan itself.
func subjectName(s model.WindowSubject) string {
	if s.Kind != "" {
		return sanitize.Line(s.Kind)
	}
	return sanitize.Line(strings.Join(s.Risks, ", "))
}

// planOnScreen is the plan that the page on the screen is about; nil: none.
func (a *App) planOnScreen() *model.Plan {
	switch a.at {
	case action.Review:
		return a.review.Plan.Value
	case action.Rollout:
		return a.runs[a.runEnv].page.Plan
	}
	return nil
}

// onScreen is how the window stands for what is on the screen.
func (a *App) onScreen() standing { return a.judge(a.environmentOnScreen(), a.planOnScreen()) }
