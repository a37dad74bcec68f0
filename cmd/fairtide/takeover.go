package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/term"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// takeOver is why the lock of an environment is taken over, if its holder let it
// expire: what was given with a flag, or what the operator at the terminal says.
// Where there is nobody to ask it is empty, and the engine refuses.
func (p *program) takeOver(ctx context.Context, e *rollout.Engine, name, given string) (string, error) {
	if strings.TrimSpace(given) != "" || !term.IsTerminal(p.stdin.Fd()) {
		return given, nil
	}
	lock, err := e.Expired(ctx, name)
	if err != nil || lock == nil {
		return "", err
	}
	refusal := &model.TakeOverError{Environment: name, Lock: *lock}
	_, _ = fmt.Fprint(p.stderr, sanitize.Line(refusal.Error())+"\n"+"Why is it taken over? ")
	line, err := readLine(ctx, p.keyboard())
	if err != nil {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("no reason was given, and nothing was written: %w", refusal)
	}
	return line, nil
}

// takeOverFlag names the flag that gives the reason for taking over a lock,
// where an error asks for one.
func takeOverFlag(err error, flag string) error {
	if errors.As(err, new(*model.TakeOverError)) {
		return fmt.Errorf("%w: %s REASON", err, flag)
	}
	return err
}
