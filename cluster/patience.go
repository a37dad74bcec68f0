package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

const (
	// mostPatience is how long what is done under a lock waits for an API server
	// that is away: as long as it takes to start another one.
	mostPatience = time.Minute
	firstPause   = 100 * time.Millisecond
	mostPause    = 2 * time.Second
	// fewTries is how often a question is asked again that is not asked under a
	// lock: somebody waits for the answer.
	fewTries = 2
	// retryAfterMost is how long a server may ask for more time at once.
	retryAfterMost = 10 * time.Second
)

type (
	leaseKey  struct{}
	atOnceKey struct{}
)

// Under is ctx for what is done under the lock. A request with it waits for an
// API server that is away, for a minute at most and as long as the lock is
// held; and no write with it is sent once the lock is not held any more.
//
// Sent again is what has no effect, and what surely had none. Whoever writes
// has to know what to do about a write whose answer got lost.
func (l *Lease) Under(ctx context.Context) context.Context {
	return context.WithValue(ctx, leaseKey{}, l)
}

func leaseOf(ctx context.Context) *Lease {
	l, _ := ctx.Value(leaseKey{}).(*Lease)
	return l
}

// atOnce is ctx for requests whose failure is to be known at once.
func atOnce(ctx context.Context) context.Context {
	return context.WithValue(ctx, atOnceKey{}, true)
}

// notHeldError says that a write was not sent, as the lock was lost before it.
type notHeldError struct{ err error }

func (e *notHeldError) Error() string { return e.err.Error() }
func (e *notHeldError) Unwrap() error { return e.err }

// tries paces the repetition of something that bears being done again.
type tries struct {
	lease *Lease // under which it is done; nil: none
	most  int    // how often without a lock, or after an error nobody knows
	n     int
	spent time.Duration
}

func newTries(ctx context.Context, most int) *tries {
	return &tries{lease: leaseOf(ctx), most: most}
}

// again waits for a while, and reports whether to try again after an error.
func (t *tries) again(ctx context.Context, err error) bool {
	weight := 1
	if status, ok := serverStatus(err); ok {
		weight = weightOf(int(status.Code))
	} else if !isNetwork(err) {
		weight = 0
	}
	return t.after(ctx, weight, 0)
}

// weightOf is how much faster patience with an answer ends than with none: what
// answers is there, and may go on to answer so.
func weightOf(code int) int {
	switch code {
	case http.StatusInternalServerError:
		return 10
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return 3
	}
	return 1
}

// after is again for what has a weight; with 0 there is no patience.
func (t *tries) after(ctx context.Context, weight int, least time.Duration) bool {
	wait := min(mostPause, firstPause<<min(t.n, 8))
	wait = max(least, wait*3/4+rand.N(wait/2)) // many wait at the same time
	t.n++
	t.spent += wait * time.Duration(weight)
	if t.lease == nil || weight == 0 {
		if t.n > t.most {
			return false
		}
	} else if t.spent > mostPatience || !t.lease.Held() {
		return false
	}
	return pause(ctx, wait) == nil && (t.lease == nil || t.lease.Held())
}

// isNetwork reports whether an error is one of those by which connections to a
// server fail that is away, or whose way is disturbed.
func isNetwork(err error) bool {
	return err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) &&
		(errors.As(err, new(*net.OpError)) || utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) ||
			utilnet.IsProbableEOF(err) || utilnet.IsHTTP2ConnectionLost(err) || errors.Is(err, io.ErrUnexpectedEOF))
}

// isUnsent reports whether a request surely did not reach a server.
func isUnsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || utilnet.IsConnectionRefused(err)
}

// patience is the transport that repeats requests as Lease.Under promises, and a
// few times also questions that are not asked under a lock.
type patience struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p patience) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, asks := r.Context(), isQuestion(r)
	lease := leaseOf(ctx)
	if !asks && lease != nil && !lease.Held() {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, &notHeldError{lease.lostError()}
	}
	if isStream(r) || ctx.Value(atOnceKey{}) != nil {
		return p.next.RoundTrip(r)
	}
	t := newTries(ctx, fewTries)
	for sent := r; ; {
		resp, err := p.next.RoundTrip(sent)
		if err == nil && asks && resp.StatusCode < http.StatusMultipleChoices {
			if err = readWhole(resp); err != nil {
				resp = nil
			}
		}
		weight, repeat := judgeFault(r.Method, resp, err, asks, lease != nil)
		if !repeat || r.Body != nil && r.GetBody == nil || ctx.Err() != nil || !t.after(ctx, weight, retryAfter(resp)) {
			settled(resp, asks, lease != nil)
			return resp, err
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		sent = r.Clone(ctx)
		if r.GetBody != nil {
			body, bodyErr := r.GetBody()
			if bodyErr != nil {
				return nil, fmt.Errorf("send %s %s again: %w", r.Method, r.URL.Path, bodyErr)
			}
			sent.Body = body
		}
	}
}

// judgeFault decides whether a request may be sent again after what came back,
// and how much that costs of the patience.
func judgeFault(method string, resp *http.Response, err error, asks, locked bool) (weight int, repeat bool) {
	switch {
	case err != nil && !isNetwork(err):
		return 0, false
	case err != nil && isUnsent(err):
		return 1, locked // who waits for an answer is told that nobody is there
	case err != nil:
		return 1, asks
	case resp.StatusCode == http.StatusTooManyRequests: // nobody has looked at it
		return 1, locked || resp.Header.Get("Retry-After") == ""
	case resp.StatusCode == http.StatusInternalServerError && method != http.MethodGet && method != http.MethodDelete:
		return 0, false // it may be about the object: see dryRun
	case resp.StatusCode >= http.StatusInternalServerError:
		return weightOf(resp.StatusCode), asks && (locked || resp.Header.Get("Retry-After") == "")
	}
	return 0, false
}

// settled keeps client-go from sending again by itself what was sent again
// often enough, and writes that may have had their effect.
func settled(resp *http.Response, asks, locked bool) {
	if resp != nil && (locked || !asks && resp.StatusCode >= http.StatusInternalServerError) {
		resp.Header.Del("Retry-After")
	}
}

// retryAfter is how long the server wants to be left alone.
func retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, retryAfterMost)
}

// readWhole reads an answer to its end, so that one that is cut off is known
// here and not by who makes sense of it.
func readWhole(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return err
}

// isQuestion reports whether a request alters nothing in the cluster.
func isQuestion(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return true
	case http.MethodPost:
		return strings.Contains(r.URL.Path, "/selfsubject") || r.URL.Query().Get("dryRun") != ""
	case http.MethodDelete:
		return isDryDeletion(r)
	}
	return r.URL.Query().Get("dryRun") != ""
}

// isDryDeletion reads the options of a deletion, which are its body.
func isDryDeletion(r *http.Request) bool {
	if r.GetBody == nil {
		return false
	}
	body, err := r.GetBody()
	if err != nil {
		return false
	}
	defer func() { _ = body.Close() }()
	var opts metav1.DeleteOptions
	return json.NewDecoder(body).Decode(&opts) == nil && len(opts.DryRun) > 0
}

// isStream reports whether an answer is to be read while it arrives, or comes
// from somebody behind the API server.
func isStream(r *http.Request) bool {
	q := r.URL.Query()
	return q.Get("watch") != "" || q.Get("follow") != "" || strings.HasSuffix(r.URL.Path, "/log") ||
		strings.HasSuffix(r.URL.Path, "/proxy") || strings.Contains(r.URL.Path, "/proxy/")
}

// mayResend reports whether a write of a record failed in a way that leaves
// open whether it was done, or that says it was not looked at. Such a write is
// sent again only as it was, bound to the same reading.
func mayResend(err error) bool {
	return !errors.As(err, new(*notHeldError)) && (outcomeUnknown(err) || apierrors.IsTooManyRequests(err))
}
