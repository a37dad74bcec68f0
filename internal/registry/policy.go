package registry

// Policy says which tags are an upgrade. The zero value takes every newer one.
type Policy struct {
	Range Range // versions that may be proposed
	// PreReleases also proposes pre-releases to an image that runs a release.
	PreReleases bool
}

// Newest is the tag that current should be upgraded to, one of tags and newer
// than current; ok is false when there is none. It orders semantic versions,
// calendar versions and build numbers alike, number by number, and
//
//   - keeps the precision (1.4 becomes 1.5, never 1.5.0), the prefix "v", and
//     the suffix, which says what the image is compatible with (1.4.0-alpine
//     becomes 1.5.0-alpine only);
//   - proposes a pre-release only to an image that runs one and for which no
//     newer release exists, or where the policy asks for them;
//   - never proposes a tag that is no version (latest, main, a commit), and
//     nothing for an image that runs one.
func Newest(current string, tags []string, p Policy) (tag string, ok bool) {
	cur, ok := parseVersion(current)
	if !ok {
		return "", false
	}
	var release, pre version
	for _, t := range tags {
		v, ok := parseVersion(t)
		if !ok || !v.comparable(cur) || v.compare(cur) <= 0 || !p.Range.allows(v) {
			continue
		}
		best := &release
		if len(v.pre) > 0 {
			best = &pre
		}
		// Tags that mean the same version: the choice must not depend on
		// the order in which the registry lists them.
		if c := v.compare(*best); best.tag == "" || c > 0 || c == 0 && v.tag < best.tag {
			*best = v
		}
	}
	wanted := p.PreReleases || p.Range.pre
	switch {
	case wanted && pre.tag != "" && (release.tag == "" || pre.compare(release) > 0):
		return pre.tag, true
	case release.tag != "":
		return release.tag, true
	case pre.tag != "" && len(cur.pre) > 0:
		return pre.tag, true
	}
	return "", false
}

// Compare orders two tags of one image: negative when a is older than b. ok is
// false when they cannot be compared: one of them is no version, or they
// differ in suffix or in kind. Unlike in an upgrade, precision may differ.
func Compare(a, b string) (order int, ok bool) {
	x, xok := parseVersion(a)
	y, yok := parseVersion(b)
	if !xok || !yok || x.suffix != y.suffix || x.dated != y.dated {
		return 0, false
	}
	return x.compare(y), true
}
