package action

import (
	"slices"
	"strings"
	"testing"
)

func registry(t *testing.T) *Registry {
	t.Helper()
	r, err := New(Defaults())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDefaultsAreComplete(t *testing.T) {
	for _, a := range Defaults() {
		if a.Label == "" || a.Help == "" || len(a.Keys) == 0 {
			t.Errorf("%s in %s lacks a key, a label or a help text", a.ID, a.Scope)
		}
		if !slices.Contains(Scopes[:], a.Scope) {
			t.Errorf("%s is in the unknown scope %q", a.ID, a.Scope)
		}
	}
}

func TestAPageMeansTheSameByAnEverywhereKey(t *testing.T) {
	r := registry(t)
	for _, s := range Scopes {
		if !onPage(s) {
			continue
		}
		for _, a := range r.In(s) {
			for _, k := range a.Keys {
				if e, ok := r.Resolve(k, Everywhere); ok && e.ID != a.ID {
					t.Errorf("%q means %s in %s and %s everywhere else", k, a.ID, s, e.ID)
				}
			}
		}
	}
}

func TestNothingThatWritesIsNearAScrollKey(t *testing.T) {
	for _, a := range Defaults() {
		if a.Writes && slices.ContainsFunc(a.Keys, func(k string) bool { return strings.HasPrefix(k, "ctrl+") || k == "d" || k == "enter" }) {
			t.Errorf("%s writes, and is on %q", a.ID, a.Keys)
		}
	}
}

func TestConflictsAreRefused(t *testing.T) {
	_, err := New([]Action{{ID: "a", Scope: Home, Keys: []string{"x"}}, {ID: "b", Scope: Home, Keys: []string{"x"}}})
	if err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("two meanings of x in one scope: %v", err)
	}
	if _, err := New([]Action{{ID: "a", Scope: Home, Keys: []string{"x"}}, {ID: "b", Scope: Review, Keys: []string{"x"}}}); err != nil {
		t.Errorf("one meaning each in two scopes: %v", err)
	}
}

func TestResolveAsksTheInnerScopeFirst(t *testing.T) {
	r := registry(t)
	if a, _ := r.Resolve("space", Change, Everywhere); a.ID != PageDown {
		t.Errorf("space on the page of a change is %s", a.ID)
	}
	if _, ok := r.Resolve("space", Home, Everywhere); ok {
		t.Error("space does something on the home page")
	}
	if a, ok := r.Get(Back, Rollout); !ok || a.Label != "home" {
		t.Errorf("esc on the rollout page is labelled %q", a.Label)
	}
}

func TestKeyTable(t *testing.T) {
	table := KeyTable()
	for _, a := range Defaults() {
		if !strings.Contains(table, strings.ReplaceAll(a.Help, "|", `\|`)) {
			t.Errorf("the table lacks %s in %s", a.ID, a.Scope)
		}
	}
	for i, l := range strings.Split(strings.TrimSpace(table), "\n") {
		if n := strings.Count(strings.ReplaceAll(l, `\|`, ""), "|"); n != 4 {
			t.Errorf("line %d has %d bars, want 4: %s", i+1, n, l)
		}
	}
}
