package registry

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestNewest(t *testing.T) {
	released := []string{"latest", "main", "1", "1.4", "1.4.0", "1.4.1", "1.4.10", "1.4.9", "1.5.0-rc.1", "1.5.0-alpine", "2.0.0", "v2.1.0", "sha-1a2b3c4", "20261101"}
	for _, c := range []struct {
		name, current, rng string
		pre                bool
		tags               []string
		want               string
	}{
		{name: "newest", current: "1.4.0", tags: released, want: "2.0.0"},
		{name: "number by number", current: "1.4.0", rng: "~1.4", tags: released, want: "1.4.10"},
		{name: "nothing newer", current: "2.0.0", tags: released},
		{name: "nothing newer than what is not listed", current: "3.0.0", tags: released},
		{name: "caret", current: "1.4.0", rng: "^1", tags: released, want: "1.4.10"},
		{name: "bounds", current: "1.4.0", rng: ">=1.2 <1.4.10", tags: released, want: "1.4.9"},
		{name: "alternatives", current: "1.4.0", rng: "1.4.1 || 2.x", tags: released, want: "2.0.0"},
		{name: "current outside the range", current: "1.0.0", rng: "~1.4", tags: released, want: "1.4.10"},
		{name: "range below current", current: "2.0.0", rng: "~1.4", tags: released},
		{name: "precision two", current: "1.3", tags: released, want: "1.4"},
		{name: "precision one is no date", current: "0", tags: released, want: "1"},
		{name: "prefix kept", current: "v2.0.0", tags: released, want: "v2.1.0"},
		{name: "suffix kept", current: "1.4.0-alpine", tags: released, want: "1.5.0-alpine"},
		{name: "other suffix", current: "1.4.0-bookworm", tags: released},
		{name: "suffix with version", current: "1.4.0-alpine3.20", tags: []string{"1.5.0-alpine3.21", "1.5.0-alpine"}},
		{name: "floating", current: "latest", tags: released},
		{name: "commit", current: "1a2b3c4", tags: []string{"2a2b3c4"}},
		{name: "branch", current: "main", tags: released},
		{name: "empty", current: "", tags: released},
		{name: "pre-release asked for", current: "1.4.10", rng: "^1.4", pre: true, tags: released, want: "1.5.0-rc.1"},
		{name: "pre-release in the range", current: "1.4.10", rng: ">=1.5.0-rc.1 <2", tags: released, want: "1.5.0-rc.1"},
		{name: "release preferred to pre-release", current: "1.5.0-beta.1", tags: released, want: "2.0.0"},
		{name: "pre-release to pre-release", current: "1.5.0-beta.1", rng: "^1", tags: released, want: "1.5.0-rc.1"},
		{name: "pre-release of the upper bound", current: "1.4.0-rc.1", rng: "<2", tags: []string{"2.0.0-rc.1"}},
		{name: "pre-releases count", current: "1.0.0-rc.9", tags: []string{"1.0.0-rc.10", "1.0.0-rc.8"}, want: "1.0.0-rc.10"},
		{name: "pre-release and suffix", current: "1.0.0-rc.1-alpine", tags: []string{"1.0.0-rc.2", "1.0.0-rc.2-alpine"}, want: "1.0.0-rc.2-alpine"},
		{name: "attached pre-release", current: "3.14.0b1", tags: []string{"3.14.0rc1", "3.14.0a9", "3.14.0b2"}, want: "3.14.0rc1"},
		{name: "attached pre-release is none to a release", current: "3.13.0", tags: []string{"3.14.0rc1"}},
		{name: "Java build", current: "8.0.352-b08", tags: []string{"8.0.400-b08", "8.0.500-b01"}, want: "8.0.400-b08"},
		{name: "variant", current: "1.2.0-dev", tags: []string{"1.3.0", "1.3.0-dev"}, want: "1.3.0-dev"},
		{name: "variant is none to a release", current: "1.2.0", tags: []string{"1.3.0-dev", "1.3.0-SNAPSHOT"}},
		{name: "numbered snapshots", current: "1.2.0-dev.9", tags: []string{"1.2.0-dev.10"}, want: "1.2.0-dev.10"},
		{name: "Spring", current: "2.1.0.RELEASE", tags: []string{"2.2.0.RELEASE", "2.3.0.M1"}, want: "2.2.0.RELEASE"},
		{name: "calendar versions", current: "2026.9.2", tags: []string{"2026.11.0", "2026.10.30", "3.0.0"}, want: "2026.11.0"},
		{name: "no calendar version after a semantic one", current: "1.9", tags: []string{"2026.1"}},
		{name: "dates", current: "20261101", tags: []string{"20261122", "20260101", "2026112"}, want: "20261122"},
		{name: "build numbers", current: "999", tags: []string{"1000", "998", "1999", "20010101"}, want: "1999"},
		{name: "dashed dates", current: "2026-11-01", tags: []string{"2026-11-22"}},
		{name: "leading zeros", current: "22.04", tags: []string{"22.10", "24.04"}, want: "24.04"},
		{name: "huge numbers", current: "1.0.99999999999999999999", tags: []string{"1.0.100000000000000000000"}, want: "1.0.100000000000000000000"},
		{name: "same version, other spelling", current: "1.2", tags: []string{"1.02", "01.2"}},
		{name: "helm build metadata", current: "1.2.0_build1", tags: []string{"1.3.0_build1", "1.3.0"}, want: "1.3.0_build1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := ParseRange(c.rng)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := Newest(c.current, c.tags, Policy{Range: r, PreReleases: c.pre})
			if got != c.want || ok != (c.want != "") {
				t.Errorf("Newest(%q) = %q, %v; want %q", c.current, got, ok, c.want)
			}
		})
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct {
		rng     string
		in, out []string
	}{
		{"~1.4", []string{"1.4.0", "1.4.99", "1.4"}, []string{"1.3.9", "1.5.0", "1.5.0-rc.1", "1.4.0-rc.1"}},
		{"~1.4.2", []string{"1.4.2", "1.4.3"}, []string{"1.4.1", "1.5.0"}},
		{"~1", []string{"1.0.0", "1.99.0"}, []string{"2.0.0"}},
		{"^1.2.3", []string{"1.2.3", "1.9.0"}, []string{"1.2.2", "2.0.0", "2.0.0-rc.1"}},
		{"^0.2.3", []string{"0.2.3", "0.2.9"}, []string{"0.3.0"}},
		{"^0.0.3", []string{"0.0.3"}, []string{"0.0.4"}},
		{"^0", []string{"0.9.0"}, []string{"1.0.0"}},
		{"1.4", []string{"1.4.0", "1.4.7"}, []string{"1.5.0"}},
		{"1.4.x", []string{"1.4.0", "1.4.7"}, []string{"1.5.0"}},
		{"=1.4.2", []string{"1.4.2"}, []string{"1.4.3", "1.4.1"}},
		{"*", []string{"0.0.1", "99"}, nil},
		{"", []string{"0.0.1", "99"}, nil},
		{">1.4", []string{"1.5.0"}, []string{"1.4.9"}},
		{">1.4.2", []string{"1.4.3"}, []string{"1.4.2"}},
		{"<=1.4", []string{"1.4.9"}, []string{"1.5.0"}},
		{"<=1.4.2", []string{"1.4.2"}, []string{"1.4.3"}},
		{">= 1.2, <2", []string{"1.2.0", "1.99"}, []string{"2.0.0", "1.1.9"}},
		{"<1 || >=3", []string{"0.9.0", "3.0.0"}, []string{"1.0.0", "2.0.0"}},
		{"2026.11", []string{"2026.11.3"}, []string{"2026.12.0"}},
		{"^9", []string{"9.9.9"}, []string{"10.0.0"}},
	} {
		r, err := ParseRange(c.rng)
		if err != nil {
			t.Errorf("ParseRange(%q): %v", c.rng, err)
			continue
		}
		check := func(tags []string, want bool) {
			for _, tag := range tags {
				v, ok := parseVersion(tag)
				if !ok {
					t.Fatalf("%q is no version", tag)
				}
				if r.allows(v) != want {
					t.Errorf("range %q, version %s: %v, want %v", c.rng, tag, !want, want)
				}
			}
		}
		check(c.in, true)
		check(c.out, false)
	}
	for _, bad := range []string{"banana", "~", "||", "1 ||", ">=", "1.x.3", ">*", "1.2-alpine", "1.2 - 1.4", ">=1<2"} {
		if r, err := ParseRange(bad); err == nil {
			t.Errorf("ParseRange(%q) = %v; want an error", bad, r)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
		ok   bool
	}{
		{"1.4.1", "1.4.2", -1, true}, {"1.4.10", "1.4.9", 1, true}, {"v1.2.0", "1.2.0", 0, true},
		{"1.4", "1.4.1", -1, true}, {"1.2.0-rc.1", "1.2.0", -1, true},
		{"1.0.0-alpha", "1.0.0-alpha.1", -1, true}, {"1.0.0-alpha.1", "1.0.0-beta", -1, true},
		{"latest", "1.0", 0, false}, {"1.2-alpine", "1.2", 0, false}, {"1.2", "2026.1", 0, false},
	} {
		if got, ok := Compare(c.a, c.b); got != c.want || ok != c.ok {
			t.Errorf("Compare(%q, %q) = %d, %v; want %d, %v", c.a, c.b, got, ok, c.want, c.ok)
		}
	}
}

// The choice is one of the tags, newer than the current one, as compatible as
// it, and does not depend on the order of the tags.
func FuzzNewest(f *testing.F) {
	f.Add("1.4.0", "latest 1.4.1 1.5.0-rc.1 v2 2.0.0-alpine 20261101 1.4", "~1.4", false, uint64(1))
	f.Add("v1.0.0-rc.1", "v1.0.0 v1.0.0-rc.2 1b23456 v1.0.0-rc2", "", true, uint64(2))
	f.Add("22.04", "22.4 22.04 24.04 24.4", ">=22 || ^0", false, uint64(3))
	f.Add("3.1.0a1", "3.1.0b1 3.1.0a01 3.1.0.a1", "*", false, uint64(4))
	f.Fuzz(func(t *testing.T, current, list, rng string, pre bool, seed uint64) {
		r, err := ParseRange(rng)
		if err != nil {
			return
		}
		p := Policy{Range: r, PreReleases: pre}
		tags := slices.DeleteFunc(splitTags(list), func(s string) bool { return s == "" })
		got, ok := Newest(current, tags, p)
		shuffled := slices.Clone(tags)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(shuffled), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		if again, _ := Newest(current, shuffled, p); again != got {
			t.Fatalf("seed %d: the order of the tags matters: %q or %q", seed, got, again)
		}
		if !ok {
			if got != "" {
				t.Fatalf("not ok, but %q", got)
			}
			return
		}
		if !slices.Contains(tags, got) {
			t.Fatalf("%q is not in the list %q", got, tags)
		}
		if order, comparable := Compare(got, current); !comparable || order <= 0 {
			t.Fatalf("%q is not newer than %q", got, current)
		}
		cur, _ := parseVersion(current)
		v, _ := parseVersion(got)
		if v.prefix != cur.prefix || v.suffix != cur.suffix || len(v.numbers) != len(cur.numbers) {
			t.Fatalf("%q is not compatible with %q", got, current)
		}
		if len(v.pre) > 0 && len(cur.pre) == 0 && !pre && !r.pre {
			t.Fatalf("%q is a pre-release, %q is none", got, current)
		}
		if next, more := Newest(got, tags, p); more {
			if order, _ := Compare(next, got); order <= 0 {
				t.Fatalf("after %q comes %q, which is not newer", got, next)
			}
		}
	})
}

func splitTags(list string) []string {
	var out []string
	start := 0
	for i := 0; i <= len(list); i++ {
		if i == len(list) || list[i] == ' ' {
			out = append(out, list[start:i])
			start = i + 1
		}
	}
	return out
}

// Versions are totally ordered: otherwise the newest one is a matter of luck.
func FuzzCompare(f *testing.F) {
	f.Add("1.2.0", "1.2.0-rc.1", "1.2.0-rc1")
	f.Add("1.2.0b2", "1.2.0-beta.2", "1.2.0-2")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, ok1 := Compare(a, b)
		bc, ok2 := Compare(b, c)
		ac, ok3 := Compare(a, c)
		if ba, ok := Compare(b, a); ok != ok1 || ba != -ab {
			t.Fatalf("Compare(%q, %q) = %d, the other way round %d", a, b, ab, ba)
		}
		if ok1 && ok2 && ok3 && ab <= 0 && bc <= 0 && ac > 0 {
			t.Fatalf("%q <= %q <= %q, but the first is newer than the last", a, b, c)
		}
	})
}
