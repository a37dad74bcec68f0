package forge

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// hidden stands where a token would be printed.
const hidden = "[token]"

// Token is a secret that does not print: every verb of fmt, JSON, YAML and
// log/slog shows "[token]" or an address. The zero Token is none.
type Token struct {
	// A function, because fmt prints what unexported fields hold.
	reveal func() string
}

// NewToken wraps a token; white space around it is dropped.
func NewToken(s string) Token {
	s = strings.TrimSpace(s)
	if s == "" {
		return Token{}
	}
	return Token{reveal: func() string { return s }}
}

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t.reveal == nil }

// Reveal is the token itself, for a request's header or Git's password prompt.
func (t Token) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// String hides the token.
func (t Token) String() string { return hidden }

// GoString hides the token.
func (t Token) GoString() string { return hidden }

// MarshalText hides the token.
func (t Token) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the token.
func (t Token) LogValue() slog.Value { return slog.StringValue(hidden) }

// sendable reports whether the token can stand in a header; one with a line
// feed in its middle was pasted wrongly.
func (t Token) sendable() bool {
	for _, c := range []byte(t.Reveal()) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// Lookup is where FindToken looks. A nil function is not asked.
type Lookup struct {
	Env      func(string) string
	ReadFile func(string) ([]byte, error)
	// Run runs a program and returns its standard output; see [RunCommand].
	Run func(ctx context.Context, name string, args ...string) ([]byte, error)
}

// RunCommand runs a program without input and returns its standard output.
func RunCommand(ctx context.Context, name string, args ...string) ([]byte, error) {
	return exec.CommandContext(ctx, name, args...).Output()
}

// commandTimeout bounds "gh auth token", which may ask a locked keyring.
const commandTimeout = 5 * time.Second

// tokenVariables are the environment variables that hold a token for host, in
// the order of gh's help page on its environment.
func tokenVariables(host string) []string {
	if dotcom(host) {
		return []string{"FAIRTIDE_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"}
	}
	return []string{"FAIRTIDE_GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"}
}

// FindToken finds the token for a host as gh does: environment variables
// (FAIRTIDE_GITHUB_TOKEN before gh's own), gh's hosts.yml, then "gh auth
// token", which knows the system's keyring. Source names where it was found.
// Without one the error matches [ErrNoToken] and says how to give one.
func FindToken(ctx context.Context, host string, l Lookup) (token Token, source string, err error) {
	if l.Env != nil {
		for _, name := range tokenVariables(host) {
			if t := NewToken(l.Env(name)); !t.IsZero() {
				return t, name, nil
			}
		}
	}
	if l.Env != nil && l.ReadFile != nil {
		file := ghHostsFile(l.Env)
		if data, err := l.ReadFile(file); err == nil {
			if t := tokenInHosts(data, host); !t.IsZero() {
				return t, file, nil
			}
		}
	}
	if l.Run != nil {
		ctx, cancel := context.WithTimeout(ctx, commandTimeout)
		defer cancel()
		out, err := l.Run(ctx, "gh", "auth", "token", "--hostname", host)
		if t := NewToken(string(bytes.TrimSpace(out))); err == nil && !t.IsZero() {
			return t, "gh auth token", nil
		}
	}
	return Token{}, "", noToken(host)
}

func noToken(host string) error {
	return model.Errorf(model.ExitUnreachable, "%s: %w", host, &Problem{
		Kind: ErrNoToken,
		Text: fmt.Sprintf("no token: set %s, or log in with: gh auth login --hostname %s",
			strings.Join(tokenVariables(host), " or "), host),
	})
}

// ghHostsFile is where gh keeps its logins: "gh help environment", GH_CONFIG_DIR.
func ghHostsFile(env func(string) string) string {
	for _, d := range []struct{ variable, below string }{
		{"GH_CONFIG_DIR", ""}, {"XDG_CONFIG_HOME", "gh"}, {"AppData", "GitHub CLI"},
	} {
		if dir := env(d.variable); dir != "" {
			return filepath.Join(dir, d.below, "hosts.yml")
		}
	}
	return filepath.Join(env("HOME"), ".config", "gh", "hosts.yml")
}

// tokenInHosts reads gh's hosts.yml: the host's own oauth_token, which is the
// active user's, or that of the active user under "users".
func tokenInHosts(data []byte, host string) Token {
	type login struct {
		Token string `yaml:"oauth_token"`
	}
	var hosts map[string]struct {
		login `yaml:",inline"`
		User  string           `yaml:"user"`
		Users map[string]login `yaml:"users"`
	}
	if yaml.Unmarshal(data, &hosts) != nil {
		return Token{}
	}
	h := hosts[host]
	if h.Token != "" {
		return NewToken(h.Token)
	}
	return NewToken(h.Users[h.User].Token)
}
