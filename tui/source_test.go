package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// petstoreFile is what the sample's petstore is rendered from.
const petstoreFile = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: petstore
spec:
  template:
    spec:
      containers:
      - name: petstore
        image: ghcr.io/shop/petstore:1.4.2
        env:
        - name: CACHE_TTL
          value: 30s
`

// files are the sources of a test.
type files struct {
	text map[string]string
	dir  string // of the work tree; empty: there is none
	page string // of the repository; empty: there is none
}

func (f files) File(_ context.Context, commit, path string) ([]byte, error) {
	text, ok := f.text[path]
	if !ok || commit != tuitest.Head {
		return nil, fmt.Errorf("%s at commit %s: %w", path, commit, fs.ErrNotExist)
	}
	return []byte(text), nil
}

func (f files) Local(path string) (string, bool) {
	return filepath.Join(f.dir, filepath.FromSlash(path)), f.dir != ""
}

func (f files) URL(commit, path string, line int) string {
	if f.page == "" {
		return ""
	}
	return fmt.Sprintf("%s/blob/%s/%s#L%d", f.page, commit[:7], path, line)
}

// started is a program that was called in a test, and the file it was given as
// it was then.
type started struct {
	args []string
	text string
	mode fs.FileMode
}

// launches has the app's programs recorded and not run. The editor ends with
// err.
func launches(x table, err error) *[]started {
	var got []started
	x.app.launch = launcher{
		goos: "linux",
		edit: func(c *exec.Cmd, done tea.ExecCallback) tea.Cmd {
			name := c.Args[len(c.Args)-1]
			s := started{args: c.Args}
			if data, readErr := os.ReadFile(name); readErr == nil {
				info, _ := os.Stat(name)
				s.text, s.mode = string(data), info.Mode()
			}
			got = append(got, s)
			return func() tea.Msg { return done(err) }
		},
		open: func(name string, args ...string) error {
			got = append(got, started{args: append([]string{name}, args...)})
			return err
		},
		find: func(string) bool { return true },
	}
	return &got
}

func sourced(f files, env map[string]string) func(*tuitest.Backend, *Config) {
	return func(_ *tuitest.Backend, c *Config) {
		c.Sources = f
		c.Env = func(name string) string { return env[name] }
	}
}

const petstorePath = "environments/production/petstore.yaml"

func TestEditSourceInTheWorkTree(t *testing.T) {
	dir := t.TempDir()
	local := filepath.Join(dir, filepath.FromSlash(petstorePath))
	if err := os.MkdirAll(filepath.Dir(local), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(local, []byte(petstoreFile), 0o644); err != nil {
		t.Fatal(err)
	}
	f := files{text: map[string]string{petstorePath: petstoreFile}, dir: dir}
	play(t, 120, 40, sourced(f, map[string]string{"VISUAL": "vim -p", "EDITOR": "nano"}), func(t *testing.T, x table) {
		x.review()
		got := launches(x, nil)
		x.Press("E")
		want := []string{"sh", "-c", `vim -p "$@"`, "vim -p", "+11", local}
		if len(*got) != 1 || fmt.Sprint((*got)[0].args) != fmt.Sprint(want) {
			t.Fatalf("the editor was called as %v, want %q", *got, want)
		}
		x.Has(petstorePath + ": what is changed there counts once it is merged")
		if _, err := os.Stat(local); err != nil {
			t.Errorf("the file is gone: %v", err)
		}
	})
}

func TestEditSourceOpensACopy(t *testing.T) {
	dir := t.TempDir()
	local := filepath.Join(dir, filepath.FromSlash(petstorePath))
	if err := os.MkdirAll(filepath.Dir(local), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(local, []byte("other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := map[string]string{petstorePath: petstoreFile}
	for why, f := range map[string]files{
		"the work tree has another version of it": {text: text, dir: dir},
		"the work tree does not have it":          {text: text, dir: t.TempDir()},
		"there is no work tree with it":           {text: text},
	} {
		play(t, 160, 40, sourced(f, map[string]string{"EDITOR": "code --wait"}), func(t *testing.T, x table) {
			x.review()
			got := launches(x, nil)
			x.Press("E")
			if len(*got) != 1 {
				t.Fatalf("the editor was called %d times:\n%s", len(*got), x.Screen())
			}
			args := (*got)[0].args
			name, line := strings.CutSuffix(args[len(args)-1], ":11")
			if !line || args[len(args)-2] != "--goto" || !strings.HasSuffix(name, "petstore-at-"+tuitest.Head[:7]+".yaml") {
				t.Errorf("the editor was called as %q", args)
			}
			if _, err := os.Stat(filepath.Dir(name)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the copy stays: %v", err)
			}
			x.Has("that was a copy of "+petstorePath, "only for reading", why)
		})
	}
	play(t, 120, 40, sourced(files{text: text}, nil), func(t *testing.T, x table) {
		x.review()
		got := launches(x, errors.New("exit status 1"))
		x.Press("E")
		if len(*got) != 1 || (*got)[0].text != petstoreFile || (*got)[0].mode.Perm() != 0o400 || (*got)[0].args[2] != `vi "$@"` {
			t.Errorf("the editor was given %+v", *got)
		}
		x.Has("The editor did not end well", "exit status 1", "VISUAL or EDITOR")
	})
}

func TestEditSourceRefuses(t *testing.T) {
	secret := petstoreFile + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: hunter2}\n"
	play(t, 120, 40, sourced(files{text: map[string]string{petstorePath: secret}}, nil), func(t *testing.T, x table) {
		x.review()
		got := launches(x, nil)
		x.Press("E")
		if len(*got) != 0 {
			t.Errorf("a Secret was written to a file for %q", (*got)[0].args)
		}
		x.Has("has a Secret in it", "git show "+tuitest.Head[:7]+":"+petstorePath)
		x.Lacks("hunter2")
		x.Pass(1e9)
		x.Press("enter")
		x.Press("k")
		x.Press("E")
		x.Has("which file renders this object is not known")
		x.Press("g", "E")
		x.Has("no file renders this object any more: it left Git")
	})
	play(t, 120, 40, sourced(files{}, nil), func(t *testing.T, x table) {
		x.review()
		launches(x, nil)
		x.Press("E")
		x.Has("The source cannot be opened", "file does not exist")
	})
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("O")
		x.Has("the files of the repository are not at hand")
	})
}

func TestNoEditorOverADialog(t *testing.T) {
	play(t, 120, 40, sourced(files{text: map[string]string{petstorePath: petstoreFile}}, nil), func(t *testing.T, x table) {
		x.review()
		got := launches(x, nil)
		cmd := x.app.do(action.EditSource)
		msg := cmd()
		x.Press("s")
		x.Has("Ship to")
		x.Send(msg)
		if len(*got) != 0 {
			t.Errorf("the editor took the dialog's place: %v", *got)
		}
		x.Has("Ship to")
	})
}

func TestOpenSource(t *testing.T) {
	f := files{text: map[string]string{petstorePath: petstoreFile}, page: "https://github.com/acme/environments"}
	page := f.URL(tuitest.Head, petstorePath, 11)
	desktop := map[string]string{"DISPLAY": ":0"}
	for name, c := range map[string]struct {
		files files
		env   map[string]string
		goos  string
		err   error
		calls string // what was started, space-separated
		copy  string
		says  string
	}{
		"a desktop":        {f, desktop, "linux", nil, "xdg-open " + page, "", "opened " + page},
		"wayland":          {f, map[string]string{"WAYLAND_DISPLAY": "w"}, "linux", nil, "xdg-open " + page, "", "opened " + page},
		"a mac":            {f, nil, "darwin", nil, "open " + page, "", "opened " + page},
		"windows":          {f, nil, "windows", nil, "rundll32 url.dll,FileProtocolHandler " + page, "", "opened " + page},
		"over ssh":         {f, map[string]string{"SSH_CONNECTION": "1", "DISPLAY": ":0"}, "linux", nil, "", page, "another machine than the browser; copied: " + page},
		"no desktop":       {f, nil, "linux", nil, "", page, "there is no desktop with a browser; copied: " + page},
		"it fails":         {f, desktop, "linux", errors.New("exit status 3"), "xdg-open " + page, page, "could not be started (exit status 3); copied: "},
		"no forge":         {files{text: f.text}, desktop, "linux", nil, "", "", "no page shows " + petstorePath},
		"not for browsers": {files{text: f.text, page: "file:///etc"}, desktop, "linux", nil, "", "", "no page shows " + petstorePath},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, 200, 60, sourced(c.files, c.env), func(t *testing.T, x table) {
				x.review()
				got := launches(x, c.err)
				x.app.launch.goos = c.goos
				clip := clipboard(x)
				x.Press("O")
				calls := ""
				for _, s := range *got {
					calls += strings.Join(s.args, " ")
				}
				if calls != c.calls || strings.Join(*clip, "") != c.copy {
					t.Errorf("started %q, want %q; copied %q, want %q", calls, c.calls, *clip, c.copy)
				}
				x.Has(c.says)
			})
		})
	}
}

func TestEditorCalls(t *testing.T) {
	for _, c := range []struct{ editor, want string }{
		{"vi", "+7 /a b/c.yaml"}, {"/usr/bin/nvim", "+7 /a b/c.yaml"}, {"nano -w", "+7 /a b/c.yaml"}, {"emacsclient -t -a ''", "+7 /a b/c.yaml"},
		{"hx", "/a b/c.yaml:7"}, {"subl -w", "/a b/c.yaml:7"}, {"code --wait", "--goto /a b/c.yaml:7"}, {`"/opt/My Apps/code" -w`, "--goto /a b/c.yaml:7"},
		{`C:\Tools\Code.exe --wait`, "--goto /a b/c.yaml:7"}, {"kate -b", "--line 7 /a b/c.yaml"}, {"mate -w", "-l 7 /a b/c.yaml"}, {"my-editor --x", "/a b/c.yaml"},
	} {
		if got := strings.Join(editorArgs(c.editor, "/a b/c.yaml", 7), " "); got != c.want {
			t.Errorf("%s gets %q, want %q", c.editor, got, c.want)
		}
	}
	if got := editorCommand(t.Context(), "windows", "notepad++ -multiInst", `C:\a b.yaml`, 7).Args; fmt.Sprint(got) != fmt.Sprint([]string{"notepad++", "-multiInst", "-n7", `C:\a b.yaml`}) {
		t.Errorf("on Windows the editor is called as %q", got)
	}
}

// The shell splits the editor's words, and nothing of the file's name.
func TestEditorIsCalledAsGitDoes(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Fatal("there is no sh")
	}
	dir := t.TempDir()
	editor := filepath.Join(dir, "my editor")
	if err := os.WriteFile(editor, []byte("#!/bin/sh\nprintf '[%s]' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "a $(touch x) 'b\";.yaml")
	out, err := editorCommand(t.Context(), "linux", `"`+editor+`" --flag 'two words'`, name, 3).CombinedOutput()
	if want := "[--flag][two words][" + name + "]"; err != nil || string(out) != want {
		t.Errorf("the editor heard %s, %v, want %s", out, err, want)
	}
}
