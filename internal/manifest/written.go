package manifest

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

// WrittenAt is the line of a file, counted from 1, on which a field of an
// object is written: the object whose document, or item of a List, begins at
// line start or after it, the field by its path. Where the file does not have the
// field, as a patch or a generator in another file sets it, it is the line of
// the nearest field around it that the file has; exact is false then. ok is
// false when the file has none of that: it is a template, or has no object
// there.
func WrittenAt(file []byte, start int, path string) (line int, exact, ok bool) {
	text, before := documentAt(file, start)
	var fields map[string]any
	if err := yaml.Unmarshal(text, &fields); err != nil {
		return 0, false, false
	}
	places, err := Locate(text)
	if err != nil {
		return 0, false, false
	}
	object, lead := itemAt(fields, places, start-before)
	for _, p := range append([]string{path}, around(path)...) {
		steps, has := fieldpath.Steps(object, p)
		if !has {
			continue
		}
		if from, _, found := places.Lines(append(lead, steps...)); found {
			return from + before, p == path, true
		}
	}
	return 0, false, false
}

// documentAt is the document of a file that a line is in, and how many lines of
// the file are before it.
func documentAt(file []byte, line int) (text []byte, before int) {
	from := 0
	for pos, above := 0, 0; pos < len(file); above++ {
		end := len(file)
		if i := bytes.IndexByte(file[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		if bytes.HasPrefix(file[pos:], []byte("---")) {
			if above >= line {
				return file[from:pos], before
			}
			from, before = end, above+1
		}
		pos = end
	}
	return file[from:], before
}

// itemAt is the object that begins at a line of a document: the document's own,
// or an item of it if it is a List. lead are the steps to it.
func itemAt(fields map[string]any, places *Places, line int) (object map[string]any, lead []any) {
	kind, _ := fields["kind"].(string)
	items, _ := fields["items"].([]any)
	if !strings.HasSuffix(kind, "List") {
		return fields, nil
	}
	for i, e := range items {
		item, isMap := e.(map[string]any)
		from, to, found := places.Lines([]any{"items", i})
		if isMap && found && line >= from && line <= to {
			return item, []any{"items", i}
		}
	}
	return fields, nil
}

// around are the paths of what a field is in, the nearest first.
func around(path string) []string {
	var out []string
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '.' || path[i] == '[' {
			out = append(out, path[:i])
		}
	}
	return out
}
