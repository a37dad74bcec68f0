package manifest

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

// Sides encodes two objects, both at once.
func Sides(a, b map[string]any) (left, right []byte, errLeft, errRight error) {
	var both sync.WaitGroup
	both.Go(func() { left, errLeft = YAML(a) })
	right, errRight = YAML(b)
	both.Wait()
	return left, right, errLeft, errRight
}

// Beginning is what YAML writes of an object first.
type Beginning struct {
	Text  []byte // whole lines
	Lines int    // that the whole text has
}

// Beginnings writes two objects up to about the first line in which they
// differ, and n lines more of each: of a long object in a fraction of the time
// that the whole takes. ok is false when it would save little, and when only
// the whole can be written.
func Beginnings(a, b map[string]any, n int) (left, right Beginning, ok bool) {
	var counted sync.WaitGroup
	counted.Go(func() { left.Lines = linesOf(a) })
	right.Lines = linesOf(b)
	counted.Wait()
	if max(left.Lines, right.Lines) <= 2*n {
		return left, right, false
	}
	var c comparison
	most := c.common(a, b) + n
	if max(left.Lines, right.Lines) <= most {
		return left, right, false
	}
	var both sync.WaitGroup
	var okLeft, okRight bool
	both.Go(func() { left.Text, okLeft = begin(a, most, &c.left) })
	right.Text, okRight = begin(b, most, &c.right)
	both.Wait()
	return left, right, okLeft && okRight
}

// begin writes the first lines of an object.
func begin(fields map[string]any, most int, known *order) (text []byte, ok bool) {
	if fields == nil {
		return nil, true
	}
	w := quickly{text: make([]byte, 0, 4096), most: most, known: known}
	if len(fields) == 0 || !w.object(fields, 0) {
		return nil, false
	}
	return w.text[:bytes.LastIndexByte(w.text, '\n')+1], true
}

// firstKeys are the first n of those that keys gives, or a few more.
func firstKeys(m map[string]any, n int) []string {
	out := make([]string, 0, 2*n+len(first))
	for _, k := range first {
		if _, ok := m[k]; ok {
			out = append(out, k)
		}
	}
	named := len(out)
	bound := "" // of those found so far, the last that can be among the first
	for k := range m {
		if bound != "" && k >= bound || slices.Contains(first, k) {
			continue
		}
		if out = append(out, k); len(out)-named == 2*n {
			slices.Sort(out[named:])
			out = out[:named+n]
			bound = out[named+n-1]
		}
	}
	slices.Sort(out[named:])
	return out
}

// linesOf is how many lines a value takes, from the one that its map's key or
// its list's dash stands on. The object itself has no such line.
func linesOf(m map[string]any) int {
	n := 0
	for _, v := range m {
		n += linesBelow(v) + 1
	}
	return n
}

// linesBelow is how many lines a value takes below the one of its key.
func linesBelow(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return linesOf(v)
	case []any:
		n := 0
		for _, e := range v {
			n += linesOfItem(e)
		}
		return n
	case string:
		if strings.Contains(v, "\n") && styleOf(v) == literal {
			return strings.Count(strings.TrimSuffix(v, "\n"), "\n") + 1
		}
	}
	return 0
}

// linesOfItem is how many lines an item of a list takes.
func linesOfItem(v any) int {
	if _, isText := v.(string); isText {
		return linesBelow(v) + 1
	}
	return max(1, linesBelow(v)) // the first stands beside the dash
}

// common is about how many lines two objects begin with alike. Most differ
// early: of a long one, the keys after that are not even put in order.
func (c *comparison) common(a, b map[string]any) int {
	const atFirst, more = 4096, 8
	n, at := 0, 0
	for some := atFirst; ; some *= more {
		inA, inB := c.keys(a, b, some)
		for ; at < min(some, len(inA), len(inB)); at++ {
			k := inA[at]
			if k != inB[at] {
				return n
			}
			if !fieldpath.Equal(a[k], b[k]) {
				return n + c.commonValue(a[k], b[k])
			}
			n += linesBelow(a[k]) + 1
		}
		if at < some {
			return n
		}
	}
}

// keys are the first n of both objects at least, those of long ones found at
// once.
func (c *comparison) keys(a, b map[string]any, n int) (inA, inB []string) {
	if len(a) <= n {
		return c.left.upTo(a, n), c.right.upTo(b, n)
	}
	var both sync.WaitGroup
	both.Go(func() { inA = c.left.upTo(a, n) })
	inB = c.right.upTo(b, n)
	both.Wait()
	return inA, inB
}

// comparison finds where two objects begin to differ.
type comparison struct{ left, right order }

// order remembers the first keys of long maps: to find them means to look at
// all.
type order struct{ of map[uintptr][]string }

// upTo are the keys of a map in their order, the first n at least.
func (o *order) upTo(m map[string]any, n int) []string {
	if len(m) <= 2*n {
		return keys(m)
	}
	at := reflect.ValueOf(m).Pointer()
	if known := o.of[at]; len(known) >= n {
		return known
	}
	if o.of == nil {
		o.of = map[uintptr][]string{}
	}
	o.of[at] = firstKeys(m, n)
	return o.of[at]
}

// commonValue is the same of two values of one key, with the key's own line.
func (c *comparison) commonValue(a, b any) int {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok && len(a) > 0 && len(b) > 0 {
			return 1 + c.common(a, b)
		}
	case []any:
		if b, ok := b.([]any); ok && len(a) > 0 && len(b) > 0 {
			return 1 + c.commonItems(a, b)
		}
	case string:
		if b, ok := b.(string); ok && linesBelow(a) > 0 && linesBelow(b) > 0 {
			same := 0
			for same < min(len(a), len(b)) && a[same] == b[same] {
				same++
			}
			return 1 + strings.Count(a[:same], "\n")
		}
	}
	return 0
}

func (c *comparison) commonItems(a, b []any) int {
	n := 0
	for i := range min(len(a), len(b)) {
		if !fieldpath.Equal(a[i], b[i]) {
			x, isX := a[i].(map[string]any)
			y, isY := b[i].(map[string]any)
			if isX && isY {
				n += c.common(x, y)
			}
			break
		}
		n += linesOfItem(a[i])
	}
	return n
}
