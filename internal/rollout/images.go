package rollout

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/fairtide-dev/fairtide/internal/registry"
	"github.com/fairtide-dev/fairtide/model"
)

// registriesAtOnce is how many images are asked for at the same time.
const registriesAtOnce = 6

// Images lists the images that the head of an environment runs, with the
// newest tag their policy allows. A registry that does not answer is said in
// the image's Problem.
func (e *Engine) Images(ctx context.Context, name string) ([]model.ImageUse, error) {
	s, err := e.locate(ctx, name)
	if err != nil && s.head.Hash == "" {
		return nil, err
	}
	images, err := e.cfg.Repository.Images(ctx, s.env, s.head.Hash)
	if err != nil {
		return nil, prefix(name, err)
	}
	g := errgroup.Group{}
	g.SetLimit(registriesAtOnce)
	for i := range images {
		g.Go(func() error {
			use := &images[i]
			if e.cfg.Registry == nil || use.Tag == "" {
				return nil
			}
			tags, err := e.cfg.Registry.Tags(ctx, use.Image)
			if err != nil {
				use.Problem = err.Error()
				return nil //nolint:nilerr // it is told with the image
			}
			policy, err := policyFor(s.config.Images, use.Image)
			if err != nil {
				return err
			}
			if newest, ok := registry.Newest(use.Tag, tags, policy); ok {
				use.Newest = newest
			}
			return nil
		})
	}
	return images, prefix(name, g.Wait())
}

func policyFor(policies []model.ImagePolicy, image string) (registry.Policy, error) {
	for _, p := range policies {
		if matches(p.Image, image) {
			r, err := registry.ParseRange(p.Range)
			return registry.Policy{Range: r}, err
		}
	}
	return registry.Policy{}, nil
}

// matches compares with a pattern in which * stands for any characters.
func matches(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	last := len(parts) - 1
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, part := range parts[1:last] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, parts[last])
}

// CheckTag makes sure that an image has a tag before a pull request asks for
// it: a rollout that cannot pull its image is found out here, not at night.
func (e *Engine) CheckTag(ctx context.Context, image, tag string) error {
	if e.cfg.Registry == nil {
		return nil
	}
	_, err := e.cfg.Registry.Digest(ctx, image+":"+tag)
	return err
}
