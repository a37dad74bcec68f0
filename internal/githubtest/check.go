package githubtest

import (
	"fmt"
	"slices"
	"strings"
)

// check is a check run or a commit status of a commit.
type check struct {
	id          int64
	run         bool   // a check run; else a commit status
	name        string // or context
	state       string // success, failure, error, pending; of a run also any conclusion
	description string
	url         string
	creator     string
}

// SetCheck sets a check run of a commit: state is "queued", "in_progress", or
// a conclusion such as "success", "failure", "skipped".
func (s *Server) SetCheck(commit, name, state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bare.kind(s.ctx, commit) != "commit" {
		return fmt.Errorf("forge server: there is no commit %s", commit)
	}
	s.setCheck(commit, &check{run: true, name: name, state: strings.ToLower(state)})
	return nil
}

func (s *Server) setCheck(commit string, c *check) *check {
	c.id = s.id()
	s.checks[commit] = append(s.checks[commit], c)
	return c
}

// latestChecks is the latest of each name, in the order they first came.
func (s *Server) latestChecks(commit string) []*check {
	var list []*check
	for _, c := range s.checks[commit] {
		i := slices.IndexFunc(list, func(o *check) bool { return o.name == c.name && o.run == c.run })
		if i >= 0 {
			list[i] = c
		} else {
			list = append(list, c)
		}
	}
	return list
}

// completed reports whether a run has come to its end.
func (c *check) completed() bool {
	return !slices.Contains([]string{"queued", "in_progress", "pending", "waiting", "requested"}, c.state)
}

// verdict is the StatusState a check adds to the sum.
func (c *check) verdict() string {
	switch {
	case !c.run:
		return strings.ToUpper(c.state)
	case !c.completed():
		return "PENDING"
	case slices.Contains([]string{"success", "neutral", "skipped"}, c.state):
		return "SUCCESS"
	}
	return "FAILURE"
}

// rollup sums up checks; "" when there is none.
func rollup(list []*check) string {
	sum, rank := "", []string{"", "SUCCESS", "PENDING", "ERROR", "FAILURE"}
	for _, c := range list {
		if v := c.verdict(); slices.Index(rank, v) > slices.Index(rank, sum) {
			sum = v
		}
	}
	return sum
}

// comment is a comment on a pull request.
type comment struct {
	id     int64
	author string
	body   string
}

// Comments are the texts of a pull request's comments, oldest first.
func (s *Server) Comments(number int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, c := range s.comments[number] {
		list = append(list, c.body)
	}
	return list
}
