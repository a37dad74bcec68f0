package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// maskToken is what a masked value looks like in a plan.
var maskToken = regexp.MustCompile(`<masked [0-9a-f]{8}>`)

// adopt makes the patch that writes live values to Git: those of this moment,
// read anew, for the head of the branch.
func (e *Engine) adopt(ctx context.Context, s site, r model.DraftRequest) (model.Patch, error) {
	if len(r.Fields) == 0 {
		return model.Patch{}, model.Errorf(model.ExitUsage, "adopt what? name the fields whose live values Git is to have")
	}
	p, err := e.read(ctx, s, model.PlanAsk{Commit: s.head.Hash, Lenses: true})
	if err != nil {
		return model.Patch{}, err
	}
	e.blame(ctx, s.env, p, s.head.Hash)
	secrets := secretValues(p.rendered.Objects, s.env.Mask)
	fields := make([]model.LiveField, 0, len(r.Fields))
	for _, ref := range r.Fields {
		o, err := plannedAs(p.plan, s.env, ref)
		if err != nil {
			return model.Patch{}, err
		}
		if err := adoptable(o, ref.Path, secrets); err != nil {
			return model.Patch{}, err
		}
		fields = append(fields, model.LiveField{Field: model.FieldRef{ID: o.ID, Path: ref.Path}, Live: o.Before})
	}
	return e.cfg.Repository.Adopt(ctx, s.env, neighbours(s), fields, s.head.Hash)
}

// neighbours are the other environments that are deployed from the same branch.
func neighbours(s site) []model.Environment {
	var out []model.Environment
	for _, other := range s.config.Environments {
		if other.Name != s.env.Name && other.Branch == s.env.Branch {
			out = append(out, other)
		}
	}
	return out
}

// plannedAs finds the object of a field in a plan. A group that is not given
// matches any, and a namespace that is not given is the environment's.
func plannedAs(p *model.Plan, env model.Environment, ref model.FieldRef) (model.PlannedObject, error) {
	var found *model.PlannedObject
	for i, o := range p.Objects {
		id := o.ID
		if ref.ID.Group == "" {
			id.Group = ""
		}
		if ref.ID.Namespace == "" && id.Namespace == env.Namespace {
			id.Namespace = ""
		}
		if id != ref.ID {
			continue
		}
		if found != nil {
			return model.PlannedObject{}, model.Errorf(model.ExitUsage, "%s: two objects are called so", ref.ID)
		}
		found = &p.Objects[i]
	}
	if found == nil {
		return model.PlannedObject{}, model.Errorf(model.ExitUsage, "%s: no rendered object is called so; write it as the plan does, \"Deployment shop/cart:spec.replicas\"", ref)
	}
	return *found, nil
}

// adoptable says why a live value must not be written to Git. The reason never
// holds the value.
func adoptable(o model.PlannedObject, path string, secrets map[string]bool) error {
	fail := func(format string, args ...any) error {
		return model.Errorf(model.ExitUsage, "%s: %s cannot be adopted: %s", o.ID, path, fmt.Sprintf(format, args...))
	}
	switch {
	case o.ID.Group == "" && o.ID.Kind == "Secret":
		return fail("values of Secrets are never written to Git from what is live; change the Secret where it is kept")
	case o.Before == nil:
		return fail("there is no live object")
	case o.Left:
		return fail("Git does not render the object any more")
	}
	live, _ := fieldpath.Get(o.Before, path)
	git, _ := fieldpath.Get(o.After, path)
	text, err := json.Marshal([]any{live, git})
	if err != nil {
		return fail("its value is no JSON")
	}
	if maskToken.Match(unescaped(text)) {
		return fail("its value is masked, and what is masked is never written to Git from what is live; change it where it is kept")
	}
	if holdsSecret(live, secrets) {
		return fail("its live value holds a value of a Secret; refer to the Secret in Git instead")
	}
	for _, c := range o.Causes {
		if c.Kind == model.CauseGit && covers(path, c.Path) {
			return fail("%s differs because %s changed it in Git, not because somebody did live; ship that, or revert it", c.Path, model.Short(c.By))
		}
	}
	return nil
}

// unescaped undoes what JSON does to the brackets of a token.
func unescaped(text []byte) []byte {
	return []byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(text)))
}

// holdsSecret reports whether a value of a Secret stands in a live value.
func holdsSecret(v any, secrets map[string]bool) bool {
	switch v := v.(type) {
	case string:
		for s := range secrets {
			if strings.Contains(v, s) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if holdsSecret(e, secrets) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return holdsSecret(e, secrets) })
	}
	return false
}

// covers reports whether a path is another, or leads to what holds it.
func covers(path, other string) bool {
	rest, ok := strings.CutPrefix(other, path)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// describeAdopt gives the draft of an adoption its title, text and branch. It
// names the fields and none of their values.
func describeAdopt(s site, r model.DraftRequest) model.Draft {
	first := r.Fields[0]
	what, last := first.Path, first.Path[strings.LastIndexAny(first.Path, ".[")+1:]
	if n := len(r.Fields); n > 1 {
		what, last = fmt.Sprintf("%d live fields", n), fmt.Sprintf("%s-and-%d", last, n-1)
	}
	objects := map[model.ObjectID]bool{}
	var body strings.Builder
	fmt.Fprintf(&body, "Writes to Git what is live in %s, so that it stays:\n\n", s.env.Name)
	for _, f := range r.Fields {
		objects[f.ID] = true
		fmt.Fprintf(&body, "- %s of %s\n", f.Path, f.ID)
	}
	of := first.ID.String()
	if len(objects) > 1 {
		of = fmt.Sprintf("%d objects", len(objects))
	}
	return model.Draft{
		Title:  fmt.Sprintf("%s: adopt %s of %s", s.env.Name, what, of),
		Body:   body.String(),
		Branch: branchName("adopt", s.env.Name, first.ID.Name, last, model.Short(s.head.Hash)),
	}
}
