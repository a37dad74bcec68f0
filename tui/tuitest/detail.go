package tuitest

import (
	"context"
	"fmt"
	"slices"

	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/model"
)

// Detail implements tui.Backend: a pending change with its files, one that the
// environment does not read, and the objects of Details.
func (b *Backend) Detail(_ context.Context, env, commit string) (model.ChangeDetail, error) {
	if err := b.called("Detail %s %s", env, commit); err != nil {
		return model.ChangeDetail{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	changes := b.Pendings[env].Changes
	i := slices.IndexFunc(changes, func(c model.Change) bool { return c.Commit == commit })
	if i < 0 {
		return model.ChangeDetail{}, model.Errorf(model.ExitUsage, "%s has no commit %s", env, model.Short(commit))
	}
	d := model.ChangeDetail{Change: changes[i], Details: slices.Clone(b.Details[commit])}
	for _, f := range d.Files {
		d.AllFiles = append(d.AllFiles, model.FileStat{Path: f, Status: model.FileModified, Input: true})
	}
	d.AllFiles = append(d.AllFiles,
		model.FileStat{Path: "docs/gateway.md", Status: model.FileAdded},
		model.FileStat{Path: "docs/timeouts.md", From: "docs/old/timeouts.md", Status: model.FileRenamed},
		model.FileStat{Path: "docs/todo.md", Status: model.FileDeleted},
	)
	return d, nil
}

// details are the objects of the sample's changes.
func details() map[string][]model.ObjectDetail {
	id := func(group, kind, name string) model.ObjectID {
		return model.ObjectID{Group: group, Kind: kind, Namespace: "shop", Name: name}
	}
	text := func(fields map[string]any) string {
		y, err := manifest.YAML(fields)
		if err != nil {
			panic(fmt.Sprint("the sample is no YAML: ", err)) // it is a constant
		}
		return string(y)
	}
	return map[string][]model.ObjectDetail{
		Head: {{
			ChangedObject: model.ChangedObject{ID: id("apps", "Deployment", "petstore"), Verdict: model.VerdictUpdate, Summary: "image 1.4.1 → 1.4.2"},
			Before:        text(deployment("petstore", "1.4.1", 3, false)), After: text(deployment("petstore", "1.4.2", 3, false)),
			Source: model.Source{File: "environments/production/petstore.yaml", Line: 1},
		}},
		Second: {
			{
				ChangedObject: model.ChangedObject{ID: id("", "ConfigMap", "gateway"), Verdict: model.VerdictUpdate, Summary: "data.timeout 10s → 30s"},
				Before:        text(configMap("gateway", "10s")), After: text(configMap("gateway", "30s")),
				Source: model.Source{File: "base/gateway/config.yaml", Line: 1},
			},
			{
				ChangedObject: model.ChangedObject{ID: id("apps", "Deployment", "gateway"), Verdict: model.VerdictUpdate, Summary: "2 annotations"},
				Before:        text(deployment("gateway", "2.0.8", 3, false)), After: text(deployment("gateway", "2.0.8", 3, true)),
				Source: model.Source{File: "base/gateway/deployment.yaml", Line: 1},
			},
		},
		Third: {
			{ChangedObject: model.ChangedObject{ID: id("", "ConfigMap", "legacy-flags"), Verdict: model.VerdictDelete}, Before: text(configMap("legacy-flags", "5s"))},
			{ChangedObject: model.ChangedObject{ID: id("policy", "PodDisruptionBudget", "cart"), Verdict: model.VerdictCreate}, Omitted: true},
		},
	}
}
