// Package screen runs a program on a pseudo-terminal and reads what its screen
// shows, as a person would see it. The journeys in the tests and the README's
// pictures are made with it.
package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

// Terminal is a program on a terminal of its own.
type Terminal struct {
	cmd  *exec.Cmd
	pty  *os.File
	vt   vt10x.Terminal
	size struct{ cols, rows int }

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every output
	exited  chan struct{}
	err     error // of the program, once exited is closed
}

// Start runs cmd on a terminal of the given size. TERM and COLORTERM are set
// unless the command's environment already has them.
func Start(cmd *exec.Cmd, cols, rows int) (*Terminal, error) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append([]string{"TERM=xterm-256color", "COLORTERM=truecolor"}, cmd.Env...)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		return nil, fmt.Errorf("start %s on a terminal: %w", cmd.Path, err)
	}
	t := &Terminal{
		cmd: cmd, pty: f, vt: vt10x.New(vt10x.WithSize(cols, rows), vt10x.WithWriter(io.Discard)),
		changed: make(chan struct{}), exited: make(chan struct{}),
	}
	t.size.cols, t.size.rows = cols, rows
	go t.read()
	return t, nil
}

func (t *Terminal) read() {
	var sgr faintFilter
	buf := make([]byte, 32<<10)
	var rest []byte
	for {
		n, err := t.pty.Read(buf)
		if n > 0 {
			rest = append(rest, buf[:n]...)
			whole := Whole(rest)
			_, _ = t.vt.Write(sgr.filter(rest[:whole]))
			rest = append(rest[:0], rest[whole:]...)
			t.touch()
		}
		if err != nil { // EIO when the program has gone
			break
		}
	}
	t.err = t.cmd.Wait()
	close(t.exited)
	t.touch()
}

func (t *Terminal) touch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.changed)
	t.changed = make(chan struct{})
}

// Type sends keys as the terminal would: text, "\r" for enter, "\x1b" for escape.
func (t *Terminal) Type(keys string) error {
	_, err := io.WriteString(t.pty, keys)
	return err
}

// Resize changes the terminal's size; the program is told by SIGWINCH.
func (t *Terminal) Resize(cols, rows int) error {
	t.vt.Resize(cols, rows)
	t.size.cols, t.size.rows = cols, rows
	return pty.Setsize(t.pty, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
}

// Text is the screen's content, a line a row, without trailing blanks.
func (t *Terminal) Text() string {
	lines := strings.Split(t.vt.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// ErrExited is returned by Wait when the program ended before the screen
// showed what was waited for.
var ErrExited = errors.New("the program has ended")

// Wait returns when seen reports true of the screen's text. The error, when it
// does not come to that, carries the last screen.
func (t *Terminal) Wait(ctx context.Context, what string, seen func(text string) bool) error {
	for {
		t.mu.Lock()
		changed := t.changed
		t.mu.Unlock()
		text := t.Text()
		if seen(text) {
			return nil
		}
		select {
		case <-changed:
		case <-t.exited:
			if text = t.Text(); seen(text) {
				return nil
			}
			return fmt.Errorf("waiting for %s: %w (%s); last screen:\n%s", what, ErrExited, t.cmd.ProcessState, text)
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; last screen:\n%s", what, ctx.Err(), text)
		}
	}
}

// WaitFor waits until the screen shows the text.
func (t *Terminal) WaitFor(ctx context.Context, text string) error {
	return t.Wait(ctx, fmt.Sprintf("%q", text), func(s string) bool { return strings.Contains(s, text) })
}

// Settle returns when the program has written nothing for as long as quiet: a
// frame that is being drawn reaches the screen in pieces.
func (t *Terminal) Settle(ctx context.Context, quiet time.Duration) error {
	for {
		t.mu.Lock()
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
		case <-time.After(quiet):
			return nil
		case <-ctx.Done():
			return fmt.Errorf("the screen does not come to rest: %w", ctx.Err())
		}
	}
}

// Exited waits until the program has ended and returns how.
func (t *Terminal) Exited(ctx context.Context) error {
	select {
	case <-t.exited:
		return t.err
	case <-ctx.Done():
		return fmt.Errorf("the program does not end: %w; last screen:\n%s", ctx.Err(), t.Text())
	}
}

// Close ends the program, hard if it does not go by itself when its terminal
// is closed, and waits for it.
func (t *Terminal) Close() error {
	err := t.pty.Close()
	select {
	case <-t.exited:
	case <-time.After(2 * time.Second):
		_ = t.cmd.Process.Kill()
		<-t.exited
	}
	return err
}
