package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/review"
)

// written is where in the repository what the diff is at is written.
type written struct {
	page   *review.Page
	commit string
	file   string
	start  int    // line of the object
	path   string // of the field; empty: the object
}

// whySource is why the source of the selected object cannot be opened.
func (a *App) whySource(id action.ID) string {
	o, ok := a.review.Selected()
	switch {
	case a.cfg.Sources == nil:
		return "the files of the repository are not at hand"
	case !ok:
		return "no object is selected"
	case o.Source.File == "" && o.After == nil:
		return "no file renders this object any more: it left Git"
	case o.Source.File == "":
		return "which file renders this object is not known"
	case id == action.OpenSource && a.review.Draft != nil:
		return "the commit is not pushed yet, so that no page shows it; " + a.keyOf(action.EditSource, action.Review) + " opens the file"
	}
	return ""
}

// written is where the selected object is written.
func (a *App) written() written {
	p := a.review
	o, _ := p.Selected()
	return written{page: p, commit: p.RenderedFrom(), file: o.Source.File, start: o.Source.Line, path: p.HunkPath()}
}

// line is the line of the field; where the file does not have it, as a patch or
// a generator in another file sets it, the nearest thing around it; else of the
// object.
func (w written) line(file []byte) int {
	if w.path != "" {
		if line, _, ok := manifest.WrittenAt(file, w.start, w.path); ok {
			return line
		}
	}
	return max(w.start, 1)
}

// edit is a file that is to be opened in an editor.
type edit struct {
	name   string
	line   int
	copied string // the directory of a copy, which goes when the editor ends; empty: it is the file itself
	why    string // there is a copy
}

// editSource opens the source of what the diff is at in the operator's editor.
func (a *App) editSource() tea.Cmd {
	at, ctx, sources := a.written(), a.ctx, a.cfg.Sources
	return func() tea.Msg {
		e, err := prepareEdit(ctx, sources, at)
		return doneMsg{func() tea.Cmd { return a.openEditor(at, e, err) }}
	}
}

// prepareEdit finds the file to open: that of the work tree if it is what the
// plan was rendered from, else a copy that is only for reading.
func prepareEdit(ctx context.Context, sources Sources, at written) (edit, error) {
	data, err := sources.File(ctx, at.commit, at.file)
	if err != nil {
		return edit{}, err
	}
	e := edit{line: at.line(data), why: "there is no work tree with it"}
	if name, ok := sources.Local(at.file); ok {
		local, err := os.ReadFile(name)
		switch {
		case err == nil && bytes.Equal(bytes.ReplaceAll(local, []byte("\r\n"), []byte("\n")), bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))):
			e.name = name
			return e, nil
		case err == nil:
			e.why = "the work tree has another version of it"
		default:
			e.why = "the work tree does not have it"
		}
	}
	if secretKind.Match(data) {
		return edit{}, model.Errorf(model.ExitUsage, "%s at %s has a Secret in it, and %s: fairtide writes no values of Secrets to a file; `git show %s:%s` shows it",
			at.file, model.Short(at.commit), e.why, model.Short(at.commit), at.file)
	}
	e.name, e.copied, err = writeCopy(at, data)
	return e, err
}

var secretKind = regexp.MustCompile(`(?m)["']?kind["']?[ \t]*:[ \t]*["']?Secret\b`)

// writeCopy writes a file for reading only, where nobody else can read it.
func writeCopy(at written, data []byte) (name, dir string, err error) {
	if dir, err = os.MkdirTemp("", "fairtide-"); err != nil {
		return "", "", err
	}
	base := path.Base(at.file)
	ext := path.Ext(base)
	name = filepath.Join(dir, fileName(strings.TrimSuffix(base, ext), "at", model.Short(at.commit))+ext)
	if err := os.WriteFile(name, data, 0o400); err != nil {
		return "", "", errors.Join(err, os.RemoveAll(dir))
	}
	return name, dir, nil
}

// openEditor hands the terminal to the editor, unless the operator has gone on
// to something else.
func (a *App) openEditor(at written, e edit, err error) tea.Cmd {
	if err != nil {
		a.tell(result{title: "The source cannot be opened", text: []string{err.Error()}})
		return nil
	}
	remove := func() error {
		if e.copied == "" {
			return nil
		}
		return os.RemoveAll(e.copied)
	}
	if a.review != at.page || a.at != action.Review || a.question != nil || a.asking != nil || a.help != nil {
		return func() tea.Msg { _ = remove(); return nil }
	}
	cmd := editorCommand(a.ctx, a.launch.goos, a.editor(), e.name, e.line)
	cmd.Stderr = a.cfg.Output
	return a.launch.edit(cmd, func(err error) tea.Msg {
		err = errors.Join(err, remove())
		return doneMsg{func() tea.Cmd { a.edited(at, e, err); return nil }}
	})
}

// edited says what is to be known after the editor has ended.
func (a *App) edited(at written, e edit, err error) {
	switch {
	case err != nil:
		a.tell(result{title: "The editor did not end well", text: []string{
			a.editor() + ": " + err.Error(), "The editor is what VISUAL or EDITOR says."}})
	case e.copied != "":
		a.notice = fmt.Sprintf("that was a copy of %s at %s, only for reading: %s", at.file, model.Short(at.commit), e.why)
	default:
		a.notice = at.file + ": what is changed there counts once it is merged"
	}
}

// editor is the operator's, as git finds it.
func (a *App) editor() string {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if v := strings.TrimSpace(a.cfg.Env(name)); v != "" {
			return v
		}
	}
	if a.launch.goos == "windows" {
		return "notepad"
	}
	return "vi"
}

// editorCommand is the call of an editor. Like git it leaves the words of the
// editor to the shell, and gives it the file as an argument of its own.
func editorCommand(ctx context.Context, goos, editor, name string, line int) *exec.Cmd {
	args := editorArgs(editor, name, line)
	if goos == "windows" {
		words := strings.Fields(editor)
		return exec.CommandContext(ctx, words[0], append(words[1:], args...)...)
	}
	return exec.CommandContext(ctx, "sh", append([]string{"-c", editor + ` "$@"`, editor}, args...)...)
}

// editorArgs are a file and a line in the way the editor takes them; one that
// is not known gets the file alone.
func editorArgs(editor, name string, line int) []string {
	switch editorName(editor) {
	case "vi", "vim", "nvim", "view", "gvim", "mvim", "vim.basic", "vim.tiny", "nano", "pico", "emacs", "emacsclient", "micro", "kak", "joe", "jed", "ne", "mg", "mcedit", "gedit", "ed":
		return []string{fmt.Sprintf("+%d", line), name}
	case "hx", "helix", "subl", "sublime_text", "zed", "zeditor":
		return []string{fmt.Sprintf("%s:%d", name, line)}
	case "code", "code-insiders", "codium", "vscodium", "cursor", "windsurf":
		return []string{"--goto", fmt.Sprintf("%s:%d", name, line)}
	case "idea", "goland", "pycharm", "webstorm", "kate", "kwrite":
		return []string{"--line", fmt.Sprint(line), name}
	case "mate":
		return []string{"-l", fmt.Sprint(line), name}
	case "notepad++":
		return []string{fmt.Sprintf("-n%d", line), name}
	}
	return []string{name}
}

// editorName is what an editor's program is called, without its directory and
// what is said to it.
func editorName(editor string) string {
	name := editor
	if quote := editor[:1]; quote == `"` || quote == "'" {
		name, _, _ = strings.Cut(editor[1:], quote)
	} else if words := strings.Fields(editor); len(words) > 0 {
		name = words[0]
	}
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return strings.TrimSuffix(strings.ToLower(name), ".exe")
}
