package githubtest

import (
	"context"
	_ "embed" // the schema
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

//go:embed schema.graphql
var schemaText string

type schemaOf struct{ *ast.Schema }

func loadSchema() (*schemaOf, error) {
	schema, err := validator.LoadSchema(validator.Prelude, &ast.Source{Name: "schema.graphql", Input: schemaText})
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &schemaOf{schema}, nil
}

// graphError is an entry of "errors".
type graphError struct {
	Type      string           `json:"type,omitempty"`
	Path      []any            `json:"path,omitempty"`
	Locations []map[string]int `json:"locations,omitempty"`
	Message   string           `json:"message"`
}

func (e *graphError) Error() string { return e.Message }

// serveGraphQL validates and executes a document.
func (s *Server) serveGraphQL(w *response, r *http.Request, body []byte, u *User, bad bool) {
	switch {
	case r.Method != http.MethodPost:
		s.answer(w, notFound())
		return
	case bad || u == nil:
		s.answer(w, refuse(http.StatusUnauthorized, "Bad credentials"))
		return
	}
	if _, ok := s.spend(w.header, "graphql"); !ok {
		// GitHub answers 200 here, unlike REST.
		s.answer(w, reply{status: http.StatusOK, body: map[string]any{"errors": []graphError{{Type: "RATE_LIMITED", Message: "API rate limit already exceeded for user ID 1."}}}})
		return
	}
	var in struct {
		Query         string
		OperationName string
		Variables     map[string]any
	}
	if err := json.Unmarshal(body, &in); err != nil {
		s.answer(w, refuse(http.StatusBadRequest, "Problems parsing JSON"))
		return
	}
	s.answer(w, s.execute(r.Context(), u, in.Query, in.OperationName, in.Variables))
}

func (s *Server) execute(ctx context.Context, u *User, query, operation string, variables map[string]any) reply {
	failed := func(err error) reply { return ok(map[string]any{"errors": []graphError{{Message: err.Error()}}}) }
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return failed(err)
	}
	if errs := validator.ValidateWithRules(s.schema.Schema, doc, rules.NewDefaultRules()); len(errs) > 0 {
		return failed(errs)
	}
	op := doc.Operations.ForName(operation)
	if op == nil || op.Operation != ast.Query {
		return failed(fmt.Errorf("no query of the name %q", operation))
	}
	vars, err := validator.VariableValues(s.schema.Schema, op, variables)
	if err != nil {
		return failed(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh(ctx)
	x := &execution{schema: s.schema.Schema, vars: vars}
	data, nulled := x.object(s.root(ctx, u), op.SelectionSet, nil)
	out := map[string]any{"data": data}
	if nulled {
		out["data"] = nil
	}
	if len(x.errors) > 0 {
		out["errors"] = x.errors
	}
	return ok(out)
}

// node is an object of the graph: its type, and a function for each field. A
// function gives a text, number, truth value, *node, a list of them, or nil.
type node struct {
	typ    string
	fields map[string]func(args map[string]any) (any, error)
}

// value makes a field of something known already.
func value(v any) func(map[string]any) (any, error) {
	return func(map[string]any) (any, error) { return v, nil }
}

// execution is the run of one document.
type execution struct {
	schema *ast.Schema
	vars   map[string]any
	errors []*graphError
}

// object executes a selection; nulled says that a field that must not be null
// is, which makes the object null.
func (x *execution) object(n *node, set ast.SelectionSet, path []any) (out map[string]any, nulled bool) {
	out = map[string]any{}
	for _, fields := range x.collect(n.typ, set) {
		f := fields[0]
		at := append(append([]any(nil), path...), f.Alias)
		if f.Name == "__typename" {
			out[f.Alias] = n.typ
			continue
		}
		resolve := n.fields[f.Name]
		if resolve == nil {
			resolve = func(map[string]any) (any, error) {
				return nil, fmt.Errorf("the test server has no %s.%s", n.typ, f.Name)
			}
		}
		var below ast.SelectionSet
		for _, same := range fields {
			below = append(below, same.SelectionSet...)
		}
		v, err := resolve(f.ArgumentMap(x.vars))
		if err != nil {
			x.fail(err, f, at)
		}
		if out[f.Alias], nulled = x.complete(v, f.Definition.Type, below, f, at); nulled {
			return nil, true
		}
	}
	return out, false
}

// collect flattens fragments into the fields of a type, those with the same
// key together.
func (x *execution) collect(typ string, set ast.SelectionSet) [][]*ast.Field {
	var order []string
	fields := map[string][]*ast.Field{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				if fields[sel.Alias] == nil {
					order = append(order, sel.Alias)
				}
				fields[sel.Alias] = append(fields[sel.Alias], sel)
			case *ast.InlineFragment:
				if x.applies(typ, sel.TypeCondition) {
					walk(sel.SelectionSet)
				}
			case *ast.FragmentSpread:
				if x.applies(typ, sel.Definition.TypeCondition) {
					walk(sel.Definition.SelectionSet)
				}
			}
		}
	}
	walk(set)
	list := make([][]*ast.Field, 0, len(order))
	for _, key := range order {
		list = append(list, fields[key])
	}
	return list
}

func (x *execution) applies(typ, condition string) bool {
	if condition == "" || condition == typ {
		return true
	}
	for _, d := range x.schema.GetPossibleTypes(x.schema.Types[condition]) {
		if d.Name == typ {
			return true
		}
	}
	return false
}

// complete shapes a resolved value to its type.
func (x *execution) complete(v any, t *ast.Type, set ast.SelectionSet, f *ast.Field, path []any) (out any, nulled bool) {
	switch v := v.(type) {
	case nil:
		return nil, t.NonNull
	case *node:
		if v == nil {
			return nil, t.NonNull
		}
		o, nulled := x.object(v, set, path)
		if nulled {
			return nil, t.NonNull
		}
		return o, false
	case []any:
		list := make([]any, 0, len(v))
		for i, item := range v {
			at := append(append([]any(nil), path...), i)
			if err, ok := item.(error); ok {
				x.fail(err, f, at)
				item = nil
			}
			done, nulled := x.complete(item, t.Elem, set, f, at)
			if nulled {
				return nil, t.NonNull
			}
			list = append(list, done)
		}
		return list, false
	}
	return v, false
}

func (x *execution) fail(err error, f *ast.Field, path []any) {
	e := &graphError{Message: err.Error()}
	if g, ok := err.(*graphError); ok { //nolint:errorlint // made by the resolvers, never wrapped
		*e = *g
	}
	e.Path = path
	if f.Position != nil {
		e.Locations = []map[string]int{{"line": f.Position.Line, "column": f.Position.Column}}
	}
	x.errors = append(x.errors, e)
}
