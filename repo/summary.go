package repo

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fairtide-dev/fairtide/internal/mask"
	"github.com/fairtide-dev/fairtide/model"
)

// difference is a value that two versions of an object do not share. A side
// that does not have it is gone.
type difference struct {
	path     []string
	old, now any
}

// gone stands for a value that one side does not have; nil is a value.
type gone struct{}

func (d difference) key() string { return d.path[len(d.path)-1] }

// differences lists the leaves that differ, in the order of their paths. List
// items are paired by their name where all of them have one.
func differences(old, now map[string]any) []difference {
	var out []difference
	compare(nil, old, now, &out)
	return out
}

func compare(p []string, old, now any, out *[]difference) {
	switch o := old.(type) {
	case map[string]any:
		if n, ok := now.(map[string]any); ok {
			compareMaps(p, o, n, out)
			return
		}
	case []any:
		if n, ok := now.([]any); ok {
			if om, nm := byName(o), byName(n); om != nil && nm != nil {
				compareMaps(p, om, nm, out)
				if !slices.Equal(names(o), names(n)) && len(om) == len(nm) && sameKeys(om, nm) {
					*out = append(*out, difference{p, o, n}) // only the order
				}
				return
			}
			if len(o) == len(n) {
				for i := range o {
					compare(join(p, strconv.Itoa(i)), o[i], n[i], out)
				}
				return
			}
		}
	}
	if !reflect.DeepEqual(old, now) {
		*out = append(*out, difference{p, old, now})
	}
}

func compareMaps(p []string, old, now map[string]any, out *[]difference) {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(old)), maps.Keys(now))
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		o, hasOld := old[k]
		n, hasNow := now[k]
		switch {
		case !hasOld:
			*out = append(*out, difference{join(p, k), gone{}, n})
		case !hasNow:
			*out = append(*out, difference{join(p, k), o, gone{}})
		default:
			compare(join(p, k), o, n, out)
		}
	}
}

func join(p []string, k string) []string { return append(slices.Clip(p), k) }

// byName indexes a list by its items' names; nil when they have none or one
// comes twice.
func byName(list []any) map[string]any {
	m := make(map[string]any, len(list))
	for _, name := range names(list) {
		if name == "" {
			return nil
		}
	}
	for i, name := range names(list) {
		if _, again := m[name]; again {
			return nil
		}
		m[name] = list[i]
	}
	return m
}

func names(list []any) []string {
	out := make([]string, len(list))
	for i, item := range list {
		m, _ := item.(map[string]any)
		out[i], _ = m["name"].(string)
	}
	return out
}

func sameKeys(a, b map[string]any) bool {
	for k := range a {
		if _, ok := b[k]; !ok {
			return false
		}
	}
	return true
}

// summarize says in a few words how an object changes; of a Secret never a
// value.
func summarize(id model.ObjectID, diffs []difference) string {
	if id.Kind == "Secret" {
		return count(len(diffs))
	}
	var images, others []difference
	for _, d := range diffs {
		if _, isText := d.now.(string); isText && d.key() == "image" {
			images = append(images, d)
		} else {
			others = append(others, d)
		}
	}
	switch said := imageWords(images); {
	case said != "" && len(others) == 0:
		return said
	case said != "":
		return said + " and " + count(len(others))
	case len(others) == 1:
		return one(others[0])
	}
	return count(len(diffs))
}

func count(n int) string {
	if n == 1 {
		return "1 field"
	}
	return fmt.Sprintf("%d fields", n)
}

// imageWords summarizes changed images; those that all go from one version to
// the same other one are one.
func imageWords(images []difference) string {
	said := ""
	for _, d := range images {
		old, isText := d.old.(string)
		now, _ := d.now.(string)
		if !isText {
			return ""
		}
		words := "image " + old + " → " + now
		oldRepo, oldTag := splitImage(old)
		nowRepo, nowTag := splitImage(now)
		switch {
		case oldRepo != nowRepo || oldTag == "" || nowTag == "":
		case oldTag == nowTag:
			words = "image " + nowTag + ", another digest"
		default:
			words = "image " + oldTag + " → " + nowTag
		}
		if !printable(words) {
			return ""
		}
		if said != "" && said != words {
			return fmt.Sprintf("%d images", len(images))
		}
		said = words
	}
	return said
}

// splitImage splits off what says which version of a repository an image is:
// its tag, and without one its digest.
func splitImage(image string) (repository, version string) {
	name, tag, digest := imageParts(image)
	if tag != "" {
		return name, tag
	}
	if algorithm, hex, ok := strings.Cut(digest, ":"); ok {
		const shown = 12
		return name, algorithm + ":" + hex[:min(len(hex), shown)]
	}
	return name, ""
}

// one summarizes a single difference.
func one(d difference) string {
	if _, isIndex := strconv.Atoi(d.key()); isIndex == nil && len(d.path) > 1 {
		d.path = d.path[:len(d.path)-1]
	}
	if n := len(d.path); n > 2 && d.path[n-1] == "value" && d.path[n-3] == "env" {
		d.path = d.path[:len(d.path)-1]
	}
	key := d.key()
	if key == mask.LastApplied {
		return count(1) // it can hold a Secret
	}
	if old, ok := d.old.(string); ok {
		if now, ok := d.now.(string); ok && strings.ContainsRune(old+now, '\n') {
			return lineWords(key, old, now)
		}
	}
	old, okOld := scalarText(d.old)
	now, okNow := scalarText(d.now)
	_, added := d.old.(gone)
	_, removed := d.now.(gone)
	switch {
	case !short(key):
	case removed:
		return key + " removed"
	case added && okNow:
		return key + " " + now + " added"
	case added:
		return key + " added"
	case okOld && okNow:
		return key + " " + old + " → " + now
	}
	return count(1)
}

// lineWords summarizes a text in which one line changed that is a setting.
func lineWords(key, old, now string) string {
	a, b := strings.Split(old, "\n"), strings.Split(now, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) == 1 && len(b) == 1 {
		for _, sep := range []string{"=", ":"} {
			name, was, ok := strings.Cut(a[0], sep)
			same, is, ok2 := strings.Cut(b[0], sep)
			name, was, is = strings.TrimSpace(name), strings.TrimSpace(was), strings.TrimSpace(is)
			if ok && ok2 && name == strings.TrimSpace(same) && short(name) && short(was) && short(is) {
				return name + " " + was + " → " + is
			}
		}
	}
	if n := max(len(a), len(b)); short(key) {
		if n == 1 {
			return key + ": 1 line"
		}
		return fmt.Sprintf("%s: %d lines", key, n)
	}
	return count(1)
}

func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, short(v)
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// short reports whether a text can stand in a summary: on one line and printed
// as it is.
func short(s string) bool {
	const longest = 60
	return s != "" && utf8.RuneCountInString(s) <= longest && printable(s)
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
