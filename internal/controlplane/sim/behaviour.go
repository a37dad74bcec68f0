// Package sim holds what a simulated container does, as far as that needs no
// cluster: its behaviour, its back-off and its log.
package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AnnotationPrefix precedes the names of fields in a pod's annotations. A
// field applies to all containers of the pod unless its name is followed by a
// dot and the name of a container.
const AnnotationPrefix = "sim.fairtide.dev/"

// LeftAlone is the annotation of a pod whose life no kubelet plays: a test
// writes its status and its events itself.
const LeftAlone = AnnotationPrefix + "left-alone"

// Never is the value of a duration that does not end.
const Never = time.Duration(-1)

// Behaviour says how a container deviates from one that starts at once, gets
// ready and runs. Fields that are nil or empty leave it at that.
type Behaviour struct {
	// PullError is why the image cannot be pulled.
	PullError string
	// StartAfter is how long it takes to pull the image and start.
	StartAfter *time.Duration
	// ReadyAfter is how long the container runs before it is ready.
	ReadyAfter *time.Duration
	// ExitCode and ExitReason describe the end, ExitAfter is when it comes.
	ExitCode   *int32
	ExitReason string
	ExitAfter  *time.Duration
	// Log is what the container writes.
	Log string
	// HTTPStatus and HTTPBody are what it answers to requests.
	HTTPStatus int
	HTTPBody   string
}

// NotFound is the error of containerd for an image that does not exist. It is
// what an empty "pull-error" stands for.
func NotFound(image string) string {
	return fmt.Sprintf("rpc error: code = NotFound desc = failed to pull and unpack image %q: "+
		"failed to resolve reference %q: %s: not found", image, image, image)
}

// set gives a field its value. The image is the one the behaviour is for.
func (b *Behaviour) set(name, value, image string) error {
	var err error
	switch name {
	case "pull-error":
		b.PullError = value
		if value == "" {
			b.PullError = NotFound(image)
		}
	case "start-after":
		b.StartAfter, err = duration(value, false)
	case "ready-after":
		b.ReadyAfter, err = duration(value, true)
	case "exit-after":
		b.ExitAfter, err = duration(value, true)
	case "exit-code":
		var code int64
		code, err = strconv.ParseInt(value, 10, 32)
		short := int32(code)
		b.ExitCode = &short
	case "exit-reason":
		b.ExitReason = value
	case "log":
		b.Log = value
	case "http-status":
		b.HTTPStatus, err = strconv.Atoi(value)
		if err == nil && (b.HTTPStatus < 100 || b.HTTPStatus > 999) {
			err = fmt.Errorf("%d is no HTTP status", b.HTTPStatus)
		}
	case "http-body":
		b.HTTPBody = value
	default:
		return fmt.Errorf("unknown field %q", name)
	}
	if err != nil {
		return fmt.Errorf("field %q: %w", name, err)
	}
	return nil
}

func duration(text string, never bool) (*time.Duration, error) {
	d := Never
	if never && text == "never" {
		return &d, nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("%s is negative", text)
	}
	return &d, err
}

// annotate applies the annotations of a pod. A field for this container wins
// over one for all of them, so those come last.
func (b *Behaviour) annotate(annotations map[string]string, container, image string) error {
	for _, own := range []bool{false, true} {
		for key, value := range annotations {
			name, ours := strings.CutPrefix(key, AnnotationPrefix)
			if !ours {
				continue
			}
			name, target, qualified := strings.Cut(name, ".")
			if qualified != own || qualified && target != container {
				continue
			}
			if err := b.set(name, value, image); err != nil {
				return fmt.Errorf("annotation %s: %w", key, err)
			}
		}
	}
	return nil
}
