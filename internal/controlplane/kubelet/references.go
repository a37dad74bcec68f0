package kubelet

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// rootCA is published to every namespace, soon but not at once. A pod that
	// is quicker is no reason for a warning here, as its content matters to
	// nobody.
	rootCA = "kube-root-ca.crt"
	// remindEvery is the time between events about something missing.
	remindEvery = 2 * time.Second
)

// configure waits until the objects exist from which the container's
// environment is made.
func (c *container) configure(ctx context.Context) bool {
	var reminded time.Time
	for {
		missing := c.w.missingEnvironment(ctx, c.spec)
		if missing == "" || ctx.Err() != nil {
			return ctx.Err() == nil
		}
		if time.Since(reminded) > remindEvery {
			reminded = time.Now()
			c.event(corev1.EventTypeWarning, "Failed", "Error: %s", missing)
		}
		c.wait("CreateContainerConfigError", missing)
		if !pause(ctx, retryDelay) {
			return false
		}
	}
}

// mountVolumes waits until the objects exist from which volumes are made.
func (w *worker) mountVolumes(ctx context.Context) bool {
	var reminded time.Time
	for {
		volume, missing := w.missingVolume(ctx)
		if missing == "" || ctx.Err() != nil {
			return ctx.Err() == nil
		}
		if time.Since(reminded) > remindEvery {
			reminded = time.Now()
			w.event(corev1.EventTypeWarning, "FailedMount", "MountVolume.SetUp failed for volume %q : %s", volume, missing)
		}
		if !pause(ctx, retryDelay) {
			return false
		}
	}
}

// missingEnvironment returns what is wrong with the first reference of the
// container's environment that leads nowhere.
func (w *worker) missingEnvironment(ctx context.Context, spec corev1.Container) string {
	for _, from := range spec.EnvFrom {
		missing := ""
		if ref := from.ConfigMapRef; ref != nil {
			missing = w.missingConfigMap(ctx, ref.Name, "", ref.Optional)
		}
		if ref := from.SecretRef; ref != nil {
			missing = w.missingSecret(ctx, ref.Name, "", ref.Optional)
		}
		if missing != "" {
			return missing
		}
	}
	for _, env := range spec.Env {
		if env.ValueFrom == nil {
			continue
		}
		missing := ""
		if ref := env.ValueFrom.ConfigMapKeyRef; ref != nil {
			missing = w.missingConfigMap(ctx, ref.Name, ref.Key, ref.Optional)
		}
		if ref := env.ValueFrom.SecretKeyRef; ref != nil {
			missing = w.missingSecret(ctx, ref.Name, ref.Key, ref.Optional)
		}
		if missing != "" {
			return missing
		}
	}
	return ""
}

// missingVolume returns the first volume that cannot be mounted, and why.
func (w *worker) missingVolume(ctx context.Context) (volume, missing string) {
	for _, v := range w.latest().Spec.Volumes {
		if ref := v.ConfigMap; ref != nil {
			missing = w.missingConfigMap(ctx, ref.Name, "", ref.Optional)
		}
		if ref := v.Secret; ref != nil {
			missing = w.missingSecret(ctx, ref.SecretName, "", ref.Optional)
		}
		if v.Projected != nil {
			missing = w.missingProjection(ctx, v.Projected.Sources)
		}
		if missing != "" {
			return v.Name, missing
		}
	}
	return "", ""
}

func (w *worker) missingProjection(ctx context.Context, sources []corev1.VolumeProjection) string {
	for _, source := range sources {
		missing := ""
		if ref := source.ConfigMap; ref != nil && ref.Name != rootCA {
			missing = w.missingConfigMap(ctx, ref.Name, "", ref.Optional)
		}
		if ref := source.Secret; ref != nil {
			missing = w.missingSecret(ctx, ref.Name, "", ref.Optional)
		}
		if missing != "" {
			return missing
		}
	}
	return ""
}

func (w *worker) missingConfigMap(ctx context.Context, name, key string, optional *bool) string {
	obj, err := w.m.cs.CoreV1().ConfigMaps(w.namespace).Get(ctx, name, metav1.GetOptions{})
	_, found := obj.Data[key]
	_, binary := obj.BinaryData[key]
	return w.missing("configmap", "ConfigMap", name, key, optional, found || binary, err)
}

func (w *worker) missingSecret(ctx context.Context, name, key string, optional *bool) string {
	obj, err := w.m.cs.CoreV1().Secrets(w.namespace).Get(ctx, name, metav1.GetOptions{})
	_, found := obj.Data[key]
	return w.missing("secret", "Secret", name, key, optional, found, err)
}

// missing words the outcome of a look at an object, as a kubelet does.
func (w *worker) missing(resource, kind, name, key string, optional *bool, hasKey bool, err error) string {
	mayMiss := optional != nil && *optional
	switch {
	case apierrors.IsNotFound(err) && mayMiss:
		return ""
	case apierrors.IsNotFound(err):
		return fmt.Sprintf("%s %q not found", resource, name)
	case err != nil:
		return err.Error()
	case key != "" && !hasKey && !mayMiss:
		return fmt.Sprintf("couldn't find key %s in %s %s/%s", key, kind, w.namespace, name)
	default:
		return ""
	}
}
