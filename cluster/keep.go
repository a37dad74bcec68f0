package cluster

import (
	"cmp"
	"slices"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// keepFields leaves the fields out of what is applied whose live values are to
// stay this once. That works where somebody else set the live value: the field
// is theirs then, and an apply that does not name it leaves it alone. It is
// refused for any other field, which an apply without it would remove.
func (p *predictor) keepFields(items []*planItem) error {
	for _, ref := range p.req.Keep {
		it, err := p.keptItem(items, ref)
		if err != nil {
			return err
		}
		if err := p.keepField(it, ref.Path); err != nil {
			return err
		}
		p.kept = append(p.kept, model.FieldRef{ID: it.object.ID, Path: ref.Path})
	}
	slices.SortFunc(p.kept, func(a, b model.FieldRef) int {
		return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Path, b.Path))
	})
	p.kept = slices.Compact(p.kept)
	return nil
}

// keptItem finds the object of a field; a group that is not given matches any.
func (p *predictor) keptItem(items []*planItem, ref model.FieldRef) (*planItem, error) {
	var found *planItem
	for _, it := range items {
		id := it.object.ID
		if ref.ID.Group == "" {
			id.Group = ""
		}
		if ref.ID.Namespace == "" && id.Namespace == p.env.Namespace {
			id.Namespace = ""
		}
		if id != ref.ID {
			continue
		}
		if found != nil {
			return nil, model.Errorf(model.ExitUsage, "%s: keep %s: two objects are called so", p.env.Name, ref)
		}
		found = it
	}
	if found == nil {
		return nil, model.Errorf(model.ExitUsage, "%s: keep %s: no rendered object is called so; write it as the plan does, \"Deployment shop/cart:spec.replicas\"", p.env.Name, ref)
	}
	return found, nil
}

func (p *predictor) keepField(it *planItem, path string) error {
	fail := func(why string) error {
		return model.Errorf(model.ExitUsage, "%s: %s: %s cannot be kept: %s", p.env.Name, it.object.ID, path, why)
	}
	if slices.Contains(p.kept, model.FieldRef{ID: it.object.ID, Path: path}) {
		return nil
	}
	if it.live == nil {
		return fail("there is no live object")
	}
	without, ok := fieldpath.Without(it.object.Fields, path)
	if !ok {
		return fail("Git does not write this field, so there is nothing to leave out")
	}
	changes := fieldpath.Diff(normalise(it.live, true), normalise(it.object.Fields, true))
	i := slices.IndexFunc(changes, func(c fieldpath.Change) bool { return c.Path == path })
	if i < 0 || !changes[i].HasOld {
		return fail("it is live as Git writes it, or not live at all")
	}
	if _, foreign := ownerOf(changes[i].Steps, fieldOwners(it.live)); !foreign {
		return fail("nobody else set its live value, so an apply without it would remove it")
	}
	it.object.Fields = without
	return nil
}

// checkKept refuses a plan that would alter a field that is to be kept: what
// leaving it out does is the server's to say.
func (p *predictor) checkKept(items []*planItem) error {
	for _, ref := range p.kept {
		for _, it := range items {
			if it.object.ID != ref.ID || it.planned.Verdict == model.VerdictUnpredictable {
				continue
			}
			was, hadIt := fieldpath.Get(it.planned.Before, ref.Path)
			is, hasIt := fieldpath.Get(it.planned.After, ref.Path)
			if hadIt != hasIt || !fieldpath.Equal(was, is) {
				return model.Errorf(model.ExitUsage, "%s: %s: %s cannot be kept: applied without it, it would become %s instead of %s",
					p.env.Name, ref.ID, ref.Path, showValue(is), showValue(was))
			}
		}
	}
	return nil
}
