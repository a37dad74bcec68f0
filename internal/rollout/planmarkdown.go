package rollout

import (
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/lens"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	// causesInMarkdown is how many causes of an object a comment names.
	causesInMarkdown = 20
	// markdownMost is about how long a comment gets: GitHub takes 65,536
	// characters. Half of it is for the list of objects.
	markdownMost = 60_000
)

// PlanMarkdown is a plan as a comment, through a lens. diff gives an object's
// unified diff; diffs that no longer fit are left out, and that is said.
func PlanMarkdown(p *model.Plan, l model.Lens, diff func(model.PlannedObject) (string, error)) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "### fairtide: %s\n\n", planTitle(p, l))
	if p.Problem != "" {
		fmt.Fprintf(&b, "**It cannot be applied:** %s\n\n", text(p.Problem))
	}
	if l != model.LensApply && p.NoLenses != "" {
		fmt.Fprintf(&b, "%s\n\n", text(p.NoLenses))
	}
	b.WriteString(remarksMarkdown(p))
	if !p.Differs() {
		b.WriteString("Nothing differs.\n")
		return b.String(), nil
	}
	b.WriteString(tableMarkdown(p))
	left := 0
	for _, o := range p.Objects {
		if !o.Verdict.Differs() {
			continue
		}
		d, err := diff(o)
		if err != nil {
			return "", err
		}
		section := objectMarkdown(o, d)
		if b.Len()+len(section) > markdownMost {
			left++
			continue
		}
		b.WriteString(section)
	}
	if left > 0 {
		fmt.Fprintf(&b, "Diffs that do not fit in here: %d; `fairtide diff` shows them.\n", left)
	}
	return b.String(), nil
}

// remarksMarkdown is what is to be said of a plan as a whole.
func remarksMarkdown(p *model.Plan) string {
	var b strings.Builder
	for _, r := range p.Risks {
		fmt.Fprintf(&b, "- %s\n", text(string(r.Severity)+": "+r.Message))
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "- note: %s\n", text(n))
	}
	for _, f := range p.Kept {
		fmt.Fprintf(&b, "- kept as it is live: %s\n", text(f.String()))
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// tableMarkdown lists the objects that differ, as many as there is room for.
func tableMarkdown(p *model.Plan) string {
	var b strings.Builder
	b.WriteString("| verdict | object | |\n|---|---|---|\n")
	left := 0
	for _, o := range p.Objects {
		if !o.Verdict.Differs() {
			continue
		}
		row := fmt.Sprintf("| %s | %s | %s |\n", o.Verdict, text(o.ID.String()), text(remarks(o)))
		if b.Len()+len(row) > markdownMost/2 {
			left++
			continue
		}
		b.WriteString(row)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\nObjects that do not fit in here: %d; `fairtide diff` shows them.\n", left)
	}
	b.WriteString("\n")
	return b.String()
}

func planTitle(p *model.Plan, l model.Lens) string {
	env, commit := code(p.Environment), code(model.Short(p.Commit))
	switch l {
	case model.LensGit:
		return "what " + commit + " changes in Git since what " + env + " runs"
	case model.LensDrift:
		return "what was changed live in " + env + " since it was deployed"
	case model.LensRun:
		if p.From == "" {
			return "what " + commit + " brought to " + env + ", as the first"
		}
		return "from " + code(model.Short(p.From)) + " to " + commit + " in " + env
	case model.LensApply:
	}
	return "what " + commit + " would change in " + env
}

func remarks(o model.PlannedObject) string {
	var out []string
	if o.Reason != "" {
		out = append(out, o.Reason)
	}
	for _, r := range o.Risks {
		out = append(out, string(r.Severity)+": "+r.Message)
	}
	if words := lens.HiddenWords(o); words != "" {
		out = append(out, words)
	}
	return strings.Join(out, "; ")
}

func objectMarkdown(o model.PlannedObject, diff string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>%s %s</summary>\n\n", o.Verdict, text(o.ID.String()))
	for i, c := range o.Causes {
		if i == causesInMarkdown {
			fmt.Fprintf(&b, "- and %d more\n", len(o.Causes)-i)
			break
		}
		fmt.Fprintf(&b, "- %s\n", text(lens.CauseSentence(c)))
	}
	if len(o.Causes) > 0 {
		b.WriteString("\n")
	}
	if diff != "" {
		fence := strings.Repeat("`", 3)
		for strings.Contains(diff, fence) {
			fence += "`"
		}
		fmt.Fprintf(&b, "%sdiff\n%s\n%s\n\n", fence, strings.TrimRight(diff, "\n"), fence)
	}
	b.WriteString("</details>\n\n")
	return b.String()
}
