package config

import (
	"strings"
	"testing"
)

const (
	sshKeyText = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOzf06lVmznDbkuiOqkKtBhBDnTsJKQcH38UGPDTsPcK"
	gpgKeyText = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEaaOBgBYJKwYBBAHaRw8BAQdAgK/VUGYD6xtf8MOX6XjIknPmDqSfQ2P3sVUu
5xmzxSi0F2RldjIgPGRldjJAZXhhbXBsZS5jb20+iJAEExYIADgWIQR7oHKMkeya
nUP1iZjyeur/AccLtQUCaaOBgAIbAQULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAK
CRDyeur/AccLteeqAP9mQO0ehC8aY/thdEoDNhFgzUblMMQd33c1Hp7IDSA0OwEA
6THl+bHonbrY20UznvCEgT0AHwGMM27j2afd4wFQqwG4MwRpo4GAFgkrBgEEAdpH
DwEBB0ArIPJtOMR7MbvPCCCBAfsCz4uepdW2vy2jEFZFjRI+c4jvBBgWCAAgFiEE
e6ByjJHsmp1D9YmY8nrq/wHHC7UFAmmjgYACGwIAgQkQ8nrq/wHHC7V2IAQZFggA
HRYhBKo+gJbHRb71N8iozkve3fNrNDyRBQJpo4GAAAoJEEve3fNrNDyROvgBALDh
Ca3GtlKFsGQNWupYUUVJoLzvNwlA7bYKpxYq1t+gAP9mfz1uYOavoHU6RinqNCuA
eU/6xJkgYLVBvDm1xWtCDsMzAP0Q4pdpPArOYNf7ZngnMggFxfG/SDKwpCi0yH3f
AQcveQD8DY8RzK2+MeInrl+EUwznLyyyrbShcJERJ2p9e1TI7AI=
=riZm
-----END PGP PUBLIC KEY BLOCK-----
`
)

func withSigners(signers string) []byte {
	return []byte("apiVersion: fairtide.dev/v1\nenvironments:\n  - {name: a, tier: staging, path: a}\n  - {name: b, tier: staging, path: b}\nsigners:\n" + signers)
}

// indented is a text as a block of YAML.
func indented(text string) string {
	return "      " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n      ") + "\n"
}

func TestSigners(t *testing.T) {
	c, err := Parse(File, withSigners("  - {name: dev1, ssh: \""+sshKeyText+" dev1@laptop\"}\n  - name: dev2\n    gpg: |\n"+indented(gpgKeyText)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.Environments {
		if len(e.Signers) != 2 {
			t.Fatalf("%s has the signers %v", e.Name, e.Signers)
		}
		if s := e.Signers[0]; s.Name != "dev1" || s.SSH != sshKeyText || s.GPG != "" {
			t.Errorf("the first signer is %+v", s)
		}
		if s := e.Signers[1]; s.Name != "dev2" || s.SSH != "" || strings.TrimSpace(s.GPG) != strings.TrimSpace(gpgKeyText) {
			t.Errorf("the second signer is %+v", s)
		}
	}
}

func TestSignerProblems(t *testing.T) {
	gpg := strings.TrimSpace(gpgKeyText)
	cut := gpg[:len(gpg)-200]
	cases := map[string]struct{ signers, want string }{
		"no list":           {"  name: x\n", "signers must be a list"},
		"no name":           {"  - {ssh: \"" + sshKeyText + "\"}\n", "signer 1: name is missing"},
		"no key":            {"  - {name: dev1}\n", `signer "dev1" has neither ssh nor gpg`},
		"both":              {"  - name: dev1\n    ssh: \"" + sshKeyText + "\"\n    gpg: |\n" + indented(gpgKeyText), "has both ssh and gpg"},
		"the same key":      {strings.Repeat("  - {name: dev1, ssh: \""+sshKeyText+"\"}\n", 2), "has the same key as the signer in line 6"},
		"an unknown key":    {"  - {name: dev1, sssh: x}\n", `did you mean "ssh"`},
		"no ssh key":        {"  - {name: dev1, ssh: hunter2}\n", "must be one public key"},
		"two ssh keys":      {"  - name: dev1\n    ssh: |\n" + indented(sshKeyText+"\n"+sshKeyText), "must be one public key"},
		"options":           {"  - {name: dev1, ssh: 'cert-authority " + sshKeyText + "'}\n", "must be one public key"},
		"a private ssh key": {"  - name: dev1\n    ssh: |\n" + indented("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2"), "is a private key"},
		"a private gpg key": {"  - name: dev1\n    gpg: |\n" + indented("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nhunter2"), "is a private key"},
		"not armored":       {"  - {name: dev1, gpg: hunter2}\n", "must be one armored public key"},
		"a cut key":         {"  - name: dev1\n    gpg: |\n" + indented(cut), "must be one armored public key"},
		"two gpg keys":      {"  - name: dev1\n    gpg: |\n" + indented(gpg+"\n"+gpg), "must be one armored public key"},
		"an empty gpg key":  {"  - name: dev1\n    gpg: |\n" + indented("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----"), "must be one armored public key"},
		"a number":          {"  - {name: dev1, ssh: 12345}\n", "must be a text"},
		"a huge key":        {"  - {name: dev1, gpg: " + strings.Repeat("A", maxKey+1) + "}\n", "longer than"},
	}
	for name, c := range cases {
		_, err := Parse(File, withSigners(c.signers))
		switch {
		case err == nil:
			t.Errorf("%s: accepted", name)
		case !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		case strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error repeats the key: %v", name, err)
		case strings.Count(err.Error(), "\n") > 0:
			t.Errorf("%s: one mistake is several problems: %v", name, err)
		}
	}
}

func FuzzGPGKey(f *testing.F) {
	f.Add(gpgKeyText)
	f.Add("-----BEGIN PGP PUBLIC KEY BLOCK----------END PGP PUBLIC KEY BLOCK-----")
	f.Fuzz(func(_ *testing.T, body string) { armorBody(body) })
}
