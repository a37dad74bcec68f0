package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxAnswer is how much is read of an answer.
const maxAnswer = 1 << 20

// attempts is how often one message is tried.
const attempts = 3

// failure is why a message did not get through.
type failure struct {
	text      string
	transient bool          // trying again may help
	after     time.Duration // but not before
	fatal     bool          // nothing will get through any more
	missing   bool          // the message to be updated is not there, or is not ours
}

func transient(after time.Duration, format string, args ...any) *failure {
	return &failure{text: fmt.Sprintf(format, args...), transient: true, after: after}
}

// deliver tries a message until it gets through, it is no use, or its time is
// over; a retry that would begin after that is not waited for.
func deliver(ctx context.Context, t Timing, try func(context.Context) *failure) *failure {
	ctx, cancel := context.WithTimeout(ctx, t.Cap)
	defer cancel()
	deadline, _ := ctx.Deadline()
	for i, pause := 1, t.Pause; ; i, pause = i+1, 2*pause {
		f := try(ctx)
		if f == nil || !f.transient || i == attempts {
			return f
		}
		delay := max(pause, f.after)
		if time.Now().Add(delay).After(deadline) || !sleep(ctx, delay) {
			return f
		}
	}
}

// sleep lets d pass; false: ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// post sends a JSON body. Rate limits, server errors and network errors come
// back as transient failures; every other answer as status and body.
func post(ctx context.Context, client *http.Client, address Secret, header http.Header, body []byte) (int, []byte, *failure) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.value(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, &failure{text: "its address is not a URL", fatal: true}
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "fairtide")
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, transient(0, "%s", address.scrub(networkError(ctx, err)))
	}
	defer func() { _ = resp.Body.Close() }() // it was read as far as it counts
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, transient(0, "the answer broke off")
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return 0, nil, transient(retryAfter(resp.Header), "rate limited")
	case resp.StatusCode >= http.StatusInternalServerError:
		return 0, nil, transient(retryAfter(resp.Header), "status %d", resp.StatusCode)
	}
	return resp.StatusCode, data, nil
}

// networkError leaves out the address, which may be a secret.
func networkError(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return "no answer in time"
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return clean(err.Error(), maxTitle)
}

// retryAfter reads the header in seconds, as Slack and most others write it.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// losses counts what was to be told and what was not.
type losses struct {
	total, lost int
	why         string // the last reason
}

func (l *losses) lose(n int, why string) {
	l.lost += n
	if why != "" {
		l.why = why
	}
}

func (l *losses) line(who string) string {
	if l.lost == 0 {
		return ""
	}
	line := fmt.Sprintf("%s: %d of %d messages could not be delivered", who, l.lost, l.total)
	if l.why != "" {
		line += ": " + l.why
	}
	return line
}
