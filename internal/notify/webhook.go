package notify

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// Headers of a webhook's request.
const (
	// SignatureHeader is "sha256=" and the hexadecimal HMAC-SHA256 of the body
	// under the webhook's key.
	SignatureHeader = "X-Fairtide-Signature"
	// DeliveryHeader is the payload's id. A repeated delivery has the same one.
	DeliveryHeader = "X-Fairtide-Delivery"
)

// Payload is the body of a webhook's request.
type Payload struct {
	ID          string     `json:"id"`    // of the delivery; the same when it is repeated
	Event       string     `json:"event"` // run.started, run.cause, run.test or run.finished
	Time        time.Time  `json:"time"`
	Run         string     `json:"run"`
	Environment string     `json:"environment"`
	Tier        model.Tier `json:"tier,omitempty"`
	Commit      string     `json:"commit"`
	Title       string     `json:"title,omitempty"`
	URL         string     `json:"url,omitempty"`
	Operator    string     `json:"operator,omitempty"`
	Override    string     `json:"override,omitempty"`
	// Exception is who overrode which rules and why; absent: nobody did.
	Exception *model.Exception `json:"exception,omitempty"`
	State     model.RunState   `json:"state"`
	Message   string           `json:"message,omitempty"`
	Object    *model.ObjectID  `json:"object,omitempty"` // with run.cause
}

func (s *story) payload(event string, now time.Time, message string, object *model.ObjectID) Payload {
	a := s.about
	return Payload{
		ID: rand.Text(), Event: event, Time: now.UTC(), Run: a.Run, Environment: a.Environment, Tier: a.Tier,
		Commit: a.Commit, Title: clean(a.Title, maxTitle), URL: a.URL, Operator: a.Operator, Override: a.Override, Exception: a.Exception,
		State: s.state, Message: clean(message, maxReason), Object: object,
	}
}

// Sign is the value of SignatureHeader for a body.
func Sign(key Secret, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.value()))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// maxPayloads is how many requests wait at most.
const maxPayloads = 64

// webhookSink delivers payloads in their order.
type webhookSink struct {
	hook   Webhook
	timing Timing
	client *http.Client
	queue  chan Payload
	done   chan struct{}
	ctx    context.Context // ends when Close has waited long enough
	cancel context.CancelFunc
	once   sync.Once

	mu     sync.Mutex
	losses losses
}

func newWebhookSink(w Webhook, t Timing, client *http.Client) *webhookSink {
	ctx, cancel := context.WithCancel(context.Background())
	s := &webhookSink{
		// One place is kept for the verdict.
		hook: w, timing: t, client: client, queue: make(chan Payload, maxPayloads+1), done: make(chan struct{}), ctx: ctx, cancel: cancel,
	}
	go s.work()
	return s
}

// push is called by one goroutine at a time, and not after close.
func (s *webhookSink) push(p Payload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losses.total++
	if len(s.queue) >= maxPayloads && p.Event != "run.finished" {
		s.losses.lose(1, "too many at once")
		return
	}
	s.queue <- p // there is room: only the verdict, which comes once, goes beyond
}

func (s *webhookSink) work() {
	defer close(s.done)
	for p := range s.queue {
		f := deliver(s.ctx, s.timing, func(ctx context.Context) *failure { return s.send(ctx, p) })
		if f != nil {
			s.mu.Lock()
			s.losses.lose(1, f.text)
			s.mu.Unlock()
		}
	}
}

func (s *webhookSink) send(ctx context.Context, p Payload) *failure {
	body, err := json.Marshal(p)
	if err != nil {
		return &failure{text: err.Error()}
	}
	header := http.Header{}
	header.Set(DeliveryHeader, p.ID)
	if !s.hook.Key.Empty() {
		header.Set(SignatureHeader, Sign(s.hook.Key, body))
	}
	status, _, f := post(ctx, s.client, s.hook.URL, header, body)
	if f != nil {
		return f
	}
	if status < http.StatusOK || status >= http.StatusMultipleChoices {
		return &failure{text: fmt.Sprintf("status %d; check its address", status)}
	}
	return nil
}

func (s *webhookSink) close(ctx context.Context) string {
	s.once.Do(func() { close(s.queue) })
	select {
	case <-s.done:
	case <-ctx.Done():
		s.cancel()
		<-s.done
	}
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	who := "webhook"
	if s.hook.Name != "" {
		who += " " + clean(s.hook.Name, maxTitle)
	}
	return s.losses.line(who)
}
