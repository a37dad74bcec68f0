package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	inprocess "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/fairtide-dev/fairtide/model"
)

func TestParseImage(t *testing.T) {
	const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for _, c := range []struct {
		ref  string
		want Image
	}{
		{"redis", Image{Registry: "docker.io", Repository: "library/redis"}},
		{"acme/petstore:1.4", Image{Registry: "docker.io", Repository: "acme/petstore", Tag: "1.4"}},
		{"ghcr.io/acme/petstore:v1.4.2", Image{Registry: "ghcr.io", Repository: "acme/petstore", Tag: "v1.4.2"}},
		{"localhost:5000/petstore", Image{Registry: "localhost:5000", Repository: "petstore"}},
		{"127.0.0.1:5000/a/b:1", Image{Registry: "127.0.0.1:5000", Repository: "a/b", Tag: "1"}},
		{"ghcr.io/acme/petstore@" + digest, Image{Registry: "ghcr.io", Repository: "acme/petstore", Digest: digest}},
		{"ghcr.io/acme/petstore:1.4@" + digest, Image{Registry: "ghcr.io", Repository: "acme/petstore", Tag: "1.4", Digest: digest}},
	} {
		got, err := ParseImage(c.ref)
		if err != nil || got != c.want {
			t.Errorf("ParseImage(%q) = %+v, %v; want %+v", c.ref, got, err, c.want)
			continue
		}
		if again, err := ParseImage(got.String()); err != nil || again != got {
			t.Errorf("ParseImage(%q) = %+v, %v; want %+v", got.String(), again, err, got)
		}
	}
	for _, bad := range []string{"", ":", "UPPER/case:1", "a:", "a@sha256:12", "a b", "a:b:c", "x\x1b[2J:1", "a@b@c"} {
		got, err := ParseImage(bad)
		if err == nil || model.CodeOf(err, 0) != model.ExitUsage || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("ParseImage(%q) = %+v, %v; want a usage error", bad, got, err)
		}
	}
}

// serve starts an in-process registry with the tags and returns its host.
func serve(t *testing.T, repository string, tags ...string) string {
	t.Helper()
	server := httptest.NewServer(inprocess.New(inprocess.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags {
		ref, err := name.NewTag(host + "/" + repository + ":" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image, remote.WithContext(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	return host
}

// anonymous keeps the credentials of whoever runs the tests out of them.
var anonymous = authn.NewMultiKeychain()

func client() *Client {
	return New(Config{Keychain: anonymous, Timeout: 10 * time.Second, Pause: time.Millisecond})
}

func TestTagsAndDigestFromARegistry(t *testing.T) {
	host := serve(t, "acme/petstore", "1.4.0", "1.4.1", "latest")
	tags, err := client().Tags(t.Context(), host+"/acme/petstore:1.4.0")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(tags)
	if want := []string{"1.4.0", "1.4.1", "latest"}; !slices.Equal(tags, want) {
		t.Errorf("tags %q, want %q", tags, want)
	}
	digest, err := client().Digest(t.Context(), host+"/acme/petstore:1.4.1")
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := client().Digest(t.Context(), host+"/acme/petstore:no-such-tag@"+digest)
	if err != nil || pinned != digest || !strings.HasPrefix(digest, "sha256:") {
		t.Errorf("digest %q, by digest %q, %v", digest, pinned, err)
	}
	if latest, err := client().Digest(t.Context(), host+"/acme/petstore"); err != nil || latest != digest {
		t.Errorf("without a tag: %q, %v; want %q", latest, err, digest)
	}
}

func TestWhatIsMissing(t *testing.T) {
	host := serve(t, "acme/petstore", "1.4.0")
	_, err := client().Tags(t.Context(), host+"/acme/petsore")
	checkError(t, err, ErrNotFound, host+"/acme/petsore does not exist")
	_, err = client().Digest(t.Context(), host+"/acme/petstore:9.9.9")
	checkError(t, err, ErrNotFound, host+"/acme/petstore:9.9.9 does not exist")
}

func checkError(t *testing.T, err, kind error, text string) {
	t.Helper()
	if !errors.Is(err, kind) || model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), text) {
		t.Errorf("got %q (code %d), want %q with %q", err, model.CodeOf(err, 0), kind, text)
	}
}

// paging serves a repository's tags in pages, as registries do and the
// in-process one does not.
func paging(t *testing.T, tags []string, absolute bool) (host string, pages *atomic.Int32) {
	t.Helper()
	pages = &atomic.Int32{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v2/acme/petstore/tags/list", func(w http.ResponseWriter, r *http.Request) {
		pages.Add(1)
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		if err != nil || n > 10 {
			n = 10 // a registry may give less than it was asked for
		}
		from := 0
		if last := r.URL.Query().Get("last"); last != "" {
			from = slices.Index(tags, last) + 1
		}
		to := min(from+n, len(tags))
		if to < len(tags) {
			next := fmt.Sprintf("/v2/acme/petstore/tags/list?n=%d&last=%s", n, tags[to-1])
			if absolute {
				next = "http://" + r.Host + next
			}
			w.Header().Set("Link", "<"+next+`>; rel="next"`)
		}
		_, _ = fmt.Fprintf(w, `{"name":"acme/petstore","tags":["%s"]}`, strings.Join(tags[from:to], `","`))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), pages
}

func TestTagsOfAllPages(t *testing.T) {
	for _, count := range []int{1, 9, 10, 11, 95} {
		for _, absolute := range []bool{false, true} {
			tags := make([]string, 0, count)
			for i := range count {
				tags = append(tags, fmt.Sprintf("1.0.%d", i))
			}
			host, pages := paging(t, tags, absolute)
			got, err := client().Tags(t.Context(), host+"/acme/petstore")
			if err != nil || !slices.Equal(got, tags) {
				t.Errorf("%d tags, absolute links %v: got %d, %v", count, absolute, len(got), err)
			}
			if want := int32((count + 9) / 10); pages.Load() != want {
				t.Errorf("%d tags: %d pages, want %d", count, pages.Load(), want)
			}
		}
	}
}

// A page may not lead to another host: the credentials would go there.
func TestPagesStayOnTheRegistry(t *testing.T) {
	other, asked := paging(t, []string{"6.6.6"}, false)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		w.Header().Set("Link", "<http://"+other+`/v2/acme/petstore/tags/list>; rel="next"`)
		_, _ = io.WriteString(w, `{"tags":["1.0"]}`)
	}))
	defer server.Close()
	got, err := client().Tags(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/acme/petstore")
	if err == nil || asked.Load() != 0 {
		t.Errorf("got %q, %v; the other host was asked %d times", got, err, asked.Load())
	}
}

// answer serves one status for everything but the ping.
func answer(t *testing.T, status int, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		kind   error
		text   string
	}{
		{401, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, ErrUnauthorized, "docker login"},
		{403, `{"errors":[{"code":"DENIED","message":"no \u001b[2Jaccess"}]}`, ErrUnauthorized, "403 Forbidden; DENIED: no access"},
		{404, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, ErrNotFound, "404 Not Found; NAME_UNKNOWN"},
		{429, `{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit"}]}`, ErrRateLimited, "pull rate limit"},
		{500, `<html>oops</html>`, ErrUnreachable, "500 Internal Server Error; try again later"},
		{200, `not json`, ErrUnreachable, "cannot be asked for acme/petstore"},
	} {
		host := answer(t, c.status, c.body)
		_, err := client().Tags(t.Context(), host+"/acme/petstore")
		checkError(t, err, c.kind, c.text)
		if c.status == 200 {
			continue
		}
		_, err = client().Digest(t.Context(), host+"/acme/petstore:1")
		checkError(t, err, c.kind, c.text)
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = client().Tags(t.Context(), host+"/acme/petstore")
	checkError(t, err, ErrUnreachable, "registry "+host+" cannot be asked for acme/petstore: dial tcp")
	if strings.Contains(err.Error(), "/v2/") {
		t.Errorf("the address is in the error: %v", err)
	}
}

func TestSlowRegistry(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	host := strings.TrimPrefix(server.URL, "http://")
	slow := New(Config{Keychain: anonymous, Timeout: 50 * time.Millisecond, Pause: time.Millisecond})
	_, err := slow.Tags(t.Context(), host+"/acme/petstore")
	checkError(t, err, ErrUnreachable, "did not answer within 50ms")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client().Digest(ctx, host+"/acme/petstore:1")
	checkError(t, err, ErrUnreachable, "interrupted")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

// The library would ask a host of a private network over plain HTTP.
func TestNoPlainHTTPToOthers(t *testing.T) {
	var asked atomic.Int32
	host := answer(t, 200, `{"tags":["1"]}`)
	c := New(Config{Keychain: anonymous, Pause: time.Millisecond, Insecure: func(string) bool { return false },
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Scheme == "http" {
				asked.Add(1)
			}
			return http.DefaultTransport.RoundTrip(r)
		})})
	_, err := c.Tags(t.Context(), host+"/acme/petstore")
	if !errors.Is(err, ErrUnreachable) || asked.Load() != 0 {
		t.Errorf("got %v after %d requests in plain HTTP", err, asked.Load())
	}
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "[::1]:5000": true, "::1": true,
		"registry.localhost:5000": true, "10.0.0.1:5000": false, "ghcr.io": false, "localhost.example.com": false,
	} {
		if Loopback(host) != want {
			t.Errorf("Loopback(%q) = %v", host, !want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Credentials of the keychain are used, and are in no error.
func TestCredentials(t *testing.T) {
	const password = "s3cr3t-registry-password"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, pass, _ := r.BasicAuth(); user != "op1" || pass != password || strings.Contains(r.URL.Path, "private") {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"tags":["1.0"]}`)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	c := New(Config{Keychain: login{password}, Pause: time.Millisecond})
	tags, err := c.Tags(t.Context(), host+"/acme/petstore")
	if err != nil || !slices.Equal(tags, []string{"1.0"}) {
		t.Errorf("tags %q, %v", tags, err)
	}
	_, err = c.Tags(t.Context(), host+"/acme/private")
	checkError(t, err, ErrUnauthorized, "docker login "+host)
	if strings.Contains(err.Error(), password) {
		t.Error("the password is in the error")
	}
	_, err = client().Tags(t.Context(), host+"/acme/petstore")
	checkError(t, err, ErrUnauthorized, "docker login "+host)
}

type login struct{ password string }

func (l login) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: "op1", Password: l.password}), nil
}
