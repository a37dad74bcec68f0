package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

const recipes = "../../testdata/ci"

// cloudBuild is what a recipe for Cloud Build says, as far as it is used.
// Unknown keys are refused, as Cloud Build does.
type cloudBuild struct {
	Substitutions    map[string]string `json:"substitutions"`
	AvailableSecrets struct {
		SecretManager []struct {
			VersionName string `json:"versionName"`
			Env         string `json:"env"`
		} `json:"secretManager"`
	} `json:"availableSecrets"`
	Steps []struct {
		ID         string   `json:"id"`
		Name       string   `json:"name"`
		Entrypoint string   `json:"entrypoint"`
		Args       []string `json:"args"`
		Env        []string `json:"env"`
		SecretEnv  []string `json:"secretEnv"`
	} `json:"steps"`
	Timeout string `json:"timeout"`
}

// fairtideCommands are the recipe's command lines of fairtide, with the
// substitutions filled in. Each has the secrets it asks for.
func (b cloudBuild) fairtideCommands(t *testing.T, given map[string]string) [][]string {
	t.Helper()
	var known []string
	for _, s := range b.AvailableSecrets.SecretManager {
		known = append(known, s.Env)
	}
	var out [][]string
	for _, s := range b.Steps {
		for _, secret := range s.SecretEnv {
			if !slices.Contains(known, secret) {
				t.Errorf("step %s wants %s, which availableSecrets does not have", s.ID, secret)
			}
		}
		if s.Entrypoint != "fairtide" {
			continue
		}
		var args []string
		for _, a := range s.Args {
			args = append(args, os.Expand(a, func(name string) string {
				if v, ok := given[name]; ok {
					return v
				}
				v, ok := b.Substitutions[name]
				if !ok {
					t.Errorf("step %s: nobody sets $%s", s.ID, name)
				}
				return v
			}))
		}
		out = append(out, args)
	}
	return out
}

func readCloudBuild(t *testing.T, name string) cloudBuild {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(recipes, name))
	if err != nil {
		t.Fatal(err)
	}
	var b cloudBuild
	if err := yaml.UnmarshalStrict(data, &b); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if limit, err := time.ParseDuration(b.Timeout); err != nil || limit < time.Minute {
		t.Errorf("%s: timeout %q", name, b.Timeout)
	}
	return b
}

// actionsCommands are the command lines of fairtide in a workflow, by job.
// What it writes elsewhere (>> FILE) is cut off.
func actionsCommands(t *testing.T, number int) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(recipes, "github-actions.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Permissions map[string]string
			Steps       []struct {
				Uses, Run string
				With      map[string]json.RawMessage
				Env       map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(data, &workflow); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for name, job := range workflow.Jobs {
		if len(job.Permissions) == 0 {
			t.Errorf("job %s has all permissions there are", name)
		}
		for _, s := range job.Steps {
			if s.Run == "" {
				continue
			}
			line, _, _ := strings.Cut(s.Run, " >> ")
			line = strings.ReplaceAll(line, "${{ github.event.number }}", strconv.Itoa(number))
			words := strings.Fields(line)
			if words[0] != "fairtide" || strings.ContainsAny(line, "$|;&<>") {
				t.Errorf("job %s runs %q, which is not fairtide alone", name, s.Run)
			}
			if s.Env["GITHUB_TOKEN"] == "" {
				t.Errorf("job %s gives %q no token", name, line)
			}
			out[name] = words[1:]
		}
	}
	return out
}

// shallow makes a clone as CI does: the newest commit of one branch and no
// more, in a directory of its own, with a cache that begins empty.
func (p *pipeline) shallow() (dir string) {
	t := p.t
	t.Helper()
	dir = filepath.Join(t.TempDir(), "workspace")
	if err := p.stage.Clone(t.Context(), dir, "--depth", "1"); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "git", "-C", dir, "rev-list", "--count", "HEAD").Output()
	if err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Fatalf("the clone has %s commits, %v; it is not shallow", out, err)
	}
	return dir
}

// ci runs a recipe's command line as CI would: in a shallow clone, without a
// terminal, with the token under the name that the forge's CI uses.
func (p *pipeline) ci(code int, args []string) result {
	p.t.Helper()
	path, err := binary()
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = p.shallow()
	cmd.Env = append(slices.Clone(p.env), "FAIRTIDE_REPO=", "XDG_CACHE_HOME="+p.t.TempDir())
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	r := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	p.noSecrets(strings.Join(args, " "), r.stdout+r.stderr)
	if r.code != code {
		p.t.Fatalf("in a shallow clone: fairtide %s: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	return r
}

// The command lines of the recipes do in a shallow clone what they say.
func TestCIRecipes(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sample.Options{})
	// What is live is older than what a shallow clone has.
	p.deploy("staging")
	p.deploy("dev")
	up := p.bump("1.5.0")
	n := up.PullRequest.Number

	for _, args := range readCloudBuild(t, "cloudbuild-pr.yaml").fairtideCommands(t, map[string]string{"_PR_NUMBER": strconv.Itoa(n)}) {
		says(t, p.ci(0, args).stdout, "### fairtide: `staging` passed", "checkout")
	}
	actions := actionsCommands(t, n)
	says(t, p.ci(0, actions["validate"]).stdout, "### fairtide: `staging` passed")
	if c := p.stage.Forge.Comments(n); len(c) != 1 {
		t.Errorf("the comment is not kept up to date: %q", c)
	}
	p.merges(n)
	head := p.stage.Forge.Head("main")
	commands := readCloudBuild(t, "cloudbuild-merge.yaml").fairtideCommands(t, map[string]string{"COMMIT_SHA": head})
	if len(commands) != 2 {
		t.Fatalf("commands after a merge: %v", commands)
	}
	p.ci(0, commands[0])
	p.runs("dev", head)
	checkEvents(t, p.ci(0, commands[1]).stdout)
	p.runs("staging", head)
	says(t, p.ci(0, actions["deploy"]).stderr, "dev: up to date at "+model.Short(head))
}

// runs fails the test unless the commit is live in an environment.
func (p *pipeline) runs(env, commit string) {
	p.t.Helper()
	s := decode[struct{ Environments []model.EnvironmentStatus }](p.t, p.must(0, "status", "-e", env, "-o", "json").stdout).Environments
	if len(s) != 1 || s[0].Deployed == nil || s[0].Deployed.Commit != commit {
		p.t.Errorf("%s: %+v, want %s live", env, s, model.Short(commit))
	}
}
