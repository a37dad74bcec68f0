package repo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/fairtide-dev/fairtide/model"
)

// describeChange says what a commit is without looking at a render.
func (r *Repo) describeChange(c *object.Commit, env model.Environment) (model.Change, error) {
	pr, title := model.PullRequestOf(c.Message)
	_, body, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	body = strings.TrimSpace(body)
	// The title of a merge is the first line of its body.
	if first, rest, _ := strings.Cut(body, "\n"); pr != nil && strings.TrimSpace(first) == title {
		body = strings.TrimSpace(rest)
	}
	signature, err := r.signature(c.Hash, env)
	if err != nil {
		return model.Change{}, err
	}
	return model.Change{
		Commit:      c.Hash.String(),
		Title:       title,
		Body:        body,
		Author:      c.Author.Name,
		AuthorEmail: c.Author.Email,
		MergedAt:    c.Committer.When.UTC(),
		Committer:   committer(c),
		CoAuthors:   coAuthors(c.Message, person(c.Author.Name, c.Author.Email)),
		Signature:   signature,
		PullRequest: pr,
	}, nil
}

// committer is who made the commit, when that says more than the author: not
// the author, and not GitHub, which commits every merge made on its pages.
func committer(c *object.Commit) string {
	who := c.Committer
	github := who.Name == "GitHub" && who.Email == "noreply@github.com"
	if github || who.Name == c.Author.Name && who.Email == c.Author.Email {
		return ""
	}
	return person(who.Name, who.Email)
}

// signature judges a commit's signature by the environment's signers. It
// depends on the configuration and on the time, besides the commit.
func (r *Repo) signature(h plumbing.Hash, env model.Environment) (model.Signature, error) {
	raw, err := r.store.rawCommit(h)
	if err != nil {
		return model.Signature{}, model.Errorf(model.ExitUnreachable, "cannot read %w", err)
	}
	return r.signers.of(env.Signers).check(raw, r.now()), nil
}

// rawCommit is a commit as it is stored, which is what signatures are about.
func (s *store) rawCommit(h plumbing.Hash) ([]byte, error) {
	data, err := s.object(plumbing.CommitObject, h, maxMeta)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	return data, nil
}

// compareRenders fills in what a change does to the render, or why that cannot
// be said. parent names the commit that before is the render of.
func compareRenders(ch *model.Change, env model.Environment, parent plumbing.Hash, before, now *result) {
	switch {
	case now.missing:
		ch.Problem = fmt.Sprintf("path %q does not exist at %s", env.Path, model.Short(ch.Commit))
	case now.problem != nil:
		ch.Problem = oneLine(now.problem.Error())
	case before.problem != nil:
		ch.Problem = fmt.Sprintf("its parent %s does not render: %s", model.Short(parent.String()), oneLine(before.problem.Error()))
	default: // a path that did not exist had no objects
		ch.Objects = changedObjects(env.Mask, before.objects, now.objects)
	}
	ch.RendersChange = ch.Problem != "" || len(ch.Objects) > 0
}

// changedObjects compares two renders, both sorted by identity. The rules mark
// values that are not to be said.
func changedObjects(marks []model.FieldRule, before, now []model.Object) []model.ChangedObject {
	var out []model.ChangedObject
	for i, j := 0, 0; i < len(before) || j < len(now); {
		order := 0
		switch {
		case i == len(before):
			order = 1
		case j == len(now):
			order = -1
		default:
			order = before[i].ID.Compare(now[j].ID)
		}
		switch {
		case order < 0:
			out = append(out, model.ChangedObject{ID: before[i].ID, Verdict: model.VerdictDelete, Risk: foresee(before[i].ID, model.VerdictDelete, nil)})
			i++
		case order > 0:
			out = append(out, model.ChangedObject{ID: now[j].ID, Verdict: model.VerdictCreate, Risk: foresee(now[j].ID, model.VerdictCreate, nil)})
			j++
		default:
			if d := differences(before[i].Fields, now[j].Fields); len(d) > 0 {
				out = append(out, model.ChangedObject{
					ID: now[j].ID, Verdict: model.VerdictUpdate,
					Summary: summarize(now[j].ID, withhold(marks, now[j].ID, d)),
					Risk:    foresee(now[j].ID, model.VerdictUpdate, withhold(marks, now[j].ID, d)),
				})
			}
			i++
			j++
		}
	}
	return slices.Clip(out)
}
