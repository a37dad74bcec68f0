package repo

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/fairtide-dev/fairtide/model"
)

// scanner goes through every kustomization that kustomize will read, before it
// runs: kustomize itself fetches what looks remote, over HTTP or with git, and
// cannot be told not to. Whatever the scan does not understand is refused.
//
// It also learns what kustomize does not tell: lines, and the secret values
// that must not get into an error.
type scanner struct {
	fs      *treeFS
	only    bool // nothing is to be built, only all be read that a build reads
	limits  limits
	root    string // the directory of the environment
	done    map[string]bool
	docs    map[string][]document
	nodes   int // YAML nodes held in docs
	kusts   map[string]kustomizationFile
	costs   map[string]cost      // of kustomizations, by directory
	path    []string             // kustomizations that are being looked into
	uses    map[string]uint      // by file: one bit for each use it is put to
	found   map[string]foundKust // by directory
	leads   map[lead]string      // what the entries of kustomizations lead to
	sizes   partSizes
	inParts bool // it was built so
	secrets []string
}

func newScanner(fs *treeFS, l limits, root string) *scanner {
	return &scanner{fs: fs, limits: l, root: root, done: map[string]bool{}, docs: map[string][]document{}, kusts: map[string]kustomizationFile{}, costs: map[string]cost{},
		uses: map[string]uint{}, found: map[string]foundKust{}, leads: map[lead]string{}, sizes: usualParts}
}

func isKustomization(name string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), name)
}

// find returns the kustomization file of a directory; empty when it has none.
func (s *scanner) find(dir string) (string, error) {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		_, e, err := s.fs.lookup(path.Join(dir, name))
		if err != nil {
			return "", err
		}
		if e.kind == file {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return path.Join(dir, found[0]), nil
	}
	return "", contentf("%s has both %s and %s; keep one of them", dir, found[0], found[1])
}

// ref is a place in a kustomization that names something else.
type ref struct {
	field string
	value string
	use   use
}

type use int

const (
	asData     use = iota // a file whose content is not YAML for us
	asPatch               // a file with a patch, or the patch itself
	asResource            // a file with objects, or a directory with a kustomization
	asConfig              // like asResource, with the configuration of a plugin; or the configuration itself
	asBase                // a directory with a kustomization
)

// kustomization checks the kustomization in dir and all it leads to. plugins is
// set where its resources configure generators and transformers.
func (s *scanner) kustomization(dir string, plugins bool) error {
	visit := dir
	if plugins {
		visit += "\x00"
	}
	if i := slices.Index(s.path, dir); i >= 0 {
		return contentf("%s: a cycle: %s; leave one of them out", dir, strings.Join(append(s.path[i:], dir), " → "))
	}
	if s.done[visit] {
		return nil
	}
	s.done[visit] = true
	s.path = append(s.path, dir)
	defer func() { s.path = s.path[:len(s.path)-1] }()
	name, err := s.find(dir)
	if err != nil {
		return err
	}
	if name == "" {
		return contentf("%s has no kustomization.yaml", dir)
	}
	k, doc, err := s.decode(name)
	if err != nil {
		return err
	}
	if len(k.HelmCharts)+len(k.HelmChartInflationGenerator) > 0 || k.HelmGlobals != nil {
		return contentf("%s: helmCharts: kustomize may not fetch or run charts; make the chart's directory the path of an environment, or render it into the repository", name)
	}
	s.kusts[name] = kustomizationFile{k, doc}
	s.generatorSecrets(k)
	ids := map[model.ObjectID]model.Source{}
	total := cost{bases: 1, objects: len(k.ConfigMapGenerator) + len(k.SecretGenerator)}
	for _, r := range refsOf(k) {
		c, err := s.follow(dir, doc, r, plugins, ids)
		if err != nil {
			return err
		}
		total.add(c)
	}
	if s.costs[dir] = total; total.objects > s.limits.objects {
		return tooMany(s.root, s.limits.objects)
	}
	if total.bases > s.limits.bases {
		return contentf("%s builds more than %s kustomizations: bases are named many times over", s.root, grouped(s.limits.bases))
	}
	return s.serve(dir, doc, k)
}

// cost is what kustomize has to build for a kustomization. It builds a base
// anew for each that names it, so that a few files can be any number of objects.
type cost struct{ bases, objects int }

func (c *cost) add(more cost) {
	const enough = 1 << 30 // adding up must not overflow
	c.bases = min(c.bases+more.bases, enough)
	c.objects = min(c.objects+more.objects, enough)
}

// kustomizationFile is a kustomization as it was read.
type kustomizationFile struct {
	k   *types.Kustomization
	doc document
}

// decode reads a kustomization file the way kustomize does, which knows its
// keys in any case.
func (s *scanner) decode(name string) (*types.Kustomization, document, error) {
	data, err := s.fs.read(name)
	if err != nil {
		return nil, document{}, err
	}
	docs, err := parse(name, data, s.limits.nodes)
	if err != nil {
		return nil, document{}, err
	}
	if len(docs) != 1 {
		return nil, document{}, contentf("%s has %d YAML documents; a kustomization is exactly one", name, len(docs))
	}
	k := new(types.Kustomization)
	if err := k.Unmarshal(data); err != nil {
		return nil, document{}, contentf("%s: %s", name, oneLine(strings.TrimPrefix(err.Error(), "invalid Kustomization: ")))
	}
	k.FixKustomization()
	if err := k.CheckEmpty(); err != nil {
		return nil, document{}, contentf("%s: %s", name, oneLine(err.Error()))
	}
	return k, docs[0], nil
}

// serve sets the form of the kustomization that kustomize gets to read. It
// means the same without the deprecated fields kustomize would write warnings
// about, and at the root it asks for no order, since the result is sorted anyway.
func (s *scanner) serve(dir string, doc document, k *types.Kustomization) error {
	name := doc.file
	if k.CommonLabels != nil {
		k.Labels = append(k.Labels, types.Label{Pairs: k.CommonLabels, IncludeSelectors: true})
		k.CommonLabels = nil
	}
	if dir == s.root {
		k.SortOptions = nil
	}
	data, err := json.Marshal(k)
	if err != nil {
		return contentf("%s: %s", name, oneLine(err.Error()))
	}
	real, _, err := s.fs.lookup(name)
	if err != nil {
		return err
	}
	s.fs.served[real] = data
	s.found[dir] = foundKust{name: real, doc: doc, served: *k}
	return nil
}

// refsOf lists everything a kustomization names.
func refsOf(k *types.Kustomization) []ref {
	var refs []ref
	add := func(field string, u use, values ...string) {
		for _, v := range values {
			if v != "" {
				refs = append(refs, ref{field, v, u})
			}
		}
	}
	add("resources", asResource, k.Resources...)
	add("components", asBase, k.Components...)
	add("crds", asData, k.Crds...)
	add("configurations", asData, k.Configurations...)
	add("openapi", asData, k.OpenAPI["path"])
	add("generators", asConfig, k.Generators...)
	add("transformers", asConfig, k.Transformers...)
	add("validators", asConfig, k.Validators...)
	for _, p := range k.PatchesStrategicMerge {
		add("patchesStrategicMerge", asPatch, string(p))
	}
	for _, p := range slices.Concat(k.PatchesJson6902, k.Patches) {
		if p.Path != "" {
			add("patches", asPatch, p.Path)
		}
	}
	for _, r := range k.Replacements {
		add("replacements", asData, r.Path)
	}
	for _, g := range k.ConfigMapGenerator {
		addSources(add, "configMapGenerator", g.KvPairSources)
	}
	for _, g := range k.SecretGenerator {
		addSources(add, "secretGenerator", g.KvPairSources)
	}
	return refs
}

func addSources(add func(string, use, ...string), field string, src types.KvPairSources) {
	for _, f := range src.FileSources {
		if _, p, keyed := strings.Cut(f, "="); keyed {
			f = p
		}
		add(field, asData, f)
	}
	add(field, asData, src.EnvSources...)
	add(field, asData, src.EnvSource)
}

// follow checks one reference and what it leads to.
func (s *scanner) follow(dir string, doc document, r ref, plugins bool, ids map[model.ObjectID]model.Source) (cost, error) {
	if r.use == asPatch || r.use == asConfig {
		if inline, ok := r.inline(doc.file, s.limits.nodes); ok {
			s.collect(inline)
			if r.use == asConfig {
				return cost{objects: len(inline)}, s.plugins(inline)
			}
			return cost{}, nil
		}
	}
	where := at(model.Source{File: doc.file, Line: doc.lineOf(r.value)})
	p, e, err := s.target(dir, where, r)
	if err != nil {
		return cost{}, err
	}
	s.leads[lead{dir, r.value}] = p
	switch {
	case e.kind == absent:
		return cost{}, contentf("%s: %s: %q does not exist", where, r.field, r.value)
	case e.kind == file && r.use == asBase:
		return cost{}, contentf("%s: %s: %q is a file; it has to be a directory with a kustomization", where, r.field, r.value)
	case e.kind == directory && (r.use == asData || r.use == asPatch):
		return cost{}, contentf("%s: %s: %q is a directory; it has to be a file", where, r.field, r.value)
	case e.kind == directory:
		err := s.kustomization(p, plugins || r.use == asConfig)
		return s.costs[p], err
	case r.use == asData:
		return cost{}, s.secretFile(p, r)
	}
	docs, err := s.parse(p)
	if err != nil {
		return cost{}, err
	}
	s.collect(docs)
	if plugins {
		s.uses[p] |= 1 << asConfig
	}
	s.uses[p] |= 1 << r.use
	switch {
	case r.use == asConfig || plugins:
		return cost{objects: len(docs)}, s.plugins(docs)
	case r.use == asResource:
		n, err := s.resources(docs, ids)
		return cost{objects: n}, err
	}
	return cost{}, nil
}

// inline reads the value as the patch or configuration itself, if that is what
// it is.
func (r ref) inline(name string, maxNodes int) ([]document, bool) {
	docs, err := parse(name, []byte(r.value), maxNodes)
	if err != nil || len(docs) == 0 {
		// Text over several lines is never a path; kustomize says what is
		// wrong with it.
		return nil, strings.Contains(r.value, "\n")
	}
	_, isText := docs[0].value.(string)
	return docs, !isText || len(docs) > 1
}

// remote matches what kustomize would fetch: URLs, and what it takes for a git
// repository.
var remote = regexp.MustCompile(`(?i)^(git::|https?:|file:|ssh:|(www\.)?github\.com[/:]|[a-z][a-z0-9-]*@[^/:]*[/:])|://`)

// target finds what a reference names.
func (s *scanner) target(dir, where string, r ref) (string, entry, error) {
	if path.IsAbs(r.value) {
		return "", entry{}, contentf("%s: %s: %q is an absolute path; name files relative to the kustomization", where, r.field, r.value)
	}
	p := path.Join(dir, r.value)
	if p == ".." || strings.HasPrefix(p, "../") {
		return "", entry{}, contentf("%s: %s: %q leads out of the repository", where, r.field, r.value)
	}
	far := remote.MatchString(r.value)
	if far && (strings.Contains(r.value, "://") || strings.HasPrefix(strings.ToLower(r.value), "http")) {
		return "", entry{}, farAway(where, r)
	}
	real, e, err := s.fs.lookup(p)
	if err != nil {
		return "", entry{}, prefixed(where+": "+r.field, err)
	}
	if far && e.kind != file {
		return "", entry{}, farAway(where, r)
	}
	return real, e, nil
}

func farAway(where string, r ref) error {
	return contentf("%s: %s: %q is remote; fairtide renders only what is in the repository: commit a copy and name that", where, r.field, r.value)
}

func (s *scanner) parse(p string) ([]document, error) {
	if docs, ok := s.docs[p]; ok {
		return docs, nil
	}
	data, err := s.fs.read(p)
	if err != nil {
		return nil, err
	}
	docs, err := s.documents(p, data)
	if err != nil {
		return nil, err
	}
	s.docs[p] = docs
	return docs, nil
}

// documents parses what is kept in memory until the render is done.
func (s *scanner) documents(p string, data []byte) ([]document, error) {
	docs, err := parse(p, data, s.limits.nodes)
	if err != nil {
		return nil, err
	}
	for i := range docs {
		docs[i].node = nil // it takes more memory than all else
		s.nodes += docs[i].nodes
	}
	if most := filesOfNodes * s.limits.nodes; s.nodes > most {
		return nil, contentf("%s: its files hold more than %s YAML values, which is %d times limits.yamlNodes", s.root, grouped(most), filesOfNodes)
	}
	return docs, nil
}

// resources checks the objects of one resource file of a kustomization and
// counts them. ids are those its other files have.
func (s *scanner) resources(docs []document, ids map[model.ObjectID]model.Source) (int, error) {
	n := 0
	for _, d := range docs {
		objects, err := objectsOf(d)
		if err != nil {
			return 0, err
		}
		for _, o := range objects {
			if first, ok := ids[o.ID]; ok {
				return 0, twice(model.Object{ID: o.ID, Source: first}, o)
			}
			ids[o.ID] = o.Source
		}
		n += len(objects)
	}
	return n, nil
}

// plugins allows the configuration of what is built into kustomize, as long as
// it names nothing remote. Everything else runs programs or containers.
func (s *scanner) plugins(docs []document) error {
	for _, d := range docs {
		where := at(model.Source{File: d.file, Line: d.line})
		m, ok := d.value.(map[string]any)
		if !ok {
			return contentf("%s: not the configuration of a generator or transformer", where)
		}
		kind, _ := m["kind"].(string)
		meta, _ := m["metadata"].(map[string]any)
		notes, _ := meta["annotations"].(map[string]any)
		for _, key := range []string{"config.kubernetes.io/function", "config.k8s.io/function"} {
			if _, is := notes[key]; is {
				return contentf("%s: the %s is a function (%s), and fairtide runs none", where, kind, key)
			}
		}
		if m["apiVersion"] != "builtin" {
			return contentf("%s: the %s is a plugin that kustomize would have to run; only `apiVersion: builtin` is allowed", where, kind)
		}
		if strings.HasPrefix(kind, "Helm") {
			return contentf("%s: the %s needs Helm, which kustomize may not run; make the chart's directory the path of an environment, or render it into the repository", where, kind)
		}
		if far := remotePath(m, false); far != "" {
			return contentf("%s: the %s names %q, which is remote; commit a copy and name that", where, kind, far)
		}
	}
	return nil
}

// remotePath finds a remote reference under the keys with which built-in
// plugins name files.
func remotePath(v any, named bool) string {
	switch v := v.(type) {
	case string:
		if _, p, keyed := strings.Cut(v, "="); keyed && named && remote.MatchString(p) {
			return p
		}
		if named && remote.MatchString(v) {
			return v
		}
	case []any:
		for _, e := range v {
			if far := remotePath(e, named); far != "" {
				return far
			}
		}
	case map[string]any:
		for k, e := range v {
			switch strings.ToLower(k) {
			case "path", "paths", "files", "envs", "env":
				if far := remotePath(e, true); far != "" {
					return far
				}
			default:
				if far := remotePath(e, false); far != "" {
					return far
				}
			}
		}
	}
	return ""
}
