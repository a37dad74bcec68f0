package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/cluster"
	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/notify"
	"github.com/fairtide-dev/fairtide/internal/registry"
	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo"
)

const defaultConfigFile = ".fairtide.yaml"

// engine wires the Git side and the Kubernetes side into the engine. It opens
// the repository; clusters, forge and registries are asked when they are
// needed.
func (p *program) engine(ctx context.Context) (*rollout.Engine, error) {
	path, err := p.repositoryPath()
	if err != nil {
		return nil, err
	}
	progress := p.progress
	if progress == nil {
		progress = p.printProgress()
	}
	r, err := repo.Open(ctx, repo.Options{
		Path: path, CacheDir: p.cacheDir(), Credentials: p.gitCredentials,
		Transport: repo.Transport(p.env("FAIRTIDE_GIT_TRANSPORT")), Progress: progress,
		Capabilities: (&capabilities{program: p}).of,
	})
	if err != nil {
		return nil, err
	}
	p.opened = r
	transport, err := registry.Mirrors(p.env("FAIRTIDE_REGISTRY_MIRRORS"), http.DefaultTransport)
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "FAIRTIDE_REGISTRY_MIRRORS: %w", err)
	}
	windows, err := p.calendars()
	if err != nil {
		return nil, err
	}
	host, err := p.hostname()
	if err != nil {
		host = "unknown-host"
	}
	return rollout.New(rollout.Config{
		Repository: repository{r},
		Connect:    p.connect,
		Forge:      p.forge,
		Calendars:  windows,
		Registry:   registry.New(registry.Config{Transport: transport, Insecure: registry.Loopback}),
		Notifier:   p.notifier,
		Lost:       p.lost,
		TestEnv:    p.testEnvironment(),
		File:       filepath.ToSlash(filepath.Clean(p.flags.config)),
		Context:    p.flags.context,
		Host:       host,
		ReadOnly:   p.flags.readOnly,
		Now:        p.now,
	}), nil
}

// fresh is the engine after fetching what was merged since. A remote that is
// away is said, and what is known already is worked with.
func (p *program) fresh(ctx context.Context) (*rollout.Engine, error) {
	e, err := p.engine(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.Refresh(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		known := "before"
		if at := e.Fetched(ctx).At; !at.IsZero() {
			known = at.Format(time.RFC3339)
		}
		_, _ = fmt.Fprintln(p.stderr, "fairtide: going on with what was fetched "+known+": "+sanitize.Text(err.Error()))
	}
	return e, nil
}

// progressPause is how often a command that waits for a fetch says how it gets
// on.
const progressPause = 2 * time.Second

// printProgress tells on stderr how a long fetch gets on. A short one is not
// mentioned.
func (p *program) printProgress() func(string) {
	var mu sync.Mutex
	last := p.now()
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if now := p.now(); now.Sub(last) >= progressPause || strings.HasPrefix(text, "fetching ") {
			last = now
			_, _ = fmt.Fprintln(p.stderr, "fairtide: "+sanitize.Line(text))
		}
	}
}

// repositoryPath is the path of a clone, or a URL.
func (p *program) repositoryPath() (string, error) {
	if repo.IsURL(p.flags.repo) {
		return p.flags.repo, nil
	}
	if p.flags.repo != "" {
		if _, err := os.Stat(p.flags.repo); err != nil {
			return "", model.Errorf(model.ExitUsage, "repository %s: %w; pass the path of a clone, or a URL, with --repo", p.flags.repo, err)
		}
		return p.flags.repo, nil
	}
	dir, err := p.workDir()
	if err != nil {
		return "", model.Errorf(model.ExitUsage, "the working directory cannot be read: %w; pass --repo", err)
	}
	return dir, nil
}

// cacheDir follows the XDG base directory specification.
func (p *program) cacheDir() string {
	if dir := p.env("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "fairtide")
	}
	if home := p.env("HOME"); home != "" {
		return filepath.Join(home, ".cache", "fairtide")
	}
	return ""
}

func (p *program) connect(kubeContext, stateNamespace string) (rollout.Cluster, error) {
	c, err := cluster.New(cluster.Config{
		Kubeconfig: p.flags.kubeconfig, Context: kubeContext, StateNamespace: stateNamespace,
		UserAgent: userAgent(), Now: p.now,
	})
	if err != nil {
		return nil, err
	}
	return connected{c}, nil
}

func userAgent() string { return "fairtide/" + version() }

// forge is the client for a remote's pull requests.
func (p *program) forge(ctx context.Context, remoteURL string) (rollout.Forge, error) {
	r, err := forge.ParseRemote(remoteURL)
	if err != nil {
		return nil, err
	}
	token, source, err := forge.FindToken(ctx, r.Host, p.tokenLookup())
	if err != nil {
		return nil, err
	}
	return forge.New(forge.Config{Repository: r, Token: token, TokenSource: source, UserAgent: userAgent(), Now: p.now}), nil
}

func (p *program) tokenLookup() forge.Lookup {
	return forge.Lookup{Env: p.env, ReadFile: os.ReadFile, Run: forge.RunCommand}
}

// gitCredentials gives git the forge's token for the forge's host. Without one
// git asks its own credential helpers.
func (p *program) gitCredentials(ctx context.Context, url string) (user, password string, ok bool) {
	r, err := forge.ParseRemote(url)
	if err != nil {
		return "", "", false
	}
	token, _, err := forge.FindToken(ctx, r.Host, p.tokenLookup())
	if err != nil {
		return "", "", false
	}
	return "x-access-token", token.Reveal(), true
}

// notifier is what tells others of a run, as the configuration has it.
func (p *program) notifier(n model.Notify) (rollout.Notifier, error) {
	if n.Slack == nil && len(n.Webhooks) == 0 {
		return nil, nil
	}
	lookup := notify.Lookup{Env: p.lookupEnv, File: os.ReadFile}
	cfg := notify.Config{Now: p.now}
	if n.Slack != nil {
		token, err := lookup.Resolve("notify.slack.token", n.Slack.Token)
		if err != nil {
			return nil, err
		}
		cfg.Slack = &notify.Slack{Token: token, Channel: n.Slack.Channel, API: n.Slack.APIURL}
	}
	for _, w := range n.Webhooks {
		hook, err := webhook(lookup, w)
		if err != nil {
			return nil, err
		}
		cfg.Webhooks = append(cfg.Webhooks, hook)
	}
	return notify.New(cfg), nil
}

// lost says what others were not told of a run. While the UI owns the terminal
// only the log has it.
func (p *program) lost(line string) {
	p.log.Warn("not told", "lost", line)
	if p.progress == nil {
		_, _ = fmt.Fprintln(p.stderr, "fairtide: "+sanitize.Line(line))
	}
}

func webhook(lookup notify.Lookup, w model.WebhookNotify) (notify.Webhook, error) {
	hook := notify.Webhook{Name: "webhook", URL: notify.NewSecret(w.URL)}
	var err error
	if strings.HasPrefix(w.URL, "${") {
		if hook.URL, err = lookup.Resolve("notify.webhooks.url", w.URL); err != nil {
			return notify.Webhook{}, err
		}
	}
	if w.Secret != "" {
		if hook.Key, err = lookup.Resolve("notify.webhooks.secret", w.Secret); err != nil {
			return notify.Webhook{}, err
		}
	}
	return hook, nil
}

// testEnvironment is what command tests inherit. Tokens are not in it.
func (p *program) testEnvironment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "KUBECONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY"} {
		if v, ok := p.lookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// connected fits a cluster.Client to what the engine asks for.
type connected struct{ *cluster.Client }

func (c connected) Lock(ctx context.Context, env string, ask model.LockAsk) (rollout.Lease, error) {
	l, err := c.Client.Lock(ctx, env, ask)
	if err != nil {
		return nil, err // not l: a nil *Lease is not a nil Lease
	}
	return l, nil
}

func (c connected) Sandboxed(objects []model.Object, from, to string) ([]model.Object, []string) {
	return cluster.Sandboxed(objects, c.Namespaced, from, to)
}

// repository fits a repo.Repo to what the engine asks for.
type repository struct{ *repo.Repo }

// CommitPatch commits as the operator, whom git knows. The commit is dated by
// what it is made on, so that the same draft made again is the same commit, and
// can be published after a first try that failed half-way.
func (r repository) CommitPatch(ctx context.Context, p model.Patch, title, body string) (string, error) {
	return r.Repo.CommitPatch(ctx, p, repo.CommitMessage{Title: title, Body: body})
}
