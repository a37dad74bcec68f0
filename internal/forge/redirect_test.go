package forge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/model"
)

// A renamed repository answers with redirects. They are followed; the token
// follows on the same host only, and a write never leaves it.
func TestRedirects(t *testing.T) {
	var there []*http.Request
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there = append(there, r.Clone(t.Context()))
		http.NotFound(w, r)
	}))
	defer elsewhere.Close()
	w := newWorld(t, githubtest.Options{})
	number, head := w.propose("b", map[string]string{"f": "1"})
	renamed := func(base string) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, base+strings.Replace(r.URL.Path, "/renamed/", "/acme/", 1), http.StatusTemporaryRedirect)
		})
	}
	old := func(token, base string) *forge.GitHub {
		// In front of the server, on its own host: answers for the old name.
		front := transport(func(r *http.Request) (*http.Response, error) {
			if !strings.Contains(r.URL.Path, "/renamed/") {
				return http.DefaultTransport.RoundTrip(r)
			}
			rec := httptest.NewRecorder()
			renamed(base).ServeHTTP(rec, r)
			return rec.Result(), nil
		})
		return w.client(token, func(c *forge.Config) { c.HTTP, c.Repository.Owner = &http.Client{Transport: front}, "renamed" })
	}
	g := old(opToken, w.URL())
	if sha, err := g.BranchHead(t.Context(), "main"); err != nil || sha != w.first {
		t.Errorf("a read on the same host: %s, %v", sha, err)
	}
	if _, err := g.Merge(t.Context(), number, head, forge.MergeCommit); err != nil {
		t.Errorf("a write on the same host: %v", err)
	}

	g = old(opToken, elsewhere.URL)
	_, err := g.BranchHead(t.Context(), "main")
	checkError(t, w, err, forge.ErrNotFound, model.ExitUnreachable)
	if len(there) != 1 || there[0].Header.Get("Authorization") != "" {
		t.Errorf("the other host was asked %d times, with the token %v", len(there), len(there) > 0 && there[0].Header.Get("Authorization") != "")
	}
	err = g.Comment(t.Context(), number, "secret")
	checkError(t, w, err, forge.ErrNotFound, model.ExitUnreachable, "moved to "+elsewhere.URL, "update the remote")
	if len(there) != 1 {
		t.Error("a write went to another host")
	}
}

func TestNoTokenOverPlainHTTP(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	g := w.client(opToken, func(c *forge.Config) {
		c.BaseURL = "http://git.acme.example/api/v3"
		c.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			t.Errorf("asked %s", r.URL)
			return nil, http.ErrServerClosed
		})}
	})
	_, err := g.BranchHead(t.Context(), "main")
	checkError(t, w, err, forge.ErrInvalid, model.ExitUnreachable, "plain http")
	_, err = g.Viewer(t.Context())
	checkError(t, w, err, forge.ErrInvalid, model.ExitUnreachable, "plain http")
}

func TestHeaders(t *testing.T) {
	var seen http.Header
	w := newWorld(t, githubtest.Options{})
	g := w.client(opToken, func(c *forge.Config) {
		c.UserAgent = "fairtide/1.2"
		c.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			seen = r.Header.Clone()
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	w.do(g.SetStatus(t.Context(), w.first, forge.Status{Context: "c", State: forge.StatusSuccess}))
	for k, want := range map[string]string{
		"User-Agent": "fairtide/1.2", "Accept": "application/vnd.github+json", "X-Github-Api-Version": "2022-11-28",
		"Authorization": "Bearer " + opToken, "Content-Type": "application/json",
	} {
		if seen.Get(k) != want {
			t.Errorf("%s: %q", k, seen.Get(k))
		}
	}
}
