package action

// onReview are the actions of the page on which a plan is read.
func onReview() []Action {
	return []Action{
		{ID: OpenDiff, Scope: Review, Keys: []string{"enter", "d"}, Label: "read diff", Help: "move into the diff; there, unfold the first folded stretch in sight"},
		{ID: NextHunk, Scope: Review, Keys: []string{"n"}, Label: "next hunk", Help: "scroll to the next change of the object"},
		{ID: PrevHunk, Scope: Review, Keys: []string{"N"}, Label: "previous hunk", Help: "scroll to the previous change of the object"},
		{ID: NextObject, Scope: Review, Keys: []string{"]"}, Label: "next object", Help: "show the next object"},
		{ID: PrevObject, Scope: Review, Keys: []string{"["}, Label: "previous object", Help: "show the previous object"},
		{ID: Reviewed, Scope: Review, Keys: []string{"space"}, Label: "reviewed", Help: "mark the object as reviewed and go on to the next that is not, or take the mark away; it stays until the diff changes"},
		{ID: NextUnreviewed, Scope: Review, Keys: []string{"u"}, Label: "next unreviewed", Help: "show the next object that is not reviewed"},
		{ID: AcceptAlike, Scope: Review, Keys: []string{"A"}, Label: "accept alike", Help: "mark every object as reviewed that changes in the same way as this one"},
		{ID: GroupBy, Scope: Review, Keys: []string{"t"}, Label: "group", Help: "list the objects by verdict, by kind or by wave"},
		{ID: Filter, Scope: Review, Keys: []string{"F"}, Label: "filter", Help: "list only objects that match: words, path:image, kind:Deployment, risk:restarts, cause:#42"},
		{ID: Search, Scope: Review, Keys: []string{"/"}, Label: "search", Help: "find text in this diff and in those of the other objects; n and N go on"},
		{ID: Layout, Scope: Review, Keys: []string{"|"}, Label: "layout", Help: "side by side, or one column"},
		{ID: Wrap, Scope: Review, Keys: []string{"w"}, Label: "wrap", Help: "wrap long lines, or scroll them sideways"},
		{ID: Unfold, Scope: Review, Keys: []string{"z"}, Label: "fold", Help: "show the whole object, or fold what is unchanged again"},
		{ID: Unchanged, Scope: Review, Keys: []string{"="}, Label: "unchanged", Help: "show or hide the unchanged objects"},
		{ID: Lens, Scope: Review, Keys: []string{"v"}, Label: "lens", Help: "what is compared: live and after applying, Git as deployed and as planned, or Git as deployed and live"},
		{ID: Hidden, Scope: Review, Keys: []string{"."}, Label: "hidden", Help: "show what rules keep out of the diffs, or hide it again; it is written in either case"},
		{ID: KeepLive, Scope: Review, Keys: []string{"e"}, Label: "live edits", Help: "what somebody changed live and applying would take back, field by field; keep it this once, write it to Git, or overwrite it"},
		{ID: Replace, Scope: Review, Keys: []string{"x"}, Label: "replace", Help: "an object that can only be deleted and made again: which field needs that, and what it costs; allow it for this plan, or not any more"},
		{ID: Zoom, Scope: Review, Keys: []string{"f"}, Label: "full screen", Help: "give the diff the whole screen, or bring the list back"},
		{ID: ScrollLeft, Scope: Review, Keys: []string{"H"}, Label: "scroll left", Help: "scroll long lines back"},
		{ID: ScrollEnd, Scope: Review, Keys: []string{"L"}, Label: "scroll right", Help: "scroll long lines on"},
		{ID: Narrower, Scope: Review, Keys: []string{"<"}, Label: "narrower list", Help: "move the divider to the left"},
		{ID: Wider, Scope: Review, Keys: []string{">"}, Label: "wider list", Help: "move the divider to the right"},
		{ID: Take, Scope: Review, Keys: []string{"y"}, Label: "copy", Help: "copy the name, the diff or a side of the object, or the plan as Markdown; or write that to a file"},
		{ID: EditSource, Scope: Review, Keys: []string{"E"}, Label: "edit source", Help: "open the line in Git that renders this in $EDITOR"},
		{ID: OpenSource, Scope: Review, Keys: []string{"O"}, Label: "open source", Help: "open the line in Git that renders this in the browser"},
		{ID: PageDown, Scope: Review, Keys: []string{"pgdown", "ctrl+d"}, Label: "page", Help: "scroll the diff down"},
		{ID: PageUp, Scope: Review, Keys: []string{"b", "pgup", "ctrl+u"}, Label: "page up", Help: "scroll the diff up"},
		{ID: Ship, Scope: Review, Keys: []string{"s"}, Label: "ship", Help: "confirm shipping what is on the screen", Writes: true},
		{ID: Publish, Scope: Review, Keys: []string{"o"}, Label: "open pull request", Help: "of a revert, an upgrade or an adoption: confirm pushing it and opening its pull request", Writes: true},
	}
}
