package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) historyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "history -e ENV",
		Short: "List the runs of an environment, newest first",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return p.history(cmd.Context()) },
	}
}

func (p *program) history(ctx context.Context) error {
	format, name, e, err := p.begin(ctx, p.engine)
	if err != nil {
		return err
	}
	runs, unreadable := e.History(ctx, name)
	if unreadable != nil && len(runs) == 0 {
		return unreadable
	}
	if format == "json" {
		return errors.Join(p.writeJSON(map[string]any{"environment": name, "runs": orEmpty(runs)}), unreadable)
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintf(p.stdout, "%s has no recorded runs\n", name)
		return err
	}
	t := newTable(p.stdout)
	t.row("RUN", "STATE", "FROM", "TO", "OPERATOR", "STARTED", "TOOK", "OBJECTS", "REASON")
	for _, r := range runs {
		t.row(r.ID, string(r.State), dash(model.Short(r.From)), model.Short(r.Commit), r.Operator,
			ago(p.now(), r.StartedAt)+" ago", took(r), fmt.Sprint(len(r.Objects)), dash(why(r)))
	}
	return errors.Join(t.flush(), unreadable)
}

// why is what a run failed of, and what it overrode.
func why(r model.Run) string {
	var parts []string
	if r.Reason != "" {
		parts = append(parts, r.Reason)
	}
	if x := r.Exception; x != nil {
		parts = append(parts, fmt.Sprintf("overridden by %s: %s (%s)", x.Who(), x.Reason, strings.Join(x.Rules, "; ")))
	} else if r.Override != "" {
		parts = append(parts, "overridden: "+r.Override)
	}
	return strings.Join(parts, "; ")
}

func took(r model.Run) string {
	if r.FinishedAt.IsZero() {
		return "-"
	}
	return r.FinishedAt.Sub(r.StartedAt).Round(time.Second).String()
}
