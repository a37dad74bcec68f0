package rollout

import (
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// Markdown is a validation as a comment on its pull request.
func Markdown(v model.Validation) string {
	var b strings.Builder
	verdict := "passed"
	if !v.Passed {
		verdict = "did not pass"
	}
	fmt.Fprintf(&b, "### fairtide: %s %s\n\n%s\n\n", code(v.Environment), verdict, text(v.Message))
	fmt.Fprintf(&b, "`%s` merged into `%s`, in a sandbox, %.0f s.\n\n", model.Short(v.Head), model.Short(v.Base), v.Seconds)
	if len(v.Objects) > 0 {
		b.WriteString("| change | object | |\n|---|---|---|\n")
		for _, o := range v.Objects {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", o.Verdict, text(o.ID.String()), text(o.Summary))
		}
		b.WriteString("\n")
	} else {
		b.WriteString("It changes no object of this environment.\n\n")
	}
	if len(v.Tests) > 0 {
		b.WriteString("| test | result | |\n|---|---|---|\n")
		for _, t := range v.Tests {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", text(t.Name), t.State, text(t.Message))
		}
		b.WriteString("\n")
	}
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "- %s\n", text(n))
	}
	return b.String()
}

// text makes a line of somebody's words safe inside a Markdown table: it can
// neither end its cell nor become a mention, a link or HTML.
func text(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", ">", "&gt;", "@", "@\u200b", "[", `\[`, "`", "'").Replace(sanitize.Line(s))
}

func code(s string) string { return "`" + strings.ReplaceAll(sanitize.Line(s), "`", "'") + "`" }
