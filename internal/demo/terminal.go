package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
)

// pointerFile is, in bin, what another terminal sources to play along. It leads
// to the demo that was started last.
const pointerFile = "demo.env"

// point writes what another terminal needs.
func (d *demo) point() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, v := range d.variables() {
		name, value, _ := strings.Cut(v, "=")
		if value == "" {
			fmt.Fprintf(&b, "unset %s\n", name)
		} else {
			fmt.Fprintf(&b, "export %s=%s\n", name, quote(value))
		}
	}
	fmt.Fprintf(&b, "export PATH=%s:\"$PATH\"\n", quote(filepath.Dir(d.fairtide)))
	fmt.Fprintf(&b, "demo() { %s \"$@\"; }\n", quote(self))
	file := filepath.Join(d.dir, "env.sh")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		return err
	}
	d.pointer = filepath.Join(filepath.Dir(d.fairtide), pointerFile)
	return os.WriteFile(d.pointer, []byte(pointing(file)), 0o600)
}

func pointing(file string) string { return ". " + quote(file) + "\n" }

// unpoint removes the pointer, unless it leads to another demo by now.
func (d *demo) unpoint() {
	if d.pointer == "" {
		return
	}
	if data, err := os.ReadFile(d.pointer); err == nil && string(data) == pointing(filepath.Join(d.dir, "env.sh")) {
		_ = os.Remove(d.pointer)
	}
}

// quote makes a word of the shell's of a text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// showSlack says what Slack was told while the UI had the screen.
func (d *demo) showSlack() { fmt.Fprintln(os.Stderr, sanitize.Text(slackText(d.stage))) }

// send asks the running demo to play a part, and prints what it says.
func send(ctx context.Context, to address, part string, form map[string]string, out io.Writer) error {
	values := url.Values{}
	for k, v := range form {
		values.Set(k, v)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL+"/"+part, strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+to.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the demo does not answer; is it still running? %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(sanitize.Line(strings.TrimSpace(string(text))))
	}
	_, err = fmt.Fprintln(out, sanitize.Text(strings.TrimRight(string(text), "\n")))
	return err
}
