package tui

import (
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/internal/textdiff"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/prompt"
	"github.com/fairtide-dev/fairtide/tui/review"
)

// noteMost is how much of a value is shown beside what copies it.
const noteMost = 60

// hunkOffers are what can be copied of the hunk that the diff is at.
func (a *App) hunkOffers(p *review.Page, o model.PlannedObject) []offer {
	why := ""
	h, ok := p.Hunk()
	switch {
	case !p.Ready():
		why = "the object is still being compared"
	case !ok:
		why = "nothing changes in this object"
	}
	value := func(name, lines string, side map[string]any, none string) offer {
		text := hunkValue(lines, side, h.Path)
		off := why
		if off == "" && lines == "" {
			off = none
		}
		return offer{
			Candidate: prompt.Candidate{Text: name, Note: inShort(text), Off: off},
			what:      "the " + name, file: objectFile(o, "value") + ".txt", text: fixed(text),
		}
	}
	return []offer{
		{
			Candidate: prompt.Candidate{Text: "path", Note: h.Path, Off: why},
			what:      "the path", file: "path.txt", text: fixed(h.Path),
		},
		value("new value", h.New, right(o), "the change only takes away"),
		value("old value", h.Old, o.Before, "the change only adds"),
	}
}

// hunkValue is what a change has on one side: the value alone where it is one
// line with a plain value, else the lines, as far to the left as they go.
func hunkValue(lines string, side map[string]any, path string) string {
	if strings.Count(lines, "\n") == 1 {
		switch v, _ := fieldpath.Get(side, path); v := v.(type) {
		case string:
			if v != "" {
				return v
			}
		case bool, int64, float64:
			return valueWords(v)
		}
	}
	return outdent(lines)
}

// outdent moves lines to the left as far as the leftmost goes.
func outdent(lines string) string {
	all := strings.Split(strings.TrimSuffix(lines, "\n"), "\n")
	least := -1
	for _, l := range all {
		rest := strings.TrimLeft(l, " ")
		if n := len(l) - len(rest); rest != "" && (least < 0 || n < least) {
			least = n
		}
	}
	for i, l := range all {
		all[i] = l[min(len(l), max(least, 0)):]
	}
	return strings.Join(all, "\n")
}

// inShort is the beginning of a text, on one line.
func inShort(text string) string {
	first, _, more := strings.Cut(text, "\n")
	r := []rune(first)
	if len(r) > noteMost {
		r, more = r[:noteMost], true
	}
	if more {
		return string(r) + " …"
	}
	return string(r)
}

// right is the second side of an object as it is shown: without what rules hide.
func right(o model.PlannedObject) map[string]any {
	if o.Shown != nil {
		return o.Shown
	}
	return o.After
}

// objectOffers are the two sides of an object and what differs between them.
func objectOffers(o model.PlannedObject, through model.Lens) []offer {
	before, after := lens.Titles(o.Verdict, through)
	side := func(name, title, file string, fields map[string]any) offer {
		return offer{
			Candidate: prompt.Candidate{Text: name, Note: title + ", as YAML", Off: unless(fields != nil, "there is nothing on this side: "+title)},
			what:      fmt.Sprintf("the %s of %s", name, o.ID), file: objectFile(o, file) + ".yaml",
			text: func() (string, error) {
				text, err := manifest.YAML(fields)
				return string(text), err
			},
		}
	}
	differs := o.Before == nil || right(o) == nil || !fieldpath.Equal(o.Before, right(o))
	return []offer{
		side("left side", before, "left", o.Before),
		side("right side", after, "right", right(o)),
		{
			Candidate: prompt.Candidate{Text: "diff", Note: "of the object, unified", Off: unless(differs, "both sides are the same")},
			what:      "the diff of " + o.ID.String(), file: objectFile(o, "") + ".diff",
			text: func() (string, error) { return unified(o, through) },
		},
	}
}

// unified is an object's diff as patch reads it.
func unified(o model.PlannedObject, through model.Lens) (string, error) {
	left, err := manifest.YAML(o.Before)
	if err != nil {
		return "", fmt.Errorf("%s, the left side: %w", o.ID, err)
	}
	text, err := manifest.YAML(right(o))
	if err != nil {
		return "", fmt.Errorf("%s, the right side: %w", o.ID, err)
	}
	before, after := lens.Titles(model.VerdictUpdate, through)
	return textdiff.Unified(before+" "+o.ID.String(), after+" "+o.ID.String(), string(left), string(text), 3), nil
}

// pullRequestOf is the pull request that brought the hunk that the diff is at,
// or else the object's change; nil: none is known.
func pullRequestOf(p *review.Page) *model.PullRequest {
	if p.Proposed != nil && p.Proposed.URL != "" {
		return &p.Proposed.PullRequest
	}
	o, ok := p.Selected()
	if !ok {
		return nil
	}
	shipped := map[int]*model.PullRequest{}
	for _, c := range p.Shipped {
		if c.PullRequest != nil && c.PullRequest.URL != "" {
			shipped[c.PullRequest.Number] = c.PullRequest
		}
	}
	path := p.HunkPath()
	var found *model.PullRequest
	for _, c := range o.Causes {
		pr := shipped[c.PullRequest]
		if pr != nil && (found == nil || c.Path != "" && strings.HasPrefix(path, c.Path)) {
			found = pr
		}
	}
	return found
}

// kubectl is the command that shows the live object.
func kubectl(env model.Environment, o model.PlannedObject) string {
	args := []string{"kubectl"}
	if env.Context != "" {
		args = append(args, "--context", env.Context)
	}
	if o.ID.Namespace != "" {
		args = append(args, "-n", o.ID.Namespace)
	}
	kind := strings.ToLower(o.ID.Kind)
	if o.ID.Group != "" {
		kind += "." + o.ID.Group
	}
	args = append(args, "get", kind, o.ID.Name, "-o", "yaml")
	for i, a := range args {
		args[i] = shellWord(a)
	}
	return strings.Join(args, " ")
}

// shellWord quotes a word for a POSIX shell where it has to be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// objectFile is what a file about an object is called, without its ending.
func objectFile(o model.PlannedObject, what string) string {
	return fileName(strings.ToLower(o.ID.Kind), o.ID.Namespace, o.ID.Name, what)
}

// fileName joins what a file is about, with nothing in it that a shell or a
// file system minds.
func fileName(parts ...string) string {
	var out []string
	for _, p := range parts {
		p = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
				return r
			}
			return '-'
		}, p)
		if p = strings.Trim(p, "-."); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "-")
}
