package registry

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestMirrors(t *testing.T) {
	var path, auth string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		path, auth = r.URL.Path, r.Header.Get("Authorization")
	}))
	defer server.Close()
	m, err := Mirrors("ghcr.io="+server.URL, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://ghcr.io/v2/petstore/cart/tags/list", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Basic c2VjcmV0")
	answer, err := m.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if path != "/v2/petstore/cart/tags/list" || auth != "" {
		t.Errorf("the mirror was asked for %q with %q", path, auth)
	}
	if answer.Request != req {
		t.Error("the answer is not to the caller's request: the client would go on by the mirror's protocol")
	}
	if req.Header.Get("Authorization") == "" {
		t.Error("the caller's request was changed")
	}
	if same, err := Mirrors(" ", http.DefaultTransport); err != nil || same != http.DefaultTransport {
		t.Errorf("no mirrors: %v, %v", same, err)
	}
	for _, bad := range []string{"ghcr.io", "=http://127.0.0.1", "ghcr.io=", "ghcr.io=http://mirror.example", "ghcr.io=https://u:p@mirror.example", "ghcr.io=ftp://127.0.0.1"} {
		if _, err := Mirrors(bad, http.DefaultTransport); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
