package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) windowCommand() *cobra.Command {
	var at string
	c := &cobra.Command{
		Use:   "window -e ENV",
		Short: "Say whether applying is allowed now, by which rule, until when",
		Long: `Judge the environment's windows at the cluster's clock, or with --at at another
time (RFC 3339). Exits 0 when the window is open and 3 when it is closed.
How windows are written: fairtide help windows.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.window(cmd.Context(), at) },
	}
	c.Flags().StringVar(&at, "at", "", "judge this time instead of now: 2026-12-24T09:30:00+01:00")
	return c
}

func (p *program) window(ctx context.Context, at string) error {
	format, err := p.format("text", "json")
	if err != nil {
		return err
	}
	name, err := p.environment()
	if err != nil {
		return err
	}
	var when time.Time
	if at != "" {
		if when, err = time.Parse(time.RFC3339, at); err != nil {
			return model.Errorf(model.ExitUsage, "--at %q is not an RFC 3339 time such as 2026-12-24T09:30:00+01:00", at)
		}
	}
	e, err := p.engine(ctx)
	if err != nil {
		return err
	}
	w, err := e.Window(ctx, name, when)
	if err != nil {
		return err
	}
	if format == "json" {
		err = p.writeJSON(w)
	} else {
		_, err = fmt.Fprintf(p.stdout, "%s: %s\n", name, sanitize.Line(w.Reason))
		if err == nil && !w.Open && !w.NextOpen.IsZero() {
			_, err = fmt.Fprintf(p.stdout, "opens %s\n", w.NextOpen.UTC().Format("Mon 2006-01-02 15:04 MST"))
		}
	}
	if err == nil && !w.Open {
		return exitStatus(model.ExitWindowClosed)
	}
	return err
}
