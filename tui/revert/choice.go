package revert

import (
	"strconv"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/draft"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/words"
)

// Option is one way back.
type Option struct {
	draft.Order
	Title string // one line
	About string // what it means
}

// Choice are the ways back there are, the one most people want first.
type Choice struct {
	Options []Option
	None    string // why there are none
}

// Change are the ways to take back one change: before is the commit that the
// environment's branch had below it, or what is deployed; empty: none is known.
func Change(env string, c model.Change, before string) Choice {
	out := Choice{Options: []Option{undo(env, c.Commit, frame.Change(c), c.Title)}}
	if before != "" && before != c.Commit {
		out.Options = append(out.Options, back(env, before, frame.Change(c)))
	}
	return out
}

// Shipped are the ways to take back what a run from one commit shipped: the
// change if it was one, else everything at once, or each by itself.
func Shipped(env, from string, changes []model.Change) Choice {
	if len(changes) == 1 {
		return Change(env, changes[0], from)
	}
	var names []string
	for _, c := range changes {
		names = append(names, frame.Change(c))
	}
	var out Choice
	if from != "" {
		out.Options = append(out.Options, back(env, from, words.List(names, 6)))
	}
	for _, c := range changes {
		out.Options = append(out.Options, undo(env, c.Commit, frame.Change(c), c.Title))
	}
	if len(out.Options) == 0 {
		out.None = "Nothing was live in " + env + " before, and no change is known: there is nothing to go back to."
	}
	return out
}

// Run are the ways to take back what a recorded run shipped.
func Run(env string, r model.Run) Choice {
	numbers := make([]string, len(r.PullRequests))
	for i, n := range r.PullRequests {
		numbers[i] = "#" + strconv.Itoa(n)
	}
	var out Choice
	switch {
	case r.From == r.Commit:
		out.None = "Run " + r.ID + " shipped nothing new: there is nothing to revert."
		return out
	case len(numbers) == 1:
		out.Options = append(out.Options, undo(env, r.Commit, numbers[0], ""))
	}
	if r.From != "" {
		out.Options = append(out.Options, back(env, r.From, words.List(numbers, 6)))
	}
	if len(out.Options) == 0 {
		out.None = "Run " + r.ID + " was the first in " + env + ": there is no commit to go back to."
	}
	return out
}

// Last is Run for the one with the ID.
func Last(env, id string, runs []model.Run) Choice {
	for _, r := range runs {
		if r.ID == id {
			return Run(env, r)
		}
	}
	return Choice{None: "The record of " + id + " is gone: what it shipped is not known. h lists the runs that are on record."}
}

func undo(env, commit, name, title string) Option {
	short := model.Short(commit)
	o := Option{
		Order: draft.Order{Request: model.DraftRequest{Environment: env, Kind: model.DraftRevert, Commit: commit}, Of: "revert of " + name},
		Title: "Revert " + name,
		About: "The inverse of " + short + " on top of the branch as it is now: what came before and after it stays. Conflicts when later changes touched the same lines.",
	}
	if title != "" {
		o.Title += "  " + title
	}
	return o
}

func back(env, commit, what string) Option {
	short := model.Short(commit)
	o := Option{
		Order: draft.Order{Request: model.DraftRequest{Environment: env, Kind: model.DraftBackTo, Commit: commit}, Of: "back to " + short},
		Title: "Back to " + short + ", as it was before",
		About: "The files " + env + " is made of, as they were at " + short + ". Cannot conflict, but takes back everything that came after, live or pending.",
	}
	if what != "" {
		o.Title += " " + what
	}
	return o
}
