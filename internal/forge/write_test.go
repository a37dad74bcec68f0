package forge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
	"github.com/fairtide-dev/fairtide/model"
)

func TestMergeIsRefused(t *testing.T) {
	file := func(s string) map[string]string { return map[string]string{"environments/production/app.yaml": s} }
	for name, c := range map[string]struct {
		before func(w *world, number int)
		kind   error
		code   model.ExitCode
		words  []string
	}{
		"pushed": {func(w *world, _ int) { w.commit("b", "more", file("replicas: 3\n")) },
			forge.ErrHeadMoved, model.ExitPlanMoved, []string{"was reviewed", "review what was pushed since"}},
		"closed": {func(w *world, n int) { w.do(w.ClosePull(n)) }, forge.ErrClosed, model.ExitPlanMoved, []string{"closed without being merged"}},
		"merged by another": {func(w *world, n int) {
			_, err := w.Merge(n, "op1", "merge")
			w.do(err)
		}, forge.ErrClosed, model.ExitPlanMoved, []string{"merged already, by op1 as "}},
		"conflict": {func(w *world, _ int) { w.commit("main", "meanwhile", file("replicas: 9\n")) },
			forge.ErrNotMergeable, model.ExitRequirements, []string{"conflicts with main", "branch b"}},
		"protected": {func(w *world, _ int) { w.Protect("main", githubtest.Protection{Approvals: 1}) },
			forge.ErrNotMergeable, model.ExitRequirements, []string{"approving review is required"}},
		"check failed": {func(w *world, _ int) {
			w.Protect("main", githubtest.Protection{Checks: []string{"build"}})
			w.do(w.SetCheck(w.Head("b"), "build", "failure"))
		}, forge.ErrNotMergeable, model.ExitRequirements, []string{`"build" is failing`}},
		"no such right": {func(w *world, _ int) {
			w.AddUser(githubtest.User{Login: "op1", Token: opToken, Right: githubtest.Read})
		}, forge.ErrForbidden, model.ExitUnreachable, []string{"token from GH_TOKEN may not", "needs contents=write"}},
		"lost sight of": {func(w *world, _ int) { w.AddUser(githubtest.User{Login: "op1", Token: opToken}) },
			forge.ErrNotFound, model.ExitUnreachable, []string{"name is wrong", "no access"}},
		"somebody keeps merging": {func(w *world, _ int) { w.Inject(githubtest.BaseModified()) },
			forge.ErrNotMergeable, model.ExitRequirements, []string{"others kept merging into main"}},
		"validation": {func(w *world, _ int) {
			w.Inject(githubtest.Fault{Method: http.MethodPut, Status: http.StatusUnprocessableEntity})
		}, forge.ErrNotMergeable, model.ExitRequirements, []string{"Validation Failed"}},
		"a stale 409": {func(w *world, _ int) { w.Inject(githubtest.Fault{Method: http.MethodPut, Status: http.StatusConflict}) },
			forge.ErrNotMergeable, model.ExitRequirements, []string{"Head branch was modified"}},
		"answer lost before it took effect": {func(w *world, _ int) { w.Inject(githubtest.Fault{Method: http.MethodPut, Cut: true}) },
			forge.ErrUnavailable, model.ExitUnreachable, []string{"is not merged", "try again"}},
		"answer lost, and nothing readable": {func(w *world, _ int) { w.Inject(githubtest.Fault{Cut: true}) },
			forge.ErrUnavailable, model.ExitUnreachable, []string{"whether it was merged cannot be read", "/pull/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{})
			number, head := w.propose("b", file("replicas: 2\n"))
			c.before(w, number)
			was := w.Head("main")
			_, err := w.client(opToken).Merge(t.Context(), number, head, forge.MergeCommit)
			checkError(t, w, err, c.kind, c.code, append(c.words, "cannot merge pull request #1")...)
			if w.Head("main") != was {
				t.Error("main has moved")
			}
		})
	}
}

func TestMergeDraft(t *testing.T) {
	w := newWorld(t, githubtest.Options{Methods: []string{"squash"}})
	head := w.commit("b", "b", map[string]string{"f": "1"})
	g := w.client(devToken)
	pr, err := g.Create(t.Context(), forge.NewPullRequest{Title: "t", Head: "b", Base: "main", Draft: true})
	w.do(err)
	_, err = g.Merge(t.Context(), pr.Number, head, forge.MergeSquash)
	checkError(t, w, err, forge.ErrNotMergeable, model.ExitRequirements, "draft")
	n, head := w.propose("c", map[string]string{"f": "2"})
	_, err = g.Merge(t.Context(), n, head, forge.MergeCommit)
	checkError(t, w, err, forge.ErrNotMergeable, model.ExitRequirements, "Merge commits are not allowed")
	_, err = g.Merge(t.Context(), n, "main", forge.MergeSquash)
	checkError(t, w, err, forge.ErrInvalid, model.ExitUnreachable, "full hash")
}

// A refusal because of somebody else's merge goes away; the head is looked at
// again before each further try.
func TestMergeWhileOthersMerge(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	number, head := w.propose("b", map[string]string{"f": "1"})
	busy := githubtest.BaseModified()
	busy.Times = 2
	w.Inject(busy)
	commit, err := w.client(opToken).Merge(t.Context(), number, head, forge.MergeCommit)
	if err != nil || commit != w.Head("main") {
		t.Fatalf("%s, %v", commit, err)
	}
	if n := w.count(to(http.MethodPut, "/merge")); n != 3 || w.clock.waited() == 0 {
		t.Errorf("%d tries, waited %s", n, w.clock.waited())
	}
}

// The answer is lost but the merge took effect: that must not look like a failure.
func TestMergeWhoseAnswerIsLost(t *testing.T) {
	for name, f := range map[string]githubtest.Fault{
		"cut": {Method: http.MethodPut, Late: true, Cut: true}, "502": {Method: http.MethodPut, Late: true, Status: http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{})
			number, head := w.propose("b", map[string]string{"f": "1"})
			w.Inject(f)
			commit, err := w.client(opToken).Merge(t.Context(), number, head, forge.MergeCommit)
			if err != nil || commit != w.Head("main") || commit == w.first {
				t.Errorf("%s, %v", commit, err)
			}
			if n := w.count(to(http.MethodPut, "/merge")); n != 1 {
				t.Errorf("the merge was sent %d times", n)
			}
		})
	}
}

func TestCreateIsRefused(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	w.propose("taken", map[string]string{"f": "1"})
	w.commit("free", "free", map[string]string{"g": "1"})
	_, err := w.Commit(githubtest.Commit{Branch: "other", Message: "x", Files: map[string]string{"h": "1"}})
	w.do(err)
	if out, err := gitIn(t, w.Dir(), "", "branch", "same", "main"); err != nil {
		t.Fatal(out)
	}
	g := w.client(devToken)
	for _, c := range []struct {
		n     forge.NewPullRequest
		kind  error
		words []string
	}{
		{forge.NewPullRequest{Title: "t", Head: "taken", Base: "main"}, forge.ErrExists, []string{"#1 does that already", "/pull/1"}},
		{forge.NewPullRequest{Title: "t", Head: "nowhere", Base: "main"}, forge.ErrInvalid, []string{"nowhere is not on the forge; push it"}},
		{forge.NewPullRequest{Title: "t", Head: "free", Base: "nowhere"}, forge.ErrInvalid, []string{"no branch nowhere"}},
		{forge.NewPullRequest{Title: "t", Head: "same", Base: "main"}, forge.ErrInvalid, []string{"nothing to propose"}},
		{forge.NewPullRequest{Head: "free", Base: "main"}, forge.ErrInvalid, []string{"PullRequest title missing_field"}},
	} {
		_, err := g.Create(t.Context(), c.n)
		checkError(t, w, err, c.kind, model.ExitUnreachable, append(c.words, "open a pull request from "+c.n.Head)...)
	}
	_, err = g.Create(t.Context(), forge.NewPullRequest{Title: "t", Head: "taken", Base: "main"})
	var exists *forge.ExistsError
	if !errors.As(err, &exists) || exists.PullRequest.Number != 1 || exists.PullRequest.Head != w.Head("taken") {
		t.Errorf("%+v", exists)
	}
	pr, err := g.Create(t.Context(), forge.NewPullRequest{Title: "second base", Head: "taken", Base: "other"})
	if err != nil || pr.Number != 2 {
		t.Errorf("another base: %+v, %v", pr, err)
	}
}

func TestCreateWhoseAnswerIsLost(t *testing.T) {
	for name, c := range map[string]struct {
		fault githubtest.Fault
		opens bool
		words []string
	}{
		"after it took effect":  {githubtest.Fault{Method: http.MethodPost, Late: true, Cut: true}, true, nil},
		"before it took effect": {githubtest.Fault{Method: http.MethodPost, Cut: true}, false, []string{"cannot reach"}},
		"for good":              {githubtest.Fault{Cut: true}, false, []string{"whether it was opened cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{})
			w.commit("b", "b", map[string]string{"f": "1"})
			w.Inject(c.fault)
			pr, err := w.client(devToken).Create(t.Context(), forge.NewPullRequest{Title: "t", Head: "b", Base: "main"})
			if n := w.count(to(http.MethodPost, "/pulls")); n != 1 {
				t.Errorf("sent %d times", n)
			}
			if c.opens {
				if err != nil || pr.Number != 1 {
					t.Errorf("%+v, %v", pr, err)
				}
				return
			}
			checkError(t, w, err, forge.ErrUnavailable, model.ExitUnreachable, c.words...)
		})
	}
}

func TestUpsertComment(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	n, _ := w.propose("b", map[string]string{"f": "1"})
	dev, op := w.client(devToken), w.client(opToken)
	const marker = "fairtide validate production"
	w.do(dev.Comment(t.Context(), n, "<!-- "+marker+" -->\nof another"))
	for i := range 105 {
		w.do(dev.Comment(t.Context(), n, fmt.Sprint("talk ", i)))
	}
	for _, text := range []string{"first", "second", "third"} {
		w.do(op.UpsertComment(t.Context(), n, marker, text))
	}
	w.do(op.UpsertComment(t.Context(), n, "fairtide validate staging", "other"))
	all := w.Comments(n)
	if len(all) != 108 || all[106] != "<!-- "+marker+" -->\nthird" || !strings.HasSuffix(all[107], "\nother") || !strings.HasSuffix(all[0], "of another") {
		t.Errorf("%d comments, the last %q", len(all), all[105:])
	}
	for _, bad := range []string{"", "a --> b", "a--b", "x\ny"} {
		checkError(t, w, op.UpsertComment(t.Context(), n, bad, "x"), forge.ErrInvalid, model.ExitUnreachable, "marker")
	}
	checkError(t, w, op.Comment(t.Context(), 99, "x"), forge.ErrNotFound, model.ExitUnreachable, "#99")
}

func TestLongCommentIsCut(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	n, _ := w.propose("b", map[string]string{"f": "1"})
	g := w.client(opToken)
	long := "# Diff\n```diff\n" + strings.Repeat("+ naïve line\n", 6000) + "```\n"
	w.do(g.Comment(t.Context(), n, long))
	w.do(g.UpsertComment(t.Context(), n, "mark", long))
	w.do(g.Comment(t.Context(), n, strings.Repeat("ü", 65536)))
	for i, c := range w.Comments(n)[:2] {
		if len([]rune(c)) > 65536 || strings.Count(c, "```") != 2 || !strings.Contains(c, "too long for a comment") || !strings.Contains(c, "+ naïve line\n```\n") {
			t.Errorf("comment %d: %d characters, ends %q", i, len([]rune(c)), c[len(c)-100:])
		}
	}
}

func TestSetStatus(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	g := w.client(opToken)
	w.do(g.SetStatus(t.Context(), w.first, forge.Status{Context: "fairtide/production", State: forge.StatusPending}))
	w.do(g.SetStatus(t.Context(), w.first, forge.Status{Context: "fairtide/production", State: forge.StatusSuccess, Description: strings.Repeat("é", 200), URL: "https://x.example"}))
	last := w.Log()[len(w.Log())-1]
	if last.Status != http.StatusCreated || !strings.Contains(last.Body, strings.Repeat("é", 139)+"…") {
		t.Errorf("%+v", last)
	}
	checkError(t, w, g.SetStatus(t.Context(), "main", forge.Status{Context: "c", State: forge.StatusSuccess}), forge.ErrInvalid, model.ExitUnreachable, "full hash")
	checkError(t, w, g.SetStatus(t.Context(), strings.Repeat("ab", 20), forge.Status{Context: "c", State: forge.StatusSuccess}), forge.ErrInvalid, model.ExitUnreachable, "No commit found")
	checkError(t, w, g.SetStatus(t.Context(), w.first, forge.Status{Context: "c", State: "odd"}), forge.ErrInvalid, model.ExitUnreachable, "not included in the list")
}

// operations are all calls of the client that reach the forge.
func operations(w *world, number int, head string) map[string]func(context.Context, *forge.GitHub) error {
	return map[string]func(context.Context, *forge.GitHub) error{
		"read of commits": func(ctx context.Context, g *forge.GitHub) error {
			_, err := g.PullRequestsOf(ctx, []string{w.first})
			return err
		},
		"open": func(ctx context.Context, g *forge.GitHub) error { _, err := g.Open(ctx, "main"); return err },
		"get":  func(ctx context.Context, g *forge.GitHub) error { _, err := g.Get(ctx, number); return err },
		"create": func(ctx context.Context, g *forge.GitHub) error {
			_, err := g.Create(ctx, forge.NewPullRequest{Title: "t", Head: "free", Base: "main"})
			return err
		},
		"merge": func(ctx context.Context, g *forge.GitHub) error {
			_, err := g.Merge(ctx, number, head, forge.MergeCommit)
			return err
		},
		"comment": func(ctx context.Context, g *forge.GitHub) error { return g.Comment(ctx, number, "x") },
		"upsert":  func(ctx context.Context, g *forge.GitHub) error { return g.UpsertComment(ctx, number, "m", "x") },
		"status": func(ctx context.Context, g *forge.GitHub) error {
			return g.SetStatus(ctx, head, forge.Status{Context: "c", State: forge.StatusSuccess})
		},
		"branch": func(ctx context.Context, g *forge.GitHub) error { _, err := g.BranchHead(ctx, "main"); return err },
		"viewer": func(ctx context.Context, g *forge.GitHub) error { _, err := g.Viewer(ctx); return err },
	}
}

// Every call meets every fault, and says so as it should.
func TestEveryCallMeetsEveryFault(t *testing.T) {
	reset := newClock().Now().Add(25 * time.Minute)
	echo := `{"message":"Bad credentials \u001b[31m` + opToken + `"}`
	for name, c := range map[string]struct {
		fault githubtest.Fault
		token string
		kind  error
		words []string
	}{
		"no token":              {kind: forge.ErrNoToken, words: []string{"FAIRTIDE_GITHUB_TOKEN", "gh auth login"}},
		"token pasted wrongly":  {token: "two\nlines", kind: forge.ErrUnauthorized, words: []string{"line breaks"}},
		"wrong token":           {token: "wrong", kind: forge.ErrUnauthorized, words: []string{"token from GH_TOKEN was refused", "expired"}},
		"401 that echoes":       {token: opToken, fault: githubtest.Fault{Status: 401, Body: echo}, kind: forge.ErrUnauthorized},
		"403":                   {token: opToken, fault: githubtest.Fault{Status: 403, Header: http.Header{"X-Accepted-Github-Permissions": {"x=write"}}}, kind: forge.ErrForbidden, words: []string{"not accessible", "needs x=write"}},
		"403 that echoes":       {token: opToken, fault: githubtest.Fault{Status: 403, Body: echo}, kind: forge.ErrForbidden, words: []string{"[token]"}},
		"403 single sign-on":    {token: opToken, fault: githubtest.Fault{Status: 403, Header: http.Header{"X-Github-Sso": {"required; url=https://github.com/orgs/acme/sso"}}}, kind: forge.ErrForbidden, words: []string{"single sign-on: https://github.com/orgs/acme/sso"}},
		"403 scopes":            {token: opToken, fault: githubtest.Fault{Status: 403, Header: http.Header{"X-Accepted-Oauth-Scopes": {"repo"}, "X-Oauth-Scopes": {"gist"}}}, kind: forge.ErrForbidden, words: []string{`scopes "repo", has "gist"`}},
		"404":                   {token: opToken, fault: githubtest.Fault{Status: 404}, kind: forge.ErrNotFound, words: []string{"name is wrong", "no access"}},
		"410":                   {token: opToken, fault: githubtest.Fault{Status: 410}, kind: forge.ErrNotFound},
		"451":                   {token: opToken, fault: githubtest.Fault{Status: 451, Body: `{"message":"Repository access blocked"}`}, kind: forge.ErrInvalid, words: []string{"access blocked", "451"}},
		"primary limit":         {token: opToken, fault: githubtest.PrimaryLimit(reset), kind: forge.ErrRateLimited, words: []string{"rate limit", "try again at 09:25:00 UTC (in 25m)"}},
		"secondary limit":       {token: opToken, fault: githubtest.SecondaryLimit(90 * time.Second), kind: forge.ErrRateLimited, words: []string{"try again at 09:01:30 UTC (in 2m)"}},
		"secondary, no header":  {token: opToken, fault: githubtest.SecondaryLimit(0), kind: forge.ErrRateLimited, words: []string{"09:01:00 UTC (in 1m)"}},
		"429":                   {token: opToken, fault: githubtest.Fault{Status: 429}, kind: forge.ErrRateLimited, words: []string{"09:01:00 UTC"}},
		"502":                   {token: opToken, fault: githubtest.BadGateway(), kind: forge.ErrUnavailable},
		"500":                   {token: opToken, fault: githubtest.Fault{}, kind: forge.ErrUnavailable},
		"cut":                   {token: opToken, fault: githubtest.Fault{Cut: true}, kind: forge.ErrUnavailable},
		"too slow":              {token: opToken, fault: githubtest.Fault{Delay: time.Minute}, kind: forge.ErrUnavailable},
		"moved elsewhere":       {token: opToken, fault: githubtest.Fault{Status: 301, Header: http.Header{"Location": {"http://127.0.0.1:1/x"}}}, kind: nil},
		"a page of a proxy":     {token: opToken, fault: githubtest.Fault{Status: 200, Body: "<html>Log in to the network</html>"}, kind: forge.ErrUnavailable},
		"an answer of no shape": {token: opToken, fault: githubtest.Fault{Status: 200, Body: `[1,"x"]`}, kind: forge.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{})
			number, head := w.propose("b", map[string]string{"f": "1"})
			w.commit("free", "free", map[string]string{"g": "1"})
			if c.token != "" && c.token != "wrong" && !errors.Is(c.kind, forge.ErrUnauthorized) || strings.Contains(name, "echoes") {
				w.Inject(c.fault)
			}
			for call, do := range operations(w, number, head) {
				g := w.client(c.token, func(f *forge.Config) { f.Timeout = 30 * time.Second })
				if c.fault.Delay > 0 {
					g = w.client(c.token, func(f *forge.Config) { f.Timeout = 20 * time.Millisecond })
				}
				if (call == "comment" || call == "status") && c.fault.Status == 200 {
					continue // their answers are not read
				}
				err := do(t.Context(), g)
				kind := c.kind
				if kind == nil { // a write is not followed anywhere, a read goes and finds nobody
					kind = forge.ErrNotFound
					if errors.Is(err, forge.ErrUnavailable) {
						kind = forge.ErrUnavailable
					}
				}
				t.Run(call, func(t *testing.T) { checkError(t, w, err, kind, model.ExitUnreachable, c.words...) })
			}
			if w.Head("main") != w.first || len(w.Comments(number)) > 0 && c.fault.Status != 200 {
				t.Error("something was written")
			}
		})
	}
}

// Writes are sent once, whatever comes back; reads are tried again.
func TestWhatIsTriedAgain(t *testing.T) {
	reads := []string{"open", "get", "branch", "viewer", "read of commits"}
	w := newWorld(t, githubtest.Options{})
	number, head := w.propose("b", map[string]string{"f": "1"})
	w.commit("free", "free", map[string]string{"g": "1"})
	for call, do := range operations(w, number, head) {
		if call == "upsert" { // a read and a write
			continue
		}
		f := githubtest.BadGateway()
		f.Times = 1
		w.Inject(f)
		w.ClearLog()
		err := do(t.Context(), w.client(opToken))
		if again := len(w.Log()) > 1 && err == nil; slices.Contains(reads, call) != again && call != "merge" && call != "create" {
			t.Errorf("%s: %d requests, %v", call, len(w.Log()), err)
		}
		for _, part := range []string{"/merge", "/statuses", "/comments"} {
			if n := w.count(func(r githubtest.Request) bool { return r.Method != http.MethodGet && strings.Contains(r.Path, part) }); n > 1 {
				t.Errorf("%s: %s was written %d times", call, part, n)
			}
		}
	}
}

func TestRateLimits(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	start := w.clock.Now()
	limit := githubtest.SecondaryLimit(7 * time.Second)
	limit.Times = 1
	w.Inject(limit)
	g := w.client(opToken)
	if _, err := g.BranchHead(t.Context(), "main"); err != nil || w.clock.waited() != 7*time.Second {
		t.Errorf("a short wait: waited %s, %v", w.clock.waited(), err)
	}
	remove := w.Inject(githubtest.PrimaryLimit(start.Add(time.Hour)))
	_, err := g.BranchHead(t.Context(), "main")
	checkError(t, w, err, forge.ErrRateLimited, model.ExitUnreachable, "10:00:00 UTC")
	var p *forge.Problem
	if !errors.As(err, &p) || !p.RetryAt.Equal(start.Add(time.Hour)) {
		t.Errorf("%+v", p)
	}
	remove()
	w.ClearLog()
	err = g.Comment(t.Context(), 1, "x")
	checkError(t, w, err, forge.ErrRateLimited, model.ExitUnreachable, "10:00:00 UTC")
	if n := len(w.Log()); n != 0 {
		t.Errorf("%d requests that were certain to be refused", n)
	}
	w.do(w.clock.Wait(t.Context(), time.Hour))
	if _, err := g.BranchHead(t.Context(), "main"); err != nil {
		t.Errorf("after the limit: %v", err)
	}

	// A wait is not begun that the caller's deadline would end.
	limit = githubtest.SecondaryLimit(20 * time.Second)
	w.Inject(limit)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	before := w.clock.waited()
	_, err = g.BranchHead(ctx, "main")
	checkError(t, w, err, forge.ErrRateLimited, model.ExitUnreachable, "in 20s")
	if w.clock.waited() != before {
		t.Error("it waited")
	}
}

// The server's own limit, used up: REST answers 403, GraphQL 200 with an error.
func TestLimitIsUsedUp(t *testing.T) {
	w := newWorld(t, githubtest.Options{RateLimit: 2})
	for _, call := range []func(*forge.GitHub) error{
		func(g *forge.GitHub) error { _, err := g.Viewer(t.Context()); return err },
		func(g *forge.GitHub) error { return g.Comment(t.Context(), 1, "x") },
	} {
		g, fresh := w.client(opToken), w.client(opToken)
		w.ClearLog()
		for i := range 4 {
			err := call(g)
			if i < 2 && errors.Is(err, forge.ErrRateLimited) {
				t.Errorf("call %d: %v", i, err)
			} else if i >= 2 {
				checkError(t, w, err, forge.ErrRateLimited, model.ExitUnreachable, "(in 1h0m)")
			}
		}
		if n := len(w.Log()); n != 2 {
			t.Errorf("%d requests of 2", n)
		}
		checkError(t, w, call(fresh), forge.ErrRateLimited, model.ExitUnreachable, "(in 1h0m)")
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	w.Inject(githubtest.Fault{Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := w.client(opToken).Get(ctx, 1)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "pull request #1") {
		t.Errorf("%v", err)
	}
}
