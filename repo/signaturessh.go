package repo

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/fairtide-dev/fairtide/model"
)

// The format of SSH signatures is OpenSSH's PROTOCOL.sshsig, version 1.
const (
	sshsigMagic     = "SSHSIG"
	sshsigVersion   = 1
	sshsigNamespace = "git" // a signature for another use is none for a commit
)

// sshKey is the wire form of a key in the form of authorized_keys.
func sshKey(line string) (wire string, ok bool) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return "", false
	}
	return string(key.Marshal()), true
}

// sshSignature is what is in an armored SSH signature.
type sshSignature struct {
	key           ssh.PublicKey
	namespace     string
	reserved      string
	hashAlgorithm string
	signature     ssh.Signature
}

var errNotSSH = errors.New("it is not in the format of an SSH signature")

func parseSSHSignature(text string) (*sshSignature, error) {
	text = strings.TrimSpace(text)
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "SSH SIGNATURE" || len(block.Headers) > 0 || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, errNotSSH
	}
	blob, ok := strings.CutPrefix(string(block.Bytes), sshsigMagic)
	if !ok {
		return nil, errNotSSH
	}
	var outer struct {
		Version       uint32
		PublicKey     []byte
		Namespace     string
		Reserved      string
		HashAlgorithm string
		Signature     []byte
	}
	if err := ssh.Unmarshal([]byte(blob), &outer); err != nil {
		return nil, errNotSSH
	}
	if outer.Version != sshsigVersion {
		return nil, errors.New("it is of a version of the format that is not known")
	}
	s := &sshSignature{namespace: outer.Namespace, reserved: outer.Reserved, hashAlgorithm: outer.HashAlgorithm}
	var err error
	if s.key, err = ssh.ParsePublicKey(outer.PublicKey); err != nil {
		return nil, errors.New("it is by a kind of key that is not known")
	}
	if err := ssh.Unmarshal(outer.Signature, &s.signature); err != nil {
		return nil, errNotSSH
	}
	return s, nil
}

// signed are the bytes that the key has signed.
func (s *sshSignature) signed(message []byte) ([]byte, bool) {
	var sum []byte
	switch s.hashAlgorithm {
	case "sha256":
		h := sha256.Sum256(message)
		sum = h[:]
	case "sha512":
		h := sha512.Sum512(message)
		sum = h[:]
	default:
		return nil, false
	}
	return append([]byte(sshsigMagic), ssh.Marshal(struct {
		Namespace, Reserved, HashAlgorithm string
		Sum                                []byte
	}{s.namespace, s.reserved, s.hashAlgorithm, sum})...), true
}

// sshFormats are the signatures that a kind of key may make. PROTOCOL.sshsig
// rules out SHA-1 for RSA.
var sshFormats = map[string][]string{
	ssh.KeyAlgoED25519:    {ssh.KeyAlgoED25519},
	ssh.KeyAlgoSKED25519:  {ssh.KeyAlgoSKED25519},
	ssh.KeyAlgoECDSA256:   {ssh.KeyAlgoECDSA256},
	ssh.KeyAlgoECDSA384:   {ssh.KeyAlgoECDSA384},
	ssh.KeyAlgoECDSA521:   {ssh.KeyAlgoECDSA521},
	ssh.KeyAlgoSKECDSA256: {ssh.KeyAlgoSKECDSA256},
	ssh.KeyAlgoRSA:        {ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512},
}

func (k *keyring) checkSSH(s *model.Signature, payload []byte, text string) {
	sig, err := parseSSHSignature(text)
	if err != nil {
		s.Reason = err.Error()
		return
	}
	s.Key = ssh.FingerprintSHA256(sig.key)
	name, known := k.ssh[string(sig.key.Marshal())]
	message, hashed := sig.signed(payload)
	_, certificate := sig.key.(*ssh.Certificate)
	switch {
	case certificate:
		s.Reason = "signatures by SSH certificates are not checked"
	case !known:
		s.Reason = "its key is none of the configured signers'"
	case sig.namespace != sshsigNamespace:
		s.Reason = "it was made for another use than commits"
	case !hashed:
		s.Reason = "it uses a hash that is not known"
	case !slices.Contains(sshFormats[sig.key.Type()], sig.signature.Format):
		s.Reason = "it is by an algorithm that is no longer safe, or not for its key"
	case sig.key.Verify(message, &sig.signature) != nil:
		s.Reason = reasonBad
	default:
		s.State, s.Signer = model.SignatureVerified, name
	}
}

// reasonBad is why a signature that can be read and is by a signer counts for
// nothing.
const reasonBad = "it does not fit the commit, which was altered after it was signed, or never signed"
