// Package action is the one list of what a person can do in the UI and with
// which keys. Key handling, the footer, the help page and the README's table
// all come from it.
package action

import (
	"fmt"
	"slices"
	"strings"
)

// ID names an action.
type ID string

// Scope is where an action's keys are heard.
type Scope string

// The scopes. A page's actions come before the everywhere ones; a dialog hears
// its own only.
const (
	Everywhere Scope = "everywhere"
	Home       Scope = "home"
	Review     Scope = "review"
	Rollout    Scope = "rollout"
	History    Scope = "history"
	Reverting  Scope = "revert"
	Proposed   Scope = "proposed"
	Upgrades   Scope = "upgrades"
	Change     Scope = "change"
	Windows    Scope = "windows"
	Errors     Scope = "errors"
	Dialog     Scope = "dialog"
	Help       Scope = "help"
	Prompt     Scope = "prompt" // a line of text is being typed: palette, filter, search
)

// Scopes lists the scopes in the order in which help shows them.
var Scopes = [...]Scope{Home, Change, Review, Rollout, History, Reverting, Proposed, Upgrades, Windows, Errors, Dialog, Help, Prompt, Everywhere}

// The actions.
const (
	Up       ID = "up"
	Down     ID = "down"
	Top      ID = "top"
	Bottom   ID = "bottom"
	PageDown ID = "page-down"
	PageUp   ID = "page-up"
	NextPane ID = "next-pane"
	PrevPane ID = "previous-pane"
	Back     ID = "back"
	ShowHelp ID = "help"
	Refresh  ID = "refresh"
	Quit     ID = "quit"
	Exit     ID = "exit"
	Palette  ID = "palette"
	Problems ID = "problems"
	Mouse    ID = "mouse"
	Suspend  ID = "suspend"
	Filter   ID = "filter"
	Search   ID = "search"
	Narrower ID = "narrower"
	Wider    ID = "wider"

	OpenReview  ID = "open-review"
	Ship        ID = "ship"
	OpenHistory ID = "open-history"
	OpenRun     ID = "open-run"
	ToEnv       ID = "to-environment"

	Revert       ID = "revert"
	OpenProposed ID = "open-proposed"
	OpenUpgrades ID = "open-upgrades"
	OpenChange   ID = "open-change"
	OpenWindows  ID = "open-windows"
	MakeDraft    ID = "make-draft"
	Publish      ID = "publish"
	Merge        ID = "merge"

	OpenDiff   ID = "open-diff"
	NextObject ID = "next-object"
	PrevObject ID = "previous-object"
	NextHunk   ID = "next-hunk"
	PrevHunk   ID = "previous-hunk"
	Unfold     ID = "unfold"
	Unchanged  ID = "unchanged"
	Layout     ID = "layout"
	Zoom       ID = "zoom"
	Lens       ID = "lens"
	Hidden     ID = "hidden"
	KeepLive   ID = "keep-live"
	Replace    ID = "replace"
	ScrollLeft ID = "scroll-left"
	ScrollEnd  ID = "scroll-right"

	Reviewed       ID = "reviewed"
	NextUnreviewed ID = "next-unreviewed"
	AcceptAlike    ID = "accept-alike"
	GroupBy        ID = "group-by"
	Wrap           ID = "wrap"
	Take           ID = "copy"
	EditSource     ID = "edit-source"
	OpenSource     ID = "open-source"

	WhatIf   ID = "what-if"
	PrevWeek ID = "previous-week"
	NextWeek ID = "next-week"
	ThisWeek ID = "this-week"

	CompareRuns ID = "compare-runs"

	Abort    ID = "abort"
	Again    ID = "review-again"
	RollBack ID = "roll-back"
	Pause    ID = "pause"
	Resume   ID = "resume"
	OpenTree ID = "open-tree"
	OpenLog  ID = "open-log"
	PrevLog  ID = "previous-log"

	NextField ID = "next-field"
	PrevField ID = "previous-field"
	Choose    ID = "choose"
	Cancel    ID = "cancel"
	CloseHelp ID = "close-help"
	Complete  ID = "complete"
	Dismiss   ID = "dismiss"

	DismissAll ID = "dismiss-all"
)

// Action is one thing a person can do.
type Action struct {
	ID     ID
	Scope  Scope
	Keys   []string // as Bubble Tea names them, the one to show first
	Label  string   // a word or two for the footer
	Help   string   // a sentence for the help page and the README
	Writes bool     // it leads to a change of a cluster, after a confirm
}

// Key is how the action's first key is shown; empty: it has none, as somebody
// took it away.
func (a Action) Key() string {
	if len(a.Keys) == 0 {
		return ""
	}
	return Show(a.Keys[0])
}

// Show is how a key is written for a person.
func Show(key string) string {
	switch key {
	case "up":
		return "↑"
	case "down":
		return "↓"
	case "left":
		return "←"
	case "right":
		return "→"
	case "pgdown":
		return "PgDn"
	case "pgup":
		return "PgUp"
	}
	return key
}

// Registry resolves keys to actions.
type Registry struct {
	actions []Action
	byKey   map[Scope]map[string]int
}

// New builds a registry. It refuses a key that means two things in one place.
func New(actions []Action) (*Registry, error) {
	r := &Registry{actions: actions, byKey: map[Scope]map[string]int{}}
	for i, a := range actions {
		keys := r.byKey[a.Scope]
		if keys == nil {
			keys = map[string]int{}
			r.byKey[a.Scope] = keys
		}
		for _, k := range a.Keys {
			if j, taken := keys[k]; taken {
				return nil, fmt.Errorf("key %q means both %q and %q in %s", k, actions[j].ID, a.ID, a.Scope)
			}
			keys[k] = i
		}
	}
	return r, nil
}

// Resolve finds the action that hears the key: the first scope that knows it.
func (r *Registry) Resolve(key string, scopes ...Scope) (Action, bool) {
	for _, s := range scopes {
		if i, ok := r.byKey[s][key]; ok {
			return r.actions[i], true
		}
	}
	return Action{}, false
}

// Get is the action of a scope, or else the everywhere one.
func (r *Registry) Get(id ID, scope Scope) (Action, bool) {
	for _, s := range []Scope{scope, Everywhere} {
		for _, a := range r.actions {
			if a.ID == id && a.Scope == s {
				return a, true
			}
		}
	}
	return Action{}, false
}

// In lists the actions of a scope in the order of the registry.
func (r *Registry) In(scope Scope) []Action {
	var out []Action
	for _, a := range r.actions {
		if a.Scope == scope {
			out = append(out, a)
		}
	}
	return out
}

// KeyTable is the default keys as a Markdown table, for the README.
func KeyTable() string {
	var b strings.Builder
	b.WriteString("| where | key | what it does |\n|---|---|---|\n")
	all := Defaults()
	for _, s := range Scopes {
		for _, a := range all {
			if a.Scope != s {
				continue
			}
			keys := slices.Clone(a.Keys)
			for i, k := range keys {
				keys[i] = "`" + strings.ReplaceAll(Show(k), "|", `\|`) + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", s, strings.Join(keys, " "), strings.ReplaceAll(a.Help, "|", `\|`))
		}
	}
	return b.String()
}

// List is actions with their keys and names as text, for a terminal. The names
// are those that the configuration of keys has.
func List(actions []Action) string {
	rows := [][4]string{{"WHERE", "ACTION", "KEYS", "WHAT IT DOES"}}
	widths := [3]int{5, 6, 4} // of the first row
	for _, s := range Scopes {
		for _, a := range actions {
			if a.Scope != s {
				continue
			}
			row := [4]string{string(s), string(a.ID), strings.Join(a.Keys, " "), a.Help}
			for i := range widths {
				widths[i] = max(widths[i], len([]rune(row[i])))
			}
			rows = append(rows, row)
		}
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%-*s  %-*s  %-*s  %s\n", widths[0], r[0], widths[1], r[1], widths[2], r[2], r[3])
	}
	return b.String()
}

// Rows is how many rows a movement goes down in a list; negative is up. ok is
// false for what is no movement. To the top or bottom is further than any list.
func Rows(id ID) (n int, ok bool) {
	const page, all = 10, 1 << 20
	n, ok = map[ID]int{Down: 1, Up: -1, PageDown: page, PageUp: -page, Top: -all, Bottom: all}[id]
	return n, ok
}
