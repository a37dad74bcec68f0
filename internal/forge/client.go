package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	defaultTimeout  = 20 * time.Second // GitHub gives up at 10 s itself
	defaultPatience = 30 * time.Second
	firstBackoff    = 300 * time.Millisecond
	readAttempts    = 3
	maxBody         = 32 << 20
	maxRedirects    = 5
	apiVersion      = "2022-11-28"
)

// Config says which repository, and how to reach its forge.
type Config struct {
	Repository  Repository
	Token       Token
	TokenSource string       // where it was found, for error texts
	HTTP        *http.Client // nil: one with the default transport; its CheckRedirect is replaced
	BaseURL     string       // root of the REST interface; empty: Repository.APIURL
	UserAgent   string       // empty: fairtide
	Timeout     time.Duration
	// Patience is the longest wait for a rate limit before giving up with an
	// error that says when to come back. Zero: 30 s.
	Patience time.Duration
	Now      func() time.Time                           // nil: time.Now
	Wait     func(context.Context, time.Duration) error // nil: waits
}

// GitHub is a client for one repository. Make it with New.
type GitHub struct {
	repo        Repository
	token       Token
	tokenSource string
	http        *http.Client
	base        string
	graphqlURL  string
	agent       string
	timeout     time.Duration
	patience    time.Duration
	now         func() time.Time
	wait        func(context.Context, time.Duration) error

	limits limits
	seen   cache
}

// New makes a client. It asks nothing: a missing or wrong token shows with the
// first call.
func New(c Config) *GitHub {
	g := &GitHub{
		repo: c.Repository, token: c.Token, tokenSource: c.TokenSource,
		base: strings.TrimSuffix(c.BaseURL, "/"), agent: c.UserAgent,
		timeout: c.Timeout, patience: c.Patience, now: c.Now, wait: c.Wait,
	}
	if g.base == "" {
		g.base = c.Repository.APIURL()
	}
	if rest, ok := strings.CutSuffix(g.base, "/api/v3"); ok {
		g.graphqlURL = rest + "/api/graphql"
	} else {
		g.graphqlURL = g.base + "/graphql"
	}
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = checkRedirect
	g.http = &client
	if g.agent == "" {
		g.agent = "fairtide"
	}
	if g.timeout <= 0 {
		g.timeout = defaultTimeout
	}
	if g.patience <= 0 {
		g.patience = defaultPatience
	}
	if g.now == nil {
		g.now = time.Now
	}
	if g.wait == nil {
		g.wait = pause
	}
	return g
}

// Repository is the one the client was made for.
func (g *GitHub) Repository() Repository { return g.repo }

// checkRedirect follows a renamed repository, and lets the token go to no
// other host: net/http would still send it to another port or a subdomain.
// A write is followed on the same host only, and only when it stays a write.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	same := next.URL.Host == first.URL.Host && next.URL.Scheme == first.URL.Scheme
	if len(via) >= maxRedirects || next.Method != first.Method || (!same && first.Method != http.MethodGet) {
		return http.ErrUseLastResponse
	}
	if !same {
		next.Header.Del("Authorization")
	}
	return nil
}

// call is one request.
type call struct {
	what     string // "read pull request #7", for errors
	method   string
	path     string // below the repository, or an absolute URL
	query    url.Values
	body     any
	resource string // rate limit it counts against; empty: core
	attempts int    // more than 1 for reads only
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// get reads JSON into out, and returns the answer for its headers.
func (g *GitHub) get(ctx context.Context, what, path string, query url.Values, out any) (answer, error) {
	return g.do(ctx, call{what: what, method: http.MethodGet, path: path, query: query, attempts: readAttempts}, out)
}

// write sends JSON once.
func (g *GitHub) write(ctx context.Context, what, method, path string, body, out any) (answer, error) {
	return g.do(ctx, call{what: what, method: method, path: path, body: body, attempts: 1}, out)
}

// do sends a call, as often as it may, and decodes a success into out. The
// answer is also returned with a Problem, for a caller who can do something
// about it.
func (g *GitHub) do(ctx context.Context, c call, out any) (answer, error) {
	a, err := g.send(ctx, c)
	if err != nil {
		var p *Problem
		if !errors.As(err, &p) {
			return a, fmt.Errorf("%s: cannot %s: %w", g.repo, c.what, err)
		}
		return a, g.fail(c.what, p)
	}
	if out == nil || len(a.body) == 0 {
		return a, nil
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return a, g.fail(c.what, &Problem{Kind: ErrUnavailable, Status: a.status, cause: err,
			Text: fmt.Sprintf("%s answered something that is not GitHub's (%s); is a proxy in between?", g.base, g.clean(err.Error()))})
	}
	return a, nil
}

// send is do without decoding; its error is a Problem, or ctx's.
func (g *GitHub) send(ctx context.Context, c call) (answer, error) {
	if c.resource == "" {
		c.resource = "core"
	}
	target, body, err := g.prepare(c)
	if err != nil {
		return answer{}, err
	}
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		if err := g.await(ctx, c.resource); err != nil {
			return answer{}, err
		}
		a, err := g.once(ctx, c.method, target, body)
		if err == nil && a.status < 300 {
			g.note(a, c.resource, "")
			return a, nil
		}
		p := g.judge(ctx, c, a, err)
		if ctx.Err() != nil {
			return a, ctx.Err()
		}
		again := errors.Is(p.Kind, ErrUnavailable) || errors.Is(p.Kind, ErrRateLimited)
		if !again || attempt >= c.attempts {
			return a, p
		}
		if errors.Is(p.Kind, ErrUnavailable) {
			if err := g.wait(ctx, backoff); err != nil {
				return a, err
			}
			backoff *= 2
		}
	}
}

// judge makes the Problem of an answer that is no success, or of none.
func (g *GitHub) judge(ctx context.Context, c call, a answer, err error) *Problem {
	if err != nil {
		p := &Problem{Kind: ErrUnavailable, cause: err}
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // its text has the whole URL
		}
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			p.Text = fmt.Sprintf("%s did not answer within %s; try again", g.base, g.timeout)
		} else {
			p.Text = fmt.Sprintf("cannot reach %s: %s", g.base, g.clean(err.Error()))
		}
		return c.unsure(p)
	}
	if g.note(a, c.resource, parseComplaint(a.body).Message) {
		return g.rateLimited(a.status, g.limits.blocked(c.resource))
	}
	return c.unsure(g.problem(a))
}

// unsure adds, to a write without a proper answer, what that means.
func (c call) unsure(p *Problem) *Problem {
	if errors.Is(p.Kind, ErrUnavailable) && c.method != http.MethodGet && c.resource != "graphql" {
		p.Text += "; whether it took effect is not known"
	}
	return p
}

// prepare makes the URL and the body, and refuses what must not be sent.
func (g *GitHub) prepare(c call) (target string, body []byte, err error) {
	if g.token.IsZero() {
		return "", nil, problemOf(noToken(g.repo.Host))
	}
	if !g.token.sendable() {
		return "", nil, &Problem{Kind: ErrUnauthorized, Text: fmt.Sprintf("the token%s holds spaces, line breaks or other characters no token has; set it again", g.origin())}
	}
	target = c.path
	if !strings.Contains(target, "://") {
		target = g.base + "/repos/" + url.PathEscape(g.repo.Owner) + "/" + url.PathEscape(g.repo.Name) + c.path
	}
	u, err := url.Parse(target)
	if err != nil {
		return "", nil, &Problem{Kind: ErrInvalid, Text: "the address of the forge is not a URL: " + g.clean(g.base), cause: err}
	}
	if u.Scheme != "https" && !loopback(u.Hostname()) {
		return "", nil, &Problem{Kind: ErrInvalid, Text: fmt.Sprintf("will not send the token to %s over plain http", u.Host)}
	}
	if c.query != nil {
		u.RawQuery = c.query.Encode()
	}
	if c.body != nil {
		if body, err = json.Marshal(c.body); err != nil {
			return "", nil, model.Errorf(model.ExitUnreachable, "make a request: %w", err)
		}
	}
	return u.String(), body, nil
}

// once sends one request and reads the whole answer. A GET whose last answer
// is known asks whether it has changed, which GitHub does not count.
func (g *GitHub) once(ctx context.Context, method, target string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", apiVersion)
	req.Header.Set("User-Agent", g.agent)
	req.Header.Set("Authorization", "Bearer "+g.token.Reveal())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	known, ok := g.seen.get(method, target)
	if ok {
		req.Header.Set("If-None-Match", known.header.Get("ETag"))
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return answer{}, err
	}
	if len(data) > maxBody {
		return answer{}, fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: data}
	if a.status == http.StatusNotModified && ok {
		g.note(a, "core", "")
		return known, nil
	}
	g.seen.put(method, target, a)
	return a, nil
}
