package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/testdata/petstore"
)

const full = `
apiVersion: fairtide.dev/v1
stateNamespace: ops
environments:
  - name: dev
    tier: development
    path: .
  - name: production
    tier: production
    branch: release/1.x
    path: environments//production/
    cluster: {context: gke_prod-1}
    namespace: shop
    deploy: auto
    windows:
      - name: weekday mornings
        timeZone: Europe/Berlin
        allow: {days: [mon, tue, wed, thu], start: "09:00", end: 12:00}
      - name: night
        timeZone: UTC
        allow: {days: [sat, sun], start: "22:00", end: "24:00"}
      - name: year end
        timeZone: Europe/Berlin
        freeze: {from: 2026-12-20, to: 2027-01-06}
      - name: launch
        timeZone: America/New_York
        freeze: {from: "2026-11-01", to: 2026-11-03T18:00:00+01:00}
    override: {allowed: true}
    prune: {enabled: false, max: 3}
`

func TestParse(t *testing.T) {
	got, err := Parse(".fairtide.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	want := model.Config{StateNamespace: "ops", FetchEvery: model.DefaultFetchEvery, Environments: []model.Environment{
		{
			Name: "dev", Tier: model.TierDevelopment, Path: ".", Deploy: model.DeployConfirm, Overrun: model.OverrunFinish, Rollout: quietRollout,
			Prune: model.PrunePolicy{Enabled: true, Max: model.DefaultPruneMax, Share: true},
		},
		{
			Name: "production", Tier: model.TierProduction, Branch: "release/1.x", Path: "environments/production",
			Context: "gke_prod-1", Namespace: "shop", Deploy: model.DeployAuto, Overrun: model.OverrunFinish, Rollout: quietRollout,
			Windows: []model.WindowRule{
				{Name: "weekday mornings", Location: berlin, Allow: &model.Schedule{
					Days:  []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday},
					Start: 9 * 60, End: 12 * 60,
				}},
				{Name: "night", Location: time.UTC, Allow: &model.Schedule{
					Days: []time.Weekday{time.Saturday, time.Sunday}, Start: 22 * 60, End: 24 * 60,
				}},
				{Name: "year end", Location: berlin, Freeze: &model.Schedule{
					From: time.Date(2026, 12, 20, 0, 0, 0, 0, berlin), To: time.Date(2027, 1, 7, 0, 0, 0, 0, berlin),
				}},
				{Name: "launch", Location: newYork, Freeze: &model.Schedule{
					From: time.Date(2026, 11, 1, 0, 0, 0, 0, newYork), To: time.Date(2026, 11, 3, 12, 0, 0, 0, newYork),
				}},
			},
			Override: model.OverridePolicy{Allowed: true},
			Prune:    model.PrunePolicy{Enabled: false, Max: 3},
		},
	}}
	// Locations are pointers, and the same zone may be loaded twice.
	if g, w := show(got), show(want); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func show(c model.Config) string {
	var b strings.Builder
	for _, e := range c.Environments {
		windows := e.Windows
		e.Windows = nil
		fmt.Fprintf(&b, "%+v\n", e)
		for _, w := range windows {
			fmt.Fprintf(&b, "  %s %s", w.Name, w.Location)
			for kind, s := range map[bool]*model.Schedule{true: w.Allow, false: w.Freeze} {
				if s != nil {
					fmt.Fprintf(&b, " allow=%t %v %s %s %s %s", kind, s.Days, s.Start, s.End, s.From.Format(time.RFC3339), s.To.Format(time.RFC3339))
				}
			}
			b.WriteString("\n")
		}
	}
	return c.StateNamespace + "\n" + b.String()
}

func TestParseDefaults(t *testing.T) {
	c, err := Parse(File, []byte("apiVersion: fairtide.dev/v1\nenvironments: [{name: a, tier: staging, path: x, windows: []}]"))
	if err != nil {
		t.Fatal(err)
	}
	want := model.Config{StateNamespace: "fairtide", FetchEvery: model.DefaultFetchEvery, Environments: []model.Environment{{
		Name: "a", Tier: model.TierStaging, Path: "x", Deploy: model.DeployConfirm, Overrun: model.OverrunFinish, Rollout: quietRollout,
		Prune: model.PrunePolicy{Enabled: true, Max: 10, Share: true},
	}}}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v", c)
	}
}

func TestParseSample(t *testing.T) {
	data, err := petstore.Files.ReadFile("files/" + File)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(File, data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range c.Environments {
		names = append(names, e.Name+" "+e.Path+" "+e.Context+" "+e.Namespace)
	}
	want := []string{
		"dev environments/dev gke-dev petstore-dev", "staging environments/staging gke-staging petstore-staging",
		"production environments/production gke-prod petstore-production",
	}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
}

func TestAliasesAreFollowed(t *testing.T) {
	c, err := Parse(File, []byte(`apiVersion: fairtide.dev/v1
environments:
  - {name: a, tier: staging, path: x, windows: &w [{name: n, timeZone: UTC, allow: {days: [mon], start: "01:00", end: "02:00"}}]}
  - {name: b, tier: staging, path: x, windows: *w}
`))
	if err != nil || len(c.Environments[1].Windows) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// environment is a file with one environment, whose line 3 is its first key.
func environment(lines ...string) string {
	return "apiVersion: fairtide.dev/v1\nenvironments:\n  - " + strings.Join(lines, "\n    ") + "\n"
}

// window is a file whose line 8 is the first key of a window.
func windowed(lines ...string) string {
	return environment("name: prod", "tier: production", "path: p", "windows:", "  - name: w",
		"    "+strings.Join(lines, "\n        "))
}

func TestProblems(t *testing.T) {
	ok := []string{"name: prod", "tier: production", "path: p"}
	with := func(lines ...string) string { return environment(append(slices.Clone(ok), lines...)...) }
	utc := func(line string) string { return windowed("timeZone: UTC", line) }
	for _, c := range []struct {
		name, file string
		want       string // "line:column: message", or the begin of it with … at the end
	}{
		{"unknown top key", "environment: []\napiVersion: fairtide.dev/v1\nenvironments: [{name: a, tier: staging, path: x}]", `1:1: unknown key "environment"; did you mean "environments"?`},
		{"unknown key", with("pth: x"), `6:5: environment "prod": unknown key "pth"; did you mean "path"?`},
		{"unknown key, nothing near", with("replicas: x"), `6:5: environment "prod": unknown key "replicas"; the keys are name, tier, …`},
		{"unknown nested key", with("prune: {maximum: 3}"), `6:13: environment "prod": prune: unknown key "maximum"; did you mean "max"?`},
		{"twice", with("path: q"), `6:5: environment "prod": the key "path" is there twice, first in line 5`},
		{"merge key", with("<<: {deploy: auto}"), `6:5: environment "prod": merge keys (<<) are not supported: write the keys out`},
		{"list as key", with("[a]: b"), `6:5: environment "prod": a key must be a text, not a list`},
		{"null", with("windows:"), `6:5: environment "prod": windows has no value: give it one or leave it out`},
		{"apiVersion", "apiVersion: fairtide.dev/v2\nenvironments: [{name: a, tier: staging, path: x}]", `1:13: unknown apiVersion "fairtide.dev/v2": this version of fairtide reads fairtide.dev/v1`},
		{"no apiVersion", "environments: [{name: a, tier: staging, path: x}]", `1:1: apiVersion is missing: write apiVersion: fairtide.dev/v1`},
		{"no environments", "apiVersion: fairtide.dev/v1", `1:1: environments is missing: list at least one`},
		{"empty environments", "apiVersion: fairtide.dev/v1\nenvironments: []", `2:15: environments is empty: list at least one`},
		{"environments a mapping", "apiVersion: fairtide.dev/v1\nenvironments: {a: b}", `2:15: environments must be a list, not a mapping`},
		{"environment a text", "apiVersion: fairtide.dev/v1\nenvironments: [dev]", `2:16: environment 1 must be a mapping with the keys name, tier, branch, path, cluster, …`},
		{"not a mapping", "- a", `1:1: the file must be a mapping with the keys apiVersion, stateNamespace, environments, windows, images, notify, fetch, limits, signers, hide, mask, not a list`},
		{"no name", environment("tier: staging", "path: x"), `3:5: environment 1: name is missing: give it one, such as staging`},
		{"name a number", environment("name: 12", "tier: staging", "path: x"), `3:11: environment "12": name must be a text, not the number 12; if it is meant as one, put it in quotes: "12"`},
		{"name", environment("name: Prod_1", "tier: staging", "path: x"), `3:11: environment "Prod_1": name "Prod_1" must be at most 40 lower-case letters, digits and hyphens, …`},
		{"name too long", environment("name: "+strings.Repeat("a", 41), "tier: staging", "path: x"), `3:11: environment "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": name "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" must be at most 40…`},
		{"name twice", with() + "  - {name: prod, tier: staging, path: q}\n", `6:12: environment "prod" is there twice, first in line 3: names must differ`},
		{"no tier", environment("name: a", "path: x"), `3:5: environment "a": tier is missing: one of development, staging, production`},
		{"tier", environment("name: a", "path: x", "tier: prod"), `5:11: environment "a": tier cannot be "prod"; did you mean "production"?`},
		{"tier, nothing near", environment("name: a", "path: x", "tier: qa"), `5:11: environment "a": tier cannot be "qa"; one of development, staging, production`},
		{"no path", environment("name: a", "tier: staging"), `3:5: environment "a": path is missing: the directory of its manifests, from the root of the repository`},
		{"path out", environment("name: a", "tier: staging", "path: x/../../y"), `5:11: environment "a": path "x/../../y" leads out of the repository: only what is in it can be reviewed`},
		{"path absolute", environment("name: a", "tier: staging", "path: /x/y"), `5:11: environment "a": path "/x/y" must be relative to the root of the repository; did you mean "x/y"?`},
		{"path root", environment("name: a", "tier: staging", "path: /"), `5:11: environment "a": path "/" must be relative to the root of the repository; the root is "."`},
		{"path backslash", environment("name: a", "tier: staging", `path: x\y`), `5:11: environment "a": path "x\\y": write / between directories, not \`},
		{"path empty", environment("name: a", "tier: staging", `path: ""`), `5:11: environment "a": path is empty`},
		{"path two lines", environment("name: a", "tier: staging", `path: "a\nb"`), `5:11: environment "a": path must be one line of printable characters`},
		{"branch", with("branch: a..b"), `6:13: environment "prod": branch "a..b" is not the name of a branch`},
		{"branch ref", with("branch: refs/heads/x"), `6:13: environment "prod": branch "refs/heads/x": write the name without refs/heads/: "x"`},
		{"cluster a text", with("cluster: gke"), `6:14: environment "prod": cluster must be a mapping with the key context, not the text "gke"`},
		{"escape in a text", with(`cluster: {context: "a\e[2J"}`), `6:24: environment "prod": cluster: context must be one line of printable characters`},
		{"namespace", with("namespace: A"), `6:16: environment "prod": namespace "A" must be at most 63 …`},
		{"deploy", with("deploy: automatic"), `6:13: environment "prod": deploy cannot be "automatic"; did you mean "auto"?`},
		{"bool", with("override: {allowed: yes}"), `6:25: environment "prod": override: allowed must be true or false, not the text "yes"`},
		{"bool a number", with("prune: {enabled: 1}"), `6:22: environment "prod": prune: enabled must be true or false, not the number 1`},
		{"count", with("prune: {max: -1}"), `6:18: environment "prod": prune: max must be a whole number from 0 on, not the number -1`},
		{"count a text", with("prune: {max: \"3\"}"), `6:18: environment "prod": prune: max must be a whole number from 0 on, not the text "3"`},
		{"windows", with("windows: {}"), `6:14: environment "prod": windows must be a list, not a mapping`},
		{"window empty", with("windows: [{}]"), `6:15: environment "prod": window 1: name is missing: …`},
		{"no zone", windowed(`allow: {days: [mon], start: "01:00", end: "02:00"}`), `7:9: environment "prod": window "w": timeZone is missing: a name such as Europe/Berlin or UTC`},
		{"zone", windowed("timeZone: Europe/Berln", `allow: {days: [mon], start: "01:00", end: "02:00"}`), `8:19: environment "prod": window "w": timeZone: unknown time zone "Europe/Berln"; did you mean "Europe/Berlin"?`},
		{"zone Local", windowed("timeZone: Local", `allow: {days: [mon], start: "01:00", end: "02:00"}`), `8:19: environment "prod": window "w": timeZone: unknown time zone "Local"; write a name of the IANA …`},
		{"zone of some machines", windowed("timeZone: right/Europe/Berlin", `allow: {days: [mon], start: "01:00", end: "02:00"}`), `8:19: environment "prod": window "w": timeZone: unknown time zone "right/Europe/Berlin"; …`},
		{"neither", windowed("timeZone: UTC"), `7:9: environment "prod": window "w" has neither allow nor freeze: …`},
		{"both", windowed("timeZone: UTC", `allow: {days: [mon], start: "01:00", end: "02:00"}`, `freeze: {from: 2026-01-01, to: 2026-01-02}`), `10:17: environment "prod": window "w" has both allow and freeze: make two windows of it`},
		{"ics beside", windowed("timeZone: UTC", `ics: a.ics`), `9:14: environment "prod": window "w": ics belongs into allow or freeze: write freeze: {ics: …}`},
		{"mixed", utc(`allow: {days: [mon], start: "01:00", end: "02:00", from: 2026-01-01}`), `9:16: environment "prod": window "w": allow mixes from and to with start: make two windows of it`},
		{"no end", utc(`allow: {days: [mon], start: "01:00"}`), `9:16: environment "prod": window "w": allow: end is missing: give days, start and end; or cron and duration; or rrule, start and duration; or from and to; or ics`},
		{"no from", utc(`freeze: {to: 2026-01-01}`), `9:17: environment "prod": window "w": freeze: from is missing: …`},
		{"empty schedule", utc("allow: {}"), `9:16: environment "prod": window "w": allow: days is missing: …`},
		{"days", utc(`allow: {days: [monday], start: "01:00", end: "02:00"}`), `9:24: environment "prod": window "w": allow: day cannot be "monday"; did you mean "mon"?`},
		{"days empty", utc(`allow: {days: [], start: "01:00", end: "02:00"}`), `9:23: environment "prod": window "w": allow: days is empty: the window would never count`},
		{"days a text", utc(`allow: {days: mon, start: "01:00", end: "02:00"}`), `9:23: environment "prod": window "w": allow: days must be a list, not the text "mon"`},
		{"day twice", utc(`allow: {days: [mon, mon], start: "01:00", end: "02:00"}`), `9:29: environment "prod": window "w": allow: mon is there twice`},
		{"start", utc(`allow: {days: [mon], start: "9:00", end: "12:00"}`), `9:37: environment "prod": window "w": allow: start "9:00" is not a time of day from 00:00 to 23:59, such as "09:00"`},
		{"start 24:00", utc(`allow: {days: [mon], start: "24:00", end: "12:00"}`), `9:37: environment "prod": window "w": allow: start "24:00" is not …`},
		{"end 24:01", utc(`allow: {days: [mon], start: "10:00", end: "24:01"}`), `9:51: environment "prod": window "w": allow: end "24:01" is not a time of day from 00:00 to 24:00, …`},
		{"minutes", utc(`allow: {days: [mon], start: "10:60", end: "12:00"}`), `9:37: environment "prod": window "w": allow: start "10:60" is not …`},
		{"a sign is no digit", utc(`allow: {days: [mon], start: "+1:00", end: "12:00"}`), `9:37: environment "prod": window "w": allow: start "+1:00" is not …`},
		{"start a number", utc(`allow: {days: [mon], start: 9, end: "12:00"}`), `9:37: environment "prod": window "w": allow: start must be a time of day in quotes, such as "09:00", not the number 9`},
		{"same", utc(`allow: {days: [mon], start: "09:00", end: "09:00"}`), `9:51: environment "prod": window "w": allow: start and end are the same; the whole day is "00:00" to "24:00"`},
		{"date", utc(`freeze: {from: 2026-02-30, to: 2026-03-01}`), `9:24: environment "prod": window "w": freeze: from "2026-02-30" is neither a date such as …`},
		{"backwards", utc(`freeze: {from: 2026-03-02, to: 2026-03-01}`), `9:17: environment "prod": window "w": freeze: to is not after from: the window would never count`},
		{"year", utc(`freeze: {from: 0001-01-01, to: 2026-03-01}`), `9:24: environment "prod": window "w": freeze: from "0001-01-01": the year must be between 1970 and 2999`},
		{"half a second", utc(`freeze: {from: 2026-01-01T00:00:00.5Z, to: 2026-03-01}`), `9:24: environment "prod": window "w": freeze: from "2026-01-01T00:00:00.5Z": only whole seconds count`},
		{"window twice", utc(`freeze: {from: 2026-01-01, to: 2026-03-01}`) + "      - {name: w, timeZone: UTC, freeze: {from: 2026-01-01, to: 2026-03-01}}\n", `10:16: environment "prod": window "w" is there twice, first in line 7: names must differ`},
		{"empty", "", `1:1: the file is empty: …`},
		{"only a comment", "# nothing\n", `1:1: the file is empty: …`},
		{"null document", "---\n", `1:1: the file is empty: …`},
		{"not YAML", "a: b\n c: d: e\n", `2:1: not YAML: mapping values are not allowed in this context`},
		{"a tab", "a:\n\tb: c\n", `2:1: not YAML: found character that cannot start any token`},
		{"unknown anchor", "a: 1\nb: *nowhere\n", `2:1: not YAML: unknown anchor 'nowhere' referenced`},
		{"binary", "a: b\nc: \x00", `2:4: not a text: a character that is neither printable nor a space`},
		{"not UTF-8", "é: \xff", `1:4: not a text: …`},
		{"two documents", "apiVersion: fairtide.dev/v1\n---\nb: c\n", `2:1: a second YAML document: put everything into one`},
		{"stateNamespace", "stateNamespace: a.b\napiVersion: fairtide.dev/v1\nenvironments: [{name: a, tier: staging, path: x}]", `1:17: stateNamespace "a.b" must be at most 63 …`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(c.file))
			if err == nil {
				t.Fatalf("accepted:\n%s", c.file)
			}
			if code := model.CodeOf(err, model.ExitOK); code != model.ExitUsage {
				t.Errorf("exit code %d", code)
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			if begin, open := strings.CutSuffix(c.want, "…"); open && strings.HasPrefix(first, "f.yaml:"+begin) {
				return
			}
			if first != "f.yaml:"+c.want {
				t.Errorf("\n got %s\nwant f.yaml:%s", err, c.want)
			}
		})
	}
}

func TestOneMistakeIsOneProblem(t *testing.T) {
	for _, file := range []string{
		environment("name: a", "tier: staging", "pth: x", "path: y"),
		windowed("timeZone: UTC", `allow: {cron: "0 22 * *", duration: 8h}`),
		windowed("timeZone: UTC", `allow: {rrule: x, start: y, duration: 8h}`),
		windowed("timeZone: Nowhere/Land", `allow: {days: [mon], start: "01:00", end: "02:00"}`),
		windowed("timeZone: UTC", "allow:"),
		windowed("timeZone: UTC", `allow: {days: [mon], start: "25:00", end: "02:00"}`),
		environment("name: A", "tier: staging", "path: y") + "  - {name: b, tier: staging, path: x}\n",
	} {
		_, err := Parse("f", []byte(file))
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 {
			t.Errorf("%v\n%s", err, file)
		}
	}
}

func TestAllProblemsAtOnceByLine(t *testing.T) {
	_, err := Parse("f", []byte(environment("name: Prod", "tier: x", "path: ..", "prune: {max: no}", "windows: [{name: w, timeZone: X}]")))
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	var lines []int
	for _, p := range problems {
		lines = append(lines, p.Line)
	}
	if !slices.Equal(lines, []int{3, 4, 5, 6, 7, 7}) {
		t.Errorf("%v:\n%v", lines, err)
	}
	if n := strings.Count(err.Error(), "\n"); n != 5 {
		t.Errorf("%d lines:\n%v", n+1, err)
	}
}

// Aliases could make a few lines millions of values.
func TestAliasBombIsRefused(t *testing.T) {
	text := "apiVersion: fairtide.dev/v1\nenvironments:\n  - &e\n    name: a\n    windows: [&w {name: w}" + strings.Repeat(", *w", 2000) + "]\n" +
		strings.Repeat("  - *e\n", 2000)
	start := time.Now()
	_, err := Parse("f", []byte(text))
	if err == nil || !strings.Contains(err.Error(), "too large: more than 20000 values") {
		var problems Problems
		if !errors.As(err, &problems) || !slices.ContainsFunc(problems, func(p Problem) bool { return strings.HasPrefix(p.Message, "too large") }) {
			t.Errorf("%v", err)
		}
	}
	if d := time.Since(start); d > time.Minute {
		t.Errorf("took %s", d)
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"name", "tier", "path", "cluster", "windows", "start", "stateNamespace"}
	for word, want := range map[string]string{
		"pth": "path", "Path": "path", "paht": "path", "window": "windows", "wimdowz": "windows",
		"clutser": "cluster", "statenamespace": "stateNamespace", "state": "stateNamespace", "stat": "start",
		"clusterName": "cluster", "win": "windows", "": "", "x": "", "zzzz": "", "t": "", "namespace": "name",
		strings.Repeat("path", 1000): "",
	} {
		if got := Suggest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(windowed("timeZone: UTC", "allow: {cron: x}")))
	f.Add([]byte(pipeline))
	f.Add([]byte(threeEnvironments + "  - {name: w, timeZone: EST, freeze: {ics: a.ics}, scope: {environments: [\"p*\"], tiers: [production], kinds: [Pod.x], namespaces: [\"*\"], risks: [a-b]}}\n"))
	f.Add([]byte(project([]argo{{schedule: "0 1 2 3 4", duration: time.Hour, zone: "Etc/GMT+3"}})))
	f.Add([]byte("a: &a [*a, {<<: *a}]\n"))
	f.Add([]byte("environments: &a\n- *a\n"))
	f.Add([]byte("? [a]\n: b\n--- x\n"))
	f.Add([]byte("a: !!bool x\nenvironments: [{prune: {enabled: !!bool x, max: !!int y}}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f", data)
		if err == nil {
			check(t, c)
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("an error without a problem: %v", err)
		}
		last := 1 + strings.Count(string(data), "\n") + strings.Count(string(data), "\r") +
			strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029")
		for i, p := range problems {
			if p.Line < 1 || p.Line > last+1 || p.Column < 1 || p.Message == "" {
				t.Errorf("%+v (of %d lines)", p, last)
			}
			if i > 0 && p.Line < problems[i-1].Line {
				t.Errorf("not in order: %v", problems)
			}
			if strings.ContainsFunc(p.Message, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("a control character in %q", p.Message)
			}
		}
	})
}

// check holds what the rest of the program relies on.
func check(t *testing.T, c model.Config) {
	if c.StateNamespace == "" || len(c.Environments) == 0 {
		t.Errorf("%+v", c)
	}
	for _, e := range c.Environments {
		if e.Name == "" || e.Path == "" || strings.HasPrefix(e.Path, "..") || !slices.Contains(model.Tiers[:], e.Tier) || e.Prune.Max < 0 {
			t.Errorf("%+v", e)
		}
		for _, test := range e.Tests {
			checkTest(t, test)
		}
		for _, w := range e.Windows {
			if w.Name == "" || w.Location == nil || (w.Allow == nil) == (w.Freeze == nil) {
				t.Errorf("%+v", w)
			}
		}
	}
}
