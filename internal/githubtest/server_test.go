package githubtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/githubtest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start makes a server with a first commit, and two people who may write.
func start(t *testing.T, o githubtest.Options) *githubtest.Server {
	t.Helper()
	s, err := githubtest.New(o)
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.AddUser(githubtest.User{Login: "dev1", Token: "dev", Right: githubtest.Write})
	s.AddUser(githubtest.User{Login: "op1", Token: "op", Right: githubtest.Write})
	if s.Head("main") == "" {
		commit(t, s, "main", "README.md", "shop")
	}
	return s
}

func commit(t *testing.T, s *githubtest.Server, branch, path, content string) string {
	t.Helper()
	sha, err := s.Commit(githubtest.Commit{Branch: branch, Message: "Change " + path, Files: map[string]string{path: content}})
	must(t, err)
	return sha
}

// graph runs a query and returns the answer as text.
func graph(t *testing.T, s *githubtest.Server, token, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query})
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/api/graphql", strings.NewReader(string(body)))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	must(t, err)
	return strings.TrimSpace(string(out))
}

func TestGraphQL(t *testing.T) {
	s := start(t, githubtest.Options{})
	commit(t, s, "b", "f", "1")
	_, err := s.Propose("dev1", githubtest.Proposal{Title: "t", Head: "b", Base: "main"})
	must(t, err)
	repo := func(fields string) string { return `{ repository(owner: "acme", name: "shop") { ` + fields + ` } }` }
	for query, want := range map[string]string{
		`{ viewer { __typename me: login } }`:  `{"data":{"viewer":{"__typename":"User","me":"op1"}}}`,
		`{ viewer { age } }`:                   `Cannot query field \"age\" on type \"User\"`,
		`{ viewer `:                            `"errors":[{"message":`,
		`mutation { x }`:                       `"errors":[{"message":`,
		`query($x: Int!) { viewer { login } }`: `"errors":[{"message":`,
		repo(`pullRequest(number: 1) { number author{login} }`):                                                                `{"data":{"repository":{"pullRequest":{"author":{"login":"dev1"},"number":1}}}}`,
		repo(`pullRequest(number: 2) { number }`):                                                                              `{"data":{"repository":{"pullRequest":null}},"errors":[{"type":"NOT_FOUND","path":["repository","pullRequest"]`,
		repo(`pullRequest(number: "1") { number }`):                                                                            `"errors":[{"message":`,
		repo(`pullRequests { nodes { number } }`):                                                                              "\"type\":\"MISSING_PAGINATION_BOUNDARIES\"",
		repo(`pullRequests(first: 101) { nodes { number } }`):                                                                  `"type":"EXCESSIVE_PAGINATION"`,
		repo(`pullRequests(first: 9, states: [MERGED]) { totalCount nodes { number } }`):                                       `{"data":{"repository":{"pullRequests":{"nodes":[],"totalCount":0}}}}`,
		repo(`pullRequests(first: 9, after: "x") { nodes { number } }`):                                                        `"type":"INVALID_CURSOR_ARGUMENTS"`,
		`{ repository(owner: "acme", name: "other") { nameWithOwner } }`:                                                       `{"data":{"repository":null},"errors":[{"type":"NOT_FOUND","path":["repository"]`,
		`{ a: repository(owner: "acme", name: "shop") { ...x } } fragment x on Repository { n: nameWithOwner }`:                `{"data":{"a":{"n":"acme/shop"}}}`,
		repo(`object(oid: "0000000000000000000000000000000000000000") { oid }`):                                                `{"data":{"repository":{"object":null}}}`,
		repo(fmt.Sprintf(`object(oid: "%s") { __typename oid ... on Blob { x: oid } ... on Commit { y: oid } }`, s.Head("b"))): `{"data":{"repository":{"object":{"__typename":"Commit","oid":"` + s.Head("b") + `","y":"` + s.Head("b") + `"}}}}`,
	} {
		if got := graph(t, s, "op", query); !strings.Contains(got, want) || want[0] == '{' && !strings.HasPrefix(got, want) {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
	if got := graph(t, s, "nobody", `{ viewer { login } }`); !strings.Contains(got, "Bad credentials") {
		t.Errorf("%s", got)
	}
}

// A null where none may be takes its parent along, as the specification says.
func TestGraphQLNullsTravelUp(t *testing.T) {
	s := start(t, githubtest.Options{})
	s.AddUser(githubtest.User{Login: "dev2", Token: "dev2", Right: githubtest.Read, Denied: []string{"pull_requests"}})
	got := graph(t, s, "dev2", `{ repository(owner: "acme", name: "shop") { pullRequests(first: 1) { totalCount } } viewer { login } }`)
	want := `{"data":{"repository":null,"viewer":{"login":"dev2"}},"errors":[{"type":"FORBIDDEN","path":["repository","pullRequests"],"locations":[{"column":45,"line":1}],"message":"Resource not accessible by personal access token"}]}`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func pullState(t *testing.T, s *githubtest.Server, number int) string {
	t.Helper()
	return graph(t, s, "op", fmt.Sprintf(`{ repository(owner: "acme", name: "shop") { pullRequest(number: %d) { state mergeCommit { oid } headRefOid } } }`, number))
}

func TestBranchesMovePullRequests(t *testing.T) {
	s := start(t, githubtest.Options{})
	for i, b := range []string{"deleted", "pushed", "merged"} {
		commit(t, s, b, b, "1")
		if n, err := s.Propose("dev1", githubtest.Proposal{Title: b, Head: b, Base: "main"}); err != nil || n != i+1 {
			t.Fatal(n, err)
		}
	}
	git := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "git", append([]string{"--git-dir", s.Dir()}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %s", args, out)
		}
	}
	git("branch", "-D", "deleted")
	moved := commit(t, s, "pushed", "more", "1")
	git("update-ref", "refs/heads/main", s.Head("merged"))
	for number, want := range map[int]string{
		1: `"mergeCommit":null,"state":"CLOSED"`,
		2: `"headRefOid":"` + moved + `","mergeCommit":null,"state":"OPEN"`,
		3: `"mergeCommit":{"oid":"` + s.Head("merged") + `"},"state":"MERGED"`,
	} {
		if got := pullState(t, s, number); !strings.Contains(got, want) {
			t.Errorf("#%d: %s, want %s", number, got, want)
		}
	}
}

func TestRebaseThatConflicts(t *testing.T) {
	s := start(t, githubtest.Options{})
	commit(t, s, "b", "README.md", "one")
	commit(t, s, "b", "README.md", "shop") // and back again: merges, but does not replay
	commit(t, s, "b", "f", "1")
	n, err := s.Propose("dev1", githubtest.Proposal{Title: "t", Head: "b", Base: "main"})
	must(t, err)
	before := commit(t, s, "main", "README.md", "two")
	if _, err := s.Merge(n, "op1", "rebase"); err == nil || !strings.Contains(err.Error(), "can't be rebased") || s.Head("main") != before {
		t.Errorf("%v", err)
	}
	if _, err := s.Merge(n, "op1", "merge"); err != nil {
		t.Error(err)
	}
}

// The past of a repository that exists already.
func TestImportMerged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "repo.git")
	first := start(t, githubtest.Options{Dir: dir})
	for _, method := range []string{"squash", "merge"} {
		commit(t, first, method, method, "1")
		n, err := first.Propose("dev1", githubtest.Proposal{Title: "By " + method, Head: method, Base: "main"})
		must(t, err)
		_, err = first.Merge(n, "op1", method)
		must(t, err)
	}
	s := start(t, githubtest.Options{Dir: dir})
	must(t, s.ImportMerged("main", func(int, string) []string { return []string{"op1"} }))
	got := graph(t, s, "op", `{ repository(owner: "acme", name: "shop") { pullRequests(first: 9) { nodes { number title state author { login } mergeCommit { oid } commits(last: 1) { nodes { commit { oid } } } latestOpinionatedReviews(first: 1) { nodes { state author { login } } } } } } }`)
	review := `"latestOpinionatedReviews":{"nodes":[{"author":{"login":"op1"},"state":"APPROVED"}]}`
	for _, want := range []string{
		`{"author":{"login":"dev1"},"commits":{"nodes":[{"commit":{"oid":"` + s.Head("merge") + `"}}]},` + review + `,"mergeCommit":{"oid":"` + s.Head("main") + `"},"number":2,"state":"MERGED","title":"By merge"}`,
		review + `,"mergeCommit":{"oid":"`,
		`"number":1,"state":"MERGED","title":"By squash"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	commit(t, s, "next", "n", "1")
	if n, err := s.Propose("dev1", githubtest.Proposal{Title: "t", Head: "next", Base: "main"}); err != nil || n != 3 {
		t.Errorf("#%d, %v", n, err)
	}
	if err := s.AddMerged(githubtest.Merged{Number: 9, Commit: strings.Repeat("ab", 20)}); err == nil {
		t.Error("a commit that does not exist was taken")
	}
}

func TestPages(t *testing.T) {
	s := start(t, githubtest.Options{})
	commit(t, s, "b", "f", "1")
	n, err := s.Propose("dev1", githubtest.Proposal{Title: "<script>x</script>", Body: "<b>", Head: "b", Base: "main"})
	must(t, err)
	must(t, s.Approve(n, "op1"))
	must(t, s.SetCheck(s.Head("b"), "build", "success"))
	for path, want := range map[string]string{
		"":                      "&lt;script&gt;x",
		fmt.Sprint("/pull/", n): "op1: APPROVED",
		"/pull/99":              "Not Found",
		"/pull/x":               "Not Found",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.RepositoryURL()+path, nil)
		must(t, err)
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		if !strings.Contains(string(body), want) || strings.Contains(string(body), "<script>") {
			t.Errorf("%q: %s", path, body)
		}
	}
}

func TestNewAndClose(t *testing.T) {
	if s, err := githubtest.New(githubtest.Options{Listen: "0.0.0.0:0"}); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("%v, %v", s, err)
	}
	s, err := githubtest.New(githubtest.Options{Owner: "petstore", Name: "environments", Branch: "trunk"})
	must(t, err)
	if got, err := os.ReadFile(filepath.Join(s.Dir(), "HEAD")); err != nil || strings.TrimSpace(string(got)) != "ref: refs/heads/trunk" {
		t.Errorf("%s, %v", got, err)
	}
	if want := s.URL() + "/petstore/environments.git"; s.CloneURL() != want {
		t.Errorf("%s, want %s", s.CloneURL(), want)
	}
	must(t, s.Close())
	if _, err := os.Stat(s.Dir()); !os.IsNotExist(err) {
		t.Errorf("the repository is still there: %v", err)
	}
}
