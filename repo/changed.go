package repo

import "github.com/fairtide-dev/fairtide/model"

// Changed compares two renders of an environment: the objects that the later
// one creates, updates or removes, sorted by identity. Values of Secrets, and
// those that the environment's rules mark, are not in the summaries.
func (r *Repo) Changed(env model.Environment, before, after *model.Rendered) []model.ChangedObject {
	return changedObjects(env.Mask, before.Objects, after.Objects)
}
