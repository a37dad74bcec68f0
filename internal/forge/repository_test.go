package forge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/model"
)

func TestParseRemote(t *testing.T) {
	for remote, want := range map[string]string{
		"https://github.com/acme/shop":                      "github.com/acme/shop https://api.github.com",
		"https://github.com/acme/shop.git":                  "github.com/acme/shop https://api.github.com",
		"https://GitHub.com/Acme/Shop.git/":                 "github.com/Acme/Shop https://api.github.com",
		"https://www.github.com:443/acme/shop":              "github.com/acme/shop https://api.github.com",
		"https://dev1:secret@github.com/acme/shop.git":      "github.com/acme/shop https://api.github.com",
		"git@github.com:acme/shop.git":                      "github.com/acme/shop https://api.github.com",
		"github.com:acme/shop":                              "github.com/acme/shop https://api.github.com",
		"git@github.com:/acme/shop.git":                     "github.com/acme/shop https://api.github.com",
		"ssh://git@github.com/acme/shop.git":                "github.com/acme/shop https://api.github.com",
		"ssh://git@ssh.github.com:443/acme/shop.git":        "github.com/acme/shop https://api.github.com",
		"git+ssh://git@github.com/acme/shop":                "github.com/acme/shop https://api.github.com",
		"  https://github.com/acme/shop.x.git  ":            "github.com/acme/shop.x https://api.github.com",
		"https://acme.ghe.com/acme/shop":                    "acme.ghe.com/acme/shop https://api.acme.ghe.com",
		"https://git.acme.example/acme/shop":                "git.acme.example/acme/shop https://git.acme.example/api/v3",
		"https://git.acme.example:8443/acme/shop":           "git.acme.example:8443/acme/shop https://git.acme.example:8443/api/v3",
		"ssh://git@git.acme.example:2222/acme/shop.git":     "git.acme.example/acme/shop https://git.acme.example/api/v3",
		"http://127.0.0.1:8080/acme/shop.git":               "127.0.0.1:8080/acme/shop http://127.0.0.1:8080/api/v3",
		"http://x-access-token:t@localhost:80/acme/shop":    "localhost/acme/shop http://localhost/api/v3",
		"http://[::1]:8080/acme/shop":                       "[::1]:8080/acme/shop http://[::1]:8080/api/v3",
		"https://[2001:db8::1]/acme/shop":                   "[2001:db8::1]/acme/shop https://[2001:db8::1]/api/v3",
		"https://github.com/acme/shop?x=secret":             "github.com/acme/shop https://api.github.com",
		"https://notgitlab.example/acme/shop":               "notgitlab.example/acme/shop https://notgitlab.example/api/v3",
		"":                                                  "",
		"/srv/git/shop.git":                                 "",
		"../shop":                                           "",
		`C:\git\shop`:                                       "",
		"file:///srv/git/shop.git":                          "",
		"https://gitlab.com/acme/shop":                      "",
		"git@gitlab.acme.example:acme/shop.git":             "",
		"git@bitbucket.org:acme/shop.git":                   "",
		"https://dev.azure.com/acme/shop/_git/shop":         "",
		"git@github-work:acme/shop.git":                     "",
		"http://git.acme.example/acme/shop":                 "",
		"https://github.com/acme":                           "",
		"https://github.com/acme/shop/tree/main":            "",
		"https://github.com/../shop":                        "",
		"https://github.com/acme/sh%0aop":                   "",
		"https://source.developers.google.com/p/acme/r/shp": "",
		"https://dev1:secret@gitlab.com/acme/shop":          "",
		"https://dev1:secret@git.acme.example/a/b/c":        "",
		"https://dev1:sec ret@%zz/acme/shop?token=secret":   "",
		"ftp://dev1:secret@files.acme.example/acme/shop":    "",
	} {
		r, err := forge.ParseRemote(remote)
		if want == "" {
			if !errors.Is(err, forge.ErrNoForge) || model.CodeOf(err, -1) != model.ExitUsage {
				t.Errorf("%q: %v, %v", remote, r, err)
			}
			if err != nil && strings.Contains(err.Error(), "sec") && strings.Contains(remote, "secret") {
				t.Errorf("the password is in %q", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", remote, err)
		} else if got := r.String() + " " + r.APIURL(); got != want {
			t.Errorf("%q: %s, want %s", remote, got, want)
		}
	}
}

func TestRepositoryURL(t *testing.T) {
	r := forge.Repository{Host: "github.com", Owner: "acme", Name: "shop"}
	if got, want := r.URL(), "https://github.com/acme/shop"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Whatever a remote is, it is parsed to names that are safe in a URL and that
// parse to the same again, or refused without its password.
func FuzzParseRemote(f *testing.F) {
	for _, s := range []string{"https://github.com/acme/shop", "git@github.com:acme/shop.git", "ssh://git@ssh.github.com:443/a/b", "http://[::1]:80/a/b", "C:\\x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, remote string) {
		r, err := forge.ParseRemote(remote)
		if err != nil {
			if !errors.Is(err, forge.ErrNoForge) || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q", err)
			}
			return
		}
		if strings.ContainsAny(r.Owner+r.Name, "/?#%@ \n\x1b") || r.Host == "" || strings.ContainsAny(r.Host, "/@") {
			t.Fatalf("%+v", r)
		}
		if again, err := forge.ParseRemote(r.URL()); err != nil || again != r {
			t.Errorf("%q: %+v, and again %+v, %v", remote, r, again, err)
		}
	})
}
