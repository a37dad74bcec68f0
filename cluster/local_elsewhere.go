package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/model"
)

// mostElsewhere is in how many other namespaces an object is tried.
const mostElsewhere = 4

// elsewhere predicts an object of a namespace that the plan creates: by a
// dry-run of it in another namespace, so that defaults, validation and most of
// admission are the server's own; failing that, locally.
func (p *predictor) elsewhere(ctx context.Context, it *planItem) error {
	created := fmt.Sprintf("namespace %s is created by this plan", it.object.ID.Namespace)
	why := ""
	for _, namespace := range p.otherNamespaces(it.object.ID.Namespace) {
		reply, err := p.dryRunIn(ctx, it, namespace)
		if err == nil {
			it.planned.Prediction = model.PredictedElsewhere
			it.planned.Reason = fmt.Sprintf("predicted in namespace %s: %s; what is particular to a namespace was not asked: quota, pod security, webhooks", namespace, created)
			p.compare(it, reply)
			return nil
		}
		if concernsAll(ctx, err) {
			return p.unanswered(ctx, it, err)
		}
		r := readRefusal(err, it.object.ID, it.mapping, false)
		switch r.kind {
		case refusedSchema, refusedInvalid: // wherever it is
			it.noSchema = r.kind == refusedSchema
			p.unpredictable(it, r.reason)
			return nil
		}
		why = fmt.Sprintf("; a dry-run in namespace %s was refused: %s", namespace, r.reason)
	}
	p.locally(ctx, it, created+why)
	return nil
}

// otherNamespaces are those to try an object in: the environment's, then the
// one that every cluster has.
func (p *predictor) otherNamespaces(not string) []string {
	var out []string
	for _, n := range p.places {
		if n != not && n != metav1.NamespaceDefault && !p.absent[n] && !slices.Contains(out, n) && len(out) < mostElsewhere-1 {
			out = append(out, n)
		}
	}
	if not != metav1.NamespaceDefault {
		out = append(out, metav1.NamespaceDefault)
	}
	return out
}

// dryRunIn asks for an object as if it were in another namespace. Where that
// has one of the same name, or may have one of which it is no valid change, it
// is asked for under another.
func (p *predictor) dryRunIn(ctx context.Context, it *planItem, namespace string) (map[string]any, error) {
	id := it.object.ID
	copied := *it
	copied.object = movedTo(it.object, namespace, id.Name)
	reply, err := p.dryRun(ctx, &copied)
	name := id.Name
	if err == nil && metaString(reply, "resourceVersion") != "" || apierrors.IsInvalid(err) {
		name = spareName(id)
		copied.object = movedTo(it.object, namespace, name)
		reply, err = p.dryRun(ctx, &copied)
	}
	it.noted = copied.noted
	if err != nil {
		return nil, err
	}
	if name != id.Name {
		replaceText(reply, name, id.Name)
	}
	if metadata := mapAt(reply, "metadata"); metadata != nil {
		metadata["namespace"], metadata["name"] = id.Namespace, id.Name
	}
	return reply, nil
}

// movedTo is a copy of an object with another namespace and name.
func movedTo(o model.Object, namespace, name string) model.Object {
	o.Fields, _ = cloneValue(o.Fields).(map[string]any)
	o.ID.Namespace, o.ID.Name = namespace, name
	if metadata := mapAt(o.Fields, "metadata"); metadata != nil {
		metadata["namespace"], metadata["name"] = namespace, name
	}
	return o
}

// spareName is a name that nothing has, short enough for every kind. It is the
// same each time, as a plan of the same must be the same.
func spareName(id model.ObjectID) string {
	const most = 36
	sum := sha256.Sum256([]byte("spare name of " + id.String()))
	return strings.TrimRight(id.Name[:min(len(id.Name), most)], "-.:") + "-" + hex.EncodeToString(sum[:6])
}

// replaceText replaces one text by another in all values.
func replaceText(v any, old, with string) any {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			v[key] = replaceText(child, old, with)
		}
	case []any:
		for i, child := range v {
			v[i] = replaceText(child, old, with)
		}
	case string:
		return strings.ReplaceAll(v, old, with)
	}
	return v
}

// findPlaces notes which rendered namespaces do not exist yet, and which
// others the environment's objects are in.
func (p *predictor) findPlaces(items []*planItem) {
	p.absent = map[string]bool{}
	var others []string
	for _, it := range items {
		id := it.object.ID
		if id.Group == "" && id.Kind == "Namespace" && it.live == nil && it.readErr == nil {
			p.absent[id.Name] = true
		}
		if id.Namespace != "" && !slices.Contains(others, id.Namespace) {
			others = append(others, id.Namespace)
		}
	}
	slices.Sort(others)
	if p.env.Namespace != "" {
		p.places = append(p.places, p.env.Namespace)
	}
	p.places = append(p.places, others...)
}
