package review

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// vocabulary is the values that objects of a plan have, for each field of a
// filter: the most frequent first.
type vocabulary struct {
	of    map[string][]value
	whole map[string]bool // field:value, in lower case
}

type value struct{ text, note string }

// has reports whether a value is one of those there are. It may be called on
// nil, which knows none.
func (v *vocabulary) has(field, value string) bool { return v != nil && v.whole[field+":"+value] }

// counter counts objects by field and value.
type counter map[string]map[string]int

func (c counter) add(field, text string) {
	if text == "" || strings.ContainsAny(text, " \t\n") {
		return // it could not be typed
	}
	if c[field] == nil {
		c[field] = map[string]int{}
	}
	c[field][text]++
}

// learn makes the vocabulary of a plan. last are the names of the fields that
// change in each object.
func learn(plan *model.Plan, last map[model.ObjectID][]string) *vocabulary {
	c := counter{}
	for i := range plan.Objects {
		o := &plan.Objects[i]
		c.add("kind", o.ID.Kind)
		c.add("ns", o.ID.Namespace)
		c.add("verdict", string(o.Verdict))
		each := map[[2]string]bool{}
		for _, r := range o.Risks {
			each[[2]string{"risk", r.Name}] = true
			each[[2]string{"risk", string(r.Severity)}] = true
		}
		for _, cause := range o.Causes {
			each[[2]string{"cause", causeWord(cause)}] = true
			each[[2]string{"cause", string(cause.Kind)}] = true
		}
		for _, name := range last[o.ID] {
			each[[2]string{"path", name}] = true
		}
		for e := range each {
			c.add(e[0], e[1])
		}
	}
	v := &vocabulary{of: map[string][]value{}, whole: map[string]bool{}}
	for field, counts := range c {
		for _, text := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
			return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
		}) {
			v.of[field] = append(v.of[field], value{text, words.Count(counts[text], "object")})
			v.whole[field+":"+strings.ToLower(text)] = true
		}
	}
	for _, state := range []string{"unreviewed", "reviewed", "changed", "alike"} {
		v.of["is"] = append(v.of["is"], value{text: state})
	}
	return v
}

// causeWord is how a cause is asked for.
func causeWord(c model.Cause) string {
	switch {
	case c.PullRequest > 0:
		return "#" + strconv.Itoa(c.PullRequest)
	case c.Kind == model.CauseGit:
		return model.Short(c.By)
	}
	return c.By
}

// lastFields are the names of the fields that changes lead to.
func lastFields(changes []fieldpath.Change) []string {
	var out []string
	for _, c := range changes {
		for i := len(c.Steps) - 1; i >= 0; i-- {
			if s := c.Steps[i]; !s.InList {
				out = append(out, s.Field)
				break
			}
		}
	}
	return out
}
