package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxComment = 65536

func (s *Server) commentJSON(number int) func(*comment) map[string]any {
	return func(c *comment) map[string]any {
		id := strconv.FormatInt(c.id, 10)
		return map[string]any{
			"id": c.id, "node_id": "IC_" + id, "body": c.body, "user": s.userJSON(c.author),
			"url":      s.APIURL() + "/repos/" + s.o.Owner + "/" + s.o.Name + "/issues/comments/" + id,
			"html_url": s.RepositoryURL() + "/pull/" + strconv.Itoa(number) + "#issuecomment-" + id,
		}
	}
}

func (s *Server) listComments(a ask) reply {
	return s.withPull(a, func(p *pull) reply { return paged(s, a, s.comments[p.number], s.commentJSON(p.number)) })
}

// commentText reads the text of a comment.
func commentText(a ask) (string, reply) {
	var in struct{ Body string }
	if bad := a.decode(&in); bad.status != 0 {
		return "", bad
	}
	if in.Body == "" || utf8.RuneCountInString(in.Body) > maxComment {
		return "", refuse(http.StatusUnprocessableEntity, "Validation Failed", map[string]any{
			"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body is too long (maximum is 65536 characters)"})
	}
	return in.Body, reply{}
}

func (s *Server) createComment(a ask) reply {
	return s.withPull(a, func(p *pull) reply {
		text, bad := commentText(a)
		if bad.status != 0 {
			return bad
		}
		c := &comment{id: s.id(), author: a.user.Login, body: text}
		s.comments[p.number] = append(s.comments[p.number], c)
		return reply{status: http.StatusCreated, body: s.commentJSON(p.number)(c)}
	})
}

func (s *Server) patchComment(a ask) reply {
	for number, list := range s.comments {
		for _, c := range list {
			if c.id != int64(a.number("id")) {
				continue
			}
			if c.author != a.user.Login && a.user.Right < Write {
				return refuse(http.StatusForbidden, "Must have admin rights to Repository.")
			}
			text, bad := commentText(a)
			if bad.status != 0 {
				return bad
			}
			c.body = text
			return ok(s.commentJSON(number)(c))
		}
	}
	return notFound()
}

// withCommit checks that the commit of the path exists.
func (s *Server) withCommit(a ask, do func(sha string) reply) reply {
	sha := a.PathValue("sha")
	if s.bare.kind(a.Context(), sha) != "commit" {
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+sha)
	}
	return do(sha)
}

func statusJSON(c *check) map[string]any {
	return map[string]any{
		"id": c.id, "node_id": "SC_" + strconv.FormatInt(c.id, 10), "context": c.name, "state": c.state,
		"description": textOrNil(c.description), "target_url": textOrNil(c.url),
	}
}

func (s *Server) createStatus(a ask) reply {
	return s.withCommit(a, func(sha string) reply {
		var in struct {
			State, Context, Description string
			TargetURL                   string `json:"target_url"`
		}
		if bad := a.decode(&in); bad.status != 0 {
			return bad
		}
		if !slices.Contains([]string{"error", "failure", "pending", "success"}, in.State) || utf8.RuneCountInString(in.Description) > 140 {
			return refuse(http.StatusUnprocessableEntity, "Validation Failed", map[string]any{"resource": "Status", "code": "custom", "field": "state", "message": "state is not included in the list, or description is too long (maximum is 140 characters)"})
		}
		if in.Context == "" {
			in.Context = "default"
		}
		c := s.setCheck(sha, &check{name: in.Context, state: in.State, description: in.Description, url: in.TargetURL, creator: a.user.Login})
		made := statusJSON(c)
		made["creator"] = s.userJSON(c.creator)
		return reply{status: http.StatusCreated, body: made}
	})
}

func (s *Server) combinedStatus(a ask) reply {
	return s.withCommit(a, func(sha string) reply {
		list := slices.DeleteFunc(s.latestChecks(sha), func(c *check) bool { return c.run })
		state := map[string]string{"": "pending", "PENDING": "pending", "SUCCESS": "success"}[rollup(list)]
		if state == "" {
			state = "failure"
		}
		statuses := make([]map[string]any, 0, len(list))
		for _, c := range list {
			statuses = append(statuses, statusJSON(c))
		}
		return ok(map[string]any{"sha": sha, "state": state, "statuses": statuses, "total_count": len(list)})
	})
}

func (s *Server) checkRuns(a ask) reply {
	return s.withCommit(a, func(sha string) reply {
		runs := []map[string]any{}
		for _, c := range s.latestChecks(sha) {
			if !c.run {
				continue
			}
			j := map[string]any{"id": c.id, "node_id": "CR_" + strconv.FormatInt(c.id, 10), "name": c.name, "head_sha": sha, "status": "completed", "conclusion": c.state}
			if !c.completed() {
				j["status"], j["conclusion"] = c.state, nil
			}
			runs = append(runs, j)
		}
		return ok(map[string]any{"total_count": len(runs), "check_runs": runs})
	})
}

func (s *Server) commitPulls(a ask) reply {
	return s.withCommit(a, func(sha string) reply { return paged(s, a, s.pullsOf(a.Context(), sha), s.pullJSON) })
}

func (s *Server) getRef(a ask) reply {
	branch := a.PathValue("branch")
	heads, err := s.bare.branches(a.Context())
	if err != nil {
		return internal(err)
	}
	sha := heads[branch]
	if sha == "" || strings.HasPrefix(branch, "/") {
		return notFound()
	}
	return ok(map[string]any{
		"ref": "refs/heads/" + branch, "node_id": "REF_" + branch, "url": s.APIURL() + "/repos/" + s.o.Owner + "/" + s.o.Name + "/git/refs/heads/" + branch,
		"object": map[string]any{"sha": sha, "type": "commit", "url": s.APIURL() + "/repos/" + s.o.Owner + "/" + s.o.Name + "/git/commits/" + sha},
	})
}
