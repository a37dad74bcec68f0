package forge

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// pages says how a forge names the page of a file at a commit, and that of the
// commit itself.
type pages struct {
	hosts *regexp.Regexp
	file  func(base, commit, path string, line int) string
	// commit is the page of a commit.
	commit func(base, commit string) string
}

// hashLine is the place of a line on most forges; 0 is the whole file.
func hashLine(prefix string, line int) string {
	if line <= 0 {
		return ""
	}
	return prefix + strconv.Itoa(line)
}

// known are the forges whose pages are known. What comes first wins; the last
// one stands for every other host, as a host of nobody's name is taken for a
// GitHub Enterprise Server everywhere else too.
var known = []pages{
	{
		hosts: regexp.MustCompile(`(^|\.)gitlab\.`),
		file: func(base, commit, path string, line int) string {
			return base + "/-/blob/" + commit + "/" + path + hashLine("#L", line)
		},
		commit: func(base, commit string) string { return base + "/-/commit/" + commit },
	},
	{
		hosts: regexp.MustCompile(`(^|\.)bitbucket\.`),
		file: func(base, commit, path string, line int) string {
			return base + "/src/" + commit + "/" + path + hashLine("#lines-", line)
		},
		commit: func(base, commit string) string { return base + "/commits/" + commit },
	},
	{
		hosts: regexp.MustCompile(`(^|\.)(codeberg|gitea|forgejo)\.`),
		file: func(base, commit, path string, line int) string {
			return base + "/src/commit/" + commit + "/" + path + hashLine("#L", line)
		},
		commit: func(base, commit string) string { return base + "/commit/" + commit },
	},
	{
		hosts: regexp.MustCompile(`(^|\.)(sr|azure|visualstudio|googlesource)\.|^source\.developers\.google\.com$|^git-codecommit\.`),
	},
	{
		hosts: regexp.MustCompile(``),
		file: func(base, commit, path string, line int) string {
			return base + "/blob/" + commit + "/" + path + hashLine("#L", line)
		},
		commit: func(base, commit string) string { return base + "/commit/" + commit },
	},
}

var commitPart = regexp.MustCompile(`^[0-9a-fA-F]{7,64}$`)

// Page is where a browser shows a file of a remote at a commit, at a line if
// that is not 0; without a path, the commit. It is empty for a remote that is
// on no forge whose pages are known, and has no password the remote may have.
func Page(remote, commit, path string, line int) string {
	r, at, why := splitRemote(strings.TrimSpace(remote))
	at = strings.TrimSuffix(strings.Trim(at, "/"), ".git")
	if why != "" || !hostPart.MatchString(r.Host) || !commitPart.MatchString(commit) || !strings.Contains(at, "/") {
		return ""
	}
	base := r.origin(r.Host) + "/" + escaped(at)
	for _, p := range known {
		switch {
		case !p.hosts.MatchString(r.Host):
			continue
		case p.file == nil:
			return ""
		case path == "":
			return p.commit(base, commit)
		}
		return p.file(base, commit, escaped(path), line)
	}
	return ""
}

// escaped is a path as it stands in a URL.
func escaped(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
