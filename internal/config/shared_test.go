package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const threeEnvironments = `apiVersion: fairtide.dev/v1
environments:
  - {name: dev, tier: development, path: a}
  - {name: prod-eu, tier: production, path: b, overrun: stop-between-waves, windows: [{name: own, timeZone: UTC, allow: {cron: "0 22 * * *", duration: 2h}}]}
  - {name: prod-us, tier: production, path: c, cluster: {context: gke-us}, namespace: shop}
windows:
`

func windowNames(e model.Environment) (out []string) {
	for _, w := range e.Windows {
		out = append(out, w.Name)
	}
	return out
}

// Windows at the top of the file are those of the environments they select,
// after their own.
func TestSharedWindows(t *testing.T) {
	c, err := Parse(File, []byte(threeEnvironments+`  - {name: all, timeZone: UTC, freeze: {cron: "0 1 * * *", duration: 1h}}
  - {name: production, timeZone: UTC, freeze: {cron: "0 2 * * *", duration: 1h}, scope: {tiers: [production]}}
  - {name: europe, timeZone: UTC, freeze: {cron: "0 3 * * *", duration: 1h}, scope: {environments: ["*-eu"]}}
  - {name: either, timeZone: UTC, freeze: {cron: "0 3 * * *", duration: 1h}, scope: {environments: [dev, prod-us]}}
  - {name: both, timeZone: UTC, freeze: {cron: "0 3 * * *", duration: 1h}, scope: {environments: ["prod-*"], tiers: [production], kinds: [StatefulSet, Deployment.apps], namespaces: ["shop-*"], risks: [deletes-data]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"all either", "own all production europe both", "all production either both"} {
		if got := strings.Join(windowNames(c.Environments[i]), " "); got != want {
			t.Errorf("%s has %q, want %q", c.Environments[i].Name, got, want)
		}
	}
	s := c.Environments[1].Windows[4].Scope
	if !slices.Equal(s.Kinds, []string{"StatefulSet", "Deployment.apps"}) || !slices.Equal(s.Namespaces, []string{"shop-*"}) || !slices.Equal(s.Risks, []string{"deletes-data"}) {
		t.Errorf("%+v", s)
	}
	if c.Environments[0].Overrun != model.OverrunFinish || c.Environments[1].Overrun != model.OverrunStop {
		t.Errorf("overrun %s and %s", c.Environments[0].Overrun, c.Environments[1].Overrun)
	}
	if len(c.Warnings) != 0 {
		t.Errorf("%q", c.Warnings)
	}
	// The order of the keys of the file does not matter.
	head, rest, _ := strings.Cut(threeEnvironments, "environments:\n")
	list := strings.TrimSuffix(rest, "windows:\n")
	c, err = Parse(File, []byte(head+"windows:\n  - {name: all, timeZone: UTC, freeze: {cron: \"0 1 * * *\", duration: 1h}}\nenvironments:\n"+list))
	if err != nil || !slices.Equal(windowNames(c.Environments[1]), []string{"own", "all"}) {
		t.Errorf("%v %v", windowNames(c.Environments[1]), err)
	}
}

// said are the problems, or, if there are none, the warnings of a file.
func said(t *testing.T, file string) []string {
	t.Helper()
	c, err := Parse("f", []byte(file))
	var problems Problems
	if err == nil {
		return c.Warnings
	}
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	var out []string
	for _, p := range problems {
		out = append(out, p.Error())
	}
	return out
}

// begins reports whether exactly one text is there, which is want or begins
// with what is before its ….
func begins(got []string, want string) bool {
	if len(got) != 1 {
		return want == "" && len(got) == 0
	}
	head, open := strings.CutSuffix(want, "…")
	return got[0] == want || open && strings.HasPrefix(got[0], head)
}

func TestSharedWindowProblems(t *testing.T) {
	const rule = `timeZone: UTC, freeze: {cron: "0 1 * * *", duration: 1h}`
	shared := func(scope string) string {
		return threeEnvironments + "  - {name: w, " + rule + ", scope: " + scope + "}\n"
	}
	own := func(scope string) string {
		return windowed("timeZone: UTC", `freeze: {cron: "0 1 * * *", duration: 1h}`, "scope: "+scope)
	}
	for _, c := range []struct{ file, want string }{
		{shared("{environments: [prod-ue]}"), `f:7:96: window "w": scope: environments: no environment is called "prod-ue"; did you mean "prod-eu"?`},
		{shared(`{environments: ["zzz*"]}`), `f:7:96: window "w": scope: environments: no environment is called "zzz*"; there are dev, prod-eu, prod-us`},
		{shared("{environments: []}"), `f:7:95: window "w": scope: environments is empty: name something, or remove it, which names all`},
		{shared("{environments: [dev, dev]}"), `f:7:101: window "w": scope: environments: "dev" is there twice`},
		{shared("{environments: [Dev_1]}"), `f:7:96: window "w": scope: environments: "Dev_1" is not the name of an environment, in which * stands for any characters`},
		{shared("{tiers: [prod]}"), `f:7:89: window "w": scope: tiers cannot be "prod"; did you mean "production"?`},
		{shared("{}"), `f:7:80: window "w": scope names nothing: remove it, and the window is about everything`},
		{shared("{tier: [production]}"), `f:7:81: window "w": scope: unknown key "tier"; did you mean "tiers"?`},
		{shared("{environments: [dev], tiers: [production]}"), `f:7:12: window "w": there is no environment that its scope names: it never counts`},
		{shared("{kinds: [statefulset]}"), `f:7:89: window "w": scope: kinds: "statefulset" is written StatefulSet in manifests`},
		{shared("{kinds: [Statefulset.apps]}"), `f:7:89: window "w": scope: kinds: "Statefulset.apps" is written StatefulSet.apps in manifests`},
		{shared("{kinds: [StatefulSets]}"), `f:7:89: window "w": scope: kinds: "StatefulSets" is written StatefulSet in manifests`},
		{shared("{kinds: [networkpolicies]}"), `f:7:89: window "w": scope: kinds: "networkpolicies" is written NetworkPolicy in manifests`},
		{shared("{kinds: [Ingresses]}"), `f:7:89: window "w": scope: kinds: "Ingresses" is written Ingress in manifests`},
		{shared("{kinds: [certificate]}"), `f:7:89: window "w": scope: kinds: "certificate" begins with a small letter, and kinds do not: write it as …`},
		{shared("{kinds: [Certificate]}"), ""},
		{shared("{kinds: [Stateful-Set]}"), `f:7:89: window "w": scope: kinds: "Stateful-Set" is not a kind as a manifest has it, such as StatefulSet or StatefulSet.apps`},
		{shared("{kinds: [apps/StatefulSet]}"), `f:7:89: window "w": scope: kinds: "apps/StatefulSet" is not a kind …`},
		{shared("{namespaces: [Shop]}"), `f:7:94: window "w": scope: namespaces: "Shop" is not the name of a namespace, in which * stands for any characters`},
		{shared("{risks: [Restarts pods]}"), `f:7:89: window "w": scope: risks: "Restarts pods" is not the name of a risk as …`},
		{shared("{risks: [deletes-data, delete-data]}"), `f:7:103: window "w": scope: risks: no risk is called "delete-data"; did you mean "deletes-data"?`},
		{shared("{risks: [zzz]}"), "f:7:89: window \"w\": scope: risks: no risk is called \"zzz\"; `fairtide diff -o json` tells those of a plan"},
		{own("{environments: [prod]}"), `f:10:31: environment "prod": window "w": scope: environments is for windows that environments share: move this one to windows at the top of the file, or remove environments`},
		{own("{tiers: [production]}"), `f:10:24: environment "prod": window "w": scope: tiers is for windows that environments share: …`},
		{own("{kinds: [ConfigMap]}"), ""},
		{threeEnvironments + "  - {name: own, " + rule + "}\n", `f:7:12: window "own": environment "prod-eu" has another window called "own", in line 4: names must differ`},
		{threeEnvironments + "  - {name: w, " + rule + "}\n  - {name: w, " + rule + "}\n", `f:8:12: window "w" is there twice, first in line 7: names must differ`},
		{threeEnvironments + "  - {name: w, freeze: {cron: \"0 1 * * *\", duration: 1h}}\n", `f:7:5: window "w": timeZone is missing: a name such as Europe/Berlin or UTC`},
		{environment("name: a", "tier: staging", "path: a", "overrun: stop"), `f:6:14: environment "a": overrun cannot be "stop"; did you mean "stop-between-waves"?`},
		{environment("name: a", "tier: staging", "path: a", "overrun: cut"), `f:6:14: environment "a": overrun cannot be "cut"; one of finish, stop-between-waves`},
	} {
		if got := said(t, c.file); !begins(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.file, strings.Join(got, "\n     "), c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"*", "x", true}, {"a*", "a", true}, {"a*", "ba", false}, {"*a", "ba", true},
		{"a*a", "a", false}, {"a*a", "aa", true}, {"a*b*c", "axbyc", true}, {"a*b*c", "acb", false}, {"*b*", "abc", true}, {"a**c", "abc", true}, {"b*", "ab", false},
	} {
		if got := matches(c.pattern, c.name); got != c.want {
			t.Errorf("%q and %q: %t", c.pattern, c.name, got)
		}
	}
}

func TestCalendarSources(t *testing.T) {
	for _, c := range []struct {
		lines string
		want  model.WindowSource
	}{
		{`freeze: {ics: calendars/holidays.ics}`, model.WindowSource{File: "calendars/holidays.ics"}},
		{`allow: {ics: ./a//b.ics}`, model.WindowSource{File: "a/b.ics"}},
		{`freeze: {ics: "https://calendar.example/freeze.ics?country=de"}`, model.WindowSource{URL: "https://calendar.example/freeze.ics?country=de", MaxAge: 24 * time.Hour}},
		{`freeze: {ics: "webcal://calendar.example/freeze.ics", maxAge: 7d}`, model.WindowSource{URL: "https://calendar.example/freeze.ics", MaxAge: 7 * 24 * time.Hour}},
		{`freeze: {ics: "${env:HOLIDAYS_URL}", maxAge: 90m}`, model.WindowSource{URL: "${env:HOLIDAYS_URL}", MaxAge: 90 * time.Minute}},
		{`freeze: {ics: "http://127.0.0.1:8080/x.ics"}`, model.WindowSource{URL: "http://127.0.0.1:8080/x.ics", MaxAge: 24 * time.Hour}},
	} {
		r, err := parseWindow(t, "timeZone: Europe/Berlin", c.lines)
		if err != nil || r.Source == nil || *r.Source != c.want || (r.Allow == nil) == (r.Freeze == nil) {
			t.Errorf("%s: %+v, %v", c.lines, r, err)
		}
	}
}

func TestCalendarProblems(t *testing.T) {
	const in = `environment "prod": window "w": freeze: `
	for _, c := range []struct{ freeze, want string }{
		{`{ics: ../x.ics}`, `f:9:23: ` + in + `ics "../x.ics" leads out of the repository: only what is in it can be reviewed`},
		{`{ics: /etc/x.ics}`, `f:9:23: ` + in + `ics "/etc/x.ics" must be relative to the root of the repository; …`},
		{`{ics: .}`, `f:9:23: ` + in + `ics must be an iCalendar file, such as calendars/holidays.ics, or an address`},
		{`{ics: "http://calendar.example/x.ics"}`, `f:9:23: ` + in + `ics must be https: anybody on the way could change when it is closed`},
		{`{ics: "ftp://calendar.example/x.ics"}`, `f:9:23: ` + in + `ics must be a file of the repository, or an https or webcal address, such as https://calendar.example/freeze.ics`},
		{`{ics: "https://"}`, `f:9:23: ` + in + `ics must be a file of the repository, …`},
		{`{ics: "https://op1:hunter2@calendar.example/x.ics"}`, `f:9:23: ` + in + `ics carries a credential, and must be a reference: write ${env:NAME} or ${file:PATH}, never the secret itself, and revoke the value if it was a real one`},
		{`{ics: "https://calendar.example/x.ics?access_token=hunter2"}`, `f:9:23: ` + in + `ics carries a credential, …`},
		{`{ics: "https://calendar.example/calendar/ical/op1/private-0123456789abcdef/basic.ics"}`, `f:9:23: ` + in + `ics carries a credential, …`},
		{`{ics: "${cmd:ls}"}`, `f:9:23: ` + in + `ics must be a reference: …`},
		{`{ics: a.ics, from: 2026-01-01}`, `f:9:17: environment "prod": window "w": freeze mixes ics with from: make two windows of it`},
		{`{maxAge: 24h}`, `f:9:17: ` + in + `ics is missing: maxAge is how old a calendar may be`},
		{`{ics: a.ics, maxAge: 24h}`, `f:9:38: ` + in + `maxAge is of use with an address: a file is read from the commit`},
		{`{ics: "https://calendar.example/x.ics", maxAge: 30s}`, `f:9:65: ` + in + `maxAge "30s" must be at least 1m and at most 90d`},
		{`{ics: "http://localhost/x.ics"}`, `f:9:23: ` + in + `ics is plain http, on the machine that fairtide runs on: each operator's own, and the build's`},
	} {
		got := said(t, windowed("timeZone: UTC", "freeze: "+c.freeze))
		if !begins(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.freeze, strings.Join(got, "\n     "), c.want)
		}
		if strings.Contains(strings.Join(got, ""), "hunter2") {
			t.Errorf("%s: a secret is repeated: %s", c.freeze, got)
		}
	}
}

func TestWarnings(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const daily = `freeze: {cron: "0 1 * * *", duration: 1h}`
	in := func(text string) string { return `environment "prod": window "w": ` + text }
	tree := fstest.MapFS{"a.ics": {Data: []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20261224\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")}, "b.ics": {Data: []byte("hello")}}
	for _, c := range []struct{ zone, lines, want string }{
		{"UTC", daily, ""},
		{"EST", daily, `f:8:19: ` + in(`timeZone: EST is an abbreviation, …`)},
		{"CET", daily, `f:8:19: ` + in(`timeZone: CET is an abbreviation, …`)},
		{"Etc/GMT+1", daily, `f:8:19: ` + in(`timeZone: Etc/GMT+1 is 1 h behind UTC: the sign of these names is reversed; if that is not meant, write Etc/GMT-1, and better a place, such as Europe/Berlin`)},
		{"Etc/GMT-10", daily, `f:8:19: ` + in(`timeZone: Etc/GMT-10 is 10 h ahead of UTC: …`)},
		{"UTC", `allow: {cron: "0 2 1 * mon", duration: 1h}`, `f:9:23: ` + in(`allow: cron "0 2 1 * mon": the day of the month or the day of the week is enough, not both together: …`)},
		{"UTC", `allow: {cron: "0 2 */2 * mon", duration: 1h}`, `f:9:23: ` + in(`allow: cron …`)},
		{"UTC", `allow: {cron: "0 2 */1 * mon", duration: 1h}`, ""},
		{"UTC", `allow: {cron: "0 2 ? * mon", duration: 1h}`, ""},
		{"UTC", `freeze: {from: 2026-01-01, to: 2026-11-21}`, `f:9:17: ` + in(`it was over on 2026-11-22: nothing is frozen by it any more`)},
		{"UTC", `freeze: {from: 2026-01-01, to: 2026-11-22}`, ""},
		{"UTC", `allow: {from: 2026-01-01, to: 2026-01-02}`, `f:9:16: ` + in(`it was over on 2026-01-03: nothing is allowed by it any more`)},
		{"UTC", `freeze: {rrule: "FREQ=WEEKLY;COUNT=3", start: 2026-01-01, duration: 1h}`, `f:9:17: ` + in(`it does not come within a year`)},
		{"UTC", `freeze: {rrule: "FREQ=DAILY;UNTIL=20260801T000000", start: 2026-01-01, duration: 1h}`, `f:9:17: ` + in(`it does not come within a year`)},
		{"UTC", `freeze: {cron: "@daily", duration: 25h}`, `f:9:17: ` + in(`it never ends: each time begins before the one before is over`)},
		{"UTC", `allow: {days: [mon, tue, wed, thu, fri, sat, sun], start: "00:00", end: "24:00"}`, `f:9:16: ` + in(`it never ends: …`)},
		{"UTC", "allow: {days: [mon, tue, wed, thu, fri, sat, sun], start: \"00:00\", end: \"24:00\"}\n        scope: {kinds: [ConfigMap]}", ""},
		{"UTC", "allow: {cron: \"0 22 * * *\", duration: 2h}\n        cutoff: 2h\n        scope: {kinds: [Pod]}", `f:10:17: ` + in(`cutoff "2h" leaves nothing of the window: make it shorter than that`)},
		{"UTC", "allow: {cron: \"0 22 * * *\", duration: 2h}\n        cutoff: 90m", `f:9:16: ` + in(`its cutoff of 90m leaves 30m to start in`)},
		{"UTC", "allow: {cron: \"0 22 * * *\", duration: 2h}\n        cutoff: 1h", ""},
		{"UTC", "allow: {cron: \"0 22 * * *\", duration: 2h}\n      - {name: f, timeZone: UTC, freeze: {cron: \"0 21 * * *\", duration: 4h}}", `f:7:15: ` + in(`freezes cover all of it for the next year: nothing can be applied in it`)},
		{"UTC", "allow: {cron: \"0 22 * * *\", duration: 2h}\n      - {name: f, timeZone: UTC, freeze: {cron: \"0 21 * * *\", duration: 2h}}", ""},
		{"UTC", "freeze: {rrule: \"FREQ=WEEKLY;COUNT=3\", start: 2026-01-01, duration: 1h}\n        scope: {kinds: [Pod]}", `f:9:17: ` + in(`it does not come within a year`)},
		{"UTC", `freeze: {ics: a.ics}`, ""},
		{"UTC", `freeze: {ics: c.ics}`, `f:9:17: ` + in(`"c.ics" does not exist in this working tree; …`)},
		{"UTC", `freeze: {ics: b.ics}`, `f:9:17: ` + in(`"b.ics" cannot be read: …`)},
	} {
		_, report := Check("f", []byte(windowed("timeZone: "+c.zone, c.lines)), now, tree)
		var got []string
		for _, p := range slices.Concat(report.Problems, report.Warnings) {
			got = append(got, p.Error())
		}
		if !begins(got, c.want) {
			t.Errorf("%s %s\n got %s\nwant %s", c.zone, c.lines, strings.Join(got, "\n     "), c.want)
		}
	}
}

// A rule that does not bind a person is odd in no other way than one that does.
func TestWarningsOfManualRules(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for schedule, want := range map[string]string{"0 22 * * *": "", "*/30 * * * *": `f:9:19: window "argo": sync window 0: it never ends: …`} {
		_, report := Check("f", []byte(threeEnvironments+"  - name: argo\n    import: argocd\n    syncWindows: [{kind: allow, schedule: '"+schedule+"', duration: 1h, applications: ['*'], manualSync: true}]\n"), now, nil)
		var got []string
		for _, p := range slices.Concat(report.Problems, report.Warnings) {
			got = append(got, p.Error())
		}
		if !begins(got, want) {
			t.Errorf("%s: %q", schedule, got)
		}
	}
}

// What environments share cannot make a short file endless.
func TestTooManySharedWindows(t *testing.T) {
	var b strings.Builder
	b.WriteString("apiVersion: fairtide.dev/v1\nenvironments:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  - {name: e%d, tier: staging, path: a}\n", i)
	}
	b.WriteString("windows:\n")
	for i := range 900 {
		fmt.Fprintf(&b, "  - {name: w%d, timeZone: UTC, freeze: {cron: '@daily', duration: 1h}}\n", i)
	}
	start := time.Now()
	got := said(t, b.String())
	if len(got) != 1 || !strings.Contains(got[0], "too many: the environments have more than 20000 windows together") {
		t.Errorf("%q", got)
	}
	if d := time.Since(start); d > time.Minute {
		t.Errorf("took %s", d)
	}
}

// The same rule of two environments is warned of once, and Parse tells what
// needs no clock.
func TestWarningsOnce(t *testing.T) {
	file := threeEnvironments + `  - {name: past, timeZone: EST, freeze: {from: 2020-01-01, to: 2020-01-02}}` + "\n"
	_, report := Check("f", []byte(file), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), nil)
	if len(report.Warnings) != 2 || len(report.Problems) != 0 {
		t.Errorf("%+v", report)
	}
	if got := said(t, file); !begins(got, `f:7:28: window "past": timeZone: EST is an abbreviation, …`) {
		t.Errorf("%q", got)
	}
}
