package forge

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// secondaryWait is how long to stay away after a secondary limit that does not
// say how long: GitHub's rate limit page asks for at least a minute.
const secondaryWait = time.Minute

// limits remembers until when the forge wants no requests. A request that is
// certain to be refused is not sent: going on may get the token banned.
type limits struct {
	mu    sync.Mutex
	until map[string]time.Time // by resource: "core", "graphql"; "" for all
}

func (l *limits) block(resource string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = map[string]time.Time{}
	}
	if until.After(l.until[resource]) {
		l.until[resource] = until
	}
}

func (l *limits) blocked(resource string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all := l.until[""]; all.After(l.until[resource]) {
		return all
	}
	return l.until[resource]
}

// note records what an answer's headers say about the limits, and reports
// whether the answer is a refusal because of them.
func (g *GitHub) note(a answer, resource string, message string) (limited bool) {
	h, now := a.header, g.now()
	if r := h.Get("X-RateLimit-Resource"); r != "" {
		resource = r
	}
	refused := a.status == http.StatusForbidden || a.status == http.StatusTooManyRequests
	if h.Get("X-RateLimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			wait := time.Unix(reset, 0).Sub(serverTime(h, now))
			if limited = refused; limited { // clocks may differ, the refusal stands
				wait = max(wait, time.Second)
			}
			g.limits.block(resource, now.Add(wait))
		}
	}
	if !refused {
		return false
	}
	if wait, ok := retryAfter(h, now); ok {
		g.limits.block("", now.Add(wait))
		return true
	}
	if limited {
		return true
	}
	if a.status == http.StatusTooManyRequests || strings.Contains(strings.ToLower(message), "secondary rate limit") {
		g.limits.block("", now.Add(secondaryWait))
		return true
	}
	return false
}

// serverTime is the forge's clock, by which it counts; ours may be off.
func serverTime(h http.Header, now time.Time) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return now
}

func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return time.Duration(s) * time.Second, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(serverTime(h, now))), true
	}
	return 0, false
}

// await waits until a request may be sent. It does not begin to wait when
// that would take longer than the patience or ctx allow: then it says when.
func (g *GitHub) await(ctx context.Context, resource string) error {
	now := g.now()
	until := g.limits.blocked(resource)
	wait := until.Sub(now)
	if wait <= 0 {
		return nil
	}
	deadline, bounded := ctx.Deadline()
	if wait <= g.patience && (!bounded || time.Until(deadline) > wait) {
		return g.wait(ctx, wait)
	}
	return g.rateLimited(0, until)
}

// rateLimited says when to come back.
func (g *GitHub) rateLimited(status int, until time.Time) *Problem {
	return &Problem{
		Kind: ErrRateLimited, Status: status, RetryAt: until,
		Text: fmt.Sprintf("the forge's rate limit for the token%s is used up; try again at %s (in %s)",
			g.origin(), until.UTC().Format("15:04:05 UTC"), roughly(until.Sub(g.now()))),
	}
}

// roughly rounds up: coming back a second early costs another round.
func roughly(d time.Duration) string {
	unit := time.Second
	if d >= time.Minute {
		unit = time.Minute
	}
	s := (d + unit - 1).Truncate(unit).String()
	if unit == time.Minute {
		s = strings.TrimSuffix(s, "0s")
	}
	return s
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
