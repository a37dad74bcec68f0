package repo

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// locate finds the lines of what kustomize has built: objects come in its
// order, and their sources name the file each came from. Kustomize changes
// names and says nothing of lines, so that a line is what is left when file,
// order, kind and name agree; it is 0 where that leaves a doubt.
func (s *scanner) locate(objects []model.Object) {
	byFile := map[string][]int{}
	for i, o := range objects {
		if o.Source.File != "" {
			byFile[o.Source.File] = append(byFile[o.Source.File], i)
		}
	}
	for name, indexes := range byFile {
		group := make([]*model.Object, len(indexes))
		for i, at := range indexes {
			group[i] = &objects[at]
		}
		matchLines(group, s.written(name))
	}
}

// written lists what a file has that becomes an object, in its order.
func (s *scanner) written(name string) []model.Object {
	if k, ok := s.kusts[name]; ok {
		return k.generators()
	}
	docs, ok := s.docs[name]
	if !ok { // it may have been named through a symbolic link
		real, _, err := s.fs.lookup(name)
		if err != nil {
			return nil
		}
		docs = s.docs[real]
	}
	return writtenIn(docs)
}

func writtenIn(docs []document) []model.Object {
	var all []model.Object
	for _, d := range docs {
		objects, err := objectsOf(d)
		if err != nil {
			continue
		}
		for _, o := range objects {
			// The configuration of a generator stands for what it makes.
			if o.APIVersion() == "builtin" {
				o.ID = model.ObjectID{Kind: strings.TrimSuffix(o.ID.Kind, "Generator"), Name: o.ID.Name, Namespace: o.ID.Namespace}
			}
			all = append(all, o)
		}
	}
	return all
}

// generators lists the objects that a kustomization makes itself, with the
// lines of their entries.
func (f kustomizationFile) generators() []model.Object {
	var all []model.Object
	add := func(kind string, entry *yaml.Node, name, namespace, behavior string) {
		if behavior == "merge" || behavior == "replace" {
			return // it changes an object that another file makes
		}
		o := model.Object{ID: model.ObjectID{Kind: kind, Name: name, Namespace: namespace}}
		if o.Source.File = f.doc.file; entry != nil {
			o.Source.Line = entry.Line
		}
		all = append(all, o)
	}
	entries := f.entries("configMapGenerator")
	for i, g := range f.k.ConfigMapGenerator {
		add("ConfigMap", nth(entries, i), g.Name, g.Namespace, g.Behavior)
	}
	entries = f.entries("secretGenerator")
	for i, g := range f.k.SecretGenerator {
		add("Secret", nth(entries, i), g.Name, g.Namespace, g.Behavior)
	}
	entries = f.entries("generators")
	for i, text := range f.k.Generators {
		docs, err := parse(f.doc.file, []byte(text), len(text))
		if err != nil {
			continue
		}
		for _, o := range writtenIn(docs) {
			add(o.ID.Kind, nth(entries, i), o.ID.Name, o.ID.Namespace, "")
		}
	}
	return all
}

// entries are the items under a key of the kustomization, which kustomize
// knows in any case.
func (f kustomizationFile) entries(key string) []*yaml.Node {
	if f.doc.node == nil {
		return nil
	}
	for i := 0; i+1 < len(f.doc.node.Content); i += 2 {
		if list := target(f.doc.node.Content[i+1]); strings.EqualFold(f.doc.node.Content[i].Value, key) {
			return list.Content
		}
	}
	return nil
}

func nth(nodes []*yaml.Node, i int) *yaml.Node {
	if i < len(nodes) {
		return nodes[i]
	}
	return nil
}

// matchLines gives objects that came from one file the lines of what is
// written there.
func matchLines(objects []*model.Object, written []model.Object) {
	if inOrder(objects, written) {
		for i, o := range objects {
			o.Source.Line = written[i%len(written)].Source.Line
		}
		return
	}
	used := make([]bool, len(written))
	var renamed []*model.Object
	for _, o := range objects {
		i := best(o.ID, written)
		if i < 0 {
			renamed = append(renamed, o)
			continue
		}
		used[i] = true
		o.Source.Line = written[i].Source.Line
	}
	// A patch may give another name, or another kind.
	for _, o := range renamed {
		for _, same := range []func(model.Object) bool{
			func(w model.Object) bool { return w.ID.Kind == o.ID.Kind && w.ID.Group == o.ID.Group },
			func(model.Object) bool { return true },
		} {
			if i, only := onlyUnused(written, used, same); only {
				o.Source.Line = written[i].Source.Line
				break
			}
		}
	}
}

// inOrder reports whether the objects are just what is written, as often as
// its kustomization is a base.
func inOrder(objects []*model.Object, written []model.Object) bool {
	if len(written) == 0 || len(objects)%len(written) != 0 {
		return false
	}
	for i, o := range objects {
		if !isFrom(o.ID, written[i%len(written)].ID) {
			return false
		}
	}
	return true
}

// isFrom reports whether an object can be what is written, with a prefix, a
// suffix or a hash in its name.
func isFrom(id, written model.ObjectID) bool {
	return id.Kind == written.Kind && id.Group == written.Group && strings.Contains(id.Name, written.Name)
}

// best finds what an object must come from: the longest name in its own, and
// of several the one of its namespace. -1: there is none, or more than one.
func best(id model.ObjectID, written []model.Object) int {
	found := -1
	tie := false
	for i, w := range written {
		if !isFrom(id, w.ID) {
			continue
		}
		if found < 0 {
			found = i
			continue
		}
		was := written[found].ID
		better := len(w.ID.Name) - len(was.Name)
		if better == 0 {
			better = sameNamespace(id, w.ID) - sameNamespace(id, was)
		}
		switch {
		case better > 0:
			found, tie = i, false
		case better == 0:
			tie = true
		}
	}
	if tie {
		return -1
	}
	return found
}

func sameNamespace(id, written model.ObjectID) int {
	if id.Namespace == written.Namespace {
		return 1
	}
	return 0
}

// onlyUnused finds the one that nothing came from yet and that is the same.
func onlyUnused(written []model.Object, used []bool, same func(model.Object) bool) (int, bool) {
	found := -1
	for i, w := range written {
		if used[i] || !same(w) {
			continue
		}
		if found >= 0 {
			return 0, false
		}
		found = i
	}
	return found, found >= 0
}

// adopt finds the places of the objects that neither a mark nor a name could
// place, such as those that a patch has renamed: what nothing else came from.
func (s *scanner) adopt(placed, others []model.Object) {
	taken := map[model.Source]bool{}
	for _, o := range placed {
		taken[o.Source] = true
	}
	var orphans []*model.Object
	for i := range others {
		if taken[others[i].Source] = true; others[i].Source.Line == 0 {
			orphans = append(orphans, &others[i])
		}
	}
	if len(orphans) == 0 {
		return
	}
	var rest []model.Object
	for _, name := range slices.Sorted(maps.Keys(s.docs)) {
		if s.uses[name]&(1<<asResource) == 0 {
			continue
		}
		for _, w := range s.written(name) {
			if !taken[w.Source] {
				rest = append(rest, w)
			}
		}
	}
	used := make([]bool, len(rest))
	for _, o := range orphans {
		like := func(id model.ObjectID) bool { return id.Kind == o.ID.Kind && id.Group == o.ID.Group }
		i, only := onlyUnused(rest, used, func(w model.Object) bool { return like(w.ID) })
		if only && !slices.ContainsFunc(orphans, func(other *model.Object) bool { return other != o && like(other.ID) }) {
			o.Source, used[i] = rest[i].Source, true
		}
	}
	orphans = slices.DeleteFunc(orphans, func(o *model.Object) bool { return o.Source.Line > 0 })
	if i, only := onlyUnused(rest, used, func(model.Object) bool { return true }); only && len(orphans) == 1 {
		orphans[0].Source = rest[i].Source
	}
}
