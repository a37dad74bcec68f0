package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const windowConfig = `apiVersion: fairtide.dev/v1
environments:
  - name: production
    tier: production
    path: a
    cluster: {context: nowhere}
    namespace: shop
    windows:
      - name: mornings
        timeZone: Europe/Berlin
        allow: {days: [mon, tue, wed, thu], start: "09:00", end: "12:00"}
      - name: year end
        timeZone: Europe/Berlin
        freeze: {from: 2026-12-20, to: 2027-01-06}
      - name: databases at night
        timeZone: Europe/Berlin
        allow: {days: [sat], start: "22:00", end: "02:00"}
        scope: {kinds: [StatefulSet.apps], namespaces: [shop]}
      - name: no deletions
        timeZone: Europe/Berlin
        freeze: {from: 2026-11-23, to: 2026-11-23}
        scope: {risks: [deletes-data]}
  - name: dev
    tier: development
    path: a
    cluster: {context: nowhere}
    windows:
      - {name: never, timeZone: UTC, freeze: {from: 2026-01-01, to: 2028-01-01}}
`

// desk is a clone without a cluster, and a clock.
type desk struct {
	t   *testing.T
	dir string
	now time.Time
	env map[string]string
}

func newDesk(t *testing.T, files map[string]string) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), env: map[string]string{
		"HOME": t.TempDir(), "KUBECONFIG": filepath.Join(t.TempDir(), "none"), "PATH": os.Getenv("PATH"),
	}}
	for name, content := range files {
		path := filepath.Join(d.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "-A"},
		{"-c", "user.name=dev1", "-c", "user.email=dev1@petstore.example", "-c", "commit.gpgsign=false", "commit", "-qm", "windows"},
	} {
		if out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", d.dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	return d
}

// must runs the program in a directory of the clone, and insists on its exit code.
func (d *desk) must(code int, args ...string) result {
	d.t.Helper()
	out, err := os.Create(filepath.Join(d.t.TempDir(), "stdout"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	var stderr strings.Builder
	p := program{
		args: args, stdin: out, stdout: out, stderr: &stderr,
		lookupEnv: func(name string) (string, bool) { v, ok := d.env[name]; return v, ok },
		workDir:   func() (string, error) { return filepath.Join(d.dir, "a"), nil },
		hostname:  func() (string, error) { return "desk", nil },
		clock:     func() time.Time { return d.now },
	}
	got := p.run(d.t.Context())
	text, err := os.ReadFile(out.Name())
	if err != nil {
		d.t.Fatal(err)
	}
	r := result{int(got), string(text), stderr.String()}
	if r.code != code {
		d.t.Fatalf("fairtide %s: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	return r
}

func TestWindowAt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, map[string]string{".fairtide.yaml": windowConfig, "a/x.yaml": "# nothing\n"})
	for _, c := range []struct {
		args string // after --at, with _ for spaces
		code int
		says []string
	}{
		{"mon_9:30", 0, []string{
			"production: open: mornings (Mon–Thu 09:00–12:00 Europe/Berlin)\n", "at     Mon 2026-11-23 09:30 CET (08:30 UTC)\n",
			"until  Mon 2026-11-23 12:00 CET (11:00 UTC)\n", "opens  Tue 2026-11-24 09:00 CET (08:00 UTC)\n", "note   2 rules are about some objects only",
		}},
		{"2026-11-23T08:30:00Z", 0, []string{"at     Mon 2026-11-23 09:30 CET (08:30 UTC)\n"}},
		{"tomorrow_13:00", 3, []string{"production: closed: outside mornings", "opens  Tue 2026-11-24 09:00 CET"}},
		{"24_dec", 3, []string{"production: frozen by year end until 2027-01-07 00:00 Europe/Berlin\n", "at     Thu 2026-12-24 00:00 CET (Wed 23:00 UTC)\n", "opens  Thu 2027-01-07 09:00 CET"}},
		{"28_nov_23:00", 3, []string{"closed: outside mornings"}},
		{"28_nov_23:00 --kind StatefulSet.apps", 0, []string{"open", "databases at night", "until  Sun 2026-11-29 02:00 CET"}},
		{"mon_9:30 --kind StatefulSet.apps", 3, []string{"closed for StatefulSet", "databases at night"}},
		{"mon_9:30 --kind StatefulSet.apps --in default", 0, []string{"open: mornings"}},
		{"mon_9:30 --kind StatefulSet.apps,ConfigMap", 3, []string{"closed for StatefulSet"}},
		{"mon_9:30 --kind ConfigMap", 0, []string{"open: mornings"}},
		{"mon_9:30 --kind ConfigMap --risk deletes-data", 3, []string{"frozen", "no deletions"}},
		{"28_mar_2027_2:30", 3, []string{"note   the clock skips 02:30 on 28 March 2027; it goes on at 03:00 CEST\n"}},
	} {
		args := strings.Fields(c.args)
		r := d.must(c.code, append([]string{"window", "-e", "production", "--at", strings.ReplaceAll(args[0], "_", " ")}, args[1:]...)...)
		for _, s := range c.says {
			if !strings.Contains(r.stdout, s) {
				t.Errorf("%s: does not say %q:\n%s", c.args, s, r.stdout)
			}
		}
	}
	doc := decode[windowDocument](t, d.must(3, "window", "-e", "production", "--at", "24 dec", "-o", "json").stdout)
	if doc.Environment != "production" || doc.Open || doc.Rule != "year end" || doc.Zone != "Europe/Berlin" || doc.At.Format(time.RFC3339) != "2026-12-23T23:00:00Z" ||
		doc.NextOpen.Format(time.RFC3339) != "2027-01-07T08:00:00Z" {
		t.Errorf("%+v", doc)
	}
	for _, c := range []struct{ args, says string }{
		{"--at whenever", `--at: "whenever" is not understood; try "tomorrow 9:30"`},
		{"--next -1", "--next -1: ask for 1 to 1000 openings"},
		{"-o xml", `"xml"`},
	} {
		if r := d.must(2, append([]string{"window", "-e", "production"}, strings.Fields(c.args)...)...); !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: %s", c.args, r.stderr)
		}
	}
	if r := d.must(2, "window", "-e", "prodction", "--at", "24 dec"); !strings.Contains(r.stderr, "did you mean production?") {
		t.Error(r.stderr)
	}
}

func TestWindowNext(t *testing.T) {
	t.Parallel()
	d := newDesk(t, map[string]string{".fairtide.yaml": windowConfig, "a/x.yaml": "# nothing\n"})
	r := d.must(0, "window", "-e", "production", "--at", "thu 10:00", "--next", "3")
	want := `OPENS                                 CLOSES                                OPEN FOR  BY
Thu 2026-11-26 10:00 CET (09:00 UTC)  Thu 2026-11-26 12:00 CET (11:00 UTC)  2 h       mornings
Mon 2026-11-30 09:00 CET (08:00 UTC)  Mon 2026-11-30 12:00 CET (11:00 UTC)  3 h       mornings
Tue 2026-12-01 09:00 CET (08:00 UTC)  Tue 2026-12-01 12:00 CET (11:00 UTC)  3 h       mornings
`
	if r.stdout != want {
		t.Errorf("got\n%swant\n%s", r.stdout, want)
	}
	doc := decode[openingsDocument](t, d.must(0, "window", "-e", "production", "--at", "thu 10:00", "--next", "2", "--kind", "StatefulSet.apps", "-o", "json").stdout)
	if len(doc.Openings) != 2 || doc.Openings[0].From.Format(time.RFC3339) != "2026-11-28T21:00:00Z" || doc.Openings[0].Seconds != 4*60*60 || doc.Openings[0].Rules[0] != "databases at night" || doc.Zone != "Europe/Berlin" {
		t.Errorf("%+v", doc)
	}
	if r := d.must(0, "window", "-e", "dev", "--at", "+3h", "--next", "2"); !strings.Contains(r.stdout, "dev does not open within a year: frozen by never\n") {
		t.Error(r.stdout)
	}
	if doc := decode[openingsDocument](t, d.must(0, "window", "-e", "dev", "--at", "now", "--next", "2", "-o", "json").stdout); doc.Openings == nil || len(doc.Openings) > 0 {
		t.Errorf("%+v", doc)
	}
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	d := newDesk(t, map[string]string{
		".fairtide.yaml": windowConfig, "a/x.yaml": "# nothing\n",
		"a/odd.yaml":     strings.Replace(windowConfig, "timeZone: UTC", "timeZone: EST", 1),
		"a/bad.yaml":     strings.Replace(windowConfig, "timeZone: UTC", "timeZone: Urc", 1),
		"a/ics.yaml":     strings.Replace(windowConfig, "freeze: {from: 2026-01-01, to: 2028-01-01}", "freeze: {ics: cal/broken.ics}", 1),
		"cal/broken.ics": "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:yesterday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
	})
	root := filepath.Join(d.dir, ".fairtide.yaml")
	if r := d.must(0, "config", "check"); r.stdout != root+": 2 environments, no problems\n" || r.stderr != "" {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	d.must(0, "config", "check", "--strict")
	const warning = `odd.yaml:28:33: warning: environment "dev": window "never": timeZone: EST is an abbreviation`
	r := d.must(0, "config", "check", "odd.yaml")
	if !strings.HasPrefix(r.stdout, warning) || !strings.HasSuffix(r.stdout, "\nodd.yaml: 2 environments, no problems, 1 warning\n") {
		t.Error(r.stdout)
	}
	d.must(2, "config", "check", "--strict", "odd.yaml")
	d.must(2, "config", "check", "--strict", "--config", "a/odd.yaml")
	if r = d.must(2, "config", "check", "bad.yaml"); !strings.HasPrefix(r.stdout, `bad.yaml:28:33: environment "dev": window "never": timeZone: unknown time zone "Urc"; did you mean "UTC"?`) ||
		!strings.HasSuffix(r.stdout, "bad.yaml: 2 environments, 1 problem\n") {
		t.Error(r.stdout)
	}
	doc := decode[checkDocument](t, d.must(2, "config", "check", "bad.yaml", "-o", "json").stdout)
	if doc.Valid || doc.File != "bad.yaml" || len(doc.Problems) != 1 || doc.Problems[0].Line != 28 || doc.Warnings == nil || len(doc.Environments) != 2 {
		t.Errorf("%+v", doc)
	}
	if r = d.must(2, "config", "check", "ics.yaml"); !strings.Contains(r.stdout, `"cal/broken.ics" cannot be read: `) || !strings.Contains(r.stdout, "yesterday") {
		t.Error(r.stdout)
	}
	if r = d.must(2, "config", "check", "gone.yaml"); !strings.Contains(r.stderr, "gone.yaml does not exist; name the configuration") {
		t.Error(r.stderr)
	}
	if r = d.must(2, "config", "check", "--repo", "https://forge.example/a/b.git"); !strings.Contains(r.stderr, "reads a working tree") {
		t.Error(r.stderr)
	}
	d.now = time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)
	if r = d.must(0, "config", "check"); strings.Count(r.stdout, "it was over on") != 3 {
		t.Error(r.stdout)
	}
	if r = d.must(0, "config"); !strings.Contains(r.stdout, "check") {
		t.Error(r.stdout)
	}
}
