package action

// onRollout are the actions of the page of a run.
func onRollout() []Action {
	return []Action{
		{ID: OpenTree, Scope: Rollout, Keys: []string{"enter", "d"}, Label: "pods", Help: "what is behind the object: ReplicaSets, pods, containers and events; once more closes it"},
		{ID: OpenLog, Scope: Rollout, Keys: []string{"l", "L"}, Label: "log", Help: "the end of the log of the selected container, or of the worst one; once more shows the events"},
		{ID: PrevLog, Scope: Rollout, Keys: []string{"o"}, Label: "log before", Help: "the log of the container's run before, or of the current one again"},
		{ID: Pause, Scope: Rollout, Keys: []string{"p"}, Label: "pause", Help: "hold the run up before its next wave, or let it go on"},
		{ID: Abort, Scope: Rollout, Keys: []string{"a"}, Label: "abort", Help: "stop the run, after a confirm: no new writes, and the record is closed"},
		{ID: Back, Scope: Rollout, Keys: []string{"esc"}, Label: "home", Help: "to the home page; a run under way goes on"},
		{ID: Revert, Scope: Rollout, Keys: []string{"R"}, Label: "revert", Help: "of a run that failed, or will: revert what it ships; shows what that would do"},
		{ID: RollBack, Scope: Rollout, Keys: []string{"B"}, Label: "roll back", Help: "after a run that failed: review what was live before, to apply that in a run of its own"},
		{ID: Resume, Scope: Rollout, Keys: []string{"C"}, Label: "resume", Help: "continue the interrupted run, after a confirm with a reason", Writes: true},
		{ID: Again, Scope: Rollout, Keys: []string{"r"}, Label: "review again", Help: "after the run: read the plan for the same commit anew"},
		{ID: OpenHistory, Scope: Rollout, Keys: []string{"h"}, Label: "history", Help: "the runs of this environment"},
	}
}
