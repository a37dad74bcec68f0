package tui

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/fairtide-dev/fairtide/model"
)

// Run shows the UI until the operator quits or ctx ends. When it returns the
// terminal is as it was, and every run it had started has ended: those that
// were under way are aborted and their records closed first.
func Run(ctx context.Context, cfg Config) error {
	a := New(cfg)
	opts := []tea.ProgramOption{tea.WithContext(ctx), tea.WithFilter(byCharacter)}
	if cfg.Input != nil {
		opts = append(opts, tea.WithInput(cfg.Input))
	}
	if cfg.Output != nil {
		opts = append(opts, tea.WithOutput(cfg.Output))
	}
	if a.cfg.NoColor {
		// The library takes NO_COLOR for a boolean; any value but the empty one counts.
		opts = append(opts, tea.WithColorProfile(colorprofile.ASCII))
	}
	_, err := tea.NewProgram(a, opts...).Run()
	a.cancel()
	a.running.Wait()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tea.ErrInterrupted), ctx.Err() != nil:
		return model.Errorf(model.ExitInterrupted, "interrupted")
	}
	return fmt.Errorf("terminal: %w", err)
}
