package githubtest

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cgi"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// gitPath is what git asks for below a repository's URL.
var gitPath = regexp.MustCompile(`^/(info/refs|HEAD|git-upload-pack|git-receive-pack|objects/.*)$`)

// serveGitOrPage answers what is not the interface: git, and pages for people.
func (s *Server) serveGitOrPage(w http.ResponseWriter, r *http.Request, u *User, bad bool) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if len(parts) < 2 || !s.isRepository(parts[0], strings.TrimSuffix(parts[1], ".git")) {
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	}
	rest := ""
	if len(parts) == 3 {
		rest = "/" + parts[2]
	}
	if gitPath.MatchString(rest) {
		s.serveGit(w, r, rest, u, bad)
		return
	}
	s.servePage(w, rest)
}

func (s *Server) isRepository(owner, name string) bool {
	return strings.EqualFold(owner, s.o.Owner) && strings.EqualFold(name, s.o.Name)
}

// serveGit hands a request to git http-backend after checking the right to it.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request, rest string, u *User, bad bool) {
	right := Read
	if rest == "/git-receive-pack" || r.URL.Query().Get("service") == "git-receive-pack" {
		right = Write
	}
	switch {
	case bad || u == nil && (right > Read || !s.o.Public):
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, "Invalid username or token. Password authentication is not supported for Git operations.", http.StatusUnauthorized)
		return
	case u != nil && !u.may("contents", Read) && !s.o.Public:
		http.Error(w, "Repository not found.", http.StatusNotFound)
		return
	case right == Write && !u.may("contents", Write):
		http.Error(w, fmt.Sprintf("Permission to %s/%s.git denied to %s.", s.o.Owner, s.o.Name, u.login()), http.StatusForbidden)
		return
	}
	env := append(environment(), "GIT_PROJECT_ROOT="+filepath.Dir(s.bare.dir), "GIT_HTTP_EXPORT_ALL=1")
	if u != nil {
		env = append(env, "REMOTE_USER="+u.Login)
	}
	if v := r.Header.Get("Git-Protocol"); v == "version=2" || v == "version=1" {
		env = append(env, "GIT_PROTOCOL="+v)
	}
	r = r.Clone(r.Context())
	r.URL.Path = "/" + filepath.Base(s.bare.dir) + rest
	r.Header.Del("Authorization") // or it would be in the program's environment
	h := &cgi.Handler{Path: filepath.Join(s.gitCore, "git-http-backend"), Root: "/", Env: env, Stderr: io.Discard}
	h.ServeHTTP(w, r)
	if rest == "/git-receive-pack" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refresh(r.Context())
	}
}

// servePage shows a pull request, or lists them all.
func (s *Server) servePage(w http.ResponseWriter, rest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh(s.ctx)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	esc := html.EscapeString
	if text, ok := strings.CutPrefix(rest, "/pull/"); ok {
		n, err := strconv.Atoi(text)
		p := s.pulls[n]
		if err != nil || p == nil {
			http.Error(w, "Not Found", http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, "<!doctype html><title>#%d</title><h1>%s #%d</h1><p>%s by %s, from %s into %s<pre>%s</pre><ul>",
			n, esc(p.title), n, p.stateName(), esc(p.author), esc(p.head), esc(p.base), esc(p.body))
		for _, v := range p.reviews {
			fmt.Fprintf(w, "<li>%s: %s %.7s", esc(v.author), v.state, v.commit)
		}
		for _, c := range s.latestChecks(p.headSHA) {
			fmt.Fprintf(w, "<li>%s: %s", esc(c.name), esc(c.state))
		}
		fmt.Fprint(w, "</ul>")
		for _, c := range s.comments[n] {
			fmt.Fprintf(w, "<h2>%s</h2><pre>%s</pre>", esc(c.author), esc(c.body))
		}
		return
	}
	fmt.Fprintf(w, "<!doctype html><title>%[1]s</title><h1>%[1]s</h1><ul>", esc(s.o.Owner+"/"+s.o.Name))
	for _, p := range s.sorted() {
		fmt.Fprintf(w, `<li><a href="/%s/%s/pull/%d">#%d</a> %s (%s)`, esc(s.o.Owner), esc(s.o.Name), p.number, p.number, esc(p.title), p.stateName())
	}
	fmt.Fprint(w, "</ul>")
}
