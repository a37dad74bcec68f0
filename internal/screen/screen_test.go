package screen

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestATerminalShowsAndTakesText(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	term, err := Start(exec.Command("sh", "-c", `printf 'name? '; read n; printf '\033[1;31mhello %s\033[0m\n' "$n"; exit 3`), 40, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = term.Close() }()
	if err := term.WaitFor(ctx, "name?"); err != nil {
		t.Fatal(err)
	}
	if err := term.Type("op1\r"); err != nil {
		t.Fatal(err)
	}
	if err := term.WaitFor(ctx, "hello op1"); err != nil {
		t.Fatal(err)
	}
	if err := term.Exited(ctx); err == nil || !strings.Contains(err.Error(), "3") {
		t.Errorf("exited with %v, want status 3", err)
	}
	if err := term.WaitFor(ctx, "never shown"); err == nil || !strings.Contains(err.Error(), "hello op1") {
		t.Errorf("waiting on an ended program: %v, want the last screen", err)
	}
	svg := term.SVG()
	if !strings.Contains(string(svg), `font-weight="bold">hello op1</text>`) {
		t.Errorf("the picture lacks the bold text:\n%s", svg)
	}
	dec := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is not XML: %v", err)
		}
	}
}

func TestFaintBecomesBlink(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                     "plain",
		"\x1b[2mdim\x1b[22m":        "\x1b[5mdim\x1b[22;25m",
		"\x1b[38;2;1;2;3mrgb":       "\x1b[38;2;1;2;3mrgb",
		"\x1b[1;2;48;5;2mx":         "\x1b[1;5;48;5;2mx",
		"\x1b[4;58;2;1;2;3mx":       "\x1b[4mx",
		"\x1b[>4;2mkeyboard\x1b[2K": "\x1b[>4;2mkeyboard\x1b[2K",
		"\x1b7saved\x1b[?25l":       "\x1b7saved\x1b[?25l",
	} {
		var whole faintFilter
		if got := string(whole.filter([]byte(in))); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		// The same, cut anywhere.
		for cut := range in {
			var f faintFilter
			got := string(f.filter([]byte(in[:cut]))) + string(f.filter([]byte(in[cut:])))
			if got != want {
				t.Errorf("%q cut at %d became %q, want %q", in, cut, got, want)
			}
		}
	}
}
