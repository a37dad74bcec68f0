package cluster

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// imageVersion is a tag that counts as a version: semantic versioning 2.0.0,
// with an optional leading v, and minor and patch numbers left out at will.
type imageVersion struct {
	numbers    [3]uint64
	prerelease string
}

var versionTag = regexp.MustCompile(`^v?([0-9]{1,18})(?:\.([0-9]{1,18}))?(?:\.([0-9]{1,18}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$`)

func parseVersion(tag string) (imageVersion, bool) {
	m := versionTag.FindStringSubmatch(tag)
	if m == nil {
		return imageVersion{}, false
	}
	v := imageVersion{prerelease: m[4]}
	for i := range v.numbers {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseUint(m[i+1], 10, 64)
		if err != nil {
			return imageVersion{}, false
		}
		v.numbers[i] = n
	}
	return v, true
}

// compare orders versions by precedence (semver 2.0.0, section 11).
func (v imageVersion) compare(o imageVersion) int {
	for i := range v.numbers {
		if c := cmp.Compare(v.numbers[i], o.numbers[i]); c != 0 {
			return c
		}
	}
	switch {
	case v.prerelease == o.prerelease:
		return 0
	case v.prerelease == "":
		return 1
	case o.prerelease == "":
		return -1
	}
	a, b := strings.Split(v.prerelease, "."), strings.Split(o.prerelease, ".")
	for i := range min(len(a), len(b)) {
		if c := comparePrerelease(a[i], b[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// comparePrerelease: numbers by value, below words; words by ASCII.
func comparePrerelease(a, b string) int {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(x, y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}

// splitImage separates an image reference into repository and tag. A digest is
// dropped; the tag is empty when there is none.
func splitImage(image string) (repository, tag string) {
	image, _, _ = strings.Cut(image, "@")
	slash := strings.LastIndexByte(image, '/') // a colon before it belongs to a port
	if colon := strings.LastIndexByte(image, ':'); colon > slash {
		return image[:colon], image[colon+1:]
	}
	return image, ""
}

// goesBackwards reports whether an image moves to an older version of the same
// repository. Tags that are no versions are not compared.
func goesBackwards(from, to string) bool {
	repoFrom, tagFrom := splitImage(from)
	repoTo, tagTo := splitImage(to)
	if repoFrom != repoTo {
		return false
	}
	a, okA := parseVersion(tagFrom)
	b, okB := parseVersion(tagTo)
	return okA && okB && b.compare(a) < 0
}
