package sanitize

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestLine(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":             {"petstore 1.4.2 (#42)", "petstore 1.4.2 (#42)"},
		"empty":             {"", ""},
		"colour":            {"a\x1b[31mred\x1b[0m", "ared"},
		"cursor":            {"a\x1b[2J\x1b[1;1Hb", "ab"},
		"bell and return":   {"a\ab\rc", "abc"},
		"title, BEL":        {"a\x1b]0;owned\ab", "ab"},
		"title, ST":         {"a\x1b]0;owned\x1b\\b", "ab"},
		"title, open":       {"a\x1b]0;rest stays", "a0;rest stays"},
		"DCS":               {"a\x1bPq#0\x1b\\b", "ab"},
		"charset":           {"a\x1b(0b", "ab"},
		"reset":             {"a\x1bcb", "ab"},
		"lone escape":       {"a\x1b", "a"},
		"CSI cut short":     {"a\x1b[12", "a"},
		"CSI broken off":    {"a\x1b[1\u00e9", "aé"},
		"C1 CSI":            {"a\u009b31mb", "ab"},
		"C1 OSC":            {"a\u009d0;x\u009cb", "ab"},
		"8-bit C1":          {"a\x9bb", "a\ufffdb"},
		"invalid":           {"a\xff\xfeb", "a\ufffd\ufffdb"},
		"bidi override":     {"a\u202eb", "a<U+202E>b"},
		"bidi isolate":      {"a\u2066b\u2069", "a<U+2066>b<U+2069>"},
		"zero width space":  {"a\u200bb", "a<U+200B>b"},
		"byte order mark":   {"\ufeffkind", "<U+FEFF>kind"},
		"soft hyphen":       {"a\u00adb", "a<U+00AD>b"},
		"tag":               {"a\U000e0041b", "a<U+E0041>b"},
		"hangul filler":     {"a\u3164b", "a<U+3164>b"},
		"line separator":    {"a\u2028b", "a<U+2028>b"},
		"heart":             {"\u2764\ufe0f", "\u2764"},
		"family":            {"\U0001f468\u200d\U0001f469", "\U0001f468\U0001f469"},
		"wide":              {"日本", "日本"},
		"accent":            {"e\u0301", "e\u0301"},
		"stacked accents":   {"e" + strings.Repeat("\u0301", 40), "e\u0301\u0301\u0301"},
		"accent on nothing": {"\u0301a", "a"},
		"tabs":              {"\ta\tb", "    a   b"},
		"line breaks":       {"a\r\nb\nc", "a b c"},
	} {
		if got := Line(c.in); got != c.want {
			t.Errorf("%s: Line(%q) = %q, want %q", name, c.in, got, c.want)
		}
	}
}

func TestTextKeepsLines(t *testing.T) {
	if got, want := Text("a:\r\n\tb\x1b[K\n"), "a:\n    b\n"; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"a", "\x1b[1m", "\x1b]8;;x\x1b\\", "\u009b1m", "é\u0301", "\x1b\x1b[", "\xc2", "\t\n", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line, text := Line(s), Text(s)
		for _, out := range []string{line, text} {
			if !utf8.ValidString(out) {
				t.Fatalf("%q gives invalid UTF-8 %q", s, out)
			}
			for _, r := range out {
				if r != '\n' && !unicode.IsGraphic(r) {
					t.Fatalf("%q keeps %U in %q", s, r, out)
				}
			}
		}
		if strings.Contains(line, "\n") {
			t.Fatalf("%q keeps a line feed", s)
		}
		if ansi.Strip(line) != line {
			t.Fatalf("%q keeps an escape sequence in %q", s, line)
		}
		if again := Line(line); again != line {
			t.Fatalf("%q is not settled: %q then %q", s, line, again)
		}
	})
}
