package calendars

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/ical"
)

const maxRedirects = 5

// address reads where a calendar is. Its errors do not repeat it.
func address(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return nil, errors.New("the calendar's address is no URL such as https://calendar.example/holidays.ics; correct the rule's url")
	}
	switch u.Scheme = strings.ToLower(u.Scheme); u.Scheme {
	case "webcal", "webcals":
		u.Scheme = "https"
	}
	u.Fragment, u.RawFragment = "", ""
	if !safe(u) {
		return nil, fmt.Errorf("the calendar at %s is not asked for by https; correct the rule's url", u.Host)
	}
	return u, nil
}

// safe reports whether an address can be asked without others listening.
func safe(u *url.URL) bool {
	switch u.Scheme {
	case "https":
		return true
	case "http":
		ip := net.ParseIP(u.Hostname())
		return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	return false
}

var (
	errUnsafe    = errors.New("leads to an address that is not https")
	errRedirects = errors.New("leads from one address to the next without end")
)

// client uses the transport of another, with our rules for redirects.
func client(from *http.Client) *http.Client {
	c := &http.Client{}
	if from != nil {
		c.Transport = from.Transport
	}
	c.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		next.Header.Del("Referer") // it would tell the address to another host
		switch {
		case !safe(next.URL) || next.URL.Scheme == "http" && before[len(before)-1].URL.Scheme == "https":
			return errUnsafe
		case len(before) >= maxRedirects:
			return errRedirects
		}
		return nil
	}
	return c
}

// get asks an address. The last answer is returned again if it is still right.
func (r *Reader) get(ctx context.Context, u *url.URL, last answer) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return answer{}, errors.New("the address cannot be asked; correct the rule's url")
	}
	req.Header.Set("Accept", "text/calendar, */*;q=0.1")
	req.Header.Set("User-Agent", "fairtide")
	if last.body != nil && last.etag != "" {
		req.Header.Set("If-None-Match", last.etag)
	}
	if last.body != nil && last.modified != "" {
		req.Header.Set("If-Modified-Since", last.modified)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return answer{}, r.why(u, err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusNotModified && last.body != nil:
		return last, nil
	case res.StatusCode != http.StatusOK:
		return answer{}, fmt.Errorf("%s answered %d %s%s", u.Hostname(), res.StatusCode, http.StatusText(res.StatusCode), hint(res.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, ical.MaxBytes+1))
	if err != nil {
		return answer{}, r.why(u, err)
	}
	if len(body) > ical.MaxBytes {
		return answer{}, fmt.Errorf("%s answered with more than %d MiB; take old events out of the calendar", u.Hostname(), ical.MaxBytes>>20)
	}
	return answer{body: body, etag: res.Header.Get("ETag"), modified: res.Header.Get("Last-Modified")}, nil
}

// hint says what to do about an answer.
func hint(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return "; check that the calendar is still shared at the rule's url"
	}
	return ""
}

// why tells an error of the network without the address, which those of
// net/http repeat.
func (r *Reader) why(u *url.URL, err error) error {
	host := u.Hostname()
	var (
		dns     *net.DNSError
		op      *net.OpError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		timeout net.Error
	)
	switch {
	case errors.Is(err, errUnsafe), errors.Is(err, errRedirects):
		if errors.Is(err, errUnsafe) {
			err = errUnsafe
		} else {
			err = errRedirects
		}
		return fmt.Errorf("%s %w; correct the rule's url", host, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s has not answered within %s", host, words(r.timeout))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s broke off its answer", host)
	case errors.As(err, &dns):
		return fmt.Errorf("the host %s cannot be found", host)
	case errors.As(err, &cert), errors.As(err, &unknown):
		return fmt.Errorf("the certificate of %s is not trusted", host)
	case errors.As(err, &op):
		return fmt.Errorf("%s cannot be reached: %s: %w", host, op.Op, op.Err)
	}
	return fmt.Errorf("%s cannot be reached", host)
}
