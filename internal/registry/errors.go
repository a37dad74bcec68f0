package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// What can go wrong with a registry, for errors.Is. The error text says more;
// its exit code is always model.ExitUnreachable.
var (
	ErrUnreachable  = errors.New("registry unreachable")
	ErrUnauthorized = errors.New("registry refuses access")
	ErrNotFound     = errors.New("image not found")
	ErrRateLimited  = errors.New("registry limits the rate of requests")
)

// explained carries one of the errors above beside a text of its own.
type explained struct {
	text string
	kind error
	err  error
}

func (e *explained) Error() string   { return e.text }
func (e *explained) Unwrap() []error { return []error{e.kind, e.err} }

// explain says what a failed call means to an operator.
func (c *Client) explain(ctx context.Context, image Image, err error) error {
	kind, text := ErrUnreachable, ""
	var answer *transport.Error
	switch {
	case errors.As(err, &answer):
		text, kind = refusal(image, answer)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		text = fmt.Sprintf("registry %s did not answer within %s; check the network, or try again later",
			image.Registry, c.cfg.Timeout)
	case errors.Is(err, context.Canceled):
		text = fmt.Sprintf("asking registry %s was interrupted", image.Registry)
	case errors.Is(err, errPlainHTTP):
		text = fmt.Sprintf("registry %s: %s; serve it over HTTPS", image.Registry, errPlainHTTP)
	default:
		text = fmt.Sprintf("registry %s cannot be asked for %s: %s; check the name, the network and the proxy settings",
			image.Registry, image.Repository, brief(withoutURL(err).Error()))
	}
	return &model.Error{Code: model.ExitUnreachable, Err: &explained{text: text, kind: kind, err: err}}
}

// refusal explains an answer other than success.
func refusal(image Image, answer *transport.Error) (text string, kind error) {
	why := reason(answer)
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("registry %s refuses access to %s (%s): it is private or does not exist; log in with `docker login %[1]s`, or set up its credential helper",
			image.Registry, image.Repository, why), ErrUnauthorized
	case http.StatusNotFound:
		return fmt.Sprintf("image %s does not exist in its registry (%s); check the name and the tag", image, why), ErrNotFound
	case http.StatusTooManyRequests:
		return fmt.Sprintf("registry %s limits the rate of requests (%s); log in for a higher limit, or try again later",
			image.Registry, why), ErrRateLimited
	}
	return fmt.Sprintf("registry %s answered for %s: %s; try again later", image.Registry, image.Repository, why), ErrUnreachable
}

// reason is the status, with the registry's own codes when it gave any.
func reason(answer *transport.Error) string {
	parts := []string{fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode))}
	for _, d := range answer.Errors {
		if d.Message != "" {
			parts = append(parts, fmt.Sprintf("%s: %s", d.Code, d.Message))
		} else {
			parts = append(parts, string(d.Code))
		}
	}
	return brief(strings.Join(parts, "; "))
}

// brief makes a registry's words safe to print and short enough for a line.
func brief(s string) string {
	const limit = 200
	s = sanitize.Line(s)
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}
