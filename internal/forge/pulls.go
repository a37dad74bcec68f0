package forge

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	originBatch = 40 // commits in one query
	openBatch   = 25 // pull requests in one query
)

var commitName = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// PullRequestsOf finds the merged pull request that each commit came from: one
// query for every 40 commits. A commit that came from none, or that the forge
// does not know, is not in the map. The map holds what could be read even
// when the error is not nil.
func (g *GitHub) PullRequestsOf(ctx context.Context, commits []string) (map[string]model.PullRequest, error) {
	found := map[string]model.PullRequest{}
	commits = slices.Compact(slices.Sorted(slices.Values(commits)))
	for _, c := range commits {
		if !commitName.MatchString(c) {
			return found, g.fail("read pull requests", &Problem{Kind: ErrInvalid, Text: fmt.Sprintf("%q is not a commit's full hash", c)})
		}
	}
	for batch := range slices.Chunk(commits, originBatch) {
		if err := g.origins(ctx, batch, found); err != nil {
			return found, err
		}
	}
	return found, nil
}

// origins reads one batch. GitHub gives up on queries that take 10 s, with a
// 502 or an error without data: then each half is asked for by itself.
func (g *GitHub) origins(ctx context.Context, commits []string, found map[string]model.PullRequest) error {
	attempts := 1
	if len(commits) == 1 {
		attempts = readAttempts
	}
	var data struct {
		Repository map[string]*struct {
			Pulls *struct{ Nodes []*pull } `json:"associatedPullRequests"`
		}
	}
	vars := map[string]any{}
	for i, c := range commits {
		vars[fmt.Sprintf("c%d", i)] = c
	}
	what := fmt.Sprintf("read the pull requests of %d commits", len(commits))
	errs, err := g.query(ctx, what, originsDocument(len(commits)), vars, attempts, &data)
	if errors.Is(err, ErrUnavailable) && len(commits) > 1 {
		half := len(commits) / 2
		if err := g.origins(ctx, commits[:half], found); err != nil {
			return err
		}
		return g.origins(ctx, commits[half:], found)
	}
	if err != nil {
		return err
	}
	var lost []error
	for i, commit := range commits {
		alias := fmt.Sprintf("c%d", i)
		node := data.Repository[alias]
		if node == nil || node.Pulls == nil {
			if f, ok := errs.within("repository", alias); ok {
				lost = append(lost, g.fail("read the pull request of "+model.Short(commit), g.queryProblem(answer{}, fieldErrors{f})))
			}
			continue
		}
		if n, p := origin(node.Pulls.Nodes, commit); p != nil {
			denied := g.denied(errs, "repository", alias, "associatedPullRequests", "nodes", n)
			found[commit] = p.model(denied)
		}
	}
	return errors.Join(lost...)
}

// origin picks the pull request a commit came from: the one it is the merge
// of, else the one merged first. One that is open, or was given up, only
// happens to contain the commit.
func origin(pulls []*pull, commit string) (index int, found *pull) {
	for i, p := range pulls {
		if p == nil || p.State != "MERGED" || p.MergedAt == nil {
			continue
		}
		if p.MergeCommit != nil && p.MergeCommit.OID == commit {
			return i, p
		}
		if found == nil || p.MergedAt.Before(*found.MergedAt) {
			index, found = i, p
		}
	}
	return index, found
}

// denied says why the checks below a path could not be read; "" when they could.
func (g *GitHub) denied(errs fieldErrors, path ...any) string {
	for _, f := range errs {
		if _, below := (fieldErrors{f}).within(path...); below && f.mentions("statusCheckRollup") {
			return "not readable with this token: " + g.clean(f.Message)
		}
	}
	return ""
}

// Open lists the open pull requests that would change the branch base, newest
// first; an empty base means any branch. The list holds what could be read
// even when the error is not nil.
func (g *GitHub) Open(ctx context.Context, base string) ([]model.PullRequest, error) {
	var list []model.PullRequest
	vars := map[string]any{"first": openBatch}
	if base != "" {
		vars["base"] = base
	}
	what := "list the open pull requests"
	for {
		var data struct {
			Repository struct {
				PullRequests struct {
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
					Nodes []*pull
				}
			}
		}
		errs, err := g.query(ctx, what, openDocument, vars, 1, &data)
		if first := vars["first"].(int); errors.Is(err, ErrUnavailable) && first > 1 {
			vars["first"] = first / 2
			continue
		}
		if err != nil {
			return list, err
		}
		page := data.Repository.PullRequests
		var batch []model.PullRequest
		for i, p := range page.Nodes {
			if p == nil {
				f, _ := errs.within("repository", "pullRequests", "nodes", i)
				return list, g.fail(what, g.queryProblem(answer{}, fieldErrors{f}))
			}
			m, err := g.proposal(ctx, p, g.denied(errs, "repository", "pullRequests", "nodes", i))
			if err != nil {
				return list, err
			}
			batch = append(batch, m)
		}
		if err := g.addChecks(ctx, batch); err != nil {
			return list, err
		}
		list = append(list, batch...)
		if !page.PageInfo.HasNextPage || len(page.Nodes) == 0 {
			return list, nil
		}
		vars["after"] = page.PageInfo.EndCursor
	}
}

// Get reads one pull request, with its files and its single checks.
func (g *GitHub) Get(ctx context.Context, number int) (model.PullRequest, error) {
	what := fmt.Sprintf("read pull request #%d", number)
	var data struct {
		Repository struct{ PullRequest *pull }
	}
	errs, err := g.query(ctx, what, getDocument, map[string]any{"number": number}, readAttempts, &data)
	if err != nil {
		return model.PullRequest{}, err
	}
	if data.Repository.PullRequest == nil {
		return model.PullRequest{}, g.fail(what, g.queryProblem(answer{}, errs))
	}
	m, err := g.proposal(ctx, data.Repository.PullRequest, g.denied(errs, "repository", "pullRequest"))
	if err != nil {
		return model.PullRequest{}, err
	}
	one := []model.PullRequest{m}
	if err := g.addChecks(ctx, one); err != nil {
		return model.PullRequest{}, err
	}
	if one[0].ChecksNote != "" && len(one[0].CheckRuns) == 0 {
		g.addStatuses(ctx, &one[0])
	}
	return one[0], nil
}

// proposal adds to a pull request the files it touches.
func (g *GitHub) proposal(ctx context.Context, p *pull, denied string) (model.PullRequest, error) {
	m := p.model(denied)
	whole := p.Files != nil && !p.Files.PageInfo.HasNextPage
	if p.Files != nil {
		for _, f := range p.Files.Nodes {
			// GraphQL does not tell where a renamed file was before.
			if f == nil || f.ChangeType == "RENAMED" || f.ChangeType == "COPIED" {
				whole = false
				break
			}
			m.Files = append(m.Files, f.Path)
		}
	}
	count := len(m.Files)
	if !whole {
		var err error
		if m.Files, count, err = g.files(ctx, p.Number); err != nil {
			return m, err
		}
	}
	slices.Sort(m.Files)
	m.Files = slices.Compact(m.Files)
	m.FilesCut = count < p.ChangedFiles
	return m, nil
}

// files lists the paths of a pull request by REST, which knows both names of
// a renamed file; count is the number of files. GitHub lists 3,000 at most.
func (g *GitHub) files(ctx context.Context, number int) (paths []string, count int, err error) {
	what := fmt.Sprintf("list the files of pull request #%d", number)
	next, query := fmt.Sprintf("/pulls/%d/files", number), url.Values{"per_page": {"100"}}
	for next != "" {
		var page []struct {
			Filename string `json:"filename"`
			Previous string `json:"previous_filename"`
		}
		a, err := g.get(ctx, what, next, query, &page)
		if err != nil {
			return nil, 0, err
		}
		for _, f := range page {
			paths = append(paths, f.Filename)
			if f.Previous != "" {
				paths = append(paths, f.Previous)
			}
		}
		count += len(page)
		if next, err = g.nextPage(what, a); err != nil {
			return nil, 0, err
		}
		query = nil
	}
	return paths, count, nil
}

var nextLink = regexp.MustCompile(`<([^<>]*)>;[^<>]*\brel="next"`)

// nextPage is the address of the next page; empty on the last. It must be on
// the same host, as the token goes along.
func (g *GitHub) nextPage(what string, a answer) (string, error) {
	m := nextLink.FindStringSubmatch(strings.Join(a.header.Values("Link"), ", "))
	if m == nil {
		return "", nil
	}
	here, err1 := url.Parse(g.base)
	there, err2 := url.Parse(m[1])
	if err1 != nil || err2 != nil || here.Host != there.Host || here.Scheme != there.Scheme {
		return "", g.fail(what, &Problem{Kind: ErrUnavailable, Status: a.status, Text: "the next page of the list is on another host, " + g.clean(m[1])})
	}
	return m[1], nil
}
