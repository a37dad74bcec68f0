package forge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/forge"
	"github.com/fairtide-dev/fairtide/model"
)

const hosts = `github.com:
    user: dev1
    oauth_token: from-hosts
    git_protocol: https
    users:
        dev1: {oauth_token: from-users}
git.acme.example:
    user: dev2
    users:
        dev2: {oauth_token: from-active-user}
        dev3: {oauth_token: of-another}
keyring.example:
    user: dev1
`

func TestFindToken(t *testing.T) {
	home := filepath.Join("/home", "dev1", ".config", "gh", "hosts.yml")
	for name, c := range map[string]struct {
		host          string
		env           map[string]string
		files         map[string]string
		gh            string
		token, source string
	}{
		"ours first":           {env: map[string]string{"FAIRTIDE_GITHUB_TOKEN": "a", "GH_TOKEN": "b", "GITHUB_TOKEN": "c"}, token: "a", source: "FAIRTIDE_GITHUB_TOKEN"},
		"then gh's":            {env: map[string]string{"GH_TOKEN": "b", "GITHUB_TOKEN": "c"}, token: "b", source: "GH_TOKEN"},
		"then CI's":            {env: map[string]string{"GITHUB_TOKEN": " c\n", "GH_ENTERPRISE_TOKEN": "d"}, token: "c", source: "GITHUB_TOKEN"},
		"blank is none":        {env: map[string]string{"GH_TOKEN": "  ", "GITHUB_TOKEN": "c"}, token: "c", source: "GITHUB_TOKEN"},
		"ghe.com is GitHub's":  {host: "acme.ghe.com", env: map[string]string{"GH_TOKEN": "b"}, token: "b", source: "GH_TOKEN"},
		"an enterprise server": {host: "git.acme.example", env: map[string]string{"GH_TOKEN": "b", "GH_ENTERPRISE_TOKEN": "d"}, token: "d", source: "GH_ENTERPRISE_TOKEN"},
		"a token for github.com goes to no other host": {host: "other.example", env: map[string]string{"GH_TOKEN": "b", "GITHUB_TOKEN": "c"}},
		"hosts.yml":                {files: map[string]string{home: hosts}, token: "from-hosts", source: home},
		"hosts.yml, active user":   {host: "git.acme.example", files: map[string]string{home: hosts}, token: "from-active-user", source: home},
		"hosts.yml, in a keyring":  {host: "keyring.example", files: map[string]string{home: hosts}, gh: "from-gh\n", token: "from-gh", source: "gh auth token"},
		"hosts.yml elsewhere":      {env: map[string]string{"GH_CONFIG_DIR": "/etc/gh"}, files: map[string]string{filepath.Join("/etc/gh", "hosts.yml"): hosts}, token: "from-hosts", source: filepath.Join("/etc/gh", "hosts.yml")},
		"hosts.yml, XDG":           {env: map[string]string{"XDG_CONFIG_HOME": "/x"}, files: map[string]string{filepath.Join("/x", "gh", "hosts.yml"): hosts}, token: "from-hosts", source: filepath.Join("/x", "gh", "hosts.yml")},
		"hosts.yml that is broken": {files: map[string]string{home: ":\n- {"}, gh: "from-gh", token: "from-gh", source: "gh auth token"},
		"nothing anywhere":         {},
	} {
		t.Run(name, func(t *testing.T) {
			if c.host == "" {
				c.host = "github.com"
			}
			l := forge.Lookup{
				Env: func(k string) string {
					if k == "HOME" {
						return "/home/dev1"
					}
					return c.env[k]
				},
				ReadFile: func(name string) ([]byte, error) {
					if s, ok := c.files[name]; ok {
						return []byte(s), nil
					}
					return nil, fs.ErrNotExist
				},
				Run: func(_ context.Context, name string, args ...string) ([]byte, error) {
					if got, want := name+" "+strings.Join(args, " "), "gh auth token --hostname "+c.host; got != want {
						t.Errorf("ran %q, want %q", got, want)
					}
					if c.gh == "" {
						return []byte("no oauth token"), errors.New("exit status 1")
					}
					return []byte(c.gh), nil
				},
			}
			token, source, err := forge.FindToken(t.Context(), c.host, l)
			if token.Reveal() != c.token || source != c.source {
				t.Errorf("%q from %q, want %q from %q", token.Reveal(), source, c.token, c.source)
			}
			if (err == nil) != (c.token != "") {
				t.Fatalf("error %v", err)
			}
			if err == nil {
				return
			}
			if !errors.Is(err, forge.ErrNoToken) || model.CodeOf(err, -1) != model.ExitUnreachable {
				t.Errorf("%v", err)
			}
			for _, word := range []string{c.host, "FAIRTIDE_GITHUB_TOKEN", "gh auth login --hostname " + c.host} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
		})
	}
	if _, _, err := forge.FindToken(t.Context(), "github.com", forge.Lookup{}); !errors.Is(err, forge.ErrNoToken) {
		t.Errorf("nowhere to look: %v", err)
	}
}

func TestTokenDoesNotPrint(t *testing.T) {
	const secret = "ghp_0123456789"
	token := forge.NewToken(secret)
	config := forge.Config{Token: token}
	client := forge.New(config)
	asJSON, err := json.Marshal(map[string]any{"token": token})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", token, "config", config)
	for _, s := range []string{
		fmt.Sprint(token), fmt.Sprintf("%s %q %v %+v %#v %x", token, token, token, token, token, token),
		fmt.Sprintf("%v %+v %#v", config, config, config), fmt.Sprintf("%v %+v %#v", client, client, client), string(asJSON), log.String(),
	} {
		if strings.Contains(s, secret) || strings.Contains(s, fmt.Sprintf("%x", secret)) {
			t.Errorf("the token is in %s", s)
		}
	}
	if token.Reveal() != secret || token.IsZero() || !forge.NewToken(" \n").IsZero() {
		t.Error("the token itself is wrong")
	}
}
