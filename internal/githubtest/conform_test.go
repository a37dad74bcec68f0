package githubtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/internal/githubtest"
)

// operation is one of testdata/rest.json, a cut of GitHub's published OpenAPI
// description (npm package @octokit/openapi, MIT licence): of the requests the
// whole bodies and all query parameters, of the answers those fields the
// server gives.
type operation struct {
	Method  string
	Path    string
	Query   []string
	Body    *schema
	Answers map[string]*schema
}

type schema struct {
	Type       string
	Nullable   bool
	Enum       []any
	Properties map[string]*schema
	Required   []string
	Items      *schema
	AnyOf      []*schema
	OneOf      []*schema
	AllOf      []*schema
}

// check lists what is wrong with a value.
func (s *schema) check(at string, v any) []string {
	if v == nil {
		if s.Nullable || s.Type == "" {
			return nil
		}
		return []string{at + " is null"}
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		return []string{fmt.Sprintf("%s is %v, not one of %v", at, v, s.Enum)}
	}
	var wrong []string
	for _, part := range s.AllOf {
		wrong = append(wrong, part.check(at, v)...)
	}
	if alternatives := append(s.AnyOf, s.OneOf...); len(alternatives) > 0 {
		fits := slices.ContainsFunc(alternatives, func(a *schema) bool { return len(a.check(at, v)) == 0 })
		if !fits {
			wrong = append(wrong, fmt.Sprintf("%s is %v, which fits no alternative", at, v))
		}
	}
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" && s.Type != "" {
			return append(wrong, fmt.Sprintf("%s is an object, not %s", at, s.Type))
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				wrong = append(wrong, at+"."+name+" is missing")
			}
		}
		for name, field := range v {
			if p := s.Properties[name]; p != nil {
				wrong = append(wrong, p.check(at+"."+name, field)...)
			} else if s.Type == "object" {
				wrong = append(wrong, at+"."+name+" is not published")
			}
		}
	case []any:
		if s.Items == nil {
			return append(wrong, at+" is a list")
		}
		for i, item := range v {
			wrong = append(wrong, s.Items.check(fmt.Sprintf("%s[%d]", at, i), item)...)
		}
	case string:
		wrong = append(wrong, s.is(at, "string")...)
	case bool:
		wrong = append(wrong, s.is(at, "boolean")...)
	case float64:
		if s.Type != "number" || v == float64(int64(v)) {
			wrong = append(wrong, s.is(at, "integer", "number")...)
		}
	}
	return wrong
}

func (s *schema) is(at string, types ...string) []string {
	if s.Type == "" || slices.Contains(types, s.Type) {
		return nil
	}
	return []string{fmt.Sprintf("%s is a %s, not a %s", at, types[0], s.Type)}
}

func operations(t *testing.T) []operation {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "rest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []operation
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

var placeholder = regexp.MustCompile(`\\\{[a-z_]+\\\}`)

func (o operation) matches(r *http.Request) bool {
	pattern := placeholder.ReplaceAllString(regexp.QuoteMeta("/api/v3"+o.Path), "[^/]+")
	if strings.HasSuffix(o.Path, "{ref}") { // the one placeholder that may hold slashes
		pattern = strings.TrimSuffix(pattern, "[^/]+") + ".+"
	}
	return o.Method == r.Method && regexp.MustCompile("^"+pattern+"$").MatchString(r.URL.Path)
}

// judge is a transport that holds every exchange against the description.
type judge struct {
	t    *testing.T
	list []operation
	seen map[string]bool
}

func (j *judge) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.URL.Path == "/api/graphql" {
		return resp, err
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	i := slices.IndexFunc(j.list, func(o operation) bool { return o.matches(r) })
	if i < 0 {
		j.t.Errorf("%s %s is not a published operation", r.Method, r.URL.Path)
		return resp, nil
	}
	o := j.list[i]
	name := o.Method + " " + o.Path
	j.seen[name+" "+strconv.Itoa(resp.StatusCode)] = true
	for key := range r.URL.Query() {
		if !slices.Contains(o.Query, key) {
			j.t.Errorf("%s has no query parameter %s", name, key)
		}
	}
	j.hold(name+": the body", o.Body, sent)
	answer, known := o.Answers[strconv.Itoa(resp.StatusCode)]
	switch {
	case slices.Contains([]int{http.StatusUnauthorized, http.StatusNotFound, http.StatusNotModified}, resp.StatusCode): // any path may answer that
	case !known:
		j.t.Errorf("%s answers %d, which is not published: %s", name, resp.StatusCode, got)
	default:
		j.hold(fmt.Sprintf("%s: the answer %d", name, resp.StatusCode), answer, got)
	}
	return resp, nil
}

func (j *judge) hold(what string, s *schema, data []byte) {
	if len(data) == 0 {
		return
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil || s == nil {
		j.t.Errorf("%s: %v, %s", what, err, data)
		return
	}
	for _, wrong := range s.check(what, v) {
		j.t.Error(wrong)
	}
}

// Client and server keep to what GitHub publishes of REST. The client's calls
// and one request to everything else the server knows are held against it.
func TestREST(t *testing.T) {
	s := start(t, githubtest.Options{})
	j := &judge{t: t, list: operations(t), seen: map[string]bool{}}
	web := &http.Client{Transport: j}
	repo, err := forge.ParseRemote(s.CloneURL())
	must(t, err)
	client := func(token string) *forge.GitHub {
		return forge.New(forge.Config{Repository: repo, Token: forge.NewToken(token), HTTP: web})
	}
	op, dev, ctx := client("op"), client("dev"), t.Context()
	head := commit(t, s, "b", "f", "1")
	pr, err := dev.Create(ctx, forge.NewPullRequest{Title: "t", Body: "b", Head: "b", Base: "main"})
	must(t, err)
	if _, err := dev.Create(ctx, forge.NewPullRequest{Title: "t", Head: "b", Base: "main"}); err == nil {
		t.Error("opened twice")
	}
	if _, err := op.Merge(ctx, pr.Number, strings.Repeat("ab", 20), forge.MergeCommit); err == nil {
		t.Error("merged another head")
	}
	must(t, op.SetStatus(ctx, head, forge.Status{Context: "c", State: forge.StatusSuccess, Description: "d", URL: "https://x.example"}))
	must(t, s.SetCheck(head, "build", "in_progress"))
	must(t, s.SetCheck(head, "lint", "success"))
	must(t, op.Comment(ctx, pr.Number, "x"))
	must(t, op.UpsertComment(ctx, pr.Number, "m", "x"))
	must(t, op.UpsertComment(ctx, pr.Number, "m", "y"))
	n := strconv.Itoa(pr.Number)
	ask := func(token, method, path, body string, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, s.APIURL()+path, strings.NewReader(body))
		must(t, err)
		req.Header.Set("Authorization", "token "+token)
		resp, err := web.Do(req)
		must(t, err)
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != want {
			t.Errorf("%s %s: %d, want %d", method, path, resp.StatusCode, want)
		}
	}
	const r = "/repos/acme/shop"
	for _, path := range []string{"", "/pulls/" + n, "/pulls/" + n + "/files?per_page=1", "/pulls/" + n + "/reviews", "/pulls?state=all", "/commits/" + head + "/status", "/commits/" + head + "/check-runs", "/commits/" + head + "/pulls"} {
		ask("op", "GET", r+path, "", 200)
	}
	ask("op", "POST", r+"/pulls/"+n+"/reviews", `{"event":"APPROVE","body":"fine"}`, 200)
	ask("dev", "POST", r+"/pulls/"+n+"/reviews", `{"event":"APPROVE"}`, 422)
	ask("op", "GET", r+"/pulls/"+n+"/reviews", "", 200)
	ask("dev", "PATCH", r+"/pulls/"+n, `{"title":"T","body":"B"}`, 200)
	ask("op", "GET", "/user", "", 200)
	ask("nobody", "GET", "/user", "", 401)
	ask("op", "GET", r+"/pulls/99", "", 404)
	if _, err := op.BranchHead(ctx, "main"); err != nil {
		t.Error(err)
	}
	if _, err := op.BranchHead(ctx, "main"); err != nil { // a 304
		t.Error(err)
	}
	if _, err := op.Merge(ctx, pr.Number, head, forge.MergeSquash); err != nil {
		t.Error(err)
	}
	ask("op", "GET", r+"/pulls/"+n, "", 200)
	ask("op", "PUT", r+"/pulls/"+n+"/merge", `{"merge_method":"merge"}`, 405)
	for _, o := range j.list {
		name := o.Method + " " + o.Path
		if !slices.ContainsFunc([]int{200, 201}, func(status int) bool { return j.seen[name+" "+strconv.Itoa(status)] }) {
			t.Errorf("%s was never asked with success", name)
		}
	}
}
