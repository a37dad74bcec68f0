package repo

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/fairtide-dev/fairtide/model"
)

// sshServer lets who has the key run git's two services.
type sshServer struct {
	addr      string
	hostKeys  []ssh.Signer
	listening net.Listener
}

func signer(t *testing.T, curve bool) (ssh.Signer, string) {
	t.Helper()
	var key any
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if key = private; curve && err == nil {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return s, string(pem.EncodeToMemory(block))
}

func serveSSH(t *testing.T, allowed ssh.PublicKey) *sshServer {
	t.Helper()
	first, _ := signer(t, false)
	second, _ := signer(t, true)
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "git" || string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, fmt.Errorf("not allowed")
		}
		return &ssh.Permissions{}, nil
	}}
	// The server's favourite comes first; known_hosts may have the other.
	config.AddHostKey(first)
	config.AddHostKey(second)
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			go session(conn, config, program)
		}
	}()
	return &sshServer{addr: l.Addr().String(), hostKeys: []ssh.Signer{first, second}, listening: l}
}

// session serves one connection: an exec request of a git service.
func session(conn net.Conn, config *ssh.ServerConfig, program string) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		ch, reqs, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = ch.Close() }()
			for req := range reqs {
				ok := req.Type == "exec"
				_ = req.Reply(ok, nil)
				if ok {
					_, err := ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{service(program, string(req.Payload[4:]), ch)}))
					_ = err
					return
				}
			}
		}()
	}
}

// service runs "git-upload-pack 'PATH'" and the like.
func service(program, command string, ch ssh.Channel) uint32 {
	name, path, _ := strings.Cut(command, " ")
	cmd := exec.Command(program, strings.TrimPrefix(name, "git-"), strings.Trim(path, "'"))
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=2",
		"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*", "GIT_CONFIG_KEY_1=uploadpack.allowAnySHA1InWant", "GIT_CONFIG_VALUE_1=true"}
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 1
	}
	go func() {
		_, _ = io.Copy(stdin, ch)
		_ = stdin.Close()
	}()
	if cmd.Run() != nil {
		return 1
	}
	return 0
}

// sshHome makes a home directory with a key and known hosts.
func sshHome(t *testing.T, key, known string) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"id_ed25519": key, "known_hosts": known} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", home)
	t.Setenv("SSH_AUTH_SOCK", "")
	return home
}

// TestBuiltinSSH talks to an ssh server whose host key is known by only one of
// its two types, by a wrong one, or not at all.
func TestBuiltinSSH(t *testing.T) {
	user, key := signer(t, false)
	stranger, strangersKey := signer(t, false)
	s := serveSSH(t, user.PublicKey())
	origin, clone, hashes := cloned(t, shop(), shop().with(files{"x": "1"}))
	git(t, clone, "remote", "set-url", "origin", "ssh://git@"+s.addr+origin)
	line := func(k ssh.Signer) string {
		return knownhosts.Line([]string{knownhosts.Normalize(s.addr)}, k.PublicKey()) + "\n"
	}
	hashed := knownhosts.HashHostname(knownhosts.Normalize(s.addr))
	for _, tt := range []struct{ name, key, known, want string }{
		{"its favourite key is known", key, line(s.hostKeys[0]), ""},
		{"the other key is known", key, line(s.hostKeys[1]), ""},
		{"known by a hashed name", key, hashed + strings.TrimPrefix(line(s.hostKeys[1]), knownhosts.Normalize(s.addr)), ""},
		{"a wrong key is known", key, line(stranger), "is not the one in"},
		{"a wrong key of another type is known", key, line(stranger) + "# end\n", "somebody may be in between"},
		{"other hosts are known", key, "example.com " + strings.SplitN(line(stranger), " ", 2)[1], "known_hosts; check it with whoever runs the host"},
		{"no host is known", key, "", "known_hosts; check it with whoever runs the host"},
		{"revoked", key, "@revoked * " + strings.SplitN(line(s.hostKeys[0]), " ", 2)[1] + "@revoked * " + strings.SplitN(line(s.hostKeys[1]), " ", 2)[1], "is revoked"},
		{"garbage", key, "one two\n", "cannot read the known hosts"},
		{"another key", strangersKey, line(s.hostKeys[0]), "refused access"},
		{"no key", "", line(s.hostKeys[0]), "the ssh agent has no key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			home := sshHome(t, tt.key, tt.known)
			r := cached(t, Options{Path: clone, Transport: TransportBuiltin})
			_, err := r.Fetch(t.Context())
			if tt.want == "" {
				if err != nil || r.Fetched().IsZero() {
					t.Error(err)
				}
				return
			}
			if model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if strings.Contains(tt.want, "known_hosts") && !strings.Contains(err.Error(), filepath.Join(home, ".ssh", "known_hosts")) {
				t.Errorf("%v does not name the file", err)
			}
			if !r.Fetched().IsZero() {
				t.Error("counts as fetched")
			}
		})
	}
	sshHome(t, key, line(s.hostKeys[1]))
	everything(t, origin, Options{Path: clone, Transport: TransportBuiltin}, hashes)
}
