// Package chart renders Helm charts that are in memory, as `helm template`
// does, without a cluster, a network or a file system.
//
// What a template does cannot be stopped from outside and its cost cannot be
// bounded, so callers run Render in a process of its own: see Worker.
package chart

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// File is a file of a chart or one of values.
type File struct {
	Name string // as the chart has it: "templates/web.yaml"
	Path string // where it is in the repository, for messages
	Data []byte
}

// Request is everything a render depends on.
type Request struct {
	Dir         string // the chart's directory, for messages
	Files       []File // what .helmignore leaves of the chart
	Values      []File // later ones win
	Release     string
	Namespace   string
	KubeVersion string
	APIVersions []string
	Limits      Limits
}

// Limits bound what a chart may be.
type Limits struct {
	Bytes   int64 // of the chart with its archives unpacked
	Entries int   // files, likewise
	Output  int64 // bytes rendered
}

// Document is one rendered YAML document, which may hold several objects when
// it is Verbatim.
type Document struct {
	Path     string // the template's file; of a chart in an archive, the archive
	Text     string
	Verbatim bool   // a file of crds/, which is not a template
	Archived bool   // Path is an archive
	Again    string // what a second render gave, where it is something else
}

// Result is the outcome of a render. Problem says what is wrong with the chart
// or the values, and holds nothing of the values; the documents are those of
// `helm template --include-crds --skip-tests`, in no particular order of kinds.
type Result struct {
	Documents []Document
	Problem   string
}

// problem is an error about the content of the chart or the values.
type problem struct{ text string }

func (p *problem) Error() string { return p.text }

func problemf(format string, args ...any) error {
	return &problem{text: fmt.Sprintf(format, args...)}
}

// Render renders a chart. What is wrong with the chart is part of the result.
func Render(ctx context.Context, q Request) (Result, error) {
	docs, err := render(ctx, q)
	var p *problem
	if errors.As(err, &p) {
		return Result{Problem: p.text}, nil
	}
	return Result{Documents: docs}, err
}

func render(ctx context.Context, q Request) ([]Document, error) {
	values, err := mergeValues(q.Values)
	if err != nil {
		return nil, err
	}
	first, err := once(ctx, q, values, false)
	if err != nil {
		return nil, err
	}
	second, err := once(ctx, q, values, true)
	if err != nil {
		return nil, err
	}
	return compare(first, second)
}

// compare notes what differs between two renders of the same.
func compare(first, second []Document) ([]Document, error) {
	for i := range first {
		switch {
		case i >= len(second) || second[i].Path != first[i].Path:
			return nil, &problem{Unstable(first[i].Path)}
		case second[i].Text != first[i].Text:
			first[i].Again = second[i].Text
		}
	}
	if len(second) > len(first) {
		return nil, &problem{Unstable(second[len(first)].Path)}
	}
	return first, nil
}

// Unstable says that a template does not render the same twice.
func Unstable(template string) string {
	return template + " renders differently each time (random or time functions); pin the value in a values file"
}

// once renders the chart; other replaces whatever is random or a time by
// something else.
func once(ctx context.Context, q Request, values map[string]any, other bool) ([]Document, error) {
	l, err := load(q)
	if err != nil {
		return nil, err
	}
	caps, err := capabilities(q)
	if err != nil {
		return nil, err
	}
	// Processing alters both the chart and the values.
	values = deepCopy(values).(map[string]any)
	secrets := newSecrets(l.chart, values)
	if err := chartutil.ProcessDependencies(l.chart, values); err != nil {
		return nil, problemf("%s: the dependencies: %s", q.Dir, secrets.hide(err.Error()))
	}
	if err := l.complete(l.chart, q.Dir); err != nil {
		return nil, err
	}
	if need := l.chart.Metadata.KubeVersion; need != "" && !chartutil.IsCompatibleRange(need, caps.KubeVersion.String()) {
		return nil, problemf("%s is for Kubernetes %s only, and this is %s", q.Dir, need, caps.KubeVersion.Version)
	}
	options := common.ReleaseOptions{Name: q.Release, Namespace: q.Namespace, Revision: 1, IsInstall: true}
	top, err := util.ToRenderValuesWithSchemaValidation(l.chart, values, options, caps, true)
	if err != nil {
		return nil, problemf("%s: the values: %s", q.Dir, secrets.hide(err.Error()))
	}
	if merged, err := top.Table("Values"); err == nil {
		secrets.add(merged.AsMap())
		if err := validate(l.chart, merged.AsMap(), q.Dir); err != nil {
			return nil, err
		}
	}
	l.index(l.chart)
	e := engine.Engine{CustomTemplateFuncs: functions(other)}
	rendered, err := e.RenderWithContext(ctx, l.chart, top)
	if err != nil {
		return nil, l.templateError(err, secrets)
	}
	return l.documents(rendered, q.Limits.Output)
}

// BuiltIn are the API versions that helm knows by itself, to which
// `helm template --api-versions` adds.
func BuiltIn() []string { return slices.Clone(common.DefaultVersionSet) }

func capabilities(q Request) (*common.Capabilities, error) {
	version, err := common.ParseKubeVersion(q.KubeVersion)
	if err != nil {
		return nil, problemf("helm.kubeVersion %q is not the version of a cluster; write it like v1.37.1", q.KubeVersion)
	}
	caps := common.DefaultCapabilities.Copy()
	caps.KubeVersion = *version
	caps.APIVersions = slices.Clone(q.APIVersions)
	return caps, nil
}

// mergeValues reads the files as `helm template -f A -f B` does.
func mergeValues(files []File) (map[string]any, error) {
	values := map[string]any{}
	for _, f := range files {
		more, err := loader.LoadValues(strings.NewReader(string(f.Data)))
		if err != nil {
			return nil, problemf("%s: %s", f.Path, withoutQuotes(err.Error()))
		}
		values = loader.MergeMaps(values, more)
	}
	return values, nil
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := maps.Clone(v)
		for k, e := range m {
			m[k] = deepCopy(e)
		}
		return m
	case []any:
		l := slices.Clone(v)
		for i, e := range l {
			l[i] = deepCopy(e)
		}
		return l
	}
	return v
}

// hookAnnotation marks an object that helm applies at certain events only.
const hookAnnotation = "helm.sh/hook"

// hookEvents are the events that helm knows. An object with another is in no
// render.
var hookEvents = []string{
	"pre-install", "post-install", "pre-delete", "post-delete", "pre-upgrade", "post-upgrade",
	"pre-rollback", "post-rollback", "test", "test-success",
}

// documents splits rendered templates, as helm does before it looks into them.
func (l *loaded) documents(rendered map[string]string, limit int64) ([]Document, error) {
	var docs []Document
	var size int64
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		base := path.Base(name)
		if size += int64(len(rendered[name])); size > limit {
			return nil, problemf("%s renders more than the limit of %d bytes", l.dir, limit)
		}
		if strings.HasPrefix(base, "_") || strings.HasSuffix(name, "NOTES.txt") {
			continue
		}
		parts := releaseutil.SplitManifests(rendered[name])
		keys := slices.Collect(maps.Keys(parts))
		slices.SortFunc(keys, byNumber)
		for _, k := range keys {
			keep, err := kept(parts[k])
			if err != nil {
				return nil, problemf("%s renders what is not an object in YAML: %s", l.at(name), withoutQuotes(err.Error()))
			}
			if keep {
				docs = append(docs, Document{Path: l.at(name), Text: parts[k], Archived: l.archived[name]})
			}
		}
	}
	for _, crd := range l.chart.CRDObjects() {
		if size += int64(len(crd.File.Data)); size > limit {
			return nil, problemf("%s renders more than the limit of %d bytes", l.dir, limit)
		}
		o := l.origins[crd.File.ModTime.Unix()]
		docs = append(docs, Document{Path: o.path, Text: string(crd.File.Data), Verbatim: true, Archived: o.archived})
	}
	return docs, nil
}

// byNumber orders helm's names of documents: manifest-9 before manifest-10.
func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// loaded is a chart and where its files are from.
type loaded struct {
	dir      string
	chart    *v2.Chart
	origins  []origin
	paths    map[string]string // by the name that helm gives a template
	archived map[string]bool   // likewise
}

// at is where a template is in the repository.
func (l *loaded) at(template string) string {
	if p, ok := l.paths[template]; ok {
		return p
	}
	return path.Join(l.dir, template)
}
