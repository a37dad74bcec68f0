package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// maxComment is GitHub's limit for a comment, in characters.
const maxComment = 65536

var markerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._/:-]{0,99}$`)

// Comment adds a comment, Markdown, to a pull request. One that is too long
// for the forge is cut at a line, and says so.
func (g *GitHub) Comment(ctx context.Context, number int, body string) error {
	what := fmt.Sprintf("comment on pull request #%d", number)
	_, err := g.write(ctx, what, http.MethodPost, fmt.Sprintf("/issues/%d/comments", number), map[string]string{"body": fit(body, maxComment)}, nil)
	return err
}

// UpsertComment keeps one comment for each marker, such as "fairtide validate
// production": the first call adds it, later ones replace its text. The marker
// is not visible. Comments of others that carry it are left alone.
func (g *GitHub) UpsertComment(ctx context.Context, number int, marker, body string) error {
	what := fmt.Sprintf("comment on pull request #%d", number)
	if !markerName.MatchString(marker) || strings.Contains(marker, "--") {
		return g.fail(what, &Problem{Kind: ErrInvalid, Text: fmt.Sprintf("%q is no marker: letters, digits, spaces and ._/:- only", marker)})
	}
	me, err := g.Viewer(ctx)
	if err != nil {
		return err
	}
	mark := "<!-- " + marker + " -->\n"
	text := mark + fit(body, maxComment-len(mark))
	next, query := fmt.Sprintf("/issues/%d/comments", number), url.Values{"per_page": {"100"}}
	for next != "" {
		var page []struct {
			ID   int64  `json:"id"`
			Body string `json:"body"`
			User *actor `json:"user"`
		}
		a, err := g.get(ctx, what, next, query, &page)
		if err != nil {
			return err
		}
		for _, c := range page {
			// The forge may give line ends back as it likes.
			if c.User.login() != me || !strings.HasPrefix(c.Body, strings.TrimSpace(mark)) {
				continue
			}
			_, err := g.write(ctx, what, http.MethodPatch, fmt.Sprintf("/issues/comments/%d", c.ID), map[string]string{"body": text}, nil)
			return err
		}
		if next, err = g.nextPage(what, a); err != nil {
			return err
		}
		query = nil
	}
	_, err = g.write(ctx, what, http.MethodPost, fmt.Sprintf("/issues/%d/comments", number), map[string]string{"body": text}, nil)
	return err
}

// fit cuts Markdown to a number of characters, at a line, and closes a block
// of code that the cut has opened.
func fit(body string, limit int) string {
	const cut, fence = "\n\n*Cut: the whole text is too long for a comment.*\n", "\n```"
	r := []rune(body)
	if len(r) <= limit {
		return body
	}
	kept := string(r[:limit-len(cut)-len(fence)])
	if i := strings.LastIndexByte(kept, '\n'); i > 0 {
		kept = kept[:i]
	}
	fences := 0
	for line := range strings.Lines(kept) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fences++
		}
	}
	if fences%2 == 1 {
		kept += fence
	}
	return kept + cut
}

// BranchHead reads the commit a branch stands on. Asking again costs nothing
// of the rate limit while it has not moved.
func (g *GitHub) BranchHead(ctx context.Context, branch string) (string, error) {
	what := "read the branch " + g.clean(branch)
	parts := strings.Split(branch, "/")
	for i, p := range parts {
		if p == "" || p == "." || p == ".." {
			return "", g.fail(what, &Problem{Kind: ErrInvalid, Text: "that is no name of a branch"})
		}
		parts[i] = url.PathEscape(p)
	}
	var ref struct {
		Object struct {
			SHA string `json:"sha"`
		} `json:"object"`
	}
	if _, err := g.get(ctx, what, "/git/ref/heads/"+strings.Join(parts, "/"), nil, &ref); err != nil {
		return "", err
	}
	if !commitName.MatchString(ref.Object.SHA) {
		return "", g.fail(what, &Problem{Kind: ErrUnavailable, Text: "the forge answered without a commit"})
	}
	return ref.Object.SHA, nil
}

// Viewer is the login the token belongs to.
func (g *GitHub) Viewer(ctx context.Context) (string, error) {
	var data struct {
		Viewer struct{ Login string }
	}
	a, err := g.query(ctx, "read who the token belongs to", viewerDocument, nil, readAttempts, &data)
	if err == nil && data.Viewer.Login == "" {
		return "", g.fail("read who the token belongs to", g.queryProblem(answer{}, a))
	}
	return data.Viewer.Login, err
}
