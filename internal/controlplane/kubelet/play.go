package kubelet

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairtide-dev/fairtide/internal/controlplane/sim"
)

const (
	// startTime and readyTime are what an ordinary container takes.
	startTime = 100 * time.Millisecond
	readyTime = 100 * time.Millisecond
	// taskTime is how long a container runs that is expected to end.
	taskTime = 500 * time.Millisecond
	// maxInitialDelay bounds the initial delay of probes: it is made for
	// programs which take their time.
	maxInitialDelay = time.Second
	// probePeriod is the time between failing readiness probes.
	probePeriod = 2 * time.Second
	// maxLinePause bounds the time between lines of a log.
	maxLinePause = time.Second
)

// score is what will happen while a container runs.
type score struct {
	ready  time.Duration
	exit   time.Duration
	code   int32
	reason string
	lines  []string
	// pause is the time between lines.
	pause time.Duration
}

// score works out when a container gets ready and when it ends.
func (c *container) score(b sim.Behaviour) score {
	s := score{ready: readyTime, exit: sim.Never, reason: b.ExitReason}
	if probe := c.spec.ReadinessProbe; probe != nil {
		s.ready += min(time.Duration(probe.InitialDelaySeconds)*time.Second, maxInitialDelay)
	}
	if b.ExitCode != nil && *b.ExitCode != 0 {
		// A server that crashes while it starts never got ready.
		s.ready = sim.Never
	}
	if b.ReadyAfter != nil {
		s.ready = *b.ReadyAfter
	}
	if b.ExitCode != nil {
		s.code = *b.ExitCode
	}
	task := c.init && !c.sidecar || !c.init && c.w.latest().Spec.RestartPolicy != corev1.RestartPolicyAlways
	switch {
	case b.ExitAfter != nil:
		s.exit = *b.ExitAfter
	case b.ExitCode != nil || task:
		s.exit = taskTime
	}
	s.lines = c.lines(b, s)
	if s.exit != sim.Never {
		s.pause = min(s.exit/time.Duration(len(s.lines)+1), maxLinePause)
	}
	return s
}

// lines is what the container writes.
func (c *container) lines(b sim.Behaviour, s score) []string {
	if b.Log != "" {
		return strings.Split(strings.TrimRight(b.Log, "\n"), "\n")
	}
	first := fmt.Sprintf("starting %s (%s)", c.spec.Name, c.spec.Image)
	switch {
	case s.exit == sim.Never && len(c.spec.Ports) > 0:
		return []string{first, fmt.Sprintf("listening on port %d", c.spec.Ports[0].ContainerPort), "ready to serve"}
	case s.exit == sim.Never:
		return []string{first, "configuration loaded", "running"}
	case s.code == 0:
		return []string{first, "working", "done"}
	default:
		return []string{first, fmt.Sprintf("fatal: giving up with exit code %d", s.code)}
	}
}

// play runs the container until it ends by itself, which gives its exit code,
// or is stopped. One that is resumed neither starts nor writes again.
func (c *container) play(ctx context.Context, b sim.Behaviour, resumed bool) (code int32, ended bool) {
	s := c.score(b)
	var output *sim.Log
	if resumed {
		output, s.lines = c.resume(), nil
	} else {
		output = c.begin()
	}
	c.startedOnce()
	if s.pause == 0 && len(s.lines) > 0 {
		output.Write(strings.Join(s.lines, "\n"))
		s.lines = nil
	}
	ready, exit := after(s.ready), after(s.exit)
	line, unhealthy := tick(s.pause), tick(0)
	if s.ready == sim.Never && s.exit == sim.Never {
		unhealthy = tick(probePeriod)
		c.unhealthy()
	}
	for {
		select {
		case <-ctx.Done():
			c.end(c.stopCode(), "")
			return 0, false
		case <-ready:
			// Containers which initialize are ready when they are done.
			if !c.init || c.sidecar {
				c.setReady(true)
			}
		case <-unhealthy:
			c.unhealthy()
		case <-line:
			if len(s.lines) > 0 {
				output.Write(s.lines[0])
				s.lines = s.lines[1:]
			}
		case <-exit:
			if len(s.lines) > 0 {
				output.Write(strings.Join(s.lines, "\n"))
			}
			c.end(s.code, s.reason)
			return s.code, true
		}
	}
}

func (c *container) startedOnce() {
	select {
	case <-c.started:
	default:
		close(c.started)
	}
}

func (c *container) unhealthy() {
	c.event(corev1.EventTypeWarning, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
}

// stopCode is the exit code of a container that is asked to end: servers do so
// in an orderly way, tasks do not expect it.
func (c *container) stopCode() int32 {
	if c.sidecar || c.w.latest().Spec.RestartPolicy == corev1.RestartPolicyAlways {
		return 0
	}
	return 143
}

// after and tick are like those of package time, except that nothing ever
// happens for the duration Never and for a period of 0. They need no stopping:
// a timer nobody refers to is collected.
func after(d time.Duration) <-chan time.Time {
	if d == sim.Never {
		return nil
	}
	return time.After(d)
}

func tick(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	return time.Tick(d)
}
