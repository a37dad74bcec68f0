package rollout

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldrule"
	"github.com/fairtide-dev/fairtide/model"
)

// shortestSecret is how long a line of a Secret's value has to be for a diff to
// be withheld that holds it: "1" and "true" are everywhere.
const shortestSecret = 4

// withoutSecrets leaves out the diffs of files in which a value of the rendered
// Secrets, or of a field that the rules mark, can be read: the file that a Secret is generated from, or the values
// of a chart, look like any other.
func withoutSecrets(files []model.FileChange, rendered []model.Object, marks []model.FieldRule) []model.FileChange {
	values := secretValues(rendered, marks)
	for i, f := range files {
		for v := range values {
			if strings.Contains(f.Diff, v) {
				files[i].Diff, files[i].Note = "", "the diff is not shown: the file holds values of a Secret, or of a field that is masked"
				break
			}
		}
	}
	return files
}

// secretValues are the lines of all values of Secrets, as text and in base64,
// and of marked fields, but for those that stand in other objects too: a user who is called like the
// image is no secret, and would hide every upgrade of it.
func secretValues(objects []model.Object, marks []model.FieldRule) map[string]bool {
	objects, marked := withoutMarked(objects, marks)
	values := linesOfSecrets(objects)
	for _, v := range marked {
		addLines(values, v)
	}
	for _, o := range objects {
		if len(values) == 0 {
			break
		}
		if o.ID.Group == "" && o.ID.Kind == "Secret" {
			continue
		}
		data, err := json.Marshal(o.Fields)
		if err != nil {
			continue // what cannot be read cannot clear a value
		}
		for v := range values {
			if strings.Contains(string(data), v) {
				delete(values, v)
			}
		}
	}
	return values
}

func linesOfSecrets(objects []model.Object) map[string]bool {
	values := map[string]bool{}
	for _, o := range objects {
		if o.ID.Group != "" || o.ID.Kind != "Secret" {
			continue
		}
		for _, field := range []string{"data", "stringData"} {
			entries, _ := o.Fields[field].(map[string]any)
			for _, v := range entries {
				s, _ := v.(string)
				addLines(values, s)
				if plain, err := base64.StdEncoding.DecodeString(s); err == nil && field == "data" {
					addLines(values, string(plain))
				}
			}
		}
	}
	return values
}

func addLines(values map[string]bool, text string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); len(line) >= shortestSecret {
			values[line] = true
		}
	}
}

// withoutMarked takes the values of marked fields out of copies of the objects.
// That a value stands in such a field does not make it a public one.
func withoutMarked(objects []model.Object, marks []model.FieldRule) (rest []model.Object, values []string) {
	if len(marks) == 0 {
		return objects, nil
	}
	rest = make([]model.Object, len(objects))
	for i, o := range objects {
		rest[i] = o
		data, err := json.Marshal(o.Fields)
		if err != nil {
			continue // what is no JSON did not come out of a manifest
		}
		var fields map[string]any
		if err := json.Unmarshal(data, &fields); err != nil {
			continue
		}
		for _, r := range marks {
			fieldrule.Rewrite(fields, o.ID.Kind, r, func(v any) any {
				values = append(values, fmt.Sprint(v))
				return ""
			})
		}
		rest[i].Fields = fields
	}
	return rest, values
}
