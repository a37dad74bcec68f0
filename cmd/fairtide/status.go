package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how every environment stands",
		Long: `Show every environment: head, deployed commit, pending count, window, lock and
last run. With -e, only that one. Below the table is who is at work where, and
which run was interrupted and how to continue it. Exits 10 when a cluster could not be read.
In JSON, fetchedAt is when the remote last answered; without it, it never did.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.status(cmd.Context()) },
	}
}

func (p *program) status(ctx context.Context) error {
	format, err := p.format("text", "json")
	if err != nil {
		return err
	}
	e, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	list, err := readStatus(ctx, e, p.flags.env)
	if err != nil {
		return err
	}
	if format == "json" {
		out := map[string]any{"environments": list}
		if f := e.Fetched(ctx); !f.At.IsZero() {
			out["fetchedAt"] = f.At.Truncate(time.Second)
		}
		err = p.writeJSON(out)
	} else {
		err = p.printStatus(list)
	}
	if err != nil {
		return err
	}
	skewed := map[string]bool{} // clusters that were told of
	for _, s := range list {
		if note := rollout.SkewNote(s.Skew); note != "" && !skewed[s.Cluster] {
			skewed[s.Cluster] = true
			_, _ = fmt.Fprintln(p.stderr, "fairtide: "+s.Name+": "+note)
		}
		if s.Problem != "" {
			_, _ = fmt.Fprintln(p.stderr, "fairtide: "+sanitize.Text(s.Problem))
			err = exitStatus(model.ExitUnreachable)
		}
	}
	return err
}

func readStatus(ctx context.Context, e *rollout.Engine, only string) ([]model.EnvironmentStatus, error) {
	var names []string
	if only != "" {
		names = []string{only}
	} else {
		envs, err := e.Environments(ctx)
		if err != nil {
			return nil, err
		}
		for _, env := range envs {
			names = append(names, env.Name)
		}
	}
	return e.StatusAll(ctx, names)
}

func (p *program) printStatus(list []model.EnvironmentStatus) error {
	t := newTable(p.stdout)
	t.row("ENVIRONMENT", "TIER", "LIVE", "HEAD", "PENDING", "WINDOW", "LOCK", "LAST RUN")
	for _, s := range list {
		live, pending, lock, last := "-", strconv.Itoa(s.Pending), "free", "-"
		if s.Deployed != nil {
			live = model.Short(s.Deployed.Commit)
		}
		if s.Adopt {
			pending = "all"
		}
		if s.Problem != "" {
			pending, lock = "?", "?"
		}
		if s.Lock != nil {
			lock = s.Lock.Holder
		}
		if s.LastRun != nil {
			last = s.LastRun.ID + " " + string(s.LastRun.State)
		}
		t.row(s.Name, string(s.Tier), live, model.Short(s.Head), pending, windowWord(s.Window), lock, last)
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, s := range list {
		if line := p.underWay(s); line != "" {
			if _, err := fmt.Fprintln(p.stdout, sanitize.Line(s.Name+": "+line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// underWay says who is at work in an environment, or that nobody is any more,
// and what to do next; empty: nothing is left open.
func (p *program) underWay(s model.EnvironmentStatus) string {
	interrupted := s.LastRun != nil && s.LastRun.State == model.RunInterrupted
	switch l := s.Lock; {
	case l != nil:
		text := fmt.Sprintf("locked by %s since %s (%s)", l.Holder, l.Since.UTC().Format("15:04 MST"), ago(p.now(), l.Since))
		if l.Doing != "" {
			text += ": " + l.Doing
		}
		if l.TookOver != "" {
			text += "; taken over " + l.TookOver
		}
		return text + "; look on with `fairtide watch -e " + s.Name + "`"
	case interrupted:
		return fmt.Sprintf("run %s of %s was interrupted; continue it with `fairtide resume -e %s`", s.LastRun.ID, model.Short(s.LastRun.Commit), s.Name)
	}
	return ""
}

func windowWord(w *model.WindowState) string {
	switch {
	case w == nil:
		return "?"
	case w.Open && w.Until.IsZero():
		return "open"
	case w.Open:
		return "open until " + w.Until.UTC().Format("Mon 15:04 MST")
	case w.NextOpen.IsZero():
		return "closed"
	}
	return "closed until " + w.NextOpen.UTC().Format("Mon 2006-01-02 15:04 MST")
}
