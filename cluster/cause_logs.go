package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	// A tail of a log is bounded in lines, bytes and time: a log may be
	// gigabytes long, and its node away.
	tailLinesMost = 1000
	tailBytesMost = 512 << 10
	tailLineMost  = 2000 // runes
	tailWithin    = 15 * time.Second

	// lastWordsLines is how much of a log is searched for last words.
	lastWordsLines = 25
	// lastWordsReads is how many logs are read at most to explain one object
	// while it is watched: a loop says the same each time.
	lastWordsReads = 6
)

// LogTail reads the last lines of a container's log; previous asks for that of
// the run before the current one. The lines are made harmless to a terminal and
// are cut when they are long, but they are the application's own: they may hold
// anything, and are for the operator's screen only.
func (c *Client) LogTail(ctx context.Context, namespace, pod, container string, previous bool, lines int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, tailWithin)
	defer cancel()
	lines = min(max(lines, 1), tailLinesMost)
	body, err := c.disco.RESTClient().Get().
		AbsPath("/api/v1/namespaces", namespace, "pods", pod, "log").
		Param("container", container).Param("previous", strconv.FormatBool(previous)).
		Param("tailLines", strconv.Itoa(lines)).Param("limitBytes", strconv.Itoa(tailBytesMost)).
		Stream(ctx)
	if err != nil {
		return nil, c.tailError(err, namespace, pod, container, previous)
	}
	defer func() { _ = body.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(body, tailBytesMost))
	if err != nil && len(raw) == 0 {
		return nil, c.tailError(err, namespace, pod, container, previous)
	}
	text := strings.TrimRight(string(raw), "\n")
	if text == "" {
		return nil, nil
	}
	out := strings.Split(text, "\n")
	for i, line := range out {
		out[i] = sanitize.Line(strings.TrimRight(line, "\r"))
		if runes := []rune(out[i]); len(runes) > tailLineMost {
			out[i] = string(runes[:tailLineMost-1]) + "…"
		}
	}
	return out, nil
}

// tailError says why there is no log, and what to do.
func (c *Client) tailError(err error, namespace, pod, container string, previous bool) error {
	what := fmt.Sprintf("the log of container %s of pod %s/%s", container, namespace, pod)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return model.Errorf(model.ExitUnreachable, "%s did not come within %s: its node may be away; try again", what, tailWithin)
	case apierrors.IsForbidden(err):
		return model.Errorf(model.ExitUnreachable, "%s: %s", what, forbidden("get", podLogResource, namespace))
	case apierrors.IsNotFound(err):
		return model.Errorf(model.ExitUnreachable, "%s: the pod is gone; look at the tree again", what)
	case apierrors.IsBadRequest(err) && previous:
		return model.Errorf(model.ExitUnreachable, "%s: it has no run before this one; read the current log", what)
	case apierrors.IsBadRequest(err):
		return model.Errorf(model.ExitUnreachable, "%s: %s", what, plainLine(err.Error(), wordsMost))
	}
	return model.Errorf(model.ExitUnreachable, "%s: %w; is the API server up?", what, err)
}

// lastWords is what is known of the end of one container's log.
type lastWords struct {
	run  string // the run it was asked for
	line string
}

// heard returns the last words of a crashed container, and has them read when
// the run is new: once per run, and only so often per object. w.mu is held.
func (w *watchRun) heard(e *watchEntry, of crashRef) string {
	key := string(of.uid) + "/" + of.container
	known := e.heard[key]
	if known.run == of.run || e.asked >= lastWordsReads || w.spawn == nil {
		return known.line
	}
	if e.heard == nil {
		e.heard = map[string]lastWords{}
	}
	e.asked++
	e.heard[key] = lastWords{run: of.run, line: known.line}
	ns := e.target.ID.Namespace
	w.spawn(func(ctx context.Context) {
		lines, err := w.c.LogTail(ctx, ns, of.pod, of.container, false, lastWordsLines)
		if err != nil {
			return // the cause is right without it
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if line := tellingLine(lines); line != "" && line != known.line {
			e.heard[key] = lastWords{run: of.run, line: line}
			w.mark(e)
		}
	})
	return known.line
}
