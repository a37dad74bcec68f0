package main

import (
	"context"
	"sync"

	"github.com/fairtide-dev/fairtide/cluster"
	"github.com/fairtide-dev/fairtide/model"
)

// capabilities asks each cluster once in the life of the program what it has.
// All renders of one session are told the same, and a list of changes costs one
// question however long it is.
type capabilities struct {
	program *program

	mu    sync.Mutex
	known map[string]model.Capabilities // by context
}

// of asks the environment's cluster. An answer that could not be had is asked
// for again.
func (c *capabilities) of(ctx context.Context, env model.Environment) (model.Capabilities, error) {
	kubeContext := env.Context
	if c.program.flags.context != "" {
		kubeContext = c.program.flags.context
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if caps, ok := c.known[kubeContext]; ok {
		return caps, nil
	}
	client, err := cluster.New(cluster.Config{
		Kubeconfig: c.program.flags.kubeconfig, Context: kubeContext, StateNamespace: model.DefaultStateNamespace,
		UserAgent: userAgent(), Now: c.program.now,
	})
	if err != nil {
		return model.Capabilities{}, err
	}
	caps, err := client.Capabilities(ctx)
	if err != nil {
		return model.Capabilities{}, err
	}
	if c.known == nil {
		c.known = map[string]model.Capabilities{}
	}
	c.known[kubeContext] = caps
	return caps, nil
}
