package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) proposedCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "proposed -e ENV",
		Short: "List the open pull requests that touch an environment",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return p.proposed(cmd.Context()) },
	}
}

func (p *program) proposed(ctx context.Context) error {
	format, name, e, err := p.begin(ctx, p.fresh)
	if err != nil {
		return err
	}
	list, err := e.Proposed(ctx, name)
	if err != nil {
		return err
	}
	if format == "json" {
		return p.writeJSON(map[string]any{"environment": name, "proposed": list})
	}
	if len(list) == 0 {
		_, err := fmt.Fprintf(p.stdout, "no open pull request touches %s\n", name)
		return err
	}
	t := newTable(p.stdout)
	t.row("PR", "TITLE", "AUTHOR", "APPROVALS", "CHECKS", "SANDBOX", "OBJECTS", "MISSING")
	for _, pr := range list {
		sandbox := "-"
		if pr.Validation != nil {
			sandbox = string(pr.Validation.State)
		}
		objects := fmt.Sprint(len(pr.Objects))
		if pr.Problem != "" {
			objects = pr.Problem
		}
		t.row("#"+strconv.Itoa(pr.Number), pr.Title, pr.Author, dash(strings.Join(pr.Approvals, ",")), dash(string(pr.Checks)), sandbox, objects, dash(strings.Join(pr.Unmet, "; ")))
	}
	return t.flush()
}

func (p *program) mergeCommand() *cobra.Command {
	var head, override string
	c := &cobra.Command{
		Use:   "merge -e ENV NUMBER",
		Short: "Merge a pull request inside the window, with the requirements met",
		Long: `Merge a pull request into the environment's branch: only while the window is
open, only with the approvals and checks that the environment requires, and
only if its head still is the one given with --head.

Exits 3 when the window is closed, 4 when the head has moved or the pull
request was closed, 8 when requirements are not met.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.merge(cmd.Context(), args[0], head, override) },
	}
	c.Flags().StringVar(&head, "head", "", "the full hash of the head that was reviewed (default: the head as it is now)")
	c.Flags().StringVar(&override, "override", "", "reason to merge although a rule forbids it; it is recorded on the pull request")
	return c
}

func (p *program) merge(ctx context.Context, number, head, override string) error {
	format, err := p.format("text", "json")
	if err != nil {
		return err
	}
	name, err := p.environment()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimPrefix(number, "#"))
	if err != nil || n <= 0 {
		return model.Errorf(model.ExitUsage, "%q is not the number of a pull request", number)
	}
	e, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	commit, err := e.Merge(ctx, name, n, head, override)
	if commit == "" && err != nil {
		return err
	}
	if err != nil { // merged it is; what came after went wrong
		_, _ = fmt.Fprintln(p.stderr, "fairtide: "+sanitize.Text(err.Error()))
	}
	if format == "json" {
		return p.writeJSON(map[string]any{"environment": name, "pullRequest": n, "commit": commit})
	}
	_, err = fmt.Fprintf(p.stdout, "#%d merged as %s; it is pending in %s\n", n, model.Short(commit), name)
	return err
}
