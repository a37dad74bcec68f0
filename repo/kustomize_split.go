package repo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo/internal/kustworker"
)

// kustomize compares every object with every other, several times over, so a
// build of ten times the objects takes a hundred times as long. A build of a
// part of the objects gives the same for them as long as the part also has the
// objects that kustomize looks up for them, all of which it finds by name:
//
//   - the target of a reference in a field, for its new name: whatever has a
//     name that stands somewhere in the object;
//   - where a reference also gives a namespace, whatever tells that objects of
//     that namespace exist: kustomize looks among those whose namespace it was
//     in the files, and among those whose it has become only if there are none
//     of the first at all;
//   - the targets of patches, replicas and generators that merge: whatever has
//     a name that stands in the kustomization or its patches.
//
// What else may act from one object on another is not split: replacements,
// vars, plugins, configurations, and patches that may alter a name. A part
// that fails, or parts that do not fit together, mean that it is built whole.
type partSizes struct {
	from int // documents that are worth it
	own  int // documents that a part has of its own
	most int // with what they need
}

var usualParts = partSizes{from: 150, own: 100, most: 250}

// mostNames is how many names a text may stand for.
const mostNames = 64

// unit is one document of a resource file.
type unit struct {
	piece   string
	mark    string
	names   []string
	texts   map[string]bool
	spaces  map[string]bool // the namespaces in its files, as kustomize groups them
	points  map[string]bool // the namespaces that stand beside a name in it
	within  map[*kust]bool  // the kustomizations it goes through
	listed  bool            // a List, whose items lose their mark
	partner []int           // what it needs
}

// kust is one kustomization.
type kust struct {
	name      string // of its file
	served    types.Kustomization
	resources []string // what the entries lead to, in order
	makes     bool     // it has generators or components
	component bool     // it is one
	texts     map[string]bool
	needs     []int // what its own directives need below it
}

// splitter divides a build.
type splitter struct {
	s        *scanner
	units    []*unit
	byFile   map[string][]int
	byName   map[string][]int
	kusts    map[string]*kust // by directory
	affixes  [2]map[string]bool
	tooMany  bool
	rootKust *kust
	given    map[string]bool // the namespaces that kustomizations set
}

// split divides the job into parts with the same kustomizations but fewer
// documents; the owner of a mark is the part whose object counts. nil: it has
// to be built whole.
func (s *scanner) split(whole kustworker.Job) (parts []kustworker.Job, owner map[string]int) {
	n := 0
	for _, marks := range whole.Marks {
		n += len(marks)
	}
	if n < s.sizes.from {
		return nil, nil
	}
	sp := &splitter{s: s, byFile: map[string][]int{}, byName: map[string][]int{}, kusts: map[string]*kust{},
		given: map[string]bool{}}
	sp.affixes = [2]map[string]bool{{}, {}}
	if !sp.files(whole) || !sp.enter(whole.Dir, nil) {
		return nil, nil
	}
	sp.rootKust = sp.kusts[whole.Dir]
	if !sp.link() {
		return nil, nil
	}
	return sp.parts(whole)
}

// files cuts the resource files into units. Every one of them has to be cut
// the way the scan has read it.
func (sp *splitter) files(whole kustworker.Job) bool {
	data := map[string][]byte{}
	for _, f := range whole.Known {
		if f.Read {
			data[f.Real] = f.Data
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sp.s.docs)) {
		if sp.s.uses[name]&(1<<asResource) == 0 {
			continue
		}
		docs, marks := sp.s.docs[name], whole.Marks[name]
		pieces, ok := kustworker.Split(data[name])
		pieces = slices.DeleteFunc(pieces, func(p string) bool { return !kustworker.Filled(p) })
		if !ok || len(pieces) != len(docs) || len(marks) != len(docs) {
			return false
		}
		for i, d := range docs {
			u := &unit{piece: pieces[i], mark: marks[i], texts: map[string]bool{}, within: map[*kust]bool{},
				spaces: map[string]bool{}, points: map[string]bool{}}
			texts(d.value, u.texts)
			pointed(d.value, u.points)
			objects, err := objectsOf(d)
			if err != nil {
				return false
			}
			if m, isMap := d.value.(map[string]any); isMap {
				if _, u.listed, err = listItems(m); err != nil {
					return false
				}
			}
			for _, o := range objects {
				if !unambiguous(o.ID.Name) {
					return false
				}
				u.names = append(u.names, o.ID.Name)
				u.spaces[spaceOf(o)] = true
				sp.byName[o.ID.Name] = append(sp.byName[o.ID.Name], len(sp.units))
			}
			sp.byFile[name] = append(sp.byFile[name], len(sp.units))
			sp.units = append(sp.units, u)
		}
	}
	return true
}

// texts collects every scalar of a value.
func texts(v any, into map[string]bool) {
	switch v := v.(type) {
	case nil:
	case []any:
		for _, e := range v {
			texts(e, into)
		}
	case map[string]any:
		for key, e := range v {
			into[key] = true
			texts(e, into)
		}
	default:
		into[fmt.Sprint(v)] = true
	}
}

// pointed collects the namespaces that stand beside a name, which is how a
// reference to an object of another namespace is written. An object's own
// metadata is no reference.
func pointed(v any, into map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			pointed(e, into)
		}
	case map[string]any:
		_, named := v["name"]
		if ns, has := v["namespace"].(string); named && has {
			into[ns] = true
		}
		for key, e := range v {
			if key != "metadata" {
				pointed(e, into)
			}
		}
	}
}

// spaceOf is the namespace under which kustomize groups an object as it stands
// in its file.
func spaceOf(o model.Object) string {
	gvk := resid.NewGvk(o.ID.Group, o.Version, o.ID.Kind)
	return resid.NewResIdWithNamespace(gvk, o.ID.Name, o.ID.Namespace).EffectiveNamespace()
}

// unambiguous reports whether a name reads the same however it is written: one that
// could be a number or a boolean does not.
func unambiguous(name string) bool {
	_, odd := yaml11[name]
	return name != "" && !odd && name != "null" && !strings.EqualFold(name, "true") && !strings.EqualFold(name, "false") &&
		!strings.Contains("0123456789+-.~", name[:1])
}

// enter goes through the kustomization in a directory; above are those that
// lead to it. It reports whether it may be split.
func (sp *splitter) enter(dir string, above []*kust) bool {
	k := sp.kusts[dir]
	if k == nil {
		found, ok := sp.s.found[dir]
		if !ok || !divisible(&found.served) {
			return false
		}
		k = &kust{name: found.name, served: found.served, texts: map[string]bool{}}
		k.makes = len(k.served.ConfigMapGenerator)+len(k.served.SecretGenerator)+len(k.served.Components) > 0
		texts(found.doc.value, k.texts)
		if !sp.patches(dir, k) {
			return false
		}
		if k.served.Namespace != "" {
			sp.given[k.served.Namespace] = true
		}
		sp.affixes[0][k.served.NamePrefix] = true
		sp.affixes[1][k.served.NameSuffix] = true
		for _, v := range k.served.Resources {
			k.resources = append(k.resources, sp.s.leads[lead{dir, v}])
		}
		sp.kusts[dir] = k
	}
	within := append(slices.Clone(above), k)
	for _, p := range k.resources {
		units, isFile := sp.byFile[p]
		if !isFile {
			if _, isDir := sp.s.found[p]; isDir {
				if !sp.enter(p, within) {
					return false
				}
				continue
			}
			if docs, read := sp.s.docs[p]; !read || len(docs) > 0 {
				return false
			}
		}
		for _, u := range units {
			for _, w := range within {
				sp.units[u].within[w] = true
			}
		}
	}
	for _, c := range k.served.Components {
		p := sp.s.leads[lead{dir, c}]
		if !sp.enter(p, within) {
			return false
		}
		// A component works on the objects of the one that names it.
		sp.kusts[p].component = true
		maps.Copy(k.texts, sp.kusts[p].texts)
	}
	return true
}

// divisible reports whether the directives of a kustomization act on one
// object at a time, apart from the names they look up.
func divisible(k *types.Kustomization) bool {
	return len(k.Vars)+len(k.Replacements)+len(k.Generators)+len(k.Transformers)+len(k.Validators)+
		len(k.Crds)+len(k.Configurations)+len(k.OpenAPI)+len(k.BuildMetadata) == 0
}

// patches adds what the patches of a kustomization mention. It reports whether
// none of them can alter what an object is called.
func (sp *splitter) patches(dir string, k *kust) bool {
	check := func(file, text string, options *types.PatchArgs) bool {
		if options != nil && (options.AllowNameChange || options.AllowKindChange) {
			return false
		}
		var docs []document
		var err error
		if file != "" {
			docs, err = sp.s.docs[sp.s.leads[lead{dir, file}]], nil
		} else {
			docs, err = parse("", []byte(text), sp.s.limits.nodes)
		}
		if err != nil || len(docs) == 0 {
			return false
		}
		for _, d := range docs {
			texts(d.value, k.texts)
			if ops, is := d.value.([]any); is && slices.ContainsFunc(ops, renames) {
				return false
			}
		}
		return true
	}
	for _, p := range slices.Concat(k.served.Patches, k.served.PatchesJson6902) {
		if !check(p.Path, p.Patch, p.Options) {
			return false
		}
	}
	for _, p := range k.served.PatchesStrategicMerge {
		file, text := string(p), ""
		if _, isFile := sp.s.leads[lead{dir, file}]; !isFile {
			file, text = "", string(p)
		}
		if !check(file, text, nil) {
			return false
		}
	}
	return true
}

// renames reports whether an operation of a JSON patch may alter what an
// object is called: anything but its labels and annotations, and what is below
// other fields.
func renames(op any) bool {
	m, ok := op.(map[string]any)
	if !ok {
		return true
	}
	for _, key := range []string{"path", "from"} {
		p, has := m[key].(string)
		if !has {
			if key == "path" {
				return true
			}
			continue
		}
		fields := strings.Split(p, "/")
		if len(fields) < 2 || fields[0] != "" {
			return true
		}
		switch fields[1] {
		case "", "kind", "apiVersion":
			return true
		case "metadata":
			if len(fields) < 3 || fields[2] != "labels" && fields[2] != "annotations" {
				return true
			}
		}
	}
	return false
}

// link finds what every unit and kustomization needs.
func (sp *splitter) link() bool {
	for i, u := range sp.units {
		if len(u.within) == 0 {
			return false
		}
		for t := range u.texts {
			for _, j := range sp.named(t) {
				if j != i {
					u.partner = append(u.partner, j)
				}
			}
		}
	}
	sp.witnesses()
	for _, k := range sp.kusts {
		for t := range k.texts {
			for _, j := range sp.named(t) {
				if sp.units[j].within[k] {
					k.needs = append(k.needs, j)
				}
			}
		}
	}
	return !sp.tooMany
}

// witnesses gives every unit that points to an object of a namespace one unit
// of that namespace from every place, as the namespace it has by then depends
// on the kustomizations it went through. What a reference points to may have
// been moved by a kustomization before.
func (sp *splitter) witnesses() {
	type place struct{ space, within string }
	first := map[place]bool{}
	bySpace := map[string][]int{}
	for i, u := range sp.units {
		through := make([]string, 0, len(u.within))
		for k := range u.within {
			through = append(through, k.name)
		}
		slices.Sort(through)
		for space := range u.spaces {
			if at := (place{space, strings.Join(through, "\n")}); !first[at] {
				first[at] = true
				bySpace[space] = append(bySpace[space], i)
			}
		}
	}
	for i, u := range sp.units {
		if len(u.points) == 0 {
			continue
		}
		spaces := maps.Clone(sp.given)
		maps.Copy(spaces, u.points)
		for space := range spaces {
			for _, j := range bySpace[space] {
				if j != i {
					u.partner = append(u.partner, j)
				}
			}
		}
	}
}

// named lists the units that have, or get on the way, the name in a text.
func (sp *splitter) named(text string) []int {
	units := sp.byName[text]
	if len(sp.affixes[0])+len(sp.affixes[1]) == 2 && sp.affixes[0][""] && sp.affixes[1][""] {
		return units
	}
	seen := map[string]bool{text: true}
	for queue := []string{text}; len(queue) > 0; queue = queue[1:] {
		for a := range sp.affixes[0] {
			queue = sp.strip(seen, queue, strings.TrimPrefix(queue[0], a))
		}
		for a := range sp.affixes[1] {
			queue = sp.strip(seen, queue, strings.TrimSuffix(queue[0], a))
		}
	}
	delete(seen, text)
	units = slices.Clone(units)
	for name := range seen {
		units = append(units, sp.byName[name]...)
	}
	return units
}

func (sp *splitter) strip(seen map[string]bool, queue []string, name string) []string {
	if seen[name] || name == "" {
		return queue
	}
	if len(seen) >= mostNames {
		sp.tooMany = true
		return queue
	}
	seen[name] = true
	return append(queue, name)
}

// lead is an entry of the kustomization in a directory.
type lead struct{ dir, value string }

// foundKust is a kustomization as the scan has found it.
type foundKust struct {
	name   string // of its file, behind links
	doc    document
	served types.Kustomization
}
