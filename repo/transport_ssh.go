package repo

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshPatience is how long the connection to an ssh server may take.
const sshPatience = 20 * time.Second

// hostKeyError says that a server is not, or not known to be, who it should be.
type hostKeyError struct{ sentence string }

func (e *hostKeyError) Error() string { return e.sentence }

// sshLogin is how to log in to a server, and how to know it.
type sshLogin struct{ config ssh.ClientConfig }

// Name is of the method.
func (*sshLogin) Name() string { return "ssh-public-key" }

// String names no key.
func (l *sshLogin) String() string { return "user: " + l.config.User }

// ClientConfig is called for every connection.
func (l *sshLogin) ClientConfig() (*ssh.ClientConfig, error) {
	c := l.config
	return &c, nil
}

// sshAuth logs in by the keys of the ssh agent and the user's key files that
// have no passphrase. The server's key has to be in known_hosts.
func sshAuth(ep *transport.Endpoint) (transport.AuthMethod, error) {
	setting := func(key string) string { return gitssh.DefaultSSHConfig.Get(ep.Host, key) }
	host := cmp.Or(setting("Hostname"), ep.Host)
	port := ep.Port
	if n, err := strconv.Atoi(setting("Port")); err == nil && (port <= 0 || port == gitssh.DefaultPort) {
		port = n
	}
	addr := net.JoinHostPort(host, strconv.Itoa(cmp.Or(max(port, 0), gitssh.DefaultPort)))
	name := cmp.Or(ep.User, setting("User"))
	if name == "" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, &gitError{text: "the home directory, where ssh keeps its keys, is not known: " + err.Error(), err: err}
	}
	check, algorithms, err := knownHosts(home, addr)
	if err != nil {
		return nil, err
	}
	return &sshLogin{ssh.ClientConfig{
		User:              name,
		Auth:              []ssh.AuthMethod{ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return signers(home, setting("IdentityFile"), name) })},
		HostKeyCallback:   check,
		HostKeyAlgorithms: algorithms,
		Timeout:           sshPatience,
	}}, nil
}

// signers are the keys to try.
func signers(home, identity, name string) ([]ssh.Signer, error) {
	var list []ssh.Signer
	if agent, err := gitssh.NewSSHAgentAuth(name); err == nil {
		if keys, err := agent.Callback(); err == nil {
			list = keys
		}
	}
	if rest, ok := strings.CutPrefix(identity, "~/"); ok {
		identity = filepath.Join(home, rest)
	}
	dir := filepath.Join(home, ".ssh")
	for _, file := range []string{identity, filepath.Join(dir, "id_ed25519"), filepath.Join(dir, "id_ecdsa"), filepath.Join(dir, "id_rsa")} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if key, err := ssh.ParsePrivateKey(data); err == nil {
			list = append(list, key) // one with a passphrase is the agent's business
		}
	}
	if len(list) == 0 {
		return nil, errors.New("unable to authenticate: the ssh agent has no key, and ~/.ssh has none without a passphrase")
	}
	return list, nil
}

// knownHosts checks server keys against the user's and the machine's
// known_hosts. The server is asked for the kinds of key that are known of it:
// it would offer its own favourite, which is not the one that was recorded.
func knownHosts(home, addr string) (ssh.HostKeyCallback, []string, error) {
	first := filepath.Join(home, ".ssh", "known_hosts")
	var files []string
	for _, file := range []string{first, filepath.Join(home, ".ssh", "known_hosts2"), "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"} {
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		}
	}
	where := knownhosts.Normalize(addr)
	unknown := &hostKeyError{fmt.Sprintf("the key of the host %s is not in %s; check it with whoever runs the host, connect once with `ssh`, and try again", where, first)}
	if len(files) == 0 {
		return func(string, net.Addr, ssh.PublicKey) error { return unknown }, nil, nil
	}
	db, err := gitssh.NewKnownHostsDb(files...)
	if err != nil {
		return nil, nil, &hostKeyError{fmt.Sprintf("cannot read the known hosts: %v; correct that line", err)}
	}
	check := func(hostname string, remote net.Addr, key ssh.PublicKey) error {
		err := db.HostKeyCallback()(hostname, remote, key)
		var mismatch *knownhosts.KeyError
		var revoked *knownhosts.RevokedError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &mismatch) && len(mismatch.Want) == 0:
			return unknown
		case errors.As(err, &mismatch):
			k := mismatch.Want[0]
			return &hostKeyError{fmt.Sprintf("the key of the host %s is not the one in %s, line %d: somebody may be in between; if whoever runs the host says that its key is now %s, remove that line and connect once with `ssh`",
				where, k.Filename, k.Line, ssh.FingerprintSHA256(key))}
		case errors.As(err, &revoked):
			return &hostKeyError{fmt.Sprintf("the key of the host %s is revoked in %s, line %d; ask whoever runs the host", where, revoked.Revoked.Filename, revoked.Revoked.Line)}
		}
		return &hostKeyError{fmt.Sprintf("the key of the host %s cannot be checked: %v", where, err)}
	}
	return check, db.HostKeyAlgorithms(addr), nil
}
