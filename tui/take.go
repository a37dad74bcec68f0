package tui

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/prompt"
	"github.com/fairtide-dev/fairtide/tui/review"
)

// clipboardMost is how many bytes are copied. Terminals take it in one escape
// sequence, and many drop longer ones without a word.
const clipboardMost = 100_000

// doneMsg is what was done in the background, and what follows on the UI's
// goroutine.
type doneMsg struct{ then func() tea.Cmd }

// offer is something that can be copied.
type offer struct {
	prompt.Candidate
	what string // as it is told: "the unified diff of Deployment shop/cart"
	file string // what a file of it is called
	// text makes it, away from the UI's goroutine. Nothing is in it but what the
	// page shows, or would if it were scrolled or unfolded: the sides are masked.
	text   func() (string, error)
	toFile bool // it is written to a file, and not copied
}

// askTake asks what to copy.
func (a *App) askTake() {
	offers := a.offers(a.review)
	list := func(text string) []prompt.Candidate {
		type scored struct {
			prompt.Candidate
			score int
		}
		var found []scored
		for _, o := range offers {
			if n := prompt.Match(text, o.Text); n > 0 {
				found = append(found, scored{o.Candidate, n})
			}
		}
		slices.SortStableFunc(found, func(x, y scored) int { return cmp.Compare(y.score, x.score) })
		out := make([]prompt.Candidate, len(found))
		for i, f := range found {
			out[i] = f.Candidate
		}
		return out
	}
	chosen := func(text string) tea.Cmd {
		for _, o := range offers {
			if o.Text == text {
				return a.take(o)
			}
		}
		a.notice = fmt.Sprintf("there is no %q to copy", text)
		return nil
	}
	a.prompt(prompt.Spec{Label: "copy", Candidates: list, Pick: true, Aside: func() string { return "to the clipboard" }}, nil, chosen, nil)
}

// take makes a text and copies it, or asks for a file to write it to.
func (a *App) take(o offer) tea.Cmd {
	return func() tea.Msg {
		text, err := o.text()
		text = sanitize.Text(text) // what is pasted into a shell must not be more than what was seen
		return doneMsg{func() tea.Cmd { return a.took(o, text, err) }}
	}
}

func (a *App) took(o offer, text string, err error) tea.Cmd {
	switch {
	case err != nil:
		a.tell(result{title: "Nothing was copied", text: []string{err.Error()}})
	case text == "":
		a.notice = "nothing was copied: " + o.what + " is empty"
	case o.toFile:
		a.askFile(o, text, "write to", size(len(text)))
	case len(text) > clipboardMost:
		a.askFile(o, text, "too long to copy, write to", size(len(text))+", at most "+size(clipboardMost))
	default:
		a.notice = copied(o.what, text)
		return tea.SetClipboard(text)
	}
	return nil
}

// copied says what was copied: how much, and of a short text all of it.
func copied(what, text string) string {
	out := fmt.Sprintf("copied %s, %s", what, size(len(text)))
	if !strings.Contains(text, "\n") {
		out += ": " + text
	}
	return out
}

// size is a number of bytes in words.
func size(n int) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// askFile asks for the file to write a text to. It does nothing when something
// else has come to be asked meanwhile.
func (a *App) askFile(o offer, text, label, aside string) {
	if a.asking != nil || a.question != nil {
		a.notice = "nothing was written: something else is being asked"
		return
	}
	chosen := func(name string) tea.Cmd {
		if name = strings.TrimSpace(name); name == "" {
			a.notice = "nothing was written: no file was named"
			return nil
		}
		path := a.expand(name)
		return func() tea.Msg {
			at, err := writeNew(path, text)
			return doneMsg{func() tea.Cmd { a.wrote(o, text, name, at, err); return nil }}
		}
	}
	a.prompt(prompt.Spec{Label: label, Text: o.file, Aside: func() string { return aside }}, nil, chosen, nil)
}

// wrote tells what became of a file.
func (a *App) wrote(o offer, text, name, at string, err error) {
	switch {
	case errors.Is(err, fs.ErrExist) && a.asking == nil && a.question == nil:
		o.file = name
		a.askFile(o, text, "write to", "it exists already")
	case err != nil:
		a.tell(result{title: "The file was not written", text: []string{err.Error()}})
	default:
		a.notice = fmt.Sprintf("wrote %s to %s, %s", o.what, at, size(len(text)))
	}
}

// expand is a file name with the home directory for ~.
func (a *App) expand(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home := a.cfg.Env("HOME"); home != "" {
			return filepath.Join(home, rest)
		}
	}
	return name
}

// fixed is a text that needs no making.
func fixed(text string) func() (string, error) { return func() (string, error) { return text, nil } }

// offers are what can be copied from the review page as it is.
func (a *App) offers(p *review.Page) []offer {
	seen, through := p.Seen()
	var out []offer
	if o, ok := p.Selected(); ok {
		out = append(out, offer{
			Candidate: prompt.Candidate{Text: "name", Note: o.ID.String()},
			what:      "the name", file: "name.txt", text: fixed(o.ID.String()),
		})
		command := kubectl(p.Environment, o)
		out = append(out, offer{
			Candidate: prompt.Candidate{Text: "kubectl", Note: command},
			what:      "the command", file: "kubectl.txt", text: fixed(command),
		})
		out = append(append(out, a.hunkOffers(p, o)...), objectOffers(o, through)...)
	}
	out = append(out, a.planOffers(p, seen, through)...)
	return append(out, a.linkOffer(p), offer{
		Candidate: prompt.Candidate{Text: "digest", Note: seen.Digest, Off: unless(seen.Digest != "", "the plan has no digest")},
		what:      "the plan's digest", file: "digest.txt", text: fixed(seen.Digest),
	})
}

// unless is why something cannot be copied, if it cannot.
func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// planOffers are the plan as Markdown, for the clipboard and for a file.
func (a *App) planOffers(p *review.Page, seen *model.Plan, through model.Lens) []offer {
	if a.cfg.Markdown == nil {
		return nil
	}
	text := func() (string, error) { return a.cfg.Markdown(seen, through) }
	file := fileName("plan", p.Environment.Name, model.Short(seen.Commit)) + ".md"
	note := fmt.Sprintf("what %s changes in %s, as Markdown", model.Short(seen.Commit), p.Environment.Name)
	return []offer{
		{Candidate: prompt.Candidate{Text: "plan", Note: note}, what: "the plan as Markdown", file: file, text: text},
		{Candidate: prompt.Candidate{Text: "plan to a file", Note: "such as " + file}, what: "the plan as Markdown", file: file, text: text, toFile: true},
	}
}

// linkOffer is the page of the pull request that the object, or all of it,
// comes from; else of the commit.
func (a *App) linkOffer(p *review.Page) offer {
	o := offer{Candidate: prompt.Candidate{Text: "link"}, what: "the link", file: "link.txt"}
	if pr := pullRequestOf(p); pr != nil {
		o.Note = fmt.Sprintf("#%d  %s", pr.Number, pr.URL)
		o.text = fixed(pr.URL)
		return o
	}
	commit := p.RenderedFrom()
	o.Note = "commit " + model.Short(commit)
	switch {
	case a.cfg.Sources == nil:
		o.Off = "no page of the commit is known"
	case p.Draft != nil:
		o.Off = "the commit is not pushed yet, so that no page shows it"
	}
	o.text = func() (string, error) {
		url := a.cfg.Sources.URL(commit, "", 0)
		if url == "" {
			return "", errors.New("the repository is on no forge whose pages are known: there is no link to commit " + model.Short(commit))
		}
		return url, nil
	}
	return o
}
