package githubtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Commit is a commit to be put on a branch without a clone.
type Commit struct {
	Branch  string // made when it does not exist
	From    string // where a new branch begins; empty: the default branch
	Message string
	Author  string            // login; empty: dev1
	Files   map[string]string // contents by path
	Delete  []string          // paths
}

// Commit puts a commit on a branch, as a push by its author would.
func (s *Server) Commit(c Commit) (sha string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	heads, err := s.bare.branches(s.ctx)
	if err != nil {
		return "", fmt.Errorf("forge server: %w", err)
	}
	if c.Author == "" {
		c.Author = "dev1"
	}
	from := heads[c.Branch]
	if from == "" {
		if from = c.From; from == "" {
			from = heads[s.o.Branch]
		}
	}
	by, ref := person{c.Author, c.Author + "@users.noreply.github.com"}, "refs/heads/"+c.Branch
	var in strings.Builder
	fmt.Fprintf(&in, "commit %s\ncommitter %s %d +0000\ndata %d\n%s\n", ref, by, s.o.Now().Unix(), len(c.Message), c.Message)
	if from != "" {
		fmt.Fprintf(&in, "from %s\n", from)
	}
	for _, path := range c.Delete {
		fmt.Fprintf(&in, "D %s\n", strconv.Quote(path))
	}
	for _, path := range slices.Sorted(maps.Keys(c.Files)) {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", strconv.Quote(path), len(c.Files[path]), c.Files[path])
	}
	if _, err := s.bare.runWith(s.ctx, nil, in.String(), "fast-import", "--quiet", "--date-format=raw"); err != nil {
		return "", fmt.Errorf("forge server: commit to %s: %w", c.Branch, err)
	}
	return s.bare.run(s.ctx, "rev-parse", ref)
}

// Head is the commit of a branch; empty when there is no such branch.
func (s *Server) Head(branch string) string {
	sha, err := s.bare.run(s.ctx, "rev-parse", "--verify", "--quiet", "refs/heads/"+branch)
	if err != nil {
		return ""
	}
	return sha
}
