package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

// change shows one change in full.
func (p *program) change(ctx context.Context, commit string) error {
	format, name, e, err := p.begin(ctx, p.fresh)
	if err != nil {
		return err
	}
	d, err := e.Detail(ctx, name, commit)
	if err != nil {
		return err
	}
	if format == "json" {
		d.AllFiles, d.Details = orEmpty(d.AllFiles), orEmpty(d.Details)
		return p.writeJSON(struct {
			Environment string `json:"environment"`
			model.ChangeDetail
		}{name, d})
	}
	return p.printChange(name, d)
}

// report writes lines until one cannot be written.
type report struct {
	w   io.Writer
	err error
}

func (r *report) line(text string) {
	if r.err == nil {
		_, r.err = fmt.Fprintln(r.w, sanitize.Text(text))
	}
}

// fact is a label with what it says; without anything to say there is no line.
func (r *report) fact(label, text string) {
	if text != "" {
		r.line(fmt.Sprintf("%-10s  %s", label, sanitize.Line(text)))
	}
}

func (p *program) printChange(env string, d model.ChangeDetail) error {
	r := &report{w: p.stdout}
	r.line(sanitize.Line(d.Title))
	p.printPeople(r, d.Change)
	if d.Body != "" {
		r.line("")
		r.line("    " + strings.ReplaceAll(d.Body, "\n", "\n    "))
	}
	p.printFiles(r, env, d)
	p.printObjects(r, d)
	return r.err
}

func (p *program) printPeople(r *report, c model.Change) {
	r.fact("commit", c.Commit)
	author := c.Author
	if c.AuthorEmail != "" {
		author += " <" + c.AuthorEmail + ">"
	}
	r.fact("author", author)
	r.fact("committer", c.Committer)
	for _, who := range c.CoAuthors {
		r.fact("co-author", who)
	}
	r.fact("merged", c.MergedAt.UTC().Format(time.RFC3339)+", "+ago(p.now(), c.MergedAt)+" ago")
	r.fact("signature", signatureWords(c.Signature))
	if pr := c.PullRequest; pr != nil {
		r.fact("request", strings.TrimSpace("#"+strconv.Itoa(pr.Number)+" "+pr.URL))
		r.fact("approved by", strings.Join(pr.Approvals, ", "))
	}
	r.fact("problem", c.Problem)
}

// signatureWords says what a signature is worth, and by which key it is.
func signatureWords(s model.Signature) string {
	out := string(s.State)
	switch s.State {
	case model.SignatureVerified:
		out += ", signed by " + s.Signer
	case model.SignatureUnverified:
		out += ": " + s.Reason
	}
	if s.Key != "" {
		out += " (" + s.Kind + " " + s.Key + ")"
	}
	return out
}

// place is where something is written, as editors take it.
func place(s model.Source) string {
	if s.Line == 0 {
		return s.File
	}
	return s.File + ":" + strconv.Itoa(s.Line)
}

var fileSigns = map[model.FileStatus]string{
	model.FileAdded: "+", model.FileModified: "~", model.FileDeleted: "-", model.FileRenamed: ">",
}

func (p *program) printFiles(r *report, env string, d model.ChangeDetail) {
	r.line("")
	r.line(fmt.Sprintf("files: %d", len(d.AllFiles)+d.MoreFiles))
	for _, f := range d.AllFiles {
		text := "  " + fileSigns[f.Status] + " " + f.Path
		if f.From != "" {
			text += ", renamed from " + f.From
		}
		if !f.Input {
			text += "  (not read by " + env + ")"
		}
		r.line(sanitize.Line(text))
	}
	if d.MoreFiles > 0 {
		r.line(fmt.Sprintf("  and %d more", d.MoreFiles))
	}
}

func (p *program) printObjects(r *report, d model.ChangeDetail) {
	r.line("")
	if d.Problem == "" && !d.RendersChange {
		r.line("objects: none changes, it renders the same")
		return
	}
	r.line(fmt.Sprintf("objects: %d", len(d.Details)))
	for _, o := range d.Details {
		text := fmt.Sprintf("%s %s %s", p.sign(o.Verdict), o.Verdict, o.ID)
		if o.Summary != "" {
			text += ": " + o.Summary
		}
		if o.Source.File != "" {
			text += "  (" + place(o.Source) + ")"
		}
		r.line(sanitize.Line(text))
		switch {
		case o.Omitted:
			r.line("too long to be shown together with the others\n")
		case o.Diff == "":
			r.line("only how a masked value is written differs\n")
		default:
			r.line(o.Diff)
		}
	}
}
