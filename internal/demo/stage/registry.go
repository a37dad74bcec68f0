package stage

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// images are the sample's, and what is newer. The gateway 2.0.9 that
// production asks for is not there: nobody has pushed it.
var images = []string{
	"petstore/petstore:1.4.0", "petstore/petstore:1.4.1", "petstore/petstore:1.4.2", "petstore/petstore:1.4.3",
	"petstore/petstore:2.0.0-rc.1",
	"petstore/cart:0.9.4", "petstore/cart:0.10.0", "petstore/cart:0.11.0",
	"petstore/catalog:3.2.0", "petstore/catalog:3.3.0",
	"petstore/gateway:2.0.8",
	"petstore/reindex:1.2.0",
	"petstore/acceptance:1.0.0",
}

// Registry is a registry for images on a free port of this machine.
type Registry struct {
	URL  string // http://127.0.0.1:PORT
	http *http.Server
}

// StartRegistry starts one without images.
func StartRegistry(ctx context.Context) (*Registry, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Registry{URL: "http://" + l.Addr().String()}
	r.http = &http.Server{
		Handler:           registry.New(registry.Logger(log.New(io.Discard, "", 0))),
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() { _ = r.http.Serve(l) }() // ends with Close
	return r, nil
}

// Push pushes an image of a few random bytes: "petstore/cart:0.11.0".
func (r *Registry) Push(ctx context.Context, image string) error {
	ref, err := name.NewTag(strings.TrimPrefix(r.URL, "http://")+"/"+image, name.Insecure, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("push %s: %w", image, err)
	}
	const size, layers = 64, 1
	content, err := random.Image(size, layers)
	if err != nil {
		return err
	}
	if err := remote.Write(ref, content, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("push %s: %w", image, err)
	}
	return nil
}

// Close stops it, and forgets the images.
func (r *Registry) Close() error { return r.http.Close() }
