// Package repo is the Git side: it opens the operator's clone, lists what is
// pending for an environment and renders an environment at a commit. With a
// cache directory it also fetches, makes drafts of changes (a revert, a way
// back, another image tag) and publishes them as branches.
//
// It reads Git objects only. It never looks at a worktree or an index and never
// writes to the repository it was pointed at: what is fetched or drafted goes
// to a bare repository of its own that borrows the clone's objects. The git
// command is run to talk to the remote and to read the operator's name, for
// nothing else. Nothing a render reads can reach outside the commit's tree: no
// network, no processes, no files of the host.
//
// A *Repo is safe for concurrent use.
package repo
