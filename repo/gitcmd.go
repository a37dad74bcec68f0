package repo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	secrets []string     // that must not get into an error
	tell    func(string) // how it gets on; may be nil
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
	var stdout bytes.Buffer
	stderr := progress{tell: g.tell}
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

// progress keeps what git says on its standard error, but for how it gets on,
// which it tells: those lines end in a carriage return.
type progress struct {
	tell func(string)
	kept bytes.Buffer
	line []byte
}

func (p *progress) Write(data []byte) (int, error) {
	for _, c := range data {
		switch c {
		case '\r':
			if line := strings.TrimSpace(strings.TrimPrefix(string(p.line), "remote:")); p.tell != nil && line != "" {
				p.tell(sanitize.Line(line))
			}
			p.line = p.line[:0]
		case '\n':
			if !counted(p.line) {
				p.kept.Write(append(p.line, '\n'))
			}
			p.line = p.line[:0]
		default:
			p.line = append(p.line, c)
		}
	}
	return len(data), nil
}

// counted reports whether a line is the last one of a progress.
func counted(line []byte) bool { return bytes.HasSuffix(bytes.TrimSpace(line), []byte(", done.")) }

func (p *progress) String() string { return p.kept.String() + string(p.line) }

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
		if strings.Trim(line, "@ ") != "" && !strings.HasPrefix(line, "hint:") && !strings.HasPrefix(line, "From ") {
			lines = append(lines, line)
		}
	}
	const most = 4
	return sanitize.Line(strings.Join(lines[:min(most, len(lines))], "; "))
}

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
	if remote == "" || isSCP(remote) || strings.Contains(remote, "://") || filepath.IsAbs(remote) {
		return remote
	}
	return filepath.Join(r.store.at.top, remote)
}

// RemoteURL is where the remote is, as the clone is configured, without the
// password it may hold; empty when there is no remote.
func (r *Repo) RemoteURL() string { return endpointOf(r.url).url }
