// Package repo is the Git side: it opens the operator's clone, lists what is
// pending for an environment and renders an environment at a commit.
//
// It reads Git objects only. It never looks at a worktree or an index and never
// writes to the repository it was pointed at. Nothing it renders can reach
// outside the commit's tree: no network, no processes, no files of the host.
//
// A *Repo is safe for concurrent use.
package repo
