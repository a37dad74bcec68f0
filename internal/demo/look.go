package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/internal/screen"
)

const (
	// looked is how long looking, and taking pictures, may take.
	looked = 2 * time.Minute
	// settled is how long the screen is quiet before it counts as drawn. A
	// dialog hears keys after a shorter time than this.
	settled = 700 * time.Millisecond
)

// look opens the UI on a terminal of its own, waits until the pending changes
// of production are shown, and leaves. With a directory it writes pictures
// of the pages there that the README shows.
func (d *demo) look(ctx context.Context, pictures string) error {
	return step("looking at the UI", func() error {
		ctx, cancel := context.WithTimeout(ctx, looked)
		defer cancel()
		cmd := exec.CommandContext(ctx, d.fairtide)
		cmd.Env = d.environ()
		term, err := screen.Start(cmd, 120, 36)
		if err != nil {
			return err
		}
		defer func() { _ = term.Close() }()
		if err := term.Wait(ctx, "every environment with its pending changes", func(text string) bool {
			for _, env := range sample.Environments {
				if !strings.Contains(text, env) {
					return false
				}
			}
			return strings.Contains(text, "PENDING") && strings.Contains(text, "#")
		}); err != nil {
			return err
		}
		if pictures != "" {
			return d.takePictures(ctx, term, pictures) // in the middle of a run, which closing the terminal ends
		}
		if err := term.Type("\x03"); err != nil {
			return err
		}
		_ = term.Exited(ctx) // its exit code says that it was interrupted
		return ctx.Err()
	})
}

// takePictures goes to production's pending changes, into the review and on to
// the image upgrade, ships it, and draws each of these pages into a file of the
// directory.
func (d *demo) takePictures(ctx context.Context, term *screen.Terminal, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make room for the pictures: %w", err)
	}
	for _, way := range []struct {
		keys    string
		until   []string
		next    string // pressed until this text is there, as last of all
		text    string
		picture string
	}{
		{keys: "3", until: []string{"PENDING IN production", "#121", "restarts its pods"}, picture: "home.svg"},
		{keys: "\r", until: []string{"production  review", "hunk 1 of"}, next: "]", text: "petstore:1.4.2", picture: "review.svg"},
		{keys: "s", until: []string{"Type production"}}, // keys are not heard for a moment
		{keys: "production", until: []string{"production"}},
		{keys: "\t", until: []string{"Ship"}},
		{keys: "\r", until: []string{"rolling out", "1 of "}, picture: "rollout.svg"},
	} {
		if err := term.Type(way.keys); err != nil {
			return err
		}
		for _, text := range way.until {
			if err := term.WaitFor(ctx, text); err != nil {
				return err
			}
		}
		if way.next != "" {
			if err := pressUntil(ctx, term, way.next, way.text); err != nil {
				return err
			}
		}
		if err := term.Settle(ctx, settled); err != nil {
			return err
		}
		if way.picture == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, way.picture), term.SVG(), 0o644); err != nil {
			return fmt.Errorf("write a picture: %w", err)
		}
	}
	return nil
}

// pressUntil presses a key, giving the screen a moment each time, until it
// shows the text.
func pressUntil(ctx context.Context, term *screen.Terminal, key, text string) error {
	for {
		moment, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		err := term.WaitFor(moment, text)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := term.Type(key); err != nil {
			return err
		}
	}
}
