package tui

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/manifest"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// clipboard records what the terminal is told to put into the clipboard.
func clipboard(x table) *[]string {
	var got []string
	x.Seen = func(msg tea.Msg) {
		if fmt.Sprintf("%T", msg) == "tea.setClipboardMsg" {
			got = append(got, fmt.Sprint(msg))
		}
	}
	return &got
}

// withMarkdown lets plans be written as Markdown.
func withMarkdown(_ *tuitest.Backend, c *Config) {
	c.Markdown = func(p *model.Plan, l model.Lens) (string, error) {
		return fmt.Sprintf("### %s through %s, %d objects\n", p.Commit[:7], l, len(p.Objects)), nil
	}
}

// copies chooses what to copy by what is typed, and returns what was copied.
func (x table) copies(got *[]string, typed string) string {
	*got = nil
	x.Press("y")
	x.Type(typed)
	x.Press("enter")
	return strings.Join(*got, "|")
}

func TestCopy(t *testing.T) {
	prepare := func(b *tuitest.Backend, c *Config) {
		withMarkdown(b, c)
		b.Pendings["production"].Changes[0].PullRequest.URL = "https://github.com/acme/environments/pull/42"
	}
	play(t, 120, 40, prepare, func(t *testing.T, x table) {
		x.review()
		got := clipboard(x)
		before, _ := manifest.YAML(selectedObject(t, x).Before)
		after, _ := manifest.YAML(selectedObject(t, x).After)
		for typed, want := range map[string]string{
			"name":  "Deployment shop/petstore",
			"kube":  "kubectl --context gke-production -n shop get deployment.apps petstore -o yaml",
			"path":  "spec.template.spec.containers[petstore].env",
			"new":   "env:\n- name: CACHE_TTL\n  value: 30s\nimage: ghcr.io/shop/petstore:1.4.2",
			"old":   "image: ghcr.io/shop/petstore:1.4.1",
			"left":  string(before),
			"right": string(after),
			"plan":  "### " + tuitest.Head[:7] + " through apply, 26 objects\n",
			"link":  "https://github.com/acme/environments/pull/42",
			"dig":   "c41fproduction",
		} {
			if text := x.copies(got, typed); text != want {
				t.Errorf("%s copied %q, want %q; the screen:\n%s", typed, text, want, x.Screen())
			}
			x.Has("copied the ", " bytes")
		}
		diff := x.copies(got, "diff")
		for _, want := range []string{"--- live Deployment shop/petstore\n+++ after apply Deployment shop/petstore\n", "\n-        image: ghcr.io/shop/petstore:1.4.1\n", "\n+        image: ghcr.io/shop/petstore:1.4.2\n"} {
			if !strings.Contains(diff, want) {
				t.Errorf("the diff lacks %q:\n%s", want, diff)
			}
		}
		x.Press("y")
		x.Has("Deployment shop/petstore", "kubectl --context", "spec.template.spec.containers[petstore].env", "live, as YAML")
		x.Press("esc")
		if text := x.copies(got, "nothing like it"); text != "" {
			t.Errorf("copied %q", text)
		}
		x.Has(`there is no "nothing like it" to copy`)
	})
}

func selectedObject(t *testing.T, x table) model.PlannedObject {
	t.Helper()
	o, ok := x.app.review.Selected()
	if !ok {
		t.Fatal("no object is selected")
	}
	return o
}

func TestCopyOfAValue(t *testing.T) {
	for name, c := range map[string]struct {
		lines, path string
		side        map[string]any
		want        string
	}{
		"a value":         {"    image: \"a:1\"\n", "spec.image", map[string]any{"spec": map[string]any{"image": "a:1"}}, "a:1"},
		"a number":        {"  replicas: 3\n", "spec.replicas", map[string]any{"spec": map[string]any{"replicas": int64(3)}}, "3"},
		"a boolean":       {"paused: false\n", "paused", map[string]any{"paused": false}, "false"},
		"an empty string": {"a: \"\"\n", "a", map[string]any{"a": ""}, `a: ""`},
		"several lines":   {"    env:\n    - name: A\n      value: b\n", "spec.env", nil, "env:\n- name: A\n  value: b"},
		"a map":           {"  a: {}\n", "a", map[string]any{"a": map[string]any{}}, "a: {}"},
		"nothing":         {"", "a", nil, ""},
	} {
		if got := hunkValue(c.lines, c.side, c.path); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestCopyIsOfferedOnlyWhereThereIsSomething(t *testing.T) {
	play(t, 120, 40, withMarkdown, func(t *testing.T, x table) {
		got := clipboard(x)
		x.Press("3", "enter")
		x.Press("G") // a new object: nothing on the left
		if o := selectedObject(t, x); o.Before != nil {
			t.Fatalf("%s is not new", o.ID)
		}
		for _, typed := range []string{"left", "old"} {
			if text := x.copies(got, typed); text != "" {
				t.Errorf("%s copied %q", typed, text)
			}
		}
		x.Has("the change only adds")
		x.Press("=", "G", "y")
		x.Type("diff")
		x.Has("not now: both sides are the same")
	})
}

// What is copied is what is on the screen: nothing that the masks hide, nothing
// that moves a cursor, and of a hidden difference what is shown for it.
func TestCopiedIsWhatIsShown(t *testing.T) {
	side := func(value string) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "token", "namespace": "shop"},
			"data": map[string]any{"password": value, "note": "a\x1b[2Jb\u202ec", "lines": "one\n\x1b]0;x\atwo\n"}}
	}
	prepare := func(b *tuitest.Backend, c *Config) {
		withMarkdown(b, c)
		p := *b.Plans["production"]
		o := model.PlannedObject{ID: model.ObjectID{Kind: "Secret", Namespace: "shop", Name: "token"}, Verdict: model.VerdictUpdate,
			Before: side("(masked) 1"), After: side("(masked) 2"), Rendered: side("(masked) 2"), Deployed: side("(masked) 1")}
		o.Shown = side("(masked) shown")
		p.Objects = []model.PlannedObject{o}
		b.Plans["production"] = &p
	}
	play(t, 200, 60, prepare, func(t *testing.T, x table) {
		x.Press("3", "enter", "enter", "|", "z")
		got := clipboard(x)
		screen := x.Screen()
		for _, typed := range []string{"left", "right", "new value", "old value", "diff"} {
			text := x.copies(got, typed)
			if text == "" || text != sanitize.Text(text) || strings.ContainsAny(text, "\x1b\a") || strings.Contains(text, "\u202e") {
				t.Errorf("%s copied %q", typed, text)
			}
			for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
				if typed == "diff" {
					if line = strings.TrimLeft(line, "+- "); strings.HasPrefix(line, "@@") || strings.HasSuffix(line, "Secret shop/token") {
						continue
					}
				}
				if !strings.Contains(screen, strings.TrimSpace(line)) {
					t.Errorf("%s copied %q, which the screen does not show:\n%s", typed, line, screen)
				}
			}
		}
		if text := x.copies(got, "right"); strings.Contains(text, "(masked) 2") || !strings.Contains(text, "(masked) shown") {
			t.Errorf("the right side is copied with what a rule hides:\n%s", text)
		}
	})
}

func TestWhatIsTooLongIsOfferedAsAFile(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("a line of Markdown\n", 10_000)
	prepare := func(_ *tuitest.Backend, c *Config) {
		c.Markdown = func(*model.Plan, model.Lens) (string, error) { return long, nil }
		c.Env = func(name string) string { return map[string]string{"HOME": dir}[name] }
	}
	play(t, 120, 40, prepare, func(t *testing.T, x table) {
		x.review()
		got := clipboard(x)
		if text := x.copies(got, "plan"); text != "" {
			t.Errorf("copied %s", size(len(text)))
		}
		x.Has("too long to copy, write to plan-production-"+tuitest.Head[:7]+".md", "190 kB, at most 100 kB")
		name := filepath.Join(dir, "plan.md")
		x.Press("ctrl+u")
		x.Type("~/plan.md")
		x.Press("enter")
		x.Has("wrote the plan as Markdown to "+name, "190 kB")
		if data, err := os.ReadFile(name); err != nil || string(data) != long {
			t.Errorf("the file has %s, %v", size(len(data)), err)
		}
		long = "another\n"
		x.Press("y")
		x.Type("plan to")
		x.Press("enter", "ctrl+u")
		x.Type("~/plan.md")
		x.Press("enter")
		x.Has("write to ~/plan.md", "it exists already")
		if data, err := os.ReadFile(name); err != nil || len(data) < 1000 {
			t.Errorf("the file was written over: %q, %v", data, err)
		}
		x.Type("x")
		x.Press("enter")
		x.Has("plan.mdx, 8 bytes")
		x.Press("y")
		x.Type("plan to")
		x.Press("enter", "ctrl+u")
		x.Type("~/none/plan.md")
		x.Press("enter")
		x.Has("The file was not written")
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 2 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

func TestAFailedCopyIsTold(t *testing.T) {
	prepare := func(_ *tuitest.Backend, c *Config) {
		c.Markdown = func(*model.Plan, model.Lens) (string, error) { return "half", errors.New("the plan cannot be written") }
	}
	play(t, 120, 40, prepare, func(t *testing.T, x table) {
		x.review()
		got := clipboard(x)
		if text := x.copies(got, "plan"); text != "" {
			t.Errorf("copied %q", text)
		}
		x.Has("Nothing was copied", "the plan cannot be written")
	})
}

func TestCopyWaitsForAPlan(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		time.AfterFunc(time.Minute, b.Hold("Plan"))
	}, func(t *testing.T, x table) {
		x.Press("3", "enter")
		for _, key := range []string{"y", "/", "E", "O"} {
			x.Press(key)
			x.Has("the plan is still being read")
		}
		x.Pass(2 * time.Minute)
	})
}

func TestKubectl(t *testing.T) {
	for want, c := range map[string]struct {
		context string
		id      model.ObjectID
	}{
		"kubectl get service cart -o yaml":                        {"", model.ObjectID{Kind: "Service", Name: "cart"}},
		"kubectl -n shop get deployment.apps cart -o yaml":        {"", model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}},
		"kubectl --context 'my $ctx' get node 'it'\\''s' -o yaml": {"my $ctx", model.ObjectID{Kind: "Node", Name: "it's"}},
		"kubectl --context a@b:1/c get clusterrole.rbac.authorization.k8s.io system:x -o yaml": {
			"a@b:1/c", model.ObjectID{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:x"}},
	} {
		if got := kubectl(model.Environment{Context: c.context}, model.PlannedObject{ID: c.id}); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestFileNames(t *testing.T) {
	for want, parts := range map[string][]string{
		"plan-production-8f2c1d7": {"plan", "production", "8f2c1d7"},
		"a-b-c":                   {"../a", "b/c", "", ".."},
		"x-1.2_3":                 {"x\x1b", "1.2_3"},
	} {
		if got := fileName(parts...); got != want {
			t.Errorf("%q are %q, want %q", parts, got, want)
		}
	}
}
