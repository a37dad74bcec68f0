package repo

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/ssh"

	"github.com/fairtide-dev/fairtide/model"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "signatures", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The fixtures were made by git 2.39.5 with OpenSSH 9.2 and GnuPG 2.2.40.
var fixedNow = time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)

func fixtureSigners(t testing.TB) []model.Signer {
	t.Helper()
	return []model.Signer{
		{Name: "ed", SSH: string(fixture(t, "ssh-ed25519.pub"))},
		{Name: "rsa", SSH: string(fixture(t, "ssh-rsa.pub"))},
		{Name: "ec", SSH: string(fixture(t, "ssh-ecdsa.pub"))},
		{Name: "dev2", GPG: string(fixture(t, "gpg-dev2.asc"))},
		{Name: "op1", GPG: string(fixture(t, "gpg-op1.asc"))},
	}
}

var fixtures = []struct{ file, kind, signer string }{
	{"ssh-ed25519.commit", "ssh", "ed"},
	{"ssh-rsa.commit", "ssh", "rsa"},
	{"ssh-ecdsa.commit", "ssh", "ec"},
	{"gpg-dev2.commit", "gpg", "dev2"}, // by a subkey
	{"gpg-op1.commit", "gpg", "op1"},
}

func TestSignaturesMadeByGit(t *testing.T) {
	ring := newKeyring(fixtureSigners(t))
	for _, f := range fixtures {
		commit := fixture(t, f.file)
		s := ring.check(commit, fixedNow)
		if s.State != model.SignatureVerified || s.Kind != f.kind || s.Signer != f.signer || s.Key == "" || s.Reason != "" {
			t.Errorf("%s: %+v", f.file, s)
		}
		for name, altered := range map[string][]byte{
			"the message":      append(bytes.Clone(commit), '.'),
			"the author":       bytes.Replace(commit, []byte("author dev1"), []byte("author dev3"), 1),
			"an added header":  bytes.Replace(commit, []byte("committer "), []byte("encoding latin1\ncommitter "), 1),
			"the tree":         bytes.Replace(commit, []byte("tree 4"), []byte("tree 5"), 1),
			"a cut off header": bytes.Replace(commit, []byte("author dev1 <dev1@example.com> 1772442000 +0000\n"), nil, 1),
		} {
			if s := ring.check(altered, fixedNow); s.State != model.SignatureUnverified || s.Reason != reasonBad || s.Signer != "" {
				t.Errorf("%s with %s altered: %+v", f.file, name, s)
			}
		}
		s = newKeyring(nil).check(commit, fixedNow)
		if s.State != model.SignatureUnverified || !strings.Contains(s.Reason, "none of the configured") || s.Key == "" {
			t.Errorf("%s without signers: %+v", f.file, s)
		}
	}
	if s := ring.check(fixture(t, "ssh-cert.commit"), fixedNow); s.State != model.SignatureUnverified || !strings.Contains(s.Reason, "certificate") {
		t.Errorf("a certificate: %+v", s)
	}
	if s := ring.check([]byte("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\ngpgsig -----BEGIN SSH SIGNATURE-----\n"), fixedNow); s.State != model.SignatureUnsigned {
		t.Errorf("a signature in the message: %+v", s)
	}
}

// withSignature puts a signature into a commit where git does.
func withSignature(payload []byte, header, signature string) []byte {
	head, message, _ := bytes.Cut(payload, []byte("\n\n"))
	folded := strings.ReplaceAll(strings.TrimSuffix(signature, "\n"), "\n", "\n ")
	return fmt.Appendf(nil, "%s\n%s %s\n\n%s", head, header, folded, message)
}

const payload = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n" +
	"author dev1 <dev1@example.com> 1772442000 +0000\ncommitter dev1 <dev1@example.com> 1772442000 +0000\n" +
	"mergetag object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n type commit\n gpgsig inside\n\x20\nunknown \xff\n\nmessage \xff\n\ngpgsig no header\n"

func TestSplitSignature(t *testing.T) {
	signature := "-----BEGIN X-----\n\n a b\n-----END X-----\n"
	for name, commit := range map[string][]byte{
		"one":               withSignature([]byte(payload), "gpgsig", signature),
		"and one by sha256": withSignature(withSignature([]byte(payload), "gpgsig", signature), "gpgsig-sha256", "other\nlines"),
	} {
		got, signatures := splitSignature(commit)
		if string(got) != payload || len(signatures) != 1 || signatures[0] != signature {
			t.Errorf("%s: %q, %q", name, got, signatures)
		}
	}
	if got, signatures := splitSignature([]byte(payload)); string(got) != payload || signatures != nil {
		t.Errorf("none: %q %q", got, signatures)
	}
	twice := withSignature(withSignature([]byte(payload), "gpgsig", "-----BEGIN SSH SIGNATURE-----\n"), "gpgsig", "-----BEGIN SSH SIGNATURE-----\n")
	if s := newKeyring(nil).check(twice, fixedNow); s.State != model.SignatureUnverified || !strings.Contains(s.Reason, "more than one") {
		t.Errorf("two signatures: %+v", s)
	}
}

func TestKindsThatAreNotChecked(t *testing.T) {
	for signature, want := range map[string]string{
		"-----BEGIN SIGNED MESSAGE-----\nAA==\n-----END SIGNED MESSAGE-----": "x509",
		"-----BEGIN SOMETHING-----\nAA==":                                    "no kind that is known",
		"":                                                                   "no kind that is known",
		"-----BEGIN SSH SIGNATURE-----\nAA==\n-----END SSH SIGNATURE-----":                    "not in the format",
		"-----BEGIN PGP SIGNATURE-----\n\nAA==\n-----END PGP SIGNATURE-----":                  "not in the format",
		"-----BEGIN SSH SIGNATURE-----\n" + strings.Repeat("A", maxSignature):                 "longer than",
		"-----BEGIN PGP SIGNATURE-----\n\nAA==\n-----END PGP SIGNATURE-----\n-----BEGIN X---": "more than one",
	} {
		s := newKeyring(nil).check(withSignature([]byte(payload), "gpgsig", signature), fixedNow)
		if s.State != model.SignatureUnverified || !strings.Contains(s.Reason, want) {
			t.Errorf("%.40q: %+v, want %q", signature, s, want)
		}
	}
}

// sshsig makes an SSH signature as PROTOCOL.sshsig has it.
type sshsig struct {
	namespace, hash string
	version         uint32
	sign            func(data []byte) *ssh.Signature
	key             ssh.PublicKey
}

func (s sshsig) armored(message []byte) string {
	sum512, sum256 := sha512.Sum512(message), sha256.Sum256(message)
	sum := sum512[:]
	if s.hash == "sha256" {
		sum = sum256[:]
	}
	signed := append([]byte("SSHSIG"), ssh.Marshal(struct {
		Namespace, Reserved, Hash string
		Sum                       []byte
	}{s.namespace, "", s.hash, sum})...)
	blob := append([]byte("SSHSIG"), ssh.Marshal(struct {
		Version                   uint32
		Key                       []byte
		Namespace, Reserved, Hash string
		Signature                 []byte
	}{s.version, s.key.Marshal(), s.namespace, "", s.hash, ssh.Marshal(s.sign(signed))})...)
	return string(pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: blob}))
}

// securityKey signs as a hardware key does that makes Ed25519 signatures.
func securityKey(t *testing.T, flags byte) (ssh.PublicKey, func([]byte) *ssh.Signature) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, public, "ssh:"}))
	if err != nil {
		t.Fatal(err)
	}
	return key, func(data []byte) *ssh.Signature {
		application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
		signed := append(append(application[:], flags, 0, 0, 0, 7), message[:]...)
		return &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(private, signed), Rest: []byte{flags, 0, 0, 0, 7}}
	}
}

func TestSSHSignatures(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(data []byte) *ssh.Signature {
		s, err := signer.Sign(rand.Reader, data)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := sshsig{namespace: "git", hash: "sha512", version: 1, sign: sign, key: signer.PublicKey()}
	with := func(change func(*sshsig)) sshsig { s := good; change(&s); return s }
	touched, signTouched := securityKey(t, 1)
	untouched, signUntouched := securityKey(t, 0)
	cases := map[string]struct {
		sig  sshsig
		want string // a part of the reason; empty: it is verified
	}{
		"good":            {good, ""},
		"sha256":          {with(func(s *sshsig) { s.hash = "sha256" }), ""},
		"another use":     {with(func(s *sshsig) { s.namespace = "file" }), "another use"},
		"an unknown hash": {with(func(s *sshsig) { s.hash = "md5" }), "hash that is not known"},
		"a later version": {with(func(s *sshsig) { s.version = 2 }), "version"},
		"another format": {with(func(s *sshsig) {
			s.sign = func(d []byte) *ssh.Signature { x := sign(d); x.Format = "ssh-rsa"; return x }
		}), "algorithm"},
		"a security key":   {with(func(s *sshsig) { s.key, s.sign = touched, signTouched }), ""},
		"without presence": {with(func(s *sshsig) { s.key, s.sign = untouched, signUntouched }), reasonBad},
	}
	for name, c := range cases {
		ring := newKeyring([]model.Signer{{Name: "dev1", SSH: string(ssh.MarshalAuthorizedKey(c.sig.key))}})
		s := ring.check(withSignature([]byte(payload), "gpgsig", c.sig.armored([]byte(payload))), fixedNow)
		switch {
		case c.want == "" && (s.State != model.SignatureVerified || s.Signer != "dev1" || !strings.HasPrefix(s.Key, "SHA256:")):
			t.Errorf("%s: %+v", name, s)
		case c.want != "" && (s.State != model.SignatureUnverified || !strings.Contains(s.Reason, c.want)):
			t.Errorf("%s: %+v, want %q", name, s, c.want)
		}
	}
}

// gpgKey makes a key with a lifetime in seconds; 0: it does not expire.
func gpgKey(t *testing.T, lifetime uint32) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("dev1", "", "dev1@example.com", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: lifetime, Time: func() time.Time { return gpgBirth },
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var gpgBirth = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func armored(t *testing.T, kind string, write func(*bytes.Buffer) error) string {
	t.Helper()
	var raw, out bytes.Buffer
	if err := write(&raw); err != nil {
		t.Fatal(err)
	}
	w, err := armor.Encode(&out, kind, nil)
	if err == nil {
		if _, err = w.Write(raw.Bytes()); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// signedBy signs the payload as git has it done, at a time.
func signedBy(t *testing.T, e *openpgp.Entity, at time.Time, change func(*packet.Config)) string {
	t.Helper()
	config := &packet.Config{Time: func() time.Time { return at }}
	if change != nil {
		change(config)
	}
	return armored(t, openpgp.SignatureType, func(w *bytes.Buffer) error {
		return openpgp.DetachSign(w, e, strings.NewReader(payload), config)
	})
}

func TestGPGSignatures(t *testing.T) {
	const days = 24 * time.Hour
	lasting := gpgKey(t, 0)
	short := gpgKey(t, uint32(30*days/time.Second))
	revoked := gpgKey(t, 0)
	if err := revoked.RevokeKey(packet.KeySuperseded, "", &packet.Config{Time: func() time.Time { return gpgBirth.Add(60 * days) }}); err != nil {
		t.Fatal(err)
	}
	// The library itself refuses to sign with a key that is no good, so its
	// private parts sign under a copy of the public ones without an end.
	eternal := *short
	eternal.Identities = map[string]*openpgp.Identity{}
	for name, id := range short.Identities {
		self, copied := *id.SelfSignature, *id
		self.KeyLifetimeSecs = nil
		copied.SelfSignature = &self
		eternal.Identities[name] = &copied
	}
	at := gpgBirth.Add(10 * days)
	cases := map[string]struct {
		key       *openpgp.Entity
		signature string
		now       time.Time
		want      string
	}{
		"good":                    {lasting, signedBy(t, lasting, at, nil), gpgBirth.Add(20 * days), ""},
		"years later":             {lasting, signedBy(t, lasting, at, nil), gpgBirth.Add(2000 * days), ""},
		"the key is good":         {short, signedBy(t, short, at, nil), gpgBirth.Add(20 * days), ""},
		"the key has expired":     {short, signedBy(t, short, at, nil), gpgBirth.Add(40 * days), "its key expired on 2026-01-31"},
		"made after it expired":   {short, signedBy(t, &eternal, gpgBirth.Add(35*days), nil), gpgBirth.Add(40 * days), "made after its key had expired on 2026-01-31"},
		"revoked":                 {revoked, signedBy(t, lasting, at, nil), gpgBirth.Add(70 * days), "none of the configured"},
		"by a revoked key":        {revoked, signedBy(t, unrevoked(revoked), at, nil), gpgBirth.Add(70 * days), "its key is revoked"},
		"in the future":           {lasting, signedBy(t, lasting, at, nil), gpgBirth.Add(5 * days), "dated in the future: 2026-01-11"},
		"it expires":              {lasting, signedBy(t, lasting, at, func(c *packet.Config) { c.SigLifetimeSecs = 86400 * 365 }), gpgBirth.Add(20 * days), "one that expires"},
		"a weak hash":             {lasting, signedBy(t, lasting, at, func(c *packet.Config) { c.DefaultHash = crypto.SHA224 }), gpgBirth.Add(20 * days), ""},
		"another's":               {lasting, signedBy(t, gpgKey(t, 0), at, nil), gpgBirth.Add(20 * days), "none of the configured"},
		"more than one signature": {lasting, armored(t, openpgp.SignatureType, func(w *bytes.Buffer) error { return signTwice(w, lasting, at) }), gpgBirth.Add(20 * days), "more than one"},
		"of text":                 {lasting, armored(t, openpgp.SignatureType, func(w *bytes.Buffer) error { return signText(w, lasting, at) }), gpgBirth.Add(20 * days), "of a type"},
	}
	for name, c := range cases {
		public := armored(t, openpgp.PublicKeyType, func(w *bytes.Buffer) error { return c.key.Serialize(w) })
		ring := newKeyring([]model.Signer{{Name: "dev1", GPG: public}})
		if len(ring.gpg) != 1 {
			t.Fatalf("%s: the key cannot be read:\n%s", name, public)
		}
		s := ring.check(withSignature([]byte(payload), "gpgsig", c.signature), c.now)
		switch {
		case c.want == "" && (s.State != model.SignatureVerified || s.Signer != "dev1" || len(s.Key) != 40):
			t.Errorf("%s: %+v", name, s)
		case c.want != "" && (s.State != model.SignatureUnverified || !strings.Contains(s.Reason, c.want)):
			t.Errorf("%s: %+v, want %q", name, s, c.want)
		}
	}
	ring := newKeyring([]model.Signer{{Name: "dev1", GPG: armored(t, openpgp.PublicKeyType, func(w *bytes.Buffer) error { return short.Serialize(w) })}})
	if before, after := ring.outdated(gpgBirth.Add(20*days)), ring.outdated(gpgBirth.Add(40*days)); before != "" || after == "" {
		t.Errorf("outdated keys: %q, then %q", before, after)
	}
}

func unrevoked(e *openpgp.Entity) *openpgp.Entity {
	c := *e
	c.Revocations = nil
	return &c
}

func signTwice(w *bytes.Buffer, e *openpgp.Entity, at time.Time) error {
	for range 2 {
		if err := openpgp.DetachSign(w, e, strings.NewReader(payload), &packet.Config{Time: func() time.Time { return at }}); err != nil {
			return err
		}
	}
	return nil
}

func signText(w *bytes.Buffer, e *openpgp.Entity, at time.Time) error {
	return openpgp.DetachSignText(w, e, strings.NewReader(payload), &packet.Config{Time: func() time.Time { return at }})
}

// FuzzSignature holds that no commit can do more than be unverified.
func FuzzSignature(f *testing.F) {
	for _, x := range fixtures {
		f.Add(fixture(f, x.file))
	}
	f.Add(fixture(f, "ssh-cert.commit"))
	f.Add([]byte("gpgsig"))
	f.Add([]byte("gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----"))
	ring := newKeyring(fixtureSigners(f))
	verified := map[string]bool{}
	for _, x := range fixtures {
		p, _ := splitSignature(fixture(f, x.file))
		verified[string(p)] = true
	}
	f.Fuzz(func(t *testing.T, commit []byte) {
		p, _ := splitSignature(commit)
		if s := ring.check(commit, fixedNow); s.State == model.SignatureVerified && !verified[string(p)] {
			t.Errorf("%q is verified: %+v", commit, s)
		}
	})
}
