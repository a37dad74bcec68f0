// Package textdiff compares two texts line by line: aligned rows for a
// side-by-side view, word marks inside a changed line, and unified diffs.
//
// It is pure, and a result depends on the texts alone: what takes too long is
// given up after so many steps, not after so many seconds. A result is always
// complete: every line of both sides appears exactly once and in order,
// whatever was given up on.
package textdiff
