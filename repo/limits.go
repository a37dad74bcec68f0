package repo

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// limits bound what a commit can make a render cost.
type limits struct {
	file    int64         // bytes of one file
	objects int           // rendered objects of one environment
	nodes   int           // YAML nodes of one file after aliases are expanded
	entries int           // files and directories that one render goes through
	bases   int           // kustomizations that one render builds
	time    time.Duration // of one render
	rows    int           // changes listed when there is no deployed commit to stop at
}

var defaultLimits = limits{
	file:    model.DefaultFileBytes,
	objects: model.DefaultObjects,
	nodes:   model.DefaultYAMLNodes,
	entries: 500_000,
	bases:   5_000,
	time:    model.DefaultRenderTime,
	rows:    200,
}

// filesOfNodes is how many files may use up the limit of YAML nodes in one
// render: they are held in memory at once.
const filesOfNodes = 5

// deepest is how many levels of mappings and lists may lie in each other. No
// Kubernetes object has a tenth of it.
const deepest = 500

// of are the limits of an environment: its own where it has some.
func (l limits) of(env model.Environment) limits {
	l.file = cmp.Or(env.Limits.FileBytes, l.file)
	l.objects = cmp.Or(env.Limits.Objects, l.objects)
	l.nodes = cmp.Or(env.Limits.YAMLNodes, l.nodes)
	l.time = cmp.Or(env.Limits.RenderTime, l.time)
	return l
}

// slow is why a render was stopped. It is no fault of the content: the same
// content may render in time on another day.
type slow struct{ limit time.Duration }

func (e *slow) Error() string {
	return fmt.Sprintf("rendering takes longer than the limit of %s (limits.renderTime); make the environment smaller or raise the limit", e.limit)
}

// within gives a render its time. After it, the context's cause is a slow.
func (l limits) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, l.time, &slow{l.time})
}

// tooLarge says that a file is over its limit.
func tooLarge(p string, limit int64) error {
	return contentf("%s is larger than the limit of %s (limits.fileSize)", p, byteSize(limit))
}

// byteSize writes a number of bytes as the configuration does, if it can.
func byteSize(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return grouped(int(n)) + " bytes"
}

// grouped writes a number with a comma before each three digits.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
