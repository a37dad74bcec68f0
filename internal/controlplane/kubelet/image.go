package kubelet

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairtide-dev/fairtide/internal/controlplane/sim"
)

// pullTime is how long it takes to pull an image, or to fail.
const pullTime = 100 * time.Millisecond

// pull gets the image onto the node, trying again for as long as it cannot be
// pulled.
func (c *container) pull(ctx context.Context) bool {
	image := c.spec.Image
	var backoff sim.Backoff
	for {
		failure := c.behaviour().PullError
		if failure == "" && c.spec.ImagePullPolicy != corev1.PullAlways && c.w.node.hasImage(image) {
			c.event(corev1.EventTypeNormal, "Pulled", "Container image %q already present on machine and can be accessed by the pod", image)
			return true
		}
		c.event(corev1.EventTypeNormal, "Pulling", "Pulling image %q", image)
		if !pause(ctx, pullTime) {
			return false
		}
		if failure == "" {
			c.w.node.addImage(image)
			c.event(corev1.EventTypeNormal, "Pulled", "Successfully pulled image %q in %v (%v including waiting). Image size: %d bytes.",
				image, pullTime, pullTime, imageSize(image))
			return true
		}
		c.event(corev1.EventTypeWarning, "Failed", "Failed to pull image %q: %s", image, failure)
		c.event(corev1.EventTypeWarning, "Failed", "Error: ErrImagePull")
		c.wait("ErrImagePull", failure)
		if !pause(ctx, 2*stateVisible) {
			return false
		}
		c.event(corev1.EventTypeNormal, "BackOff", "Back-off pulling image %q", image)
		c.event(corev1.EventTypeWarning, "Failed", "Error: ImagePullBackOff")
		c.wait("ImagePullBackOff", "Back-off pulling image \""+image+"\": ErrImagePull: "+failure)
		if !c.awaitImage(ctx, backoff.Next()) {
			return false
		}
	}
}

// awaitImage waits before the next attempt, which comes early when the image
// can be pulled from now on.
func (c *container) awaitImage(ctx context.Context, delay time.Duration) bool {
	for end := time.Now().Add(delay); time.Now().Before(end); {
		if c.behaviour().PullError == "" {
			return true
		}
		if !pause(ctx, min(retryDelay, time.Until(end))) {
			return false
		}
	}
	return ctx.Err() == nil
}

func imageDigest(image string) [sha256.Size]byte { return sha256.Sum256([]byte(image)) }

// imageSize is a plausible size, always the same for an image.
func imageSize(image string) uint32 {
	digest := imageDigest(image)
	return 8_000_000 + binary.BigEndian.Uint32(digest[:])%200_000_000
}

// imageID is how a container runtime refers to the content of an image.
func imageID(image string) string {
	repository, digest, pinned := strings.Cut(image, "@")
	if colon := strings.LastIndex(repository, ":"); colon > strings.LastIndex(repository, "/") {
		repository = repository[:colon]
	}
	if !pinned {
		sum := imageDigest(image)
		digest = "sha256:" + hex.EncodeToString(sum[:])
	}
	return repository + "@" + digest
}
