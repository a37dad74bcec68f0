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

// look opens the UI on a terminal of its own, waits until the pending changes
// of production are shown, and leaves. With a file it writes a picture of the
// review page, which is what the README shows.
func (d *demo) look(ctx context.Context, picture string) error {
	return step("looking at the UI", func() error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
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
		if picture != "" {
			if err := d.takePicture(ctx, term, picture); err != nil {
				return err
			}
		}
		if err := term.Type("\x03"); err != nil {
			return err
		}
		_ = term.Exited(ctx) // its exit code says that it was interrupted
		return ctx.Err()
	})
}

// takePicture goes to production's pending changes, into the review and on to
// the image upgrade, and draws what is there.
func (d *demo) takePicture(ctx context.Context, term *screen.Terminal, path string) error {
	for _, way := range []struct{ keys, until string }{
		{"3", "PENDING IN production"},
		{"\r", "production  review"},
	} {
		if err := term.Type(way.keys); err != nil {
			return err
		}
		if err := term.WaitFor(ctx, way.until); err != nil {
			return err
		}
	}
	if err := term.WaitFor(ctx, "hunk 1 of"); err != nil {
		return err
	}
	if err := term.WaitFor(ctx, "window open"); err != nil {
		return err
	}
	if err := pressUntil(ctx, term, "]", "petstore:1.4.2"); err != nil {
		return err
	}
	if err := term.Settle(ctx, time.Second); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, term.SVG(), 0o644); err != nil {
		return fmt.Errorf("write the picture: %w", err)
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
