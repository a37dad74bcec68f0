package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/accept"
	"github.com/fairtide-dev/fairtide/model"
)

var (
	_ accept.ServiceGetter = (*Client)(nil)

	serviceProxyResource = schema.GroupVersionResource{Version: "v1", Resource: "services/proxy"}
)

// ServiceGet asks a Service for a page through the API server's proxy. Port is
// a number or a name; port 443 and one called https are asked by HTTPS, whose
// certificate the API server does not check. Path begins with "/" and may have
// a query.
//
// Whatever the Service answers is no error, a redirect neither: it is not
// followed. It is an error with code model.ExitUnreachable when the API server
// answers in its stead, as for a Service that does not exist or has no ready
// pod. At most accept.MaxBody bytes of the body are read.
func (c *Client) ServiceGet(ctx context.Context, namespace, service, port, path string) (int, []byte, error) {
	what := fmt.Sprintf("service %s/%s:%s", namespace, service, port)
	for _, part := range []string{namespace, service, port} {
		if part == "" || strings.ContainsAny(part, "/:?#%. ") {
			return 0, nil, model.Errorf(model.ExitUsage, "%s: not a service; write it as NAMESPACE/NAME:PORT", plainLine(what, wordsMost))
		}
	}
	name := service + ":" + port
	if port == "443" || port == "https" {
		name = "https:" + name
	}
	// The path is added as it is: the client library would clean it.
	address := c.disco.RESTClient().Get().AbsPath("/api/v1/namespaces", namespace, "services", name, "proxy").URL().String()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+path, nil)
	if err != nil {
		return 0, nil, model.Errorf(model.ExitUsage, "%s: its path is not that of a URL", what)
	}
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	client := *c.http
	// A redirect would carry the cluster's credentials to another host.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return 0, nil, fmt.Errorf("%s: no answer: %w", what, ctx.Err())
		}
		return 0, nil, fmt.Errorf("%s: %w", what, c.unreachable(withoutAddress(err)))
	}
	defer func() { _ = resp.Body.Close() }() // it was read as far as it counts
	body, err := io.ReadAll(io.LimitReader(resp.Body, accept.MaxBody))
	if err != nil {
		return 0, nil, fmt.Errorf("%s: status %d, but the body broke off: %w", what, resp.StatusCode, cmp.Or(ctx.Err(), err))
	}
	if status, ok := ownAnswer(resp, body); ok {
		return 0, nil, c.proxyError(what, namespace, service, status)
	}
	return resp.StatusCode, body, nil
}

// ownAnswer reads an answer that is the API server's and not the Service's.
// Only its form tells: a Status with the answer's own code.
func ownAnswer(resp *http.Response, body []byte) (metav1.Status, bool) {
	var status metav1.Status
	if resp.StatusCode < http.StatusBadRequest || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return status, false
	}
	if err := json.Unmarshal(body, &status); err != nil {
		return status, false
	}
	return status, status.Kind == "Status" && status.APIVersion == "v1" &&
		status.Status == metav1.StatusFailure && int(status.Code) == resp.StatusCode
}

// proxyError says why the API server could not ask the Service, and what to do.
func (c *Client) proxyError(what, namespace, service string, s metav1.Status) error {
	words := plainLine(s.Message, wordsMost)
	because := func(format string, args ...any) error {
		return model.Errorf(model.ExitUnreachable, "%s: %s", what, fmt.Sprintf(format, args...))
	}
	switch {
	case s.Code == http.StatusNotFound:
		return because("there is no such Service; check its name and namespace in the test, and whether it was applied")
	case s.Code == http.StatusForbidden:
		return because("%s", forbidden("get", serviceProxyResource, namespace))
	case s.Code == http.StatusUnauthorized:
		return because("the API server at %s does not accept the credentials; log in again, or check the kubeconfig's user", c.rest.Host)
	case strings.Contains(s.Message, "no endpoints available"):
		return because("no pod of it is ready, or it has no such port; look at the Service's ports and at the pods its selector matches")
	case strings.Contains(s.Message, "no service port"):
		return because("it has no such port; look at the ports of Service %s", service)
	case strings.Contains(s.Message, "error trying to reach service"):
		_, why, _ := strings.Cut(words, "error trying to reach service: ")
		return because("its pod does not answer: %s; check its targetPort, and whether the API server may reach the pods", cmp.Or(why, words))
	}
	return because("the API server answers %s: %s", statusWords(s), words)
}

// withoutAddress drops the address that net/http repeats: a query may hold a
// token.
func withoutAddress(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}
