package repo

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/fairtide-dev/fairtide/model"
)

// maxSignature is longer than any signature of one commit.
const maxSignature = 64 << 10

// keyring holds the keys whose signatures count.
type keyring struct {
	ssh map[string]string // wire form of the key to the signer's name
	gpg []gpgSigner
}

type gpgSigner struct {
	name string
	keys openpgp.EntityList
}

// newKeyring reads the signers' keys. The configuration has refused what is no
// key at all; a key that this program cannot use makes nothing verified.
func newKeyring(signers []model.Signer) *keyring {
	k := &keyring{ssh: map[string]string{}}
	for _, s := range signers {
		if s.SSH != "" {
			if wire, ok := sshKey(s.SSH); ok {
				k.ssh[wire] = s.Name
			}
			continue
		}
		if keys := gpgKeys(s.GPG); len(keys) > 0 {
			k.gpg = append(k.gpg, gpgSigner{s.Name, keys})
		}
	}
	return k
}

// keyrings keeps the keyrings that were read: it takes a while, and a list of
// changes needs the same one over and over. The zero value is ready.
type keyrings struct {
	mu   sync.Mutex
	last string
	ring *keyring
}

func (k *keyrings) of(signers []model.Signer) *keyring {
	key := fmt.Sprintf("%q", signers)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ring == nil || k.last != key {
		k.last, k.ring = key, newKeyring(signers)
	}
	return k.ring
}

// check judges the signature of a commit object, given as it is stored. Keys
// and signatures are as good as they are now: one that has expired since the
// commit was made verifies nothing.
func (k *keyring) check(commit []byte, now time.Time) model.Signature {
	payload, signatures := splitSignature(commit)
	if len(signatures) == 0 {
		return model.Signature{State: model.SignatureUnsigned}
	}
	text := signatures[0]
	s := model.Signature{State: model.SignatureUnverified}
	switch begin, _, _ := strings.Cut(text, "\n"); strings.TrimRight(begin, " \r") {
	case "-----BEGIN PGP SIGNATURE-----":
		s.Kind = "gpg"
	case "-----BEGIN SSH SIGNATURE-----":
		s.Kind = "ssh"
	case "-----BEGIN SIGNED MESSAGE-----":
		s.Kind = "x509"
	default:
		s.Reason = "it is of no kind that is known"
		return s
	}
	switch {
	case len(signatures) > 1 || strings.Count(text, "-----BEGIN ") > 1:
		s.Reason = "the commit carries more than one signature"
	case len(text) > maxSignature:
		s.Reason = fmt.Sprintf("it is longer than %d bytes", maxSignature)
	case s.Kind == "ssh":
		k.checkSSH(&s, payload, text)
	case s.Kind == "gpg":
		k.checkGPG(&s, payload, text, now)
	default:
		s.Reason = "x509 signatures are not checked"
	}
	return s
}

// splitSignature takes the signatures out of a commit object. What is left is
// what was signed, byte for byte: git signs a commit before it adds the header.
// The header for repositories with sha256 object names is no part of what was
// signed, either, and is not looked at.
func splitSignature(commit []byte) (payload []byte, signatures []string) {
	payload = make([]byte, 0, len(commit))
	var signature strings.Builder
	signed, other := false, false // the header that a line which starts with a blank goes on with
	end := func() {
		if signed {
			signatures = append(signatures, signature.String())
		}
		signature.Reset()
		signed, other = false, false
	}
	for len(commit) > 0 {
		line := commit
		if i := bytes.IndexByte(commit, '\n'); i >= 0 {
			line = commit[:i+1]
		}
		if line[0] != ' ' {
			end()
		}
		switch {
		case line[0] == '\n': // the message follows
			return append(payload, commit...), signatures
		case bytes.HasPrefix(line, []byte("gpgsig ")):
			signed = true
			signature.Write(line[len("gpgsig "):])
		case bytes.HasPrefix(line, []byte("gpgsig-sha256 ")):
			other = true
		case signed:
			signature.Write(line[1:])
		case !other:
			payload = append(payload, line...)
		}
		commit = commit[len(line):]
	}
	end()
	return payload, signatures
}
