package cluster

import (
	"crypto/sha256"
	"reflect"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// reuseAge is how old an approved plan may be for its answers to be taken again:
// what cannot be looked at below, such as another version of the API server,
// does not come about in so short a time without anybody's notice.
const reuseAge = 15 * time.Minute

// defaultedOnCreate are built-in kinds that admission fills in from other
// objects, which may have changed.
var defaultedOnCreate = map[string]bool{"Pod": true, "PersistentVolumeClaim": true, "Ingress": true}

// remember takes the plan that was approved, for another reading of it.
//
// The live objects are read again in any case. An object that is at the very
// reading that it was at then, or is missing as it was, would be answered with
// the same prediction: the API server makes it of the live object and of what
// is sent. So it is not asked for a second time, unless something else has a
// part in the answer: a webhook or policy that alters such objects, the schema
// of a custom kind, or a default that is taken from other objects. What would
// refuse the object now and did not then refuses its write as well.
func (p *predictor) remember(approved *model.Plan, now time.Time) {
	if approved == nil || p.req.Full || approved.ClusterUID != p.mask.clusterUID {
		return
	}
	if age := now.Sub(approved.ReadAt); age < 0 || age > reuseAge {
		return
	}
	p.approved = make(map[model.ObjectID]*model.PlannedObject, len(approved.Objects))
	for i := range approved.Objects {
		p.approved[approved.Objects[i].ID] = &approved.Objects[i]
	}
}

// reused judges an item by the approved plan, if the server's answer would be
// the same as it was for that.
func (p *predictor) reused(it *planItem) bool {
	was := p.approved[it.object.ID]
	if was == nil || p.settling == nil || was.Prediction != model.PredictedByServer || was.Migrates || was.Live != it.planned.Live ||
		was.Sent == [sha256.Size]byte{} || !reflect.DeepEqual(was.Mask, p.env.Mask) {
		return false
	}
	switch was.Verdict {
	case model.VerdictCreate, model.VerdictUpdate, model.VerdictUnchanged:
	default:
		return false
	}
	id := it.object.ID
	if !builtInGroups[id.Group] || defaultedOnCreate[id.Kind] || p.settling.mayAlter(it) || sentDigest(it) != was.Sent {
		return false
	}
	it.planned.Verdict, it.planned.Prediction, it.planned.TakesOwnership = was.Verdict, was.Prediction, was.TakesOwnership
	it.planned.Before, it.planned.After, it.planned.Mask, it.planned.Sent = was.Before, was.After, was.Mask, was.Sent
	p.quieten(it)
	if was.Verdict == model.VerdictUpdate {
		p.explainUpdate(it)
	}
	return true
}

// sentDigest is a hash over what is sent for an item, but for the reading it is
// bound to.
func sentDigest(it *planItem) [sha256.Size]byte {
	body, err := applyBody(it.object, model.LiveRef{})
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(body)
}

// mayAlter reports whether a webhook or policy may act on the write of an item,
// whatever its labels are.
func (s *settling) mayAlter(it *planItem) bool {
	operation := "UPDATE"
	if it.live == nil {
		operation = "CREATE"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blind {
		return true
	}
	for _, m := range s.mutators {
		if m.concerns(it, operation) {
			return true
		}
	}
	return false
}
