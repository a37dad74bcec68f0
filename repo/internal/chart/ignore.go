package chart

import (
	"bytes"
	"io/fs"
	"path"
	"time"

	"helm.sh/helm/v4/pkg/ignore"
)

// Ignore are the rules of a chart's .helmignore.
type Ignore struct{ rules *ignore.Rules }

// ParseIgnore reads a .helmignore; nil is the content of none.
func ParseIgnore(data []byte) (Ignore, error) {
	rules, err := ignore.Parse(bytes.NewReader(data))
	if err != nil {
		return Ignore{}, err
	}
	rules.AddDefaults()
	return Ignore{rules}, nil
}

// Match reports whether a path of the chart is left out.
func (i Ignore) Match(name string, dir bool) bool {
	return i.rules.Ignore(name, info{path.Base(name), dir})
}

// info is all that the rules ask about a file.
type info struct {
	name string
	dir  bool
}

func (i info) Name() string     { return i.name }
func (info) Size() int64        { return 0 }
func (info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool      { return i.dir }
func (info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir
	}
	return 0
}
