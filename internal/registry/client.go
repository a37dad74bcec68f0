package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Limits of what a registry may answer, so that a broken or hostile one cannot
// exhaust the program.
const (
	maxTags     = 200_000
	maxResponse = 32 << 20
	pageSize    = 1000
)

// Config is what a Client is made of. The zero value is ready for use.
type Config struct {
	Transport http.RoundTripper // default: http.DefaultTransport
	// Keychain finds credentials by registry. Default: what `docker login`
	// and the credential helpers of the operator's Docker or Podman
	// configuration know.
	Keychain authn.Keychain
	// Insecure says which hosts, with port, may be asked over plain HTTP.
	// Default: those on this machine.
	Insecure func(host string) bool
	Timeout  time.Duration // of one call with all its requests; default 30 s
	// Pause is how long the first of two retries waits. Default 200 ms.
	Pause time.Duration
}

// Client asks registries. It is safe for concurrent use.
type Client struct {
	cfg Config
}

// New makes a Client. It makes no network call.
func New(cfg Config) *Client {
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	if cfg.Keychain == nil {
		cfg.Keychain = authn.DefaultKeychain
	}
	if cfg.Insecure == nil {
		cfg.Insecure = Loopback
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Pause <= 0 {
		cfg.Pause = 200 * time.Millisecond
	}
	return &Client{cfg: cfg}
}

// Loopback reports whether host, with or without a port, is this machine.
func Loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// Tags lists the tags of a repository ("ghcr.io/acme/petstore"; a tag or
// digest in the reference does not matter) in the registry's order, all pages
// of it.
func (c *Client) Tags(ctx context.Context, repository string) ([]string, error) {
	image, err := ParseImage(repository)
	if err != nil {
		return nil, err
	}
	repo, err := name.NewRepository(image.Name(), c.nameOptions(image)...)
	if err != nil {
		return nil, badReference(repository, err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	tags, err := c.list(ctx, repo)
	if err != nil {
		image.Tag, image.Digest = "", ""
		return nil, c.explain(ctx, image, err)
	}
	return tags, nil
}

func (c *Client) list(ctx context.Context, repo name.Repository) ([]string, error) {
	puller, err := remote.NewPuller(c.options()...)
	if err != nil {
		return nil, err
	}
	lister, err := puller.Lister(ctx, repo)
	if err != nil {
		return nil, err
	}
	var tags []string
	for lister.HasNext() {
		page, err := lister.Next(ctx)
		if err != nil {
			return nil, err
		}
		if tags = append(tags, page.Tags...); len(tags) > maxTags {
			return nil, fmt.Errorf("more than %d tags", maxTags)
		}
	}
	return tags, nil
}

// Digest is the digest that an image's tag stands for now: of the index when
// the image has one per platform, so that it is good to pin.
func (c *Client) Digest(ctx context.Context, ref string) (string, error) {
	image, err := ParseImage(ref)
	if err != nil {
		return "", err
	}
	if image.Tag == "" && image.Digest == "" {
		image.Tag = name.DefaultTag
	}
	parsed, err := name.ParseReference(image.String(), c.nameOptions(image)...)
	if err != nil {
		return "", badReference(ref, err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	options := append(c.options(), remote.WithContext(ctx))
	head, err := remote.Head(parsed, options...)
	if err == nil {
		return head.Digest.String(), nil
	}
	// Answers to HEAD have no body to say why, and some registries do not
	// give the digest with them.
	full, err := remote.Get(parsed, options...)
	if err != nil {
		return "", c.explain(ctx, image, err)
	}
	return full.Digest.String(), nil
}

func (c *Client) options() []remote.Option {
	return []remote.Option{
		remote.WithTransport(guard{base: c.cfg.Transport, insecure: c.cfg.Insecure}),
		remote.WithAuthFromKeychain(c.cfg.Keychain),
		remote.WithUserAgent("fairtide"),
		remote.WithPageSize(pageSize),
		remote.WithRetryBackoff(remote.Backoff{Duration: c.cfg.Pause, Factor: 3, Jitter: 0.1, Steps: 3}),
	}
}

func (c *Client) nameOptions(i Image) []name.Option {
	if c.cfg.Insecure(i.Registry) {
		return []name.Option{name.Insecure}
	}
	return nil
}

// guard keeps credentials off plain HTTP, which the library would also try on
// private networks, and limits what is read of an answer.
type guard struct {
	base     http.RoundTripper
	insecure func(host string) bool
}

var errPlainHTTP = errors.New("plain HTTP is for registries on this machine only")

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !g.insecure(r.URL.Host) {
		return nil, errPlainHTTP
	}
	resp, err := g.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = limited{Reader: io.LimitReader(resp.Body, maxResponse), Closer: resp.Body}
	return resp, nil
}

type limited struct {
	io.Reader
	io.Closer
}

// withoutURL drops the addresses net/http puts around an error: they may hold
// a token in their query.
func withoutURL(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}
