package slacktest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T) *Server {
	t.Helper()
	s, err := Start(
		Channel{ID: "C1", Name: "deploys", Members: []string{"xoxb-one", "xoxb-two"}},
		Channel{ID: "C2", Name: "other", Members: []string{"xoxb-two"}},
		Channel{ID: "C3", Name: "old", Members: []string{"xoxb-one"}, Archived: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

type reply struct {
	OK                 bool
	Error, TS, Channel string
}

func call(t *testing.T, s *Server, method, token, contentType, body string) (int, reply) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/"+method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var r reply
	if resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode, r
}

const asJSON = "application/json; charset=utf-8"

func TestRefusals(t *testing.T) {
	s := start(t)
	_, posted := call(t, s, "chat.postMessage", "xoxb-one", asJSON, `{"channel":"#deploys","text":"hello"}`)
	for _, c := range []struct{ method, token, body, want string }{
		{"auth.test", "", `{}`, "not_authed"},
		{"auth.test", "xoxb-three", `{}`, "invalid_auth"},
		{"auth.test", "xoxb-one", `{`, "invalid_json"},
		{"chat.delete", "xoxb-one", `{}`, "unknown_method"},
		{"chat.postMessage", "xoxb-one", `{"channel":"#none","text":"x"}`, "channel_not_found"},
		{"chat.postMessage", "xoxb-one", `{"channel":"#other","text":"x"}`, "not_in_channel"},
		{"chat.postMessage", "xoxb-one", `{"channel":"C3","text":"x"}`, "is_archived"},
		{"chat.postMessage", "xoxb-one", `{"channel":"C1"}`, "no_text"},
		{"chat.postMessage", "xoxb-one", `{"channel":"C1","text":"` + strings.Repeat("x", maxText+1) + `"}`, "msg_too_long"},
		{"chat.postMessage", "xoxb-one", `{"channel":"C1","text":"x","blocks":[{"type":"section"}]}`, "invalid_blocks"},
		{"chat.postMessage", "xoxb-one", `{"channel":"C1","text":"x","thread_ts":"1.2"}`, "thread_not_found"},
		{"chat.update", "xoxb-one", `{"channel":"#deploys","ts":"` + posted.TS + `","text":"x"}`, "channel_not_found"},
		{"chat.update", "xoxb-one", `{"channel":"C1","ts":"1.2","text":"x"}`, "message_not_found"},
		{"chat.update", "xoxb-two", `{"channel":"C1","ts":"` + posted.TS + `","text":"x"}`, "cant_update_message"},
		{"chat.update", "xoxb-one", `{"channel":"C1","ts":"` + posted.TS + `"}`, "no_text"},
	} {
		status, r := call(t, s, c.method, c.token, asJSON, c.body)
		if status != http.StatusOK || r.OK || r.Error != c.want {
			t.Errorf("%s %s: %d %+v, want %s", c.method, c.token, status, r, c.want)
		}
	}
	if m := s.Messages("deploys"); len(m) != 1 || m[0].Text != "hello" || len(m[0].Versions) != 1 {
		t.Errorf("messages %+v", m)
	}
}

func TestMessagesAndThreads(t *testing.T) {
	s := start(t)
	if _, r := call(t, s, "auth.test", "xoxb-one", asJSON, `{}`); !r.OK {
		t.Errorf("auth.test: %+v", r)
	}
	_, posted := call(t, s, "chat.postMessage", "xoxb-one", asJSON, `{"channel":"#deploys","text":"one","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"one"}}]}`)
	form := url.Values{"channel": {"C1"}, "thread_ts": {posted.TS}, "text": {"detail"}, "reply_broadcast": {"true"}}
	_, replied := call(t, s, "chat.postMessage", "xoxb-two", "application/x-www-form-urlencoded", form.Encode())
	_, updated := call(t, s, "chat.update", "xoxb-one", asJSON, `{"channel":"C1","ts":"`+posted.TS+`","text":"two"}`)
	if !posted.OK || posted.Channel != "C1" || !replied.OK || replied.TS == posted.TS || !updated.OK || updated.TS != posted.TS {
		t.Fatalf("%+v, %+v, %+v", posted, replied, updated)
	}
	m := s.Messages("#deploys")
	if len(m) != 1 || m[0].Text != "two" || strings.Join(m[0].Versions, " ") != "one two" {
		t.Fatalf("messages %+v", m)
	}
	if r := s.Replies(m[0]); len(r) != 1 || r[0].Text != "detail" || !r[0].Broadcast || r[0].Bot != "xoxb-two" {
		t.Errorf("replies %+v", r)
	}
	s.Delete(m[0])
	if m := s.Messages("C1"); len(m) != 0 {
		t.Errorf("messages %+v", m)
	}
}

func TestFaults(t *testing.T) {
	s := start(t)
	hello := `{"channel":"C1","text":"hello"}`
	s.Fail(Fault{Method: "chat.update", Status: 500})
	s.Fail(Fault{Times: 2, Status: 429, RetryAfter: "7"})
	s.Fail(Fault{Times: 1, Error: "fatal_error", Stored: true})
	var got []int
	for range 2 {
		status, _ := call(t, s, "chat.postMessage", "xoxb-one", asJSON, hello)
		got = append(got, status)
	}
	if got[0] != 429 || got[1] != 429 || len(s.Messages("C1")) != 0 {
		t.Errorf("statuses %v", got)
	}
	if _, r := call(t, s, "chat.postMessage", "xoxb-one", asJSON, hello); r.Error != "fatal_error" || len(s.Messages("C1")) != 1 {
		t.Errorf("%+v", r)
	}
	if status, _ := call(t, s, "chat.update", "xoxb-one", asJSON, hello); status != 500 {
		t.Errorf("status %d", status)
	}
	s.Clear()
	s.Fail(Fault{Times: 1, Delay: 20 * time.Millisecond})
	begin := time.Now()
	if _, r := call(t, s, "chat.postMessage", "xoxb-one", asJSON, hello); !r.OK || time.Since(begin) < 20*time.Millisecond {
		t.Errorf("%+v after %s", r, time.Since(begin))
	}
	s.Fail(Fault{Times: 1, Drop: true})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/auth.test", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Errorf("status %d from a dropped connection", resp.StatusCode)
	}
	if calls := s.Calls(); len(calls) != 6 || calls[3] != "chat.update" {
		t.Errorf("calls %v", calls)
	}
}
