package repo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/fairtide-dev/fairtide/model"
)

const originAnnotation = "config.kubernetes.io/origin"

// kustomizeSlot holds the one token for running kustomize. Its schema is a
// global of the process, so two runs at once would see each other's.
var kustomizeSlot = make(chan struct{}, 1)

// kustomize renders the kustomization in dir.
func (s *scanner) kustomize(dir string) ([]model.Object, error) {
	if err := s.kustomization(dir, false); err != nil {
		return nil, err
	}
	set, err := s.build(dir)
	if ctxErr := s.fs.ctx.Err(); ctxErr != nil {
		return nil, ctxErr
	}
	if s.fs.fault != nil { // kustomize passes on its text only
		return nil, s.fs.fault
	}
	if err != nil {
		return nil, err
	}
	keep, err := s.keepsOrigin(dir)
	if err != nil {
		return nil, err
	}
	objects := make([]model.Object, 0, set.Size())
	for _, res := range set.Resources() {
		data, err := res.MarshalJSON()
		if err != nil {
			return nil, contentf("%s: %s", dir, s.mask(oneLine(err.Error())))
		}
		fields, err := decodeJSON(data)
		if err != nil {
			return nil, contentf("%s: %s", dir, s.mask(oneLine(err.Error())))
		}
		src := s.origin(dir, fields, keep)
		o, err := newObject(fields, model.Source{File: src})
		if err != nil {
			return nil, err
		}
		o.Source.Line = s.line(src, o.ID)
		objects = append(objects, o)
	}
	return objects, nil
}

// build runs kustomize, alone in the process. A panic in it is an error about
// the kustomization.
func (s *scanner) build(dir string) (set resmap.ResMap, err error) {
	select {
	case kustomizeSlot <- struct{}{}:
		defer func() { <-kustomizeSlot }()
	case <-s.fs.ctx.Done():
		return nil, s.fs.ctx.Err()
	}
	defer func() {
		if p := recover(); p != nil {
			err = contentf("%s: kustomize cannot cope with it: %s", dir, s.mask(oneLine(fmt.Sprint(p))))
		}
	}()
	k := krusty.MakeKustomizer(&krusty.Options{
		Reorder: krusty.ReorderOptionNone,
		// The file system ends at the repository; overlays that share files
		// outside of their own directory are common.
		LoadRestrictions: types.LoadRestrictionsNone,
		PluginConfig:     types.DisabledPluginConfig(),
	})
	set, err = k.Run(s.fs, path.Join("/", dir))
	if err != nil {
		return nil, contentf("%s: %s", dir, shorten(s.mask(oneLine(err.Error()))))
	}
	return set, nil
}

// shorten cuts the objects that kustomize likes to quote in full out of its
// messages.
func shorten(text string) string {
	const longest = 400
	if head, _, quoted := strings.Cut(text, "`"); quoted {
		text = strings.TrimRight(head, " :") + " …" + text[strings.LastIndex(text, "`")+1:]
	}
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + " …"
	}
	return text
}

// keepsOrigin reports whether the kustomization itself asks for the annotation.
func (s *scanner) keepsOrigin(dir string) (bool, error) {
	name, err := s.find(dir)
	if err != nil {
		return false, err
	}
	real, e, err := s.fs.lookup(name)
	if err != nil {
		return false, err
	}
	data, err := s.fs.store.blob(e.hash, s.limits.file)
	if err != nil {
		return false, s.fs.explain(real, err)
	}
	var k types.Kustomization
	if err := k.Unmarshal(data); err != nil {
		return false, contentf("%s: %s", name, oneLine(err.Error()))
	}
	for _, m := range k.BuildMetadata {
		if m == types.OriginAnnotations {
			return true, nil
		}
	}
	return false, nil
}

// origin reads which file kustomize took an object from and removes the note
// of it, unless it is to stay.
func (s *scanner) origin(dir string, fields map[string]any, keep bool) string {
	meta, _ := fields["metadata"].(map[string]any)
	notes, _ := meta["annotations"].(map[string]any)
	text, ok := notes[originAnnotation].(string)
	if !ok {
		return ""
	}
	if !keep {
		if delete(notes, originAnnotation); len(notes) == 0 {
			delete(meta, "annotations")
		}
	}
	var from struct {
		Path         string `yaml:"path"`
		ConfiguredIn string `yaml:"configuredIn"`
	}
	if err := yaml.Unmarshal([]byte(text), &from); err != nil {
		return ""
	}
	if from.Path == "" {
		from.Path = from.ConfiguredIn
	}
	if from.Path == "" {
		return ""
	}
	return path.Join(dir, from.Path)
}

// line finds the object's document in its file: the one of its kind and name,
// which a prefix or suffix may have been added to. 0 when that is not certain.
func (s *scanner) line(name string, id model.ObjectID) int {
	best, bestLen, ties := 0, -1, 0
	for _, d := range s.docs[name] {
		objects, err := objectsOf(d)
		if err != nil {
			continue
		}
		for _, o := range objects {
			if o.ID.Kind != id.Kind || o.ID.Group != id.Group || !strings.Contains(id.Name, o.ID.Name) {
				continue
			}
			switch n := len(o.ID.Name); {
			case n > bestLen:
				best, bestLen, ties = o.Source.Line, n, 0
			case n == bestLen && o.Source.Line != best:
				ties++
			}
		}
	}
	if ties > 0 {
		return 0
	}
	return best
}

// decodeJSON decodes an object with integers as int64.
func decodeJSON(data []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		return nil, err
	}
	v, err := numbers(fields)
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	return m, nil
}

// numbers turns json.Number into int64 where it is one, else float64.
func numbers(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("a number that is too large")
		}
		return number(f), nil
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = numbers(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
