package diffview

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/paint"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

const sampleBefore = `apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    note: "größe 日本語 # no comment"
  labels:
    app.kubernetes.io/name: petstore
    app.kubernetes.io/part-of: shop
  name: petstore
  namespace: shop
spec:
  replicas: 3
  paused: false
  selector:
    matchLabels: {}
  template:
    spec:
      containers:
      - name: petstore
        image: ghcr.io/shop/petstore:1.4.1
        args:
        - --listen=:8080
        - "yes"
        env:
        - name: CACHE_TTL
          value: "30" # seconds
        ports:
        - containerPort: 8080
          name: http
        resources:
          limits:
            cpu: 500m
            memory: 0.5
      volumes:
      - name: settings
        configMap: null
data:
  settings.yaml: |
    # not a comment of ours
    key: 1
`

func sampleDocument() *Document {
	after := strings.NewReplacer(
		"petstore:1.4.1", "petstore:1.4.2-build.20261122-with-a-tag-that-is-longer-than-its-column",
		"replicas: 3", "replicas: 5",
		"          value: \"30\" # seconds\n", "          value: \"60\" # seconds\n        - name: 日本語\n          value: 👍🏽 e\u0301\n",
		"    key: 1\n", "    key: 2\n",
	).Replace(sampleBefore)
	d := Compare(sampleBefore, after)
	d.Annotate(nil, map[int]Note{12: {Texts: []string{"drift kubectl-scale 03:12", "drift"}, Warn: true}, 20: {Texts: []string{"#42"}}})
	d.NotesAbove(map[string][]Line{
		"spec.template.spec.containers[petstore].image": {{"restarts 3 pods, one at a time", model.SeverityWarning}},
		"spec.replicas": {{"live runs 5 replicas, Git says 3", model.SeverityDanger}},
	})
	return d
}

func TestGoldenSizes(t *testing.T) {
	for _, s := range [][2]int{{60, 15}, {80, 24}, {120, 40}, {200, 60}} {
		for name, press := range map[string]func(*View){
			"":        func(*View) {},
			"-whole":  func(v *View) { v.ToggleFolds(); v.ToggleWrap() },
			"-search": func(v *View) { v.Search("name: pet"); v.NextMatch(1) },
			"-other":  func(v *View) { v.ToggleMode(); v.ToggleWrap(); v.ToggleWrap(); v.Sideways(1) },
		} {
			name = fmt.Sprintf("diff%s-%dx%d", name, s[0], s[1])
			t.Run(name, func(t *testing.T) {
				v := &View{}
				v.SetSize(s[0], s[1])
				v.Show(sampleDocument())
				press(v)
				th := theme.New(theme.Options{})
				var out []string
				for _, l := range append([]string{v.Titles(th, "live", "after apply")}, v.Lines(th)...) {
					if got := paint.Width(l); got > s[0] {
						t.Errorf("a line of %d cells: %q", got, l)
					}
					out = append(out, strings.TrimRight(ansi.Strip(l), " "))
				}
				tuitest.Golden(t, name, strings.Join(out, "\n"))
			})
		}
	}
}

// TestGoldenLooks keeps the styles, with a search.
func TestGoldenLooks(t *testing.T) {
	for name, o := range map[string]theme.Options{
		"dark":  {},
		"light": {Light: true},
		"256":   {Depth: theme.Palette},
		"16":    {Depth: theme.Basic},
		"mono":  {Depth: theme.Mono},
		"ascii": {Depth: theme.Mono, ASCII: true},
	} {
		t.Run(name, func(t *testing.T) {
			v := &View{}
			v.SetSize(110, 40)
			v.Show(sampleDocument())
			v.Search("value")
			raw := strings.Join(v.Lines(theme.New(o)), "\n")
			if o.ASCII {
				raw = paint.ASCII(raw)
			}
			tuitest.Golden(t, "look-"+name, raw)
		})
	}
}

// TestNothingIsToldByColourAlone takes the colours away: changed lines, words,
// matches and the current one still differ from what is beside them.
func TestNothingIsToldByColourAlone(t *testing.T) {
	v := &View{}
	v.SetSize(110, 40)
	v.Show(sampleDocument())
	v.Search("petstore")
	th := theme.New(theme.Options{Depth: theme.Mono})
	raw := strings.Join(v.Lines(th), "\n")
	for what, want := range map[string]string{
		"a changed line": " ~ ", "an added line": " + ", "a changed word": th.NewWord.Open() + "5",
		"a match": th.Match.Open() + "petstore", "the current match": th.Here.Open() + "petstore",
	} {
		if !strings.Contains(ansi.Strip(raw), want) && !strings.Contains(raw, want) {
			t.Errorf("%s is not marked by %q:\n%s", what, want, raw)
		}
	}
}
