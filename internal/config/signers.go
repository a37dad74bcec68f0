package config

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"

	"github.com/fairtide-dev/fairtide/model"
)

// maxKey is longer than any public key that people use, photographs left out.
const maxKey = 256 << 10

// sshKinds are the kinds of keys whose signatures can be checked.
var sshKinds = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA,
	ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
}

// signers reads whose signature under a commit counts. What is written in the
// place of a public key may be a private one, so that no error repeats it.
func (d *decoder) signers(n *yaml.Node) []model.Signer {
	items, _ := d.list(n, "signers")
	var signers []model.Signer
	keys := map[string]int{}
	for i, item := range items {
		s := d.signer(item, title("signer", item, i))
		if key := s.SSH + s.GPG; key != "" {
			if first, taken := keys[key]; taken {
				d.at(item, "%s has the same key as the signer in line %d: write it once", title("signer", item, i), first)
			}
			keys[key] = item.Line
		}
		signers = append(signers, s)
	}
	return signers
}

func (d *decoder) signer(n *yaml.Node, what string) model.Signer {
	var s model.Signer
	var kinds []*yaml.Node // ssh and gpg that are there, right or wrong
	before := len(d.problems)
	ok := d.mapping(n, what, []key{
		{name: "name", required: true, hint: "it is how a verified signature is shown", read: func(n *yaml.Node) {
			s.Name, _ = d.text(n, what+": name")
		}},
		{name: "ssh", read: func(n *yaml.Node) {
			kinds = append(kinds, n)
			d.sshKey(n, what+": ssh", &s.SSH)
		}},
		{name: "gpg", read: func(n *yaml.Node) {
			kinds = append(kinds, n)
			d.gpgKey(n, what+": gpg", &s.GPG)
		}},
	})
	switch {
	case !ok:
	case len(kinds) > 1:
		d.at(kinds[1], "%s has both ssh and gpg: make two signers of it, they may have the same name", what)
	case len(kinds) == 0 && len(d.problems) == before:
		d.at(n, "%s has neither ssh nor gpg: give the public key", what)
	}
	return s
}

// keyText reads a text that may have several lines.
func (d *decoder) keyText(n *yaml.Node, what string) (string, bool) {
	defer d.hide()()
	if !d.spend(n) {
		return "", false
	}
	s := resolve(n)
	text := strings.TrimSpace(s.Value)
	switch {
	case s.Kind != yaml.ScalarNode || s.ShortTag() != "!!str":
		d.at(n, "%s must be a text, not %s", what, d.kindOf(s))
	case strings.Contains(text, "PRIVATE KEY"):
		d.at(n, "%s is a private key: write the public one, and replace the key, as Git forgets nothing", what)
	case len(text) > maxKey:
		d.at(n, "%s is longer than %d bytes", what, maxKey)
	default:
		return text, true
	}
	return "", false
}

// sshKey reads a public key as a line of authorized_keys, without options.
func (d *decoder) sshKey(n *yaml.Node, what string, to *string) {
	text, ok := d.keyText(n, what)
	if !ok {
		return
	}
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	switch {
	case err != nil || len(bytes.TrimSpace(rest)) > 0 || len(options) > 0 || strings.Contains(text, "\n"):
		d.at(n, `%s must be one public key, such as "ssh-ed25519 AAAA…" from a .pub file`, what)
	case !slices.Contains(sshKinds, key.Type()):
		d.at(n, "%s is a key of a kind whose signatures are not checked; the kinds are %s", what, strings.Join(sshKinds, ", "))
	default:
		*to = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) // without the comment
	}
}

// gpgKey reads an armored public key by its form. What is in it is for the
// program to judge that checks signatures.
func (d *decoder) gpgKey(n *yaml.Node, what string, to *string) {
	const begin, end = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
	text, ok := d.keyText(n, what)
	if !ok {
		return
	}
	body, begins := strings.CutPrefix(text, begin)
	body, ends := strings.CutSuffix(body, end)
	if !begins || !ends || strings.Contains(body, "-----") || !armorBody(body) {
		d.at(n, "%s must be one armored public key: what `gpg --armor --export KEY` prints, from %s on", what, begin)
		return
	}
	*to = text + "\n"
}

// armorBody reports whether there is base64 between the lines of an armored
// key: headers, a blank line, the key, and perhaps a checksum.
func armorBody(body string) bool {
	var key strings.Builder
	lines := strings.Split(strings.ReplaceAll(body, "\r", ""), "\n")
	blank := slices.IndexFunc(lines[1:], func(l string) bool { return strings.TrimSpace(l) == "" })
	if blank < 0 {
		return false
	}
	for _, l := range lines[1+blank:] {
		if !strings.HasPrefix(l, "=") { // the checksum
			key.WriteString(strings.TrimSpace(l))
		}
	}
	raw, err := base64.StdEncoding.DecodeString(key.String())
	return err == nil && len(raw) > 0
}
