package repo

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// patches adds a patch to the environment's kustomization for each object that
// has fields which no file of its own sets.
func (a *adoption) patches(goals []aim) error {
	for len(goals) > 0 {
		object := goals[0].object
		var mine, rest []aim
		for _, g := range goals {
			if g.object == object {
				mine = append(mine, g)
			} else {
				rest = append(rest, g)
			}
		}
		ok, err := a.patched(mine)
		if err != nil {
			return err
		}
		if !ok {
			return contentf("%s: %s cannot be set by a patch in %s%s; write the live value by hand where it is set", a.now[object].ID, mine[0].path, a.kust, a.because())
		}
		goals = rest
	}
	return nil
}

func (a *adoption) patched(goals []aim) (bool, error) {
	want := a.now
	for _, g := range goals {
		want = g.applied(want)
	}
	o := a.now[goals[0].object]
	names, err := a.names(o)
	if err != nil {
		return false, err
	}
	y, err := a.text(a.kust)
	if err != nil || y == nil {
		return false, err
	}
	namespaces := []string{""}
	if o.ID.Namespace != "" {
		namespaces = append(namespaces, o.ID.Namespace)
	}
	a.why = "its patches are not a list in block style"
	for _, namespace := range namespaces {
		for _, name := range names {
			for _, body := range []any{merging(o, name, goals), operations(goals)} {
				s, ok := y.addPatch(o.ID, name, namespace, body)
				if !ok {
					continue
				}
				if ok, err := a.try(a.kust, y.apply([]splice{s}), want); ok || err != nil {
					return ok, err
				}
			}
		}
	}
	return false, nil
}

// names are what a patch may call the object: as it is rendered, and as it is
// written, before a prefix or a suffix is added.
func (a *adoption) names(o model.Object) ([]string, error) {
	out := []string{o.ID.Name}
	if o.Source.File == "" {
		return out, nil
	}
	data, err := newTreeFS(a.ctx, a.store, a.root, a.limits.file).read(o.Source.File)
	if err != nil {
		return nil, err
	}
	docs, err := parse(o.Source.File, data, a.limits.nodes)
	if err != nil {
		return nil, err
	}
	for _, w := range writtenIn(docs) {
		if w.Source.Line == o.Source.Line && !slices.Contains(out, w.ID.Name) {
			out = append(out, w.ID.Name)
		}
	}
	return out, nil
}

// merging is a strategic merge patch; nil when it could not say what is meant.
func merging(o model.Object, name string, goals []aim) any {
	patch := map[string]any{"apiVersion": o.APIVersion(), "kind": o.ID.Kind, "metadata": map[string]any{"name": name}}
	for _, g := range goals {
		if !g.overlay(patch) {
			return nil
		}
	}
	return patch
}

// operations is a JSON patch. What it names by position it tests first, so that
// it fails, and hits nothing else, once the list is another one.
func operations(goals []aim) any {
	var ops []any
	for _, g := range goals {
		at := ""
		for n, s := range g.steps {
			switch {
			case !s.list:
				at += "/" + pointerPart(s.key)
				continue
			case s.index < 0:
				at += "/-"
				continue
			}
			at += "/" + strconv.Itoa(s.index)
			for _, key := range sortedKeys(s.match) {
				if n < len(g.steps)-1 {
					ops = append(ops, map[string]any{"op": "test", "path": at + "/" + pointerPart(key), "value": s.match[key]})
				}
			}
		}
		op := "add"
		if g.had {
			op = "replace"
		}
		ops = append(ops, map[string]any{"op": op, "path": at, "value": g.value})
	}
	return ops
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func pointerPart(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// addPatch is the change that adds a patch to those of a kustomization.
func (y *yamlText) addPatch(id model.ObjectID, name, namespace string, body any) (splice, bool) {
	if body == nil || len(y.docs) != 1 || y.docs[0].Kind != yaml.MappingNode || !isBlock(y.docs[0]) {
		return splice{}, false
	}
	_, list := field(y.docs[0], "patches")
	indent, after := 0, 0
	if list != nil {
		if list.Kind != yaml.SequenceNode || !isBlock(list) || len(list.Content) == 0 {
			return splice{}, false
		}
		last := list.Content[len(list.Content)-1]
		at := y.offset(last)
		if !y.ownLine(at, "-") {
			return splice{}, false
		}
		indent = y.dash(at)
		after = y.over(last, indent+1)
	}
	text, ok := y.blockText(body, indent+4)
	if !ok {
		return splice{}, false
	}
	blanks := strings.Repeat(" ", indent)
	lines := []string{blanks + "- target:"}
	for _, part := range [][2]string{{"group", id.Group}, {"kind", id.Kind}, {"name", regexp.QuoteMeta(name)}, {"namespace", regexp.QuoteMeta(namespace)}} {
		if part[1] != "" {
			lines = append(lines, blanks+"    "+part[0]+": "+flow(part[1]))
		}
	}
	lines = append(lines, blanks+"  patch: |-", blanks+"    "+text)
	if list == nil {
		return y.atEnd(append([]string{"patches:"}, lines...)...)[0], true
	}
	return y.insertLine(after, strings.Join(lines, y.eol())), true
}
