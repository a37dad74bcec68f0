package registry

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// version is a tag read as a version: "v1.4.2-rc.1-alpine" is prefix "v",
// numbers 1 4 2, pre-release "rc.1" and suffix "-alpine".
type version struct {
	tag     string
	prefix  string   // "v", "V" or nothing
	numbers []string // decimal, without leading zeros; at least one
	dated   bool     // the first number is a year or a date
	pre     []string // runs of letters and of digits, in lower case
	suffix  string   // what the image is compatible with, as it is written
}

var (
	versionTag = regexp.MustCompile(`^([vV]?)([0-9]+(?:\.[0-9]+)*)(.*)$`)
	commitHash = regexp.MustCompile(`^[0-9a-f]{7,40}$`)
	// counted starts a pre-release that counts towards a release.
	counted = regexp.MustCompile(`^(?:alpha|beta|rc|cr|pre|preview|prerelease|ea|milestone)(?:[0-9.]|$)|^m[0-9]`)
	// channel names a stream of builds. Alone it is a variant of the image
	// ("1.2.0-dev", "2.0-SNAPSHOT"), with a number it is a pre-release.
	channel = regexp.MustCompile(`^(?:dev|snapshot|nightly|canary|next|unstable|insiders)[.]?[0-9]`)
	// attached is how Python writes pre-releases: "3.15.0b2".
	attached = regexp.MustCompile(`^(?:a|b|c|alpha|beta|rc|cr|pre|preview|dev)\.?[0-9]*(?:[-_]|$)`)
	runs     = regexp.MustCompile(`[0-9]+|[a-z]+`)
)

// parseVersion reads a tag. Floating tags ("latest", "main") and commit hashes
// are no versions.
func parseVersion(tag string) (version, bool) {
	m := versionTag.FindStringSubmatch(tag)
	if m == nil || commitHash.MatchString(tag) && strings.ContainsAny(tag, "abcdef") {
		return version{}, false
	}
	v := version{tag: tag, prefix: m[1]}
	for _, n := range strings.Split(m[2], ".") {
		v.numbers = append(v.numbers, strings.TrimLeft(n, "0"))
	}
	v.dated = isDated(m[2])
	return v, v.parseRest(m[3])
}

// isDated tells calendar versions from others: a date of eight digits or more,
// or a year before a dot. 1.9 must not be followed by a stray tag 20190301.
func isDated(numbers string) bool {
	first, _, dotted := strings.Cut(numbers, ".")
	if dotted {
		return len(first) == 4 && first >= "1900" && first < "3000"
	}
	return len(first) >= 8
}

// parseRest splits what follows the numbers into pre-release and suffix.
func (v *version) parseRest(rest string) bool {
	if rest == "" {
		return true
	}
	bare := !strings.ContainsRune("-_.", rune(rest[0]))
	if bare {
		if !attached.MatchString(strings.ToLower(rest)) {
			return false
		}
		rest = "-" + rest
	}
	var suffix strings.Builder
	open := false // the segment before belongs to the pre-release
	for first := true; rest != ""; first = false {
		end := len(rest)
		if i := strings.IndexAny(rest[1:], "-_"); i >= 0 {
			end = i + 1
		}
		segment := strings.ToLower(rest[1:end])
		// The pre-release stands before the suffix: in 1.2-alpine-rc.1 it
		// is the base image that is not released.
		open = first && (bare || counted.MatchString(segment) || channel.MatchString(segment)) ||
			open && isNumber(segment)
		if open {
			v.pre = append(v.pre, runs.FindAllString(segment, -1)...)
		} else {
			suffix.WriteString(rest[:end])
		}
		rest = rest[end:]
	}
	v.suffix = suffix.String()
	return true
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// comparable reports whether one may stand in for the other: the same prefix,
// the same precision, the same suffix, and both or neither a date. The suffix
// is a matter of compatibility: 1.2.0-alpine does not become 1.3.0.
func (v version) comparable(o version) bool {
	return v.prefix == o.prefix && len(v.numbers) == len(o.numbers) && v.suffix == o.suffix && v.dated == o.dated
}

func (v version) compare(o version) int {
	return cmp.Or(compareNumbers(v.numbers, o.numbers), comparePre(v.pre, o.pre))
}

// compareNumbers compares number by number; one that is missing counts as 0.
func compareNumbers(a, b []string) int {
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if c := compareNumber(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// compareNumber compares decimals without leading zeros, of any length.
func compareNumber(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// comparePre follows semver.org, rule 11: none is newest, numbers are older
// than words, more identifiers are newer.
func comparePre(a, b []string) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return cmp.Compare(len(b), len(a))
	}
	return slices.CompareFunc(a, b, func(x, y string) int {
		switch nx, ny := isNumber(x), isNumber(y); {
		case nx && ny:
			return compareNumber(strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0"))
		case nx:
			return -1
		case ny:
			return 1
		}
		return strings.Compare(x, y)
	})
}
