package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/model"
)

// history merges n pull requests and returns the commits of main, by number.
func (w *world) history(n int) map[int]string {
	w.t.Helper()
	commits := map[int]string{}
	for i := range n {
		number, _ := w.propose(fmt.Sprintf("b%d", i), map[string]string{fmt.Sprintf("f%d", i): "x\n"})
		w.do(w.Approve(number, "op1"))
		commit, err := w.Merge(number, "op1", "squash")
		w.do(err)
		commits[number] = commit
	}
	return commits
}

func TestPullRequestsOf(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	commits := w.history(3)
	direct := w.commit("main", "pushed directly", map[string]string{"d": "1"})
	open, head := w.propose("open", map[string]string{"o": "1"})
	closed, given := w.propose("closed", map[string]string{"c": "1"})
	w.do(w.ClosePull(closed))
	unknown := strings.Repeat("ab", 20)
	all := append([]string{direct, head, given, unknown, w.first, commits[1]}, commits[1], commits[2], commits[3])
	g := w.client(opToken)
	w.ClearLog()
	found, err := g.PullRequestsOf(t.Context(), all)
	w.do(err)
	if len(found) != 3 {
		t.Errorf("found %d, want 3 (and neither the open #%d nor the closed #%d)", len(found), open, closed)
	}
	for number, commit := range commits {
		pr := found[commit]
		if pr.Number != number || pr.MergeCommit != commit || pr.Checks != model.CheckNone || !slices.Equal(pr.Approvals, []string{"op1"}) || pr.Author != "dev1" {
			t.Errorf("%s: %+v", commit, pr)
		}
	}
	if n := len(w.Log()); n != 1 {
		t.Errorf("%d requests for one batch", n)
	}
	if found, err := g.PullRequestsOf(t.Context(), nil); err != nil || len(found) != 0 {
		t.Errorf("of nothing: %v, %v", found, err)
	}
	for _, bad := range []string{"", "main", commits[1][:7], `x") { evil`} {
		_, err := g.PullRequestsOf(t.Context(), []string{bad})
		checkError(t, w, err, forge.ErrInvalid, model.ExitUnreachable, "hash")
	}
}

// A pull request that was merged by rebase stands for several commits.
func TestRebasedCommitsShareAPullRequest(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	w.propose("two", map[string]string{"a": "1"})
	w.commit("two", "Second", map[string]string{"b": "1"})
	last, err := w.Merge(1, "op1", "rebase")
	w.do(err)
	out, err := gitIn(t, w.Dir(), "", "rev-list", w.first+".."+last)
	w.do(err)
	commits := strings.Fields(out)
	found, err := w.client(opToken).PullRequestsOf(t.Context(), commits)
	w.do(err)
	if len(commits) != 2 || found[commits[0]].Number != 1 || found[commits[1]].Number != 1 {
		t.Errorf("%v: %+v", commits, found)
	}
}

// Queries that are too large time out at the forge; smaller ones do not.
func TestBatchesAreHalved(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	commits := w.history(5)
	list := slices.Collect(func(yield func(string) bool) {
		for _, c := range commits {
			if !yield(c) {
				return
			}
		}
	})
	large := githubtest.BadGateway()
	large.Path = "/graphql"
	large.Match = func(r githubtest.Request) bool { return strings.Contains(r.Body, "c2: object") }
	w.Inject(large)
	found, err := w.client(opToken).PullRequestsOf(t.Context(), list)
	if err != nil || len(found) != 5 {
		t.Errorf("%d of 5: %v", len(found), err)
	}
	always := githubtest.Fault{Path: "/graphql", Match: func(r githubtest.Request) bool { return strings.Contains(r.Body, list[4]) }, Status: http.StatusOK,
		Body: `{"data":null,"errors":[{"message":"Something went wrong while executing your query on 2026-10-05. This may be the result of a timeout, or it could be a GitHub bug."}]}`}
	w.Inject(always)
	found, err = w.client(opToken).PullRequestsOf(t.Context(), list)
	checkError(t, w, err, forge.ErrUnavailable, model.ExitUnreachable, "Something went wrong")
	if _, bad := found[list[4]]; bad || len(found) > 4 {
		t.Errorf("%d found", len(found))
	}
}

func TestOpen(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	scale, head := w.propose("scale", map[string]string{"environments/production/app.yaml": "replicas: 2\n", "README.md": "more\n"})
	conflict, _ := w.propose("conflict", map[string]string{"environments/production/app.yaml": "replicas: 9\n"})
	w.commit("release", "a release", map[string]string{"r": "1"})
	w.commit("fix", "a fix", map[string]string{"f": "1"})
	draft, err := w.Propose("op1", githubtest.Proposal{Title: "Draft", Head: "fix", Base: "release", Draft: true})
	w.do(err)
	w.commit("main", "meanwhile", map[string]string{"environments/production/app.yaml": "replicas: 5\n"})
	w.do(w.Approve(conflict, "op1"))
	for name, state := range map[string]string{"build": "success", "lint": "failure", "docs": "skipped", "e2e": "in_progress"} {
		w.do(w.SetCheck(head, name, state))
	}
	g := w.client(opToken)
	w.do(g.SetStatus(t.Context(), head, forge.Status{Context: "ci/cloud", State: forge.StatusPending, Description: "queued", URL: "https://ci.example/1"}))
	w.ClearLog()
	list, err := g.Open(t.Context(), "main")
	w.do(err)
	if len(list) != 2 || list[0].Number != conflict || list[1].Number != scale {
		t.Fatalf("%+v", list)
	}
	if n := len(w.Log()); n != 2 {
		t.Errorf("%d requests: %+v", n, w.Log())
	}
	p := list[1]
	if p.Mergeable != model.MergeableConflict || p.Checks != model.CheckFailure || p.Head != head || p.Ref != "scale" || p.Base != "main" || p.ChecksNote != "" {
		t.Errorf("%+v", p)
	}
	if want := []string{"README.md", "environments/production/app.yaml"}; !slices.Equal(p.Files, want) || p.FilesCut {
		t.Errorf("files %q", p.Files)
	}
	got := map[string]model.CheckState{}
	for _, c := range p.CheckRuns {
		got[c.Name] = c.State
	}
	if fmt.Sprint(got) != "map[build:success ci/cloud:pending docs:skipped e2e:pending lint:failure]" {
		t.Errorf("checks %v", got)
	}
	if p = list[0]; !slices.Equal(p.Approvals, []string{"op1"}) || p.Checks != model.CheckNone {
		t.Errorf("%+v", p)
	}
	if list, err = g.Open(t.Context(), ""); err != nil || len(list) != 3 || !list[0].Draft || list[0].Number != draft {
		t.Errorf("of all branches: %+v, %v", list, err)
	}
}

func TestOpenPages(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	for i := range 28 {
		w.propose(fmt.Sprintf("b%d", i), map[string]string{"f": fmt.Sprint(i)})
	}
	small := githubtest.BadGateway()
	small.Match = func(r githubtest.Request) bool { return strings.Contains(r.Body, `"first":25`) }
	for name, f := range map[string]func(){"in pages": func() {}, "in smaller pages": func() { w.Inject(small) }} {
		f()
		list, err := w.client(opToken).Open(t.Context(), "main")
		w.do(err)
		seen := map[int]bool{}
		for _, p := range list {
			seen[p.Number] = true
		}
		if len(list) != 28 || len(seen) != 28 {
			t.Errorf("%s: %d, of them %d different", name, len(list), len(seen))
		}
	}
}

// GraphQL tells neither where a renamed file was nor more than 100 of them.
func TestFilesOfLargeAndRenaming(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	files := map[string]string{}
	for i := range 230 {
		files[fmt.Sprintf("many/%03d.yaml", i)] = "x"
	}
	many, _ := w.propose("many", files)
	if _, err := w.Commit(githubtest.Commit{Branch: "move", Message: "Move", Delete: []string{"environments/production/app.yaml"}, Files: map[string]string{"elsewhere/app.yaml": "replicas: 1\n"}}); err != nil {
		t.Fatal(err)
	}
	move, err := w.Propose("dev1", githubtest.Proposal{Title: "Move", Head: "move", Base: "main"})
	w.do(err)
	g := w.client(opToken)
	p, err := g.Get(t.Context(), many)
	w.do(err)
	if len(p.Files) != 230 || p.FilesCut || !slices.IsSorted(p.Files) {
		t.Errorf("%d files, cut %v", len(p.Files), p.FilesCut)
	}
	p, err = g.Get(t.Context(), move)
	w.do(err)
	if want := []string{"elsewhere/app.yaml", "environments/production/app.yaml"}; !slices.Equal(p.Files, want) || p.FilesCut {
		t.Errorf("files %q, cut %v", p.Files, p.FilesCut)
	}
	w.Inject(githubtest.Fault{Path: "/files", Status: http.StatusOK, Body: `[{"filename":"many/000.yaml"}]`})
	p, err = g.Get(t.Context(), many)
	if err != nil || !p.FilesCut || len(p.Files) != 1 {
		t.Errorf("%d files of 230 and cut is %v: %v", len(p.Files), p.FilesCut, err)
	}
}

func TestNextPageOnAnotherHost(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	number, _ := w.propose("b", map[string]string{"f": "1"})
	w.Inject(githubtest.Fault{Path: "/comments", Method: http.MethodGet, Status: http.StatusOK, Body: `[]`,
		Header: http.Header{"Link": {`<https://evil.example/x?page=2>; rel="next", <https://evil.example/x?page=3>; rel="last"`}}})
	err := w.client(opToken).UpsertComment(t.Context(), number, "mark", "text")
	checkError(t, w, err, forge.ErrUnavailable, model.ExitUnreachable, "evil.example")
}

// Only who may write has a say; a reader's or the author's approval has none.
func TestApprovalsOfWritersOnly(t *testing.T) {
	w := newWorld(t, githubtest.Options{Public: true})
	w.AddUser(githubtest.User{Login: "reader", Token: "r", Right: githubtest.Read})
	number, _ := w.propose("b", map[string]string{"f": "1"})
	w.do(w.Approve(number, "reader"))
	if err := w.Approve(number, "dev1"); err == nil {
		t.Error("dev1 approved what dev1 wrote")
	}
	w.do(w.Approve(number, "op1"))
	w.do(w.Review(number, "op1", "COMMENT", "and a remark"))
	p, err := w.client(opToken).Get(t.Context(), number)
	w.do(err)
	if !slices.Equal(p.Approvals, []string{"op1"}) || len(p.Reviews) != 1 {
		t.Errorf("%+v", p)
	}
	w.do(w.Review(number, "op1", "REQUEST_CHANGES", "no"))
	if p, err = w.client(opToken).Get(t.Context(), number); err != nil || len(p.Approvals) != 0 || !slices.Equal(p.Objections(), []string{"op1"}) {
		t.Errorf("%+v, %v", p, err)
	}
}

// A fine-grained token cannot read check runs; the rest must stay readable.
func TestChecksThatAreNotReadable(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	number, head := w.propose("b", map[string]string{"f": "1"})
	w.do(w.SetCheck(head, "build", "success"))
	w.do(w.client(opToken).SetStatus(t.Context(), head, forge.Status{Context: "ci", State: forge.StatusSuccess}))
	for _, c := range []struct {
		denied []string
		sum    model.CheckState
		listed []string
		note   string
	}{
		{nil, model.CheckSuccess, []string{"build", "ci"}, ""},
		{[]string{"checks"}, model.CheckSuccess, []string{"ci"}, "not readable with this token"},
		{[]string{"checks", "statuses"}, model.CheckSuccess, nil, "not readable with this token"},
		{[]string{"statusCheckRollup"}, model.CheckUnknown, []string{"ci"}, "not readable with this token: Resource not accessible"},
	} {
		w.AddUser(githubtest.User{Login: "dev2", Token: "t2", Right: githubtest.Write, Denied: c.denied})
		g := w.client("t2")
		p, err := g.Get(t.Context(), number)
		w.do(err)
		var names []string
		for _, run := range p.CheckRuns {
			names = append(names, run.Name)
		}
		if p.Checks != c.sum || !slices.Equal(names, c.listed) || !strings.Contains(p.ChecksNote, c.note) || (c.note == "") != (p.ChecksNote == "") {
			t.Errorf("without %v: %s %v %q", c.denied, p.Checks, names, p.ChecksNote)
		}
		if list, err := g.Open(t.Context(), "main"); err != nil || len(list) != 1 || list[0].Checks != c.sum {
			t.Errorf("without %v: %+v, %v", c.denied, list, err)
		}
	}
	w.do(w.client(opToken).SetStatus(t.Context(), head, forge.Status{Context: "ci", State: forge.StatusError}))
	if p, err := w.client("t2").Get(t.Context(), number); err != nil || p.Checks != model.CheckFailure {
		t.Errorf("a failed status that is readable: %+v, %v", p, err)
	}
	commit, err := w.Merge(number, "op1", "merge")
	w.do(err)
	found, err := w.client("t2").PullRequestsOf(t.Context(), []string{commit, w.first})
	if err != nil || found[commit].Checks != model.CheckUnknown || found[commit].ChecksNote == "" || found[commit].Number != number {
		t.Errorf("%+v, %v", found, err)
	}
}

// What cannot be read of one commit leaves the others.
func TestPartialData(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	commits := w.history(2)
	pair := []string{commits[1], commits[2]}
	slices.Sort(pair)
	w.Inject(githubtest.Fault{Path: "/graphql", Status: http.StatusOK, Body: `{"data":{"repository":{"c0":{"associatedPullRequests":null},"c1":{"associatedPullRequests":{"nodes":[null,
		{"number":7,"state":"MERGED","mergedAt":"2026-10-01T10:00:00Z","mergeCommit":{"oid":"` + pair[1] + `"},"headRefOid":"x","commits":{"nodes":[]}}]}}}},
		"errors":[{"type":"FORBIDDEN","path":["repository","c0","associatedPullRequests"],"message":"Resource not accessible by integration"}]}`})
	found, err := w.client(opToken).PullRequestsOf(t.Context(), pair)
	checkError(t, w, err, forge.ErrForbidden, model.ExitUnreachable, pair[0][:7], "not accessible")
	if p := found[pair[1]]; p.Number != 7 || p.Author != "ghost" || len(found) != 1 {
		t.Errorf("%+v", found)
	}
}

func TestBranchHeadIsAskedConditionally(t *testing.T) {
	w := newWorld(t, githubtest.Options{RateLimit: 3})
	w.commit("feature/a%41#1", "x", map[string]string{"f": "1"})
	g := w.client(opToken)
	for range 10 {
		if sha, err := g.BranchHead(t.Context(), "main"); err != nil || sha != w.first {
			t.Fatalf("%s, %v", sha, err)
		}
	}
	if n := w.count(func(r githubtest.Request) bool { return r.Conditional && r.Status == http.StatusNotModified }); n != 9 {
		t.Errorf("%d conditional requests of 10", n)
	}
	moved := w.commit("main", "moved", map[string]string{"f": "1"})
	if sha, err := g.BranchHead(t.Context(), "main"); err != nil || sha != moved {
		t.Errorf("%s, want %s: %v", sha, moved, err)
	}
	if sha, err := g.BranchHead(t.Context(), "feature/a%41#1"); err != nil || sha != w.Head("feature/a%41#1") {
		t.Errorf("%s, %v", sha, err)
	}
	for _, bad := range []string{"", "a//b", "../../user", "/x"} {
		_, err := g.BranchHead(t.Context(), bad)
		checkError(t, w, err, forge.ErrInvalid, model.ExitUnreachable)
	}
	g = newWorld(t, githubtest.Options{}).client(opToken)
	if _, err := g.BranchHead(t.Context(), "nowhere"); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestViewer(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	if login, err := w.client(opToken).Viewer(t.Context()); err != nil || login != "op1" {
		t.Errorf("%s, %v", login, err)
	}
}
