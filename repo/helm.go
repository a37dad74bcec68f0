package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo/internal/chart"
)

const (
	ignoreFile = ".helmignore"

	// What one chart may be, its archives unpacked. helm's own limit of bytes
	// is 100 MiB.
	chartBytes   = 64 << 20
	chartEntries = 20_000
	chartDepth   = 64 // directories in directories, links followed
)

// chartAt reports whether a path of a root tree holds a chart. What is there
// instead, and what is wrong there, is for the render to say.
func (r *Repo) chartAt(ctx context.Context, dir string, root plumbing.Hash) (bool, error) {
	_, e, err := newTreeFS(ctx, r.store, root, r.limits.file).lookup(path.Join(dir, chartFile))
	var bad *contentError
	if errors.As(err, &bad) {
		return false, nil
	}
	return err == nil && e.kind == file, err
}

// settled completes how an environment's chart is rendered, when it is one at
// a root tree: what the configuration does not say about the cluster, the
// cluster is asked. With a version pinned, API versions are as
// `helm template --api-versions` has them, which adds to those helm knows.
func (r *Repo) settled(ctx context.Context, env model.Environment, root plumbing.Hash) (model.Environment, error) {
	is, err := r.chartAt(ctx, env.Path, root)
	if err != nil || !is {
		return env, err
	}
	h := &env.Helm
	if h.Release == "" {
		h.Release = env.Name
	}
	if h.KubeVersion == "" || len(h.APIVersions) == 0 {
		caps, err := r.ofCluster(ctx, env)
		if err != nil {
			return env, err
		}
		if h.KubeVersion == "" {
			h.KubeVersion = caps.KubeVersion
		}
		if len(h.APIVersions) == 0 {
			h.APIVersions = slices.Clone(caps.APIVersions)
			return env, nil
		}
	}
	h.APIVersions = append(chart.BuiltIn(), h.APIVersions...)
	return env, nil
}

// ofCluster asks the environment's cluster what it has.
func (r *Repo) ofCluster(ctx context.Context, env model.Environment) (model.Capabilities, error) {
	const pin = "to render without the cluster, set helm.kubeVersion and helm.apiVersions of the environment"
	if r.capabilities == nil {
		return model.Capabilities{}, contentf("%s is a Helm chart, which may ask what the cluster has, and there is no cluster to ask; %s", env.Path, pin)
	}
	caps, err := r.capabilities(ctx, env)
	if err != nil {
		return model.Capabilities{}, fmt.Errorf("%s is a Helm chart, which may ask what the cluster has: %w; %s", env.Path, err, pin)
	}
	return caps, nil
}

// helm renders the chart in dir as `helm template --include-crds --skip-tests`
// does.
func (s *scanner) helm(w *chart.Worker, dir string, env model.Environment) ([]model.Object, error) {
	q := chart.Request{
		Dir: dir, Release: env.Helm.Release, Namespace: env.Namespace,
		KubeVersion: env.Helm.KubeVersion, APIVersions: env.Helm.APIVersions,
		Limits: chart.Limits{Bytes: chartBytes, Entries: chartEntries, Output: chartBytes},
	}
	if q.Namespace == "" {
		q.Namespace = "default"
	}
	var err error
	if q.Files, err = s.chartFiles(dir); err != nil {
		return nil, err
	}
	for _, name := range env.Helm.Values {
		v, err := s.valuesFile(name)
		if err != nil {
			return nil, err
		}
		q.Values = append(q.Values, v)
	}
	if s.only {
		return nil, nil
	}
	res, err := w.Render(s.fs.ctx, q)
	if err != nil {
		return nil, err
	}
	if res.Problem != "" {
		return nil, contentf("%s", oneLine(res.Problem))
	}
	return s.chartObjects(q.Files, res.Documents)
}

// valuesFile reads a values file of the environment. It has to be sound YAML,
// so that what is wrong in it is told with its line.
func (s *scanner) valuesFile(name string) (chart.File, error) {
	p, err := cleanPath(name)
	if err != nil {
		return chart.File{}, contentf("helm.values: %s", err)
	}
	_, e, err := s.fs.lookup(p)
	switch {
	case err != nil:
		return chart.File{}, err
	case e.kind == absent:
		return chart.File{}, contentf("the values file %s does not exist; check helm.values of the environment", p)
	case e.kind != file:
		return chart.File{}, contentf("the values file %s is a directory; check helm.values of the environment", p)
	}
	data, err := s.fs.read(p)
	if err != nil {
		return chart.File{}, err
	}
	docs, err := parse(p, data, s.limits.nodes)
	if err != nil {
		return chart.File{}, err
	}
	for _, d := range docs {
		if _, ok := d.value.(map[string]any); !ok {
			return chart.File{}, contentf("%s:%d: values have to be a mapping", p, d.line)
		}
	}
	return chart.File{Name: p, Path: p, Data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}, nil
}

// chartFiles reads all of a chart that its .helmignore does not leave out.
// Every file of it counts as read, as any may alter what is rendered, and so
// does one that is added.
func (s *scanner) chartFiles(dir string) ([]chart.File, error) {
	var rules []byte
	_, e, err := s.fs.lookup(path.Join(dir, ignoreFile))
	if err == nil && e.kind == file {
		rules, err = s.fs.read(path.Join(dir, ignoreFile))
	}
	if err != nil {
		return nil, err
	}
	ignored, err := chart.ParseIgnore(rules)
	if err != nil {
		return nil, contentf("%s: %s", path.Join(dir, ignoreFile), oneLine(err.Error()))
	}
	c := &chartReader{scanner: s, dir: dir, ignored: ignored}
	err = c.walk("", dir, 0)
	return c.files, err
}

type chartReader struct {
	*scanner
	dir     string
	ignored chart.Ignore
	files   []chart.File
	bytes   int
	entries int
}

// walk reads a directory: at is where it is in the repository, and name what
// it is called in the chart. The two differ behind a symbolic link.
func (c *chartReader) walk(name, at string, depth int) error {
	if depth > chartDepth {
		return contentf("%s: its directories are more than %d deep, or a symbolic link leads in a circle", c.dir, chartDepth)
	}
	real, e, err := c.fs.lookup(at)
	if err != nil {
		return err
	}
	c.fs.asked.at(real).whole = true
	c.fs.files[real] = true
	t, err := c.fs.store.sub(e)
	if err != nil {
		return err
	}
	return t.each(func(entryName string, e entry) error {
		if entryName == "." || entryName == ".." || strings.Contains(entryName, "/") {
			return contentf("%s has an entry with the name %q, which no file can have", real, entryName)
		}
		return c.entry(path.Join(name, entryName), path.Join(real, entryName), e, depth)
	})
}

func (c *chartReader) entry(name, at string, e entry, depth int) error {
	if c.entries++; c.entries > chartEntries {
		return contentf("%s: the chart has more than the limit of %d files", c.dir, chartEntries)
	}
	real := at
	if e.kind == symlink {
		var err error
		if real, e, err = c.fs.lookup(at); err != nil {
			return err
		}
	}
	if c.ignored.Match(name, e.kind == directory) {
		return nil
	}
	switch e.kind {
	case directory:
		return c.walk(name, real, depth+1)
	case submodule:
		return contentf("%s is a submodule; fairtide renders only what is in the repository itself", at)
	case absent:
		return contentf("%s is a symbolic link to nothing", at)
	}
	data, err := c.fs.read(at)
	if err != nil {
		return err
	}
	if c.bytes += len(data); c.bytes > chartBytes {
		return contentf("%s: the chart is larger than the limit of %d bytes", c.dir, chartBytes)
	}
	c.files = append(c.files, chart.File{Name: name, Path: real, Data: data})
	return nil
}

// chartObjects reads the objects out of rendered documents.
func (s *scanner) chartObjects(files []chart.File, docs []chart.Document) ([]model.Object, error) {
	templates := map[string][]byte{}
	for _, f := range files {
		templates[f.Path] = f.Data
	}
	var objects []model.Object
	for _, d := range docs {
		found, err := s.chartDocument(d)
		if err != nil {
			return nil, err
		}
		if d.Again != "" {
			again := d
			again.Text = d.Again
			second, err := s.chartDocument(again)
			if err != nil || !reflect.DeepEqual(found, second) {
				return nil, contentf("%s", chart.Unstable(d.Path))
			}
		}
		for i := range found {
			switch {
			case d.Archived:
				found[i].Source.Line = 0
			case !d.Verbatim:
				found[i].Source.Line = templateLine(templates[d.Path], found[i].ID)
			}
			found[i].Source.File = d.Path
		}
		if objects = append(objects, found...); len(objects) > s.limits.objects {
			return nil, contentf("%s renders more than the limit of %d objects", s.root, s.limits.objects)
		}
	}
	return objects, nil
}

// chartDocument parses a rendered document by the rules for all manifests.
func (s *scanner) chartDocument(d chart.Document) ([]model.Object, error) {
	name := d.Path
	if !d.Verbatim {
		name += " (rendered)" // so that the line is not taken for the template's
	}
	docs, err := parse(name, []byte(d.Text), s.limits.nodes)
	if err != nil {
		return nil, err
	}
	var objects []model.Object
	for _, doc := range docs {
		found, err := objectsOf(doc)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

var kindLine = regexp.MustCompile(`^kind:[ \t]*["']?([A-Za-z0-9]+)["']?[ \t\r]*(?:#.*)?$`)

// templateLine is the line of a template that an object is most likely from:
// that of the only `kind:` of its kind, or of the only one with its name
// behind it. 1 when neither is certain.
func templateLine(template []byte, id model.ObjectID) int {
	var kinds, named []int
	open := 0 // the line of the kind: that a name belongs to
	for i, text := range strings.Split(string(template), "\n") {
		if strings.HasPrefix(text, "---") {
			open = 0
		}
		if m := kindLine.FindStringSubmatch(text); m != nil {
			if open = 0; m[1] == id.Kind {
				open = i + 1
				kinds = append(kinds, open)
			}
		}
		name, is := strings.CutPrefix(strings.TrimSpace(text), "name:")
		if open > 0 && is && strings.Trim(strings.TrimSpace(name), `"'`) == id.Name {
			named = append(named, open)
			open = 0
		}
	}
	switch {
	case len(kinds) == 1:
		return kinds[0]
	case len(named) == 1:
		return named[0]
	}
	return 1
}
