package forge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// fieldError is one of the errors beside, or instead of, a query's data.
type fieldError struct {
	Type    string `json:"type"` // "FORBIDDEN", "NOT_FOUND", "RATE_LIMITED", …
	Message string `json:"message"`
	Path    []any  `json:"path"` // names and list positions from the root
}

// fieldErrors are the errors of one query.
type fieldErrors []fieldError

// within returns the first error at or below a path.
func (e fieldErrors) within(path ...any) (fieldError, bool) {
	for _, f := range e {
		if len(f.Path) < len(path) {
			continue
		}
		match := true
		for i, p := range path {
			match = match && fmt.Sprint(f.Path[i]) == fmt.Sprint(p)
		}
		if match {
			return f, true
		}
	}
	return fieldError{}, false
}

// mentions reports whether the error's path leads through a field.
func (f fieldError) mentions(field string) bool {
	for _, p := range f.Path {
		if p == field {
			return true
		}
	}
	return false
}

// query runs a GraphQL query below the repository and decodes the data into
// out as far as there is any. Errors of single fields are returned for the
// caller to judge; an error is returned when there is nothing to work with.
func (g *GitHub) query(ctx context.Context, what, document string, variables map[string]any, attempts int, out any) (fieldErrors, error) {
	var reply struct {
		Data   json.RawMessage `json:"data"`
		Errors fieldErrors     `json:"errors"`
	}
	vars := map[string]any{}
	if strings.Contains(document, "$owner") {
		vars["owner"], vars["name"] = g.repo.Owner, g.repo.Name
	}
	maps.Copy(vars, variables)
	c := call{
		what: what, method: http.MethodPost, path: g.graphqlURL, resource: "graphql", attempts: attempts,
		body: map[string]any{"query": document, "variables": vars},
	}
	a, err := g.do(ctx, c, &reply)
	if err != nil {
		return nil, err
	}
	var root map[string]json.RawMessage
	if len(reply.Data) > 0 {
		if err := json.Unmarshal(reply.Data, &root); err != nil {
			return nil, g.fail(what, &Problem{Kind: ErrUnavailable, Text: "the forge's data cannot be read: " + g.clean(err.Error()), cause: err})
		}
	}
	for _, v := range root {
		if string(v) == "null" {
			root = nil
		}
	}
	if root == nil {
		return nil, g.fail(what, g.queryProblem(a, reply.Errors))
	}
	if err := json.Unmarshal(reply.Data, out); err != nil {
		return nil, g.fail(what, &Problem{Kind: ErrUnavailable, Text: "the forge's data cannot be read: " + g.clean(err.Error()), cause: err})
	}
	return reply.Errors, nil
}

// queryProblem explains a query that gave nothing at all.
func (g *GitHub) queryProblem(a answer, errs fieldErrors) *Problem {
	var f fieldError
	if len(errs) > 0 {
		f = errs[0]
	}
	message := g.clean(f.Message)
	p := &Problem{Status: a.status}
	switch {
	case f.Type == "RATE_LIMITED" || strings.Contains(strings.ToLower(f.Message), "rate limit"):
		until := g.limits.blocked("graphql")
		if !until.After(g.now()) {
			until = g.now().Add(secondaryWait)
			g.limits.block("graphql", until)
		}
		return g.rateLimited(a.status, until)
	case f.Type == "NOT_FOUND":
		p.Kind = ErrNotFound
		p.Text = fmt.Sprintf("not found: the name is wrong, or the token%s has no access to it (%s)", g.origin(), message)
	case f.Type == "FORBIDDEN" || f.Type == "INSUFFICIENT_SCOPES":
		p.Kind, p.Text = ErrForbidden, fmt.Sprintf("the token%s may not: %s%s", g.origin(), message, g.needed(a.header))
	case message == "":
		p.Kind, p.Text = ErrUnavailable, "the forge answered without data; try again"
	default:
		p.Kind, p.Text = ErrUnavailable, "the forge could not answer the query: "+message
	}
	return p
}
