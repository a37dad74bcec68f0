package frame

import (
	"errors"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

func TestTextsNameTheKeysThatAreBound(t *testing.T) {
	actions, problems := action.Configure(action.Defaults(), []action.Bind{
		{Scope: action.Everywhere, ID: action.Refresh, Keys: []string{"f5"}, At: "config.yaml:1"},
		{Scope: action.Home, ID: action.Resume, At: "config.yaml:2"},
	}, func(string, []string) string { return "" })
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	keys, err := action.New(actions)
	if err != nil {
		t.Fatal(err)
	}
	f := Frame{W: 80, H: 20, Theme: theme.New(theme.Options{Depth: theme.Mono}), Keys: keys}
	if got := ansi.Strip(strings.Join(f.Problem(errors.New("no answer"), true, 80), "\n")); !strings.Contains(got, "f5 tries again") {
		t.Errorf("the key that was bound is not named:\n%s", got)
	}
	for _, c := range []struct {
		id    action.ID
		scope action.Scope
		want  string
	}{
		{action.Refresh, action.Home, "f5"},
		{action.Resume, action.Home, ":resume"},
		{action.Resume, action.Rollout, "C"},
	} {
		if got := f.Key(c.id, c.scope); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.id, c.scope, got, c.want)
		}
	}
}

func TestAReasonAdvisesOnlyWhatIsAllowed(t *testing.T) {
	w := &model.WindowState{Reason: "closed: holidays cannot be read: no answer; try again later, or override with a reason"}
	if got, want := Reason(w, true), "holidays cannot be read: no answer; try again later, or override with a reason"; got != want {
		t.Errorf("allowed: %q, want %q", got, want)
	}
	if got, want := Reason(w, false), "holidays cannot be read: no answer; try again later"; got != want {
		t.Errorf("forbidden: %q, want %q", got, want)
	}
}
