// Package githubtest is a server that behaves as GitHub does, for one
// repository: Git over smart HTTP, the REST and the GraphQL interface that
// fairtide uses, and a page for each pull request. The tests and the demo
// share it.
//
// Behind it stands a real bare Git repository. Heads, files, conflicts and
// merges are Git's, not a table's: a push moves a pull request, and a merge
// makes the commit GitHub would make, message and all. GraphQL documents are
// validated against a cut of GitHub's own schema before they are executed.
// Users with their rights, reviews, checks, branch protection and every kind
// of failure can be scripted.
//
// It needs a git command of version 2.38 or newer, listens on loopback only,
// and reads no Git configuration of the user's. Forks are not served.
package githubtest
