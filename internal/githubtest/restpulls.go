package githubtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// pullURL is the page of a pull request.
func (s *Server) pullURL(p *pull) string {
	return s.RepositoryURL() + "/pull/" + strconv.Itoa(p.number)
}

func (s *Server) pullJSON(p *pull) map[string]any {
	api := s.APIURL() + "/repos/" + s.o.Owner + "/" + s.o.Name
	state := "closed"
	if p.open {
		state = "open"
	}
	side := func(branch, sha string) map[string]any {
		return map[string]any{"label": s.o.Owner + ":" + branch, "ref": branch, "sha": sha, "user": s.userJSON(s.o.Owner)}
	}
	return map[string]any{
		"id": 7000 + p.number, "node_id": "PR_" + strconv.Itoa(p.number), "number": p.number, "state": state, "locked": false,
		"title": p.title, "body": textOrNil(p.body), "draft": p.draft, "user": s.userJSON(p.author),
		"url": api + "/pulls/" + strconv.Itoa(p.number), "html_url": s.pullURL(p),
		"created_at": stamp(p.created), "updated_at": stamp(p.updated), "closed_at": stamp(p.closed), "merged_at": stamp(p.merged),
		"merge_commit_sha": textOrNil(p.mergeCommit), "head": side(p.head, p.headSHA), "base": side(p.base, p.baseSHA),
	}
}

// wholePullJSON has what only the answer about one pull request has.
func (s *Server) wholePullJSON(a ask, p *pull) map[string]any {
	j := s.pullJSON(p)
	j["merged"], j["merged_by"] = !p.merged.IsZero(), s.userJSON(p.mergedBy)
	j["mergeable"], j["mergeable_state"] = nil, "unknown"
	switch s.mergeable(a.Context(), p) {
	case "MERGEABLE":
		j["mergeable"], j["mergeable_state"] = true, "clean"
		if s.mayMerge(p, mergeRequest{Method: s.o.Methods[0]}).status != 0 {
			j["mergeable_state"] = "blocked"
		}
	case "CONFLICTING":
		j["mergeable"], j["mergeable_state"] = false, "dirty"
	}
	files, err := s.changed(a.Context(), p)
	if err == nil {
		j["changed_files"] = len(files)
	}
	return j
}

func (s *Server) getRepository(ask) reply {
	return ok(map[string]any{
		"id": 1, "node_id": "R_1", "name": s.o.Name, "full_name": s.o.Owner + "/" + s.o.Name, "private": !s.o.Public, "owner": s.userJSON(s.o.Owner),
		"html_url": s.RepositoryURL(), "clone_url": s.CloneURL(), "default_branch": s.o.Branch,
	})
}

func (s *Server) listPulls(a ask) reply {
	q := a.URL.Query()
	state := q.Get("state")
	if state == "" {
		state = "open"
	}
	list := slices.DeleteFunc(s.sorted(), func(p *pull) bool {
		return state != "all" && (state == "open") != p.open ||
			q.Get("base") != "" && q.Get("base") != p.base || q.Get("head") != "" && q.Get("head") != s.o.Owner+":"+p.head
	})
	return paged(s, a, list, s.pullJSON)
}

// Proposal is a pull request to be opened.
type Proposal struct {
	Title, Body string
	Head, Base  string // branches
	Draft       bool
}

// Propose opens a pull request in a user's name.
func (s *Server) Propose(login string, n Proposal) (number int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh(s.ctx)
	p, refused := s.propose(s.ctx, login, n)
	if refused.status != 0 {
		return 0, fmt.Errorf("forge server: pull request from %s: %v", n.Head, refused.body)
	}
	return p.number, nil
}

func (s *Server) createPull(a ask) reply {
	var in Proposal
	if bad := a.decode(&in); bad.status != 0 {
		return bad
	}
	p, refused := s.propose(a.Context(), a.user.Login, in)
	if refused.status != 0 {
		return refused
	}
	return reply{status: http.StatusCreated, body: s.wholePullJSON(a, p)}
}

// propose opens a pull request; the reply's status is 0 when it did.
func (s *Server) propose(ctx context.Context, login string, in Proposal) (*pull, reply) {
	in.Head = strings.TrimPrefix(in.Head, s.o.Owner+":")
	invalid := func(field, code, message string) (*pull, reply) {
		e := map[string]any{"resource": "PullRequest", "code": code}
		if field != "" {
			e["field"] = field
		}
		if message != "" {
			e["message"] = message
		}
		return nil, refuse(http.StatusUnprocessableEntity, "Validation Failed", e)
	}
	heads, err := s.bare.branches(ctx)
	if err != nil {
		return nil, internal(err)
	}
	head, base := heads[in.Head], heads[in.Base]
	switch {
	case in.Title == "":
		return invalid("title", "missing_field", "")
	case base == "":
		return invalid("base", "invalid", "")
	case head == "":
		return invalid("head", "invalid", "")
	}
	for _, p := range s.pulls {
		if p.open && p.head == in.Head && p.base == in.Base {
			return invalid("", "custom", "A pull request already exists for "+s.o.Owner+":"+in.Head+".")
		}
	}
	if merged, err := s.bare.contains(ctx, base, head); err != nil {
		return nil, internal(err)
	} else if merged {
		return invalid("", "custom", "No commits between "+in.Base+" and "+in.Head)
	}
	p := &pull{
		number: s.next, title: in.Title, body: in.Body, author: login, base: in.Base, head: in.Head, draft: in.Draft,
		open: true, headSHA: head, baseSHA: base, created: s.o.Now(), updated: s.o.Now(),
	}
	s.next++
	s.pulls[p.number] = p
	s.keep(ctx, p.number, head)
	return p, reply{}
}

// withPull finds the pull request of the path.
func (s *Server) withPull(a ask, do func(*pull) reply) reply {
	if p := s.pulls[a.number("number")]; p != nil {
		return do(p)
	}
	return notFound()
}

func (s *Server) getPull(a ask) reply {
	return s.withPull(a, func(p *pull) reply { return ok(s.wholePullJSON(a, p)) })
}

func (s *Server) patchPull(a ask) reply {
	return s.withPull(a, func(p *pull) reply {
		var in struct{ Title, Body, State *string }
		if bad := a.decode(&in); bad.status != 0 {
			return bad
		}
		if in.Title != nil {
			p.title = *in.Title
		}
		if in.Body != nil {
			p.body = *in.Body
		}
		if in.State != nil && *in.State == "closed" && p.open {
			s.close(p)
		}
		p.updated = s.o.Now()
		return ok(s.wholePullJSON(a, p))
	})
}

func (s *Server) pullFiles(a ask) reply {
	return s.withPull(a, func(p *pull) reply {
		files, err := s.changed(a.Context(), p)
		if err != nil {
			return internal(err)
		}
		return paged(s, a, files, func(f changedFile) map[string]any {
			j := map[string]any{"filename": f.path, "status": f.status, "blob_url": s.RepositoryURL() + "/blob/" + p.headSHA + "/" + f.path}
			if f.previous != "" {
				j["previous_filename"] = f.previous
			}
			return j
		})
	})
}

func (s *Server) mergePull(a ask) reply {
	return s.withPull(a, func(p *pull) reply {
		var in mergeRequest
		if bad := a.decode(&in); bad.status != 0 {
			return bad
		}
		if refused := s.merge(a.Context(), p, a.user, in); refused.status != 0 {
			return refused
		}
		return ok(map[string]any{"sha": p.mergeCommit, "merged": true, "message": "Pull Request successfully merged"})
	})
}

func (s *Server) reviewJSON(p *pull) func(review) map[string]any {
	return func(r review) map[string]any {
		return map[string]any{
			"id": r.id, "node_id": "PRR_" + strconv.FormatInt(r.id, 10), "user": s.userJSON(r.author), "body": r.body, "state": r.state, "commit_id": r.commit,
			"submitted_at": stamp(r.at), "html_url": s.pullURL(p), "pull_request_url": s.APIURL() + "/repos/" + s.o.Owner + "/" + s.o.Name + "/pulls/" + strconv.Itoa(p.number),
		}
	}
}

func (s *Server) listReviews(a ask) reply {
	return s.withPull(a, func(p *pull) reply { return paged(s, a, p.reviews, s.reviewJSON(p)) })
}

func (s *Server) createReview(a ask) reply {
	return s.withPull(a, func(p *pull) reply {
		var in struct{ Event, Body string }
		if bad := a.decode(&in); bad.status != 0 {
			return bad
		}
		if problem := s.review(p, a.user.Login, in.Event, in.Body); problem != "" {
			return refuse(http.StatusUnprocessableEntity, "Unprocessable Entity", problem)
		}
		return ok(s.reviewJSON(p)(p.reviews[len(p.reviews)-1]))
	})
}
