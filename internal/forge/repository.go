package forge

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// ErrNoForge says that a remote is not on a forge this package can talk to.
// Everything that needs no forge still works.
var ErrNoForge = errors.New("not a GitHub repository")

// Repository names a repository on a forge.
type Repository struct {
	Host  string // lower case, with the port if it is not the usual one
	Owner string
	Name  string
	// Plain is set for http without TLS, which only a loopback host may have.
	Plain bool
}

// String is "github.com/owner/name".
func (r Repository) String() string { return r.Host + "/" + r.Owner + "/" + r.Name }

// URL is the repository's page.
func (r Repository) URL() string { return r.origin(r.Host) + "/" + r.Owner + "/" + r.Name }

// APIURL is the root of the REST interface: api.github.com, api.SUBDOMAIN.ghe.com,
// or /api/v3 of an Enterprise Server.
func (r Repository) APIURL() string {
	if dotcom(r.Host) {
		return r.origin("api." + r.Host)
	}
	return r.origin(r.Host) + "/api/v3"
}

func (r Repository) origin(host string) string {
	if r.Plain {
		return "http://" + host
	}
	return "https://" + host
}

// dotcom reports whether host is one that GitHub runs itself: github.com or a
// subdomain of ghe.com.
func dotcom(host string) bool {
	return host == "github.com" || strings.HasSuffix(host, ".ghe.com")
}

var (
	namePart = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	hostPart = regexp.MustCompile(`^([a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$`)
	// foreign are hosts that certainly are not GitHub.
	foreign = regexp.MustCompile(`(^|\.)(gitlab|bitbucket|codeberg|gitea|forgejo|sr|azure|visualstudio|googlesource)\.|^source\.developers\.google\.com$|^git-codecommit\.`)
)

// ParseRemote reads a Git remote in any form Git takes: https, ssh, or
// "user@host:owner/name". A host that is not known to be another forge is
// taken for a GitHub Enterprise Server. The error matches [ErrNoForge] and
// holds no password the URL may have.
func ParseRemote(remote string) (Repository, error) {
	r, path, why := splitRemote(strings.TrimSpace(remote))
	if why == "" {
		parts := strings.Split(strings.TrimSuffix(strings.Trim(path, "/"), ".git"), "/")
		switch {
		case !hostPart.MatchString(r.Host):
			why = "its host is no host name"
		case foreign.MatchString(r.Host):
			why = r.Host + " is another forge"
		case len(parts) != 2 || !validName(parts[0]) || !validName(parts[1]):
			why = "the path is not OWNER/NAME"
		default:
			r.Owner, r.Name = parts[0], parts[1]
			return r, nil
		}
	}
	return Repository{}, model.Errorf(model.ExitUsage, "remote %s: %w: %s; pull requests, approvals and checks are not available", withoutPassword(remote), ErrNoForge, why)
}

func validName(s string) bool { return namePart.MatchString(s) && s != "." && s != ".." }

// splitRemote finds host and path. Why says what keeps it from being on a forge.
func splitRemote(remote string) (r Repository, path, why string) {
	if !strings.Contains(remote, "://") {
		host, path, ok := strings.Cut(remote, ":")
		if !ok || strings.ContainsAny(host, `/\`) || len(host) == 1 {
			return r, "", "it is a local path"
		}
		host = host[strings.LastIndex(host, "@")+1:]
		return sshHost(host, path)
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" && u.Scheme != "file" {
		return r, "", "it is not a URL"
	}
	switch u.Scheme {
	case "ssh", "git+ssh", "git":
		return sshHost(u.Hostname(), u.Path)
	case "https":
		r.Host = canonical(u, "443")
	case "http":
		if !loopback(u.Hostname()) {
			return r, "", "plain http would show the token to the network; use https"
		}
		r.Host, r.Plain = canonical(u, "80"), true
	default:
		return r, "", "it is a " + u.Scheme + " URL"
	}
	return r, u.Path, ""
}

func sshHost(host, path string) (r Repository, p, why string) {
	r.Host = bracketed(strings.ToLower(host))
	if r.Host == "ssh.github.com" { // ssh over the https port
		r.Host = "github.com"
	}
	if !strings.ContainsAny(r.Host, ".:") && !loopback(r.Host) {
		return r, "", fmt.Sprintf("%q is a name from the ssh configuration; use the real host name", host)
	}
	return r, path, ""
}

func canonical(u *url.URL, usual string) string {
	host := strings.ToLower(u.Hostname())
	if host == "www.github.com" {
		host = "github.com"
	}
	if port := u.Port(); port != "" && port != usual {
		return net.JoinHostPort(host, port)
	}
	return bracketed(host)
}

// bracketed writes an IPv6 address as it stands in a URL.
func bracketed(host string) string {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "[" + host + "]"
	}
	return host
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// withoutPassword is the remote without what stands before the host.
func withoutPassword(remote string) string {
	scheme, rest, ok := strings.Cut(remote, "://")
	if !ok {
		return quoted(remote)
	}
	authority, path, slash := strings.Cut(rest, "/")
	authority = authority[strings.LastIndex(authority, "@")+1:]
	path, _, _ = strings.Cut(path, "?")
	if slash {
		authority += "/" + path
	}
	return quoted(scheme + "://" + authority)
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }
