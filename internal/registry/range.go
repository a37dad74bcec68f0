package registry

import (
	"fmt"
	"regexp"
	"strings"
)

// Range is a set of versions. The zero value holds all.
type Range struct {
	text string
	any  [][]bound // one of these lists has to hold throughout
	pre  bool      // a bound is a pre-release, so they are wanted
}

// bound is one comparison: greater or less than v, with v itself or without.
type bound struct {
	v       version
	less    bool
	include bool
}

func (r Range) String() string { return r.text }

var comparator = regexp.MustCompile(`^(>=|<=|>|<|=|~|\^)?\s*([vV]?(?:[0-9]+|[xX*])(?:\.(?:[0-9]+|[xX*]))*(?:-[0-9A-Za-z.]+)?)(?:[\s,]+|$)`)

// ParseRange reads a range as package managers write it: comparisons with =,
// >, >=, <, <=, ~1.4 (1.4.x) and ^1.4 (below 2, and below 0.5 for ^0.4), all
// of which have to hold; "||" separates alternatives. Numbers that are left
// out, or written as x or *, are free. The empty range holds every version.
func ParseRange(s string) (Range, error) {
	r := Range{text: strings.TrimSpace(s)}
	if r.text == "" {
		return r, nil
	}
	for _, alternative := range strings.Split(r.text, "||") {
		rest := strings.TrimSpace(alternative)
		if rest == "" {
			return Range{}, badRange(s, "an alternative is empty")
		}
		bounds := []bound{}
		for rest != "" {
			m := comparator.FindStringSubmatch(rest)
			if m == nil {
				return Range{}, badRange(s, fmt.Sprintf("cannot read %q", rest))
			}
			b, pre, err := comparison(m[1], m[2])
			if err != nil {
				return Range{}, badRange(s, err.Error())
			}
			bounds = append(bounds, b...)
			r.pre = r.pre || pre
			rest = rest[len(m[0]):]
		}
		r.any = append(r.any, bounds)
	}
	return r, nil
}

func badRange(s, why string) error {
	return fmt.Errorf("%q is not a range of versions: %s; write ~1.4, ^1 or >=1.2 <2", s, why)
}

// comparison turns one comparison into bounds.
func comparison(op, text string) (bounds []bound, pre bool, err error) {
	numbers, rest, tagged := strings.Cut(text, "-")
	fixed := strings.Split(numbers, ".")
	for i, n := range fixed {
		if strings.ContainsAny(n, "xX*") {
			if strings.ContainsAny(strings.Join(fixed[i:], ""), "0123456789") || tagged {
				return nil, false, fmt.Errorf("in %q a number follows a free one", text)
			}
			fixed = fixed[:i]
			break
		}
	}
	if len(fixed) == 0 || fixed[0] == "" {
		if op != "" && op != "=" && op != ">=" {
			return nil, false, fmt.Errorf("%q holds no version", op+text)
		}
		return nil, false, nil
	}
	low := strings.Join(fixed, ".")
	if tagged {
		low += "-" + rest
	}
	v, ok := parseVersion(low)
	if !ok || v.suffix != "" {
		return nil, false, fmt.Errorf("%q is not a version with a known pre-release", text)
	}
	from := bound{v: v, include: true}
	switch op {
	case ">=":
		bounds = []bound{from}
	case "<":
		bounds = []bound{{v: v, less: true}}
	case ">":
		if len(v.numbers) < 3 {
			bounds = []bound{{v: after(v, len(v.numbers)-1), include: true}}
		} else {
			bounds = []bound{{v: v}}
		}
	case "<=":
		if len(v.numbers) < 3 {
			bounds = []bound{{v: after(v, len(v.numbers)-1), less: true}}
		} else {
			bounds = []bound{{v: v, less: true, include: true}}
		}
	case "~":
		bounds = []bound{from, {v: after(v, min(1, len(v.numbers)-1)), less: true}}
	case "^":
		bounds = []bound{from, {v: after(v, firstNonZero(v)), less: true}}
	default:
		if len(v.numbers) < 3 {
			bounds = []bound{from, {v: after(v, len(v.numbers)-1), less: true}}
		} else {
			bounds = []bound{from, {v: v, less: true, include: true}}
		}
	}
	return bounds, len(v.pre) > 0, nil
}

// firstNonZero is the index of the number that ^ keeps, the last one when all
// are 0.
func firstNonZero(v version) int {
	for i, n := range v.numbers {
		if n != "" {
			return i
		}
	}
	return len(v.numbers) - 1
}

// after is the first version with a higher number at index i.
func after(v version, i int) version {
	out := version{numbers: append([]string{}, v.numbers[:i+1]...)}
	out.numbers[i] = increment(out.numbers[i])
	return out
}

// increment adds one to a decimal of any length without leading zeros.
func increment(n string) string {
	digits := []byte("0" + n)
	for i := len(digits) - 1; ; i-- {
		if digits[i] < '9' {
			digits[i]++
			break
		}
		digits[i] = '0'
	}
	return strings.TrimLeft(string(digits), "0")
}

func (r Range) allows(v version) bool {
	if len(r.any) == 0 {
		return true
	}
	for _, bounds := range r.any {
		ok := true
		for _, b := range bounds {
			ok = ok && b.allows(v)
		}
		if ok {
			return true
		}
	}
	return false
}

func (b bound) allows(v version) bool {
	c := v.compare(b.v)
	if b.less && !b.include && len(b.v.pre) == 0 {
		// 2.0.0-rc.1 is older than 2.0.0, but nobody who writes <2 means it.
		return compareNumbers(v.numbers, b.v.numbers) < 0
	}
	switch {
	case c == 0:
		return b.include
	case b.less:
		return c < 0
	}
	return c > 0
}
