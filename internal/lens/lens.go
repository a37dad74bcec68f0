// Package lens shows a plan's objects from the three sides that a question can
// be asked from: what applying would do, what Git changed, what was changed
// behind Git's back. It also says what moved between two readings of a plan.
package lens

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// Parse reads the name of a lens; empty is the lens apply.
func Parse(name string) (model.Lens, error) {
	if name == "" {
		return model.LensApply, nil
	}
	for _, l := range model.Lenses {
		if string(l) == name {
			return l, nil
		}
	}
	return "", model.Errorf(model.ExitUsage, "%q is no lens; there are apply, git and drift", name)
}

// Sides are what a lens compares. Both are nil where there is nothing on
// either side.
func Sides(o model.PlannedObject, l model.Lens) (before, after map[string]any) {
	switch l {
	case model.LensGit:
		return o.Deployed, o.Rendered
	case model.LensDrift:
		if o.Deployed == nil {
			return nil, nil // what was not deployed cannot have drifted
		}
		live, _ := restrict(o.Before, o.Deployed).(map[string]any)
		if live == nil {
			return o.Deployed, live
		}
		was, _ := kept(o.Deployed, o.Before, o.After).(map[string]any)
		if v, ok := live["apiVersion"]; ok {
			was["apiVersion"] = v // the same object, read at another version
		}
		return was, live
	case model.LensApply, model.LensRun:
	}
	return o.Before, o.After
}

// restrict is a live value in the fields that the deployed render has: what
// the server and others add to them is no drift. Elements of a list that are
// told apart by a key are taken one by one, other lists whole.
func restrict(live, like any) any {
	switch like := like.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok || l == nil {
			return live
		}
		out := make(map[string]any, len(like))
		for k, v := range like {
			if has, ok := l[k]; ok {
				out[k] = restrict(has, v)
			}
		}
		return out
	case []any:
		l, ok := live.([]any)
		if !ok || !fieldpath.AllMaps(l) || !fieldpath.AllMaps(like) {
			return live
		}
		keys := fieldpath.ListKeys(l, like)
		if keys == nil {
			return live
		}
		return restrictList(l, like, keys)
	}
	return live
}

func restrictList(live, like []any, keys []string) []any {
	wanted := make(map[string]any, len(like))
	for _, e := range like {
		wanted[fieldpath.Label(e, keys)] = e
	}
	out := make([]any, 0, len(like))
	for _, e := range live {
		if w, ok := wanted[fieldpath.Label(e, keys)]; ok {
			out = append(out, restrict(e, w))
		}
	}
	return out
}

// kept is a deployed value without the maps and lists that are empty and that
// the server did not keep: of most fields it makes no difference between empty
// and none. Where it does (an empty selector selects all), what it would make
// of the object now has the empty one too, and that it is not live is drift.
func kept(deployed, live, after any) any {
	switch d := deployed.(type) {
	case map[string]any:
		l, _ := live.(map[string]any)
		a, _ := after.(map[string]any)
		out := make(map[string]any, len(d))
		for k, v := range d {
			_, isLive := l[k]
			_, stays := a[k]
			if isLive || stays || !isEmpty(v) {
				out[k] = kept(v, l[k], a[k])
			}
		}
		return out
	case []any:
		l, _ := live.([]any)
		a, _ := after.([]any)
		keys := fieldpath.ListKeys(d, l, a)
		if keys == nil {
			return deployed
		}
		out := make([]any, len(d))
		for i, e := range d {
			out[i] = kept(e, labelled(l, e, keys), labelled(a, e, keys))
		}
		return out
	}
	return deployed
}

// labelled is the element of a list with the label of another one; nil: none.
func labelled(list []any, like any, keys []string) any {
	for _, e := range list {
		if fieldpath.Label(e, keys) == fieldpath.Label(like, keys) {
			return e
		}
	}
	return nil
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// Verdict is an object's verdict under a lens. Under the lenses git and drift
// it says how the second side came from the first.
func Verdict(o model.PlannedObject, l model.Lens) model.Verdict {
	if l == model.LensApply || l == model.LensRun {
		return o.Verdict
	}
	if isUnread(&o, l) {
		return model.VerdictUnpredictable
	}
	before, after := Sides(o, l)
	return between(before, after)
}

// isUnread reports whether there is a live side that could not be read.
func isUnread(o *model.PlannedObject, l model.Lens) bool {
	return l == model.LensDrift && o.Verdict == model.VerdictUnpredictable && o.Before == nil && o.Deployed != nil
}

// between is the verdict that leads from one side to the other.
func between(before, after map[string]any) model.Verdict {
	switch {
	case before == nil && after == nil:
		return model.VerdictUnchanged
	case before == nil:
		return model.VerdictCreate
	case after == nil:
		return model.VerdictDelete
	case !fieldpath.Equal(before, after):
		return model.VerdictUpdate
	}
	return model.VerdictUnchanged
}

// Through is a plan as a lens shows it: each object with the lens' verdict and
// sides, sorted by it. What only applying is about (risks, reasons) stays with
// the lens apply. The copy is for reading, not for applying.
func Through(p *model.Plan, l model.Lens) *model.Plan { return ThroughAgain(p, l, nil, nil) }

// ThroughAgain is Through for another reading of a plan: was was seen as seen
// through the same lens. What is the same of an object in both readings is not
// worked out again.
func ThroughAgain(p *model.Plan, l model.Lens, was, seen *model.Plan) *model.Plan {
	if l == model.LensApply || l == model.LensRun {
		return p
	}
	earlier := pairs(was, seen)
	out := *p
	out.Risks = nil
	out.Objects = make([]model.PlannedObject, len(p.Objects))
	for i, o := range p.Objects {
		if e := earlier[o.ID]; e.seen != nil && sameThrough(e.was, &o, l) {
			o.Verdict, o.Before, o.After, o.Causes = e.seen.Verdict, e.seen.Before, e.seen.After, e.seen.Causes
		} else {
			before, after := Sides(o, l)
			unread := isUnread(&o, l)
			o.Verdict, o.Before, o.After = between(before, after), before, after
			if unread {
				o.Verdict = model.VerdictUnpredictable
			}
			o.Causes = causes(o.Causes, l, before, after)
		}
		if o.Verdict != model.VerdictUnpredictable {
			o.Reason = ""
		}
		o.Risks, o.TakesOwnership = nil, false
		o.Hiding = o.LensHiding[l]
		out.Objects[i] = o
	}
	out.Sort()
	return &out
}

// pair is an object of a plan, and what a lens made of it.
type pair struct{ was, seen *model.PlannedObject }

func pairs(was, seen *model.Plan) map[model.ObjectID]pair {
	if was == nil || seen == nil {
		return nil
	}
	out := make(map[model.ObjectID]pair, len(was.Objects))
	for i := range was.Objects {
		out[was.Objects[i].ID] = pair{was: &was.Objects[i]}
	}
	for i := range seen.Objects {
		o := &seen.Objects[i]
		out[o.ID] = pair{out[o.ID].was, o}
	}
	return out
}

// sameThrough reports whether a lens makes the same of two readings of an
// object: all it looks at is the same.
func sameThrough(a, b *model.PlannedObject, l model.Lens) bool {
	if a == nil || a.Verdict != b.Verdict || !slices.Equal(a.Causes, b.Causes) || !same(a.Deployed, b.Deployed) {
		return false
	}
	if l == model.LensGit {
		return same(a.Rendered, b.Rendered)
	}
	return same(a.Before, b.Before) && same(a.After, b.After)
}

// same reports whether two objects are the same. Most are the very same ones.
func same(a, b map[string]any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() || fieldpath.Equal(a, b)
}

// causes are those of the paths that differ under a lens.
func causes(all []model.Cause, l model.Lens, before, after map[string]any) []model.Cause {
	want := model.CauseGit
	if l == model.LensDrift {
		want = model.CauseDrift
	}
	if !slices.ContainsFunc(all, func(c model.Cause) bool { return c.Kind == want }) {
		return nil
	}
	differs := map[string]bool{}
	for _, c := range fieldpath.Diff(before, after) {
		differs[c.Path] = true
	}
	var out []model.Cause
	for _, c := range all {
		if c.Kind == want && (differs[c.Path] || c.Path == "" && (before == nil) != (after == nil)) {
			out = append(out, c)
		}
	}
	return out
}

// Titles name the two sides of an object under a lens.
func Titles(v model.Verdict, l model.Lens) (before, after string) {
	switch l {
	case model.LensGit:
		before, after = "Git, as deployed", "Git, as planned"
		switch v {
		case model.VerdictCreate:
			before = "not in Git"
		case model.VerdictDelete:
			after = "left Git"
		}
		return before, after
	case model.LensDrift:
		before, after = "Git, as deployed", "live"
		if v == model.VerdictDelete {
			after = "gone"
		}
		return before, after
	case model.LensRun:
		return "Git, before", "Git, after"
	case model.LensApply:
	}
	before, after = "live", "after apply"
	switch v {
	case model.VerdictCreate:
		before = "nothing live"
	case model.VerdictDelete:
		after = "deleted"
	case model.VerdictReplace:
		after = "deleted and created again"
	case model.VerdictUnpredictable:
		after = "as Git writes it"
	case model.VerdictUnchanged:
		after = "the same after apply"
	case model.VerdictUpdate:
	}
	return before, after
}

// CauseWords is a cause in a few words: "#42", "drift kubectl-edit 03:12",
// "server". Shorter ways to say it follow.
func CauseWords(c model.Cause) []string {
	switch c.Kind {
	case model.CauseGit:
		switch {
		case c.PullRequest > 0:
			return []string{fmt.Sprintf("#%d", c.PullRequest)}
		case c.By != "":
			return []string{model.Short(c.By)}
		}
		return []string{"git"}
	case model.CauseDrift:
		switch {
		case c.By == "":
			return []string{"drift"}
		case c.At.IsZero():
			return []string{"drift " + c.By, c.By}
		}
		at := c.By + " " + c.At.UTC().Format("15:04")
		return []string{"drift " + at, at, c.By}
	case model.CauseServer:
	}
	return []string{string(c.Kind)}
}

// CauseSentence is a cause for a list: with the path, the date, and what is
// not known.
func CauseSentence(c model.Cause) string {
	path := c.Path
	if path == "" {
		path = "the object"
	}
	switch {
	case c.Kind == model.CauseGit && c.PullRequest > 0 && c.By != "":
		return fmt.Sprintf("%s: git #%d (%s)", path, c.PullRequest, model.Short(c.By))
	case c.Kind == model.CauseGit && c.By != "":
		return fmt.Sprintf("%s: git %s", path, model.Short(c.By))
	case c.Kind == model.CauseDrift && c.By == "":
		return path + ": drift (changed or removed live; the cluster does not keep by whom)"
	case c.Kind == model.CauseDrift && c.At.IsZero():
		return fmt.Sprintf("%s: drift %s (the cluster keeps no time for it)", path, c.By)
	case c.Kind == model.CauseDrift:
		return fmt.Sprintf("%s: drift %s %s", path, c.By, c.At.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return fmt.Sprintf("%s: %s", path, c.Kind)
}
