package userconfig

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var known = Known{
	Themes: []string{"auto", "dark"}, Tokens: []string{"good", "old-word"},
	IsColour: func(s string) bool { return strings.HasPrefix(s, "#") },
}

func TestParse(t *testing.T) {
	got, problems := Parse("c", []byte(`
# mine
theme: dark
colors: {good: "#00ff00"}
ascii: true
mouse: false
keys:
  review:
    ship: [S, f2]
    publish: []
  home:
    ship: "!"
    windows: 1
`), known)
	want := Config{
		Theme: "dark", Colours: map[string]string{"good": "#00ff00"}, ASCII: true, NoMouse: true,
		Keys: []Binding{{"review", "ship", []string{"S", "f2"}, 9}, {"review", "publish", nil, 10},
			{"home", "ship", []string{"!"}, 12}, {"home", "windows", []string{"1"}, 13}},
	}
	if len(problems) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v\nproblems %q", got, want, problems)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "{}", "keys: {}\n"} {
		if c, problems := Parse("c", []byte(empty), known); len(problems) > 0 || !reflect.DeepEqual(c, Config{}) {
			t.Errorf("%q gives %+v, %q", empty, c, problems)
		}
	}
}

func TestParseSaysWhatIsWrongAndWhere(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a key":             {"\nthme: dark", `c:2: unknown key "thme"; did you mean "theme"?`},
		"far from any":      {"zzzzzz: 1", "c:1: unknown key \"zzzzzz\"; known are keys, theme, colors, ascii, mouse"},
		"a theme":           {"theme: drak", `c:1: unknown theme "drak"; did you mean "dark"?`},
		"a token":           {"colors: {god: '#fff000'}", `c:1: unknown colors "god"; did you mean "good"?`},
		"a colour":          {"colors:\n  good: red", `c:2: colors: good must be a colour`},
		"a bare colour":     {"colors:\n  good: #00ff00", `c:2: colors: good must be a colour`},
		"a truth value":     {"ascii: yes please", "c:1: ascii must be true or false"},
		"another one":       {"mouse: 1", "c:1: mouse must be true or false"},
		"a list":            {"- theme", "c:1: the file must be a mapping"},
		"keys":              {"keys: [s]", "c:1: keys must be a mapping"},
		"a scope":           {"keys: {review: s}", "c:1: keys: review must be a mapping"},
		"a mapping":         {"keys: {review: {ship: {a: b}}}", "c:1: keys: review: ship must be a key or a list of keys"},
		"a list in one":     {"keys: {review: {ship: [[s]]}}", "must be a key or a list of keys"},
		"twice":             {"theme: dark\ntheme: auto", `c:2: the file: "theme" is there twice, first in line 1`},
		"an action twice":   {"keys:\n  review: {ship: s, ship: S}", `c:2: keys: review: "ship" is there twice`},
		"two documents":     {"theme: dark\n---\ntheme: auto", "a second YAML document"},
		"no YAML":           {"theme: dark\n  keys: [", "c:2: not YAML"},
		"an unquoted !":     {"keys:\n  review: {ship: |}", "not YAML"},
		"an alias":          {"theme: &a dark\nkeys: *a", "c:2: keys must be a mapping"},
		"an escape":         {"\"\\e[2J\": 1", `unknown key`},
		"a key of a map":    {"{a: b}: c", "c:1: the file: a key must be a text"},
		"a theme of a list": {"theme: [dark]", "c:1: unknown theme"},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := Parse("c", []byte(c.text), known)
			all := strings.Join(problems, "\n")
			if !strings.Contains(all, c.want) || strings.ContainsAny(all, "\x1b") {
				t.Errorf("%q, want %q", problems, c.want)
			}
			if !reflect.DeepEqual(got, Config{}) {
				t.Errorf("a bad file sets %+v", got)
			}
		})
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct{ xdg, home, want string }{
		{"/x", "/h", "/x/fairtide/config.yaml"}, {"", "/h", "/h/.config/fairtide/config.yaml"},
		{"rel", "/h", "/h/.config/fairtide/config.yaml"}, {"", "", ""},
	} {
		env := map[string]string{"XDG_CONFIG_HOME": c.xdg, "HOME": c.home}
		if got := Path(func(name string) string { return env[name] }); got != c.want {
			t.Errorf("%+v gives %q", c, got)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"", filepath.Join(dir, "none.yaml")} {
		if c, problems := Read(path, known); len(problems) > 0 || !reflect.DeepEqual(c, Config{}) {
			t.Errorf("%q gives %+v, %q", path, c, problems)
		}
	}
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte("theme: dark"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, problems := Read(file, known); len(problems) > 0 || c.Theme != "dark" {
		t.Errorf("%+v, %q", c, problems)
	}
	if _, problems := Read(dir, known); len(problems) != 1 || !strings.Contains(problems[0], dir) {
		t.Errorf("a directory gives %q", problems)
	}
	if err := os.WriteFile(file, []byte("#"+strings.Repeat("x", largest)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, problems := Read(file, known); len(problems) != 1 || !strings.Contains(problems[0], "larger") {
		t.Errorf("a huge file gives %q", problems)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("keys: {review: {ship: [S]}}")
	f.Add("theme: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := Parse("c", []byte(text), known)
		if len(problems) > 0 && !reflect.DeepEqual(c, Config{}) {
			t.Errorf("a bad file sets %+v", c)
		}
		for _, p := range problems {
			if !strings.HasPrefix(p, "c:") || strings.ContainsAny(p, "\n\x1b") {
				t.Errorf("problem %q", p)
			}
		}
	})
}
