package action

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bind is what an operator's own configuration says about an action's keys.
type Bind struct {
	Scope Scope
	ID    ID
	Keys  []string // none: the palette only
	At    string   // where it says so: "config.yaml:4"
}

// essential are the actions without which somebody could be stuck.
func essential(id ID) bool {
	switch id {
	case Back, Exit, Cancel, CloseHelp, Choose, NextField:
		return true
	}
	return false
}

// typing reports that text is typed in a scope, so that its keys cannot be
// characters.
func typing(s Scope) bool { return s == Dialog || s == Prompt }

// Configure gives actions the keys of an operator's configuration. The problems
// say, each on a line that begins with where it is, what cannot be done; with
// any of them the result is of no use. suggest finds the one of some known words
// that was probably meant.
func Configure(actions []Action, binds []Bind, suggest func(word string, known []string) string) (out []Action, problems []string) {
	meant := func(word string, known []string) string {
		if s := suggest(word, known); s != "" {
			return fmt.Sprintf("; did you mean %q?", s)
		}
		return "; `fairtide help keys` lists them all"
	}
	out = slices.Clone(actions)
	from := make([]string, len(out)) // where the keys of each action are from; empty: they are the default
	for _, b := range binds {
		tell := func(format string, args ...any) {
			problems = append(problems, b.At+": "+fmt.Sprintf(format, args...))
		}
		i := slices.IndexFunc(out, func(a Action) bool { return a.Scope == b.Scope && a.ID == b.ID })
		switch {
		case !slices.Contains(Scopes[:], b.Scope):
			tell("unknown place %q%s", b.Scope, meant(string(b.Scope), scopeNames()))
			continue
		case i < 0:
			tell("unknown action %q in %s%s", b.ID, b.Scope, meant(string(b.ID), names(out, b.Scope)))
			continue
		case len(b.Keys) == 0 && essential(b.ID):
			tell("%s in %s needs a key: without one there would be no way out", b.ID, b.Scope)
			continue
		}
		for j, k := range b.Keys {
			if why := unfit(k, b.Scope); why != "" {
				tell("%s in %s: %s", b.ID, b.Scope, why)
			} else if slices.Contains(b.Keys[:j], k) {
				tell("%s in %s: the key %q is there twice", b.ID, b.Scope, k)
			}
		}
		out[i].Keys, from[i] = b.Keys, b.At
	}
	if len(problems) == 0 {
		problems = collisions(out, from)
	}
	return out, problems
}

// collisions are the keys that mean two things in one place, where the operator
// says so of one at least: in one scope, or on a page and everywhere.
func collisions(actions []Action, from []string) []string {
	var out []string
	for i, a := range actions {
		for j, b := range actions {
			if from[i] == "" || i == j || from[j] != "" && j < i || !overlap(a, b) {
				continue
			}
			for _, k := range a.Keys {
				if !slices.Contains(b.Keys, k) {
					continue
				}
				which := "its default key; give it another one, or none"
				if from[j] != "" {
					which = from[j]
				}
				out = append(out, fmt.Sprintf("%s: %q for %s in %s collides with %s in %s (%s)", from[i], k, a.ID, a.Scope, b.ID, b.Scope, which))
			}
		}
	}
	return out
}

// overlap reports whether one key for both actions would leave one unheard. A
// page's own meaning of an action that there is everywhere is no other one.
func overlap(a, b Action) bool {
	switch {
	case a.Scope == b.Scope:
		return true
	case a.ID == b.ID:
		return false
	}
	return a.Scope == Everywhere && onPage(b.Scope) || b.Scope == Everywhere && onPage(a.Scope)
}

// onPage reports whether the keys that work everywhere are heard in a scope too.
func onPage(s Scope) bool { return s != Everywhere && s != Help && !typing(s) }

// unfit is why a key cannot be used in a scope; empty: it can.
func unfit(key string, scope Scope) string {
	if why := unknown(key); why != "" {
		return why
	}
	_, size := utf8.DecodeRuneInString(key)
	if typing(scope) && (size == len(key) || key == "space" || key == "backspace" || key == "delete") {
		return fmt.Sprintf("%q is typed there: take a key that types nothing, such as ctrl+g or f2", key)
	}
	return ""
}

// unknown is why a text is no key, as Bubble Tea names them; empty: it is one.
func unknown(key string) string {
	rest, ctrl := strings.CutPrefix(key, "ctrl+")
	rest, alt := strings.CutPrefix(rest, "alt+")
	rest, shift := strings.CutPrefix(rest, "shift+")
	r, size := utf8.DecodeRuneInString(rest)
	char := size > 0 && size == len(rest) && r != utf8.RuneError && unicode.IsPrint(r) && r != ' '
	switch {
	case key == " ":
		return `the blank is called "space"`
	case !char && !named(rest):
		return fmt.Sprintf("%q is no key: a character, or one of %s, with ctrl+, alt+ and shift+ in this order in front", key, strings.Join(namedKeys(), ", "))
	case char && shift:
		return fmt.Sprintf("%q is written as the character it types, as %q", key, strings.ToUpper(rest))
	case char && ctrl && unicode.IsUpper(r):
		return fmt.Sprintf("%q is written with the small letter", key)
	case char && ctrl && !alt && strings.ContainsRune("im[", r):
		return fmt.Sprintf("%q: a terminal cannot tell it from %s", key, map[rune]string{'i': "tab", 'm': "enter", '[': "esc"}[r])
	}
	return ""
}

func namedKeys() []string {
	return []string{"enter", "tab", "space", "esc", "backspace", "delete", "insert", "up", "down", "left", "right", "home", "end", "pgup", "pgdown", "f1 to f12"}
}

func named(key string) bool {
	var n int
	if _, err := fmt.Sscanf(key, "f%d", &n); err == nil {
		return n >= 1 && n <= 12 && key == fmt.Sprintf("f%d", n)
	}
	return slices.Contains(namedKeys(), key)
}

func scopeNames() []string {
	var out []string
	for _, s := range Scopes {
		out = append(out, string(s))
	}
	return out
}

func names(actions []Action, scope Scope) []string {
	var out []string
	for _, a := range actions {
		if a.Scope == scope {
			out = append(out, string(a.ID))
		}
	}
	return out
}
