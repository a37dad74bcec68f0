package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// program is one invocation: its arguments and all it may see of the machine.
type program struct {
	args      []string
	stdin     *os.File
	stdout    *os.File
	stderr    io.Writer
	lookupEnv func(string) (string, bool)
	workDir   func() (string, error)
	hostname  func() (string, error)
	clock     func() time.Time // nil: the machine's

	flags    flags
	progress func(string) // of a long fetch; nil: to stderr
	log      *slog.Logger
	opened   *repo.Repo    // by engine; nil: not yet
	typing   *bufio.Reader // by keyboard; nil: not yet
}

// flags are the global ones.
type flags struct {
	repo       string
	config     string
	env        string
	kubeconfig string
	context    string
	output     string
	noColor    bool
	ascii      bool
	theme      string
	readOnly   bool
	logFile    string
}

// run executes the command line and returns its exit code. Data goes to
// stdout, progress and errors go to stderr.
func (p *program) run(ctx context.Context) model.ExitCode {
	p.log = slog.New(slog.DiscardHandler)
	root := p.rootCommand()
	root.SetArgs(p.args)
	err := root.ExecuteContext(ctx)
	code := p.conclude(ctx, err)
	p.log.Info("end", "exitCode", int(code), "error", err)
	return code
}

// conclude prints what went wrong and says which exit code it makes.
func (p *program) conclude(ctx context.Context, err error) model.ExitCode {
	var code exitStatus
	if errors.As(err, &code) {
		return model.ExitCode(code)
	}
	if err != nil {
		_, _ = fmt.Fprintln(p.stderr, "fairtide: "+sanitize.Text(err.Error()))
		if ctx.Err() != nil {
			return model.ExitInterrupted
		}
	}
	return model.CodeOf(err, model.ExitUsage)
}

// exitStatus ends a command with a code and nothing more to say.
type exitStatus model.ExitCode

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "fairtide",
		Short: "Review and roll out GitOps changes to Kubernetes",
		Long: `fairtide lists what is merged but not live, shows rendered and live state
side by side, applies inside the maintenance window and watches the rollout.

Without a command it opens the terminal UI.`,
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return p.prepare(cmd) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return p.openUI(cmd.Context()) },
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return model.Errorf(model.ExitUsage, "%w; see `%s --help`", err, cmd.CommandPath())
	})
	f := root.PersistentFlags()
	f.StringVar(&p.flags.repo, "repo", "", "the environments repository: a path in a clone of it, or a URL, which needs no clone (default: the working directory)")
	f.StringVar(&p.flags.config, "config", defaultConfigFile, "path of the configuration inside the repository")
	f.StringVarP(&p.flags.env, "env", "e", "", "the environment")
	f.StringVar(&p.flags.kubeconfig, "kubeconfig", "", "path of the kubeconfig (default: as kubectl finds it)")
	f.StringVar(&p.flags.context, "context", "", "kubeconfig context to use for every environment")
	f.StringVarP(&p.flags.output, "output", "o", "text", "output format: text or json")
	f.BoolVar(&p.flags.noColor, "no-color", false, "use no colour")
	f.BoolVar(&p.flags.ascii, "ascii", false, "draw with ASCII characters only")
	f.StringVar(&p.flags.theme, "theme", "", "theme of the UI: "+strings.Join(theme.Names(), ", "))
	f.BoolVar(&p.flags.readOnly, "read-only", false, "refuse everything that writes to a cluster")
	f.StringVar(&p.flags.logFile, "log-file", "", "append a log of what is done to this file")
	root.AddCommand(p.statusCommand(), p.changesCommand(), p.diffCommand(), p.applyCommand(),
		p.testCommand(), p.historyCommand(), p.watchCommand(), p.resumeCommand(), p.abortCommand(), p.windowCommand(), p.revertCommand(),
		p.adoptCommand(), p.proposedCommand(), p.mergeCommand(), p.imagesCommand(), p.bumpCommand(), p.configCommand(),
		p.validateCommand(), p.runCommand(), p.initCommand(), p.versionCommand())
	root.SetHelpCommand(p.helpCommand(root))
	return root
}

// prepare runs before every command, when its flags are known.
func (p *program) prepare(cmd *cobra.Command) error {
	if err := p.applyEnvironment(cmd.Flags()); err != nil {
		return err
	}
	if p.flags.logFile == "" {
		return nil
	}
	// It stays open until the program ends: the last line is written then.
	f, err := os.OpenFile(p.flags.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return model.Errorf(model.ExitUsage, "log file: %w", err)
	}
	p.log = slog.New(slog.NewJSONHandler(f, nil))
	p.log.Info("begin", "command", cmd.CommandPath(), "version", version(), "environment", p.flags.env)
	return nil
}

// applyEnvironment lets FAIRTIDE_* variables stand in for the flags that were
// not given: FAIRTIDE_LOG_FILE for --log-file.
func (p *program) applyEnvironment(fs *pflag.FlagSet) error {
	byHand := map[string]bool{"help": true, "yes": true, "override": true, "now": true, "reason": true, "take-over": true}
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		name := "FAIRTIDE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		// A confirmation or an exception is given for one plan, never in advance.
		if v, ok := p.lookupEnv(name); ok && v != "" && !f.Changed && !byHand[f.Name] {
			if err := fs.Set(f.Name, v); err != nil {
				errs = append(errs, model.Errorf(model.ExitUsage, "%s=%q: %w", name, v, err))
			}
		}
	})
	return errors.Join(errs...)
}

func (p *program) env(name string) string {
	v, _ := p.lookupEnv(name)
	return v
}

// terminal reports whether both ends of the program are a person's terminal.
func (p *program) terminal() bool {
	return term.IsTerminal(p.stdin.Fd()) && term.IsTerminal(p.stdout.Fd())
}

func (p *program) now() time.Time {
	if p.clock != nil {
		return p.clock()
	}
	return time.Now()
}

// format checks --output against what a command can write.
func (p *program) format(known ...string) (string, error) {
	for _, k := range known {
		if p.flags.output == k {
			return k, nil
		}
	}
	return "", model.Errorf(model.ExitUsage, "unknown output format %q; this command writes %s", p.flags.output, strings.Join(known, ", "))
}

// begin is what every command starts with that is about one environment and
// writes text or JSON: their flags, and the engine, opened by open.
func (p *program) begin(ctx context.Context, open func(context.Context) (*rollout.Engine, error)) (format, name string, e *rollout.Engine, err error) {
	if format, err = p.format("text", "json"); err != nil {
		return "", "", nil, err
	}
	if name, err = p.environment(); err != nil {
		return "", "", nil, err
	}
	e, err = open(ctx)
	return format, name, e, err
}

// environment insists on -e.
func (p *program) environment() (string, error) {
	if p.flags.env == "" {
		return "", model.Errorf(model.ExitUsage, "which environment? pass -e NAME; `fairtide status` lists them")
	}
	return p.flags.env, nil
}
