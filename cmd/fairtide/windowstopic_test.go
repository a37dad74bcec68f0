package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/internal/ical"
	"github.com/fairtide-dev/fairtide/internal/window"
	"github.com/fairtide-dev/fairtide/model"
)

// topicExample is a part of the configuration that the topic shows: windows of
// an environment, or, with its key, those at the top of the file.
type topicExample struct {
	t        *testing.T
	lines    []string
	calendar []string // of the example, and of those after it
	config   model.Config
	parsed   bool
	judged   int
}

// What the topic says of its examples is so.
func TestWindowsTopic(t *testing.T) {
	text, err := topics.ReadFile("topics/windows.md")
	if err != nil {
		t.Fatal(err)
	}
	e := topicExample{t: t}
	examples, judged := 0, 0
	end := func() {
		if len(e.lines) > 0 {
			e.parse() // also one of which no times are told
			examples++
			judged += e.judged
		}
		e = topicExample{t: t, calendar: e.calendar}
	}
	for _, line := range strings.Split(string(text), "\n") {
		inside, indented := strings.CutPrefix(line, "    ")
		switch {
		case len([]rune(line)) > 80:
			t.Errorf("too wide: %s", line)
		case !indented:
			end()
		case strings.HasPrefix(inside, "fairtide "):
		case inside == "BEGIN:VCALENDAR":
			e.calendar = []string{inside}
		case len(e.calendar) > 0 && e.calendar[len(e.calendar)-1] != "END:VCALENDAR":
			e.calendar = append(e.calendar, inside)
		case inside == "windows:", strings.HasPrefix(inside, "- "), strings.HasPrefix(inside, "  "):
			e.lines = append(e.lines, inside)
		default:
			e.judge(inside)
		}
	}
	end()
	if examples < 12 || judged < 45 {
		t.Errorf("only %d examples with %d times", examples, judged)
	}
}

// judge checks a line such as "2026-11-28T22:00:00+01:00  open    StatefulSet".
func (e *topicExample) judge(line string) {
	e.t.Helper()
	e.parse()
	at, rest, _ := strings.Cut(line, " ")
	word, about, _ := strings.Cut(strings.TrimSpace(rest), " ")
	when, err := time.Parse(time.RFC3339, at)
	if err != nil || word != "open" && word != "closed" {
		e.t.Fatalf("%q is neither an example nor what it means", line)
	}
	about, automatic := strings.CutSuffix(strings.TrimSpace(about), ", automatic")
	name, inEnvironment := strings.CutPrefix(about, "in ")
	env := e.config.Environments[0]
	ask := window.Ask{Automatic: automatic}
	if inEnvironment {
		var ok bool
		if env, ok = e.config.Environment(name); !ok {
			e.t.Fatalf("%q: there is no such environment", line)
		}
	} else if about != "" {
		kind, risk, _ := strings.Cut(about, " with ")
		s := model.WindowSubject{Kind: kind, Group: "apps", Namespace: "shop"}
		if risk != "" {
			s.Risks = []string{risk}
		}
		ask.Subjects, ask.Known = []model.WindowSubject{s}, true
	}
	ask.Rules = env.Windows
	e.judged++
	if w := ask.At(when); w.Open != (word == "open") || w.Reason == "" {
		e.t.Errorf("%s: %s: %+v", strings.Join(e.lines, "\n"), line, w)
	}
}

// parse reads the example as a part of a configuration, with its calendar.
func (e *topicExample) parse() {
	e.t.Helper()
	if e.parsed {
		return
	}
	e.parsed = true
	file := "apiVersion: fairtide.dev/v1\nenvironments:\n  - name: production\n    tier: production\n    path: a\n    namespace: shop\n"
	others := "  - {name: staging, tier: staging, path: b}\n  - {name: dev, tier: development, path: c}\n"
	if e.lines[0] == "windows:" {
		file += others + strings.Join(e.lines, "\n") + "\n"
	} else {
		file += "    windows:\n      " + strings.Join(e.lines, "\n      ") + "\n" + others
	}
	c, report := config.Check(config.File, []byte(file), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), nil)
	if len(report.Problems) > 0 {
		e.t.Fatalf("%v\n%s", report.Problems, file)
	}
	e.config = c
	for _, env := range c.Environments {
		for i := range env.Windows {
			e.read(&env.Windows[i])
		}
	}
}

// read gives a rule its calendar.
func (e *topicExample) read(r *model.WindowRule) {
	e.t.Helper()
	if r.Source == nil || r.Source.File == "" {
		return
	}
	if len(e.calendar) == 0 {
		e.t.Fatalf("no calendar is shown for %s", r.Name)
	}
	c, err := ical.Parse(r.Source.File, []byte(strings.Join(e.calendar, "\r\n")+"\r\n"), r.Location)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, s := range []*model.Schedule{r.Allow, r.Freeze} {
		if s != nil {
			s.Spans = c
		}
	}
}

// The warnings that the topic lists are those of the check.
func TestWindowsTopicWarnings(t *testing.T) {
	text, err := topics.ReadFile("topics/windows.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(text), "## Errors and warnings")
	if !ok || strings.Count(list, "\n- ") < 7 {
		t.Fatal("the topic lists no warnings")
	}
	file := `apiVersion: fairtide.dev/v1
environments:
  - name: production
    tier: production
    path: a
    windows:
      - {name: a, timeZone: EST, allow: {cron: "0 2 1 * mon", duration: 1h}}
      - {name: b, timeZone: UTC, allow: {cron: "0 3 * * *", duration: 1h}, cutoff: 45m}
      - {name: c, timeZone: UTC, freeze: {from: 2020-01-01, to: 2020-01-02}, scope: {kinds: [pod]}}
windows:
  - {name: d, timeZone: UTC, freeze: {cron: "@daily", duration: 24h}, scope: {tiers: [staging]}}
  - {name: e, timeZone: UTC, freeze: {cron: "@daily", duration: 24h}}
  - {name: f, timeZone: UTC, freeze: {ics: "http://localhost/a.ics"}}
`
	_, report := config.Check("f", []byte(file), time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), nil)
	for _, want := range []string{
		"is enough, not both together", "is an abbreviation", "was over on", "never ends", "freezes cover all", "cutoff of 45m leaves 15m",
		"is written Pod in manifests", "no environment that its scope names", "plain http",
	} {
		if !slices.ContainsFunc(report.Warnings, func(p config.Problem) bool { return strings.Contains(p.Message, want) }) {
			t.Errorf("no warning says %q: %v", want, report.Warnings)
		}
	}
	if len(report.Problems) > 0 {
		t.Errorf("%v", report.Problems)
	}
}
