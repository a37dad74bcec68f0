package registry

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// mirror sends requests for some registries to others that hold the same
// images.
type mirror struct {
	next http.RoundTripper
	to   map[string]*url.URL // by the host that image names have
}

// Mirrors reads "HOST=URL" pairs separated by commas, such as
// "ghcr.io=http://127.0.0.1:5000", and gives a transport that asks those
// instead. Plain HTTP is for loopback only. An empty text gives next itself.
func Mirrors(text string, next http.RoundTripper) (http.RoundTripper, error) {
	if strings.TrimSpace(text) == "" {
		return next, nil
	}
	m := mirror{next: next, to: map[string]*url.URL{}}
	for _, pair := range strings.Split(text, ",") {
		host, target, ok := strings.Cut(strings.TrimSpace(pair), "=")
		u, err := url.Parse(target)
		if !ok || host == "" || err != nil || u.Host == "" || u.User != nil {
			return nil, fmt.Errorf("%q is not HOST=URL, such as ghcr.io=https://mirror.example", pair)
		}
		if u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u.Hostname())) {
			return nil, fmt.Errorf("mirror %s: use https; plain http is for this machine only", target)
		}
		m.to[host] = u
	}
	return m, nil
}

// RoundTrip implements http.RoundTripper.
func (m mirror) RoundTrip(req *http.Request) (*http.Response, error) {
	u, ok := m.to[req.URL.Host]
	if !ok {
		return m.next.RoundTrip(req)
	}
	// What a registry's host was given is not the mirror's to see.
	there := req.Clone(req.Context())
	there.URL.Scheme, there.URL.Host, there.Host = u.Scheme, u.Host, u.Host
	there.Header.Del("Authorization")
	resp, err := m.next.RoundTrip(there)
	if err != nil {
		return nil, err
	}
	// For the client the answer is the registry's, by the registry's protocol.
	resp.Request = req
	return resp, nil
}
