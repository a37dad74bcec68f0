package repo

import (
	"context"
	"errors"
	"os/exec"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/model"
)

// Transport says what talks to remotes.
type Transport string

// The transports. The git command knows the user's ssh configuration, proxies
// and credential helpers; what is built in knows an ssh agent, known_hosts and
// Options.Credentials only.
const (
	TransportAuto    Transport = "auto"    // git when it is on PATH
	TransportSystem  Transport = "system"  // git
	TransportBuiltin Transport = "builtin" // without git
)

func (t Transport) check() error {
	switch t {
	case "", TransportAuto, TransportSystem, TransportBuiltin:
		return nil
	}
	return model.Errorf(model.ExitUsage, "unknown Git transport %q; use %s, %s or %s", string(t), TransportAuto, TransportSystem, TransportBuiltin)
}

// remoteRefs is what a remote has.
type remoteRefs struct {
	branches map[string]plumbing.Hash // by name without refs/heads/
	head     string                   // its default branch, when that was asked for and there is one
}

// refspec is what to fetch and where to. With all, both are prefixes. A source
// that is a hash is that commit.
type refspec struct {
	from, to string
	all      bool
}

// protocol talks to one remote.
type protocol interface {
	// list asks for the branches, and with head for the default one too.
	list(ctx context.Context, at endpoint, head bool) (remoteRefs, error)
	// fetch brings objects and references into the own repository. What a
	// prefix no longer has at the remote is removed.
	fetch(ctx context.Context, at endpoint, what refspec) error
	// push makes a branch that does not exist. One that is another commit is
	// ErrBranchTaken, and what the server refuses is a *rejected.
	push(ctx context.Context, at endpoint, h plumbing.Hash, branch plumbing.ReferenceName) error
}

// rejected is a push that the server refused, and why.
type rejected struct{ reason string }

func (e *rejected) Error() string { return e.reason }

// transport is what talks to remotes now: git can be installed meanwhile.
func (r *Repo) transport() protocol {
	switch r.through {
	case TransportSystem:
		return system{r}
	case TransportBuiltin:
		return builtin{r}
	}
	if !haveGit() {
		return builtin{r}
	}
	return system{r}
}

func haveGit() bool {
	_, err := exec.LookPath("git")
	return err == nil
}

// endpoint is where a remote is, with the login that the URL holds or that
// Options.Credentials knows.
func (r *Repo) endpoint(ctx context.Context, raw string) endpoint {
	at := endpointOf(raw)
	if !at.http() || at.login || r.ask == nil {
		return at // ssh and paths need none
	}
	if user, password, ok := r.ask(ctx, at.url); ok {
		at.user, at.password, at.login = user, password, true
	}
	return at
}

// isMissing reports whether an error says that objects which should be at hand
// are not: what was borrowed has been thrown away.
func isMissing(err error) bool {
	var said *gitError
	return errors.Is(err, plumbing.ErrObjectNotFound) || errors.As(err, &said) &&
		says(said.text, "bad object", "missing blob", "missing tree", "missing commit", "unable to read tree", "not send all necessary objects",
			"unresolved delta", "could not parse commit")
}
