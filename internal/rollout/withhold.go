package rollout

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// shortestSecret is how long a line of a Secret's value has to be for a diff to
// be withheld that holds it: "1" and "true" are everywhere.
const shortestSecret = 4

// withoutSecrets leaves out the diffs of files in which a value of the rendered
// Secrets can be read: the file that a Secret is generated from, or the values
// of a chart, look like any other.
func withoutSecrets(files []model.FileChange, rendered []model.Object) []model.FileChange {
	values := secretValues(rendered)
	for i, f := range files {
		for v := range values {
			if strings.Contains(f.Diff, v) {
				files[i].Diff, files[i].Note = "", "the diff is not shown: the file holds values of a Secret"
				break
			}
		}
	}
	return files
}

// secretValues are the lines of all values of Secrets, as text and in base64,
// but for those that stand in other objects too: a user who is called like the
// image is no secret, and would hide every upgrade of it.
func secretValues(objects []model.Object) map[string]bool {
	values := linesOfSecrets(objects)
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
	add := func(s string) {
		for line := range strings.Lines(s) {
			if line = strings.TrimSpace(line); len(line) >= shortestSecret {
				values[line] = true
			}
		}
	}
	for _, o := range objects {
		if o.ID.Group != "" || o.ID.Kind != "Secret" {
			continue
		}
		for _, field := range []string{"data", "stringData"} {
			entries, _ := o.Fields[field].(map[string]any)
			for _, v := range entries {
				s, _ := v.(string)
				add(s)
				if plain, err := base64.StdEncoding.DecodeString(s); err == nil && field == "data" {
					add(string(plain))
				}
			}
		}
	}
	return values
}
