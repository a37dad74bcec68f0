// Package slacktest is a server that behaves as Slack's Web API does over
// HTTP, as far as a bot that posts and updates messages can tell: refusals with
// status 200 and "ok": false, rate limits, threads, messages that only their
// author may change. Faults can be ordered.
package slacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of Slack's, from its documentation.
const (
	maxText    = 40_000
	maxBlocks  = 50
	maxSection = 3000
)

// Channel is a place for messages.
type Channel struct {
	ID       string
	Name     string   // without "#"
	Members  []string // tokens of the bots that may post
	Archived bool
}

// Message is a message as it stands.
type Message struct {
	Channel   string // ID
	TS        string
	ThreadTS  string // of the message it replies to; empty: it stands in the channel
	Bot       string // its author's token
	Broadcast bool   // a reply that the channel sees too
	Text      string
	Blocks    json.RawMessage
	Versions  []string // the texts it had, oldest first, the present one last
}

// Fault makes calls go wrong. The zero Method is every one.
type Fault struct {
	Method     string        // "chat.update"
	Times      int           // how many calls; 0: all until Clear
	Delay      time.Duration // before anything else
	Drop       bool          // close the connection without an answer
	Status     int           // answer with this status and no sense
	RetryAfter string        // with status 429
	Error      string        // answer "ok": false with this code
	Stored     bool          // the call takes effect all the same
}

// Server is a Slack of one's own. Its methods are safe for concurrent use.
type Server struct {
	URL string // what to use for https://slack.com/api

	http *http.Server

	mu       sync.Mutex
	channels []Channel
	messages []Message
	faults   []Fault
	calls    []string
	clock    int
}

// Start serves on a free port of this machine.
func Start(channels ...Channel) (*Server, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + l.Addr().String() + "/api", channels: channels}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serve)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(l) }() // ends with Close
	return s, nil
}

// Close stops the server; what is under way is cut off.
func (s *Server) Close() error { return s.http.Close() }

// Fail orders a fault. Several apply one after the other.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// Clear takes all faults back.
func (s *Server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Messages are those that stand in a channel, without replies, oldest first.
func (s *Server) Messages(channel string) []Message {
	return s.find(func(m Message) bool { return m.ThreadTS == "" && m.Channel == s.id(channel) })
}

// Replies are those in a message's thread, oldest first.
func (s *Server) Replies(parent Message) []Message {
	return s.find(func(m Message) bool { return m.ThreadTS == parent.TS && m.Channel == parent.Channel })
}

func (s *Server) find(wanted func(Message) bool) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Message
	for _, m := range s.messages {
		if wanted(m) {
			m.Versions = slices.Clone(m.Versions)
			found = append(found, m)
		}
	}
	return found
}

// Delete removes a message, as a person can.
func (s *Server) Delete(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = slices.DeleteFunc(s.messages, func(o Message) bool { return o.TS == m.TS && o.Channel == m.Channel })
}

// Calls are the methods that were called, in order, also the failed ones.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// id is the ID of the channel with this ID or name.
func (s *Server) id(channel string) string {
	for _, c := range s.channels {
		if c.ID == channel || c.Name == strings.TrimPrefix(channel, "#") {
			return c.ID
		}
	}
	return ""
}

// arguments of a call, from JSON or from a form.
type arguments struct {
	Channel   string          `json:"channel"`
	TS        string          `json:"ts"`
	ThreadTS  string          `json:"thread_ts"`
	Broadcast bool            `json:"reply_broadcast"`
	Text      string          `json:"text"`
	Blocks    json.RawMessage `json:"blocks"`
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	method := r.PathValue("method")
	fault, faulty := s.fault(method)
	if faulty && fault.Delay > 0 {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		// The body first: the server notices a caller that goes away only
		// when it reads ahead.
		if !s.buffer(r) {
			return
		}
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	if faulty && !fault.Stored && s.broken(w, fault) {
		return
	}
	answer := s.call(method, r)
	if faulty && s.broken(w, fault) {
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer) // the caller may have gone
}

func (s *Server) buffer(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return err == nil
}

// fault is the one that is due for a call, which it notes.
func (s *Server) fault(method string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, method)
	for i, f := range s.faults {
		if f.Method != "" && f.Method != method {
			continue
		}
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			s.faults[i].Times--
		}
		return f, true
	}
	return Fault{}, false
}

// broken gives the fault's answer, if it has one.
func (s *Server) broken(w http.ResponseWriter, f Fault) bool {
	switch {
	case f.Drop:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close() // that is the point
		}
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, "<html>not today</html>")
	case f.Error != "":
		_ = json.NewEncoder(w).Encode(refuse(f.Error))
	default:
		return false
	}
	return true
}

type result map[string]any

func refuse(code string) result { return result{"ok": false, "error": code} }

func (s *Server) call(method string, r *http.Request) result {
	if r.Method != http.MethodPost {
		return refuse("invalid_request_method")
	}
	args, err := read(r)
	if err != nil {
		return refuse("invalid_json")
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return refuse("not_authed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.knows(token) {
		return refuse("invalid_auth")
	}
	switch method {
	case "auth.test":
		return result{"ok": true, "url": "https://example.slack.com/", "team": "Example", "user": "fairtide"}
	case "chat.postMessage":
		return s.post(token, args)
	case "chat.update":
		return s.update(token, args)
	}
	return refuse("unknown_method")
}

func read(r *http.Request) (arguments, error) {
	var a arguments
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return a, err
	}
	switch kind {
	case "application/json":
		return a, json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&a)
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return a, err
		}
		a = arguments{
			Channel: r.Form.Get("channel"), TS: r.Form.Get("ts"), ThreadTS: r.Form.Get("thread_ts"),
			Text: r.Form.Get("text"), Blocks: json.RawMessage(r.Form.Get("blocks")),
		}
		a.Broadcast, _ = strconv.ParseBool(r.Form.Get("reply_broadcast")) // absent: false
		return a, nil
	}
	return a, errors.New("content type " + kind)
}

func (s *Server) knows(token string) bool {
	return slices.ContainsFunc(s.channels, func(c Channel) bool { return slices.Contains(c.Members, token) })
}

// content says what is wrong with a message's content; empty: nothing.
func content(a arguments) string {
	if len(a.Text) > maxText {
		return "msg_too_long"
	}
	if len(a.Blocks) == 0 {
		if a.Text == "" {
			return "no_text"
		}
		return ""
	}
	var blocks []struct {
		Type string
		Text *struct{ Type, Text string }
	}
	if err := json.Unmarshal(a.Blocks, &blocks); err != nil || len(blocks) > maxBlocks {
		return "invalid_blocks"
	}
	for _, b := range blocks {
		if b.Type == "" || b.Type == "section" && (b.Text == nil || b.Text.Text == "" || len([]rune(b.Text.Text)) > maxSection) {
			return "invalid_blocks"
		}
	}
	return ""
}

func (s *Server) post(token string, a arguments) result {
	i := slices.IndexFunc(s.channels, func(c Channel) bool {
		return c.ID == a.Channel || c.Name == strings.TrimPrefix(a.Channel, "#")
	})
	switch {
	case i < 0:
		return refuse("channel_not_found")
	case s.channels[i].Archived:
		return refuse("is_archived")
	case !slices.Contains(s.channels[i].Members, token):
		return refuse("not_in_channel")
	}
	if problem := content(a); problem != "" {
		return refuse(problem)
	}
	channel := s.channels[i].ID
	if a.ThreadTS != "" && s.index(channel, a.ThreadTS) < 0 {
		return refuse("thread_not_found")
	}
	s.clock++
	m := Message{
		Channel: channel, TS: fmt.Sprintf("1700000000.%06d", s.clock), ThreadTS: a.ThreadTS, Bot: token,
		Broadcast: a.Broadcast && a.ThreadTS != "", Text: a.Text, Blocks: a.Blocks, Versions: []string{a.Text},
	}
	s.messages = append(s.messages, m)
	return result{"ok": true, "channel": channel, "ts": m.TS, "message": result{"text": m.Text, "type": "message"}}
}

// update changes a message. Other than for a new one, its channel has to be an
// ID, as Slack demands.
func (s *Server) update(token string, a arguments) result {
	if !slices.ContainsFunc(s.channels, func(c Channel) bool { return c.ID == a.Channel }) {
		return refuse("channel_not_found")
	}
	i := s.index(a.Channel, a.TS)
	switch {
	case i < 0:
		return refuse("message_not_found")
	case s.messages[i].Bot != token:
		return refuse("cant_update_message")
	}
	if problem := content(a); problem != "" {
		return refuse(problem)
	}
	m := &s.messages[i]
	m.Text, m.Blocks = a.Text, a.Blocks
	m.Versions = append(m.Versions, a.Text)
	return result{"ok": true, "channel": m.Channel, "ts": m.TS, "text": m.Text}
}

func (s *Server) index(channel, ts string) int {
	return slices.IndexFunc(s.messages, func(m Message) bool { return m.Channel == channel && m.TS == ts })
}
