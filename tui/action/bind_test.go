package action

import (
	"slices"
	"strings"
	"testing"
)

func none(string, []string) string { return "" }

func TestConfigure(t *testing.T) {
	out, problems := Configure(Defaults(), []Bind{
		{Scope: Review, ID: Ship, Keys: []string{"S", "f2"}, At: "c:1"},
		{Scope: Review, ID: Publish, At: "c:2"},
		{Scope: Everywhere, ID: Down, Keys: []string{"ctrl+n", "down"}, At: "c:3"},
		{Scope: Review, ID: NextHunk, Keys: []string{"j"}, At: "c:4"}, // free by now
		{Scope: Prompt, ID: Complete, Keys: []string{"tab", "ctrl+e"}, At: "c:5"},
	}, none)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r, err := New(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key   string
		scope Scope
		want  ID
	}{{"S", Review, Ship}, {"f2", Review, Ship}, {"s", Review, ""}, {"o", Review, ""}, {"j", Review, NextHunk}, {"j", Home, ""}, {"ctrl+n", Home, Down}, {"s", Home, Ship}} {
		if got, _ := r.Resolve(c.key, c.scope, Everywhere); got.ID != c.want {
			t.Errorf("%q in %s is %q, want %q", c.key, c.scope, got.ID, c.want)
		}
	}
	if a, _ := r.Get(Publish, Review); a.Key() != "" {
		t.Errorf("the key that was taken away is %q", a.Key())
	}
	if a, _ := registry(t).Get(Ship, Review); a.Key() != "s" {
		t.Error("the defaults changed")
	}
}

func TestConfigureRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		bind []Bind
		want string
	}{
		"a place":        {[]Bind{{Scope: "revew", ID: Ship, Keys: []string{"S"}}}, `c:1: unknown place "revew"; did you mean "x"?`},
		"an action":      {[]Bind{{Scope: Review, ID: "shop", Keys: []string{"S"}}}, `c:1: unknown action "shop" in review; did you mean "x"?`},
		"another page's": {[]Bind{{Scope: History, ID: Ship, Keys: []string{"S"}}}, `unknown action "ship" in history`},
		"no way back":    {[]Bind{{Scope: Everywhere, ID: Back}}, "back in everywhere needs a key"},
		"no way out":     {[]Bind{{Scope: Everywhere, ID: Exit}}, "exit in everywhere needs a key"},
		"no cancel":      {[]Bind{{Scope: Dialog, ID: Cancel}}, "cancel in dialog needs a key"},
		"no confirm":     {[]Bind{{Scope: Dialog, ID: NextField}}, "next-field in dialog needs a key"},
		"typed":          {[]Bind{{Scope: Dialog, ID: Cancel, Keys: []string{"q"}}}, `cancel in dialog: "q" is typed there`},
		"typed blank":    {[]Bind{{Scope: Prompt, ID: Choose, Keys: []string{"space"}}}, `"space" is typed there`},
		"one scope":      {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"n"}}}, `c:1: "n" for ship in review collides with next-hunk in review (its default key; give it another one, or none)`},
		"everywhere":     {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"esc"}}}, `"esc" for ship in review collides with back in everywhere`},
		"from there":     {[]Bind{{Scope: Everywhere, ID: Back, Keys: []string{"s"}}}, `"s" for back in everywhere collides with ship in home`},
		"two of one's": {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"f2"}}, {Scope: Review, ID: Publish, Keys: []string{"f2"}, At: "c:2"}},
			`c:1: "f2" for ship in review collides with publish in review (c:2)`},
		"twice":       {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"S", "S"}}}, `the key "S" is there twice`},
		"no key":      {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"hyper+s"}}}, `"hyper+s" is no key`},
		"two chars":   {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"gg"}}}, `"gg" is no key`},
		"nothing":     {[]Bind{{Scope: Review, ID: Ship, Keys: []string{""}}}, `"" is no key`},
		"a blank":     {[]Bind{{Scope: Review, ID: Ship, Keys: []string{" "}}}, `the blank is called "space"`},
		"shift":       {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"shift+s"}}}, `as "S"`},
		"tab":         {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"ctrl+i"}}}, "cannot tell it from tab"},
		"capital":     {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"ctrl+S"}}}, "with the small letter"},
		"wrong order": {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"alt+ctrl+s"}}}, "is no key"},
		"f key":       {[]Bind{{Scope: Review, ID: Ship, Keys: []string{"f13"}}}, "is no key"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.bind[0].At == "" {
				c.bind[0].At = "c:1"
			}
			_, problems := Configure(Defaults(), c.bind, func(string, []string) string { return "x" })
			if len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), c.want) {
				t.Errorf("%q, want %q", problems, c.want)
			}
		})
	}
}

// TestDefaultsAreKeysThatConfigureTakes holds that what somebody reads in the
// list of keys can be written into the configuration as it is.
func TestDefaultsAreKeysThatConfigureTakes(t *testing.T) {
	var binds []Bind
	for _, a := range Defaults() {
		binds = append(binds, Bind{Scope: a.Scope, ID: a.ID, Keys: a.Keys, At: "c"})
	}
	out, problems := Configure(Defaults(), binds, none)
	if len(problems) > 0 {
		t.Error(strings.Join(problems, "\n"))
	}
	if !slices.EqualFunc(out, Defaults(), func(a, b Action) bool { return a.ID == b.ID && slices.Equal(a.Keys, b.Keys) }) {
		t.Error("the defaults, written out, are others")
	}
	if _, problems := Configure(Defaults(), nil, none); len(problems) > 0 {
		t.Error("the defaults collide:", problems)
	}
}

func TestListHasEveryAction(t *testing.T) {
	list := List(Defaults())
	for _, a := range Defaults() {
		if !strings.Contains(list, string(a.ID)) || !strings.Contains(list, a.Help) {
			t.Errorf("%s in %s is not on the list", a.ID, a.Scope)
		}
	}
}
