package config

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/window"
)

// argo is a sync window as Argo CD has it, and what it means there, said once
// more: begins tells the minutes of the clock at which it begins.
type argo struct {
	deny, manual bool
	schedule     string
	begins       func(t time.Time) bool
	duration     time.Duration
	zone         string
}

// active is Argo CD's rule: of the times on a clock that has been as far from
// UTC as it is now for ever, one begin was less than the duration ago. The very
// instant of a begin is in the window here, and not there.
func (a argo) active(t time.Time, loc *time.Location) bool {
	_, offset := t.In(loc).Zone()
	wall := t.UTC().Add(time.Duration(offset) * time.Second)
	for begin := wall.Truncate(time.Minute); begin.After(wall.Add(-a.duration)); begin = begin.Add(-time.Minute) {
		if a.begins(begin) {
			return true
		}
	}
	return false
}

// allows is whether Argo CD would sync.
func allows(all []argo, active []bool, byHand bool) bool {
	var denied, allowed, inactive bool
	manualDeny, manualAllow := true, true
	for i, a := range all {
		switch {
		case a.deny && active[i]:
			denied = true
			manualDeny = manualDeny && a.manual
		case a.deny:
		case active[i]:
			allowed = true
		default:
			inactive = true
			manualAllow = manualAllow && a.manual
		}
	}
	switch {
	case denied:
		return byHand && manualDeny
	case allowed:
		return true
	case inactive:
		return byHand && manualAllow
	}
	return true
}

func at(hour, minute int, days ...time.Weekday) func(time.Time) bool {
	return func(t time.Time) bool {
		on := len(days) == 0
		for _, d := range days {
			on = on || t.Weekday() == d
		}
		return on && t.Hour() == hour && t.Minute() == minute
	}
}

var argoSchedules = []argo{
	{schedule: "0 22 * * *", begins: at(22, 0)},
	{schedule: "30 2 * * *", begins: at(2, 30)},
	{schedule: "0 8 * * 1-5", begins: at(8, 0, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)},
	{schedule: "15 23 * * sat", begins: at(23, 15, time.Saturday)},
	{schedule: "0 */6 * * *", begins: func(t time.Time) bool { return t.Hour()%6 == 0 && t.Minute() == 0 }},
	{schedule: "*/20 9-17 * * *", begins: func(t time.Time) bool { return t.Hour() >= 9 && t.Hour() <= 17 && t.Minute()%20 == 0 }},
	{schedule: "0 3 1,15 * *", begins: func(t time.Time) bool {
		return (t.Day() == 1 || t.Day() == 15) && t.Hour() == 3 && t.Minute() == 0
	}},
	{schedule: "0 2 1 * MON", begins: func(t time.Time) bool {
		return (t.Day() == 1 || t.Weekday() == time.Monday) && t.Hour() == 2 && t.Minute() == 0
	}},
	{schedule: "0 12 29 2 *", begins: func(t time.Time) bool {
		return t.Month() == time.February && t.Day() == 29 && t.Hour() == 12 && t.Minute() == 0
	}},
}

var argoDurations = []time.Duration{10 * time.Minute, 15 * time.Minute, time.Hour, 150 * time.Minute, 8 * time.Hour, 26 * time.Hour}

// project is a configuration that imports sync windows as they are.
func project(all []argo) string {
	var b strings.Builder
	b.WriteString("apiVersion: fairtide.dev/v1\nenvironments: [{name: shop, tier: production, path: p}]\nwindows:\n  - name: argo\n    import: argocd\n    syncWindows:\n")
	for _, a := range all {
		kind := "allow"
		if a.deny {
			kind = "deny"
		}
		fmt.Fprintf(&b, "      - kind: %s\n        schedule: '%s'\n        duration: %s\n        applications: ['*']\n        manualSync: %t\n", kind, a.schedule, a.duration, a.manual)
		if a.zone != "" {
			fmt.Fprintf(&b, "        timeZone: %q\n", a.zone)
		}
	}
	return b.String()
}

// Projects made by chance mean what they mean in Argo CD: at any time in UTC,
// and in zones at any time that no transition is near.
func TestArgoProjectsMeanTheSame(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 6))
	zones := []string{"", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago"}
	judged, near, open := 0, 0, 0
	for range 100 {
		var all []argo
		var locs []*time.Location
		var longest time.Duration
		inUTC := r.IntN(2) == 0
		for range 1 + r.IntN(4) {
			a := argoSchedules[r.IntN(len(argoSchedules))]
			a.deny, a.manual, a.duration = r.IntN(3) == 0, r.IntN(2) == 0, argoDurations[r.IntN(len(argoDurations))]
			if !inUTC {
				a.zone = zones[r.IntN(len(zones))]
			}
			loc, err := time.LoadLocation(a.zone)
			if err != nil {
				t.Fatal(err)
			}
			all, locs, longest = append(all, a), append(locs, loc), max(longest, a.duration)
		}
		file := project(all)
		c, err := Parse("f", []byte(file))
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		rules := c.Environments[0].Windows
		if len(rules) != len(all) {
			t.Fatalf("%d rules of %d", len(rules), len(all))
		}
		begin := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 200 {
			when := begin.Add(time.Duration(r.Int64N(4*366*24*60*60)) * time.Second)
			if r.IntN(4) == 0 {
				when = when.Truncate(time.Hour)
			}
			if moved(locs, when, longest+3*time.Hour) {
				near++
				continue
			}
			active := make([]bool, len(all))
			for i, a := range all {
				active[i] = a.active(when, locs[i])
			}
			for _, byHand := range []bool{true, false} {
				want := allows(all, active, byHand)
				got := window.Ask{Rules: rules, Automatic: !byHand}.At(when)
				if judged++; got.Open {
					open++
				}
				if got.Open != want {
					t.Fatalf("at %s by hand %t: %+v, Argo CD says %t\n%s", when, byHand, got, want, file)
				}
			}
		}
	}
	if judged < 30_000 || open < judged/10 || open > judged*9/10 || near == 0 {
		t.Errorf("%d judged, %d open, %d near a transition", judged, open, near)
	}
}

// moved reports whether a clock was set in the time before an instant.
func moved(locs []*time.Location, when time.Time, before time.Duration) bool {
	for _, loc := range locs {
		_, now := when.In(loc).Zone()
		for at := when.Add(-before); at.Before(when); at = at.Add(30 * time.Minute) {
			if _, then := at.In(loc).Zone(); then != now {
				return true
			}
		}
	}
	return false
}

// Where clocks are set the two differ: the help lists how.
func TestArgoDiffersWhereClocksAreSet(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := argo{schedule: "30 2 * * *", begins: at(2, 30), duration: time.Hour, zone: "Europe/Berlin"}
	late := argo{schedule: "0 22 * * *", begins: at(22, 0), duration: 8 * time.Hour, zone: "Europe/Berlin"}
	for _, c := range []struct {
		a              argo
		at             string
		argo, fairtide bool
	}{
		{late, "2026-03-29T05:59:00+02:00", true, true},   // begun at 22:00 before the change
		{late, "2026-03-29T06:30:00+02:00", false, true},  // 7 h there, 8 h here
		{late, "2026-10-25T04:59:00+01:00", true, true},   //
		{late, "2026-10-25T05:30:00+01:00", true, false},  // 9 h there, 8 h here
		{night, "2026-03-29T03:20:00+02:00", true, true},  // 02:30 is skipped
		{night, "2026-03-29T03:40:00+02:00", false, true}, // 30 min there, 1 h here
		{night, "2026-10-25T02:40:00+02:00", true, true},  // 02:30 comes twice
		{night, "2026-10-25T02:40:00+01:00", true, false}, // open twice there
	} {
		when, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		conf, err := Parse("f", []byte(project([]argo{c.a})))
		if err != nil {
			t.Fatal(err)
		}
		if got := allows([]argo{c.a}, []bool{c.a.active(when, berlin)}, false); got != c.argo {
			t.Errorf("%s at %s: Argo CD says %t", c.a.schedule, c.at, got)
		}
		if got := (window.Ask{Rules: conf.Environments[0].Windows, Automatic: true}).At(when); got.Open != c.fairtide {
			t.Errorf("%s at %s: %+v", c.a.schedule, c.at, got)
		}
	}
}

// A sync window counts for the environments that it names.
func TestArgoMatching(t *testing.T) {
	for _, c := range []struct{ match, want string }{
		{`applications: [dev]`, "dev"},
		{`applications: ['*-us', dev]`, "dev us"},
		{`applications: ['prod-??']`, "eu us"},
		{`applications: ['prod-{eu,uk}']`, "eu"},
		{`applications: ['prod-[a-f]*']`, "eu"},
		{`applications: ['prod-[!a-f]*']`, "us"},
		{`applications: ['[du]ev']`, "dev"},
		{`applications: ['Dev']`, ""},
		{`namespaces: [default]`, "dev eu"},
		{`namespaces: [shop], applications: [dev]`, "dev us"},
		{`namespaces: [shop], applications: [dev], andOperator: true`, ""},
		{`namespaces: ['*'], applications: ['prod-*'], andOperator: true`, "eu us"},
		{`clusters: [gke-us]`, "us"},
		{`clusters: ['*']`, "dev eu us"},
		{`clusters: ['gke-*', 'https://kubernetes.default.svc']`, "us"},
		{`clusters: ['gke-*'], namespaces: [default], andOperator: true`, ""},
		{`clusters: ['gke-*'], andOperator: true`, "us"},
		{`applications: ['prod\-eu']`, "eu"},
		{`applications: []`, ""},
	} {
		file := threeEnvironments + "  - name: argo\n    import: argocd\n    syncWindows: [{kind: deny, schedule: '0 1 * * *', duration: 1h, " + c.match + "}]\n"
		conf, err := Parse("f", []byte(file))
		if err != nil {
			t.Errorf("%s: %v", c.match, err)
			continue
		}
		var got []string
		for _, e := range conf.Environments {
			for _, w := range e.Windows {
				if w.Name == "argo 0" {
					got = append(got, strings.TrimPrefix(e.Name, "prod-"))
				}
			}
		}
		if strings.Join(got, " ") != c.want || (c.want == "") != (len(conf.Warnings) > 0) {
			t.Errorf("%s: counts for %q, want %q; %q", c.match, got, c.want, conf.Warnings)
		}
	}
}

func TestArgoFields(t *testing.T) {
	c, err := Parse("f", []byte(environment("name: prod", "tier: production", "path: p", "windows:", "  - name: petstore", "    import: argocd", "    application: petstore-prod",
		"    cluster: https://kubernetes.default.svc", `    syncWindows:
        - {kind: allow, schedule: "10 1 * * *", duration: 1h30m10s, applications: ["petstore-*"], manualSync: true, timeZone: Europe/Berlin, syncOverrun: true, description: "Ticket 123\nand more"}
        - {kind: deny, schedule: "@daily", duration: 1h, clusters: ["https://kubernetes.default.svc"], timeZone: ""}
        - {kind: deny, schedule: "@daily", duration: 1h, applications: [prod]}`)))
	if err != nil {
		t.Fatal(err)
	}
	w := c.Environments[0].Windows
	if len(w) != 2 || w[0].Name != "petstore 0 (Ticket 123)" || w[0].Allow == nil || w[0].Allow.Duration != 90*time.Minute+10*time.Second || !w[0].Manual || w[0].Location.String() != "Europe/Berlin" ||
		w[1].Name != "petstore 1" || w[1].Freeze == nil || w[1].Manual || w[1].Location != time.UTC {
		t.Errorf("%+v", w)
	}
	if !begins(c.Warnings, `f:14:11: environment "prod": window "petstore": sync window 2: it names no environment here: it never counts; an application is an environment's name, a cluster its context in the kubeconfig`) {
		t.Errorf("%q", c.Warnings)
	}
}

func TestArgoProblems(t *testing.T) {
	const ok = `kind: deny, schedule: "0 1 * * *", duration: 1h, applications: ["*"]`
	sync := func(fields string) string {
		return threeEnvironments + "  - name: argo\n    import: argocd\n    syncWindows: [{" + fields + "}]\n"
	}
	for _, c := range []struct{ file, want string }{
		{sync(`kind: freeze, schedule: "0 1 * * *", duration: 1h, applications: ["*"]`), `f:9:26: window "argo": sync window 0: kind cannot be "freeze"; one of allow, deny`},
		{sync(`kind: deny, duration: 1h, applications: ["*"]`), `f:9:19: window "argo": sync window 0: schedule is missing: a cron schedule`},
		{sync(`kind: deny, schedule: "0 1 30 2 *", duration: 1h, applications: ["*"]`), `f:9:42: window "argo": sync window 0: schedule "0 1 30 2 *": it never comes: …`},
		{sync(`kind: deny, schedule: "CRON_TZ=UTC 0 1 * * *", duration: 1h, applications: ["*"]`), `f:9:42: window "argo": sync window 0: schedule "CRON_TZ=UTC 0 1 * * *": a time zone cannot be part of it: that is timeZone`},
		{sync(`kind: deny, schedule: "0 1 * * *", duration: 0s, applications: ["*"]`), `f:9:65: window "argo": sync window 0: duration "0s" must be whole seconds, longer than nothing and at most 8784h`},
		{sync(`kind: deny, schedule: "0 1 * * *", duration: 1 h, applications: ["*"]`), `f:9:65: window "argo": sync window 0: duration "1 h" is not a duration …`},
		{sync(ok + `, timeZone: Europe/Berln`), `f:9:100: window "argo": sync window 0: timeZone: unknown time zone "Europe/Berln"; did you mean "Europe/Berlin"?`},
		{sync(ok + `, useAndOperator: true`), `f:9:106: window "argo": sync window 0: useAndOperator is not a field that Argo CD reads: write andOperator, or remove it, which is what it does there`},
		{sync(ok + `, manualsync: true`), `f:9:90: window "argo": sync window 0: unknown key "manualsync"; did you mean "manualSync"?`},
		{sync(`kind: deny, schedule: "0 1 * * *", duration: 1h, applications: ["a["]`), `f:9:84: window "argo": sync window 0: applications: "a[" is not a pattern: a [ needs characters and a ] after it`},
		{sync(`kind: deny, schedule: "0 1 * * *", duration: 1h, applications: ["a{b"]`), `f:9:84: window "argo": sync window 0: applications: "a{b" is not a pattern: a { needs a } after it`},
		{sync(`kind: deny, schedule: "0 1 * * *", duration: 1h`), `f:9:19: window "argo": sync window 0: it names no application, namespace or cluster: it never counts, as in Argo CD`},
		{sync(`kind: deny, schedule: "0 2 1 * mon", duration: 1h, applications: ["*"]`), `f:9:42: window "argo": sync window 0: schedule "0 2 1 * mon": the day of the month or …`},
		{sync(ok + `, syncOverrun: true`), `f:9:19: window "argo": sync window 0: syncOverrun lets a sync go on when it closes, but environment "prod-eu" has overrun: stop-between-waves, which counts`},
		{threeEnvironments + "  - name: argo\n    import: flux\n    syncWindows: [{" + ok + "}]\n", `f:8:13: window "argo": import cannot be "flux"; one of argocd`},
		{threeEnvironments + "  - name: argo\n    import: argocd\n", `f:7:5: window "argo": syncWindows is missing: put those of the AppProject here, as they are`},
		{threeEnvironments + "  - name: argo\n    syncWindows: [{" + ok + "}]\n", `f:7:5: window "argo": import is missing: write import: argocd`},
		{threeEnvironments + "  - name: argo\n    import: argocd\n    syncWindows: []\n", `f:9:18: window "argo": syncWindows is empty: remove the import`},
		{threeEnvironments + "  - name: argo\n    import: argocd\n    timeZone: UTC\n    syncWindows: [{" + ok + "}]\n", `f:9:15: window "argo": timeZone does not go with import: the sync windows say it themselves`},
		{threeEnvironments + "  - name: argo\n    import: argocd\n    application: shop\n    syncWindows: [{" + ok + "}]\n", `f:9:18: window "argo": application is one environment's: move the import there`},
	} {
		if got := said(t, c.file); !begins(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.file, strings.Join(got, "\n     "), c.want)
		}
	}
}
