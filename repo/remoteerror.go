package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fairtide-dev/fairtide/model"
)

// says reports whether a text contains one of the words, in lower case.
func says(text string, words ...string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// trouble is a kind of failure at a remote: by which words it is known, and
// what to say. The sentence has the repository, the remote, what was tried and
// git's own words.
type trouble struct {
	words    []string
	sentence string
}

// troubles are tried in their order: the first that fits is told.
var troubles = []trouble{
	{[]string{"no space left on device", "disk quota exceeded", "file too large"},
		"%[1]s: cannot %[3]s %[2]s: the disk is full (%[4]s); make room in fairtide's cache directory"},
	{[]string{"host key verification failed", "identification has changed", "host key for", "host key is known"},
		"%[1]s: %[2]s is not the host that is known, or not known yet (%[4]s); check its key with whoever runs it, connect once with ssh, and try again"},
	{[]string{"error: 301", "error: 302", "error: 307", "error: 308", "redirect"},
		"%[1]s: %[2]s has moved (%[4]s); %[5]s"},
	{[]string{"certificate", "ssl", "tls:", "x509", "gnutls"},
		"%[1]s: the TLS certificate of %[2]s is not trusted, or TLS fails (%[4]s); name its authority with git's http.sslCAInfo or SSL_CERT_FILE"},
	{[]string{"could not resolve", "no such host", "name or service not known", "temporary failure in name resolution", "nodename nor servname"},
		"%[1]s: the host of %[2]s is not found (%[4]s); check the network, the VPN and the URL"},
	{[]string{"timed out", "timeout", "deadline exceeded", "operation too slow"},
		"%[1]s: %[2]s did not answer in time (%[4]s); check the network and the VPN, and try again"},
	{[]string{"connection refused", "no route to host", "network is unreachable", "couldn't connect", "failed to connect", "connection reset"},
		"%[1]s: %[2]s cannot be reached (%[4]s); check the network, the VPN and the proxy"},
	{[]string{"dubious ownership"},
		"%[1]s: git does not read %[2]s, which belongs to somebody else (%[4]s); run `git config --global --add safe.directory` with its path"},
	{[]string{"authentication failed", "could not read username", "could not read password", "terminal prompts disabled", "permission denied",
		"permission to", "error: 401", "error: 403", "invalid username", "authentication required", "authorization failed", "unable to authenticate", "access denied"},
		"%[1]s: %[2]s refused access to %[3]s (%[4]s); check the token or the ssh key, or that `git fetch` works in a clone"},
	{[]string{"couldn't find remote ref", "not our ref", "unadvertised object"},
		"%[1]s: %[2]s does not have it (%[4]s); it may have been deleted"},
	{[]string{"not a git repository", "does not appear to be a git repository", "repository not found", "not found", "does not exist", "no such repository"},
		"%[1]s: there is no Git repository at %[2]s, or this account may not see it (%[4]s); check the URL and the account"},
}

// remoteError turns what went wrong with the remote into what to do next.
func (r *Repo) remoteError(what, remote string, err error) error {
	where, moved := redact(remote), "open its new URL"
	if r.own != nil && r.own.clone != "" {
		moved = fmt.Sprintf("run `git remote set-url %s` with the new URL in the clone", r.remote)
	}
	var key *hostKeyError
	if errors.As(err, &key) {
		return model.Errorf(model.ExitUnreachable, "%s: cannot %s %s: %w", r.name, what, where, key)
	}
	switch text, known := remoteText(err); {
	case errors.Is(err, syscall.ENOSPC), known:
		for _, t := range troubles {
			if says(text, t.words...) {
				// Not a format of its own: the text may hold anything.
				return model.Errorf(model.ExitUnreachable, "%s", explain(t.sentence, r.name, where, what, text, moved))
			}
		}
		if text == "" {
			text = "git ended without a word"
		}
		return model.Errorf(model.ExitUnreachable, "%s: cannot %s %s: %s", r.name, what, where, text)
	}
	return fmt.Errorf("%s: %w", r.name, err)
}

// explain fills a sentence in; not every one has all the words.
func explain(sentence string, words ...string) string {
	var pairs []string
	for i, w := range words {
		pairs = append(pairs, fmt.Sprintf("%%[%d]s", i+1), w)
	}
	return strings.NewReplacer(pairs...).Replace(sentence)
}

// remoteText is what git, or the system, said went wrong. known is false for
// what has nothing to do with the remote, and for what is said well already.
func remoteText(err error) (text string, known bool) {
	var said *gitError
	if errors.As(err, &said) {
		return said.text, true
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error(), true
	}
	return err.Error(), !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && model.CodeOf(err, model.ExitOK) == model.ExitOK
}

// used notes that the own repository is in use, once a day.
func (o *own) used() error {
	file := filepath.Join(o.dir, cloneFile)
	info, err := os.Stat(file)
	if err != nil || sinceFile(info) < dayOld {
		return err
	}
	return freshen(file)
}
