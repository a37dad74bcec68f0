package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxLines bounds the memory of a log; older lines are forgotten.
const maxLines = 20000

type line struct {
	at   time.Time
	text string
}

// Log is what one run of a container wrote.
type Log struct {
	mu      sync.Mutex
	lines   []line
	dropped int
	closed  bool
	// changed is closed and replaced at every change.
	changed chan struct{}
}

// NewLog returns an empty log.
func NewLog() *Log { return &Log{changed: make(chan struct{})} }

// Write adds a text of one or more lines.
func (l *Log) Write(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	now := time.Now()
	for _, t := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		l.lines = append(l.lines, line{at: now, text: t})
	}
	if over := len(l.lines) - maxLines; over > 0 {
		l.lines = append([]line(nil), l.lines[over:]...)
		l.dropped += over
	}
	l.signal()
}

// Close says that nothing will be added: the container has ended.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.signal()
}

func (l *Log) signal() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// after returns the lines from number n on, the number of the line that will
// come next, and a channel that is closed when there are more. It is nil if
// there will be none.
func (l *Log) after(n int) ([]line, int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := max(n-l.dropped, 0)
	lines := append([]line(nil), l.lines[min(from, len(l.lines)):]...)
	changed := l.changed
	if l.closed {
		changed = nil
	}
	return lines, l.dropped + len(l.lines), changed
}

// LogOptions are the options of a request for a log, as the kubelet gets them.
type LogOptions struct {
	Follow, Timestamps, Previous bool
	// Since leaves out what was written before.
	Since time.Time
	// Tail is the number of lines to begin with, negative for all.
	Tail int
	// Limit is the number of bytes after which to end, negative for none.
	Limit int64
}

// ParseLogOptions reads the query of a request.
func ParseLogOptions(query url.Values, now time.Time) (LogOptions, error) {
	opts := LogOptions{Tail: -1, Limit: -1}
	var err error
	for name, values := range query {
		value := values[0]
		switch name {
		case "follow":
			opts.Follow, err = strconv.ParseBool(value)
		case "timestamps":
			opts.Timestamps, err = strconv.ParseBool(value)
		case "previous":
			opts.Previous, err = strconv.ParseBool(value)
		case "tailLines":
			opts.Tail, err = strconv.Atoi(value)
		case "limitBytes":
			opts.Limit, err = strconv.ParseInt(value, 10, 64)
		case "sinceTime":
			opts.Since, err = time.Parse(time.RFC3339, value)
		case "sinceSeconds":
			var seconds int64
			seconds, err = strconv.ParseInt(value, 10, 64)
			opts.Since = now.Add(-time.Duration(seconds) * time.Second)
		}
		if err != nil {
			return opts, fmt.Errorf("%s: %w", name, err)
		}
	}
	return opts, nil
}

// CopyTo writes the log as asked for, calling flush whenever it has to wait
// for more. Following ends with the container.
func (l *Log) CopyTo(ctx context.Context, w io.Writer, flush func(), opts LogOptions) error {
	left := opts.Limit
	lines, next, changed := l.after(0)
	lines = since(lines, opts.Since)
	if opts.Tail >= 0 && len(lines) > opts.Tail {
		lines = lines[len(lines)-opts.Tail:]
	}
	for {
		for _, line := range since(lines, opts.Since) {
			data := line.format(opts.Timestamps)
			if left >= 0 {
				data = data[:min(int64(len(data)), left)]
				left -= int64(len(data))
			}
			if _, err := w.Write(data); err != nil {
				return err
			}
			if left == 0 {
				return nil
			}
		}
		flush()
		if !opts.Follow || changed == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		lines, next, changed = l.after(next)
	}
}

// since returns the lines that were not written before at.
func since(lines []line, at time.Time) []line {
	for i, line := range lines {
		if !line.at.Before(at) {
			return lines[i:]
		}
	}
	return nil
}

func (l line) format(timestamps bool) []byte {
	var out bytes.Buffer
	if timestamps {
		out.WriteString(l.at.UTC().Format("2006-01-02T15:04:05.000000000Z "))
	}
	out.WriteString(l.text)
	out.WriteByte('\n')
	return out.Bytes()
}
