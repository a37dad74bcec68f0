package forge

import (
	"net/url"
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	const commit = "8f2c1d7aa0b34e2c9d51c8a1f0e7b6d5c4a39281"
	for _, c := range []struct{ remote, path, want string }{
		{"https://github.com/acme/environments.git", "base/cart.yaml", "https://github.com/acme/environments/blob/" + commit + "/base/cart.yaml#L12"},
		{"git@github.com:acme/environments.git", "base/cart.yaml", "https://github.com/acme/environments/blob/" + commit + "/base/cart.yaml#L12"},
		{"ssh://git@ssh.github.com:443/acme/environments", "a.yaml", "https://github.com/acme/environments/blob/" + commit + "/a.yaml#L12"},
		{"https://op1:secret@github.com/acme/environments", "a.yaml", "https://github.com/acme/environments/blob/" + commit + "/a.yaml#L12"},
		{"https://git.example.com:8443/acme/environments", "a.yaml", "https://git.example.com:8443/acme/environments/blob/" + commit + "/a.yaml#L12"},
		{"git@gitlab.com:acme/platform/environments.git", "a b/ü#1.yaml", "https://gitlab.com/acme/platform/environments/-/blob/" + commit + "/a%20b/%C3%BC%231.yaml#L12"},
		{"https://gitlab.example.com/acme/environments", "a.yaml", "https://gitlab.example.com/acme/environments/-/blob/" + commit + "/a.yaml#L12"},
		{"git@bitbucket.org:acme/environments.git", "a.yaml", "https://bitbucket.org/acme/environments/src/" + commit + "/a.yaml#lines-12"},
		{"https://codeberg.org/acme/environments", "a.yaml", "https://codeberg.org/acme/environments/src/commit/" + commit + "/a.yaml#L12"},
		{"http://localhost:3000/acme/environments", "a.yaml", "http://localhost:3000/acme/environments/blob/" + commit + "/a.yaml#L12"},
		{"https://dev.azure.com/acme/p/_git/environments", "a.yaml", ""},
		{"http://git.example.com/acme/environments", "a.yaml", ""}, // what is not encrypted is asked for nothing
		{"/srv/git/environments", "a.yaml", ""},
		{"file:///srv/git/environments", "a.yaml", ""},
		{"work:acme/environments", "a.yaml", ""}, // a name of the ssh configuration
		{"https://github.com/acme", "a.yaml", ""},
		{"", "a.yaml", ""},
	} {
		if got := Page(c.remote, commit, c.path, 12); got != c.want {
			t.Errorf("%s of %s is at %q, want %q", c.path, c.remote, got, c.want)
		}
	}
	const remote = "https://github.com/acme/environments"
	for _, c := range []struct {
		remote, commit, path string
		want                 string
	}{
		{remote, commit, "a.yaml", remote + "/blob/" + commit + "/a.yaml"},
		{remote, commit, "", remote + "/commit/" + commit},
		{"https://gitlab.com/acme/environments", commit, "", "https://gitlab.com/acme/environments/-/commit/" + commit},
		{"https://bitbucket.org/acme/environments", commit, "", "https://bitbucket.org/acme/environments/commits/" + commit},
		{"https://codeberg.org/acme/environments", commit, "", "https://codeberg.org/acme/environments/commit/" + commit},
		{remote, "main", "a.yaml", ""},
		{remote, "", "a.yaml", ""},
	} {
		if got := Page(c.remote, c.commit, c.path, 0); got != c.want {
			t.Errorf("%q at %q of %s is at %q, want %q", c.path, c.commit, c.remote, got, c.want)
		}
	}
}

// Whatever the parts hold, the result is a URL of the remote's host, on one
// line, or nothing.
func FuzzPage(f *testing.F) {
	f.Add("https://github.com/a/b", "8f2c1d7", "c/d.yaml", 3)
	f.Add("git@gitlab.com:a/b", "8f2c1d7", "c d?e#f\n", -1)
	f.Fuzz(func(t *testing.T, remote, commit, path string, line int) {
		page := Page(remote, commit, path, line)
		if page == "" {
			return
		}
		u, err := url.Parse(page)
		if err != nil || u.Scheme != "https" && !loopback(u.Hostname()) || u.User != nil || u.RawQuery != "" {
			t.Fatalf("%q: %v", page, err)
		}
		if strings.ContainsAny(page, " \t\r\n\x1b\"'`") {
			t.Fatalf("%q holds what does not stand in a URL", page)
		}
	})
}
