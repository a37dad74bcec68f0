package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// checkHistory reads the newest two runs of an environment back in every way
// there is: the first deployment, and what came after it.
func (w *world) checkHistory(env, commit string) {
	t := w.t
	t.Helper()
	runs := decode[struct{ Runs []runDocument }](t, w.must(0, "history", "-e", env, "-o", "json").stdout).Runs
	last, first := runs[0], runs[len(runs)-1]
	if last.Duration <= 0 || last.Duration != last.Took().Seconds() {
		t.Errorf("%s took %v s by its duration, %v by its times", last.ID, last.Duration, last.Took())
	}

	one := decode[struct{ Run runDocument }](t, w.must(0, "history", "-e", env, last.ID, "-o", "json").stdout).Run
	if one.ID != last.ID || one.Commit != commit || len(one.Objects) != len(last.Objects) || len(one.Objects) == 0 {
		t.Errorf("%s alone: %+v", last.ID, one)
	}
	text := w.must(0, "history", "-e", env, strings.TrimPrefix(last.ID, env+"-")).stdout
	wanted := []string{last.ID, last.Operator, commit, last.Digest, last.From, "succeeded", "not needed, as no rule was in the way", "OBJECT"}
	for _, o := range last.Objects {
		wanted = append(wanted, o.ID.String())
	}
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%s tells no %q:\n%s", last.ID, want, text)
		}
	}
	if text := w.must(0, "history", "-e", env).stdout; strings.Contains(text, "overridden") {
		t.Errorf("a reason that was not needed counts as an override:\n%s", text)
	}

	// What the run changed is what its plan changed in Git.
	d := decode[runDiffDocument](t, w.must(0, "history", "-e", env, last.ID, "--diff", "-o", "json").stdout)
	if d.Lens != model.LensRun || d.From != last.From || d.Commit != commit || d.Run.ID != last.ID {
		t.Errorf("the diff of %s is from %s to %s", last.ID, d.From, d.Commit)
	}
	var written []string
	for _, o := range d.Objects {
		if o.Result != "" {
			written = append(written, string(o.Result)+" "+o.Kind+" "+o.Namespace+" "+o.Name)
		} else if o.Verdict.Differs() && o.Reason == "" {
			t.Errorf("%s %s differs, and nobody says why it was not written", o.Kind, o.Name)
		}
	}
	var recorded []string
	for _, o := range last.Objects {
		recorded = append(recorded, string(o.Result)+" "+o.ID.Kind+" "+o.ID.Namespace+" "+o.ID.Name)
	}
	slices.Sort(written)
	slices.Sort(recorded)
	if !slices.Equal(written, recorded) {
		t.Errorf("the diff has\n%q\nand the record\n%q", written, recorded)
	}
	if !slices.ContainsFunc(d.Objects, func(o runObjectDocument) bool {
		return o.Kind == "Deployment" && strings.Contains(o.Diff, "image:") && len(o.Causes) > 0 && o.Causes[0].By != ""
	}) {
		t.Error("no image is seen to change, by a commit")
	}
	created := decode[runDiffDocument](t, w.must(0, "history", "-e", env, first.ID, "--diff", "-o", "json").stdout)
	if created.From != "" || created.Counts.Create != len(created.Objects) {
		t.Errorf("the first deployment: %+v", created.Counts)
	}
	for _, format := range []string{"text", "markdown"} {
		if text := w.must(0, "history", "-e", env, last.ID, "--diff", "-o", format).stdout; !strings.Contains(text, "image:") || !strings.Contains(text, "Git, before") {
			t.Errorf("as %s:\n%s", format, text)
		}
	}

	both := decode[runDiffDocument](t, w.must(0, "history", "-e", env, first.ID, "--compare", last.ID, "-o", "json").stdout)
	if both.Other == nil || both.Other.ID != last.ID || both.From != first.Commit || both.Commit != commit || len(both.Differences) == 0 || len(both.ObjectDifferences) == 0 {
		t.Errorf("compared: %+v", both)
	}
	if text := w.must(0, "history", "-e", env, first.ID, "--compare", last.ID).stdout; !strings.Contains(text, "compared with "+last.ID) || !strings.Contains(text, "note: started: ") {
		t.Errorf("compared:\n%s", text)
	}

	for _, args := range [][]string{{"77"}, {env + "-77", "--diff"}, {first.ID, "--compare", "77"}} {
		if r := w.must(2, append([]string{"history", "-e", env}, args...)...); !strings.Contains(r.stderr, "the last ones are "+last.ID+", ") {
			t.Errorf("%q: %s", args, r.stderr)
		}
	}
	w.must(2, "history", "-e", env, "--diff")
	w.must(2, "history", "-e", env, last.ID, "-o", "markdown")
	w.must(2, "history", "-e", env, last.ID, "--diff", "--compare", first.ID)
}

func TestWhyARunIsSpecial(t *testing.T) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for want, r := range map[string]model.Run{
		"":                             {Override: "just in case"},
		"it failed; rolls back prod-1": {Reason: "it failed", RollsBack: "prod-1"},
		"attempt 2, by op2@b":          {Operator: "op1@a", Attempts: []model.RunAttempt{{Operator: "op2@b", At: at}}},
		"overridden by op1: fire (w)":  {Override: "fire", Exception: &model.Exception{By: "op1", Reason: "fire", Rules: []string{"w"}}},
	} {
		if got := why(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
