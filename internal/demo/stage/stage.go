// Package stage sets up what stands around fairtide in the demo and in the
// tests of the whole pipeline: the sample repository on a forge, a registry
// with its images, a Slack, and a clone to work in. All of it serves on
// loopback, in this process.
package stage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/internal/notify/slacktest"
	"github.com/fairtide-dev/fairtide/internal/sample"
)

// Channel is where runs are told in the stage's Slack.
const Channel = "deploys"

// Logins of the forge. The operator's token is the one in Environ.
const (
	Operator = "op1"
	Robot    = "ci" // whose checks the merged pull requests have
)

// Check is the check that the pull requests have.
const Check = "build"

// logins may all write.
var logins = []string{Operator, Robot, "dev1", "dev2", "dev3"}

// Stage is what was set up.
type Stage struct {
	Repo     sample.Repo // Dir is the clone; its origin is on the forge
	Forge    *githubtest.Server
	Registry *Registry
	Slack    *slacktest.Server

	dir        string
	token      string // of the operator at the forge
	slackToken string
}

// Start sets the stage up below dir. The sample is made with o, and with the
// pipeline's requirements, tests and Slack.
func Start(ctx context.Context, dir string, o sample.Options) (s *Stage, err error) {
	s = &Stage{dir: dir, token: "ghp_" + rand.Text(), slackToken: "xoxb-" + rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("stage: %w", err), s.Close())
		}
	}()
	if s.Slack, err = slacktest.Start(slacktest.Channel{ID: "C0DEPLOYS", Name: Channel, Members: []string{s.slackToken}}); err != nil {
		return nil, err
	}
	o.Pipeline, o.Slack = true, s.Slack.URL
	seed := filepath.Join(dir, "seed")
	if s.Repo, err = sample.Build(ctx, seed, o); err != nil {
		return nil, err
	}
	if err := s.startForge(ctx, seed); err != nil {
		return nil, err
	}
	if s.Registry, err = StartRegistry(ctx); err != nil {
		return nil, err
	}
	for _, image := range images {
		if err := s.Registry.Push(ctx, image); err != nil {
			return nil, err
		}
	}
	s.Repo.Dir = filepath.Join(dir, "petstore-environments")
	return s, s.Clone(ctx, s.Repo.Dir)
}

// startForge serves the sample with the pull requests of its history.
func (s *Stage) startForge(ctx context.Context, seed string) (err error) {
	bare := filepath.Join(s.dir, "forge", "petstore-environments.git")
	if err := git(ctx, "clone", "--quiet", "--bare", seed, bare); err != nil {
		return err
	}
	if s.Forge, err = githubtest.New(githubtest.Options{Owner: "petstore", Name: "petstore-environments", Dir: bare}); err != nil {
		return err
	}
	for _, login := range logins {
		token := s.token
		if login != Operator {
			token = "ghp_" + rand.Text()
		}
		s.Forge.AddUser(githubtest.User{Login: login, Token: token, Right: githubtest.Write})
	}
	if err := s.Forge.ImportMerged("main", func(int, string) []string { return []string{Operator} }); err != nil {
		return err
	}
	for _, c := range s.Repo.Changes {
		if c.PR == 0 {
			continue
		}
		for _, rev := range []string{c.Commit, c.Commit + "^2"} {
			// The second parent is the head of a pull request that was merged
			// by a merge commit; the others have none.
			head, err := exec.CommandContext(ctx, "git", "--git-dir", bare, "rev-parse", "--verify", "--quiet", rev).Output()
			if err != nil {
				continue
			}
			if err := s.Forge.SetCheck(strings.TrimSpace(string(head)), Check, "success"); err != nil {
				return err
			}
		}
	}
	return nil
}

// Clone clones the forge's repository. No token is kept in the clone.
func (s *Stage) Clone(ctx context.Context, dir string, args ...string) error {
	if err := git(ctx, append(append([]string{"clone", "--quiet"}, args...), "file://"+s.Forge.Dir(), dir)...); err != nil {
		return err
	}
	return git(ctx, "-C", dir, "remote", "set-url", "origin", s.Forge.CloneURL())
}

// Environ are the variables with which fairtide finds all of it, as NAME=value.
func (s *Stage) Environ() []string {
	return []string{
		"FAIRTIDE_REPO=" + s.Repo.Dir,
		"FAIRTIDE_GITHUB_TOKEN=" + s.token,
		"FAIRTIDE_REGISTRY_MIRRORS=ghcr.io=" + s.Registry.URL,
		"SLACK_BOT_TOKEN=" + s.slackToken,
		"XDG_CACHE_HOME=" + filepath.Join(s.dir, "cache"),
		"XDG_STATE_HOME=" + filepath.Join(s.dir, "state"),
		"DOCKER_CONFIG=" + filepath.Join(s.dir, "docker"), // the registry wants no login
		"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",        // git sends even this machine's through a proxy
	}
}

// Approve reviews a pull request in a user's name.
func (s *Stage) Approve(number int, login string) error { return s.Forge.Approve(number, login) }

// Check reports on the head of a pull request, as CI would: state is a
// conclusion, such as "success" or "failure".
func (s *Stage) Check(ctx context.Context, number int, state string) error {
	ref := fmt.Sprintf("refs/pull/%d/head", number)
	head, err := exec.CommandContext(ctx, "git", "--git-dir", s.Forge.Dir(), "rev-parse", "--verify", "--quiet", ref).Output()
	if err != nil {
		return fmt.Errorf("there is no pull request #%d", number)
	}
	return s.Forge.SetCheck(strings.TrimSpace(string(head)), Check, state)
}

// Secrets are the tokens, none of which may be in any output.
func (s *Stage) Secrets() []string { return []string{s.token, s.slackToken} }

// Close stops what serves. The files stay.
func (s *Stage) Close() error {
	var errs []error
	if s.Forge != nil {
		errs = append(errs, s.Forge.Close())
	}
	if s.Registry != nil {
		errs = append(errs, s.Registry.Close())
	}
	if s.Slack != nil {
		errs = append(errs, s.Slack.Close())
	}
	return errors.Join(errs...)
}

// git runs a git command that reads none of the user's configuration.
func git(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
