package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// configured is a program on a machine with the settings.
func configured(t *testing.T, text string) (p *program, path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "fairtide", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	env := map[string]string{"XDG_CONFIG_HOME": dir}
	return &program{stdin: os.Stdin, stdout: out, stderr: &strings.Builder{}, lookupEnv: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}}, path
}

func TestSettings(t *testing.T) {
	p, _ := configured(t, "theme: mono\nmouse: false\nkeys: {review: {ship: [S]}}")
	s := p.settings()
	r, err := action.New(s.actions)
	if err != nil || len(s.problems) > 0 {
		t.Fatal(err, s.problems)
	}
	if a, _ := r.Resolve("S", action.Review); a.ID != action.Ship || s.config.Theme != string(theme.Monochrome) || !s.config.NoMouse {
		t.Errorf("settings %+v, S is %s", s.config, a.ID)
	}
}

func TestBadSettingsAreTheDefaults(t *testing.T) {
	p, path := configured(t, "theme: mono\nkeys:\n  review:\n    ship: [S]\n    publish: [n]\n    shop: [x]\n")
	s := p.settings()
	want := path + `:6: unknown action "shop" in review; did you mean "ship"?`
	if len(s.problems) != 1 || s.problems[0] != want {
		t.Errorf("problems %q, want %q", s.problems, want)
	}
	if s.config.Theme != "" || len(s.actions) != len(action.Defaults()) || action.List(s.actions) != action.List(action.Defaults()) {
		t.Error("a bad file has an effect")
	}
	p, path = configured(t, "keys:\n  review: {publish: [n]}\n")
	want = path + `:2: "n" for publish in review collides with next-hunk in review (its default key; give it another one, or none)`
	if got := p.settings().problems; len(got) != 1 || got[0] != want {
		t.Errorf("problems %q, want %q", got, want)
	}
}

func TestHelpKeysPrintsOnesOwn(t *testing.T) {
	read := func(p *program) string {
		out, err := os.ReadFile(p.stdout.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	p, _ := configured(t, "keys: {review: {ship: [f2, S]}}")
	p.args = []string{"help", "keys"}
	if code := p.run(t.Context()); code != model.ExitOK {
		t.Fatalf("exit code %d: %s", code, p.stderr)
	}
	if out := read(p); !strings.Contains(out, "# Keys") || !strings.Contains(out, "f2 S") {
		t.Errorf("printed %s", out)
	}
	p, path := configured(t, "keys: {review: {ship: [n]}}")
	p.args = []string{"help", "keys"}
	if code := p.run(t.Context()); code != model.ExitUsage {
		t.Errorf("exit code %d with a collision", code)
	}
	if err := p.stderr.(*strings.Builder).String(); !strings.Contains(err, path+":1: ") || !strings.Contains(read(p), "next-hunk") {
		t.Errorf("told %q", err)
	}
}

func TestThemeName(t *testing.T) {
	for _, c := range []struct {
		flag, file string
		want       theme.Name
		bad        bool
	}{{"", "", "", false}, {"", "light", theme.Light, false}, {"dark", "light", theme.Dark, false}, {"pink", "light", "", true}} {
		p := &program{flags: flags{theme: c.flag}}
		got, err := p.themeName(c.file)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("--theme %q over %q gives %q, %v", c.flag, c.file, got, err)
		}
	}
}
