package supervise

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

func TestParseOptions(t *testing.T) {
	opts, err := ParseOptions([]string{"--dir=d", "--user=dev:a,b", "--user=system:serviceaccount:x:y:g", "--context=one", "--context=two"})
	if err != nil {
		t.Fatal(err)
	}
	users := []User{{Name: "dev", Groups: []string{"a", "b"}}, {Name: "system:serviceaccount:x:y", Groups: []string{"g"}}}
	if !reflect.DeepEqual(opts.Users, users) || !reflect.DeepEqual(opts.Contexts, []string{"one", "two"}) || opts.Nodes != 2 {
		t.Errorf("%+v", opts)
	}
	if !filepath.IsAbs(opts.Dir) || opts.PodRules != filepath.Join(opts.Dir, layout.DefaultPodRules) {
		t.Errorf("paths are %s and %s", opts.Dir, opts.PodRules)
	}
	for _, args := range [][]string{
		{}, {"--dir=d", "extra"}, {"--dir=d", "--nodes=0"}, {"--dir=d", "--user=x"}, {"--dir=d", "--user=a/b:c"},
		{"--dir=d", "--user=" + adminName + ":x"}, {"--dir=d", "--context="}, {"--dir=d", "--user=a:,"},
	} {
		if _, err := ParseOptions(args); err == nil {
			t.Errorf("no error for %q", args)
		}
	}
}

func TestCredentialsSurviveARestart(t *testing.T) {
	opts, err := ParseOptions([]string{"--dir=" + t.TempDir(), "--user=dev:devs"})
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{opts: opts, server: "https://127.0.0.1:1"}
	path := filepath.Join(opts.Dir, "kubeconfig-dev")
	var first []byte
	for range 2 {
		if err := s.prepare(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && string(first) != string(data) {
			t.Error("the kubeconfig differs")
		}
		first = data
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(first)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Insecure || cfg.BearerToken == "" {
		t.Errorf("bad client configuration %s", cfg)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(cfg.CAData) {
		t.Fatal("no authority in the kubeconfig")
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(opts.Dir, layout.APIServerCert), filepath.Join(opts.Dir, layout.APIServerKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "127.0.0.1"}); err != nil {
		t.Error(err)
	}
}

func TestDuplicateUserIsRefused(t *testing.T) {
	opts, err := ParseOptions([]string{"--dir=" + t.TempDir(), "--user=dev:a", "--user=dev:b"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prepareTokens(opts); err == nil || !strings.Contains(err.Error(), `"dev" is there twice`) {
		t.Errorf("two users of one name: %v", err)
	}
}

func TestLockIsExclusive(t *testing.T) {
	dir := t.TempDir()
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(dir); err == nil || !strings.Contains(err.Error(), "is in use by the control plane with process id") {
		t.Errorf("second lock: %v", err)
	}
	lock.Close()
	again, err := lockDir(dir)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	again.Close()
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(strings.Repeat("old\n", 9000)+"a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := tail(path, 2); got != "  a\n  b" {
		t.Errorf("tail is %q", got)
	}
	if got := tail(path+".none", 2); !strings.Contains(got, "no such file") {
		t.Errorf("tail of nothing is %q", got)
	}
}
