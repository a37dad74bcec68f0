package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// hook is a webhook's receiver.
type hook struct {
	*httptest.Server
	mu       sync.Mutex
	payloads []Payload
	tries    []string // delivery ids, one for each request
	bad      []string
}

func startHook(t *testing.T, key string, answer func(request int) int) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		body, err := io.ReadAll(r.Body)
		var p Payload
		if err == nil {
			err = json.Unmarshal(body, &p)
		}
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(body)
		signature := r.Header.Get("X-Fairtide-Signature")
		switch {
		case err != nil:
			h.bad = append(h.bad, err.Error())
		case key != "" && signature != "sha256="+hex.EncodeToString(mac.Sum(nil)), key == "" && signature != "":
			h.bad = append(h.bad, "signature "+signature)
		case p.ID == "" || p.ID != r.Header.Get("X-Fairtide-Delivery"):
			h.bad = append(h.bad, "delivery "+r.Header.Get("X-Fairtide-Delivery"))
		}
		h.tries = append(h.tries, p.ID)
		status := answer(len(h.tries))
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		if status < 300 {
			h.payloads = append(h.payloads, p)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func webhookNotifier(hooks ...Webhook) *Notifier {
	return New(Config{Webhooks: hooks, Timing: fast, Now: func() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }})
}

func ok(int) int { return http.StatusNoContent }

func TestWebhook(t *testing.T) {
	for _, key := range []string{"", "signing-key"} {
		h := startHook(t, key, ok)
		n := webhookNotifier(Webhook{Name: "audit", URL: NewSecret(h.URL + "/x"), Key: NewSecret(key)})
		n.Start(about)
		for _, e := range events(model.RunFailed) {
			n.Event(e)
		}
		n.Finish(finished(model.RunFailed, "cart is not ready"))
		if lost := closeNow(t, n); lost != "" {
			t.Errorf("lost: %s", lost)
		}
		if len(h.bad) > 0 {
			t.Errorf("bad requests: %q", h.bad)
		}
		var got []string
		ids := map[string]bool{}
		for _, p := range h.payloads {
			got = append(got, p.Event+" "+string(p.State)+" "+p.Message)
			ids[p.ID] = true
			if p.Run != about.Run || p.Environment != "production" || p.Commit != about.Commit || p.Title != about.Title ||
				p.URL != about.URL || p.Operator != "op1" || p.Tier != model.TierProduction || p.Time.IsZero() {
				t.Errorf("payload %+v", p)
			}
		}
		want := "run.started applying |run.cause applying ImagePullBackOff: <petstore:1.4.2> & co|run.test testing smoke: passed (1s)|run.finished failed cart is not ready"
		if strings.Join(got, "|") != want || len(ids) != 4 {
			t.Errorf("got  %q\nwant %q; %d ids", got, want, len(ids))
		}
		if h.payloads[1].Object == nil || *h.payloads[1].Object != cart {
			t.Errorf("object %v", h.payloads[1].Object)
		}
	}
}

// A repeated delivery carries the same id, so that its receiver can tell.
func TestWebhookRetries(t *testing.T) {
	h := startHook(t, "k", func(i int) int {
		if i < 3 {
			return http.StatusBadGateway
		}
		return http.StatusOK
	})
	n := webhookNotifier(Webhook{URL: NewSecret(h.URL), Key: NewSecret("k")})
	n.Start(about)
	n.Finish(finished(model.RunSucceeded, ""))
	if lost := closeNow(t, n); lost != "" {
		t.Errorf("lost: %s", lost)
	}
	if len(h.tries) != 4 || h.tries[0] != h.tries[1] || h.tries[1] != h.tries[2] || h.tries[2] == h.tries[3] || len(h.payloads) != 2 {
		t.Errorf("tries %q, payloads %+v", h.tries, h.payloads)
	}
}

func TestWebhookLosses(t *testing.T) {
	for _, c := range []struct {
		status int
		why    string
	}{
		{http.StatusNotFound, "status 404; check its address"},
		{http.StatusFound, "status 302; check its address"}, // not followed: the body is signed for one address
		{http.StatusInternalServerError, "status 500"},
	} {
		h := startHook(t, "", func(int) int { return c.status })
		other := startHook(t, "", ok)
		n := webhookNotifier(Webhook{Name: "audit", URL: NewSecret(h.URL + "/secret-path")}, Webhook{URL: NewSecret(other.URL)})
		n.Start(about)
		n.Finish(finished(model.RunSucceeded, ""))
		want := "webhook audit: 2 of 2 messages could not be delivered: " + c.why
		if lost := closeNow(t, n); lost != want {
			t.Errorf("lost %q, want %q", lost, want)
		}
		if len(other.payloads) != 2 {
			t.Errorf("the other webhook got %d", len(other.payloads))
		}
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	n := webhookNotifier(Webhook{URL: NewSecret(closed.URL + "/secret-path")}, Webhook{Name: "none", URL: NewSecret("no url secret-path\x7f")})
	n.Start(about)
	lost := closeNow(t, n)
	if !strings.Contains(lost, "connection refused; webhook none: 2 of 2 messages could not be delivered: its address is not a URL") ||
		strings.Contains(lost, "secret-path") {
		t.Errorf("lost %q", lost)
	}
}

// However many events there are, the verdict has its place.
func TestWebhookFlood(t *testing.T) {
	release := make(chan struct{})
	h := startHook(t, "", func(int) int { <-release; return http.StatusOK })
	n := webhookNotifier(Webhook{URL: NewSecret(h.URL)})
	n.Start(about)
	for range 500 {
		n.Event(model.Event{Type: model.EventTest, Source: "smoke", Message: "passed"})
	}
	n.Finish(finished(model.RunSucceeded, ""))
	close(release)
	if lost := closeNow(t, n); !strings.HasSuffix(lost, "too many at once") {
		t.Errorf("lost %q", lost)
	}
	if last := h.payloads[len(h.payloads)-1]; last.Event != "run.finished" || len(h.payloads) > maxPayloads+2 {
		t.Errorf("%d payloads, last %+v", len(h.payloads), last)
	}
}
