package tuitest

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Driver runs a model as Bubble Tea would, inside a synctest bubble: commands
// run in goroutines of their own, and time passes only when it is told to.
type Driver struct {
	t     *testing.T
	model tea.Model

	mu    sync.Mutex
	queue []tea.Msg

	Quit     bool
	Messages int // handled so far
	// Seen, if set, is told of every message before the model is.
	Seen func(tea.Msg)
}

// Drive starts a model on a screen of the given size. It has to be called in a
// synctest bubble.
func Drive(t *testing.T, m tea.Model, w, h int) *Driver {
	t.Helper()
	d := &Driver{t: t, model: m}
	d.run(m.Init())
	d.Send(tea.WindowSizeMsg{Width: w, Height: h})
	return d
}

func (d *Driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		msg := cmd()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.queue = append(d.queue, msg)
	}()
}

func (d *Driver) next() (tea.Msg, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return nil, false
	}
	msg := d.queue[0]
	d.queue = d.queue[1:]
	return msg, true
}

// Settle handles messages until every command has returned or waits for
// something from outside, or for time to pass.
func (d *Driver) Settle() {
	for {
		synctest.Wait()
		msg, ok := d.next()
		if !ok {
			return
		}
		d.handle(msg)
	}
}

func (d *Driver) handle(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
		return
	case tea.BatchMsg:
		for _, cmd := range msg {
			d.run(cmd)
		}
		return
	case tea.QuitMsg:
		d.Quit = true
		return
	}
	if d.Quit {
		return
	}
	d.Messages++
	if d.Seen != nil {
		d.Seen(msg)
	}
	var cmd tea.Cmd
	d.model, cmd = d.model.Update(msg)
	d.run(cmd)
	d.model.View() // as Bubble Tea does after every message
}

// Send hands a message to the model and lets everything settle.
func (d *Driver) Send(msg tea.Msg) {
	d.handle(msg)
	d.Settle()
}

// Pass lets time pass, in small steps so that what falls due is handled then.
func (d *Driver) Pass(total time.Duration) {
	const step = 25 * time.Millisecond
	for total > 0 {
		<-time.After(min(step, total))
		total -= step
		d.Settle()
	}
}

// Press presses keys, named as Bubble Tea names them, with a pause after each
// that a person's fingers would make.
func (d *Driver) Press(keys ...string) {
	for _, k := range keys {
		d.Send(Key(k))
		d.Pass(100 * time.Millisecond)
	}
}

// Type presses the characters of a text.
func (d *Driver) Type(text string) {
	for _, r := range text {
		d.Press(string(r))
	}
}

// Key is the key press of that name.
func Key(name string) tea.KeyPressMsg {
	named := map[string]rune{
		"enter": tea.KeyEnter, "tab": tea.KeyTab, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "backspace": tea.KeyBackspace, "pgdown": tea.KeyPgDown,
		"pgup": tea.KeyPgUp, "home": tea.KeyHome, "end": tea.KeyEnd,
	}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: []rune(rest)[0], Mod: tea.ModCtrl}
	}
	if rest, ok := strings.CutPrefix(name, "shift+"); ok {
		return tea.KeyPressMsg{Code: named[rest], Mod: tea.ModShift}
	}
	if code, ok := named[name]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	if name == "space" {
		return tea.KeyPressMsg{Code: ' ', Text: " "}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// Raw is the screen with its styles.
func (d *Driver) Raw() string { return d.model.View().Content }

// Screen is the screen's text.
func (d *Driver) Screen() string {
	lines := strings.Split(ansi.Strip(d.Raw()), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// Has fails the test unless the screen shows all texts.
func (d *Driver) Has(texts ...string) {
	d.t.Helper()
	screen := d.Screen()
	for _, s := range texts {
		if !strings.Contains(screen, s) {
			d.t.Fatalf("the screen lacks %q:\n%s", s, screen)
		}
	}
}

// Lacks fails the test if the screen shows one of the texts.
func (d *Driver) Lacks(texts ...string) {
	d.t.Helper()
	screen := d.Screen()
	for _, s := range texts {
		if strings.Contains(screen, s) {
			d.t.Fatalf("the screen shows %q:\n%s", s, screen)
		}
	}
}
