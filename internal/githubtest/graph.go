package githubtest

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

type fields = map[string]func(args map[string]any) (any, error)

// root is the Query of a user.
func (s *Server) root(ctx context.Context, u *User) *node {
	return &node{"Query", fields{
		"viewer": value(s.actor(u.Login)),
		"repository": func(args map[string]any) (any, error) {
			owner, name := fmt.Sprint(args["owner"]), fmt.Sprint(args["name"])
			if !s.isRepository(owner, name) || !u.may("", Read) && !s.o.Public {
				return nil, &graphError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a Repository with the name '%s/%s'.", owner, name)}
			}
			return s.repository(ctx, u), nil
		},
	}}
}

func (s *Server) actor(login string) *node {
	if login == "" {
		return nil
	}
	return &node{"User", fields{"login": value(login), "url": value(s.URL() + "/" + login)}}
}

// forbidden is what a fine-grained token meets.
func forbidden() error {
	return &graphError{Type: "FORBIDDEN", Message: "Resource not accessible by personal access token"}
}

func (s *Server) repository(ctx context.Context, u *User) *node {
	return &node{"Repository", fields{
		"nameWithOwner": value(s.o.Owner + "/" + s.o.Name),
		"object": func(args map[string]any) (any, error) {
			oid := fmt.Sprint(args["oid"])
			switch s.bare.kind(ctx, oid) {
			case "commit":
				return s.commit(ctx, u, oid), nil
			case "tree":
				return &node{"Tree", fields{"oid": value(oid)}}, nil
			case "blob":
				return &node{"Blob", fields{"oid": value(oid)}}, nil
			case "tag":
				return &node{"Tag", fields{"oid": value(oid)}}, nil
			}
			return nil, nil
		},
		"pullRequest": func(args map[string]any) (any, error) {
			if !u.may("pull_requests", Read) && !s.o.Public {
				return nil, forbidden()
			}
			var number int
			if _, err := fmt.Sscan(fmt.Sprint(args["number"]), &number); err != nil || s.pulls[number] == nil {
				return nil, &graphError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a PullRequest with the number of %v.", args["number"])}
			}
			return s.pullNode(ctx, u, s.pulls[number]), nil
		},
		"pullRequests": func(args map[string]any) (any, error) {
			if !u.may("pull_requests", Read) && !s.o.Public {
				return nil, forbidden()
			}
			list := slices.DeleteFunc(s.sorted(), func(p *pull) bool { return !wanted(p, args) })
			return s.pullConnection(ctx, u, list, "pullRequests", args)
		},
	}}
}

// wanted applies the arguments of pullRequests. Newest first is the only
// order the server has, and the one the client asks for.
func wanted(p *pull, args map[string]any) bool {
	if states, ok := args["states"].([]any); ok && !slices.Contains(states, any(p.stateName())) {
		return false
	}
	base, head := args["baseRefName"], args["headRefName"]
	return (base == nil || base == p.base) && (head == nil || head == p.head)
}

func (s *Server) pullConnection(ctx context.Context, u *User, list []*pull, name string, args map[string]any) (any, error) {
	nodes := make([]any, 0, len(list))
	for _, p := range list {
		nodes = append(nodes, s.pullNode(ctx, u, p))
	}
	return connection("PullRequestConnection", name, nodes, args)
}

// connection pages a list as GitHub does: by first and after, or by last.
func connection(typ, name string, nodes []any, args map[string]any) (any, error) {
	number := func(key string) (n int, given bool) {
		_, err := fmt.Sscan(fmt.Sprint(args[key]), &n)
		return n, args[key] != nil && err == nil
	}
	first, hasFirst := number("first")
	last, hasLast := number("last")
	switch {
	case !hasFirst && !hasLast:
		return nil, &graphError{Type: "MISSING_PAGINATION_BOUNDARIES", Message: fmt.Sprintf("You must provide a `first` or `last` value to properly paginate the `%s` connection.", name)}
	case first > 100 || last > 100:
		return nil, &graphError{Type: "EXCESSIVE_PAGINATION", Message: fmt.Sprintf("Requesting more than 100 records on the `%s` connection exceeds the limit.", name)}
	}
	total, from := len(nodes), 0
	if after, ok := args["after"].(string); ok {
		raw, err := base64.StdEncoding.DecodeString(after)
		if _, scan := fmt.Sscanf(string(raw), "cursor:%d", &from); err != nil || scan != nil {
			return nil, &graphError{Type: "INVALID_CURSOR_ARGUMENTS", Message: fmt.Sprintf("`%s` does not appear to be a valid cursor.", after)}
		}
	}
	to := total
	if hasFirst {
		to = min(total, from+first)
	} else {
		from = max(from, total-last)
	}
	from = min(from, to)
	cursor := func(at int) any {
		if from == to {
			return nil
		}
		return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "cursor:%d", at))
	}
	page := &node{"PageInfo", fields{
		"hasNextPage": value(to < total), "hasPreviousPage": value(from > 0), "endCursor": value(cursor(to)), "startCursor": value(cursor(from + 1)),
	}}
	return &node{typ, fields{"nodes": value(nodes[from:to]), "totalCount": value(total), "pageInfo": value(page)}}, nil
}

// pullsOf are the pull requests of a commit: the merged ones that brought it,
// else the open ones that hold it.
func (s *Server) pullsOf(ctx context.Context, commit string) []*pull {
	var list []*pull
	for _, p := range s.sorted() {
		in := slices.Contains(p.landed, commit)
		if p.open {
			own, err := s.bare.between(ctx, p.baseSHA, p.headSHA)
			in = err == nil && slices.Contains(own, commit)
		}
		if in {
			list = append(list, p)
		}
	}
	return list
}

func (s *Server) commit(ctx context.Context, u *User, sha string) *node {
	return &node{"Commit", fields{
		"oid": value(sha),
		"associatedPullRequests": func(args map[string]any) (any, error) {
			if !u.may("pull_requests", Read) && !s.o.Public {
				return nil, forbidden()
			}
			return s.pullConnection(ctx, u, s.pullsOf(ctx, sha), "associatedPullRequests", args)
		},
		"statusCheckRollup": func(map[string]any) (any, error) { return s.rollupNode(u, sha) },
	}}
}

func (s *Server) rollupNode(u *User, sha string) (any, error) {
	if slices.Contains(u.Denied, "statusCheckRollup") {
		return nil, forbidden()
	}
	list := s.latestChecks(sha)
	if len(list) == 0 {
		return nil, nil
	}
	return &node{"StatusCheckRollup", fields{
		"state": value(rollup(list)),
		"contexts": func(args map[string]any) (any, error) {
			var nodes []any
			for _, c := range list {
				permission := map[bool]string{true: "checks", false: "statuses"}[c.run]
				if slices.Contains(u.Denied, permission) {
					nodes = append(nodes, forbidden())
				} else {
					nodes = append(nodes, c.node())
				}
			}
			return connection("StatusCheckRollupContextConnection", "contexts", nodes, args)
		},
	}}, nil
}

func (c *check) node() *node {
	if !c.run {
		return &node{"StatusContext", fields{
			"context": value(c.name), "state": value(strings.ToUpper(c.state)), "description": value(textOrNil(c.description)), "targetUrl": value(textOrNil(c.url)),
		}}
	}
	status, conclusion := "COMPLETED", any(strings.ToUpper(c.state))
	if !c.completed() {
		status, conclusion = strings.ToUpper(c.state), nil
	}
	return &node{"CheckRun", fields{
		"name": value(c.name), "status": value(status), "conclusion": value(conclusion), "title": value(textOrNil(c.description)), "detailsUrl": value(textOrNil(c.url)),
	}}
}

func (s *Server) pullNode(ctx context.Context, u *User, p *pull) *node {
	f := fields{
		"number": value(p.number), "url": value(s.pullURL(p)), "title": value(p.title), "body": value(p.body), "state": value(p.stateName()), "isDraft": value(p.draft),
		"author": value(s.actor(p.author)), "baseRefName": value(p.base), "headRefName": value(p.head), "headRefOid": value(p.headSHA),
		"isCrossRepository":   value(false),
		"headRepositoryOwner": value(&node{"Organization", fields{"login": value(s.o.Owner), "url": value(s.URL() + "/" + s.o.Owner)}}),
		"createdAt":           value(stamp(p.created)), "updatedAt": value(stamp(p.updated)), "mergedAt": value(stamp(p.merged)), "closedAt": value(stamp(p.closed)),
		"merged": value(!p.merged.IsZero()), "mergedBy": value(s.actor(p.mergedBy)), "mergeCommit": value(nil),
		"mergeable": func(map[string]any) (any, error) { return s.mergeable(ctx, p), nil },
		"commits": func(args map[string]any) (any, error) {
			own, err := s.bare.between(ctx, p.baseSHA, p.headSHA)
			if err != nil {
				return nil, err
			}
			var nodes []any
			for _, sha := range own {
				nodes = append(nodes, &node{"PullRequestCommit", fields{"commit": value(s.commit(ctx, u, sha))}})
			}
			return connection("PullRequestCommitConnection", "commits", nodes, args)
		},
		"latestOpinionatedReviews": func(args map[string]any) (any, error) {
			writers, _ := args["writersOnly"].(bool)
			var nodes []any
			for _, r := range s.opinions(p, writers) {
				nodes = append(nodes, s.reviewNode(ctx, u, p, r))
			}
			return connection("PullRequestReviewConnection", "latestOpinionatedReviews", nodes, args)
		},
		"changedFiles": func(map[string]any) (any, error) {
			files, err := s.changed(ctx, p)
			return len(files), err
		},
		"files": func(args map[string]any) (any, error) {
			files, err := s.changed(ctx, p)
			if err != nil {
				return nil, err
			}
			kinds := map[string]string{"added": "ADDED", "modified": "MODIFIED", "removed": "DELETED", "renamed": "RENAMED", "changed": "CHANGED"}
			var nodes []any
			for _, f := range files {
				nodes = append(nodes, &node{"PullRequestChangedFile", fields{"path": value(f.path), "changeType": value(kinds[f.status])}})
			}
			return connection("PullRequestChangedFileConnection", "files", nodes, args)
		},
	}
	if p.mergeCommit != "" {
		f["mergeCommit"] = value(s.commit(ctx, u, p.mergeCommit))
	}
	return &node{"PullRequest", f}
}

func (s *Server) reviewNode(ctx context.Context, u *User, p *pull, r review) *node {
	return &node{"PullRequestReview", fields{
		"state": value(r.state), "submittedAt": value(stamp(r.at)), "author": value(s.actor(r.author)), "body": value(r.body),
		"url": value(fmt.Sprintf("%s#pullrequestreview-%d", s.pullURL(p), r.id)), "commit": value(s.commit(ctx, u, r.commit)),
	}}
}
