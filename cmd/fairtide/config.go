package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo"
)

func (p *program) configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(p.configCheckCommand())
	return c
}

func (p *program) configCheckCommand() *cobra.Command {
	var strict bool
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say what is wrong with the configuration in the working tree",
		Long: `Read the configuration as it is on disk, committed or not, and print what is
wrong with it, and what is likely not meant as it is written, with file and line.
Without FILE it is the one at the repository's root, or that of --config. Nothing
but files is read: no cluster, no remote, no calendar behind an address.

Exits 2 when there are problems, and with --strict also when there are warnings.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return p.configCheck(args, strict) },
	}
	c.Flags().BoolVar(&strict, "strict", false, "fail on warnings too")
	return c
}

// checkDocument is what `config check -o json` writes.
type checkDocument struct {
	File         string          `json:"file"`
	Valid        bool            `json:"valid"`
	Environments []string        `json:"environments"`
	Problems     config.Problems `json:"problems"`
	Warnings     config.Problems `json:"warnings"`
}

func (p *program) configCheck(args []string, strict bool) error {
	format, err := p.format("text", "json")
	if err != nil {
		return err
	}
	path, root, err := p.configFile(args)
	if err != nil {
		return err
	}
	shown := p.shownPath(path)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return model.Errorf(model.ExitUsage, "%s does not exist; name the configuration: fairtide config check FILE", shown)
	}
	if err != nil {
		return model.Errorf(model.ExitUsage, "the configuration cannot be read: %w", err)
	}
	tree, err := os.OpenRoot(root) // a link does not lead out of it
	if err != nil {
		return model.Errorf(model.ExitUsage, "the repository cannot be read: %w", err)
	}
	defer func() { _ = tree.Close() }()
	c, report := config.Check(shown, data, p.now(), tree.FS())
	d := checkDocument{
		File: shown, Valid: len(report.Problems) == 0, Environments: []string{},
		Problems: orEmpty(report.Problems), Warnings: orEmpty(report.Warnings),
	}
	for _, e := range c.Environments {
		d.Environments = append(d.Environments, e.Name)
	}
	if format == "json" {
		err = p.writeJSON(d)
	} else {
		err = p.printCheck(d)
	}
	if err == nil && (!d.Valid || strict && len(d.Warnings) > 0) {
		return exitStatus(model.ExitUsage)
	}
	return err
}

func (p *program) printCheck(d checkDocument) error {
	var b strings.Builder
	for _, problem := range d.Problems {
		fmt.Fprintln(&b, sanitize.Line(problem.Error()))
	}
	for _, w := range d.Warnings {
		w.Message = "warning: " + w.Message
		fmt.Fprintln(&b, sanitize.Line(w.Error()))
	}
	verdict := "no problems"
	if n := len(d.Problems); n > 0 {
		verdict = counted(n, "problem")
	}
	if n := len(d.Warnings); n > 0 {
		verdict += ", " + counted(n, "warning")
	}
	fmt.Fprintf(&b, "%s: %s, %s\n", sanitize.Line(d.File), counted(len(d.Environments), "environment"), verdict)
	_, err := fmt.Fprint(p.stdout, b.String())
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// configFile is the configuration to check, and the root of its repository.
func (p *program) configFile(args []string) (path, root string, err error) {
	if len(args) == 0 && repo.IsURL(p.flags.repo) {
		return "", "", model.Errorf(model.ExitUsage, "config check reads a working tree, and %s is none; run it in a clone, or name the FILE", p.flags.repo)
	}
	dir, err := p.workDir()
	if err != nil {
		return "", "", model.Errorf(model.ExitUsage, "the working directory cannot be read: %w; name the FILE by its whole path", err)
	}
	if len(args) > 0 {
		if path = args[0]; !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return path, rootOf(filepath.Dir(path)), nil
	}
	if p.flags.repo != "" {
		if dir, err = filepath.Abs(p.flags.repo); err != nil {
			return "", "", model.Errorf(model.ExitUsage, "repository %s: %w", p.flags.repo, err)
		}
	}
	root = rootOf(dir)
	return filepath.Join(root, filepath.FromSlash(p.flags.config)), root, nil
}

// rootOf is the root of the working tree that a directory is in, or itself.
func rootOf(dir string) string {
	for at := dir; ; {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		up := filepath.Dir(at)
		if up == at {
			return dir
		}
		at = up
	}
}

// shownPath is a path as an editor that runs here would open it.
func (p *program) shownPath(path string) string {
	dir, err := p.workDir()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(dir, path)
	if err != nil || strings.HasPrefix(short, "..") {
		return path
	}
	return filepath.ToSlash(short)
}
