package repo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo/internal/kustworker"
)

// kustomize renders the kustomization in dir.
func (s *scanner) kustomize(pool *kustworker.Pool, dir string) ([]model.Object, error) {
	if s.only {
		return nil, s.kustomization(dir, false)
	}
	// A child that has to be started does so while the scan is on.
	turn, err := pool.Reserve(s.fs.ctx)
	if err != nil {
		return nil, err
	}
	defer turn.Release()
	if err := s.kustomization(dir, false); err != nil {
		return nil, err
	}
	job, sources, err := s.job(dir)
	if err != nil {
		return nil, err
	}
	built, err := s.build(pool, turn, job)
	if ctxErr := s.fs.ctx.Err(); ctxErr != nil {
		return nil, ctxErr
	}
	if s.fs.fault != nil { // kustomize passes on its text only
		return nil, s.fs.fault
	}
	if err != nil {
		return nil, s.buildError(dir, err)
	}
	managed := slices.Contains(s.found[s.root].served.BuildMetadata, types.ManagedByLabelOption)
	objects := make([]model.Object, 0, len(built))
	var unmarked []model.Object
	for _, b := range built {
		fields, err := decodeJSON(b.JSON)
		if err != nil {
			return nil, contentf("%s: %s", dir, s.mask(oneLine(err.Error())))
		}
		if managed {
			setManagedBy(fields)
		}
		o, err := newObject(fields, model.Source{File: s.found[s.root].name})
		if err != nil {
			return nil, err
		}
		if i, err := strconv.Atoi(b.Mark); err == nil && i >= 0 && i < len(sources) {
			o.Source = sources[i]
			objects = append(objects, o)
			continue
		}
		o.Source.File = s.guess(o.ID)
		unmarked = append(unmarked, o)
	}
	s.locate(unmarked)
	s.adopt(objects, unmarked)
	return append(objects, unmarked...), nil
}

// job is what a child needs to know to build the kustomization in dir, and the
// places that its marks stand for.
func (s *scanner) job(dir string) (kustworker.Job, []model.Source, error) {
	j := kustworker.Job{Dir: dir, Known: map[string]kustworker.Fact{}, Marks: map[string][]string{}}
	for _, p := range s.fs.asked.paths() {
		f := s.answer(p, false)
		if s.fs.fault != nil {
			return j, nil, s.fs.fault
		}
		// What the scan has not read, kustomize may not want to either.
		if f.State == kustworker.File && s.fs.files[f.Real] {
			f = s.answer(p, true)
		}
		j.Known[p] = f
	}
	j.Limit = s.limits.time
	if end, ok := s.fs.ctx.Deadline(); ok {
		j.Limit = time.Until(end)
	}
	var sources []model.Source
	for name, docs := range s.docs {
		if s.uses[name] != 1<<asResource {
			continue
		}
		for _, d := range docs {
			j.Marks[name] = append(j.Marks[name], strconv.Itoa(len(sources)))
			sources = append(sources, model.Source{File: d.file, Line: d.line})
		}
	}
	return j, sources, s.fs.ctx.Err()
}

// build runs the job, in parts where that is quicker and the same.
func (s *scanner) build(pool *kustworker.Pool, turn *kustworker.Turn, job kustworker.Job) ([]kustworker.Object, error) {
	start := time.Now()
	if parts, owner := s.split(job); parts != nil {
		built := s.buildParts(pool, turn, parts)
		if objects, ok := joined(built, owner); ok {
			s.inParts = true
			return objects, nil
		}
		if err := s.fs.ctx.Err(); err != nil {
			return nil, err
		}
		if job.Limit -= time.Since(start); job.Limit <= 0 {
			return nil, kustworker.ErrTimeout
		}
	}
	return turn.Run(s.fs.ctx, job, s.answer)
}

// buildParts builds the parts on the processors that have nothing else to do.
// A part that failed is nil.
func (s *scanner) buildParts(pool *kustworker.Pool, turn *kustworker.Turn, parts []kustworker.Job) [][]kustworker.Object {
	ctx, cancel := context.WithTimeout(s.fs.ctx, parts[0].Limit)
	defer cancel()
	built := make([][]kustworker.Object, len(parts))
	var next atomic.Int64
	var mu sync.Mutex // the tree is for one at a time
	answer := func(p string, content bool) kustworker.Fact {
		mu.Lock()
		defer mu.Unlock()
		return s.answer(p, content)
	}
	work := func(turn *kustworker.Turn) {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(parts) || ctx.Err() != nil {
				return
			}
			objects, err := turn.Run(ctx, parts[i], answer)
			if err != nil {
				cancel()
				return
			}
			built[i] = objects
		}
	}
	var wg sync.WaitGroup
	for range len(parts) - 1 {
		spare := pool.Spare()
		if spare == nil {
			break
		}
		wg.Go(func() {
			defer spare.Release()
			work(spare)
		})
	}
	work(turn)
	wg.Wait()
	return built
}

// answer says what is at a path of the tree, and notes that it was asked for.
func (s *scanner) answer(p string, content bool) kustworker.Fact {
	real, e, err := s.fs.lookup(p)
	f := kustworker.Fact{Real: real}
	switch {
	case err != nil:
	case e.kind == directory:
		f.State = kustworker.Directory
	case e.kind != absent:
		f.State = kustworker.File
		if content {
			f.Data, err = s.fs.read(p)
			f.Read = true
		}
	}
	if err != nil {
		return kustworker.Fact{State: kustworker.Failed, Text: err.Error()}
	}
	return f
}

// buildError says why a kustomization cannot be built.
func (s *scanner) buildError(dir string, err error) error {
	var build *kustworker.BuildError
	var death *kustworker.DeathError
	switch {
	case errors.As(err, &build):
		return contentf("%s: %s", dir, shorten(s.mask(oneLine(build.Text))))
	case errors.Is(err, kustworker.ErrTimeout):
		return &slow{s.limits.time}
	case errors.As(err, &death):
		s.fs.unsound = true // another try may go well
		return contentf("%s: kustomize ended without an answer: %s", dir, shorten(s.mask(oneLine(death.Text))))
	}
	return err
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

// release is the kustomize command that is made of the library we use.
const release = "v5.8.2"

// setManagedBy names the kustomize that managedByLabel means. The library knows
// its own release in the command only.
func setManagedBy(fields map[string]any) {
	meta, _ := fields["metadata"].(map[string]any)
	if labels, ok := meta["labels"].(map[string]any); ok {
		labels["app.kubernetes.io/managed-by"] = "kustomize-" + release
	}
}

// guess finds the file of an object that kustomize has made anew, such as one
// out of a List or of a generator: the one with the object of its kind and
// name, which a prefix or suffix may have been added to. What is not certain is
// taken for the work of the environment's own kustomization.
func (s *scanner) guess(id model.ObjectID) string {
	own := s.found[s.root].name
	best, bestLen := own, -1
	offer := func(name string) {
		for _, w := range s.written(name) {
			switch n := len(w.ID.Name); {
			case !isFrom(id, w.ID):
			case n > bestLen:
				best, bestLen = name, n
			case n == bestLen && name != best:
				best = own
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.docs)) {
		if s.uses[name]&(1<<asResource|1<<asConfig) != 0 {
			offer(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.kusts)) {
		offer(name)
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

// paths lists the paths that were asked for.
func (in *inputs) paths() []string {
	var paths []string
	var walk func(p string, n *inputs)
	walk = func(p string, n *inputs) {
		if n.read {
			paths = append(paths, p)
		}
		for name, c := range n.children {
			walk(path.Join(p, name), c)
		}
	}
	walk(".", in)
	return paths
}
