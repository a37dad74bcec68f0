package cluster

import (
	"cmp"
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

// plainKinds are judged by their status and the events about them, without pods.
var plainKinds = map[schema.GroupKind]func(reading, *model.Progress) error{
	{Kind: "PersistentVolumeClaim"}: judgeClaim,
	{Kind: "Service"}:               judgeService,
	{Kind: "Namespace"}:             judgeNamespace,
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}: judgeAutoscaler,
	{Group: "batch", Kind: "CronJob"}:                       judgeCronJob,
	{Group: "policy", Kind: "PodDisruptionBudget"}:          judgeBudget,
}

// toldByEvents are the kinds of plainKinds whose events say why.
var toldByEvents = map[schema.GroupKind]bool{
	{Kind: "PersistentVolumeClaim"}:                true,
	{Kind: "Service"}:                              true,
	{Group: "policy", Kind: "PodDisruptionBudget"}: true,
}

// judgeClaim judges a PersistentVolumeClaim. One that is bound by its first
// pod only cannot be waited for.
func judgeClaim(r reading, p *model.Progress) error {
	if _, err := r.compute(p); err != nil {
		return err
	}
	if p.Readiness == model.ReadinessReady {
		p.Message = "bound"
		return nil
	}
	phase, _, _ := unstructured.NestedString(r.object.Object, "status", "phase")
	p.Message = "not bound: " + strings.ToLower(plainLine(cmp.Or(phase, "pending"), 40))
	events := r.eventsOf(r.object.GetUID())
	last := newestEvent(events, func(e *corev1.Event) bool { return e.Reason != "ExternalProvisioning" && e.Reason != "Provisioning" })
	switch {
	case phase == "Lost":
		p.Cause, p.Doomed = fmt.Sprintf("%s has lost its volume; restore the PersistentVolume, or replace the claim", r.target.ID), true
	case last == nil:
		if waiting := newestEvent(events, func(*corev1.Event) bool { return true }); waiting != nil {
			p.Message += ", its volume is being made"
		}
	case last.Reason == "WaitForFirstConsumer" || last.Reason == "WaitForPodScheduled":
		p.Readiness, p.Message = model.ReadinessReady, "is bound when its first pod starts"
	case last.Type == corev1.EventTypeWarning, last.Reason == "FailedBinding":
		quote, remedy := claimWords(last.Message, className(r.object))
		p.Cause = told(fmt.Sprintf("%s is not bound", r.target.ID), quote, remedy)
	}
	return nil
}

func className(claim *unstructured.Unstructured) string {
	name, _, _ := unstructured.NestedString(claim.Object, "spec", "storageClassName")
	return plainLine(name, 80)
}

// claimWords words why a claim has no volume.
func claimWords(message, class string) (quote, remedy string) {
	message = rpcWords.ReplaceAllString(strings.Join(strings.Fields(message), " "), "")
	switch {
	case strings.Contains(message, "no storage class is set"):
		return "no PersistentVolume fits, and there is no default storage class", "set storageClassName, or mark a StorageClass as the default"
	case strings.Contains(message, "storageclass.storage.k8s.io"):
		return message, "add the StorageClass, or correct storageClassName"
	}
	return strings.TrimPrefix(message, "failed to provision volume with StorageClass "), "see to storage class " + cmp.Or(class, "and its provisioner")
}

// judgeService judges a Service: one with a load balancer is ready when that
// has an address.
func judgeService(r reading, p *model.Progress) error {
	s, err := objectAs[corev1.Service](r)
	if err != nil {
		return err
	}
	p.Readiness, p.Message = model.ReadinessReady, "ready"
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return nil
	}
	if len(s.Status.LoadBalancer.Ingress) > 0 {
		at := s.Status.LoadBalancer.Ingress[0]
		p.Message = "ready at " + plainLine(cmp.Or(at.IP, at.Hostname), 100)
		return nil
	}
	p.Readiness, p.Message = model.ReadinessProgress, "waiting for its load balancer's address"
	last := newestEvent(r.eventsOf(s.UID), func(e *corev1.Event) bool { return e.Type == corev1.EventTypeWarning })
	if last != nil {
		quote := rpcWords.ReplaceAllString(strings.Join(strings.Fields(last.Message), " "), "")
		quote = strings.TrimPrefix(strings.TrimPrefix(quote, "Error syncing load balancer: "), "failed to ensure load balancer: ")
		p.Cause = told(p.ID.String()+" has no load balancer", quote, "see to the cloud's quota, or its annotations")
		return nil
	}
	since := s.CreationTimestamp.Time
	if end := since.Add(lateGrace); since.IsZero() || r.now.Before(end) {
		r.lookAgain(end)
		return nil
	}
	p.Cause = told(fmt.Sprintf("%s has no load balancer after %s", p.ID, lateGrace), "", "does the cluster have a controller for "+
		cmp.Or(text(s.Spec.LoadBalancerClass), "type LoadBalancer")+"?")
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return plainLine(*s, 80)
}

// judgeNamespace judges a Namespace, which can be on its way out when it is
// applied: what holds it is in its conditions.
func judgeNamespace(_ reading, p *model.Progress) error {
	p.Readiness, p.Message = model.ReadinessReady, "ready"
	return nil
}

// leavingNamespace explains what a namespace that is being deleted waits for.
func leavingNamespace(r reading) (quote, remedy string) {
	for _, kind := range []string{"NamespaceFinalizersRemaining", "NamespaceDeletionDiscoveryFailure", "NamespaceDeletionContentFailure", "NamespaceContentRemaining"} {
		c := objectCondition(r.object, kind)
		if c.status != "True" {
			continue
		}
		switch kind {
		case "NamespaceFinalizersRemaining":
			return c.message, "see to the controllers of these finalizers, then apply again"
		case "NamespaceDeletionDiscoveryFailure":
			return c.message, "mend or delete the APIService that is away, then apply again"
		}
		return c.message, "wait until it is gone, then apply again"
	}
	return "", "wait until it is gone, then apply again"
}

// judgeAutoscaler judges a HorizontalPodAutoscaler. One without metrics holds
// nothing up: its workload runs with the replicas it has.
func judgeAutoscaler(r reading, p *model.Progress) error {
	h, err := objectAs[autoscalingv2.HorizontalPodAutoscaler](r)
	if err != nil {
		return err
	}
	target := plainLine(h.Spec.ScaleTargetRef.Kind+" "+h.Spec.ScaleTargetRef.Name, 120)
	p.Readiness, p.Message = model.ReadinessReady, "scales "+target
	able, active := objectCondition(r.object, "AbleToScale"), objectCondition(r.object, "ScalingActive")
	switch {
	case able.status == "False" && able.reason == "FailedGetScale":
		p.Readiness, p.Message = model.ReadinessProgress, "cannot scale "+target
		p.Cause = told(fmt.Sprintf("%s cannot scale %s", p.ID, target),
			strings.TrimPrefix(able.message, "the HPA controller was unable to get the target's current scale: "), "apply that workload, or correct scaleTargetRef")
	case active.status == "False" && active.reason == "AmbiguousSelector":
		p.Readiness, p.Message, p.Doomed = model.ReadinessProgress, "two autoscalers scale "+target, true
		p.Cause = told(fmt.Sprintf("%s conflicts with another about %s", p.ID, target), active.message, "remove one of them")
	case active.status == "False" && active.reason == "ScalingDisabled":
		p.Message = "does not scale " + target + ": it has 0 replicas"
	case active.status == "False":
		p.Message = told("does not scale "+target, active.message, "see to the metrics API and the pods' requests")
	case active.status == "" && able.status == "":
		p.Message = "exists"
	}
	return nil
}

// judgeCronJob judges a CronJob, which is done when it is there. One that is
// suspended, or whose time zone is not known, starts nothing.
func judgeCronJob(r reading, p *model.Progress) error {
	c, err := objectAs[batchv1.CronJob](r)
	if err != nil {
		return err
	}
	p.Readiness, p.Message = model.ReadinessReady, "runs at "+plainLine(c.Spec.Schedule, 60)
	if c.Spec.Suspend != nil && *c.Spec.Suspend {
		p.Message = "suspended (spec.suspend), starts no Jobs"
	}
	return nil
}

// judgeBudget judges a PodDisruptionBudget. One that allows no disruption now
// is ready: its pods may only be starting.
func judgeBudget(r reading, p *model.Progress) error {
	b, err := objectAs[policyv1.PodDisruptionBudget](r)
	if err != nil {
		return err
	}
	p.Readiness, p.Message = model.ReadinessReady, fmt.Sprintf("allows %d disruptions", b.Status.DisruptionsAllowed)
	c := objectCondition(r.object, "DisruptionAllowed")
	unmanaged := newestEvent(r.eventsOf(b.UID), func(e *corev1.Event) bool { return e.Reason == "UnmanagedPods" })
	switch {
	case !observed(r.object):
		p.Readiness, p.Message = model.ReadinessProgress, unobserved
	case c.status == "False" && c.reason == "SyncFailed":
		p.Readiness, p.Message, p.Doomed = model.ReadinessProgress, "cannot be computed", true
		p.Cause = told(p.ID.String()+" protects nothing and blocks every eviction", c.message, "correct its selector: it has to match pods of workloads that scale")
	case unmanaged != nil && b.Status.DisruptionsAllowed == 0:
		p.Message = "allows no disruption: it covers pods without a workload; set minAvailable to a number, or correct its selector"
	case b.Status.ExpectedPods > 0 && b.Status.DesiredHealthy >= b.Status.ExpectedPods:
		p.Message = fmt.Sprintf("never allows a disruption: it wants %d of %d pods healthy; drains will hang; lower minAvailable",
			b.Status.DesiredHealthy, b.Status.ExpectedPods)
	case b.Status.DisruptionsAllowed == 0 && b.Status.ExpectedPods > 0:
		p.Message = fmt.Sprintf("allows no disruption now: %d of %d pods healthy, it wants %d",
			b.Status.CurrentHealthy, b.Status.ExpectedPods, b.Status.DesiredHealthy)
	}
	return nil
}
