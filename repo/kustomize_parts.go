package repo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/repo/internal/kustworker"
)

// parts makes the jobs.
func (sp *splitter) parts(whole kustworker.Job) ([]kustworker.Job, map[string]int) {
	// Lists cannot be told apart in the result, so they are in every part, and
	// so is what they need to come out the same in each.
	common := map[int]bool{}
	for i, u := range sp.units {
		if u.listed {
			common[i] = true
			for _, j := range u.partner {
				common[j] = true
			}
		}
	}
	// What is generated comes out in every part too.
	for dir, k := range sp.kusts {
		if sp.makes(dir) {
			for _, j := range k.needs {
				common[j] = true
			}
		}
	}
	owner := map[string]int{}
	var jobs []kustworker.Job
	for from := 0; from < len(sp.units); from += sp.s.sizes.own {
		in := maps.Clone(common)
		for i := from; i < min(from+sp.s.sizes.own, len(sp.units)); i++ {
			in[i] = true
			owner[sp.units[i].mark] = len(jobs)
			for _, j := range sp.units[i].partner {
				in[j] = true
			}
		}
		sp.complete(in)
		if len(in) > sp.s.sizes.most {
			return nil, nil
		}
		j, err := sp.job(whole, in)
		if err != nil {
			return nil, nil
		}
		jobs = append(jobs, j)
	}
	return jobs, owner
}

// complete adds what the kustomizations need that the units go through.
func (sp *splitter) complete(in map[int]bool) {
	done := map[*kust]bool{}
	queue := slices.Collect(maps.Keys(in))
	add := func(k *kust) {
		if done[k] {
			return
		}
		done[k] = true
		for _, j := range k.needs {
			if !in[j] {
				in[j] = true
				queue = append(queue, j)
			}
		}
	}
	add(sp.rootKust)
	for ; len(queue) > 0; queue = queue[1:] {
		for k := range sp.units[queue[0]].within {
			add(k)
		}
	}
}

// job is the part of the whole job that has the units.
func (sp *splitter) job(whole kustworker.Job, in map[int]bool) (kustworker.Job, error) {
	j := kustworker.Job{Dir: whole.Dir, Limit: whole.Limit, Known: maps.Clone(whole.Known), Marks: map[string][]string{}}
	data := map[string][]byte{}
	for file, units := range sp.byFile {
		var pieces []string
		for _, i := range units {
			if in[i] {
				pieces = append(pieces, sp.units[i].piece)
				j.Marks[file] = append(j.Marks[file], sp.units[i].mark)
			}
		}
		data[file] = []byte(strings.Join(pieces, "---\n"))
	}
	keeps := map[*kust]bool{}
	for i := range in {
		for k := range sp.units[i].within {
			keeps[k] = true
		}
	}
	for dir, k := range sp.kusts {
		served := k.served
		served.Resources = nil
		for i, p := range k.resources {
			below, isDir := sp.kusts[p]
			if isDir && (keeps[below] || sp.makes(p)) || !isDir && len(data[p]) > 0 {
				served.Resources = append(served.Resources, k.served.Resources[i])
			}
		}
		if len(served.Resources) == len(k.served.Resources) {
			continue
		}
		if k != sp.rootKust && !k.component && !keeps[k] && !sp.makes(dir) {
			continue // nobody names it any more
		}
		if served.CheckEmpty() != nil {
			return j, fmt.Errorf("%s would be empty", k.name)
		}
		text, err := json.Marshal(served)
		if err != nil {
			return j, err
		}
		data[k.name] = text
	}
	for p, f := range j.Known {
		if text, is := data[f.Real]; is && f.Read {
			f.Data = text
			j.Known[p] = f
		}
	}
	return j, nil
}

// makes reports whether a kustomization, or one below it, has objects that are
// in no file.
func (sp *splitter) makes(dir string) bool {
	k := sp.kusts[dir]
	return k.makes || slices.ContainsFunc(k.resources, func(p string) bool {
		_, isDir := sp.kusts[p]
		return isDir && sp.makes(p)
	})
}

// joined puts the objects of the parts together. ok is false when they do not
// fit: a part failed, an object without a mark is not the same in all parts, or
// two objects could have been in each other's way.
func joined(parts [][]kustworker.Object, owner map[string]int) (objects []kustworker.Object, ok bool) {
	anon := map[string]int{}
	ids := map[string]bool{}
	for i, part := range parts {
		if part == nil {
			return nil, false
		}
		here := map[string]bool{}
		for _, o := range part {
			id, err := identityOf(o.JSON)
			if err != nil || here[id] {
				return nil, false
			}
			here[id] = true
			if o.Mark == "" {
				if anon[string(o.JSON)]++; i > 0 {
					continue
				}
			} else if owner[o.Mark] != i {
				continue
			}
			if ids[id] {
				return nil, false
			}
			ids[id] = true
			objects = append(objects, o)
		}
	}
	for _, n := range anon {
		if n != len(parts) {
			return nil, false
		}
	}
	return objects, true
}

// identityOf is what kustomize takes for the same object, and more: versions do
// not count.
func identityOf(data []byte) (string, error) {
	var o struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return "", err
	}
	group, _, grouped := strings.Cut(o.APIVersion, "/")
	if !grouped {
		group = ""
	}
	return fmt.Sprintf("%q", []string{group, o.Kind, cmp.Or(o.Metadata.Namespace, "default"), o.Metadata.Name}), nil
}
