package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// retold are the lines of a story, each with when it was.
func retold(now time.Time, tell func(t *retelling)) (lines []string, events []model.Event) {
	tell(newRetelling(newStory(func() time.Time { return now }, func(e model.Event) {
		events = append(events, e)
		lines = append(lines, e.Time.Format("15:04:05")+" "+worded(e))
	})))
	return lines, events
}

// Who comes late is told when it was, and not when he came.
func TestALateStoryHasItsTimes(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	at := func(second int) time.Time { return day.Add(time.Duration(second) * time.Second) }
	run := newStage().run
	run.StartedAt, run.Wave = at(3), 1
	lock := &model.Lock{Holder: "op1@host", Run: run.ID, Since: at(1), Doing: "paused before wave 2 of 3"}
	run.Objects[0].Result, run.Objects[0].At = model.ResultReady, at(7)
	want := []string{
		"09:00:01 locked (locked by op1@host)", "09:00:01 rechecked (the plan is as it was approved)",
		"09:00:03 started applying (0a0b0c0 → 1a1b1c1)", "09:00:07 wave 1/3 (configuration and RBAC)", "09:00:07 applied cart 1/0",
		"09:00:07 paused 2/3 (paused before wave 2 of 3: workloads and services)",
	}
	lines, _ := retold(at(100), func(tale *retelling) { tale.tell(run, lock) })
	if !slices.Equal(lines, want) {
		t.Errorf("told\n  %s\nwant\n  %s", strings.Join(lines, "\n  "), strings.Join(want, "\n  "))
	}
	// A lock that was taken later, or by another run, says nothing of this one;
	// and what happens while it is looked at, happens then.
	lines, _ = retold(at(100), func(tale *retelling) {
		tale.tell(run, &model.Lock{Run: run.ID, Since: at(50)})
		tale.tell(run, lock)
	})
	want[0], want[1] = "09:00:03"+want[0][8:], "09:00:03"+want[1][8:]
	want[5] = "09:01:40" + want[5][8:]
	if !slices.Equal(lines, want) {
		t.Errorf("told\n  %s\nwant\n  %s", strings.Join(lines, "\n  "), strings.Join(want, "\n  "))
	}
	// A wave that has no result yet began after what came before it.
	run.Wave, run.State = 2, model.RunTesting
	lines, _ = retold(at(100), func(tale *retelling) { tale.tell(run, nil) })
	if got := lines[len(lines)-2:]; got[0] != "09:00:07 wave 2/3 (workloads and services)" || got[1] != "09:00:07 note (the acceptance tests are under way)" {
		t.Errorf("told %q", got)
	}
}

// A run that was continued is told from its beginning, in the order in which it
// happened.
func TestALateStoryOfAContinuedRun(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	run := newStage().run
	run.StartedAt = day
	run.Attempts = []model.RunAttempt{{Operator: "op2@host", At: day.Add(time.Minute)}, {Operator: "op3@host", At: day.Add(time.Hour)}}
	for i, at := range []time.Duration{time.Second, time.Minute, time.Hour + time.Second} {
		run.Objects[i].At = day.Add(at)
		run.Objects[i].Result = []model.ObjectResult{model.ResultApplied, model.ResultApplied, model.ResultPruned}[i]
	}
	lines, events := retold(day.Add(2*time.Hour), func(tale *retelling) {
		tale.tell(run, &model.Lock{Run: run.ID, Since: day.Add(time.Hour - time.Second)})
	})
	want := []string{
		"09:00:00 locked (locked by op1@host)", "09:00:00 rechecked (the plan is as it was approved)",
		"09:00:00 started applying (0a0b0c0 → 1a1b1c1)", "09:00:01 wave 1/3 (configuration and RBAC)", "09:00:01 applied cart 1/0",
		"09:01:00 locked (locked by op2@host)", "09:01:00 rechecked (what is left of run staging-7 is as it was approved)",
		"09:01:00 started applying (resumed by op2@host: 0a0b0c0 → 1a1b1c1)", "09:01:00 wave 2/3 (workloads and services)", "09:01:00 applied gateway 2/0",
		"09:59:59 locked (locked by op3@host)", "09:59:59 rechecked (what is left of run staging-7 is as it was approved)",
		"10:00:00 started applying (resumed by op3@host: 0a0b0c0 → 1a1b1c1)", "10:00:01 wave 3/3 (prune)", "10:00:01 pruned old 3/0",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("told\n  %s\nwant\n  %s", strings.Join(lines, "\n  "), strings.Join(want, "\n  "))
	}
	if !slices.IsSortedFunc(events, func(a, b model.Event) int { return a.Time.Compare(b.Time) }) {
		t.Error("the story goes back in time")
	}
}

// Whoever continues a run is told of what its first attempt had written and the
// record did not have yet, as somebody who follows it is.
func TestAResumedRunTellsWhatWasWritten(t *testing.T) {
	t.Parallel()
	c, e := newCrashed()
	c.cutOff(t, e)
	c.runs[0].StartedAt = time.Now().Add(-time.Hour)
	c.runs[0].Objects = append(c.runs[0].Objects, model.RunObject{ID: id("old"), Verdict: model.VerdictDelete, Result: model.ResultPending, Wave: 3})
	_, story, err := resumeIt(t, e, model.ResumeRequest{Reason: "its program is gone"})
	if err != nil {
		t.Fatal(err)
	}
	started := slices.IndexFunc(story, func(ev model.Event) bool { return ev.Type == model.EventStarted })
	line := func(ev model.Event) string {
		return fmt.Sprint(ev.Time.UTC(), " ", ev.Run, " ", worded(ev), " ", ev.Verdict)
	}
	var own, followed []string
	for _, ev := range story[started:] {
		if ev.Type == model.EventWave {
			break
		}
		own = append(own, line(ev))
	}
	record := c.saved[0] // as it goes on
	_, events := retold(time.Now(), func(tale *retelling) {
		tale.log.run = record.ID
		tale.tell(record, nil)
	})
	for _, ev := range events {
		if ev.Object != nil || ev.Type == model.EventStarted && ev.Message == story[started].Message {
			followed = append(followed, line(ev))
		}
	}
	if len(own) != 3 || !strings.Contains(own[1], "applied cart 1/0") || !strings.Contains(own[2], "pruned old 3/0") || !slices.Equal(own, followed) {
		t.Errorf("told\n  %s\nand who follows\n  %s", strings.Join(own, "\n  "), strings.Join(followed, "\n  "))
	}
}

// faraway is a cluster whose API server is away while objects are written.
type faraway struct {
	*rolling
	gone, back time.Time
	stays      bool // away, although writes come to their end
}

func (f *faraway) away() bool {
	return f.stays || !time.Now().Before(f.gone) && time.Now().Before(f.back)
}

func (f *faraway) Info(ctx context.Context) (model.ClusterInfo, error) {
	if f.away() {
		return model.ClusterInfo{}, model.Errorf(model.ExitUnreachable, "connection refused")
	}
	return f.rolling.Info(ctx)
}

func (f *faraway) Apply(ctx context.Context, o model.Object, p model.PlannedObject) (model.InventoryEntry, error) {
	if p.ID.Name == "cart" {
		<-time.After(time.Until(f.back))
	}
	return f.rolling.Apply(ctx, o, p)
}

// While objects are written too it is told that the API server is away, and that
// it is back. A write that only takes long says nothing.
func TestAServerThatIsAwayWhileObjectsAreWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		gone time.Duration
		told int
	}{{"away", 0, 2}, {"slow", time.Hour, 0}} {
		synctest.Test(t, func(t *testing.T) {
			w, _ := newRolling(t, "")
			w.next()
			f := &faraway{rolling: w, gone: time.Now().Add(time.Hour)}
			cfg := w.wiring()
			cfg.Connect = func(string, string) (Cluster, error) { return f, nil }
			began := time.Now()
			w.onEvent = func(ev model.Event) {
				if ev.Type == model.EventWave && ev.Wave == 2 {
					f.gone, f.back = began.Add(c.gone), began.Add(42*time.Second)
				}
			}
			if run, err := w.ship(New(cfg)); err != nil || run.State != model.RunSucceeded {
				t.Errorf("%s: %s, %v", c.name, run.State, err)
			}
			var away []model.Event
			for _, ev := range w.story {
				if ev.Type == model.EventAway {
					away = append(away, ev)
				}
			}
			if len(away) != c.told {
				t.Fatalf("%s: told %+v", c.name, away)
			}
			if c.told > 0 && (!away[0].Since.Equal(began) || away[0].Time.Sub(began) != quietWrites || !away[1].Since.IsZero() || away[1].Time.Sub(began) < 42*time.Second) {
				t.Errorf("%s: after %s told %+v", c.name, away[0].Time.Sub(began), away)
			}
		})
	}
}

// refusing is a cluster that is away for a while, and then refuses the write that
// waited for it.
type refusing struct {
	*faraway
	code model.ExitCode
}

func (r *refusing) Apply(ctx context.Context, o model.Object, p model.PlannedObject) (model.InventoryEntry, error) {
	if p.ID.Name == "cart" {
		<-time.After(time.Until(r.back))
		return model.InventoryEntry{}, model.Errorf(r.code, "refused")
	}
	return r.faraway.Apply(ctx, o, p)
}

// That the server is back is told too when it refuses what waited for it,
// whatever the refusal's code; not when it is still away.
func TestAServerThatIsBackAndRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code  model.ExitCode
		never bool
		told  int
	}{{model.ExitRolloutFailed, false, 2}, {model.ExitRolloutFailed, true, 2}, {model.ExitUnreachable, false, 2}, {model.ExitUnreachable, true, 1}} {
		synctest.Test(t, func(t *testing.T) {
			w, _ := newRolling(t, "")
			w.next()
			f := &refusing{&faraway{rolling: w, gone: time.Now().Add(time.Hour)}, c.code}
			cfg := w.wiring()
			cfg.Connect = func(string, string) (Cluster, error) { return f, nil }
			began := time.Now()
			w.onEvent = func(ev model.Event) {
				if ev.Type == model.EventWave && ev.Wave == 2 {
					f.gone, f.back = began, began.Add(42*time.Second)
				}
				if ev.Type == model.EventAway && c.never {
					f.stays = true
				}
			}
			if run, err := w.ship(New(cfg)); run.State != model.RunFailed {
				t.Errorf("%s, %v", run.State, err)
			}
			var away []model.Event
			for _, ev := range w.story {
				if ev.Type == model.EventAway {
					away = append(away, ev)
				}
			}
			if len(away) != c.told || c.told == 2 && !away[1].Since.IsZero() {
				t.Errorf("%+v: told %+v", c, away)
			}
		})
	}
}
