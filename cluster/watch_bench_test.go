//go:build unix

package cluster

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
	"github.com/fairtide-dev/fairtide/model"
)

const watchedWorkloads = 200

// processorTime is what this process has used of the processor.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkWatchIdle watches many workloads of which each has a pod, while
// nothing changes. An iteration is a second of it: -benchtime 600x watches for
// ten minutes, and tells the requests of each minute.
func BenchmarkWatchIdle(b *testing.B) {
	ns := testcluster.Get(b).Namespace(b)
	api := testcluster.Get(b).Client(b).AppsV1().Deployments(ns)
	var targets []model.Target
	for i := range watchedWorkloads {
		d, err := api.Create(b.Context(), deploymentOf(fmt.Sprintf("web-%d", i), 1, nil), metav1.CreateOptions{})
		if err != nil {
			b.Fatal(err)
		}
		id := model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: ns, Name: d.Name}
		targets = append(targets, model.Target{ID: id, Version: "v1", UID: string(d.UID)})
	}
	c, count := countingClient(b)
	before := heapInUse()
	ready := map[model.ObjectID]bool{}
	var readyNow, told atomic.Int64
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- c.Watch(ctx, targets, func(p model.Progress) {
			ready[p.ID] = isReady(p)
			n := 0
			for _, r := range ready {
				if r {
					n++
				}
			}
			readyNow.Store(int64(n))
			told.Add(1)
		}, nil)
	}()
	testcluster.Eventually(b, 5*time.Minute, "all are ready", func() (bool, error) {
		return readyNow.Load() == watchedWorkloads, fmt.Errorf("%d are", readyNow.Load())
	})
	b.Logf("to begin with: %s; %d readings", countWords(count.take()), told.Load())
	held := heapInUse() - min(before, heapInUse())
	requests := 0
	minute := func(n int) {
		by := count.take()
		for _, k := range by {
			requests += k
		}
		b.Logf("until second %d: %d requests in all; since the last line: %s", n, requests, countWords(by))
	}
	used, began, seconds := processorTime(b), time.Now(), 0
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for b.Loop() {
		<-second.C
		if seconds++; seconds%60 == 0 {
			minute(seconds)
		}
	}
	took := time.Since(began)
	b.ReportMetric(100*(processorTime(b)-used).Seconds()/took.Seconds(), "%cpu")
	minute(seconds)
	b.ReportMetric(float64(requests)/took.Minutes(), "requests/min")
	b.ReportMetric(float64(held)/1e6, "MB-held")
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

// BenchmarkWatchEvent is what a change of one pod costs while many workloads
// with ten pods each are watched: from what the API server sent to the reading
// that is told.
func BenchmarkWatchEvent(b *testing.B) {
	const podsEach = 10
	w := newWatchRun(&Client{cfg: Config{Now: time.Now}})
	deployments := w.feed(feedTargets, appsv1.SchemeGroupVersion.WithResource("deployments"), "shop", "")
	pods, sets := w.feed(feedPods, podGVR, "shop", ""), w.feed(feedReplicaSets, replicaSetGVR, "shop", "")
	pods.synced, sets.synced, deployments.synced = true, true, true
	put := func(f *feed, obj any) {
		u, err := apiruntime.DefaultUnstructuredConverter.ToUnstructured(obj)
		if err == nil {
			err = f.Update(&unstructured.Unstructured{Object: u})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	var changing []*corev1.Pod
	for i := range watchedWorkloads {
		name := fmt.Sprintf("web-%d", i)
		d := deploymentOf(name, podsEach, nil)
		d.UID, d.Generation, d.Status.ObservedGeneration = types.UID("d-"+name), 1, 1
		d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = podsEach, podsEach, podsEach, podsEach
		id := model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: name}
		e := &watchEntry{target: model.Target{ID: id, Version: "v1", UID: string(d.UID)}, own: deployments, others: []*feed{pods, sets}, podFeed: pods}
		w.entries = append(w.entries, e)
		deployments.wanted[name] = e
		d.APIVersion, d.Kind = "apps/v1", "Deployment"
		put(deployments, d)
		for n := range podsEach {
			pod := &corev1.Pod{Spec: podTemplateOf(name, nil).Spec}
			pod.APIVersion, pod.Kind, pod.Name, pod.Namespace = "v1", "Pod", fmt.Sprintf("%s-%d", name, n), "shop"
			pod.UID = types.UID(pod.Name)
			pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: name, UID: d.UID, Controller: new(true)}}
			pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet", FieldsV1: metav1.NewFieldsV1(`{"f:status":{}}`)}}
			pod.Status.Phase = corev1.PodRunning
			put(pods, pod)
			changing = append(changing, pod)
		}
	}
	if told, _ := w.collect(time.Now()); len(told) != watchedWorkloads {
		b.Fatalf("%d workloads were told of", len(told))
	}
	for _, pod := range pods.items {
		if len(pod.GetManagedFields()) > 0 {
			b.Fatal("the store keeps the managed fields")
		}
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		pod := changing[i%len(changing)]
		i++
		pod.Status.Message = strings.Repeat("x", i%7)
		put(pods, pod)
		w.collect(time.Now())
	}
}
