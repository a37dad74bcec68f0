package forge_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/model"
)

// gitIn runs git as a user who gives a token when asked for a password.
func gitIn(t *testing.T, dir, token string, args ...string) (string, error) {
	t.Helper()
	ask := filepath.Join(t.TempDir(), "ask")
	if err := os.WriteFile(ask, []byte("#!/bin/sh\necho \"$FORGE_TOKEN\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=" + ask, "FORGE_TOKEN=" + token,
		"GIT_AUTHOR_NAME=dev1", "GIT_AUTHOR_EMAIL=dev1@acme.example", "GIT_COMMITTER_NAME=dev1", "GIT_COMMITTER_EMAIL=dev1@acme.example",
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// The way of a change, with nothing but git and the client: clone, branch,
// push, pull request, push again, approve, checks, merge; once for each way
// to merge.
func TestJourney(t *testing.T) {
	for _, method := range []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase} {
		t.Run(string(method), func(t *testing.T) {
			w := newWorld(t, githubtest.Options{LazyMergeable: true})
			w.Protect("main", githubtest.Protection{Approvals: 1, Checks: []string{"build"}})
			dir := t.TempDir()
			git := func(args ...string) string {
				t.Helper()
				out, err := gitIn(t, dir, devToken, args...)
				if err != nil {
					t.Fatalf("git %v: %v: %s", args, err, out)
				}
				return out
			}
			git("clone", "--quiet", strings.Replace(w.CloneURL(), "http://", "http://x-access-token@", 1), ".")
			push := func(content, message string) string {
				t.Helper()
				w.do(os.WriteFile(filepath.Join(dir, "environments/production/app.yaml"), []byte(content), 0o600))
				git("commit", "--quiet", "-am", message)
				git("push", "--quiet", "origin", "HEAD:refs/heads/scale")
				return git("rev-parse", "HEAD")
			}
			git("checkout", "--quiet", "-b", "scale")
			first := push("replicas: 2\n", "Two replicas")

			dev, op := w.client(devToken), w.client(opToken)
			made, err := dev.Create(t.Context(), forge.NewPullRequest{Title: "Scale", Body: "why", Head: "scale", Base: "main"})
			w.do(err)
			if made.Number != 1 || made.Head != first || made.Author != "dev1" || made.State != model.PullRequestOpen || made.URL != w.RepositoryURL()+"/pull/1" {
				t.Errorf("%+v", made)
			}
			w.do(w.Approve(1, "op1"))
			head := push("replicas: 3\n", "Three replicas\n\nfor the sale")
			pr, err := op.Get(t.Context(), 1)
			w.do(err)
			if len(pr.Approvals) != 0 || !slices.Equal(pr.StaleApprovals(), []string{"op1"}) || pr.Head != head {
				t.Errorf("approved, then pushed: %+v", pr)
			}
			if _, err := op.Merge(t.Context(), 1, first, method); err == nil {
				t.Fatal("merged what was not reviewed")
			} else {
				checkError(t, w, err, forge.ErrHeadMoved, model.ExitPlanMoved, "#1", head[:7], first[:7])
			}
			w.do(w.Approve(1, "op1"))
			if _, err := op.Merge(t.Context(), 1, head, method); err == nil {
				t.Fatal("merged without the check")
			} else {
				checkError(t, w, err, forge.ErrNotMergeable, model.ExitRequirements, "#1", "build")
			}
			w.do(w.SetCheck(head, "build", "success"))
			pr, err = op.Get(t.Context(), 1)
			w.do(err)
			if !slices.Equal(pr.Approvals, []string{"op1"}) || pr.Checks != model.CheckSuccess || pr.Mergeable != model.MergeableYes {
				t.Errorf("%+v", pr)
			}
			commit, err := op.Merge(t.Context(), 1, head, method)
			w.do(err)
			if now, err := op.BranchHead(t.Context(), "main"); err != nil || now != commit {
				t.Errorf("main is at %s, not %s: %v", now, commit, err)
			}
			git("fetch", "--quiet", "origin", "main")
			checkHistory(t, method, git("log", "--first-parent", "--reverse", "--format=%an %cn: %B", w.first+"..origin/main"))
			if got := git("show", "origin/main:environments/production/app.yaml"); got != "replicas: 3" {
				t.Errorf("main has %q", got)
			}
			checkOrigin(t, op, commit)
		})
	}
}

func checkHistory(t *testing.T, method forge.MergeMethod, log string) {
	t.Helper()
	want := map[forge.MergeMethod]string{
		forge.MergeCommit: "op1 GitHub: Merge pull request #1 from acme/scale\n\nScale",
		forge.MergeSquash: "dev1 GitHub: Scale (#1)\n\n* Two replicas\n\n* Three replicas\n\nfor the sale",
		forge.MergeRebase: "dev1 GitHub: Two replicas\ndev1 GitHub: Three replicas\n\nfor the sale",
	}[method]
	if log != want {
		t.Errorf("the history is\n%s\nwant\n%s", log, want)
	}
}

// checkOrigin asks for the merged commit's pull request, as a pending change does.
func checkOrigin(t *testing.T, g *forge.GitHub, commit string) {
	t.Helper()
	found, err := g.PullRequestsOf(t.Context(), []string{commit})
	if err != nil {
		t.Fatal(err)
	}
	pr := found[commit]
	if pr.Number != 1 || pr.MergeCommit != commit || pr.MergedBy != "op1" || pr.State != model.PullRequestMerged ||
		!slices.Equal(pr.Approvals, []string{"op1"}) || pr.Checks != model.CheckSuccess || pr.MergedAt.IsZero() {
		t.Errorf("%+v", pr)
	}
}

func TestGitRights(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	w.AddUser(githubtest.User{Login: "dev2", Token: "token-of-dev2", Right: githubtest.Read})
	w.AddUser(githubtest.User{Login: "dev3", Token: "token-of-dev3"})
	url := strings.Replace(w.CloneURL(), "http://", "http://x-access-token@", 1)
	for name, c := range map[string]struct {
		token       string
		clone, push string // empty: works; else what git says
	}{
		"writer":        {token: devToken},
		"reader":        {token: "token-of-dev2", push: "403"},
		"nobody's":      {token: "wrong", clone: "Authentication failed", push: "Authentication failed"},
		"without right": {token: "token-of-dev3", clone: "not found", push: "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, step := range []struct {
				want string
				args []string
			}{
				{c.clone, []string{"clone", "--quiet", url, "clone"}},
				{c.push, []string{"--git-dir", w.Dir(), "push", "--quiet", url, "main:refs/heads/" + strings.ReplaceAll(name, " ", "")}},
			} {
				out, err := gitIn(t, dir, c.token, step.args...)
				if (err == nil) != (step.want == "") || !strings.Contains(out, step.want) {
					t.Errorf("git %v: %v: %s", step.args, err, out)
				}
				if strings.Contains(out, c.token) && c.token != "" {
					t.Errorf("the token is in %q", out)
				}
			}
		})
	}
}
