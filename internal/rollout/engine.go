package rollout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/model"
)

// Timing are the patience of a run. Zero fields take the defaults.
type Timing struct {
	// Ready is how long a rollout may take to become ready. Default 15 minutes.
	Ready time.Duration
	// Doomed is how long a cause that will not go away by waiting is given all
	// the same, for a secret that comes late or a registry that lags. Default 30 seconds.
	Doomed time.Duration
	// Settle is how long namespaces and definitions may take. Default 1 minute.
	Settle time.Duration
	// Prune is how long deleted objects may take to go. Default 2 minutes.
	Prune time.Duration
	// Clock is how long the cluster's clock may be unreadable between two waves
	// before that counts as closed. Default 15 seconds.
	Clock time.Duration
	// Close is how long a run may take to close its record, and then to free
	// its lock, after it has ended or was told to stop. Default 15 seconds.
	Close time.Duration
	// Poll is how often a deleted object is looked for. Default 200 ms.
	Poll time.Duration
	// Armed is how often the cluster's clock and the rules are looked at while a
	// plan waits for its window. Default 5 seconds.
	Armed time.Duration
}

func (t Timing) withDefaults() Timing {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&t.Ready, 15*time.Minute)
	def(&t.Doomed, 30*time.Second)
	def(&t.Settle, time.Minute)
	def(&t.Prune, 2*time.Minute)
	def(&t.Clock, 15*time.Second)
	def(&t.Close, 15*time.Second)
	def(&t.Poll, 200*time.Millisecond)
	def(&t.Armed, 5*time.Second)
	return t
}

// Config is what an Engine is made of.
type Config struct {
	Repository Repository // required
	// Connect gives the cluster of a kubeconfig context; "" is the current
	// one. It is called once for each and makes no network call. Required.
	Connect func(kubeContext, stateNamespace string) (Cluster, error)
	// File is the path of the configuration in the repository. Required.
	File    string
	Context string // when set, used instead of the environments' own contexts
	// Forge gives the forge of a remote URL, or an error that says why there is
	// none. nil: there is none.
	Forge func(ctx context.Context, remoteURL string) (Forge, error)
	// Calendars reads the calendars of windows. nil: a window that needs one is
	// closed.
	Calendars Calendars
	// Registry is asked for image tags. nil: it cannot be asked.
	Registry Registry
	// Notifier gives what tells others of a run; nil: nobody is to be told.
	// A nil function tells nobody.
	Notifier func(n model.Notify) (Notifier, error)
	// Lost gets one line about messages that did not reach those who are to be
	// told of a run. It comes after the run's last event. nil: it is dropped.
	Lost func(line string)
	// TestEnv is the environment of command tests, as NAME=value.
	TestEnv  []string
	Host     string           // of the operator's machine, for the lock and the records
	ReadOnly bool             // refuse to apply
	Now      func() time.Time // required
	Timing   Timing
}

// Engine answers for the environments of one repository. It is safe for
// concurrent use.
type Engine struct {
	cfg Config

	mu       sync.Mutex
	clusters map[string]Cluster
	configs  map[string]model.Config // by commit
	forge    Forge
	pulls    map[string]model.PullRequest // by commit, of those that are merged
	reverts  map[string]bool              // commits made here that take back what was merged
}

// New makes an Engine. It makes no call of its own.
func New(cfg Config) *Engine {
	cfg.Timing = cfg.Timing.withDefaults()
	return &Engine{cfg: cfg, clusters: map[string]Cluster{}, configs: map[string]model.Config{}, pulls: map[string]model.PullRequest{}, reverts: map[string]bool{}}
}

// Environments lists the environments as the configuration at the head of the
// default branch has them, in its order. Of the calendars of their windows they
// have what is known without asking anybody; Status reads them.
func (e *Engine) Environments(ctx context.Context) ([]model.Environment, error) {
	head, err := e.cfg.Repository.Head(ctx, "")
	if err != nil {
		return nil, err
	}
	cfg, err := e.configAt(ctx, head.Hash)
	if err != nil {
		return nil, err
	}
	envs := slices.Clone(cfg.Environments)
	for i := range envs {
		envs[i].Windows = e.knownRules(ctx, envs[i].Windows, head.Hash)
	}
	return envs, nil
}

// config is the configuration at the head of the default branch.
func (e *Engine) config(ctx context.Context) (model.Config, error) {
	head, err := e.cfg.Repository.Head(ctx, "")
	if err != nil {
		return model.Config{}, err
	}
	return e.configAt(ctx, head.Hash)
}

func (e *Engine) configAt(ctx context.Context, commit string) (model.Config, error) {
	e.mu.Lock()
	cfg, ok := e.configs[commit]
	e.mu.Unlock()
	if ok {
		return cfg, nil
	}
	data, err := e.cfg.Repository.File(ctx, commit, e.cfg.File)
	if errors.Is(err, fs.ErrNotExist) {
		return cfg, model.Errorf(model.ExitUsage,
			"%s does not exist at %s: this repository has no fairtide configuration; commit one (see the README), or name its path with --config",
			e.cfg.File, model.Short(commit))
	}
	if err != nil {
		return cfg, err
	}
	cfg, err = config.Parse(e.cfg.File, data)
	if err != nil {
		return cfg, model.Errorf(model.ExitUsage, "configuration at %s:\n%w", model.Short(commit), err)
	}
	e.mu.Lock()
	e.configs[commit] = cfg
	e.mu.Unlock()
	return cfg, nil
}

// site is an environment with its branch's head and its cluster.
type site struct {
	env     model.Environment
	config  model.Config // that the environment was read from
	head    model.Commit
	cluster Cluster
}

// locate finds an environment by name. Its policy counts as it stands at the
// head of its own branch, so that a window cannot be edited away on an
// operator's disk or on another branch.
func (e *Engine) locate(ctx context.Context, name string) (site, error) {
	cfg, err := e.config(ctx)
	if err != nil {
		return site{}, err
	}
	env, ok := cfg.Environment(name)
	if !ok {
		return site{}, unknownEnvironment(name, cfg)
	}
	head, err := e.cfg.Repository.Head(ctx, env.Branch)
	if err != nil {
		return site{env: env}, prefix(name, err)
	}
	if env.Branch != "" {
		own, err := e.configAt(ctx, head.Hash)
		if err != nil {
			return site{env: env}, prefix(name, err) // without a head: its policy is not known
		}
		at, ok := own.Environment(name)
		if !ok || at.Branch != env.Branch {
			return site{env: env}, model.Errorf(model.ExitUsage,
				"%s: %s on branch %s does not describe it; merge the default branch's configuration into %[3]s",
				name, e.cfg.File, env.Branch)
		}
		env = at
		cfg = own
	}
	c, err := e.connect(env, cfg.StateNamespace)
	if err != nil {
		return site{env: env, config: cfg, head: head}, prefix(name, err)
	}
	return site{env: env, config: cfg, head: head, cluster: c}, nil
}

func unknownEnvironment(name string, cfg model.Config) error {
	names := make([]string, 0, len(cfg.Environments))
	for _, env := range cfg.Environments {
		names = append(names, env.Name)
	}
	hint := "there are " + strings.Join(names, ", ")
	if s := config.Suggest(name, names); s != "" {
		hint = fmt.Sprintf("did you mean %s? (%s)", s, hint)
	}
	if name == "" {
		return model.Errorf(model.ExitUsage, "which environment? pass -e NAME; %s", hint)
	}
	return model.Errorf(model.ExitUsage, "no environment is called %q; %s", name, hint)
}

func (e *Engine) connect(env model.Environment, stateNamespace string) (Cluster, error) {
	kubeContext := env.Context
	if e.cfg.Context != "" {
		kubeContext = e.cfg.Context
	}
	key := kubeContext + "\x00" + stateNamespace
	e.mu.Lock()
	defer e.mu.Unlock()
	if c, ok := e.clusters[key]; ok {
		return c, nil
	}
	c, err := e.cfg.Connect(kubeContext, stateNamespace)
	if err != nil {
		return nil, err
	}
	e.clusters[key] = c
	return c, nil
}

// prefix names the environment an error is about, once.
func prefix(env string, err error) error {
	if err == nil || strings.HasPrefix(err.Error(), env+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", env, err)
}
