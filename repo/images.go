package repo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// Images lists the images that the environment's render runs at a commit, by
// name and tag: those of the pods and pod templates of Kubernetes' own kinds.
// Custom resources are not looked into.
func (r *Repo) Images(ctx context.Context, env model.Environment, commit string) ([]model.ImageUse, error) {
	rendered, err := r.Render(ctx, env, commit)
	if err != nil {
		return nil, err
	}
	return imagesOf(rendered.Objects), nil
}

func imagesOf(objects []model.Object) []model.ImageUse {
	var uses []model.ImageUse
	for _, o := range objects {
		eachImage(podSpec(o), func(c map[string]any, image string) {
			name, tag, digest := imageParts(image)
			i := slices.IndexFunc(uses, func(u model.ImageUse) bool {
				return u.Image == name && u.Tag == tag && u.Digest == digest
			})
			if i < 0 {
				uses = append(uses, model.ImageUse{Image: name, Tag: tag, Digest: digest})
				i = len(uses) - 1
			}
			if !slices.Contains(uses[i].Objects, o.ID) {
				uses[i].Objects = append(uses[i].Objects, o.ID)
			}
		})
	}
	slices.SortFunc(uses, func(a, b model.ImageUse) int {
		return strings.Compare(a.Image+"\x00"+a.Tag+"\x00"+a.Digest, b.Image+"\x00"+b.Tag+"\x00"+b.Digest)
	})
	return uses
}

// podSpec is the specification of the pods an object makes; nil for objects
// that make none.
func podSpec(o model.Object) map[string]any {
	var keys []string
	switch o.ID.Group + "/" + o.ID.Kind {
	case "/Pod":
		keys = []string{"spec"}
	case "/PodTemplate":
		keys = []string{"template", "spec"}
	case "/ReplicationController", "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet", "batch/Job":
		keys = []string{"spec", "template", "spec"}
	case "batch/CronJob":
		keys = []string{"spec", "jobTemplate", "spec", "template", "spec"}
	default:
		return nil
	}
	m := o.Fields
	for _, k := range keys {
		m, _ = m[k].(map[string]any)
	}
	return m
}

// eachImage calls f with the containers of a pod that name an image.
func eachImage(spec map[string]any, f func(container map[string]any, image string)) {
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		containers, _ := spec[list].([]any)
		for _, c := range containers {
			if m, ok := c.(map[string]any); ok {
				if image, ok := m["image"].(string); ok && image != "" {
					f(m, image)
				}
			}
		}
	}
}

// imageParts cuts NAME[:TAG][@DIGEST] into its parts. The port of a registry
// is part of the name.
func imageParts(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return name, tag, digest
}

// imageText is an image the way a person reads it in a list.
func imageText(u model.ImageUse) string {
	text := u.Image
	if u.Tag != "" {
		text += ":" + u.Tag
	}
	if u.Digest != "" {
		text += "@" + u.Digest
	}
	return text
}

func unusedImage(env model.Environment, image, commit string, uses []model.ImageUse) error {
	if len(uses) == 0 {
		return model.Errorf(model.ExitUsage, "%s: %s is not used at %s, nor is any other image", env.Name, image, model.Short(commit))
	}
	var names []string
	for _, u := range uses {
		names = append(names, imageText(u))
	}
	const shown = 20
	more := ""
	if len(names) > shown {
		more = fmt.Sprintf(" and %d more", len(names)-shown)
		names = names[:shown]
	}
	return model.Errorf(model.ExitUsage, "%s: image %s is not used at %s; in use are %s%s", env.Name, image, model.Short(commit), strings.Join(names, ", "), more)
}
