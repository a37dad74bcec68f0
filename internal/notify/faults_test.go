package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/notify/slacktest"
	"github.com/fairtide-dev/fairtide/model"
)

// tell runs a short story and returns what was lost.
func tell(t *testing.T, n *Notifier) string {
	t.Helper()
	n.Start(about)
	n.Event(model.Event{Type: model.EventNote, Message: "a note"})
	n.Finish(finished(model.RunSucceeded, ""))
	return closeNow(t, n)
}

func TestPassingFaultsLoseNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault slacktest.Fault
	}{
		{"server error", slacktest.Fault{Times: 2, Status: 500}},
		{"rate limit", slacktest.Fault{Times: 1, Status: 429, RetryAfter: "1"}},
		{"rate limit in the body", slacktest.Fault{Times: 2, Error: "ratelimited"}},
		{"connection cut", slacktest.Fault{Times: 2, Drop: true}},
		{"slow", slacktest.Fault{Times: 3, Delay: 50 * time.Millisecond}},
		{"update fails", slacktest.Fault{Method: "chat.update", Times: 1, Error: "internal_error"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startSlack(t)
			s.Fail(c.fault)
			if lost := tell(t, notifier(s)); lost != "" {
				t.Errorf("lost: %s", lost)
			}
			if m := s.Messages("deploys"); len(m) != 1 || !strings.Contains(m[0].Text, "now runs") || len(s.Replies(m[0])) != 1 {
				t.Errorf("messages %+v", m)
			}
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	s := startSlack(t)
	s.Fail(slacktest.Fault{Times: 1, Status: 429, RetryAfter: "1"})
	begin := time.Now()
	if lost := tell(t, notifier(s)); lost != "" {
		t.Errorf("lost: %s", lost)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("it came back after %s, and was told 1s", took)
	}
}

// A pause longer than a message may take is not waited for.
func TestRetryAfterBeyondTheCap(t *testing.T) {
	s := startSlack(t)
	s.Fail(slacktest.Fault{Status: 429, RetryAfter: "60"})
	begin := time.Now()
	lost := tell(t, notifier(s))
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("Close took %s", took)
	}
	if lost != "Slack: 2 of 2 messages could not be delivered: rate limited" {
		t.Errorf("lost: %s", lost)
	}
}

func TestLastingFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  slacktest.Fault
		change func(*Config)
		why    string
		calls  int // at most; 0: any number
	}{
		{name: "down", fault: slacktest.Fault{Drop: true}, why: "EOF"},
		{name: "server error", fault: slacktest.Fault{Status: 503}, why: "status 503"},
		{name: "proxy page", fault: slacktest.Fault{Status: 200}, why: "the answer is not Slack's"},
		{name: "hangs", fault: slacktest.Fault{Delay: time.Minute}, change: func(c *Config) { c.Timing.Cap = 50 * time.Millisecond }, why: "no answer in time"},
		{name: "redirect", fault: slacktest.Fault{Status: 302}, why: "the answer is not Slack's (status 302)"},
		{name: "wrong token", change: func(c *Config) { c.Slack.Token = NewSecret("xoxb" + "-wrong") }, why: "invalid_auth for #deploys (check the Slack token)", calls: 1},
		{name: "no token", change: func(c *Config) { c.Slack.Token = Secret{} }, why: "not_authed for #deploys (set the Slack token)", calls: 1},
		{name: "no channel", change: func(c *Config) { c.Slack.Channel = "#none" }, why: "channel_not_found for #none (check", calls: 1},
		{name: "not invited", fault: slacktest.Fault{Error: "not_in_channel"}, why: "not_in_channel for #deploys (invite the bot", calls: 1},
		{name: "unknown refusal", fault: slacktest.Fault{Error: "some_new_\x1b[31merror"}, why: ": some_new_error"},
		{name: "no address", change: func(c *Config) { c.Slack.API = "::" }, why: "not a URL", calls: 0},
		{name: "echoes the token", fault: slacktest.Fault{Error: "bad " + token}, why: "bad [secret]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startSlack(t)
			if c.fault != (slacktest.Fault{}) {
				s.Fail(c.fault)
			}
			var changes []func(*Config)
			if c.change != nil {
				changes = append(changes, c.change)
			}
			lost := tell(t, notifier(s, changes...))
			if !strings.HasPrefix(lost, "Slack: 2 of 2 messages could not be delivered: ") || !strings.Contains(lost, c.why) {
				t.Errorf("lost %q, want %q", lost, c.why)
			}
			if strings.Contains(lost, "xoxb") || strings.ContainsAny(lost, "\n\x1b") {
				t.Errorf("unsafe: %q", lost)
			}
			if calls := len(s.Calls()); c.calls > 0 && calls > c.calls {
				t.Errorf("%d calls after a refusal that stays", calls)
			}
		})
	}
}

// Close waits no longer than it is allowed to, and the engine never waits.
func TestCloseIsLimited(t *testing.T) {
	s := startSlack(t)
	s.Fail(slacktest.Fault{Delay: time.Minute})
	n := notifier(s, func(c *Config) { c.Timing.Cap = time.Minute })
	begin := time.Now()
	n.Start(about)
	n.Event(model.Event{Type: model.EventNote, Message: "a note"})
	n.Finish(finished(model.RunSucceeded, ""))
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("telling took %s", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	lost := n.Close(ctx)
	if took := time.Since(begin); took > 30*time.Second || !strings.Contains(lost, "could not be delivered") {
		t.Errorf("Close took %s: %q", took, lost)
	}
}

// A Slack that comes back gets the message as it is then.
func TestSlackComesBack(t *testing.T) {
	s := startSlack(t)
	s.Fail(slacktest.Fault{Status: 503})
	n := notifier(s)
	n.Start(about)
	eventually(t, "an attempt", func() bool { return len(s.Calls()) >= attempts })
	s.Clear()
	eventually(t, "the message", func() bool { return len(s.Messages("deploys")) == 1 })
	n.Finish(finished(model.RunSucceeded, ""))
	if lost := closeNow(t, n); lost != "" {
		t.Errorf("lost: %s", lost)
	}
	if m := s.Messages("deploys"); len(m) != 1 || !strings.Contains(m[0].Text, "now runs") {
		t.Errorf("messages %+v", m)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	n := struct{ cfg *Config }{&Config{
		Slack: &Slack{Token: NewSecret(token)}, Webhooks: []Webhook{{URL: NewSecret("https://hooks.example/" + token), Key: NewSecret(token)}},
	}}
	all := fmt.Sprintf("%v %+v %#v %s", n, *n.cfg, *n.cfg.Slack, n.cfg.Slack.Token)
	for _, w := range n.cfg.Webhooks {
		all += fmt.Sprintf("%v %+v %#v %q", w, w, w, w.Key)
		data, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		all += string(data)
	}
	all += fmt.Sprintf("%v", slackClient{token: NewSecret(token)})
	if strings.Contains(all, token) {
		t.Errorf("a secret was printed: %s", all)
	}
}

func TestReferences(t *testing.T) {
	l := Lookup{
		Env: func(name string) (string, bool) {
			v, ok := map[string]string{"TOKEN": " " + token + "\n", "NONE": ""}[name]
			return v, ok
		},
		File: func(path string) ([]byte, error) {
			if path == "/run/token" {
				return []byte(token + "\n"), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
	}
	for _, ref := range []string{"${env:TOKEN}", "${file:/run/token}"} {
		if s, err := l.Resolve("slack.token", ref); err != nil || s.value() != token {
			t.Errorf("Resolve(%q): %v", ref, err)
		}
	}
	for ref, want := range map[string]string{
		token:                 "slack.token: is not a reference to a secret; write ${env:NAME}",
		"":                    "not a reference",
		"${cmd:cat x}":        "not a reference",
		"$TOKEN":              "not a reference",
		"${env:OTHER}":        "environment variable OTHER is not set",
		"${env:NONE}":         "environment variable NONE is empty",
		"${file:/run/none}":   "cannot read file /run/none: file does not exist",
		"${env:TOKEN}" + "xx": "not a reference",
	} {
		s, err := l.Resolve("slack.token", ref)
		if err == nil || !s.Empty() || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), token) || model.CodeOf(err, 0) != model.ExitUsage {
			t.Errorf("Resolve(%q): %v, want %q", ref, err, want)
		}
	}
	if _, err := l.Resolve("x", "${file:/run/none}"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}
