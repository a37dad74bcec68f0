package githubtest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// reply is an answer of the interface.
type reply struct {
	status int
	body   any
	header http.Header
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

// refuse is an error in GitHub's form; errs are the details of a 422.
func refuse(status int, message string, errs ...any) reply {
	body := map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest"}
	if len(errs) > 0 {
		body["errors"] = errs
	}
	return reply{status: status, body: body}
}

func notFound() reply { return refuse(http.StatusNotFound, "Not Found") }

func internal(err error) reply { return refuse(http.StatusInternalServerError, err.Error()) }

// ask is a request to the REST interface of the repository.
type ask struct {
	*http.Request
	user *User
}

// decode reads the body; the reply's status is 0 when that went well.
func (a ask) decode(v any) reply {
	if err := json.NewDecoder(a.Body).Decode(v); err != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	return reply{}
}

func (a ask) number(name string) int {
	n, _ := strconv.Atoi(a.PathValue(name)) // 0 is the number of nothing
	return n
}

// serveREST answers a request below /api/v3.
func (s *Server) serveREST(w *response, r *http.Request, u *User, bad bool) {
	if bad {
		s.answer(w, refuse(http.StatusUnauthorized, "Bad credentials"))
		return
	}
	if limited, ok := s.spend(w.header, "core"); !ok {
		s.answer(w, limited)
		return
	}
	s.rest.ServeHTTP(userWriter{w, u}, r)
	if r.Method == http.MethodGet && w.status() == http.StatusOK {
		s.conditional(w, r)
	}
}

// userWriter carries the user through the mux.
type userWriter struct {
	*response
	user *User
}

// conditional gives the answer an ETag, and makes it a 304 when the client
// has it; that costs nothing of the limit.
func (s *Server) conditional(w *response, r *http.Request) {
	etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(w.body.Bytes()))
	w.header.Set("ETag", etag)
	w.header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	if r.Header.Get("If-None-Match") != etag {
		return
	}
	w.code = http.StatusNotModified
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spent["core"]--
	s.limitHeaders(w.header, "core")
}

// spend counts a request against the hour's limit.
func (s *Server) spend(h http.Header, resource string) (refused reply, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.o.Now(); !now.Before(s.reset) {
		s.spent, s.reset = map[string]int{}, now.Add(time.Hour)
	}
	if s.spent[resource] >= s.o.RateLimit {
		s.limitHeaders(h, resource)
		return refuse(http.StatusForbidden, "API rate limit exceeded for user ID 1."), false
	}
	s.spent[resource]++
	s.limitHeaders(h, resource)
	return reply{}, true
}

func (s *Server) limitHeaders(h http.Header, resource string) {
	used := s.spent[resource]
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.o.RateLimit))
	h.Set("X-RateLimit-Used", strconv.Itoa(used))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(s.o.RateLimit-used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(s.reset.Unix(), 10))
	h.Set("X-RateLimit-Resource", resource)
}

// answer writes a reply.
func (s *Server) answer(w http.ResponseWriter, re reply) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
	for k, v := range re.header {
		w.Header()[k] = v
	}
	w.WriteHeader(re.status)
	if re.body == nil {
		return
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(re.body) // of maps of texts and numbers, into memory
}

// routes are the paths the server knows. Each asks for a permission: without
// the right to read, the repository does not exist.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	repo := func(pattern, permission string, right Right, handle func(ask) reply) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /api/v3/repos/{owner}/{repo}"+path, func(w http.ResponseWriter, r *http.Request) {
			u := w.(userWriter).user
			s.answer(w, s.guarded(r, u, permission, right, handle))
		})
	}
	repo("GET ", "metadata", Read, s.getRepository)
	repo("GET /pulls", "pull_requests", Read, s.listPulls)
	repo("POST /pulls", "pull_requests", Write, s.createPull)
	repo("GET /pulls/{number}", "pull_requests", Read, s.getPull)
	repo("PATCH /pulls/{number}", "pull_requests", Write, s.patchPull)
	repo("GET /pulls/{number}/files", "pull_requests", Read, s.pullFiles)
	repo("PUT /pulls/{number}/merge", "contents", Write, s.mergePull)
	repo("GET /pulls/{number}/reviews", "pull_requests", Read, s.listReviews)
	repo("POST /pulls/{number}/reviews", "pull_requests", Read, s.createReview)
	repo("GET /issues/{number}/comments", "issues", Read, s.listComments)
	repo("POST /issues/{number}/comments", "issues", Read, s.createComment)
	repo("PATCH /issues/comments/{id}", "issues", Read, s.patchComment)
	repo("POST /statuses/{sha}", "statuses", Write, s.createStatus)
	repo("GET /commits/{sha}/status", "statuses", Read, s.combinedStatus)
	repo("GET /commits/{sha}/check-runs", "checks", Read, s.checkRuns)
	repo("GET /commits/{sha}/pulls", "pull_requests", Read, s.commitPulls)
	repo("GET /git/ref/heads/{branch...}", "contents", Read, s.getRef)
	mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, r *http.Request) {
		u := w.(userWriter).user
		if u == nil {
			s.answer(w, refuse(http.StatusUnauthorized, "Requires authentication"))
			return
		}
		s.answer(w, ok(s.userJSON(u.Login)))
	})
	mux.HandleFunc("/api/v3/", func(w http.ResponseWriter, r *http.Request) { s.answer(w, notFound()) })
	return mux
}

// guarded runs a handler for a user who may.
func (s *Server) guarded(r *http.Request, u *User, permission string, right Right, handle func(ask) reply) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isRepository(r.PathValue("owner"), r.PathValue("repo")) {
		return notFound()
	}
	if !u.may("", Read) && (!s.o.Public || right != Read) {
		return notFound()
	}
	if u != nil && !u.may(permission, right) && (!s.o.Public || right != Read) {
		re := refuse(http.StatusForbidden, "Resource not accessible by personal access token")
		level := map[bool]string{true: "write", false: "read"}[right >= Write]
		re.header = http.Header{"X-Accepted-Github-Permissions": {permission + "=" + level}}
		return re
	}
	if u == nil && r.Method != http.MethodGet {
		return refuse(http.StatusUnauthorized, "Requires authentication")
	}
	s.refresh(r.Context())
	return handle(ask{r, u})
}

// paged cuts a list to the page that was asked for, with Link headers.
func paged[T any](s *Server, a ask, list []T, shape func(T) map[string]any) reply {
	q := a.URL.Query()
	size, page := 30, 1
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 {
		page = n
	}
	last := max(1, (len(list)+size-1)/size)
	from, to := min(len(list), (page-1)*size), min(len(list), page*size)
	out := make([]map[string]any, 0, to-from)
	for _, v := range list[from:to] {
		out = append(out, shape(v))
	}
	re := ok(out)
	link := func(n int, rel string) string {
		u := url.URL{Path: a.URL.Path}
		q.Set("page", strconv.Itoa(n))
		u.RawQuery = q.Encode()
		return fmt.Sprintf(`<%s%s>; rel="%s"`, s.URL(), u.String(), rel)
	}
	var links []string
	if page > 1 {
		links = append(links, link(page-1, "prev"), link(1, "first"))
	}
	if page < last {
		links = append(links, link(page+1, "next"), link(last, "last"))
	}
	if len(links) > 0 {
		re.header = http.Header{"Link": {strings.Join(links, ", ")}}
	}
	return re
}
