package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/words"
)

const (
	// risksShown is how many risks the confirm names; the review has all.
	risksShown = 5

	// movesShown is how many moves the confirm names; the list marks all.
	movesShown = 3

	// roomyHeight is from how many lines on a risk may take two of them.
	roomyHeight = 34

	// tightHeight is below how many lines nothing is said twice, and the two
	// commits stand on one line.
	tightHeight = 20

	// factIndent is how many cells stand before a fact.
	factIndent = 12
)

// body says what is confirmed, the most important first: on a small screen the
// rest is scrolled to.
func (c *confirm) body(f frame.Frame, w int) []string {
	tight := f.H < tightHeight
	out := append(c.hindrance(f, w), c.unfit(f, w)...)
	out = append(out, c.where(f, w))
	if tight {
		out = append(out, c.fact(f, "ship", f.Commit(c.plan.From)+" "+f.Glyph.Arrow+" "+c.to(f), w))
	} else {
		by := ""
		if names := authors(c.page.Shipped); names != "" {
			by = f.Dim.Paint("  by " + names)
		}
		out = append(out, c.fact(f, "from", c.from(f), w), c.fact(f, "to", c.to(f)+by, w))
	}
	if words, known := c.approved(f); known || words != "" && !tight {
		out = append(out, c.fact(f, "approved", words, w))
	}
	out = append(out, c.needLines(f, w)...)
	out = append(out, "")
	out = append(out, counts(f, c.plan.Counts(), w, tight)...)
	if lost := c.plan.ToType(); len(lost) > 1 {
		out = append(out, c.facts(f, "deletes", objectNames(lost), w)...)
	}
	if n := c.plan.Counts().Replace; n > 0 && c.plan.Replaces {
		out = append(out, c.fact(f, "allowed", f.Warn.Paint(words.Count(n, "replacement")+", by you and for this plan"), w))
	}
	out = append(out, "")
	out = append(out, c.windowLines(f, w)...)
	if l := c.app.home.Status(c.env.Name).Value.Lock; l != nil && l.Expires.After(c.app.clusterNow(c.env.Name)) {
		out = append(out, c.fact(f, "lock", f.Warn.Paint(f.Glyph.Risk+" held by "+sanitize.Line(l.Holder)), w))
	}
	out = append(out, "")
	out = append(out, c.risks(f, w)...)
	out = append(out, "")
	return append(out, c.aside(f, w)...)
}

// aside is what matters least: how far the review came, what is left alone, the
// tests that follow, and which plan it is.
func (c *confirm) aside(f frame.Frame, w int) []string {
	var out []string
	if names := authors(c.page.Shipped); names != "" && f.H < tightHeight {
		out = append(out, c.fact(f, "by", names, w))
	}
	if n, of := c.page.Unreviewed(); of > 0 {
		progress := f.Good.Paint(f.Glyph.OK) + " all " + words.Count(of, "object")
		if n > 0 {
			progress = f.Warn.Paint(fmt.Sprintf("%s %d of %s", f.Glyph.Risk, of-n, words.Count(of, "object")))
		}
		out = append(out, c.fact(f, "reviewed", progress, w))
	}
	if skips := c.skips(f); skips != "" {
		out = append(out, c.fact(f, "skips", skips, w))
	}
	if names := testNames(c.env); names != "" {
		out = append(out, c.fact(f, "tests", names, w))
	}
	out = append(out, c.fact(f, "plan", c.watched(f), w))
	for _, n := range c.plan.Notes {
		out = append(out, c.facts(f, "note", sanitize.Line(n), w)...)
	}
	return out
}

// hindrance is why the plan cannot be confirmed, if it cannot.
func (c *confirm) hindrance(f frame.Frame, w int) []string {
	var out []string
	switch why := c.refused(); {
	case why != "":
		out = refusal(f, "This cannot be shipped: ", why, w)
	case c.replanned():
		out = refusal(f, "", c.planMoved(), w)
		for _, l := range c.since(f) {
			out = append(out, paint.Cut("    "+f.Warn.Paint(sanitize.Line(l)), w))
		}
	default:
		return nil
	}
	return append(out[1:], "") // without the blank line above
}

// where says what is written to: the cluster, the namespaces, and how careful
// one has to be with it.
func (c *confirm) where(f frame.Frame, w int) string {
	cluster, server, _ := strings.Cut(c.plan.Cluster, " (")
	names, wide := map[string]bool{}, false
	for _, o := range c.plan.Objects {
		switch {
		case !o.Writes():
		case o.ID.Namespace == "":
			wide = true
		default:
			names[o.ID.Namespace] = true
		}
	}
	all := make([]string, 0, len(names))
	for n := range names {
		all = append(all, sanitize.Line(n))
	}
	slices.Sort(all)
	const most = 3
	switch {
	case len(all) > 1:
		all = []string{"namespaces " + words.List(all, most)}
	case len(all) == 1:
		all[0] = "namespace " + all[0]
	}
	if wide {
		all = append(all, "cluster-wide")
	}
	line := f.Bold.Paint(sanitize.Line(cluster))
	if len(all) > 0 {
		line += ", " + strings.Join(all, " and ")
	}
	if string(c.env.Tier) != c.env.Name {
		line += f.Dim.Paint(", " + string(c.env.Tier) + " tier")
	}
	if server = strings.TrimSuffix(server, ")"); server != "" && f.H >= tightHeight {
		line += f.Dim.Paint("  " + sanitize.Line(server))
	}
	return c.fact(f, "on", line, w)
}

func (c *confirm) fact(f frame.Frame, label, value string, w int) string {
	return paint.Cut("  "+f.Dim.Paint(paint.Fit(label, factIndent-2))+value, w)
}

// facts is a warning on as many lines as it takes.
func (c *confirm) facts(f frame.Frame, label, text string, w int) []string {
	var out []string
	for _, l := range paint.Wrap(text, w-factIndent) {
		out, label = append(out, c.fact(f, label, f.Warn.Paint(l), w)), ""
	}
	return out
}

func (c *confirm) from(f frame.Frame) string {
	if c.plan.From == "" {
		return f.Dim.Paint("nothing fairtide has deployed")
	}
	out := f.Commit(c.plan.From)
	if d := c.app.home.Status(c.env.Name).Value.Deployed; d != nil && d.Commit == c.plan.From && !d.At.IsZero() {
		out += f.Dim.Paint("  live for " + words.Since(f.Now.Sub(d.At)))
	}
	return out
}

func (c *confirm) to(f frame.Frame) string {
	const most = 6
	out := f.Bold.Paint(f.Commit(c.plan.Commit))
	if names := changeNames(c.page.Shipped); len(names) > 0 {
		out += "  " + words.List(names, most)
	}
	return out
}

func changeNames(changes []model.Change) []string {
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = frame.Change(c)
	}
	return names
}

// authors are those whose changes are shipped, each once.
func authors(changes []model.Change) string {
	const most = 3
	var names []string
	for _, c := range changes {
		name := c.Author
		if c.PullRequest != nil && c.PullRequest.Author != "" {
			name = c.PullRequest.Author
		}
		if name = sanitize.Line(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return words.List(names, most)
}

// approved says how approvals and checks of the pull requests stand, and whether
// anything is known of them.
func (c *confirm) approved(f frame.Frame) (words string, known bool) {
	if len(c.page.Shipped) == 0 {
		return "", false
	}
	need := max(1, c.env.Requires.Approvals)
	var short, red, busy, unknown []string
	for _, change := range c.page.Shipped {
		pr, name := change.PullRequest, frame.Change(change)
		if pr == nil || pr.Checks == "" && pr.State == "" {
			unknown = append(unknown, name)
			continue
		}
		if n := len(pr.Approvals); n < need {
			short = append(short, fmt.Sprintf("%s %d of %d", name, n, need))
		}
		switch pr.Checks {
		case model.CheckFailure:
			red = append(red, name)
		case model.CheckPending:
			busy = append(busy, name)
		case model.CheckUnknown:
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == len(c.page.Shipped) && len(short) == 0 {
		return f.Dim.Paint("not known, nor how the checks are"), false
	}
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"checks failed: ", red}, {"approvals: ", short}, {"checks under way: ", busy}} {
		if len(p.names) > 0 {
			parts = append(parts, p.what+wordsList(p.names))
		}
	}
	rest := ""
	if len(unknown) > 0 {
		rest = "; not known: " + wordsList(unknown)
	}
	switch {
	case len(parts) > 0:
		return f.Warn.Paint(f.Glyph.Risk + " " + strings.Join(parts, "; ") + rest), true
	case rest != "":
		return f.Good.Paint(f.Glyph.OK) + " approved, checks green" + rest, true
	}
	return f.Good.Paint(f.Glyph.OK) + " all approved, checks green", true
}

func wordsList(names []string) string {
	const most = 4
	return words.List(names, most)
}

// skips says what the plan leaves alone.
func (c *confirm) skips(f frame.Frame) string {
	unchanged, left := 0, 0
	for _, o := range c.plan.Objects {
		switch {
		case o.Writes():
		case o.Left:
			left++
		default:
			unchanged++
		}
	}
	var parts []string
	if n := len(c.plan.Kept); n > 0 {
		parts = append(parts, f.Warn.Paint(words.Count(n, "field")+" kept as live"))
	}
	if n := c.page.Newer; n > 0 {
		parts = append(parts, words.Count(n, "newer change")+", still pending")
	}
	if left > 0 {
		parts = append(parts, words.Count(left, "object")+" Git dropped and a mark keeps")
	}
	if unchanged > 0 && (f.H < tightHeight || len(parts) > 0) { // else it is among the counts
		parts = append(parts, fmt.Sprintf("%d unchanged", unchanged))
	}
	return strings.Join(parts, "; ")
}

// testNames are the acceptance tests that follow.
func testNames(env model.Environment) string {
	const most = 4
	var names []string
	for _, t := range env.Tests {
		names = append(names, sanitize.Line(t.Name))
	}
	return words.List(names, most)
}

// watched names the plan, and says whether it is watched while this is open.
func (c *confirm) watched(f frame.Frame) string {
	state := f.Dim.Paint("watched, unchanged")
	switch {
	case c.replanned():
		state = f.Warn.Paint("another one by now")
	case c.page.Plan.Busy():
		state = f.Warn.Paint("something moved, reading it again")
	case c.page.Unwatched != "":
		state = f.Warn.Paint("not watched: read " + words.Ago(f.Now.Sub(c.page.Plan.At)))
	}
	return sanitize.Line(digest(c.plan.Digest, f.Glyph.Ellipsis)) + "  " + state
}

// digest is a digest in a few cells.
func digest(s, ellipsis string) string {
	const head, tail = 4, 2
	if len(s) <= head+tail {
		return s
	}
	return s[:head] + ellipsis + s[len(s)-tail:]
}

// counts says how many objects of each verdict there are, and that none is
// deleted.
func counts(f frame.Frame, c model.Counts, w int, tight bool) []string {
	numbers := map[model.Verdict]int{
		model.VerdictUnchanged: c.Unchanged, model.VerdictCreate: c.Create, model.VerdictUpdate: c.Update,
		model.VerdictReplace: c.Replace, model.VerdictDelete: c.Delete, model.VerdictUnpredictable: c.Unpredictable,
	}
	gap := "   "
	if tight {
		gap = "  "
	}
	var parts []string
	for _, v := range model.Verdicts {
		if tight && v == model.VerdictUnchanged && c != (model.Counts{Unchanged: c.Unchanged}) {
			continue // among what is skipped
		}
		if n := numbers[v]; n > 0 {
			glyph, look := f.Verdict(v)
			parts = append(parts, look.Paint(fmt.Sprintf("%s %d %s", glyph, n, v)))
		}
	}
	if c.Delete+c.Replace == 0 {
		parts = append(parts, f.Dim.Paint("nothing is deleted"))
	}
	out := []string{"  "}
	for i, p := range parts {
		last := len(out) - 1
		switch {
		case i == 0:
			out[last] += p
		case paint.Width(out[last])+len(gap)+paint.Width(p) > w:
			out = append(out, "  "+p)
		default:
			out[last] += gap + p
		}
	}
	return out
}

// risks are the gravest risks, each once with how many objects it is about.
func (c *confirm) risks(f frame.Frame, w int) []string {
	var out []string
	said, rest := 0, 0
	add := func(s model.Severity, words string) {
		if said == risksShown {
			rest++
			return
		}
		said++
		out = append(out, riskInConfirm(f, s, words, w)...)
	}
	for _, s := range []model.Severity{model.SeverityDanger, model.SeverityWarning} {
		for _, r := range c.plan.Risks {
			if r.Severity == s {
				add(s, r.Message)
			}
		}
		for _, o := range c.plan.Objects {
			for _, r := range o.Risks {
				if r.Severity == s {
					add(s, review.RiskWords(o, r))
				}
			}
		}
	}
	if rest > 0 {
		out = append(out, "  "+f.Dim.Paint(fmt.Sprintf("and %s more, on the review page", words.Count(rest, "risk"))))
	}
	return out
}

// riskInConfirm is a risk on one line, or on two where there is room.
func riskInConfirm(f frame.Frame, s model.Severity, words string, w int) []string {
	text, look := sanitize.Line(string(s)+": "+words), f.Severity(s)
	if f.H < roomyHeight {
		return []string{paint.Cut("  "+look.Paint(f.Glyph.Risk+" "+text), w)}
	}
	lines := paint.Wrap(text, w-4)
	if len(lines) > 2 {
		lines = []string{lines[0], strings.Join(lines[1:], " ")}
	}
	out := []string{"  " + look.Paint(f.Glyph.Risk+" "+lines[0])}
	for _, l := range lines[1:] {
		out = append(out, paint.Cut("    "+look.Paint(l), w))
	}
	return out
}
