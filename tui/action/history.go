package action

// onHistory are the actions of the page with the runs.
func onHistory() []Action {
	return []Action{
		{ID: OpenDiff, Scope: History, Keys: []string{"enter", "d"}, Label: "what it changed", Help: "what the selected run changed: Git before and after it, and what became of each object"},
		{ID: CompareRuns, Scope: History, Keys: []string{"c"}, Label: "compare", Help: "mark the selected run; on another one, show how the two differ"},
		{ID: Revert, Scope: History, Keys: []string{"R"}, Label: "revert", Help: "revert what the selected run shipped: shows what that would do"},
	}
}
