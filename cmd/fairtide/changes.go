package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) changesCommand() *cobra.Command {
	var since string
	c := &cobra.Command{
		Use:   "changes -e ENV [COMMIT]",
		Short: "List what is merged but not live, or show one change in full",
		Long: `List the changes that are merged but not live, newest first.

With a COMMIT, which need not be pending, show that change in full: its author,
committer and co-authors, its signature, its message, the files it touches, and
for each object what its render was before and what it is now. Values of Secrets
are masked.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return p.changes(cmd.Context(), since)
			case since != "":
				return model.Errorf(model.ExitUsage, "--since is for the list, not for one change: leave out either it or %s", args[0])
			}
			return p.change(cmd.Context(), args[0])
		},
	}
	c.Flags().StringVar(&since, "since", "", "list as if this revision were deployed")
	return c
}

func (p *program) changes(ctx context.Context, since string) error {
	format, name, e, err := p.begin(ctx, p.fresh)
	if err != nil {
		return err
	}
	pending, err := e.Pending(ctx, name, since)
	if err != nil {
		return err
	}
	if format == "json" {
		return p.writeJSON(map[string]any{
			"environment": name, "head": pending.Head.Hash, "deployed": pending.Deployed,
			"adopt": pending.Adopt, "diverged": pending.Diverged, "changes": orEmpty(pending.Changes),
		})
	}
	return p.printChanges(name, pending)
}

func (p *program) printChanges(name string, pending model.Pending) error {
	if pending.Diverged != "" {
		_, _ = fmt.Fprintln(p.stderr, sanitize.Text(pending.Diverged))
	}
	if pending.Adopt {
		_, err := fmt.Fprintf(p.stdout, "%s was never deployed by fairtide: everything at %s is pending\n", name, model.Short(pending.Head.Hash))
		return err
	}
	if len(pending.Changes) == 0 {
		_, err := fmt.Fprintf(p.stdout, "%s is up to date at %s\n", name, model.Short(pending.Head.Hash))
		return err
	}
	t := newTable(p.stdout)
	t.row("COMMIT", "PR", "TITLE", "AUTHOR", "MERGED", "OBJECTS")
	for _, c := range pending.Changes {
		pr := "-"
		if c.PullRequest != nil {
			pr = "#" + strconv.Itoa(c.PullRequest.Number)
		}
		t.row(model.Short(c.Commit), pr, c.Title, c.Author, ago(p.now(), c.MergedAt)+" ago", objectsWord(c))
	}
	return t.flush()
}

func objectsWord(c model.Change) string {
	switch {
	case c.Problem != "":
		return c.Problem
	case !c.RendersChange:
		return "renders the same"
	case len(c.Objects) == 1 && c.Objects[0].Summary != "":
		return c.Objects[0].ID.String() + ": " + c.Objects[0].Summary
	case len(c.Objects) == 1:
		return c.Objects[0].ID.String()
	}
	return fmt.Sprintf("%d objects", len(c.Objects))
}
