package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// watch begins to follow the Job and its pods, until ctx ends.
func (j *jobRun) watch(ctx context.Context) {
	j.follow(ctx, jobResource, metav1.ListOptions{FieldSelector: "metadata.name=" + j.name}, &jobStore{
		put: func(u *unstructured.Unstructured) error {
			job, err := typedObject[batchv1.Job](u)
			if err == nil {
				j.putJob(job)
			}
			return err
		},
		remove: j.removeJob,
	}, func(why string) { j.refused = why })
	j.follow(ctx, podGVR, metav1.ListOptions{LabelSelector: j.selector}, &jobStore{
		put: func(u *unstructured.Unstructured) error {
			pod, err := typedObject[corev1.Pod](u)
			if err == nil {
				j.putPod(ctx, pod)
			}
			return err
		},
		remove: j.removePod,
	}, func(why string) {
		if j.podsRefused != why {
			j.podsRefused = why
			j.tasks.Go(func() { j.tell(j.name, "pods", why) })
		}
	})
}

// follow keeps a store up to date. refused is called, with j.mu held, when the
// server does not allow it.
func (j *jobRun) follow(ctx context.Context, gvr schema.GroupVersionResource, which metav1.ListOptions, store *jobStore, refused func(why string)) {
	client := j.c.dyn.Resource(gvr).Namespace(j.ns)
	answered := func(err error) {
		if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
			j.mu.Lock()
			defer j.mu.Unlock()
			refused(refusal("list,watch", gvr, j.ns, err))
			j.signal()
		}
	}
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector, o.LabelSelector = which.FieldSelector, which.LabelSelector
			o.ResourceVersion = "" // the server's cache may not have the Job yet
			list, err := client.List(ctx, o)
			answered(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (apiwatch.Interface, error) {
			o.FieldSelector, o.LabelSelector = which.FieldSelector, which.LabelSelector
			out, err := client.Watch(ctx, o)
			answered(err)
			return out, err
		},
	}
	quiet := logr.Discard()
	reflector := cache.NewReflectorWithOptions(lw, &unstructured.Unstructured{}, store, cache.ReflectorOptions{
		Name: "fairtide", TypeDescription: gvr.String(), Logger: &quiet,
		Backoff: &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Steps: 5, Cap: 5 * time.Second, Jitter: 0.5},
	})
	j.tasks.Go(func() { reflector.RunWithContext(ctx) })
}

// jobStore takes in what a reflector sees. The reflector calls it from one
// goroutine.
type jobStore struct {
	put    func(*unstructured.Unstructured) error
	remove func(types.UID)
	known  map[types.UID]bool
}

var _ cache.ReflectorStore = (*jobStore)(nil)

// Add is for the reflector.
func (s *jobStore) Add(obj any) error { return s.Update(obj) }

// Update is for the reflector.
func (s *jobStore) Update(obj any) error {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return fmt.Errorf("unexpected %T", obj)
	}
	if s.known == nil {
		s.known = map[types.UID]bool{}
	}
	s.known[u.GetUID()] = true
	u.SetManagedFields(nil) // half of an object, and not looked at
	return s.put(u)
}

// Delete is for the reflector.
func (s *jobStore) Delete(obj any) error {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return fmt.Errorf("unexpected %T", obj)
	}
	if err := s.put(u); err != nil { // how it ended
		return err
	}
	delete(s.known, u.GetUID())
	s.remove(u.GetUID())
	return nil
}

// Replace is for the reflector.
func (s *jobStore) Replace(list []any, _ string) error {
	before := s.known
	s.known = map[types.UID]bool{}
	for _, obj := range list {
		if err := s.Update(obj); err != nil {
			return err
		}
	}
	for uid := range before {
		if !s.known[uid] {
			s.remove(uid)
		}
	}
	if len(list) == 0 {
		s.remove("")
	}
	return nil
}

// Resync is for the reflector.
func (s *jobStore) Resync() error { return nil }

func (j *jobRun) putJob(job *batchv1.Job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if job.UID == j.uid {
		j.job = job
		j.signal()
	}
}

// removeJob takes note that the Job is gone; an empty uid: that there is none
// of its name.
func (j *jobRun) removeJob(uid types.UID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if uid == j.uid || uid == "" {
		j.gone = true
		j.signal()
	}
}

// putPod takes in a pod, and begins to follow the logs of one that is new.
func (j *jobRun) putPod(ctx context.Context, pod *corev1.Pod) {
	if !metav1.IsControlledBy(pod, &metav1.ObjectMeta{UID: j.uid}) {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pods[pod.UID] = pod
	j.signal()
	if j.followed[pod.UID] {
		return
	}
	j.followed[pod.UID] = true
	for _, k := range podContainers(pod) {
		f := &logFollower{j: j, uid: pod.UID, pod: pod.Name, container: k.spec.Name}
		j.following++
		j.tasks.Go(func() {
			f.run(ctx)
			j.mu.Lock()
			defer j.mu.Unlock()
			j.following--
			j.signal()
		})
	}
}

func (j *jobRun) removePod(uid types.UID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.pods[uid]; known {
		j.podGone[uid] = true
		j.signal()
	}
}
