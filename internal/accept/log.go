package accept

import (
	"bufio"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
)

// What is kept of a test's log. Records live in ConfigMaps, which hold a
// mebibyte with everything else in them.
const (
	maxLines   = 200
	maxBytes   = 16 << 10
	maxLine    = 2 << 10
	maxMessage = 500
)

// recorder streams the lines of a test and keeps the last ones.
type recorder struct {
	emit func(line string)

	mu      sync.Mutex
	lines   []string
	bytes   int
	dropped bool
	closed  bool
}

func newRecorder(emit func(string)) *recorder { return &recorder{emit: emit} }

// add takes a line from outside: it is made safe and cut.
func (r *recorder) add(line string) {
	line = clip(sanitize.Line(line), maxLine)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed { // a straggler of a test that was given up
		return
	}
	r.lines = append(r.lines, line)
	r.bytes += len(line)
	for len(r.lines) > maxLines || r.bytes > maxBytes {
		r.bytes -= len(r.lines[0])
		r.lines = r.lines[1:]
		r.dropped = true
	}
	r.emit(line)
}

// last is the last line that is not empty.
func (r *recorder) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.lines) - 1; i >= 0; i-- {
		if r.lines[i] != "" {
			return r.lines[i]
		}
	}
	return ""
}

// close ends the log: what comes later is neither kept nor streamed.
func (r *recorder) close() (lines []string, truncated bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.lines, r.dropped
}

// copyLines streams text line by line until its end. A line longer than is
// kept is cut, so that output without line breaks cannot fill the memory.
func (r *recorder) copyLines(from io.Reader) {
	in := bufio.NewReaderSize(from, maxLine+utf8.UTFMax)
	for {
		line, err := in.ReadSlice('\n')
		text := string(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err == nil || text != "" {
			r.add(trimBreak(text))
		}
		if err != nil {
			return
		}
	}
}

func trimBreak(s string) string {
	if n := len(s); n > 0 && s[n-1] == '\n' {
		s = s[:n-1]
	}
	if n := len(s); n > 0 && s[n-1] == '\r' {
		s = s[:n-1]
	}
	return s
}

// clip cuts s to limit bytes at a character's boundary.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}
