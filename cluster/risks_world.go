package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

// riskRounds bounds how often reading one thing shows that another is needed.
const riskRounds = 4

// riskKind is a kind of live objects that risks are judged by.
type riskKind struct {
	gvr  schema.GroupVersionResource
	kind string
	what string // in words, for what could not be looked at
	// optional are kinds whose absence from what may be read is normal: nothing
	// is said then.
	optional bool
}

var (
	budgetKind      = riskKind{gvr: schema.GroupVersionResource{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"}, kind: "PodDisruptionBudget", what: "disruption budgets"}
	autoscalerKind  = riskKind{gvr: schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}, kind: "HorizontalPodAutoscaler", what: "autoscalers"}
	deploymentKind  = riskKind{gvr: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}, kind: "Deployment", what: "who reads a changed ConfigMap or Secret"}
	statefulSetKind = riskKind{gvr: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}, kind: "StatefulSet", what: "who reads a changed ConfigMap or Secret"}
	daemonSetKind   = riskKind{gvr: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "daemonsets"}, kind: "DaemonSet", what: "who reads a changed ConfigMap or Secret"}
	serviceKind     = riskKind{gvr: schema.GroupVersionResource{Version: "v1", Resource: "services"}, kind: "Service", what: "the Services of changed workloads"}
	podKind         = riskKind{gvr: schema.GroupVersionResource{Version: "v1", Resource: "pods"}, kind: "Pod", what: "the pods that Services select"}
	quotaKind       = riskKind{gvr: schema.GroupVersionResource{Version: "v1", Resource: "resourcequotas"}, kind: "ResourceQuota", what: "quotas"}
	limitRangeKind  = riskKind{gvr: schema.GroupVersionResource{Version: "v1", Resource: "limitranges"}, kind: "LimitRange", what: "limit ranges"}
	secretKind      = riskKind{gvr: schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, kind: "Secret", what: "the TLS Secrets of Ingresses"}
	nodeKind        = riskKind{gvr: schema.GroupVersionResource{Version: "v1", Resource: "nodes"}, kind: "Node", optional: true}
	priorityKind    = riskKind{gvr: schema.GroupVersionResource{Group: "scheduling.k8s.io", Version: "v1", Resource: "priorityclasses"}, kind: "PriorityClass", what: "priority classes"}
)

// riskNeed is a reading of live objects: those of a kind and namespace, or of
// them the ones a label selector picks, or the one of a name.
type riskNeed struct {
	kind      riskKind
	namespace string
	selector  string
	name      string
}

// verb is the permission that the reading takes.
func (n riskNeed) verb() string {
	if n.name != "" {
		return "get"
	}
	return "list"
}

// riskAnswer is what a reading found, or why it could not be made.
type riskAnswer struct {
	objects []map[string]any
	refused string
}

// riskWorld is a plan among the live objects around it. What risks need of them
// is noted while judging, read, and judged again.
type riskWorld struct {
	objects []*riskObject
	byID    map[model.ObjectID]*riskObject
	read    map[riskNeed]riskAnswer
	wanted  map[riskNeed]bool
	users   map[string][]configUser
	now     time.Time    // by the cluster's clock
	gated   bool         // a wave waits until the one before is ready
	waves   int          // how many there are
	plan    []model.Risk // those of the plan as a whole
}

func newRiskWorld(objects []*riskObject, now time.Time) *riskWorld {
	w := &riskWorld{
		objects: objects, now: now, byID: map[model.ObjectID]*riskObject{},
		read: map[riskNeed]riskAnswer{}, wanted: map[riskNeed]bool{},
	}
	for _, o := range objects {
		w.byID[o.id] = o
	}
	w.placeInWaves()
	return w
}

// ask returns live objects, or notes that they have to be read. ok is false
// while they are not, and when they cannot be.
func (w *riskWorld) ask(need riskNeed) (objects []map[string]any, ok bool) {
	a, known := w.read[need]
	if !known {
		w.wanted[need] = true
		return nil, false
	}
	return a.objects, a.refused == ""
}

// presentObject is an object that exists once the plan is applied.
type presentObject struct {
	id      model.ObjectID
	fields  map[string]any
	changed bool // the plan writes it
}

// present are the objects of a kind and namespace as they are once the plan is
// applied: those of the plan, and the live ones it is not about.
func (w *riskWorld) present(kind riskKind, namespace string) []presentObject {
	live, _ := w.ask(riskNeed{kind: kind, namespace: namespace})
	var out []presentObject
	status := map[string]any{}
	for _, fields := range live {
		id := model.ObjectID{Group: kind.gvr.Group, Kind: kind.kind, Namespace: namespace, Name: metaString(fields, "name")}
		if _, planned := w.byID[id]; planned {
			status[id.Name] = fields["status"]
			continue
		}
		out = append(out, presentObject{id: id, fields: fields})
	}
	for _, o := range w.objects {
		if !o.is(kind.gvr.Group, kind.kind) || o.id.Namespace != namespace || !o.stays() {
			continue
		}
		fields := o.after
		if s, ok := status[o.id.Name]; ok && s != nil {
			fields = map[string]any{"metadata": o.after["metadata"], "spec": o.after["spec"], "status": s}
		}
		out = append(out, presentObject{id: o.id, fields: fields, changed: o.changes()})
	}
	return out
}

// judge finds the risks of every object and of the plan, as far as what is read
// allows.
func (w *riskWorld) judge() {
	w.users, w.plan = nil, nil
	for _, o := range w.objects {
		o.judge()
		if !o.changes() {
			continue
		}
		w.judgeDisruption(o)
		w.judgeBudget(o)
		w.judgeConsumers(o)
		w.judgeServices(o)
		w.judgeTLS(o)
		w.judgeLimits(o)
		w.judgePlacement(o)
		w.judgeOrder(o)
		o.judgeCronJob(w.now)
	}
	w.judgeQuotas()
	if restarting, pods := w.restarting(); len(restarting) > 1 {
		var names []string
		for _, o := range restarting {
			names = append(names, o.name())
		}
		w.plan = append(w.plan, newRisk(model.SeverityInfo, riskRestartsSeveral,
			"restarts %d pods of %d workloads together: %s", pods, len(restarting), few(names)))
	}
	w.judgeRefusals()
}

// judgeRefusals says in one risk what could not be looked at.
func (w *riskWorld) judgeRefusals() {
	var whats, permissions []string
	note := func(list *[]string, s string) {
		if !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	for need, answer := range w.read {
		if answer.refused != "" && !need.kind.optional {
			note(&whats, need.kind.what)
			note(&permissions, answer.refused)
		}
	}
	if len(whats) == 0 {
		return
	}
	w.plan = append(w.plan, newRisk(model.SeverityInfo, riskNotLookedAt, "some risks are not known, as these could not be read: %s; it takes %s",
		strings.Join(sortedStrings(whats), ", "), strings.Join(sortedStrings(permissions), ", ")))
}

// assess finds the risks of a plan's objects, beside those they have already,
// and returns those of the plan as a whole. Live objects around the plan are
// read only where a change needs them; not being able to is said, and no error.
func (p *predictor) assess(ctx context.Context, items []*planItem, now time.Time) ([]model.Risk, error) {
	objects := make([]*riskObject, len(items))
	for i, it := range items {
		objects[i] = &riskObject{
			id: it.object.ID, verdict: it.planned.Verdict, before: it.planned.Before, after: it.planned.After,
			live: it.live, rendered: it.object.Fields, takes: it.planned.TakesOwnership,
		}
		if it.planned.After == nil && it.planned.Verdict == model.VerdictUnchanged {
			objects[i].after = it.live
		}
	}
	w := newRiskWorld(objects, now)
	w.gated = p.env.Rollout.Gate != model.GateApplied
	for range riskRounds {
		w.judge()
		if len(w.wanted) == 0 {
			break
		}
		if err := p.readRisks(ctx, w); err != nil {
			return nil, err
		}
	}
	for i, o := range objects {
		if len(o.risks) > 0 {
			items[i].planned.Risks = append(slices.Clone(items[i].planned.Risks), o.risks...)
		}
		for j, r := range items[i].planned.Risks {
			if r.Reference == "" {
				items[i].planned.Risks[j].Reference = riskPages[r.Name]
			}
		}
		sortRisks(items[i].planned.Risks)
	}
	sortRisks(w.plan)
	return w.plan, nil
}

// readRisks makes the readings that judging asked for.
func (p *predictor) readRisks(ctx context.Context, w *riskWorld) error {
	needs := make([]riskNeed, 0, len(w.wanted))
	for need := range w.wanted {
		needs = append(needs, need)
	}
	slices.SortFunc(needs, func(a, b riskNeed) int {
		return cmp.Or(cmp.Compare(a.kind.kind, b.kind.kind), cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.selector+a.name, b.selector+b.name))
	})
	var mu sync.Mutex
	err := eachBounded(ctx, len(needs), readers, func(ctx context.Context, i int) error {
		a, err := p.c.readRisk(ctx, needs[i], w.byID)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			a.refused = riskRefusal(needs[i], err)
		}
		mu.Lock()
		defer mu.Unlock()
		w.read[needs[i]] = a
		return nil
	})
	w.wanted = map[riskNeed]bool{}
	return err
}

// riskRefusal words why a reading could not be made.
func riskRefusal(need riskNeed, err error) string {
	if apierrors.IsForbidden(err) {
		permission := fmt.Sprintf("%q", need.verb()+" "+need.kind.gvr.Resource)
		if need.namespace != "" {
			permission += fmt.Sprintf(" in %q", need.namespace)
		}
		return permission
	}
	return fmt.Sprintf("an answer to %s %s (%s)", need.verb(), need.kind.gvr.Resource, plainLine(err.Error(), 120))
}

// selectedPods is how many pods of a selector are looked at.
const selectedPods = 50

// readRisk reads live objects. Of Secrets only the metadata is asked for, and
// of objects that the plan has itself nothing but their status is kept.
func (c *Client) readRisk(ctx context.Context, need riskNeed, planned map[model.ObjectID]*riskObject) (riskAnswer, error) {
	if need.name != "" {
		return c.readRiskOne(ctx, need)
	}
	var a riskAnswer
	opts := metav1.ListOptions{Limit: listPage, LabelSelector: need.selector}
	if need.selector != "" {
		opts.Limit = selectedPods
	}
	for {
		page, err := c.dyn.Resource(need.kind.gvr).Namespace(need.namespace).List(ctx, opts)
		if apierrors.IsNotFound(err) {
			return a, nil // the cluster does not have the kind
		}
		if err != nil {
			return a, err
		}
		for i := range page.Items {
			fields := page.Items[i].Object
			delete(mapAt(fields, "metadata"), "managedFields")
			id := model.ObjectID{Group: need.kind.gvr.Group, Kind: need.kind.kind, Namespace: need.namespace, Name: metaString(fields, "name")}
			if _, ok := planned[id]; ok {
				fields = map[string]any{"metadata": map[string]any{"name": id.Name}, "status": fields["status"]}
			} else if need.kind != quotaKind && need.kind != budgetKind {
				delete(fields, "status")
			}
			a.objects = append(a.objects, fields)
		}
		if opts.Continue = page.GetContinue(); opts.Continue == "" || need.selector != "" {
			return a, nil
		}
	}
}

func (c *Client) readRiskOne(ctx context.Context, need riskNeed) (riskAnswer, error) {
	var a riskAnswer
	_, err := c.short.Resource(need.kind.gvr).Namespace(need.namespace).Get(ctx, need.name, metav1.GetOptions{})
	switch {
	case err == nil:
		a.objects = []map[string]any{{"metadata": map[string]any{"name": need.name}}}
	case !apierrors.IsNotFound(err):
		return a, err
	}
	return a, nil
}

// selects reports whether a label selector picks labels. What it does not
// understand picks nothing.
func selects(selector, labels map[string]any) bool {
	for k, v := range mapAt(selector, "matchLabels") {
		if labels[k] != v {
			return false
		}
	}
	for _, e := range mapsAt(selector, "matchExpressions") {
		if !matches(e, labels) {
			return false
		}
	}
	return true
}

// matches judges one requirement of a selector of labels.
func matches(requirement, labels map[string]any) bool {
	value, there := labels[textAt(requirement, "key")].(string)
	listed := there && slices.Contains(textsAt(requirement, "values"), value)
	switch textAt(requirement, "operator") {
	case "In":
		return listed
	case "NotIn":
		return !listed
	case "Exists":
		return there
	case "DoesNotExist":
		return !there
	}
	return false
}
