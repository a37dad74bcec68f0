package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// file is a file to be written to, and a way to read what was.
func file(t *testing.T) (f *os.File, written func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, func() string {
		data, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
}

// One change can be read without any cluster.
func TestChangeInFull(t *testing.T) {
	t.Parallel()
	r, err := sample.Build(t.Context(), filepath.Join(t.TempDir(), "petstore-environments"), sample.Options{Context: "gone"})
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOME": t.TempDir(), "KUBECONFIG": unreachableKubeconfig(t), "FAIRTIDE_REPO": r.Dir}
	fairtide := func(code model.ExitCode, args ...string) (stdout, stderr string) {
		t.Helper()
		out, written := file(t)
		var errs bytes.Buffer
		p := program{
			args: args, stdin: out, stdout: out, stderr: &errs,
			lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			workDir:   func() (string, error) { return r.Dir, nil }, hostname: func() (string, error) { return "test", nil },
		}
		if got := p.run(t.Context()); got != code {
			t.Fatalf("fairtide %s: exit code %d\n%s", strings.Join(args, " "), got, errs.String())
		}
		return written(), errs.String()
	}
	var broken sample.Change
	for _, c := range r.Changes {
		if c.Name == "broken-gateway" {
			broken = c
		}
	}
	out, _ := fairtide(model.ExitOK, "changes", "-e", "production", broken.Commit, "-o", "json")
	d := decode[struct {
		Environment string
		model.ChangeDetail
	}](t, out)
	if d.Environment != "production" || d.Commit != broken.Commit || d.Author == "" || d.Signature.State != model.SignatureUnsigned || len(d.AllFiles) == 0 || len(d.Details) == 0 {
		t.Fatalf("the document is %s", out)
	}
	text, _ := fairtide(model.ExitOK, "changes", "-e", "production", broken.Commit)
	for _, want := range []string{
		d.Title, "commit      " + d.Commit, "author      " + d.Author, "signature   unsigned", "  ~ " + d.AllFiles[0].Path,
		"~ update " + d.Details[0].ID.String(), strings.TrimSpace(d.Details[0].Diff),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if _, stderr := fairtide(model.ExitUsage, "changes", "-e", "production", "--since", "HEAD", broken.Commit); !strings.Contains(stderr, "--since is for the list") {
		t.Errorf("--since with a commit: %s", stderr)
	}
	if _, stderr := fairtide(model.ExitUsage, "changes", "-e", "production", "no-such-revision"); !strings.Contains(stderr, "no-such-revision") {
		t.Errorf("an unknown commit: %s", stderr)
	}
}

func TestSignatureInWords(t *testing.T) {
	for want, s := range map[string]model.Signature{
		"unsigned": {State: model.SignatureUnsigned},
		"verified, signed by dev1 (ssh SHA256:x)":  {State: model.SignatureVerified, Kind: "ssh", Signer: "dev1", Key: "SHA256:x"},
		"unverified: its key is revoked (gpg ABC)": {State: model.SignatureUnverified, Kind: "gpg", Key: "ABC", Reason: "its key is revoked"},
	} {
		if got := signatureWords(s); got != want {
			t.Errorf("%+v is said as %q, want %q", s, got, want)
		}
	}
}

func TestWhatIsPrintedCannotMoveTheCursor(t *testing.T) {
	out, written := file(t)
	p := program{stdout: out}
	bad := "\x1b[2J\r\u202e\n"
	err := p.printChange(bad, model.ChangeDetail{
		Change: model.Change{
			Title: bad, Body: bad, Author: bad, AuthorEmail: bad, Committer: bad, CoAuthors: []string{bad}, Problem: bad,
			Signature:   model.Signature{State: model.SignatureUnverified, Reason: bad, Kind: bad, Key: bad},
			PullRequest: &model.PullRequest{URL: bad, Approvals: []string{bad}},
		},
		AllFiles: []model.FileStat{{Path: bad, From: bad, Status: model.FileRenamed}}, MoreFiles: 2,
		Details: []model.ObjectDetail{{ChangedObject: model.ChangedObject{ID: model.ObjectID{Name: bad}, Summary: bad}, Source: model.Source{File: bad}, Diff: bad}},
	})
	if text := written(); err != nil || strings.ContainsAny(text, "\x1b\r\u202e") || !strings.Contains(text, "and 2 more") {
		t.Errorf("%v: %q", err, text)
	}
}
