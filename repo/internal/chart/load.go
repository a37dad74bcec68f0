package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"sigs.k8s.io/yaml"
)

// maxNested is how deep archives may lie in archives.
const maxNested = 8

// origin is where a file of the chart is from.
type origin struct {
	path     string
	archived bool
}

// collector gathers the files of a chart, those in archives included, in the
// form helm's loader takes.
type collector struct {
	dir     string
	limits  Limits
	bytes   int64
	files   []*archive.BufferedFile
	origins []origin
	names   map[string]bool
}

// load builds the chart and refuses what helm would not install.
func load(q Request) (*loaded, error) {
	c := &collector{dir: q.Dir, limits: q.Limits, names: map[string]bool{}}
	for _, f := range q.Files {
		if err := c.add(f.Name, f.Data, origin{path: f.Path}, 0); err != nil {
			return nil, err
		}
	}
	ch, err := loader.LoadFiles(c.files)
	if err != nil {
		return nil, problemf("%s: %s", q.Dir, withoutQuotes(err.Error()))
	}
	l := &loaded{dir: q.Dir, chart: ch, origins: c.origins, paths: map[string]string{}, archived: map[string]bool{}}
	switch {
	case ch.Metadata.APIVersion != v2.APIVersionV1 && ch.Metadata.APIVersion != v2.APIVersionV2:
		return nil, problemf("%s: a chart with apiVersion %q is not supported; v1 and v2 are", q.Dir, ch.Metadata.APIVersion)
	case ch.Metadata.Type == "library":
		return nil, problemf("%s is a library chart, which has no objects of its own; use it as a dependency of another chart", q.Dir)
	case ch.Metadata.Type != "" && ch.Metadata.Type != "application":
		return nil, problemf("%s: the chart has the type %q, which is neither application nor library", q.Dir, ch.Metadata.Type)
	}
	for _, d := range ch.Metadata.Dependencies {
		if d != nil && !slices.ContainsFunc(ch.Dependencies(), func(c *v2.Chart) bool { return c.Name() == d.Name }) {
			return nil, missing(q.Dir, d)
		}
	}
	return l, nil
}

func missing(dir string, d *v2.Dependency) error {
	return problemf("%s: dependency %s %s is not vendored in charts/; run helm dependency update and commit it", dir, d.Name, d.Version)
}

// complete refuses a chart below the first whose dependency is enabled and not
// there. helm leaves such a dependency out without a word.
func (l *loaded) complete(ch *v2.Chart, dir string) error {
	for _, d := range ch.Metadata.Dependencies {
		if d != nil && !slices.ContainsFunc(ch.Dependencies(), func(c *v2.Chart) bool { return c.Name() == d.Name }) {
			return missing(dir, d)
		}
	}
	for _, sub := range ch.Dependencies() {
		if err := l.complete(sub, path.Join(dir, "charts", sub.Name())); err != nil {
			return err
		}
	}
	return nil
}

// index notes which file each template is from, by the name helm gives it.
func (l *loaded) index(ch *v2.Chart) {
	for _, t := range ch.Templates {
		o := l.origins[t.ModTime.Unix()]
		name := path.Join(ch.ChartFullPath(), t.Name)
		l.paths[name], l.archived[name] = o.path, o.archived
	}
	for _, sub := range ch.Dependencies() {
		l.index(sub)
	}
}

var bom = []byte("\xef\xbb\xbf")

// add takes a file in. An archive in charts/ becomes a directory there. The
// time of a file, which no template sees, says which file it was.
func (c *collector) add(name string, data []byte, from origin, depth int) error {
	if c.bytes += int64(len(data)); c.bytes > c.limits.Bytes {
		return problemf("%s: the chart is larger than the limit of %d bytes", c.dir, c.limits.Bytes)
	}
	if len(c.files) >= c.limits.Entries {
		return problemf("%s: the chart has more than the limit of %d files", c.dir, c.limits.Entries)
	}
	if archived(name) {
		return c.unpack(name, data, origin{path: from.path, archived: true}, depth+1)
	}
	if c.names[name] {
		return problemf("%s: the chart has %s twice", from.path, name)
	}
	c.names[name] = true
	c.files = append(c.files, &archive.BufferedFile{
		Name: name, ModTime: time.Unix(int64(len(c.origins)), 0).UTC(), Data: bytes.TrimPrefix(data, bom),
	})
	c.origins = append(c.origins, from)
	return nil
}

// subchart is the name of an archive that helm takes for a chart.
var subchart = regexp.MustCompile(`^(?:charts/[^/]+/)*charts/[^/_.][^/]*\.tgz$`)

func archived(name string) bool { return subchart.MatchString(name) }

// unpack adds the files of an archive. Nothing of it reaches a file system.
func (c *collector) unpack(name string, data []byte, from origin, depth int) error {
	if depth > maxNested {
		return problemf("%s: charts are packed into one another more than %d deep", from.path, maxNested)
	}
	bad := func(err error) error {
		return problemf("%s is not the archive of a chart: %s", from.path, withoutQuotes(err.Error()))
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return bad(err)
	}
	// What is skipped in the archive costs time, too.
	limited := &io.LimitedReader{R: unzipped, N: c.limits.Bytes + 1}
	tr := tar.NewReader(limited)
	for entries := 0; ; entries++ {
		h, err := tr.Next()
		switch {
		case limited.N <= 0 || entries > c.limits.Entries:
			return problemf("%s unpacks to more than the limit of %d bytes or %d files", from.path, c.limits.Bytes, c.limits.Entries)
		case errors.Is(err, io.EOF) && entries == 0:
			return bad(errors.New("it is empty"))
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return bad(err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader || h.FileInfo().IsDir() {
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return bad(fmt.Errorf("it holds %q, which is no regular file", h.Name))
		}
		inner, err := innerName(h.Name)
		if err != nil {
			return bad(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil && limited.N > 0 {
			return bad(err)
		}
		// A name that no archive has, so that what was one is not taken for it.
		if err := c.add(name+".d/"+inner, content, from, depth); err != nil {
			return err
		}
	}
}

var drive = regexp.MustCompile(`^[a-zA-Z]:/`)

// innerName is the name of a file in an archive without the chart's directory.
func innerName(name string) (string, error) {
	_, inner, ok := strings.Cut(strings.ReplaceAll(name, `\`, "/"), "/")
	clean := path.Clean(inner)
	if !ok || path.IsAbs(inner) || clean == "." || clean == ".." || strings.HasPrefix(clean, "../") || drive.MatchString(clean) {
		return "", fmt.Errorf("it holds %q, which is not inside of the chart's directory", name)
	}
	return clean, nil
}

// kept reports whether a document is in a render: an object whose hook is a
// test is not, nor one with a hook that helm does not know.
func kept(text string) (bool, error) {
	var head struct {
		Metadata *struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if err := yaml.Unmarshal([]byte(text), &head); err != nil {
		return false, err
	}
	if head.Metadata == nil {
		return true, nil
	}
	hooks, ok := head.Metadata.Annotations[hookAnnotation]
	if !ok {
		return true, nil
	}
	for h := range strings.SplitSeq(hooks, ",") {
		h = strings.ToLower(strings.TrimSpace(h))
		if h == "test" || h == "test-success" || !slices.Contains(hookEvents, h) {
			return false, nil
		}
	}
	return true, nil
}
