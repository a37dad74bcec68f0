package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/repo"
)

// sources gives the UI the files that a plan is rendered from.
type sources struct{ backend *backend }

// repository is the one the backend works with; nil: it is not open.
func (s sources) repository() *repo.Repo {
	s.backend.mu.Lock()
	defer s.backend.mu.Unlock()
	return s.backend.program.opened
}

// File is the content of a file at a commit.
func (s sources) File(ctx context.Context, commit, path string) ([]byte, error) {
	if _, err := s.backend.open(ctx); err != nil {
		return nil, err
	}
	r := s.repository()
	if r == nil {
		return nil, errors.New("the repository is not open")
	}
	return r.File(ctx, commit, path)
}

// Local is where the work tree of the clone has a file. ok is false where there
// is no clone, or the path leads out of it.
func (s sources) Local(path string) (string, bool) {
	r := s.repository()
	if r == nil || !filepath.IsLocal(filepath.FromSlash(path)) {
		return "", false
	}
	dir, ok := r.WorkTree()
	return filepath.Join(dir, filepath.FromSlash(path)), ok
}

// URL is the page of a file at a commit, or without a path of the commit.
func (s sources) URL(commit, path string, line int) string {
	r := s.repository()
	if r == nil {
		return ""
	}
	return forge.Page(r.RemoteURL(), commit, path, line)
}

// planMarkdown is a plan, as it is seen through a lens, as `diff -o markdown`
// writes it.
func planMarkdown(seen *model.Plan, through model.Lens) (string, error) {
	text, err := rollout.PlanMarkdown(seen, through, func(o model.PlannedObject) (string, error) { return unified(o, through) })
	return sanitize.Text(text), err
}
