// Package registry answers which versions of an image its registry has, and
// which of them is the upgrade. The network part is a [Client]; the choice is
// the pure function [Newest].
package registry
