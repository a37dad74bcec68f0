package action

import "slices"

// Defaults are the actions with the keys they have unless configured.
func Defaults() []Action {
	return append(slices.Concat(onHome(), onChange(), onReview(), onRollout(), onHistory(), onWindows()), []Action{
		{ID: MakeDraft, Scope: Reverting, Keys: []string{"enter", "d"}, Label: "show what it would do", Help: "make the commit here, without pushing it, and show what applying it would change"},

		{ID: OpenReview, Scope: Proposed, Keys: []string{"enter", "d"}, Label: "review", Help: "what applying the pull request, merged, would change"},
		{ID: Merge, Scope: Proposed, Keys: []string{"M"}, Label: "merge", Help: "merge the pull request as it is on the screen, after a confirm", Writes: true},

		{ID: MakeDraft, Scope: Upgrades, Keys: []string{"enter", "d"}, Label: "upgrade", Help: "write the newest tag into a commit, without pushing it, and show what applying it would change"},

		{ID: Choose, Scope: Dialog, Keys: []string{"enter"}, Label: "choose", Help: "press the focused button, or go on from a field"},
		{ID: NextField, Scope: Dialog, Keys: []string{"tab", "right", "down"}, Label: "move", Help: "go to the next field or button"},
		{ID: PrevField, Scope: Dialog, Keys: []string{"shift+tab", "left", "up"}, Label: "move back", Help: "go to the previous field or button"},
		{ID: PageDown, Scope: Dialog, Keys: []string{"pgdown"}, Label: "read on", Help: "scroll what the dialog says, where it does not fit; the arrows do too outside of a field"},
		{ID: PageUp, Scope: Dialog, Keys: []string{"pgup"}, Label: "read back", Help: "scroll it back"},
		{ID: Cancel, Scope: Dialog, Keys: []string{"esc", "ctrl+c"}, Label: "back", Help: "leave the dialog; nothing happens"},

		{ID: CloseHelp, Scope: Help, Keys: []string{"esc", "?", "q", "enter", "ctrl+c"}, Label: "close", Help: "close the help page"},
		{ID: Filter, Scope: Help, Keys: []string{"/"}, Label: "search", Help: "list only the keys that something is said about"},
		{ID: Down, Scope: Help, Keys: []string{"j", "down"}, Label: "down", Help: "scroll down"},
		{ID: Up, Scope: Help, Keys: []string{"k", "up"}, Label: "up", Help: "scroll up"},
		{ID: PageDown, Scope: Help, Keys: []string{"space", "pgdown", "ctrl+d"}, Label: "page", Help: "a page down"},
		{ID: PageUp, Scope: Help, Keys: []string{"b", "pgup", "ctrl+u"}, Label: "page up", Help: "a page up"},

		{ID: Dismiss, Scope: Errors, Keys: []string{"enter", "d"}, Label: "dismiss", Help: "take the selected problem off the list"},
		{ID: DismissAll, Scope: Errors, Keys: []string{"D"}, Label: "dismiss all", Help: "take all problems off the list"},

		{ID: Choose, Scope: Prompt, Keys: []string{"enter"}, Label: "choose", Help: "run what is selected, or keep what is typed"},
		{ID: Complete, Scope: Prompt, Keys: []string{"tab"}, Label: "complete", Help: "complete what is typed"},
		{ID: Cancel, Scope: Prompt, Keys: []string{"esc", "ctrl+c"}, Label: "cancel", Help: "leave without doing anything"},
		{ID: Down, Scope: Prompt, Keys: []string{"down", "ctrl+n"}, Label: "down", Help: "the next line"},
		{ID: Up, Scope: Prompt, Keys: []string{"up", "ctrl+p"}, Label: "up", Help: "the line before"},

		{ID: Down, Scope: Everywhere, Keys: []string{"j", "down"}, Label: "down", Help: "move down"},
		{ID: Up, Scope: Everywhere, Keys: []string{"k", "up"}, Label: "up", Help: "move up"},
		{ID: Top, Scope: Everywhere, Keys: []string{"g", "home"}, Label: "top", Help: "to the first row"},
		{ID: Bottom, Scope: Everywhere, Keys: []string{"G", "end"}, Label: "bottom", Help: "to the last row"},
		{ID: PageDown, Scope: Everywhere, Keys: []string{"pgdown", "ctrl+d"}, Label: "page", Help: "half a page down"},
		{ID: PageUp, Scope: Everywhere, Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "half a page up"},
		{ID: NextPane, Scope: Everywhere, Keys: []string{"tab", "right"}, Label: "pane", Help: "to the next pane"},
		{ID: PrevPane, Scope: Everywhere, Keys: []string{"shift+tab", "left"}, Label: "previous pane", Help: "to the previous pane"},
		{ID: Refresh, Scope: Everywhere, Keys: []string{"ctrl+r"}, Label: "refresh", Help: "read everything on the page again"},
		{ID: Back, Scope: Everywhere, Keys: []string{"esc"}, Label: "back", Help: "one level up"},
		{ID: ShowHelp, Scope: Everywhere, Keys: []string{"?"}, Label: "help", Help: "what every key does"},
		{ID: Palette, Scope: Everywhere, Keys: []string{":"}, Label: "command", Help: "find an action by its name"},
		{ID: Problems, Scope: Everywhere, Keys: []string{"!"}, Label: "problems", Help: "what went wrong since the start, until it is dismissed"},
		{ID: Mouse, Scope: Everywhere, Keys: []string{"m"}, Label: "mouse", Help: "let go of the mouse, so that the terminal selects text, or take it again"},
		{ID: Narrower, Scope: Everywhere, Keys: []string{"<"}, Label: "narrower list", Help: "move the divider to the left"},
		{ID: Wider, Scope: Everywhere, Keys: []string{">"}, Label: "wider list", Help: "move the divider to the right"},
		{ID: Suspend, Scope: Everywhere, Keys: []string{"ctrl+z"}, Label: "suspend", Help: "back to the shell; fg comes back"},
		{ID: Quit, Scope: Everywhere, Keys: []string{"q"}, Label: "quit", Help: "quit; asks while a run is under way"},
		{ID: Exit, Scope: Everywhere, Keys: []string{"ctrl+c"}, Label: "quit", Help: "quit; asks while a run is under way"},
	}...)
}

// onHome are the actions of the home page.
func onHome() []Action {
	return []Action{
		{ID: OpenReview, Scope: Home, Keys: []string{"enter", "d"}, Label: "review", Help: "review what shipping up to the selected change would do"},
		{ID: Ship, Scope: Home, Keys: []string{"s"}, Label: "ship", Help: "review, then confirm shipping up to the selected change", Writes: true},
		{ID: OpenRun, Scope: Home, Keys: []string{"r"}, Label: "run", Help: "go to the run that is under way, whoever carries it out, or to the one that was interrupted"},
		{ID: Resume, Scope: Home, Keys: []string{"C"}, Label: "resume", Help: "continue the interrupted run, after a confirm with a reason", Writes: true},
		{ID: OpenProposed, Scope: Home, Keys: []string{"p"}, Label: "proposed", Help: "the open pull requests that touch the selected environment"},
		{ID: Revert, Scope: Home, Keys: []string{"R"}, Label: "revert", Help: "revert the selected change, or with nothing pending what the last run shipped: shows what that would do"},
		{ID: OpenUpgrades, Scope: Home, Keys: []string{"u"}, Label: "upgrades", Help: "the images of the selected environment, and what is newer"},
		{ID: OpenChange, Scope: Home, Keys: []string{"c"}, Label: "change", Help: "the selected change in full: who made it, its signature, its message, files and objects"},
		{ID: OpenHistory, Scope: Home, Keys: []string{"h"}, Label: "history", Help: "the runs of the selected environment"},
		{ID: ToEnv, Scope: Home, Keys: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, Label: "environment", Help: "select an environment by its place in the list"},
		{ID: OpenWindows, Scope: Home, Keys: []string{"w"}, Label: "windows", Help: "when the environments may be changed, and what if at another time"},
		{ID: Filter, Scope: Home, Keys: []string{"/"}, Label: "filter", Help: "list only pending changes that match: words, by:dev1, #42"},
	}
}

// onChange are the actions of the page with one change.
func onChange() []Action {
	return []Action{
		{ID: OpenDiff, Scope: Change, Keys: []string{"enter", "d"}, Label: "read", Help: "move into what is shown; in a diff, unfold the first folded stretch in sight"},
		{ID: NextHunk, Scope: Change, Keys: []string{"n"}, Label: "next hunk", Help: "scroll to the next change of the object"},
		{ID: PrevHunk, Scope: Change, Keys: []string{"N"}, Label: "previous hunk", Help: "scroll to the previous change of the object"},
		{ID: NextObject, Scope: Change, Keys: []string{"]"}, Label: "next", Help: "show the next row of the list"},
		{ID: PrevObject, Scope: Change, Keys: []string{"["}, Label: "previous", Help: "show the previous row of the list"},
		{ID: Layout, Scope: Change, Keys: []string{"|", "t"}, Label: "layout", Help: "side by side, or one column"},
		{ID: Unfold, Scope: Change, Keys: []string{"z"}, Label: "fold", Help: "show the whole object, or fold what is unchanged again"},
		{ID: Zoom, Scope: Change, Keys: []string{"f"}, Label: "full screen", Help: "give what is shown the whole screen, or bring the list back"},
		{ID: ScrollLeft, Scope: Change, Keys: []string{"H"}, Label: "scroll left", Help: "scroll long lines back"},
		{ID: ScrollEnd, Scope: Change, Keys: []string{"L"}, Label: "scroll right", Help: "scroll long lines on"},
		{ID: PageDown, Scope: Change, Keys: []string{"space", "pgdown", "ctrl+d"}, Label: "page", Help: "scroll what is shown down"},
		{ID: PageUp, Scope: Change, Keys: []string{"b", "pgup", "ctrl+u"}, Label: "page up", Help: "scroll what is shown up"},
	}
}

// onWindows are the actions of the page with the windows.
func onWindows() []Action {
	return []Action{
		{ID: WhatIf, Scope: Windows, Keys: []string{"t", "enter"}, Label: "what if", Help: "what the windows would say at another time"},
		{ID: PrevWeek, Scope: Windows, Keys: []string{"["}, Label: "week before", Help: "show the week before"},
		{ID: NextWeek, Scope: Windows, Keys: []string{"]"}, Label: "week after", Help: "show the week after"},
		{ID: ThisWeek, Scope: Windows, Keys: []string{"."}, Label: "this week", Help: "back to this week"},
	}
}
