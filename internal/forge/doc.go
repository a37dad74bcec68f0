// Package forge talks to the forge that hosts the environments repository:
// which pull request a commit came from, which are open, who approved them,
// what their checks say; and it opens, comments on and merges them.
//
// It speaks GitHub: github.com, GitHub Enterprise Server and ghe.com. Reads of
// many things are one GraphQL query; the rest is REST. A [GitHub] is safe for
// concurrent use, holds what it needs to ask cheaply in memory, and writes
// nothing to disk.
//
// What cannot be read is said, never guessed: a field that the token may not
// see leaves the rest of the answer standing, with a note. Reads that meet a
// passing fault are tried again; writes are not, except after an answer that
// says that nothing was written.
//
// Errors carry [model.ExitUnreachable] and a [Problem], and match one of the
// Err values of this package; those of [GitHub.Merge] say which other codes
// they carry. None holds the token.
package forge
