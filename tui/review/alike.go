package review

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// kin are objects whose diffs are the same.
type kin struct {
	ids  []model.ObjectID // in the plan's order
	what string           // what changes in all of them, in a few words
}

// likeness is what two diffs have in common when they are alike; the zero one
// is like no other.
type likeness [sha256.Size]byte

// likenessOf says what a diff is like: every difference of its two sides, with
// the object's own name left out of paths and values, and what else an
// operator has to know of it. What goes away, what may be another thing than
// it seems and what asks for its name to be typed is read one by one.
func likenessOf(o *model.PlannedObject, changes []fieldpath.Change) likeness {
	switch o.Verdict {
	case model.VerdictCreate, model.VerdictUpdate:
	default:
		return likeness{}
	}
	name := o.ID.Name
	parts := []string{
		o.ID.Group, o.Version, o.ID.Kind, string(o.Verdict), general(o.Reason, name),
		fmt.Sprint(o.TakesOwnership, o.Migrates, o.OnlyHidden),
	}
	for _, r := range o.Risks {
		if r.TypeName {
			return likeness{}
		}
		parts = append(parts, "risk", r.Name, string(r.Severity))
		if r.Severity == model.SeverityDanger {
			parts = append(parts, general(r.Message, name)) // how many pods, from which number to which
		}
	}
	for _, c := range changes {
		old, errOld := json.Marshal(c.Old)
		new, errNew := json.Marshal(c.New)
		if errOld != nil || errNew != nil {
			return likeness{}
		}
		parts = append(parts, "change", general(c.Path, name), fmt.Sprint(c.HasOld, c.HasNew), general(string(old), name), general(string(new), name))
	}
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s,", len(part), part) // a hash never fails to write
	}
	return likeness(h.Sum(nil))
}

// ownName stands for the object's own name. It cannot be in a path or a value.
const ownName = "\x00"

// shortestName is how long a name has to be to be told from any other word.
const shortestName = 3

// general is a text with the object's own name left out, where that stands as a
// word of its own.
func general(s, name string) string {
	if len(name) < shortestName || !strings.Contains(s, name) {
		return s
	}
	var b strings.Builder
	rest, before := s, byte(' ')
	for {
		i := strings.Index(rest, name)
		if i < 0 {
			b.WriteString(rest)
			return b.String()
		}
		if i > 0 {
			before = rest[i-1]
		}
		end := i + len(name)
		if isWord(before) || end < len(rest) && isWord(rest[end]) {
			b.WriteString(rest[:end])
		} else {
			b.WriteString(rest[:i] + ownName)
		}
		before, rest = rest[end-1], rest[end:]
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// gather puts the objects of a plan that are like each other together.
func gather(plan *model.Plan, facts map[model.ObjectID]*facts) map[model.ObjectID]*kin {
	all := map[likeness]*kin{}
	for i := range plan.Objects {
		id := plan.Objects[i].ID
		f := facts[id]
		if f == nil || f.like == (likeness{}) {
			continue
		}
		if all[f.like] == nil {
			all[f.like] = &kin{what: f.what}
		}
		all[f.like].ids = append(all[f.like].ids, id)
	}
	out := map[model.ObjectID]*kin{}
	for _, k := range all {
		if len(k.ids) < 2 {
			continue
		}
		for _, id := range k.ids {
			out[id] = k
		}
	}
	return out
}

// inShort says what changes, in a few words: "image 1.4.1 → 1.4.2".
func inShort(o *model.PlannedObject, changes []fieldpath.Change) string {
	if o.Verdict == model.VerdictCreate {
		return "created"
	}
	names := slices.Compact(lastFields(changes))
	if len(changes) == 1 && len(names) == 1 {
		return names[0] + between(changes[0], o.ID.Name)
	}
	const most = 3
	if len(names) > most {
		return fmt.Sprintf("%s and %d more fields", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// between is what a change leads from and to, if both are short and say the same
// of every object that is alike: " 1.4.1 → 1.4.2".
func between(c fieldpath.Change, name string) string {
	const most = 24
	old, isOld := c.Old.(string)
	new, isNew := c.New.(string)
	if !isOld || !isNew {
		return ""
	}
	same := 0
	for same < min(len(old), len(new)) && old[same] == new[same] {
		same++
	}
	if at := strings.LastIndexAny(old[:same], ":/@= "); at >= 0 {
		old, new = old[at+1:], new[at+1:]
	}
	if len(old) > most || len(new) > most || strings.Contains(old+" "+new, name) {
		return ""
	}
	return " " + old + " → " + new
}
