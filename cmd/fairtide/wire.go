package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/fairtide-dev/fairtide/cluster"
	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo"
)

const defaultConfigFile = ".fairtide.yaml"

// engine wires the Git side and the Kubernetes side into the engine. It opens
// the repository; clusters are connected to when they are first asked.
func (p *program) engine(ctx context.Context) (*rollout.Engine, error) {
	path, err := p.repositoryPath()
	if err != nil {
		return nil, err
	}
	r, err := repo.Open(ctx, repo.Options{Path: path})
	if err != nil {
		return nil, err
	}
	host, err := p.hostname()
	if err != nil {
		host = "unknown-host"
	}
	return rollout.New(rollout.Config{
		Repository: r,
		Connect:    p.connect,
		File:       filepath.ToSlash(filepath.Clean(p.flags.config)),
		Context:    p.flags.context,
		Host:       host,
		ReadOnly:   p.flags.readOnly,
		Now:        p.now,
	}), nil
}

func (p *program) repositoryPath() (string, error) {
	if p.flags.repo != "" {
		if _, err := os.Stat(p.flags.repo); err != nil {
			return "", model.Errorf(model.ExitUsage, "repository %s: %w; pass the path of a clone with --repo", p.flags.repo, err)
		}
		return p.flags.repo, nil
	}
	dir, err := p.workDir()
	if err != nil {
		return "", model.Errorf(model.ExitUsage, "the working directory cannot be read: %w; pass --repo", err)
	}
	return dir, nil
}

func (p *program) connect(kubeContext, stateNamespace string) (rollout.Cluster, error) {
	c, err := cluster.New(cluster.Config{
		Kubeconfig: p.flags.kubeconfig, Context: kubeContext, StateNamespace: stateNamespace,
		UserAgent: "fairtide/" + version(), Now: p.now,
	})
	if err != nil {
		return nil, err
	}
	return connected{c}, nil
}

// connected fits a cluster.Client to what the engine asks for.
type connected struct{ *cluster.Client }

func (c connected) Lock(ctx context.Context, env, holder, run string) (rollout.Lease, error) {
	l, err := c.Client.Lock(ctx, env, holder, run)
	if err != nil {
		return nil, err // not l: a nil *Lease is not a nil Lease
	}
	return l, nil
}
