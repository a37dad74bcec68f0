package chart

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
)

const schemaURL = "file:///values.schema.json"

// validate checks the values of a chart and its dependencies by their
// values.schema.json, as helm does, but that nothing outside of a schema is
// read: helm would ask the network, or the machine's own disk. The text of an
// error names places and rules and holds no value.
func validate(ch *v2.Chart, values map[string]any, dir string) error {
	if ch.Schema != nil {
		if err := validateOne(ch.Schema, values, path.Join(dir, "values.schema.json")); err != nil {
			return err
		}
	}
	for _, sub := range ch.Dependencies() {
		raw, ok := values[sub.Name()]
		if !ok || raw == nil {
			continue
		}
		inner, ok := raw.(map[string]any)
		if !ok {
			return problemf("%s: the values for the dependency %s must be a mapping", dir, sub.Name())
		}
		if err := validate(sub, inner, path.Join(dir, "charts", sub.Name())); err != nil {
			return err
		}
	}
	return nil
}

func validateOne(schema []byte, values map[string]any, name string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = problemf("%s cannot be used as a schema", name)
		}
	}()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return problemf("%s is not JSON: %s", name, withoutQuotes(err.Error()))
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nothing{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return problemf("%s is not a schema: %s", name, schemaText(err))
	}
	compiled, err := c.Compile(schemaURL)
	var outside *jsonschema.LoadURLError
	switch {
	case errors.As(err, &outside):
		return problemf("%s refers to %s, which is outside of the schema; copy what it needs into it", name, strings.TrimPrefix(outside.URL, "file:///"))
	case err != nil:
		return problemf("%s is not a schema: %s", name, schemaText(err))
	}
	err = compiled.Validate(values)
	var wrong *jsonschema.ValidationError
	switch {
	case errors.As(err, &wrong):
		return problemf("the values do not meet %s: %s", name, strings.Join(violations(wrong), "; "))
	case err != nil:
		return problemf("the values cannot be checked by %s", name)
	}
	return nil
}

func schemaText(err error) string {
	return shorten(strings.ReplaceAll(oneLine(err.Error()), schemaURL, ""))
}

// maxViolations is how many are told at once.
const maxViolations = 5

// violations say which value breaks which rule: "image.tag: type".
func violations(e *jsonschema.ValidationError) []string {
	var found []string
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, c := range e.Causes {
			walk(c)
		}
		if len(e.Causes) > 0 || len(found) == maxViolations {
			return
		}
		where := strings.Join(e.InstanceLocation, ".")
		if where == "" {
			where = "the top level"
		}
		found = append(found, fmt.Sprintf("%s breaks the rule %q", where, strings.Join(e.ErrorKind.KeywordPath(), "/")))
	}
	walk(e)
	return found
}

// nothing is the loader of all that a schema refers to outside of itself.
type nothing struct{}

var errOutside = errors.New("outside of the schema")

// Load lets a reference to a name pass, as helm does, as there is nothing to
// load by it.
func (nothing) Load(url string) (any, error) {
	if strings.HasPrefix(url, "urn:") {
		return true, nil
	}
	return nil, errOutside
}
