// Package textdiff compares two texts line by line: aligned rows for a
// side-by-side view, word marks inside a changed line, and unified diffs.
//
// It is pure and owns sergi/go-diff, so that nothing else knows which
// algorithm is used. A result is always complete: every line of both sides
// appears exactly once and in order, whatever the algorithm gave up on.
package textdiff
