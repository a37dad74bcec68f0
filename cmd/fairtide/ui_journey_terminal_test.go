//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"

	"github.com/fairtide-dev/fairtide/internal/screen"
)

// seat is somebody at a terminal, of whose program every byte is kept: also
// what no screen shows.
type seat struct {
	t   *testing.T
	ctx context.Context
	cmd *exec.Cmd
	pty *os.File
	vt  vt10x.Terminal

	mu      sync.Mutex
	raw     bytes.Buffer
	changed chan struct{} // closed and replaced at every output
	exited  chan struct{}
}

// sit starts the program on a terminal of that size.
func (w *world) sit(t *testing.T, cols, rows int, args ...string) *seat {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, exec.Command(path, args...), w.env, cols, rows)
}

// start starts a command on a terminal of that size.
func start(t *testing.T, cmd *exec.Cmd, env []string, cols, rows int) *seat {
	t.Helper()
	cmd.Env = append(append([]string{"TERM=xterm-256color", "COLORTERM=truecolor"}, env...), "LC_ALL=C.UTF-8")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	s := &seat{
		t: t, ctx: ctx, cmd: cmd, pty: f, vt: vt10x.New(vt10x.WithSize(cols, rows), vt10x.WithWriter(io.Discard)),
		changed: make(chan struct{}), exited: make(chan struct{}),
	}
	go s.read()
	t.Cleanup(func() {
		cancel()
		_ = f.Close()
		_ = cmd.Process.Kill()
		<-s.exited
	})
	return s
}

func (s *seat) read() {
	defer close(s.exited)
	buf := make([]byte, 32<<10)
	var rest []byte
	for {
		n, err := s.pty.Read(buf)
		s.mu.Lock()
		s.raw.Write(buf[:n])
		rest = append(rest, buf[:n]...)
		whole := screen.Whole(rest)
		_, _ = s.vt.Write(rest[:whole])
		rest = append(rest[:0], rest[whole:]...)
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
		if err != nil { // EIO when the program has gone
			break
		}
	}
	_ = s.cmd.Wait()
}

// output is all that the program has written.
func (s *seat) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

// screen is what the screen shows, a line a row.
func (s *seat) screen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := strings.Split(s.vt.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// await waits until the screen is as wanted, for as long as the limit.
func (s *seat) await(limit time.Duration, wanted func(screen string) bool) error {
	late := time.After(limit)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if wanted(strings.Join(s.screen(), "\n")) {
			return nil
		}
		select {
		case <-changed:
		case <-s.exited:
			return errors.New("the program has ended")
		case <-late:
			return fmt.Errorf("not within %s", limit)
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
}

func all(texts []string) func(string) bool {
	return func(screen string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(screen, text) })
	}
}

// sees waits until the screen shows every one of the texts at once.
func (s *seat) sees(texts ...string) {
	s.t.Helper()
	if err := s.await(30*time.Second, all(texts)); err != nil {
		s.t.Fatalf("waiting for %q: %v; the screen:\n%s", texts, err, strings.Join(s.screen(), "\n"))
	}
}

func (s *seat) types(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// until does something again until the screen shows the texts. Between two
// times it waits for longer than what counts as one gesture.
func (s *seat) until(do func(), texts ...string) {
	s.t.Helper()
	const most, pause = 20, 600 * time.Millisecond
	for range most {
		if s.await(pause, all(texts)) == nil {
			return
		}
		do()
	}
	s.sees(texts...)
}

// presses presses a key until the screen shows the texts.
func (s *seat) presses(key string, texts ...string) {
	s.t.Helper()
	s.until(func() { s.types(key) }, texts...)
}

// rests waits until nothing was written for a moment, and returns the screen: a
// frame reaches it in pieces.
func (s *seat) rests() []string {
	s.t.Helper()
	const quiet = 150 * time.Millisecond
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-time.After(quiet):
			return s.screen()
		case <-s.ctx.Done():
			s.t.Fatalf("the screen does not come to rest:\n%s", strings.Join(s.screen(), "\n"))
		}
	}
}

// at is where the screen shows a text, counted from 1, from a line on.
func (s *seat) at(text string, from int) (col, row int) {
	s.t.Helper()
	s.sees(text)
	lines := s.rests()
	for i := from; i < len(lines); i++ {
		if before, _, ok := strings.Cut(lines[i], text); ok {
			return len([]rune(before)) + 1, i + 1
		}
	}
	s.t.Fatalf("%q is not on the screen from line %d on:\n%s", text, from+1, strings.Join(lines, "\n"))
	return 0, 0
}

// mouse is what a terminal sends for the mouse (SGR): a button goes down, or
// up, or moves while it is down.
func mouse(button, col, row int, up bool) string {
	end := "M"
	if up {
		end = "m"
	}
	return fmt.Sprintf("\x1b[<%d;%d;%d%s", button, col, row, end)
}

const (
	leftButton = 0
	dragging   = 32
	wheelUp    = 64
	wheelDown  = 65
)

func click(col, row int) string {
	return mouse(leftButton, col, row, false) + mouse(leftButton, col, row, true)
}

// clicks clicks on the second cell of a text, below the header.
func (s *seat) clicks(text string) {
	s.t.Helper()
	col, row := s.at(text, 1)
	s.types(click(col+1, row))
}

// resize gives the terminal another size, and the worst that one may make of
// what was on it: every cell shows something else until it is drawn again.
func (s *seat) resize(cols, rows int) {
	s.t.Helper()
	vt := vt10x.New(vt10x.WithSize(cols, rows), vt10x.WithWriter(io.Discard))
	for row := range rows {
		_, _ = fmt.Fprintf(vt, "\x1b[%d;1H%s", row+1, strings.Repeat("#", cols))
	}
	s.mu.Lock()
	s.vt = vt
	s.mu.Unlock()
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		s.t.Fatal(err)
	}
}

// leaves quits, and holds that the terminal is left as it was found.
func (s *seat) leaves() {
	s.t.Helper()
	for ended := false; !ended; {
		s.types("q")
		select {
		case <-s.exited:
			ended = true
		case <-time.After(2 * time.Second): // after an escape that came late it was alt+q
		case <-s.ctx.Done():
			s.t.Fatalf("the program does not end:\n%s", strings.Join(s.screen(), "\n"))
		}
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("the program ended with %d", code)
	}
	s.restored()
}

var modeChange = regexp.MustCompile(`\x1b\[\?([0-9;]+)([hl])`)

// modes are the terminal's private modes that are on.
func (s *seat) modes() []string {
	on := map[string]bool{cursorVisible: true, wraps: true}
	for _, m := range modeChange.FindAllStringSubmatch(s.output(), -1) {
		for _, mode := range strings.Split(m[1], ";") {
			if m[2] == "h" {
				on[mode] = true
			} else {
				delete(on, mode)
			}
		}
	}
	return slices.Sorted(maps.Keys(on))
}

// These modes are on in a terminal nobody uses.
const (
	cursorVisible = "25"
	wraps         = "7"
)

func (s *seat) restored() {
	s.t.Helper()
	if on := s.modes(); !slices.Equal(on, []string{cursorVisible, wraps}) {
		s.t.Errorf("the terminal is left with the modes %q", on)
	}
}
