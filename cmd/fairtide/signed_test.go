package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/pem"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/fairtide-dev/fairtide/model"
)

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sshSignature signs as `ssh-keygen -Y sign -n git` does, see PROTOCOL.sshsig.
func sshSignature(t *testing.T, by ssh.Signer, message []byte) string {
	t.Helper()
	const use, hash = "git", "sha512"
	sum := sha512.Sum512(message)
	s, err := by.Sign(rand.Reader, append([]byte("SSHSIG"), ssh.Marshal(struct {
		Use, Reserved, Hash string
		Sum                 []byte
	}{use, "", hash, sum[:]})...))
	if err != nil {
		t.Fatal(err)
	}
	blob := append([]byte("SSHSIG"), ssh.Marshal(struct {
		Version             uint32
		Key                 []byte
		Use, Reserved, Hash string
		Signature           []byte
	}{1, by.PublicKey().Marshal(), use, "", hash, ssh.Marshal(s)})...)
	return strings.TrimSuffix(string(pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: blob})), "\n")
}

// signs makes the head of main anew, with a signature.
func (w *shore) signs(by ssh.Signer) {
	w.t.Helper()
	git := func(stdin []byte, args ...string) []byte {
		cmd := exec.CommandContext(w.t.Context(), "git", append([]string{"-C", w.dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		cmd.Stdin = bytes.NewReader(stdin)
		out, err := cmd.Output()
		if err != nil {
			w.t.Fatalf("git %s: %v", args, err)
		}
		return out
	}
	commit := git(nil, "cat-file", "commit", "main")
	header, message, ok := bytes.Cut(commit, []byte("\n\n"))
	if before, _, signed := bytes.Cut(header, []byte("\ngpgsig ")); signed {
		header = before
	}
	if !ok {
		w.t.Fatalf("no commit: %s", commit)
	}
	unsigned := bytes.Join([][]byte{header, message}, []byte("\n\n"))
	signature := "\ngpgsig " + strings.ReplaceAll(sshSignature(w.t, by, unsigned), "\n", "\n ")
	signed := bytes.Join([][]byte{append(header, signature...), message}, []byte("\n\n"))
	hash := git(signed, "hash-object", "-t", "commit", "-w", "--stdin")
	git(nil, "update-ref", "refs/heads/main", strings.TrimSpace(string(hash)))
}

// Only what one of the signers has signed is shipped.
func TestSignedCommitsAreShipped(t *testing.T) {
	t.Parallel()
	op1, stranger := newSigner(t), newSigner(t)
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(op1.PublicKey())))
	w := newShore(t, "  requires: {signed: true}\nsigners: [{name: op1, ssh: \""+key+"\"}]\n")
	live := w.live()
	apply := []string{"apply", "-e", "production", "--yes"}
	w.says(w.must(8, apply...), `requirement "signed" is not met: `, " is not signed: revert it, and merge it again with a signature of one of the signers")
	w.untouched("nobody signed it", live, 1)
	w.signs(stranger)
	w.says(w.must(8, apply...), `requirement "signed" is not met: `, "its signature does not count, as ", "add the key to signers")
	w.untouched("somebody signed it", live, 1)
	w.signs(op1)
	w.must(0, apply...)
	run := w.runs()[0]
	if run.State != model.RunSucceeded || run.Exception != nil || len(run.Requirements) != 1 || run.Requirements[0].Name != model.RequireSigned || !run.Requirements[0].Met {
		t.Errorf("the record: %+v", run)
	}
	w.must(0, "diff", "-e", "production")
}
