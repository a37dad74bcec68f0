package chart

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// functions replace those of helm that do not give the same twice. What a
// chart renders with them cannot be reviewed, so it is found out and refused:
// two renders, the second one with other, differ wherever such a value is in
// the output. That the values are not random makes the finding certain, and
// keeps a chart from making keys by the hundred.
//
// keys and values give their lists in the order of the keys, where helm gives
// any order.
func functions(other bool) template.FuncMap {
	pick := func(a, b string) string {
		if other {
			return b
		}
		return a
	}
	now := func() time.Time {
		if other {
			return time.Now().Add(400*24*time.Hour + time.Hour + time.Minute + time.Second)
		}
		return time.Now()
	}
	f := template.FuncMap{
		"now": now,
		"ago": func(date any) string { return now().Sub(timeOf(date, now)).Round(time.Second).String() },
		"uuidv4": func() string {
			return pick("00000000-0000-4000-8000-000000000000", "11111111-1111-4111-8111-111111111111")
		},
		"randInt": func(low, high int) (int, error) {
			switch {
			case high <= low:
				return 0, errors.New("randInt needs a range")
			case other:
				return high - 1, nil
			}
			return low, nil
		},
		"shuffle": func(s string) string {
			r := []rune(s)
			if slices.Sort(r); other {
				slices.Reverse(r)
			}
			return string(r)
		},
		"randBytes": func(n int) (string, error) { return filled(pick("YWFh", "YmJi"), (n+2)/3) },
		"bcrypt":    func(string) string { return pick("bcrypt-a", "bcrypt-b") },
		"htpasswd": func(user, _ string) string {
			return user + ":" + pick("bcrypt-a", "bcrypt-b")
		},
		"keys":   sortedKeys,
		"values": sortedValues,
	}
	for name, pair := range map[string][2]string{
		"randAlphaNum": {"a", "b"}, "randAlpha": {"a", "b"}, "randAscii": {"a", "b"}, "randNumeric": {"1", "2"},
	} {
		f[name] = func(n int) (string, error) { return filled(pick(pair[0], pair[1]), n) }
	}
	maps.Copy(f, keyFunctions(pick("a", "b")))
	return f
}

// certificate is what templates get of the functions that make one.
type certificate struct{ Cert, Key string }

func keyFunctions(mark string) template.FuncMap {
	made := certificate{Cert: "certificate-" + mark, Key: "key-" + mark}
	return template.FuncMap{
		"genPrivateKey":            func(string) string { return made.Key },
		"genCA":                    func(string, int) certificate { return made },
		"genCAWithKey":             func(string, int, string) certificate { return made },
		"genSelfSignedCert":        func(string, []any, []any, int) certificate { return made },
		"genSelfSignedCertWithKey": func(string, []any, []any, int, string) certificate { return made },
		"genSignedCert":            func(string, []any, []any, int, certificate) certificate { return made },
		"genSignedCertWithKey":     func(string, []any, []any, int, certificate, string) certificate { return made },
		"buildCustomCert":          customCert,
	}
}

// customCert is helm's own function with a result that the others take.
func customCert(cert, key string) (certificate, error) {
	f := reflect.ValueOf(sprig.TxtFuncMap()["buildCustomCert"])
	out := f.Call([]reflect.Value{reflect.ValueOf(cert), reflect.ValueOf(key)})
	if err, ok := out[1].Interface().(error); ok {
		return certificate{}, err
	}
	return certificate{Cert: out[0].FieldByName("Cert").String(), Key: out[0].FieldByName("Key").String()}, nil
}

// maxRandom is the longest random text a template may ask for.
const maxRandom = 1 << 20

func filled(s string, n int) (string, error) {
	if n < 0 || n > maxRandom {
		return "", fmt.Errorf("a random text of %d characters", n)
	}
	return strings.Repeat(s, n), nil
}

func timeOf(date any, now func() time.Time) time.Time {
	switch d := date.(type) {
	case time.Time:
		return d
	case int64:
		return time.Unix(d, 0)
	case int:
		return time.Unix(int64(d), 0)
	}
	return now()
}

func sortedKeys(dicts ...map[string]any) []string {
	all := []string{} // not nil, which is null in JSON
	for _, d := range dicts {
		all = append(all, slices.Sorted(maps.Keys(d))...)
	}
	return all
}

func sortedValues(dict map[string]any) []any {
	all := []any{}
	for _, k := range slices.Sorted(maps.Keys(dict)) {
		all = append(all, dict[k])
	}
	return all
}
