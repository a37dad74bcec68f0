package githubtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// bare is the repository behind the server.
type bare struct {
	dir string
	now func() time.Time
}

// person writes commits.
type person struct{ name, email string }

func (p person) String() string { return p.name + " <" + p.email + ">" }

// webFlow commits what is merged on GitHub's pages or through its interface.
var webFlow = person{"GitHub", "noreply@github.com"}

// environment keeps the user's configuration out and Git from asking, and
// lets pushes in without writing to the repository's own configuration.
func environment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0",
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true", "GIT_CONFIG_KEY_1=receive.autogc", "GIT_CONFIG_VALUE_1=false",
	}
}

// run runs git in the repository and returns its trimmed output.
func (b bare) run(ctx context.Context, args ...string) (string, error) {
	return b.runWith(ctx, nil, "", args...)
}

func (b bare) runWith(ctx context.Context, env []string, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--git-dir", b.dir}, args...)...)
	cmd.Env = append(environment(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), err
}

// exitOne reports whether git ended with 1, which is an answer and no trouble.
func exitOne(err error) bool {
	var e *exec.ExitError
	return errors.As(err, &e) && e.ExitCode() == 1
}

// branches are all branches with their commits.
func (b bare) branches(ctx context.Context) (map[string]string, error) {
	out, err := b.run(ctx, "for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/heads")
	heads := map[string]string{}
	for line := range strings.Lines(out) {
		if sha, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			heads[name] = sha
		}
	}
	return heads, err
}

// kind is the type of an object, "" when there is none.
func (b bare) kind(ctx context.Context, sha string) string {
	out, err := b.run(ctx, "cat-file", "-t", sha)
	if err != nil {
		return ""
	}
	return out
}

// contains reports whether ancestor is reachable from commit.
func (b bare) contains(ctx context.Context, commit, ancestor string) (bool, error) {
	_, err := b.run(ctx, "merge-base", "--is-ancestor", ancestor, commit)
	if exitOne(err) {
		return false, nil
	}
	return err == nil, err
}

// between lists the commits of head that base lacks, oldest first.
func (b bare) between(ctx context.Context, base, head string) ([]string, error) {
	out, err := b.run(ctx, "rev-list", "--reverse", "--topo-order", head, "^"+base)
	return strings.Fields(out), err
}

// mergeTree merges two commits without a working tree; ok is false when they
// conflict.
func (b bare) mergeTree(ctx context.Context, ours, theirs string) (tree string, ok bool, err error) {
	out, err := b.run(ctx, "merge-tree", "--write-tree", "--no-messages", ours, theirs)
	if exitOne(err) {
		return "", false, nil
	}
	return out, err == nil, err
}

// commit makes a commit.
func (b bare) commit(ctx context.Context, tree, message string, author, committer person, authored string, parents ...string) (string, error) {
	now := fmt.Sprintf("%d +0000", b.now().Unix())
	if authored == "" {
		authored = now
	}
	args := []string{"commit-tree", tree, "-F", "-"}
	for _, p := range parents {
		args = append(args, "-p", p)
	}
	return b.runWith(ctx, []string{
		"GIT_AUTHOR_NAME=" + author.name, "GIT_AUTHOR_EMAIL=" + author.email, "GIT_AUTHOR_DATE=" + authored,
		"GIT_COMMITTER_NAME=" + committer.name, "GIT_COMMITTER_EMAIL=" + committer.email, "GIT_COMMITTER_DATE=" + now,
	}, message, args...)
}

// details are author, date and message of a commit.
func (b bare) details(ctx context.Context, sha string) (author person, date, message string, err error) {
	out, err := b.run(ctx, "show", "-s", "--date=raw", "--format=%an%n%ae%n%ad%n%B", sha)
	parts := strings.SplitN(out, "\n", 4)
	if err != nil || len(parts) < 4 {
		return person{}, "", "", errors.Join(fmt.Errorf("commit %s has no details", sha), err)
	}
	return person{parts[0], parts[1]}, parts[2], strings.TrimSpace(parts[3]), nil
}

// replay makes commit anew on top of tip, as a cherry-pick does; ok is false
// when that conflicts.
func (b bare) replay(ctx context.Context, tip, commit string) (next string, ok bool, err error) {
	author, date, message, err := b.details(ctx, commit)
	if err != nil {
		return "", false, err
	}
	// The base of the merge has to be the commit's parent. A stand-in for tip
	// with that parent makes it so; --merge-base came with Git 2.40 only.
	stand, err := b.commit(ctx, tip+"^{tree}", "stand-in", webFlow, webFlow, "", commit+"^")
	if err != nil {
		return "", false, err
	}
	tree, ok, err := b.mergeTree(ctx, stand, commit)
	if err != nil || !ok {
		return "", false, err
	}
	next, err = b.commit(ctx, tree, message, author, webFlow, date, tip)
	return next, err == nil, err
}

// changedFile is one file of a difference.
type changedFile struct {
	status   string // added, modified, removed, renamed
	path     string
	previous string // of a renamed file
}

// files lists what differs between two commits, with renames found.
func (b bare) files(ctx context.Context, from, to string) ([]changedFile, error) {
	out, err := b.run(ctx, "diff-tree", "-r", "-M", "-z", "--name-status", from, to)
	if err != nil {
		return nil, err
	}
	var files []changedFile
	names := map[byte]string{'A': "added", 'M': "modified", 'D': "removed", 'R': "renamed", 'T': "changed"}
	parts := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	for i := 0; i+1 < len(parts); i += 2 {
		f := changedFile{status: names[parts[i][0]], path: parts[i+1]}
		if f.status == "renamed" && i+2 < len(parts) {
			f.previous, f.path = f.path, parts[i+2]
			i++
		}
		files = append(files, f)
	}
	return files, nil
}
