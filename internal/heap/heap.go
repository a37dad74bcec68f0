// Package heap keeps a process small without making a large one slow.
package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Bound has the garbage collector keep the process's memory near the given
// bytes, for as long as what is really in use leaves it room to work. When more
// than three quarters are in use, the bound goes up to half as much again: a collector that
// runs all the time would cost more than the memory is worth. A limit that the
// user set (GOMEMLIMIT) is left alone.
func Bound(bytes int64) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	b := &bound{least: bytes}
	b.now = bytes
	debug.SetMemoryLimit(bytes)
	b.await()
}

type bound struct{ least, now int64 }

// await has the bound looked at after the next collection: an object that
// nothing refers to is cleaned up then.
func (b *bound) await() {
	unused := new([16]byte)
	runtime.AddCleanup(unused, func(b *bound) {
		b.look(inUse())
		b.await()
	}, b)
}

// look moves the bound to where what is in use asks for it.
func (b *bound) look(used int64) {
	want := b.least
	if used > b.least/4*3 {
		want = used / 2 * 3
	}
	// Not for every few bytes: setting the limit stops the program for a moment.
	if want > b.now || want < b.now/4*3 {
		b.now = want
		debug.SetMemoryLimit(want)
	}
}

// inUse are the bytes that the last collection found in use.
func inUse() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64()) //nolint:gosec // no heap is that large
}
