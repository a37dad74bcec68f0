package repo

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/config"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// gitRun is one run of the git command. Secrets are in its environment only:
// a command line is for everybody on the machine to read.
type gitRun struct {
	dir     string // GIT_DIR
	args    []string
	config  [][2]string
	secrets []string // that must not get into an error
}

// gitError is what git said when it went wrong, without secrets.
type gitError struct {
	stdout string
	text   string
	err    error
}

func (e *gitError) Error() string { return e.text }
func (e *gitError) Unwrap() error { return e.err }

// keptEnv are the GIT_ variables that say how the operator's git reaches a
// server. The others would point git at another repository.
var keptEnv = []string{
	"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
	"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY", "GIT_EXEC_PATH", "GIT_PROXY_COMMAND",
}

func (g gitRun) environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "GIT_") && name != "LC_ALL" && name != "LANGUAGE" || slices.Contains(keptEnv, name) {
			env = append(env, kv)
		}
	}
	env = append(env, "GIT_DIR="+g.dir, "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0",
		fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(g.config)))
	for i, kv := range g.config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, kv[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, kv[1]))
	}
	return env
}

func (g gitRun) run(ctx context.Context) (string, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return "", model.Errorf(model.ExitUnreachable, "the git command is not on PATH; install git: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, g.args...)
	cmd.Dir = g.dir
	cmd.Env = g.environment()
	detach(cmd)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if err == nil {
		return stdout.String(), nil
	}
	if ctx.Err() != nil {
		return "", model.Errorf(model.ExitInterrupted, "git %s: %w", g.args[0], ctx.Err())
	}
	return "", &gitError{stdout: stdout.String(), text: g.clean(stderr.String()), err: err}
}

var userinfo = regexp.MustCompile(`(://)[^/@\s'"]*@`)

// clean makes one line of what git said, without secrets.
func (g gitRun) clean(text string) string {
	for _, s := range g.secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "…")
		}
	}
	text = redact(text)
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimPrefix(oneLine(line), "fatal: "), "error: ")
		if line != "" && !strings.HasPrefix(line, "hint:") {
			lines = append(lines, line)
		}
	}
	const most = 4
	return sanitize.Line(strings.Join(lines[:min(most, len(lines))], "; "))
}

// redact takes users and passwords out of the URLs in a text.
func redact(text string) string { return userinfo.ReplaceAllString(text, "$1") }

// learnRemote reads where the remote is, as it is written: go-git applies only
// some of the rewriting rules, and git applies them again.
func (r *Repo) learnRemote(cfg *config.Config) {
	sub := cfg.Raw.Section("remote").Subsection(r.remote)
	r.url = r.absolute(sub.Option("url"))
	r.pushURL = r.absolute(sub.Option("pushurl"))
	if r.pushURL == "" {
		r.pushURL = r.url
	}
}

// absolute makes the path of a remote on this machine independent of where git
// runs.
func (r *Repo) absolute(remote string) string {
	scp := strings.Contains(strings.SplitN(remote, "/", 2)[0], ":")
	if remote == "" || scp || filepath.IsAbs(remote) {
		return remote
	}
	return filepath.Join(r.store.at.top, remote)
}

// RemoteURL is where the remote is, as the clone is configured, without the
// user and password an http URL may hold; empty when there is no remote.
func (r *Repo) RemoteURL() string {
	if strings.HasPrefix(r.url, "ssh://") {
		return r.url
	}
	return redact(r.url)
}

const remoteName = "fairtide" // of the remote, in the configuration of one run

// remoteRun prepares a run of git that talks to the remote.
func (r *Repo) remoteRun(ctx context.Context, remote string, args ...string) (gitRun, error) {
	g := gitRun{dir: r.own.dir, args: args}
	inherited, err := r.inherited()
	if err != nil {
		return g, err
	}
	g.config = append(inherited,
		[2]string{"remote." + remoteName + ".url", remote},
		[2]string{"core.hooksPath", os.DevNull}, // the operator's hooks are for the operator's commits
		[2]string{"gc.auto", "0"},
		[2]string{"maintenance.auto", "false"},
		[2]string{"push.gpgSign", "false"},
		[2]string{"push.followTags", "false"},
		[2]string{"push.recurseSubmodules", "no"},
	)
	return r.authorized(ctx, g, remote), nil
}

// authorized adds what Options.Credentials knows about the remote's host.
func (r *Repo) authorized(ctx context.Context, g gitRun, remote string) gitRun {
	u, err := url.Parse(remote)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return g // ssh and paths need none, and git says what is wrong with others
	}
	if u.User != nil {
		password, _ := u.User.Password()
		g.secrets = append(g.secrets, u.User.String(), password)
		return g
	}
	if r.ask == nil {
		return g
	}
	user, password, ok := r.ask(ctx, remote)
	if !ok {
		return g
	}
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	host := u.Scheme + "://" + u.Host + "/"
	g.secrets = append(g.secrets, password, basic)
	g.config = append(g.config,
		[2]string{"http." + host + ".extraHeader", ""}, // forget those of the configuration: two are refused
		[2]string{"http." + host + ".extraHeader", "Authorization: Basic " + basic},
		[2]string{"http.followRedirects", "false"}, // the header would go along to another host
	)
	return g
}

// inherited is the part of the clone's own configuration that says how to
// reach a server. The operator's and the machine's are read by git itself.
func (r *Repo) inherited() ([][2]string, error) {
	cfg, err := r.store.config()
	if err != nil {
		return nil, model.Errorf(model.ExitUnreachable, "cannot read the configuration of the clone: %w", err)
	}
	var out [][2]string
	for _, s := range cfg.Raw.Sections {
		name := strings.ToLower(s.Name)
		switch name {
		case "http", "https", "credential", "url", "ssh", "protocol":
		case "core":
			if c := s.Option("sshCommand"); c != "" {
				out = append(out, [2]string{"core.sshCommand", c})
			}
			continue
		default:
			continue
		}
		for _, o := range s.Options {
			out = append(out, [2]string{name + "." + o.Key, o.Value})
		}
		for _, sub := range s.Subsections {
			for _, o := range sub.Options {
				out = append(out, [2]string{name + "." + sub.Name + "." + o.Key, o.Value})
			}
		}
	}
	return out, nil
}

// remoteError turns what git said about the remote into what to do next.
func (r *Repo) remoteError(what, remote string, err error) error {
	var said *gitError
	if !errors.As(err, &said) {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	where := redact(remote)
	text := strings.ToLower(said.text)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case has("authentication failed", "could not read username", "could not read password", "terminal prompts disabled",
		"permission denied", "permission to", "error: 401", "error: 403", "host key verification failed", "invalid username"):
		return model.Errorf(model.ExitUnreachable, "%s: %s refused access to %s (%s); check the token, or that `git fetch` works in the clone", r.name, where, what, said.text)
	case has("error: 301", "error: 302", "error: 307", "error: 308", "redirect"):
		return model.Errorf(model.ExitUnreachable, "%s: %s has moved; run `git remote set-url %s` in the clone (%s)", r.name, where, r.remote, said.text)
	}
	return model.Errorf(model.ExitUnreachable, "%s: cannot %s %s: %s", r.name, what, where, said.text)
}
