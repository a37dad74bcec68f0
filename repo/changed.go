package repo

import "github.com/fairtide-dev/fairtide/model"

// Changed compares two renders of an environment: the objects that the later
// one creates, updates or removes, sorted by identity. Values of Secrets are
// not in the summaries.
func (r *Repo) Changed(before, after *model.Rendered) []model.ChangedObject {
	return changedObjects(before.Objects, after.Objects)
}
