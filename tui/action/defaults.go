package action

// Defaults are the actions with the keys they have unless configured.
func Defaults() []Action {
	return append(onChange(), []Action{
		{ID: OpenReview, Scope: Home, Keys: []string{"enter", "d"}, Label: "review", Help: "review what shipping up to the selected change would do"},
		{ID: Ship, Scope: Home, Keys: []string{"s"}, Label: "ship", Help: "review, then confirm shipping up to the selected change", Writes: true},
		{ID: OpenRun, Scope: Home, Keys: []string{"r"}, Label: "run", Help: "go to the run that is under way"},
		{ID: OpenProposed, Scope: Home, Keys: []string{"p"}, Label: "proposed", Help: "the open pull requests that touch the selected environment"},
		{ID: Revert, Scope: Home, Keys: []string{"R"}, Label: "revert", Help: "revert the selected change, or with nothing pending what the last run shipped: shows what that would do"},
		{ID: OpenUpgrades, Scope: Home, Keys: []string{"u"}, Label: "upgrades", Help: "the images of the selected environment, and what is newer"},
		{ID: OpenChange, Scope: Home, Keys: []string{"c"}, Label: "change", Help: "the selected change in full: who made it, its signature, its message, files and objects"},
		{ID: OpenHistory, Scope: Home, Keys: []string{"h"}, Label: "history", Help: "the runs of the selected environment"},
		{ID: ToEnv, Scope: Home, Keys: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, Label: "environment", Help: "select an environment by its place in the list"},

		{ID: OpenDiff, Scope: Review, Keys: []string{"enter", "d"}, Label: "read diff", Help: "move into the diff; there, unfold the first folded stretch in sight"},
		{ID: NextHunk, Scope: Review, Keys: []string{"n"}, Label: "next hunk", Help: "scroll to the next change of the object"},
		{ID: PrevHunk, Scope: Review, Keys: []string{"N"}, Label: "previous hunk", Help: "scroll to the previous change of the object"},
		{ID: NextObject, Scope: Review, Keys: []string{"]"}, Label: "next object", Help: "show the next object"},
		{ID: PrevObject, Scope: Review, Keys: []string{"["}, Label: "previous object", Help: "show the previous object"},
		{ID: Layout, Scope: Review, Keys: []string{"|", "t"}, Label: "layout", Help: "side by side, or one column"},
		{ID: Unfold, Scope: Review, Keys: []string{"z"}, Label: "fold", Help: "show the whole object, or fold what is unchanged again"},
		{ID: Unchanged, Scope: Review, Keys: []string{"="}, Label: "unchanged", Help: "show or hide the unchanged objects"},
		{ID: Lens, Scope: Review, Keys: []string{"v"}, Label: "lens", Help: "what is compared: live and after applying, Git as deployed and as planned, or Git as deployed and live"},
		{ID: Hidden, Scope: Review, Keys: []string{"."}, Label: "hidden", Help: "show what rules keep out of the diffs, or hide it again; it is written in either case"},
		{ID: KeepLive, Scope: Review, Keys: []string{"e"}, Label: "live edits", Help: "what somebody changed live and applying would take back, field by field; keep it this once, or overwrite it"},
		{ID: Zoom, Scope: Review, Keys: []string{"f"}, Label: "full screen", Help: "give the diff the whole screen, or bring the list back"},
		{ID: ScrollLeft, Scope: Review, Keys: []string{"H"}, Label: "scroll left", Help: "scroll long lines back"},
		{ID: ScrollEnd, Scope: Review, Keys: []string{"L"}, Label: "scroll right", Help: "scroll long lines on"},
		{ID: PageDown, Scope: Review, Keys: []string{"space", "pgdown", "ctrl+d"}, Label: "page", Help: "scroll the diff down"},
		{ID: PageUp, Scope: Review, Keys: []string{"b", "pgup", "ctrl+u"}, Label: "page up", Help: "scroll the diff up"},
		{ID: Ship, Scope: Review, Keys: []string{"s"}, Label: "ship", Help: "confirm shipping what is on the screen", Writes: true},
		{ID: Publish, Scope: Review, Keys: []string{"o"}, Label: "open pull request", Help: "of a revert or an upgrade: confirm pushing it and opening its pull request", Writes: true},

		{ID: Abort, Scope: Rollout, Keys: []string{"a"}, Label: "abort", Help: "stop the run, after a confirm: no new writes, and the record is closed"},
		{ID: Back, Scope: Rollout, Keys: []string{"esc"}, Label: "home", Help: "to the home page; a run under way goes on"},
		{ID: Revert, Scope: Rollout, Keys: []string{"R"}, Label: "revert", Help: "after a run that failed: revert what it shipped; shows what that would do"},
		{ID: Again, Scope: Rollout, Keys: []string{"r"}, Label: "review again", Help: "after the run: read the plan for the same commit anew"},
		{ID: OpenHistory, Scope: Rollout, Keys: []string{"h"}, Label: "history", Help: "the runs of this environment"},

		{ID: Revert, Scope: History, Keys: []string{"R"}, Label: "revert", Help: "revert what the selected run shipped: shows what that would do"},

		{ID: MakeDraft, Scope: Reverting, Keys: []string{"enter", "d"}, Label: "show what it would do", Help: "make the commit here, without pushing it, and show what applying it would change"},

		{ID: OpenReview, Scope: Proposed, Keys: []string{"enter", "d"}, Label: "review", Help: "what applying the pull request, merged, would change"},
		{ID: Merge, Scope: Proposed, Keys: []string{"M"}, Label: "merge", Help: "merge the pull request as it is on the screen, after a confirm", Writes: true},

		{ID: MakeDraft, Scope: Upgrades, Keys: []string{"enter", "d"}, Label: "upgrade", Help: "write the newest tag into a commit, without pushing it, and show what applying it would change"},

		{ID: Choose, Scope: Dialog, Keys: []string{"enter"}, Label: "choose", Help: "press the focused button, or go on from a field"},
		{ID: NextField, Scope: Dialog, Keys: []string{"tab", "right", "down"}, Label: "move", Help: "go to the next field or button"},
		{ID: PrevField, Scope: Dialog, Keys: []string{"shift+tab", "left", "up"}, Label: "move back", Help: "go to the previous field or button"},
		{ID: Cancel, Scope: Dialog, Keys: []string{"esc", "ctrl+c"}, Label: "back", Help: "leave the dialog; nothing happens"},

		{ID: CloseHelp, Scope: Help, Keys: []string{"esc", "?", "q", "enter", "ctrl+c"}, Label: "close", Help: "close the help page"},
		{ID: Down, Scope: Help, Keys: []string{"j", "down", "pgdown", "space"}, Label: "down", Help: "scroll down"},
		{ID: Up, Scope: Help, Keys: []string{"k", "up", "pgup", "b"}, Label: "up", Help: "scroll up"},

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
		{ID: Quit, Scope: Everywhere, Keys: []string{"q"}, Label: "quit", Help: "quit; asks while a run is under way"},
		{ID: Exit, Scope: Everywhere, Keys: []string{"ctrl+c"}, Label: "quit", Help: "quit; asks while a run is under way"},
	}...)
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
