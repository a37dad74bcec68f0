package tui

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// scripts are names as they come from people everywhere, of all widths.
var scripts = []string{
	"a", "petstore", "日本語テキスト", "ｆｕｌｌ", "नमस्ते", "שלום", "مرحبا", "e\u0301\u0301\u0301", "👍🏽", "👨\u200d👩\u200d👧", "🇩🇪", "Ⅷ①ℌ",
	"\u202e", "\u2066", "\u200b", "\x1b[31m", "\x1b]0;x\a", "\r\n", "\t", "\x00", "\xff", "\u009b", strings.Repeat("very-long-", 40), "한국어", "ﷺ", "\u0e33",
}

func scripture(rng *rand.Rand) string {
	var b strings.Builder
	for range 1 + rng.IntN(4) {
		b.WriteString(scripts[rng.IntN(len(scripts))])
	}
	return b.String()
}

// crowd fills production with as many of everything as there may be, none
// included.
func crowd(rng *rand.Rand, b *tuitest.Backend) {
	now := time.Now()
	many := func(most int) int { return []int{0, 1, 2, rng.IntN(most + 1)}[rng.IntN(4)] }
	b.Plans["production"] = crowdedPlan(rng, b.Plans["production"])
	pending := b.Pendings["production"]
	for i := range many(120) {
		c := model.Change{
			Commit: fmt.Sprintf("%040x", i+1), Title: scripture(rng), Author: scripture(rng), RendersChange: true,
			MergedAt: now.Add(-time.Duration(rng.IntN(4000)) * time.Hour),
		}
		for range many(30) {
			c.Objects = append(c.Objects, model.ChangedObject{ID: crowdedID(rng, i), Verdict: verdicts[rng.IntN(len(verdicts))], Summary: scripture(rng)})
			c.Files = append(c.Files, scripture(rng))
		}
		pending.Changes = append(pending.Changes, c)
	}
	b.Pendings["production"] = pending
	for i := range many(80) {
		run := b.Histories["production"][0]
		run.ID, run.Operator, run.Reason = fmt.Sprintf("production-%d%s", i, scripture(rng)), scripture(rng), scripture(rng)
		b.Histories["production"] = append(b.Histories["production"], run)
	}
	for i := range many(60) {
		pr := b.Proposals["production"][0]
		pr.Number, pr.Title, pr.Ref = 1000+i, scripture(rng), scripture(rng)
		b.Proposals["production"] = append(b.Proposals["production"], pr)
		b.Uses["production"] = append(b.Uses["production"], model.ImageUse{Image: scripture(rng), Tag: scripture(rng), Newest: scripture(rng)})
	}
}

var verdicts = []model.Verdict{
	model.VerdictCreate, model.VerdictUpdate, model.VerdictReplace, model.VerdictDelete, model.VerdictUnpredictable, model.VerdictUnchanged,
}

func crowdedID(rng *rand.Rand, i int) model.ObjectID {
	return model.ObjectID{Kind: []string{"ConfigMap", "Deployment", scripture(rng)}[rng.IntN(3)], Namespace: "shop", Name: fmt.Sprintf("%s-%d", scripture(rng), i)}
}

// crowdedPlan has up to 200 objects of all verdicts, with risks, causes and
// notes.
func crowdedPlan(rng *rand.Rand, like *model.Plan) *model.Plan {
	p := *like
	p.Objects = nil
	side := func() map[string]any {
		data := map[string]any{}
		for i := range rng.IntN(30) {
			data[fmt.Sprintf("key-%d%s", i, scripts[rng.IntN(len(scripts))])] = scripture(rng)
		}
		data["script"] = "first\n" + scripture(rng) + "\nlast\n"
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": data}
	}
	for i := range []int{0, 1, 5, rng.IntN(201)}[rng.IntN(4)] {
		o := model.PlannedObject{
			ID: crowdedID(rng, i), Verdict: verdicts[rng.IntN(len(verdicts))], Before: side(), After: side(),
			Source: model.Source{File: scripture(rng), Line: rng.IntN(1 << 20)},
		}
		switch o.Verdict {
		case model.VerdictCreate:
			o.Before = nil
		case model.VerdictDelete:
			o.After = nil
		case model.VerdictUnchanged:
			o.After = o.Before
		case model.VerdictUnpredictable, model.VerdictReplace:
			o.Reason = scripture(rng)
		}
		o.Deployed, o.Rendered = o.Before, o.After
		for range rng.IntN(3) {
			o.Risks = append(o.Risks, model.Risk{Name: "drops-replicas", Severity: model.SeverityDanger, Message: scripture(rng)})
			o.Causes = append(o.Causes,
				model.Cause{Path: "data", Kind: model.CauseGit, By: fmt.Sprintf("%040x", i), PullRequest: rng.IntN(100_000)},
				model.Cause{Path: "data.script", Kind: model.CauseDrift, By: scripture(rng), At: time.Now()})
		}
		p.Objects = append(p.Objects, o)
	}
	for range rng.IntN(4) {
		p.Notes = append(p.Notes, scripture(rng))
		p.Risks = append(p.Risks, model.Risk{Name: "restarts-several-workloads", Severity: model.SeverityWarning, Message: scripture(rng)})
	}
	if rng.IntN(4) == 0 {
		p.Problem, p.ProblemCode = scripture(rng), model.ExitRequirements
	}
	p.Sort()
	return &p
}

// contents are what the pages are filled with.
var contents = []func(*rand.Rand, *tuitest.Backend){
	spoil, crowd, func(rng *rand.Rand, b *tuitest.Backend) { spoil(rng, b); crowd(rng, b) },
}

// TestNoRowIsMisaligned draws every page and every dialog, filled with random
// content, at random sizes, in colour, without, and in ASCII.
func TestNoRowIsMisaligned(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	fidget := []string{
		"j", "k", "n", "N", "]", "[", "|", "z", "f", "=", "tab", "w", "t", "v", ".", "?", ":", "/", "F", "esc", "enter", "space", "G", "g",
		"<", ">", "H", "L", "u", "A", "y", "pgdown", "pgup", "!", "m", "ctrl+d",
	}
	drawn := map[string]bool{}
	for i, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			for j := range contents {
				rng := rand.New(rand.NewPCG(seed, uint64(i*len(contents)+j)))
				look := rng.IntN(3)
				prepare := func(b *tuitest.Backend, c *Config) {
					if p.prepare != nil {
						p.prepare(b, c) // for the sample as it is
					}
					contents[j](rng, b)
					c.Repository, c.NoColor, c.ASCII = scripture(rng), look > 0, look > 1
				}
				play(t, 120, 40, prepare, func(t *testing.T, x table) {
					p.open(x)
					if x.Quit {
						return // nothing was under way in a plan like that, and q ended the program
					}
					for range 5 {
						w, h := 60+rng.IntN(241), 15+rng.IntN(86)
						x.Send(tea.WindowSizeMsg{Width: w, Height: h})
						x.aligned(t, w, h)
						drawn[x.shows()] = true
						for range 3 {
							x.Send(tuitest.Key(fidget[rng.IntN(len(fidget))]))
							x.aligned(t, w, h)
							drawn[x.shows()] = true
						}
					}
				})
			}
		})
	}
	for _, s := range action.Scopes {
		if s != action.Everywhere && !drawn[string(s)] {
			t.Errorf("%s was never on the screen", s)
		}
	}
}

// shows is the scope that is on the screen.
func (x table) shows() string {
	switch a := x.app; {
	case a.question != nil:
		return string(action.Dialog)
	case a.asking != nil:
		return string(action.Prompt)
	case a.help != nil:
		return string(action.Help)
	default:
		return string(a.at)
	}
}

// cells is what a styled line puts into each cell of the terminal; a wide
// character leaves its other cells empty.
func cells(line string) []string {
	var out []string
	for state := byte(0); line != ""; {
		char, w, n, next := ansi.DecodeSequenceWc(line, state, nil)
		line, state = line[n:], next
		for i := range w {
			if i > 0 {
				char = ""
			}
			out = append(out, char)
		}
	}
	return out
}

var (
	colours   = regexp.MustCompile(`\x1b\[(?:[0-9;:]*[;:])?(?:3[0-8]|4[0-8]|58|9[0-7]|10[0-7])[;:m]`)
	sequences = regexp.MustCompile(`\x1b\[[0-9;:]*m`)
)

// aligned holds that a frame is what it has to be whatever it shows: as large
// as asked, header and footer in their places, dividers straight, and only
// what the terminal can show.
func (x table) aligned(t *testing.T, w, h int) {
	t.Helper()
	raw := x.Raw()
	lines := strings.Split(raw, "\n")
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%s at %dx%d, on %s:\n%s", fmt.Sprintf(format, args...), w, h, x.shows(), x.Screen())
	}
	if len(lines) != h {
		fail("%d lines", len(lines))
	}
	for i, l := range lines {
		if got := width(l); got > w {
			fail("line %d has %d cells: %q", i+1, got, l)
		}
		for _, r := range sequences.ReplaceAllString(l, "") {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || x.app.cfg.ASCII && r > '~' {
				fail("line %d has %q", i+1, r)
			}
		}
	}
	if c := colours.FindString(raw); x.app.cfg.NoColor && c != "" {
		fail("a colour is set by %q", c)
	}
	if strings.TrimSpace(ansi.Strip(lines[0])) == "" || strings.TrimSpace(ansi.Strip(lines[h-1])) == "" {
		fail("header or footer is blank")
	}
	if a := x.app; a.question != nil || a.asking != nil || a.help != nil {
		return // they lie over the rest
	}
	if last := strings.TrimRight(ansi.Strip(lines[h-1]), " "); x.app.notice == "" && !x.app.leaving && !strings.HasSuffix(last, "? help") {
		fail("the footer is %q", last)
	}
	x.divided(lines, fail)
}

// divided holds that the rules and the page's divider are drawn through, and
// that the divider of a diff stands in one column.
func (x table) divided(lines []string, fail func(string, ...any)) {
	g, body, split := x.app.theme.Glyph, x.app.drawn.body, x.app.drawn.split
	for i, tee := range map[int]string{body.Y - 1: g.TeeDown, body.Y + body.H: g.TeeUp} {
		for at, c := range cells(lines[i]) {
			if want := g.Horizontal; c != want && (at != split || split == 0 || c != tee) {
				fail("cell %d of the rule in line %d is %q", at, i+1, c)
			}
		}
	}
	straight := []string{g.Vertical, "├", "┤", "┼", "+"}
	var columns []int // of dividers within the page
	for y, l := range lines[body.Y : body.Y+body.H] {
		row := cells(l)
		if split > 0 && (len(row) <= split || !slices.Contains(straight, row[split])) {
			fail("the divider of column %d is broken in line %d: %q", split, body.Y+y+1, l)
		}
		for at := split + 1; at < len(row); at++ {
			if row[at] == g.Vertical && !slices.Contains(columns, at) {
				columns = append(columns, at)
			}
		}
	}
	if x.app.cfg.ASCII || x.app.at != action.Review && x.app.at != action.Change {
		return // a bar may be text
	}
	most := 1 // that of the diff
	if split == 0 && body.W >= frame.TwoColumns {
		most++ // that of the page does not reach the rule above
	}
	if len(columns) > most {
		fail("dividers stand in the columns %d", columns)
	}
}

// TestCells holds the eyes of the test above to what they see.
func TestCells(t *testing.T) {
	if got := strings.Join(cells("\x1b[1ma日\x1b[mb"), "|"); got != "a|日||b" {
		t.Errorf("cells are %q", got)
	}
	for s, want := range map[string]bool{
		"\x1b[31m": true, "\x1b[1;38;2;1;2;3m": true, "\x1b[48;5;7m": true, "\x1b[97m": true, "\x1b[1;7m": false, "\x1b[m": false, "\x1b[0m": false, "\x1b[4m": false,
		"\x1b[22;23m": false,
	} {
		if colours.MatchString(s) != want {
			t.Errorf("%q is taken for a colour: %v", s, !want)
		}
	}
}
