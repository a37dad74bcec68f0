package tui

import (
	"fmt"
	"net/url"
	"os/exec"
	"runtime"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/model"
)

// launcher starts other programs.
type launcher struct {
	goos string
	// edit hands the terminal to a program until it ends.
	edit func(*exec.Cmd, tea.ExecCallback) tea.Cmd
	// open starts a program that has nothing to do with the terminal.
	open func(name string, args ...string) error
	// find reports whether there is a program.
	find func(name string) bool
}

func newLauncher() launcher {
	return launcher{
		goos: runtime.GOOS, edit: tea.ExecProcess, open: openQuietly,
		find: func(name string) bool { _, err := exec.LookPath(name); return err == nil },
	}
}

// openSource shows the source of what the diff is at on the forge's page.
func (a *App) openSource() tea.Cmd {
	at, ctx, sources := a.written(), a.ctx, a.cfg.Sources
	program, args, why := a.opener()
	open := a.launch.open
	return func() tea.Msg {
		line := at.start
		if data, err := sources.File(ctx, at.commit, at.file); err == nil {
			line = at.line(data)
		}
		page := sources.URL(at.commit, at.file, line)
		var err error
		if program != "" && isWeb(page) {
			err = open(program, append(args, page)...)
		}
		return doneMsg{func() tea.Cmd { return a.opened(at, page, why, err) }}
	}
}

// opened tells what became of a page; where it could not be shown its address
// is copied.
func (a *App) opened(at written, page, why string, err error) tea.Cmd {
	switch {
	case !isWeb(page):
		a.notice = fmt.Sprintf("no page shows %s at %s: the repository is on no forge whose pages are known", at.file, model.Short(at.commit))
		return nil
	case err != nil:
		why = "the browser could not be started (" + err.Error() + ")"
	case why == "":
		a.notice = "opened " + page
		return nil
	}
	a.notice = why + "; copied: " + page
	return tea.SetClipboard(page)
}

// opener is the program that shows a page in the operator's browser; why says
// why there is none.
func (a *App) opener() (program string, args []string, why string) {
	env := a.cfg.Env
	switch {
	case env("SSH_CONNECTION") != "" || env("SSH_TTY") != "":
		return "", nil, "this runs on another machine than the browser"
	case a.launch.goos == "darwin":
		return "open", nil, ""
	case a.launch.goos == "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}, ""
	case env("DISPLAY") == "" && env("WAYLAND_DISPLAY") == "":
		return "", nil, "there is no desktop with a browser"
	case !a.launch.find("xdg-open"):
		return "", nil, "there is no xdg-open"
	}
	return "xdg-open", nil, ""
}

// isWeb reports whether an address is one for a browser. Everything else would
// be up to what the desktop makes of it.
func isWeb(page string) bool {
	u, err := url.Parse(page)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// openQuietly starts a program whose output nobody sees. It waits only as long
// as a start that fails takes: a browser may run on for hours.
func openQuietly(name string, args ...string) error {
	const soon = 2 * time.Second
	cmd := exec.Command(name, args...) //nolint:noctx // the browser outlives us
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(soon):
		return nil
	}
}
