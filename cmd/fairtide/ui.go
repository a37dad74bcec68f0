package main

import (
	"context"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo"
	"github.com/fairtide-dev/fairtide/tui"
)

// openUI starts the terminal UI. The repository is opened behind its first
// frame, so that nothing is waited for in front of an empty screen.
func (p *program) openUI(ctx context.Context) error {
	if !p.terminal() {
		return model.Errorf(model.ExitUsage, "the terminal UI needs a terminal; use a command instead, such as `fairtide status` (see `fairtide --help`)")
	}
	path, err := p.repositoryPath()
	if err != nil {
		return err
	}
	label := repo.NameOfURL(path)
	if !repo.IsURL(path) {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs // "." has no name to show
		}
		label = filepath.Base(path)
	}
	own := p.settings()
	look, err := p.themeName(own.config.Theme)
	if err != nil {
		return err
	}
	restore, err := quietLibraries()
	if err != nil {
		return err
	}
	defer restore()
	b := &backend{program: p}
	p.progress = b.tell
	read := p.marks(path)
	defer read.Close()
	return tui.Run(ctx, tui.Config{
		Backend:    b,
		Sources:    sources{b},
		Markdown:   planMarkdown,
		Repository: label,
		Progress:   b.progress,
		Now:        p.now,
		Env:        p.env,
		ASCII:      p.flags.ascii || own.config.ASCII,
		NoColor:    p.flags.noColor || p.env("NO_COLOR") != "",
		ReadOnly:   p.flags.readOnly,
		Marks:      read,
		NoMouse:    own.config.NoMouse,
		Actions:    own.actions,
		Theme:      look,
		Colours:    own.config.Colours,
		Problems:   own.problems,
		Input:      p.stdin,
		Output:     p.stdout,
	})
}

// quietLibraries sends what libraries print by themselves to nowhere while the
// UI owns the terminal: kustomize writes its deprecation notices to os.Stderr
// and to the standard logger.
func quietLibraries() (restore func(), err error) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "open %s: %w", os.DevNull, err)
	}
	stderr, logger := os.Stderr, log.Writer()
	os.Stderr = null
	log.SetOutput(io.Discard)
	return func() {
		os.Stderr = stderr
		log.SetOutput(logger)
		_ = null.Close()
	}, nil
}
