package tui

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// hostile is text that tries to leave its place.
var hostile = []string{
	"\x1b[2J\x1b[H", "\x1b]0;title\a", "\x1b]8;;http://x\x1b\\", "\r\n", "\n\n", "\t", "\x00\a\b", "\u202e", "\u200b", "\xff\xfe",
	"日本語テキスト", "👍🏽👨\u200d👩\u200d👧", "🇩🇪", "e\u0301\u0301\u0301\u0301\u0301", "ｆｕｌｌ", "\u009b31m", strings.Repeat("long ", 60), "नमस्ते", "a",
}

func hostileText(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.IntN(5) {
		b.WriteString(hostile[rng.IntN(len(hostile))])
		b.WriteString("word ")
	}
	return b.String()
}

// spoil fills the sample with hostile text wherever text from outside stands.
func spoil(rng *rand.Rand, b *tuitest.Backend) {
	text := func() string { return hostileText(rng) }
	for env, st := range b.Statuses {
		st.Branch, st.Path, st.Cluster, st.User, st.Problem = text(), text(), text(), text(), text()
		st.Window.Reason, st.LastRun.ID, st.Deployed.By = text(), text(), text()
		st.Lock = &model.Lock{Holder: text(), Since: time.Now(), Expires: time.Now().Add(time.Hour)}
		st.Window.Aside = text()
		st.Rules = hostileRules(rng)
		if rng.IntN(2) == 0 {
			st.Window.Open, st.Window.NextOpen = false, time.Now().Add(time.Hour)
		}
		b.Statuses[env] = st
	}
	for env, p := range b.Pendings {
		p.Diverged = text()
		for i := range p.Changes {
			c := &p.Changes[i]
			c.Title, c.Author, c.Problem, c.Files = text(), text(), text(), []string{text(), text()}
			c.Body, c.AuthorEmail, c.Committer, c.CoAuthors = text()+"\n"+text(), text(), text(), []string{text(), text()}
			c.PullRequest = &model.PullRequest{Number: i, State: model.PullRequestMerged, Author: text(), Approvals: []string{text()}, Checks: model.CheckState(text())}
			c.Signature = model.Signature{State: model.SignatureUnverified, Kind: text(), Signer: text(), Key: text(), Reason: text()}
			for j := range c.Objects {
				c.Objects[j].Summary, c.Objects[j].ID.Name, c.Objects[j].Risk = text(), text(), text()
			}
		}
		b.Pendings[env] = p
	}
	for _, all := range b.Details {
		for i := range all {
			d := &all[i]
			d.ID.Name, d.Summary, d.Source.File = d.ID.Name+text(), text(), text()
			d.After += "x: " + text() + "\n"
		}
	}
	for _, p := range b.Plans {
		p.Cluster = text()
		for i := range p.Objects {
			o := &p.Objects[i]
			o.ID.Name, o.Reason, o.Source.File = o.ID.Name+text(), text(), text()
			o.Risks = []model.Risk{{Severity: model.SeverityDanger, Message: text()}}
			if o.After != nil {
				o.After["data"] = map[string]any{text(): text(), "x": text()}
			}
		}
	}
	for env, all := range b.Proposals {
		for i := range all {
			pr := &all[i]
			pr.Title, pr.Author, pr.Ref, pr.Base, pr.URL, pr.Problem, pr.ChecksNote = text(), text(), text(), text(), text(), text(), text()
			pr.Approvals, pr.Files, pr.Unmet = []string{text()}, []string{text()}, []string{text()}
			pr.Validation = &model.Check{State: model.CheckFailure, Description: text()}
			pr.CheckRuns = []model.Check{{Name: text(), State: model.CheckState(text()), Description: text()}}
			pr.Reviews = []model.Review{{Author: text(), State: model.ReviewState(text()), Commit: text()}}
			pr.Objects = []model.ChangedObject{{ID: model.ObjectID{Kind: text(), Name: text()}, Summary: text()}}
			if i == 0 {
				pr.Unmet, pr.Problem = nil, ""
			}
		}
		b.Proposals[env] = all
	}
	for _, uses := range b.Uses {
		for i := range uses {
			u := &uses[i]
			u.Image, u.Tag, u.Digest, u.Problem = u.Image+text(), text(), text(), text()
			u.Objects = []model.ObjectID{{Kind: text(), Name: text()}}
			if u.Newest != "" {
				u.Newest += text()
			}
		}
	}
	b.Fail("Publish", errors.New(text()))
	b.Fail("Merge", errors.New(text()))
	b.Fail("Draft production back-to", errors.New(text()+"\n"+text()))
	for _, runs := range b.Histories {
		for i := range runs {
			r := &runs[i]
			r.Operator, r.Reason, r.Override, r.Window = text(), text(), text(), text()
			r.Objects[0].Message = text()
			r.Tests = []model.TestResult{{Name: text(), Kind: model.TestKind(text()), State: model.TestState(text()), Message: text()}}
		}
	}
}

// spoilTrees puts hostile text into all that is behind the sample's objects.
func spoilTrees(rng *rand.Rand, b *tuitest.Backend) {
	text := func() string { return hostileText(rng) }
	pod := model.TreeNode{Kind: "Pod", Name: text(), Status: text(), Reason: text(), Message: text(), Cause: text(), Node: text(), Current: true, Children: []model.TreeNode{
		{Kind: "container", Name: text(), Status: text(), Reason: text(), Image: text(), Restarts: rng.IntN(3), Logs: true, Previous: true},
	}}
	tree := model.ObjectTree{
		Root:   model.TreeNode{Kind: text(), Name: text(), Status: text(), Children: []model.TreeNode{pod}},
		Events: []model.ObjectEvent{{Type: "Warning", Reason: text(), Object: text(), Message: text(), Count: rng.IntN(3)}},
		Notes:  []string{text()},
	}
	for _, p := range b.Plans["production"].Objects {
		b.Trees[p.ID.Name] = tree
	}
	b.Logs[pod.Children[0].Name] = []string{text(), text()}
}

// hostileRules are rules whose every name is from outside.
func hostileRules(rng *rand.Rand) []model.WindowRule {
	text := func() string { return hostileText(rng) }
	now := time.Now()
	read := &model.Schedule{Spans: feasts{{now.Add(-time.Hour), now.Add(time.Hour), text()}, {now.Add(50 * time.Hour), now.Add(60 * time.Hour), text()}}}
	out := []model.WindowRule{
		{Name: text(), Location: time.UTC, Allow: &model.Schedule{Days: []time.Weekday{time.Tuesday}, Start: 60, End: 1380}, Scope: model.WindowScope{
			Kinds: []string{text(), "Deployment"}, Namespaces: []string{text()}, Risks: []string{text()},
		}},
		{Name: text(), Location: time.UTC, Freeze: read, Source: &model.WindowSource{File: text()}, Aside: text(), Scope: model.WindowScope{Kinds: []string{"ConfigMap"}}},
	}
	if rng.IntN(2) == 0 {
		out = append(out, model.WindowRule{Name: text(), Location: time.UTC, Freeze: &model.Schedule{}, Source: &model.WindowSource{URL: text()}, Unreadable: text()})
	}
	return out
}

func TestNothingFromOutsideLeavesItsPlace(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 6))
	keys := []string{"1", "3", "enter", "]", "tab", "j", "|", "z", "=", "f", "L", "h", "esc", "s", "?", "n", "space", "w", "w", "pgdown", "t"}
	keys = append(keys, "p", "u", "R", "M", "o", "c", "c", "esc", "enter", "k", "G")
	for range 40 {
		w, h := 60+rng.IntN(180), 15+rng.IntN(50)
		play(t, w, h, func(b *tuitest.Backend, c *Config) {
			spoil(rng, b)
			c.Repository = hostileText(rng)
		}, func(t *testing.T, x table) {
			x.Press("3")
			for range 40 {
				x.Send(tuitest.Key(keys[rng.IntN(len(keys))]))
				checkScreen(t, x, w, h)
				plain := ansi.Strip(x.Raw())
				for _, bad := range []string{"\x1b", "\a", "\r", "\t", "\x00", "\u202e", "\u200b"} {
					if strings.Contains(plain, bad) {
						t.Fatalf("%q is on the screen:\n%s", bad, plain)
					}
				}
				if strings.Contains(x.Raw(), "\x1b]") || strings.Contains(x.Raw(), "\x1b[2J") {
					t.Fatalf("a foreign escape sequence is on the screen: %q", x.Raw())
				}
				if title := x.app.View().WindowTitle; strings.ContainsAny(title, "\x1b\a\n") {
					t.Fatalf("the window title is %q", title)
				}
			}
		})
	}
}

// TestAHostileRollout feeds the rollout page.
func TestAHostileRollout(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 7))
	play(t, 80, 24, func(b *tuitest.Backend, _ *Config) { b.Script = tuitest.Broken(time.Hour, 1) }, func(t *testing.T, x table) {
		x.ship()
		r := x.app.runs["production"]
		for i := range 200 {
			x.backend.Set(func(b *tuitest.Backend) { spoilTrees(rng, b) })
			x.Send(tuitest.Key([]string{"enter", "l", "o", "tab", "j", "pgdown", "p"}[rng.IntN(7)]))
			o := r.page.Plan.Objects[rng.IntN(5)]
			r.page.Take([]model.Event{
				{Time: time.Now(), Type: model.EventNote, Message: hostileText(rng)},
				{Time: time.Now(), Type: model.EventTest, Source: fmt.Sprintf("test-%d%s", i%3, hostile[i%3]), Message: hostileText(rng)},
				{Time: time.Now(), Type: model.EventLog, Source: fmt.Sprintf("test-%d%s", i%3, hostile[i%3]), Message: hostileText(rng)},
				{Time: time.Now(), Type: model.EventTest, Test: &model.TestResult{
					Name: fmt.Sprintf("ended-%d", i%3), Kind: model.TestKind(hostileText(rng)), State: model.TestState(hostileText(rng)), Message: hostileText(rng), Log: []string{hostileText(rng)},
				}},
				{Time: time.Now(), Type: model.EventCause, Object: &o.ID, Progress: &model.Progress{
					ID: o.ID, Readiness: model.ReadinessProgress, Message: hostileText(rng), Cause: hostileText(rng), Doomed: i%2 == 0,
					Ready: rng.IntN(4), Desired: rng.IntN(4),
					Pods: []model.Pod{{Name: hostileText(rng), Reason: hostileText(rng), Message: hostileText(rng), Restarts: i}},
				}},
			})
			w, h := 60+rng.IntN(150), 15+rng.IntN(40)
			x.Send(tea.WindowSizeMsg{Width: w, Height: h})
			checkScreen(t, x, w, h)
			if plain := ansi.Strip(x.Raw()); strings.ContainsAny(plain, "\x1b\a\r\t\x00") {
				t.Fatalf("a control character is on the screen:\n%s", fmt.Sprintf("%q", plain))
			}
		}
		x.app.abort("production")
		x.Settle()
	})
}
