package repo

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// schemes are those of the URLs that a repository can be opened by.
var schemes = []string{"https", "http", "ssh", "git", "file"}

// IsURL reports whether a repository is named by a URL and not by a path:
// https://, ssh:// and the like, or HOST:PATH as ssh has it. What exists as a
// file is a path.
func IsURL(s string) bool {
	if scheme, _, ok := strings.Cut(s, "://"); ok {
		return scheme != "" && strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+.-") == ""
	}
	if !isSCP(s) {
		return false
	}
	_, err := os.Lstat(s)
	return err != nil
}

// isSCP reports whether s is HOST:PATH. One letter is a drive of Windows.
func isSCP(s string) bool {
	host, _, ok := strings.Cut(s, ":")
	return ok && len(host) > 1 && !strings.ContainsAny(host, `/\`) && !strings.Contains(s, "://")
}

// NameOfURL is what a repository is called by its URL: its last element.
func NameOfURL(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.Path != "" {
		raw = u.Path
	}
	raw = strings.TrimRight(filepath.ToSlash(raw), "/")
	raw = strings.TrimRight(strings.TrimSuffix(raw, "/.git"), "/")
	if i := strings.LastIndexAny(raw, "/:"); i >= 0 {
		raw = raw[i+1:]
	}
	return strings.TrimSuffix(raw, ".git")
}

// checkURL refuses what names no repository that could be fetched.
func checkURL(raw string) error {
	shown := redact(raw)
	scheme, _, ok := strings.Cut(raw, "://")
	switch {
	case ok && !slices.Contains(schemes, strings.ToLower(scheme)), !ok && strings.Contains(raw, "::"):
		return model.Errorf(model.ExitUsage, "cannot open the repository %s: fairtide fetches from https, ssh, git and file URLs", shown)
	case NameOfURL(raw) == "":
		return model.Errorf(model.ExitUsage, "cannot open the repository %s: the URL names none; write it as `git clone` takes it", shown)
	}
	return nil
}

var userinfo = regexp.MustCompile(`(://)[^/@\s'"]*@`)

// redact takes users and passwords out of the URLs in a text.
func redact(text string) string { return userinfo.ReplaceAllString(text, "$1") }

// endpoint is where a remote is and how to log in there. The URL itself holds
// no password: it ends up in the arguments of programs, which are for everybody
// on the machine to read.
type endpoint struct {
	url      string
	user     string
	password string
	login    bool // user and password are both known
}

// endpointOf takes the password out of a URL, and of an http URL the user.
func endpointOf(raw string) endpoint {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil || u.Scheme == "" || u.Host == "" {
		return endpoint{url: raw}
	}
	at := endpoint{user: u.User.Username()}
	at.password, at.login = u.User.Password()
	u.User = nil
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
	default:
		at.login, at.password = false, "" // ssh has other ways
		u.User = url.User(at.user)
	}
	at.url = u.String()
	return at
}

// http reports whether the remote is reached over http or https.
func (e endpoint) http() bool {
	scheme, _, _ := strings.Cut(strings.ToLower(e.url), "://")
	return scheme == "http" || scheme == "https"
}

// local is the path of a remote on this machine.
func (e endpoint) local() (string, bool) {
	if rest, ok := strings.CutPrefix(e.url, "file://"); ok {
		if u, err := url.Parse(e.url); err == nil {
			rest = u.Path
		}
		return filepath.FromSlash(rest), true
	}
	return e.url, !strings.Contains(e.url, "://") && !isSCP(e.url)
}
