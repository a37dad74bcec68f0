package rollout

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/fairtide-dev/fairtide/internal/accept"
	"github.com/fairtide-dev/fairtide/model"
)

// Test runs the acceptance tests of an environment against what it runs now,
// without a run of its own. The error has exit code 7 when a required one did
// not pass.
func (e *Engine) Test(ctx context.Context, name string, emit func(model.Event)) ([]model.TestResult, error) {
	s, err := e.locate(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(s.env.Tests) == 0 {
		return nil, model.Errorf(model.ExitUsage, "%s has no acceptance tests; declare some under tests: in %s", name, e.cfg.File)
	}
	if e.cfg.ReadOnly && slices.ContainsFunc(s.env.Tests, func(t model.Test) bool { return t.HTTP == nil }) {
		return nil, model.Errorf(model.ExitUsage, "%s: started with --read-only: its tests start Jobs or programs, and are not run", name)
	}
	state, err := s.cluster.ReadState(ctx, name)
	if err != nil {
		return nil, prefix(name, err)
	}
	if state.Deployed == nil {
		return nil, model.Errorf(model.ExitUsage, "%s was never deployed by fairtide, so there is nothing to test; apply it first", name)
	}
	run := fmt.Sprintf("%s-test-%d", name, e.cfg.Now().Unix())
	log := newStory(e.cfg.Now, emit)
	log.run = run
	results, err := e.runTests(ctx, trial{site: s, commit: state.Deployed.Commit, run: run, namespace: namespaceOf(s.env)}, log.tell)
	if err == nil {
		err = accept.Verdict(results)
	}
	return results, prefix(name, err)
}

// trial says what acceptance tests are run against.
type trial struct {
	site      site
	commit    string
	run       string
	namespace string
	sandbox   bool // a Job may run in namespace only, whatever its manifest names
}

func (e *Engine) runTests(ctx context.Context, t trial, emit func(model.Event)) ([]model.TestResult, error) {
	ports := accept.Ports{
		Run:      accept.Subject{ID: t.run, Environment: t.site.env.Name, Commit: t.commit, Namespace: t.namespace},
		Services: t.site.cluster, Jobs: t.site.cluster,
		JobReader: jobReader{e.cfg.Repository, t.commit, t.sandbox},
		Env:       e.testEnv(t.sandbox), Now: e.cfg.Now,
	}
	if slices.ContainsFunc(t.site.env.Tests, func(t model.Test) bool { return t.Command != nil }) {
		dir, err := os.MkdirTemp("", "fairtide-test-")
		if err != nil {
			return nil, fmt.Errorf("make a directory for the tests: %w", err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if err := e.cfg.Repository.Export(ctx, t.commit, dir, ""); err != nil {
			return nil, err
		}
		ports.Dir = dir
	}
	return accept.Run(ctx, t.site.env.Tests, ports, emit), nil
}

// testEnv is the environment of command tests. In a sandbox they are what a
// proposed change says they are, which nobody has approved: they do not get
// the way into the clusters.
func (e *Engine) testEnv(sandbox bool) []string {
	if !sandbox {
		return e.cfg.TestEnv
	}
	return slices.DeleteFunc(slices.Clone(e.cfg.TestEnv), func(v string) bool { return strings.HasPrefix(v, "KUBECONFIG=") })
}

// jobReader reads the manifest of a test Job at a commit.
type jobReader struct {
	repository Repository
	commit     string
	sandbox    bool // leave out the namespace that the manifest names
}

func (r jobReader) ReadJob(ctx context.Context, path string) (model.Object, error) {
	data, err := r.repository.File(ctx, r.commit, path)
	if err != nil {
		return model.Object{}, err
	}
	var fields map[string]any
	if err := yaml.UnmarshalStrict(data, &fields); err != nil {
		return model.Object{}, model.Errorf(model.ExitUsage, "%s at %s is not a manifest: %w", path, model.Short(r.commit), err)
	}
	o := model.Object{Fields: fields, Source: model.Source{File: path}}
	apiVersion, _ := fields["apiVersion"].(string)
	o.ID.Kind, _ = fields["kind"].(string)
	if apiVersion != "batch/v1" || o.ID.Kind != "Job" {
		return o, model.Errorf(model.ExitUsage, "%s at %s is %s %s; an acceptance test is a Job of batch/v1", path, model.Short(r.commit), apiVersion, o.ID.Kind)
	}
	o.ID.Group, o.Version = "batch", "v1"
	if meta, ok := fields["metadata"].(map[string]any); ok {
		o.ID.Name, _ = meta["name"].(string)
		if r.sandbox {
			delete(meta, "namespace")
		}
		o.ID.Namespace, _ = meta["namespace"].(string)
	}
	return o, nil
}

// namespaceOf is where objects of an environment go that name none.
func namespaceOf(env model.Environment) string {
	if env.Namespace == "" {
		return "default"
	}
	return env.Namespace
}

// test runs the environment's acceptance tests as part of a run; their verdict
// is the run's.
func (x *execution) test(ctx context.Context) error {
	if len(x.site.env.Tests) == 0 {
		return nil
	}
	x.setState(ctx, model.RunTesting)
	x.lease.SetDoing("runs the acceptance tests")
	run := x.record.get()
	results, err := x.engine.runTests(ctx, trial{
		site: x.site, commit: run.Commit, run: run.ID, namespace: namespaceOf(x.site.env),
	}, x.log.tell)
	if err != nil {
		return x.interrupted(ctx, err)
	}
	x.record.update(func(r *model.Run) { r.Tests = results })
	if err := ctx.Err(); err != nil {
		return x.interrupted(ctx, err)
	}
	return accept.Verdict(results)
}
