package registry

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// dockerHub is what operators call the default registry; its API has another
// host name.
const dockerHub = "docker.io"

// Image is an image reference in its parts.
type Image struct {
	Registry   string // host and port; "docker.io" when the reference names none
	Repository string // without the registry: "library/redis", "acme/petstore"
	Tag        string // empty: none was written
	Digest     string // "sha256:…"; empty: none was written
}

// ParseImage takes a reference apart as a manifest writes it:
// "redis", "ghcr.io/acme/petstore:1.4.2", "repo:tag@sha256:…".
func ParseImage(ref string) (Image, error) {
	rest, digest, pinned := strings.Cut(ref, "@")
	repository, tag := rest, ""
	// A colon before the last slash belongs to the registry's port.
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		repository, tag = rest[:i], rest[i+1:]
		if tag == "" {
			return Image{}, badReference(ref, "the tag after the colon is missing")
		}
	}
	repo, err := name.NewRepository(repository)
	if err != nil {
		return Image{}, badReference(ref, err.Error())
	}
	if tag != "" {
		if _, err := name.NewTag(repository + ":" + tag); err != nil {
			return Image{}, badReference(ref, err.Error())
		}
	}
	if pinned {
		if _, err := name.NewDigest(repository + "@" + digest); err != nil {
			return Image{}, badReference(ref, err.Error())
		}
	}
	host := repo.RegistryStr()
	if host == name.DefaultRegistry {
		host = dockerHub
	}
	return Image{Registry: host, Repository: repo.RepositoryStr(), Tag: tag, Digest: digest}, nil
}

func badReference(ref, why string) error {
	return model.Errorf(model.ExitUsage, "%q is not an image reference: %s; write it as REGISTRY/NAME:TAG",
		sanitize.Line(ref), sanitize.Line(why))
}

// Name is registry and repository: "ghcr.io/acme/petstore".
func (i Image) Name() string { return i.Registry + "/" + i.Repository }

// String is the whole reference, with the registry spelled out.
func (i Image) String() string {
	s := i.Name()
	if i.Tag != "" {
		s += ":" + i.Tag
	}
	if i.Digest != "" {
		s += "@" + i.Digest
	}
	return s
}
