package repo

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// system talks to remotes by the git command.
type system struct{ r *Repo }

const remoteName = "fairtide" // of the remote, in the configuration of one run

// remoteRun prepares a run of git that talks to the remote. Where that is, and
// how to log in there, is said in the environment only.
func (s system) remoteRun(at endpoint, args ...string) (gitRun, error) {
	g := gitRun{dir: s.r.own.dir, args: args}
	inherited, err := s.r.inherited()
	if err != nil {
		return g, err
	}
	for _, kv := range inherited {
		if strings.HasSuffix(strings.ToLower(kv[0]), ".extraheader") {
			_, value, _ := strings.Cut(kv[1], ":")
			g.secrets = append(g.secrets, strings.Fields(value)...)
		}
	}
	g.config = append(inherited,
		[2]string{"remote." + remoteName + ".url", at.url},
		[2]string{"core.hooksPath", os.DevNull}, // the operator's hooks are for the operator's commits
		[2]string{"gc.auto", "0"},
		[2]string{"maintenance.auto", "false"},
		[2]string{"push.gpgSign", "false"},
		[2]string{"push.followTags", "false"},
		[2]string{"push.recurseSubmodules", "no"},
	)
	return authorized(g, at), nil
}

// authorized adds how to log in over http.
func authorized(g gitRun, at endpoint) gitRun {
	u, err := url.Parse(at.url)
	switch {
	case err != nil || !at.http():
		return g // ssh and paths need nothing, and git says what is wrong with others
	case !at.login && at.user != "":
		// The user of the URL, whose password a credential helper knows.
		g.config = append(g.config, [2]string{"credential." + at.url + ".username", at.user})
		return g
	case !at.login:
		return g
	}
	basic := base64.StdEncoding.EncodeToString([]byte(at.user + ":" + at.password))
	host := u.Scheme + "://" + u.Host + "/"
	g.secrets = append(g.secrets, at.password, url.QueryEscape(at.password), basic)
	if at.password == "" {
		g.secrets = append(g.secrets, at.user) // a token in its place
	}
	g.config = append(g.config,
		[2]string{"http." + host + ".extraHeader", ""}, // forget those of the configuration: two are refused
		[2]string{"http." + host + ".extraHeader", "Authorization: Basic " + basic},
		[2]string{"http.followRedirects", "false"}, // the header would go along to another host
	)
	return g
}

func (s system) list(ctx context.Context, at endpoint, head bool) (remoteRefs, error) {
	// Patterns are applied here and not by the server: with them it sends the
	// references of all pull requests too.
	args := []string{"ls-remote", "--quiet", "--heads", "--refs", remoteName}
	if head {
		args = []string{"ls-remote", "--quiet", "--symref", remoteName, "HEAD", "refs/heads/*"}
	}
	g, err := s.remoteRun(at, args...)
	if err != nil {
		return remoteRefs{}, err
	}
	out, err := g.run(ctx)
	if err != nil {
		return remoteRefs{}, err
	}
	l := remoteRefs{branches: map[string]plumbing.Hash{}}
	for line := range strings.Lines(out) {
		value, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		branch, is := strings.CutPrefix(name, "refs/heads/")
		target, symbolic := strings.CutPrefix(value, "ref: refs/heads/")
		switch {
		case symbolic && name == "HEAD":
			l.head = target
		case is && !symbolic:
			l.branches[branch] = plumbing.NewHash(value)
		}
	}
	return l, nil
}

func (s system) fetch(ctx context.Context, at endpoint, what refspec) error {
	args := []string{"fetch", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"}
	spec := "+" + what.from + ":" + what.to
	if what.all {
		spec = "+" + what.from + "*:" + what.to + "*"
		args = append(args, "--prune")
	} else {
		args = append(args, "--no-prune")
	}
	if s.r.shallow() {
		// What the clone of a CI is without: which changes are shipped, and
		// whether they were approved, cannot be told otherwise.
		args = append(args, "--unshallow")
	}
	g, err := s.remoteRun(at, append(args, "--progress", remoteName, spec)...)
	if err != nil {
		return err
	}
	g.tell = s.r.tell
	if _, err := g.run(ctx); err != nil {
		return err
	}
	// What is whole now stays so: git leaves an empty file.
	if info, err := os.Stat(filepath.Join(s.r.own.dir, "shallow")); err == nil && info.Size() == 0 {
		return os.Remove(filepath.Join(s.r.own.dir, "shallow"))
	}
	return nil
}

func (s system) push(ctx context.Context, at endpoint, h plumbing.Hash, branch plumbing.ReferenceName) error {
	// The lease on nothing lets git only make the branch: without it, a branch
	// that happens to be an ancestor would be moved.
	g, err := s.remoteRun(at, "push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags",
		"--force-with-lease="+branch.String()+":", remoteName, h.String()+":"+branch.String())
	if err != nil {
		return err
	}
	_, err = g.run(ctx)
	var said *gitError
	if !errors.As(err, &said) {
		return err
	}
	switch line := rejection(said.stdout); {
	case line == "":
	case says(line, "(stale info)", "(non-fast-forward)", "(fetch first)", "already exists"):
		return ErrBranchTaken
	case strings.Contains(line, "remote rejected"):
		return &rejected{g.clean(line) + " " + said.text}
	}
	return err
}

// rejection is the line of git's report that says why a branch was not made.
func rejection(report string) string {
	for line := range strings.Lines(report) {
		if strings.HasPrefix(line, "!") {
			return line
		}
	}
	return ""
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
