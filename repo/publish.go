package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// CommitMessage is what a commit says beside its tree.
type CommitMessage struct {
	Title string // one line
	Body  string // may be empty
	Name  string // of author and committer; empty: those of Identity
	Email string
	When  time.Time // zero: as of the commit it is made on, one second later
}

// CommitPatch makes a commit of a patch on top of the commit it was made for
// and returns its hash. The commit is in fairtide's own repository only, and
// can be rendered at once. A patch with conflicts is refused.
func (r *Repo) CommitPatch(ctx context.Context, p model.Patch, m CommitMessage) (string, error) {
	if r.own == nil {
		return "", r.errNoCache("commit")
	}
	title := sanitize.Line(oneLine(m.Title))
	switch {
	case len(p.Conflicts) > 0:
		return "", model.Errorf(model.ExitUsage, "%s: cannot commit: %s conflicts", r.name, p.Conflicts[0].Path)
	case !plumbing.IsHash(p.Tree):
		return "", model.Errorf(model.ExitUsage, "%s: cannot commit: the patch has no tree", r.name)
	case title == "":
		return "", model.Errorf(model.ExitUsage, "%s: cannot commit without a title", r.name)
	}
	onto, err := r.revision(p.Onto)
	if err != nil {
		return "", err
	}
	if _, err := r.store.tree(plumbing.NewHash(p.Tree)); err != nil {
		return "", model.Errorf(model.ExitUnreachable, "%s: cannot commit: %w", r.name, err)
	}
	if m.Name == "" || m.Email == "" {
		m.Name, m.Email = r.Identity(ctx)
	}
	if m.When.IsZero() {
		m.When = onto.Committer.When.Add(time.Second)
	}
	who := fmt.Sprintf("%s <%s> %d %s", identityPart(m.Name), identityPart(m.Email), m.When.Unix(), m.When.Format("-0700"))
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "tree %s\nparent %s\nauthor %s\ncommitter %s\n\n%s\n", p.Tree, onto.Hash, who, who, title)
	if body := strings.TrimSpace(sanitize.Text(m.Body)); body != "" {
		fmt.Fprintf(&buf, "\n%s\n", body)
	}
	h, err := r.store.put(plumbing.CommitObject, buf.Bytes())
	if err != nil {
		return "", model.Errorf(model.ExitUnreachable, "%s: cannot write the commit %q: %w", r.name, title, err)
	}
	return h.String(), nil
}

// identityPart takes out of a name what would end it in a commit.
func identityPart(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if c == '<' || c == '>' || c < ' ' {
			return -1
		}
		return c
	}, s))
}

// Identity is the operator's name and address as git would commit with in the
// clone. What git does not know is made up: fairtide <fairtide@localhost>.
func (r *Repo) Identity(ctx context.Context) (name, email string) {
	name, email = r.gitConfig(ctx, "user.name"), r.gitConfig(ctx, "user.email")
	if name == "" {
		name = "fairtide"
	}
	if email == "" {
		email = "fairtide@localhost"
	}
	return name, email
}

func (r *Repo) gitConfig(ctx context.Context, key string) string {
	out, err := gitRun{dir: r.store.at.gitDir, args: []string{"config", "--get", key}}.run(ctx)
	if err != nil {
		return "" // not set, or no git
	}
	return identityPart(oneLine(out))
}

// ErrBranchTaken is wrapped by the error of a push to a branch that exists
// with another commit.
var ErrBranchTaken = errors.New("the branch exists with another commit")

// Push makes a branch of the remote from a commit. A branch that is that
// commit already is fine; one that is another is left alone, and the error
// wraps ErrBranchTaken. Nothing is ever forced.
func (r *Repo) Push(ctx context.Context, commit, branch string) error {
	full := plumbing.ReferenceName("refs/heads/" + branch)
	switch {
	case r.own == nil:
		return r.errNoCache("push")
	case r.pushURL == "":
		return model.Errorf(model.ExitUsage, "%s has no remote %q to push %s to; add one with `git remote add`", r.name, r.remote, branch)
	case full.Validate() != nil:
		return model.Errorf(model.ExitUsage, "%q is no name for a branch", branch)
	}
	h, err := r.resolve(commit)
	if err != nil {
		return err
	}
	at := r.endpoint(ctx, r.pushURL)
	err = r.transport().push(ctx, at, h, full)
	var no *rejected
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrBranchTaken):
		return model.Errorf(model.ExitUnreachable, "%s: cannot push %s to %s: %w; choose another name, or delete the branch if it is not needed", r.name, model.Short(h.String()), branch, ErrBranchTaken)
	case errors.As(err, &no):
		return model.Errorf(model.ExitUnreachable, "%s: %s rejected the branch %s: %s", r.name, redact(at.url), branch, no.reason)
	}
	return r.remoteError("push to", at.url, err)
}
