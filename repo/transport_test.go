package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// smartHTTP serves the repositories below a directory as git does it, to who
// has the token. It works while PATH is empty.
func smartHTTP(t testing.TB, dir, token string) *httptest.Server {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Stderr: io.Discard, // what it says of a missing repository
		Path:   program, Args: []string{"http-backend"},
		Env: []string{
			"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
			"GIT_CONFIG_COUNT=3", "GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true", "GIT_CONFIG_KEY_1=uploadpack.allowAnySHA1InWant",
			"GIT_CONFIG_VALUE_1=true", "GIT_CONFIG_KEY_2=safe.directory", "GIT_CONFIG_VALUE_2=*",
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/moved/"); ok {
			http.Redirect(w, r, "/"+rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		if _, password, _ := r.BasicAuth(); token != "" && password != token {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// transports are the ways to talk to a remote.
var transports = []Transport{TransportSystem, TransportBuiltin}

// TestTransports does all that is done with a remote, by either transport, over
// http and on this machine.
func TestTransports(t *testing.T) {
	for _, through := range transports {
		for _, scheme := range []string{"http", "file", "path"} {
			t.Run(string(through)+" "+scheme, func(t *testing.T) {
				origin, clone, hashes := cloned(t, shop(), shop().with(files{"x": "1"}))
				at := origin
				switch scheme {
				case "http":
					at = smartHTTP(t, filepath.Dir(origin), "tok-write").URL + "/environments/.git"
				case "file":
					at = "file://" + origin
				}
				git(t, clone, "remote", "set-url", "origin", at)
				everything(t, origin, Options{Path: clone, Transport: through, Credentials: as("tok-write")}, hashes)
			})
		}
	}
}

// everything fetches branches, pull requests and commits, and pushes.
func everything(t *testing.T, origin string, o Options, hashes []string) {
	t.Helper()
	before := fingerprint(t, o.Path)
	r := cached(t, o)
	if moved, err := r.Fetch(t.Context()); err != nil || moved {
		t.Fatalf("nothing new: %v, %v", moved, err)
	}
	if age := time.Since(r.Fetched()); age < 0 || age > time.Minute {
		t.Errorf("fetched %v ago", age)
	}
	next := grow(t, origin, "main", hashes[2], "base/config.yaml", configMap("cart", "2"))
	side := grow(t, origin, "side", hashes[1], "x", "y\n")
	if moved, err := r.Fetch(t.Context()); err != nil || !moved {
		t.Fatalf("news: %v, %v", moved, err)
	}
	headIs(t, r, "main", next)
	headIs(t, r, "side", side)
	git(t, origin, "branch", "-q", "-D", "side")
	rewritten := grow(t, origin, "main", hashes[1], "base/config.yaml", configMap("cart", "3"))
	pull := grow(t, origin, "work", hashes[1], "base/config.yaml", configMap("cart", "9"))
	git(t, origin, "update-ref", "refs/pull/7/head", pull)
	loose := grow(t, origin, "loose", hashes[1], "base/config.yaml", configMap("cart", "8"))
	git(t, origin, "update-ref", "refs/other/loose", loose)
	git(t, origin, "branch", "-q", "-D", "work", "loose")
	if moved, err := r.Fetch(t.Context()); err != nil || !moved {
		t.Fatalf("rewritten: %v, %v", moved, err)
	}
	headIs(t, r, "main", rewritten)
	if _, err := r.Head(t.Context(), "side"); err == nil {
		t.Error("the deleted branch is still there")
	}
	if got, err := r.FetchPull(t.Context(), 7); err != nil || got != pull {
		t.Errorf("pull request %q, %v", got, err)
	}
	if _, err := r.FetchPull(t.Context(), 8); model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), "does not have it") {
		t.Errorf("a pull request that is not there: %v", err)
	}
	if err := r.FetchCommit(t.Context(), loose); err != nil {
		t.Error(err)
	}
	for _, commit := range []string{rewritten, pull, loose} {
		if _, err := r.Render(t.Context(), production, commit); err != nil {
			t.Error(err)
		}
	}
	pushes(t, r, origin, rewritten)
	git(t, r.own.dir, "fsck", "--no-dangling")
	git(t, origin, "fsck", "--no-dangling")
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for p, is := range fingerprint(t, o.Path) {
		if before[p] != is {
			t.Errorf("%s was changed", p)
		}
	}
}

func pushes(t *testing.T, r *Repo, origin, onto string) {
	t.Helper()
	c, other := draft(t, r, onto, "2.0"), draft(t, r, onto, "3.0")
	for range 2 { // the same commit again is fine
		if err := r.Push(t.Context(), c, "fairtide/bump"); err != nil {
			t.Fatal(err)
		}
	}
	if got := git(t, origin, "rev-parse", "refs/heads/fairtide/bump"); got != c {
		t.Errorf("branch is %s, want %s", got, c)
	}
	for _, branch := range []string{"fairtide/bump", "main"} {
		if err := r.Push(t.Context(), other, branch); !errors.Is(err, ErrBranchTaken) {
			t.Errorf("%s: %v", branch, err)
		}
	}
	// On top of a commit that no branch is at any more, with the remote moved on.
	grow(t, origin, "main", onto, "x", "moved on")
	older := draft(t, r, onto+"~1", "4.0")
	if err := r.Push(t.Context(), older, "fairtide/older"); err != nil {
		t.Error(err)
	}
}

// TestWithoutGit takes git off PATH: what has to be fetched is fetched all the
// same, and nothing is asked of git.
func TestWithoutGit(t *testing.T) {
	origin, clone, hashes := cloned(t, shop())
	next := grow(t, origin, "main", hashes[1], "base/config.yaml", configMap("cart", "2"))
	s := smartHTTP(t, filepath.Dir(origin), "tok")
	git(t, clone, "remote", "set-url", "origin", s.URL+"/environments/.git")
	shallow := filepath.Join(t.TempDir(), "shallow")
	git(t, filepath.Dir(shallow), "clone", "-q", "--depth=1", "file://"+origin, shallow)
	t.Setenv("PATH", t.TempDir())
	r := cached(t, Options{Path: clone, Credentials: as("tok")})
	if moved, err := r.Fetch(t.Context()); err != nil || !moved {
		t.Fatalf("%v, %v", moved, err)
	}
	headIs(t, r, "main", next)
	if err := r.Push(t.Context(), draft(t, r, next, "2.0"), "fairtide/bump"); err != nil {
		t.Error(err)
	}
	// Here nothing is borrowed: without git the history cannot be completed.
	r = cached(t, Options{Path: shallow})
	if _, err := r.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := r.Pending(t.Context(), production, hashes[1], ""); err != nil || p.Incomplete || len(p.Changes) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := Open(t.Context(), Options{Path: clone, Transport: "carrier pigeon"}); model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), "auto, system or builtin") {
		t.Errorf("%v", err)
	}
}

// TestNothingMoved checks that a remote where nothing moved leaves no trace but
// the time.
func TestNothingMoved(t *testing.T) {
	for _, through := range transports {
		origin, clone, _ := cloned(t, shop())
		git(t, clone, "remote", "set-url", "origin", smartHTTP(t, filepath.Dir(origin), "").URL+"/environments/.git")
		r := cached(t, Options{Path: clone, Transport: through})
		if _, err := r.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.tidies.stop()
		before := fingerprint(t, r.own.dir)
		for range 3 {
			if moved, err := r.Fetch(t.Context()); err != nil || moved {
				t.Fatalf("%v, %v", moved, err)
			}
		}
		for p, is := range fingerprint(t, r.own.dir) {
			if before[p] != is && !strings.HasSuffix(p, fetchedFile) {
				t.Errorf("%s: %s was written although nothing moved", through, p)
			}
		}
	}
}

// TestSecretsStaySecret looks for tokens where others could find them: in the
// own repository, in errors, and in the arguments of programs.
func TestSecretsStaySecret(t *testing.T) {
	const secret = "tok-s3cr3t"
	origin, clone, hashes := cloned(t, shop())
	s := smartHTTP(t, filepath.Dir(origin), secret)
	inURL := strings.Replace(s.URL, "://", "://op1:"+secret+"@", 1) + "/environments/.git"
	bad := strings.Replace(s.URL, "://", "://op1:"+secret+"x@", 1) + "/environments/.git"
	for _, through := range transports {
		for name, o := range map[string]Options{
			"credentials": {Path: clone, Credentials: as(secret)},
			"clone's URL": {Path: clone},
			"URL":         {URL: inURL},
		} {
			t.Run(string(through)+" "+name, func(t *testing.T) {
				o.Transport, o.CacheDir = through, t.TempDir()
				git(t, clone, "remote", "set-url", "origin", s.URL+"/environments/.git")
				if name == "clone's URL" {
					git(t, clone, "remote", "set-url", "origin", inURL)
				}
				arguments := recordArguments(t)
				r := cached(t, o)
				grow(t, origin, "main", git(t, origin, "rev-parse", "main"), "x", name+string(through))
				if moved, err := r.Fetch(t.Context()); err != nil || !moved {
					t.Errorf("%v, %v", moved, err)
				}
				if err := r.Push(t.Context(), draft(t, r, hashes[1], "2.0"), "fairtide/"+string(through)+"-"+strings.ReplaceAll(name, " ", "-")); err != nil {
					t.Error(err)
				}
				if log := arguments(); strings.Contains(log, secret) || through == TransportSystem != strings.Contains(log, "remote-http fairtide") {
					t.Errorf("the arguments of programs were %s", log)
				}
				if strings.Contains(r.RemoteURL(), secret) || strings.Contains(r.Name(), secret) {
					t.Errorf("%s %s", r.Name(), r.RemoteURL())
				}
				contentLacks(t, o.CacheDir, secret)
				git(t, clone, "remote", "set-url", "origin", bad)
				wrong := Options{Path: clone, Transport: through}
				r = cached(t, wrong)
				_, err := r.Fetch(t.Context())
				pushErr := r.Push(t.Context(), hashes[1], "x")
				_, openErr := Open(t.Context(), Options{URL: bad, CacheDir: t.TempDir(), Transport: through})
				for _, err := range []error{err, pushErr, openErr} {
					if model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "op1") {
						t.Errorf("%v", err)
					}
				}
			})
		}
	}
}

// contentLacks looks into every file below a directory, and at its name.
func contentLacks(t *testing.T, dir, secret string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		found++
		data, err := os.ReadFile(p)
		if strings.Contains(string(data), secret) || strings.Contains(p, secret) {
			t.Errorf("%s holds the token", p)
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d files, %v", found, err)
	}
}

// recordArguments puts a shell script in front of git, and of the helpers that
// git starts, and returns what they were started with.
func recordArguments(t *testing.T) (read func() string) {
	t.Helper()
	if os.Getenv("GIT_EXEC_PATH") != "" {
		t.Setenv("GIT_EXEC_PATH", "")
	}
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	helpers := git(t, "/", "--exec-path")
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	entries, err := os.ReadDir(helpers)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(helpers, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"git": program, "git-remote-http": filepath.Join(helpers, "git-remote-http")} {
		script := fmt.Sprintf("#!/bin/sh\necho %s \"$@\" >>'%s'\nexec '%s' \"$@\"\n", name, log, target)
		if err := replaceFile(filepath.Join(dir, name), script); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o700); err != nil { //nolint:gosec // it is run
			t.Fatal(err)
		}
	}
	t.Setenv("GIT_EXEC_PATH", dir)
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() string {
		data, err := os.ReadFile(log)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		return string(data)
	}
}

// TestRemoteErrors is what an operator reads when a remote cannot be used.
func TestRemoteErrors(t *testing.T) {
	origin, clone, _ := cloned(t, shop())
	s := smartHTTP(t, filepath.Dir(origin), "")
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains about those who do not trust it
	tls.StartTLS()
	t.Cleanup(tls.Close)
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(hang) })
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	for _, tt := range []struct {
		name, url, want string
		login           bool
		code            model.ExitCode
	}{
		{"moved", s.URL + "/moved/environments/.git", "has moved", true, model.ExitUnreachable},
		{"nothing there", s.URL + "/none/.git", "there is no Git repository at", false, model.ExitUnreachable},
		{"no such path", filepath.Join(t.TempDir(), "none"), "there is no Git repository at", false, model.ExitUnreachable},
		{"nobody listens", "http://127.0.0.1:1/x.git", "cannot be reached", false, model.ExitUnreachable},
		{"no such host", "http://none.invalid/x.git", "is not found", false, model.ExitUnreachable},
		{"certificate", tls.URL + "/x.git", "is not trusted", false, model.ExitUnreachable},
		{"too slow", slow.URL + "/x.git", "deadline exceeded", false, model.ExitInterrupted},
	} {
		for _, through := range transports {
			t.Run(tt.name+" "+string(through), func(t *testing.T) {
				git(t, clone, "remote", "set-url", "origin", tt.url)
				o := Options{Path: clone, Transport: through}
				if tt.login {
					o.Credentials = as("tok")
				}
				r := cached(t, o)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				if tt.name == "too slow" {
					cancel()
					ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
				}
				defer cancel()
				_, err := r.Fetch(ctx)
				if model.CodeOf(err, 0) != tt.code || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), r.Name()) {
					t.Errorf("%v", err)
				}
				if !r.Fetched().IsZero() {
					t.Error("counts as fetched")
				}
			})
		}
	}
}

// TestRemoteErrorSentences feeds what git and its helpers say.
func TestRemoteErrorSentences(t *testing.T) {
	r := &Repo{name: "envs", remote: "origin", own: &own{clone: "/c"}}
	for said, want := range map[string]string{
		"git@example.com: Permission denied (publickey). Could not read from remote repository.": "refused access",
		"Authentication failed for 'https://example.com/x'":                                      "check the token",
		"Host key verification failed.":                                                          "check its key",
		"unable to access 'https://example.com/x': Could not resolve host: example.com":          "check the network, the VPN and the URL",
		"unable to access: Failed to connect to example.com port 443: Connection timed out":      "did not answer in time",
		"unable to access: server certificate verification failed. CAfile: none":                 "http.sslCAInfo",
		"write error: No space left on device":                                                   "make room",
		"detected dubious ownership in repository at '/srv/x'":                                   "safe.directory",
		"unable to access 'https://example.com/x': The requested URL returned error: 301":        "git remote set-url origin",
		"ERROR: Repository not found.":                                                           "check the URL and the account",
		"something %[1]s else":                                                                   "cannot fetch from https://example.com/x: something %[1]s else",
		"":                                                                                       "without a word",
	} {
		err := r.remoteError("fetch from", "https://u:p@example.com/x", &gitError{text: said})
		if got := err.Error(); model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(got, want) || !strings.Contains(got, "example.com") || strings.Contains(got, "u:p") || strings.Contains(got, "%!") {
			t.Errorf("%s:\n%v", said, err)
		}
	}
	full := r.remoteError("fetch from", "https://example.com/x", fmt.Errorf("write: %w", &fs.PathError{Op: "write", Path: "/c/x", Err: errFull}))
	if !strings.Contains(full.Error(), "the disk is full") {
		t.Error(full)
	}
}

var errFull = errors.New("no space left on device")

func TestURLs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("host:dir", 0o700); err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]bool{
		"https://example.com/x": true, "ssh://git@example.com/x": true, "git@example.com:x/y": true, "example.com:x": true, "file:///x": true, "HTTPS://x/y": true,
		"": false, ".": false, "/a/b": false, "a:b/c": false, "./x:y": false, "dir/x:y": false, "host:dir": false, `C:\x`: false, "://x": false,
	} {
		if IsURL(s) != want {
			t.Errorf("%q is a URL: %v", s, !want)
		}
	}
	for raw, want := range map[string]endpoint{
		"https://op1:pw@example.com/x":      {url: "https://example.com/x", user: "op1", password: "pw", login: true},
		"https://op1@example.com/x":         {url: "https://example.com/x", user: "op1"},
		"https://tok:@example.com/x":        {url: "https://example.com/x", user: "tok", login: true},
		"ssh://git:pw@example.com:22/x":     {url: "ssh://git@example.com:22/x", user: "git"},
		"git@example.com:x":                 {url: "git@example.com:x"},
		"/a/b@c":                            {url: "/a/b@c"},
		"https://op1:p%40w@example.com/x y": {url: "https://example.com/x%20y", user: "op1", password: "p@w", login: true},
	} {
		if got := endpointOf(raw); got != want {
			t.Errorf("%s: %+v, want %+v", raw, got, want)
		}
	}
	for raw, want := range map[string]string{"ftp://x/y": "https, ssh, git and file", "ext::sh -c true": "https, ssh, git and file", "https://u:p@example.com/": "names none"} {
		_, err := Open(t.Context(), Options{URL: raw, CacheDir: dir})
		if model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if got := (gitRun{secrets: []string{"s3"}}).clean("fatal: a s3\nhint: no\nFrom x\n@@@@\nb\n"); got != "a …; b" {
		t.Errorf("%q", got)
	}
	var told []string
	p := progress{tell: func(s string) { told = append(told, s) }}
	if _, err := p.Write([]byte("remote: Counting objects:  50% (1/2)\rremote: Counting objects: 100% (2/2), done.\nfatal: x\npart")); err != nil {
		t.Error(err)
	}
	if !slices.Equal(told, []string{"Counting objects:  50% (1/2)"}) || p.String() != "fatal: x\npart" {
		t.Errorf("%q %q", told, p.String())
	}
}
