package forge

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// What an error of this package can be; ask with errors.Is.
var (
	ErrNoToken      = errors.New("no token")
	ErrUnauthorized = errors.New("the token was refused")
	ErrForbidden    = errors.New("the token may not do this")
	ErrNotFound     = errors.New("not found")
	ErrRateLimited  = errors.New("rate limited")
	ErrInvalid      = errors.New("refused as invalid")
	ErrUnavailable  = errors.New("the forge did not answer properly")
	ErrExists       = errors.New("exists already")
	ErrHeadMoved    = errors.New("the head has moved")
	ErrNotMergeable = errors.New("cannot be merged now")
	ErrClosed       = errors.New("is not open")
)

// Problem is what stands behind every error of this package.
type Problem struct {
	Kind    error     // one of the Err values
	Text    string    // what happened and what to do, without the token
	Status  int       // the HTTP status; 0: no answer, or none was asked for
	RetryAt time.Time // when asking again makes sense; zero: unknown
	cause   error
}

func (p *Problem) Error() string { return p.Text }

// Unwrap gives the kind, and the cause if there is one.
func (p *Problem) Unwrap() []error {
	if p.cause == nil {
		return []error{p.Kind}
	}
	return []error{p.Kind, p.cause}
}

// fail says what could not be done, to which repository, and why.
func (g *GitHub) fail(what string, p *Problem) error {
	return g.failAs(model.ExitUnreachable, what, p)
}

func (g *GitHub) failAs(code model.ExitCode, what string, p *Problem) error {
	return model.Errorf(code, "%s: cannot %s: %w", g.repo, what, p)
}

// problemOf is the Problem in err's chain, or an empty one.
func problemOf(err error) *Problem {
	if p := new(Problem); errors.As(err, &p) {
		return p
	}
	return &Problem{}
}

// maxMessage keeps a page of HTML out of an error text.
const maxMessage = 300

// clean makes text of the forge's fit for an error: one line, no control
// characters, not long, and without the token should it be echoed.
func (g *GitHub) clean(s string) string {
	if t := g.token.Reveal(); t != "" {
		s = strings.ReplaceAll(s, t, hidden)
	}
	s = strings.TrimSpace(sanitize.Line(s))
	if r := []rune(s); len(r) > maxMessage {
		s = string(r[:maxMessage]) + "…"
	}
	return s
}

// complaint is the body of an answer that is not a success.
type complaint struct {
	Message string          `json:"message"`
	Errors  json.RawMessage `json:"errors"` // a list, or one text
}

func parseComplaint(body []byte) complaint {
	var c complaint
	if json.Unmarshal(body, &c) != nil {
		return complaint{} // a page of a proxy's, or nothing
	}
	return c
}

// text joins the message with what the single errors add: each is a string,
// or says in which field of what the trouble is.
func (c complaint) text() string {
	parts := []string{c.Message}
	var list []json.RawMessage
	if json.Unmarshal(c.Errors, &list) != nil {
		list = []json.RawMessage{c.Errors}
	}
	for _, raw := range list {
		var s string
		var e struct{ Resource, Field, Code, Message string }
		if json.Unmarshal(raw, &s) != nil && json.Unmarshal(raw, &e) == nil {
			if s = e.Message; s == "" {
				s = strings.TrimSpace(e.Resource + " " + e.Field + " " + e.Code)
			}
		}
		if s != "" && !slices.Contains(parts, s) {
			parts = append(parts, s)
		}
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

// problem explains an answer that is not a success.
func (g *GitHub) problem(a answer) *Problem {
	c := parseComplaint(a.body)
	message := g.clean(c.text())
	p := &Problem{Status: a.status}
	switch {
	case a.status == http.StatusUnauthorized:
		p.Kind = ErrUnauthorized
		p.Text = fmt.Sprintf("the token%s was refused: it is wrong, expired or revoked", g.origin())
	case a.status == http.StatusForbidden:
		p.Kind, p.Text = ErrForbidden, fmt.Sprintf("the token%s may not: %s%s", g.origin(), message, g.needed(a.header))
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		p.Kind, p.Text = ErrNotFound, fmt.Sprintf("not found: the name is wrong, or the token%s has no access to it%s", g.origin(), g.needed(a.header))
	case a.status >= 500:
		p.Kind, p.Text = ErrUnavailable, fmt.Sprintf("the forge answered %d %s; try again", a.status, http.StatusText(a.status))
	case a.status >= 300 && a.status < 400:
		p.Kind = ErrNotFound
		p.Text = fmt.Sprintf("it has moved to %s; update the remote's URL", g.clean(a.header.Get("Location")))
	default:
		p.Kind, p.Text = ErrInvalid, fmt.Sprintf("the forge refused: %s (%d)", message, a.status)
	}
	return p
}

// origin says where the token was found, so that the right one is replaced.
func (g *GitHub) origin() string {
	if g.tokenSource == "" {
		return ""
	}
	return " from " + g.tokenSource
}

// needed says what the token lacks, from the headers GitHub sends: the
// permissions of a fine-grained token, the scopes of a classic one, or an
// organisation's single sign-on.
func (g *GitHub) needed(h http.Header) string {
	if sso := h.Get("X-GitHub-SSO"); strings.HasPrefix(sso, "required") {
		_, url, _ := strings.Cut(sso, "url=")
		return "; authorise it for the organisation's single sign-on: " + g.clean(url)
	}
	if p := h.Get("X-Accepted-GitHub-Permissions"); p != "" {
		return " (needs " + g.clean(p) + ")"
	}
	has := h.Get("X-OAuth-Scopes")
	if scopes := h.Get("X-Accepted-OAuth-Scopes"); scopes != "" && has != "" {
		return fmt.Sprintf(" (needs one of the scopes %q, has %q)", g.clean(scopes), g.clean(has))
	}
	return ""
}
