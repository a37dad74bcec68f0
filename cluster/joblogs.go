package cluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// lineMost is where a line of a log is cut, in bytes with its timestamp.
	lineMost = 64 << 10
	// logPause is the wait before a log that broke off is asked for again; it
	// grows with each failure, up to so many times.
	logPause  = 300 * time.Millisecond
	logPauses = 10
	// logAttempts is how often the log of a container that has ended is asked
	// for: it may be gone with its node.
	logAttempts = 5
)

// logFollower passes the log of one container on, over restarts of the
// container and broken connections.
type logFollower struct {
	j         *jobRun
	uid       types.UID
	pod       string
	container string

	// last is the newest timestamp that was passed on, and same how many
	// lines had it: asked for again, a log begins with that second.
	last time.Time
	same int
}

// run passes the log on until no more of it can come.
func (f *logFollower) run(ctx context.Context) {
	read := "" // the run of the container whose log was read to its end
	failures := 0
	for {
		id, ended, more := f.await(ctx, read)
		if !more {
			return
		}
		err := f.stream(ctx)
		switch {
		case ctx.Err() != nil, apierrors.IsNotFound(err):
			return
		case apierrors.IsForbidden(err):
			f.j.tell(f.pod, f.container, "the log cannot be read: "+forbidden("get", podLogResource, f.j.ns))
			return
		case err == nil && ended:
			read, failures = id, 0
			continue
		case err != nil && ended && failures >= logAttempts:
			f.j.tell(f.pod, f.container, "the log cannot be read: "+plainLine(err.Error(), wordsMost))
			return
		case err != nil:
			failures++
		}
		// The end of the container is in the log before it is in its
		// status, and what is in the status after that is all there is.
		if f.changed(ctx, logPause*time.Duration(min(1+failures, logPauses))) != nil {
			return
		}
	}
}

var podLogResource = schema.GroupVersionResource{Version: "v1", Resource: "pods/log"}

// changed waits for a change, or for as long as most.
func (f *logFollower) changed(ctx context.Context, most time.Duration) error {
	f.j.mu.Lock()
	changed := f.j.changed
	f.j.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-timer.C:
	}
	return nil
}

// await waits for a run of the container other than the one that was read. It
// says which, and whether that has ended; more is false when none will come.
func (f *logFollower) await(ctx context.Context, read string) (id string, ended, more bool) {
	for {
		f.j.mu.Lock()
		pod, gone, over, changed := f.j.pods[f.uid], f.j.podGone[f.uid], f.j.over, f.j.changed
		f.j.mu.Unlock()
		id, ended = containerRun(pod, f.container)
		finished := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		switch {
		case id != "" && id != read && !gone:
			return id, ended, true
		case gone || over || finished:
			return "", false, false
		}
		select {
		case <-ctx.Done():
			return "", false, false
		case <-changed:
		}
	}
}

// containerRun names the run of a container whose log the kubelet has: the one
// that goes on or, between two, the last; empty: there was none yet.
func containerRun(pod *corev1.Pod, name string) (id string, ended bool) {
	for _, k := range podContainers(pod) {
		if k.spec.Name != name || k.status == nil {
			continue
		}
		s := k.status
		end := s.State.Terminated
		switch {
		case s.State.Running != nil:
			return containerRunName(s.ContainerID, s.RestartCount), false
		case end != nil:
			return containerRunName(end.ContainerID, s.RestartCount), true
		case s.LastTerminationState.Terminated != nil:
			return containerRunName(s.LastTerminationState.Terminated.ContainerID, s.RestartCount), true
		}
	}
	return "", false
}

// containerRunName is a container's ID or, where a kubelet does not say it, a number.
func containerRunName(id string, restarts int32) string {
	if id != "" {
		return id
	}
	return strconv.Itoa(int(restarts))
}

// stream passes lines on until the log ends or breaks off. Without an error it
// ended.
func (f *logFollower) stream(ctx context.Context) error {
	request := f.j.c.disco.RESTClient().Get().
		AbsPath("/api/v1/namespaces", f.j.ns, "pods", f.pod, "log").
		Param("container", f.container).Param("follow", "true").Param("timestamps", "true")
	if !f.last.IsZero() {
		request = request.Param("sinceTime", f.last.UTC().Format(time.RFC3339)) // the API knows whole seconds
	}
	body, err := request.Stream(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // it was only read
	again := resumption{last: f.last, same: f.same}
	in := bufio.NewReaderSize(body, lineMost)
	for {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return err // half a line comes whole the next time
		}
		if len(line) > 0 {
			f.take(&again, bytes.TrimRight(line, "\r\n"))
		}
		if err != nil {
			return nil
		}
	}
}

// readLine reads a line with its end, and cuts one that is too long.
func readLine(in *bufio.Reader) ([]byte, error) {
	part, err := in.ReadSlice('\n')
	line := bytes.Clone(part)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	return line, err
}

// resumption knows which lines of a log that is read again were passed on.
type resumption struct {
	last time.Time
	same int
}

// known reports whether a line written at a time was passed on before.
func (r *resumption) known(at time.Time) bool {
	switch {
	case at.Before(r.last):
		return true
	case at.Equal(r.last) && r.same > 0:
		r.same--
		return true
	}
	return false
}

// take passes a line on without its timestamp, unless it was before.
func (f *logFollower) take(again *resumption, line []byte) {
	stamp, text, _ := bytes.Cut(line, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		f.j.tell(f.pod, f.container, string(line))
		return
	}
	if again.known(at) {
		return
	}
	switch {
	case at.Equal(f.last):
		f.same++
	case at.After(f.last):
		f.last, f.same = at, 1
	}
	f.j.tell(f.pod, f.container, string(text))
}
