package repo

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// candidate is an edit of a file that may be the right one.
type candidate struct{ changes []splice }

// view is a YAML text in a file: the file itself, or a patch that is written
// into a kustomization as a block of text.
type view struct {
	*yamlText
	lift func(splice) splice // from the text to the file
}

// views are the file and the blocks of text in it that are YAML themselves.
func (y *yamlText) views() []view {
	out := []view{{y, func(s splice) splice { return s }}}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.Style == yaml.LiteralStyle {
			if v, ok := y.block(n); ok {
				out = append(out, v)
			}
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	for _, doc := range y.docs {
		walk(doc)
	}
	return out
}

// block is the text of a literal block, if it is YAML of more than one value.
func (y *yamlText) block(n *yaml.Node) (view, bool) {
	inner, err := readYAML([]byte(n.Value))
	indent := y.blockIndent(n)
	if err != nil || indent == 0 || len(inner.docs) == 0 || inner.docs[0].Kind == yaml.ScalarNode {
		return view{}, false
	}
	blanks := "\n" + strings.Repeat(" ", indent)
	up := func(at int) int {
		line := len(inner.lines) - 1
		for inner.lines[line] > at {
			line--
		}
		if n.Line+line >= len(y.lines) {
			return len(y.data)
		}
		outer := y.lines[n.Line+line]
		if column := at - inner.lines[line]; column > 0 {
			return min(outer+indent+column, len(y.data))
		}
		return outer
	}
	return view{inner, func(s splice) splice {
		if s.text == "" && s.from > 0 && s.to == len(inner.data) && inner.data[s.to-1] != '\n' {
			s.from-- // the line end before what is removed, as there is none behind it
		}
		from, to := up(s.from), up(s.to)
		text := strings.ReplaceAll(s.text, "\n", blanks)
		if text != "" && s.from == inner.lineStart(s.from) { // whole lines
			text = strings.TrimSuffix(blanks[1:]+text, blanks[1:])
		}
		return splice{from, to, text}
	}}, true
}

func (y *yamlText) lineStart(at int) int {
	return strings.LastIndexByte(string(y.data[:at]), '\n') + 1
}

// blockIndent is how far the lines of a literal block are indented; 0 when
// that is said in its header, or there are none.
func (y *yamlText) blockIndent(n *yaml.Node) int {
	header, _, _ := strings.Cut(string(y.data[y.offset(n):]), "\n")
	_, header, found := strings.Cut(header, "|")
	if !found || strings.ContainsAny(header[:min(2, len(header))], "123456789") {
		return 0
	}
	for line := n.Line; line < len(y.lines); line++ {
		text := y.lineText(line)
		if strings.TrimSpace(text) == "" {
			continue
		}
		return len(text) - len(strings.TrimLeft(text, " "))
	}
	return 0
}

// lineText is a line, counted from 0, without its end.
func (y *yamlText) lineText(line int) string {
	end := len(y.data)
	if line+1 < len(y.lines) {
		end = y.lines[line+1]
	}
	return strings.TrimRight(string(y.data[y.lines[line]:end]), "\r\n")
}

// docsOf are the documents, and items of lists, that may be the object or a
// patch of it: what it is by name is for the render to say.
func (y *yamlText) docsOf(o model.Object) []*yaml.Node {
	var out []*yaml.Node
	var look func(n *yaml.Node)
	look = func(n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			return
		}
		if _, items := field(n, "items"); items != nil && items.Kind == yaml.SequenceNode && strings.HasSuffix(text(n, "kind"), "List") {
			for _, item := range items.Content {
				look(item)
			}
			return
		}
		_, meta := field(n, "metadata")
		if kind := text(n, "kind"); kind == o.ID.Kind && strings.Contains(o.ID.Name, text(meta, "name")) {
			out = append(out, n)
		}
	}
	for _, doc := range y.docs {
		look(doc)
	}
	return out
}

// written finds the field by its path, in manifests and strategic merge patches.
func (a *adoption) written(y *yamlText, goal aim) (out []candidate) {
	if !goal.had {
		return nil
	}
	o := a.now[goal.object]
	for _, v := range y.views() {
		for _, doc := range v.docsOf(o) {
			parent, at, ok := v.place(doc, goal)
			if !ok {
				continue
			}
			if changes, ok := v.change(parent, at, goal); ok {
				out = append(out, v.lifted(changes))
			}
		}
	}
	return out
}

func (v view) lifted(changes []splice) candidate {
	c := candidate{changes: make([]splice, len(changes))}
	for i, s := range changes {
		c.changes[i] = v.lift(s)
	}
	return c
}

// place walks to the field; at is where it is in its parent's content.
func (y *yamlText) place(doc *yaml.Node, goal aim) (parent *yaml.Node, at int, ok bool) {
	n := doc
	for _, s := range goal.steps {
		parent = target(n)
		if s.list {
			at = element(parent, s)
		} else {
			at = -1
			if parent != nil && parent.Kind == yaml.MappingNode {
				for i := 0; i+1 < len(parent.Content); i += 2 {
					if parent.Content[i].Value == s.key {
						at = i + 1
					}
				}
			}
		}
		if at < 0 {
			return nil, 0, false
		}
		n = parent.Content[at]
	}
	return parent, at, parent != nil
}

// element finds an element of a list by what tells it apart; -1: it is not
// there, or more than one is.
func element(list *yaml.Node, s adoptStep) int {
	if list == nil || list.Kind != yaml.SequenceNode {
		return -1
	}
	if s.match == nil {
		if s.index < len(list.Content) {
			return s.index
		}
		return -1
	}
	found := -1
	for i, item := range list.Content {
		all := true
		for k, want := range s.match {
			_, v := field(target(item), k)
			all = all && v != nil && isValue(v, want)
		}
		if all && found >= 0 {
			return -1
		}
		if all {
			found = i
		}
	}
	return found
}

// isValue reports whether a node is a single value and the given one.
func isValue(n *yaml.Node, want any) bool {
	if n = target(n); n == nil || n.Kind != yaml.ScalarNode {
		return false
	}
	v, err := (&converter{limit: 1, left: 1}).scalar(n)
	return err == nil && fieldpath.Equal(v, want)
}

// near finds the old value under the key that the field has.
func (a *adoption) near(y *yamlText, goal aim) []candidate {
	key := lastKey(goal)
	return scalars(y, goal, a.now[goal.object], func(name string) bool { return name == key })
}

// equal finds the old value anywhere, such as in a JSON patch or in what
// kustomize has of its own for replicas, images and labels.
func (a *adoption) equal(y *yamlText, goal aim) []candidate {
	return scalars(y, goal, a.now[goal.object], func(string) bool { return true })
}

// scalars lists the changes of single values that are the old one, or the tag
// of the old one where it is an image.
func scalars(y *yamlText, goal aim, o model.Object, under func(key string) bool) (out []candidate) {
	if !goal.had || goal.remove || !isSingle(goal.old) || !isSingle(goal.value) {
		return nil
	}
	swaps := [][2]any{{goal.old, goal.value}}
	if from, to, ok := retagged(goal); ok {
		swaps = append(swaps, [2]any{from, to})
	}
	for _, v := range y.views() {
		var walk func(n *yaml.Node, key string)
		walk = func(n *yaml.Node, key string) {
			switch n.Kind {
			case yaml.ScalarNode:
				for _, s := range swaps {
					if !under(key) || !isValue(n, s[0]) {
						continue
					}
					if changes, ok := v.setScalar(n, s[1]); ok {
						out = append(out, v.lifted(changes))
					}
				}
			case yaml.MappingNode:
				for i := 0; i+1 < len(n.Content); i += 2 {
					walk(n.Content[i+1], n.Content[i].Value)
				}
			case yaml.SequenceNode, yaml.DocumentNode:
				for _, c := range n.Content {
					walk(c, key)
				}
			}
		}
		for _, doc := range v.docs {
			if !foreign(doc, o) {
				walk(doc, "")
			}
		}
	}
	return out
}

// foreign reports whether a document is the manifest, or a patch, of another
// object: nothing in it sets a field of this one.
func foreign(doc *yaml.Node, o model.Object) bool {
	kind, version := text(doc, "kind"), text(doc, "apiVersion")
	_, meta := field(doc, "metadata")
	switch {
	case kind == "", strings.HasSuffix(kind, "List"), version == "builtin", strings.HasPrefix(version, "kustomize.config.k8s.io/"):
		return false
	}
	return kind != o.ID.Kind || !strings.Contains(o.ID.Name, text(meta, "name"))
}

// retagged are the tags of an image that is to have another one.
func retagged(goal aim) (from, to any, ok bool) {
	old, isText := goal.old.(string)
	now, too := goal.value.(string)
	if !isText || !too || lastKey(goal) != "image" {
		return nil, nil, false
	}
	name, tag, digest := imageParts(old)
	sameName, newTag, newDigest := imageParts(now)
	if name != sameName || digest+newDigest != "" || tag == "" || newTag == "" {
		return nil, nil, false
	}
	if i, err := strconv.ParseInt(tag, 10, 64); err == nil {
		return i, newTag, true // as YAML would read it
	}
	return tag, newTag, true
}

// isSingle reports whether a value is a text, a number, true or false.
func isSingle(v any) bool {
	switch v.(type) {
	case string, bool, int64, float64:
		return true
	}
	return false
}
