package review

import (
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/marks"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/diffview"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// drain runs a command and what follows from it.
func drain(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			drain(c)
		}
	case Result:
		next, _ := msg.Deliver()
		drain(next)
	}
}

// manyObjects is a plan of n objects of several kinds and verdicts, with what a
// real one has: risks, causes, and a few thousand alike.
func manyObjects(n int) *model.Plan {
	p := &model.Plan{Environment: "production", Commit: "8f2c1d7a", From: "3d09a11b", Cluster: "test"}
	kinds := []string{"Deployment", "ConfigMap", "Service", "Role", "Widget"}
	for i := range n {
		name := fmt.Sprintf("object-%05d", i)
		o := model.PlannedObject{
			ID:      model.ObjectID{Kind: kinds[i%len(kinds)], Namespace: fmt.Sprintf("ns-%02d", i%20), Name: name},
			Version: "v1", Verdict: model.Verdicts[i%len(model.Verdicts)],
			Before: side(name, "1.4.1", i), After: side(name, "1.4.2", i),
			Causes: []model.Cause{{Path: "spec.template.image", Kind: model.CauseGit, By: "8f2c1d7a", PullRequest: 40 + i%7}},
		}
		switch o.Verdict {
		case model.VerdictUnchanged:
			o.After = o.Before
		case model.VerdictCreate:
			o.Before = nil
		case model.VerdictDelete:
			o.After = nil
		}
		if i%3 == 0 {
			o.Risks = []model.Risk{{Name: "restarts-pods", Severity: model.SeverityWarning, Message: fmt.Sprintf("restarts %d pods", i%5)}}
		}
		p.Objects = append(p.Objects, o)
	}
	p.Sort()
	return p
}

func side(name, version string, i int) map[string]any {
	data := map[string]any{}
	for k := range 20 {
		data[fmt.Sprintf("key-%02d", k)] = fmt.Sprintf("value %d", k*i%17)
	}
	return map[string]any{
		"apiVersion": "v1", "metadata": map[string]any{"name": name, "labels": map[string]any{"app": name}},
		"spec": map[string]any{"template": map[string]any{"image": name + ":" + version, "data": data}},
	}
}

// onPlan is a page that shows a plan, everything about it found out.
func onPlan(plan *model.Plan) *Page {
	p := New(model.Environment{Name: "production"}, "", nil, 0)
	p.Marks = marks.Open("", "", time.Now)
	p.Plan.Value, p.Plan.Loaded = plan, true
	drain(p.Sync())
	return p
}

func at(w, h int) frame.Frame {
	return frame.Frame{W: w, H: h, Now: time.Unix(0, 0), Theme: theme.New(theme.Options{})}
}

// BenchmarkKey is a key on the review of 5,000 objects at 200x60, and the body
// that is drawn after it.
func BenchmarkKey(b *testing.B) {
	plan := manyObjects(5000)
	empty := diffview.Compare("", "")
	read := func(p *Page) {
		if o, ok := p.Selected(); ok {
			p.docs[o.ID] = compared{doc: empty} // it has been compared
		}
	}
	keys := map[string]func(p *Page, i int) tea.Cmd{
		"move":  func(p *Page, _ int) tea.Cmd { return do(p, action.Down) },
		"ends":  func(p *Page, i int) tea.Cmd { return do(p, []action.ID{action.Bottom, action.Top}[i%2]) },
		"group": func(p *Page, _ int) tea.Cmd { return do(p, action.GroupBy) },
		"fill":  func(p *Page, _ int) tea.Cmd { return do(p, action.Unchanged) },
		"reviewed": func(p *Page, _ int) tea.Cmd {
			read(p)
			return do(p, action.Reviewed)
		},
		"next":  func(p *Page, _ int) tea.Cmd { return do(p, action.NextUnreviewed) },
		"alike": func(p *Page, _ int) tea.Cmd { return do(p, action.AcceptAlike) },
		"lens":  func(p *Page, _ int) tea.Cmd { return do(p, action.Lens) },
		"filter": func(p *Page, i int) tea.Cmd {
			text := []string{"o", "ob", "path:im", "kind:Deployment risk:restarts", "cause:#42 is:unreviewed", ""}[i%6]
			p.FilterCandidates(text)
			return p.SetFilter(text)
		},
	}
	for name, key := range keys {
		b.Run(name, func(b *testing.B) {
			p, f := onPlan(plan), at(200, 56)
			p.objects.Move(2500)
			b.ReportAllocs()
			i := 0
			var cmds []tea.Cmd
			for b.Loop() {
				cmds = append(cmds[:0], key(p, i))
				i++
				if len(p.Draw(f).Lines) == 0 || len(p.Hints()) == 0 {
					b.Fatal("nothing is drawn")
				}
			}
		})
	}
}

func do(p *Page, id action.ID) tea.Cmd {
	cmd, _, _ := p.Do(id)
	return cmd
}

// BenchmarkSurvey is what is found out about 5,000 objects away from the UI's
// goroutine: at first, and after another reading of the same.
func BenchmarkSurvey(b *testing.B) {
	first, second := manyObjects(5000), manyObjects(5000)
	at := glass{lens: model.LensApply}
	for i := range first.Objects {
		for _, p := range []*model.Plan{first, second} {
			o := &p.Objects[i]
			o.Deployed, o.Rendered = o.Before, o.After
		}
	}
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			explore(first, first, nil).look(at, nil)
		}
	})
	b.Run("again", func(b *testing.B) {
		was := explore(first, first, nil)
		was.look(at, nil)
		b.ReportAllocs()
		for b.Loop() {
			explore(second, second, was).look(at, was)
		}
	})
}

// BenchmarkSync is what another reading of a plan of 5,000 objects costs on the
// UI's goroutine.
func BenchmarkSync(b *testing.B) {
	first, second := manyObjects(5000), manyObjects(5000)
	for _, plan := range []*model.Plan{first, second} {
		for i := range plan.Objects {
			plan.Objects[i].Live.ResourceVersion = "1"
		}
	}
	p := onPlan(first)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.Plan.Value = []*model.Plan{first, second}[i%2]
		if p.Sync() == nil {
			b.Fatal("nothing is to be found out")
		}
	}
}
