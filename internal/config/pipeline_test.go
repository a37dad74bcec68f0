package config

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/internal/notify"
	"github.com/fairtide-dev/fairtide/model"
)

const pipeline = `
apiVersion: fairtide.dev/v1
environments:
  - name: production
    tier: production
    path: environments/production
    deploy: auto
    requires: {approvals: 1, checks: true}
    sandbox: {cluster: {context: gke-sandbox}, namespace: petstore-sandbox}
    tests:
      - {name: smoke, http: {service: "shop/petstore:8080", path: "/healthz?full=1", status: 204, body: "o+k", retries: 3, interval: 2s}, timeout: 1m}
      - {name: front page, http: {url: "https://petstore.example/"}}
      - {name: named port, http: {service: "petstore:http"}}
      - {name: checkout, job: ./tests//checkout.yaml}
      - {name: script, command: [./tests/smoke.sh, "5"], required: false}
images:
  - {image: ghcr.io/acme/petstore, range: ~1.4}
  - {image: "localhost:5000/*"}
notify:
  slack: {channel: "#deploys", apiURL: "http://127.0.0.1:8080/api"}
  webhooks:
    - {url: "https://audit.example/fairtide", secret: "${file:/run/secrets/hook}"}
    - {url: "${env:HOOK_URL}"}
`

func TestParsePipeline(t *testing.T) {
	got, err := Parse(File, []byte(pipeline))
	if err != nil {
		t.Fatal(err)
	}
	want := model.Config{
		StateNamespace: model.DefaultStateNamespace,
		FetchEvery:     model.DefaultFetchEvery,
		Environments: []model.Environment{{
			Name: "production", Tier: model.TierProduction, Path: "environments/production", Deploy: model.DeployAuto, Overrun: model.OverrunFinish,
			Rollout:  quietRollout,
			Prune:    model.PrunePolicy{Enabled: true, Max: model.DefaultPruneMax, Share: true},
			Requires: model.Requirements{Approvals: 1, Checks: true},
			Sandbox:  model.Sandbox{Context: "gke-sandbox", Namespace: "petstore-sandbox"},
			Tests: []model.Test{
				{Name: "smoke", Required: true, Timeout: time.Minute, HTTP: &model.HTTPTest{
					Service: "shop/petstore:8080", Path: "/healthz?full=1", Status: 204, Body: "o+k", Retries: 3, Interval: 2 * time.Second,
				}},
				{Name: "front page", Required: true, HTTP: &model.HTTPTest{URL: "https://petstore.example/"}},
				{Name: "named port", Required: true, HTTP: &model.HTTPTest{Service: "petstore:http"}},
				{Name: "checkout", Required: true, Job: &model.JobTest{Path: "tests/checkout.yaml"}},
				{Name: "script", Command: &model.CommandTest{Args: []string{"./tests/smoke.sh", "5"}}},
			},
		}},
		Images: []model.ImagePolicy{{Image: "ghcr.io/acme/petstore", Range: "~1.4"}, {Image: "localhost:5000/*"}},
		Notify: model.Notify{
			Slack: &model.SlackNotify{Channel: "#deploys", Token: "${env:SLACK_BOT_TOKEN}", APIURL: "http://127.0.0.1:8080/api"},
			Webhooks: []model.WebhookNotify{
				{URL: "https://audit.example/fairtide", Secret: "${file:/run/secrets/hook}"},
				{URL: "${env:HOOK_URL}"},
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// tested is a file with one test, whose line 7 is its first key.
func tested(lines ...string) string {
	return environment("name: prod", "tier: production", "path: p", "tests:", "  - "+strings.Join(lines, "\n        "))
}

func noted(text string) string {
	return environment("name: prod", "tier: production", "path: p") + text + "\n"
}

func TestPipelineProblems(t *testing.T) {
	with := func(line string) string { return environment("name: prod", "tier: production", "path: p", line) }
	http := func(keys string) string { return tested("name: t", "http: {"+keys+"}") }
	for _, c := range []struct {
		name, file string
		want       string // as in TestProblems
	}{
		{"approvals", with("requires: {approvals: yes}"), `6:27: environment "prod": requires: approvals must be a whole number from 0 on, not the text "yes"`},
		{"checks", with("requires: {checks: green}"), `6:24: environment "prod": requires: checks must be true or false, not the text "green"`},
		{"requires key", with("requires: {approval: 1}"), `6:16: environment "prod": requires: unknown key "approval"; did you mean "approvals"?`},
		{"sandbox", with("sandbox: {namespace: A}"), `6:26: environment "prod": sandbox: namespace "A" must be at most 40 …`},
		{"sandbox key", with("sandbox: {context: x}"), `6:15: environment "prod": sandbox: unknown key "context"; …`},
		{"tests a mapping", with("tests: {smoke: x}"), `6:12: environment "prod": tests must be a list, not a mapping`},
		{"test without name", tested("job: x.yaml"), `7:9: environment "prod": test 1: name is missing: give it one; it is what a failed run cites`},
		{"test name too long", tested("name: "+strings.Repeat("a", 64), "job: x.yaml"), `7:15: environment "prod": test "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…": name is longer than 63 characters`},
		{"test twice", tested("name: t", "job: x.yaml") + "      - {name: t, job: y.yaml}\n", `9:16: environment "prod": test "t" is there twice, first in line 7: names must differ`},
		{"no kind", tested("name: t"), `7:9: environment "prod": test "t" has neither http nor job nor command: say how to test`},
		{"two kinds", tested("name: t", "job: x.yaml", "command: [y]"), `9:18: environment "prod": test "t" has both job and command: make two tests of it`},
		{"test key", tested("name: t", "htpp: {url: x}"), `8:9: environment "prod": test "t": unknown key "htpp"; did you mean "http"?`},
		{"timeout a number", tested("name: t", "job: x", "timeout: 60"), `9:18: environment "prod": test "t": timeout must be a duration such as 90s or 5m, not the number 60; did you mean 60s?`},
		{"timeout", tested("name: t", "job: x", "timeout: 5 minutes"), `9:18: environment "prod": test "t": timeout "5 minutes" is not a duration such as 90s, 5m or 1h30m`},
		{"timeout zero", tested("name: t", "job: x", "timeout: 0s"), `9:18: environment "prod": test "t": timeout "0s" must be longer than nothing and at most 24h`},
		{"timeout long", tested("name: t", "job: x", "timeout: 25h"), `9:18: environment "prod": test "t": timeout "25h" must be …`},
		{"required", tested("name: t", "job: x", "required: no"), `9:19: environment "prod": test "t": required must be true or false, not the text "no"`},
		{"http a text", tested("name: t", "http: https://x"), `8:15: environment "prod": test "t": http must be a mapping with the keys url, service, path, status, body, retries, interval, not the text "https://x"`},
		{"http empty", http(""), `8:15: environment "prod": test "t": http has neither url nor service: …`},
		{"http both", http("url: https://x, service: 'a:80'"), `8:41: environment "prod": test "t": http has both url and service: make two tests of it`},
		{"url", http("url: petstore/healthz"), `8:21: environment "prod": test "t": http: url must be an http or https address, such as https://petstore.example/healthz`},
		{"url scheme", http("url: 'ftp://petstore'"), `8:21: environment "prod": test "t": http: url must be an http or https address, …`},
		{"url password", http("url: 'https://op1:hunter2@petstore'"), `8:21: environment "prod": test "t": http: url holds a user or password, and Git forgets nothing: …`},
		{"url with path", http("url: https://x, path: /y"), `8:38: environment "prod": test "t": http: path goes with service: write it into the url`},
		{"service without port", http("service: shop/petstore"), `8:25: environment "prod": test "t": http: service "shop/petstore" is not a service; its port is missing: write "shop/petstore:PORT"`},
		{"service", http("service: 'Shop/petstore:80'"), `8:25: environment "prod": test "t": http: service "Shop/petstore:80" is not a service; write NAMESPACE/NAME:PORT or NAME:PORT, such as "shop/petstore:8080"`},
		{"service port 0", http("service: 'petstore:0'"), `8:25: environment "prod": test "t": http: service "petstore:0" is not a service; …`},
		{"service port", http("service: 'petstore:65536'"), `8:25: environment "prod": test "t": http: service "petstore:65536" is not …`},
		{"path", http("service: 'a:80', path: healthz"), `8:39: environment "prod": test "t": http: path "healthz" must start with /; did you mean "/healthz"?`},
		{"path with a space", http("service: 'a:80', path: '/a b'"), `8:39: environment "prod": test "t": http: path "/a b" is not the path of a URL, …`},
		{"status", http("url: https://x, status: 42"), `8:40: environment "prod": test "t": http: status 42 is not the status of an HTTP answer, such as 200`},
		{"status a text", http("url: https://x, status: ok"), `8:40: environment "prod": test "t": http: status must be a whole number from 0 on, not the text "ok"`},
		{"body", http("url: https://x, body: 'a('"), `8:38: environment "prod": test "t": http: body is not a regular expression: missing closing ): ` + "`a(`"},
		{"retries", http("url: https://x, retries: 1001"), `8:41: environment "prod": test "t": http: retries must be at most 1000; …`},
		{"interval", http("url: https://x, interval: 5m"), `7:9: environment "prod": test "t": interval 5m0s is not shorter than the timeout 5m0s: …`},
		{"job out", tested("name: t", "job: ../x.yaml"), `8:14: environment "prod": test "t": job "../x.yaml" leads out of the repository: …`},
		{"job a directory", tested("name: t", "job: ."), `8:14: environment "prod": test "t": job must be the file of a Job's manifest, such as tests/checkout.yaml`},
		{"command a text", tested("name: t", "command: ./smoke.sh -v"), `8:18: environment "prod": test "t": command must be a list, the program and its arguments, as no shell is in between: ["./smoke.sh", "-v"]`},
		{"command empty", tested("name: t", "command: []"), `8:18: environment "prod": test "t": command is empty: name the program`},
		{"command number", tested("name: t", "command: [sleep, 5]"), `8:26: environment "prod": test "t": command: argument must be a text, not the number 5; if it is meant as one, put it in quotes: "5"`},

		{"images a mapping", noted("images: {image: x}"), `6:9: images must be a list, not a mapping`},
		{"image missing", noted("images: [{range: ~1}]"), `6:10: image 1: image is missing: its name without the tag; * stands for any characters`},
		{"image tagged", noted("images: [{image: 'ghcr.io/acme/petstore:1.4'}]"), `6:18: image "ghcr.io/acme/petstore:1.4": image "ghcr.io/acme/petstore:1.4": write it without tag and digest: "ghcr.io/acme/petstore"`},
		{"image", noted("images: [{image: 'pet store'}]"), `6:18: image "pet store": image "pet store" is not the name of an image, …`},
		{"image twice", noted("images: [{image: a}, {image: a}]"), `6:30: image "a" is there twice, first in line 6, and only the first counts`},
		{"range", noted("images: [{image: a, range: newest}]"), `6:28: image "a": range "newest" is not a range of versions: cannot read "newest"; write ~1.4, ^1 or >=1.2 <2`},
		{"range a number", noted("images: [{image: a, range: 1.4}]"), `6:28: image "a": range must be a text, not the number 1.4; if it is meant as one, put it in quotes: "1.4"`},

		{"slack without channel", noted("notify: {slack: {}}"), `6:17: notify: slack: channel is missing: a name such as "#deploys", in quotes`},
		{"channel", noted("notify: {slack: {channel: deploys}}"), `6:27: notify: slack: channel must be a name such as "#deploys", in quotes, or an ID such as C024BE91L`},
		{"apiURL", noted("notify: {slack: {channel: '#a', apiURL: 'ftp://x'}}"), `6:41: notify: slack: apiURL must be an http or https address, …`},
		{"notify key", noted("notify: {slak: {}}"), `6:10: notify: unknown key; did you mean "slack"?`},
		{"webhooks a mapping", noted("notify: {webhooks: {url: x}}"), `6:20: notify: webhooks must be a list, not a mapping`},
		{"webhook without url", noted("notify: {webhooks: [{}]}"), `6:21: notify: webhook 1: url is missing: an address or a reference, such as ${env:WEBHOOK_URL}`},
		{"webhook url", noted("notify: {webhooks: [{url: audit}]}"), `6:27: notify: webhook 1: url must be an http or https address, …`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(c.file))
			if model.CodeOf(err, model.ExitOK) != model.ExitUsage {
				t.Fatalf("%v:\n%s", err, c.file)
			}
			begin, open := strings.CutSuffix("f.yaml:"+c.want, "…")
			if got := err.Error(); got != begin && (!open || !strings.HasPrefix(got, begin)) || strings.Contains(got, "\n") {
				t.Errorf("\n got %s\nwant %s", got, begin)
			}
		})
	}
}

// A secret in the file is refused wherever in notify it is, and no error
// repeats it.
func TestSecretsAreRefusedAndNotRepeated(t *testing.T) {
	const token = "xoxb-1234567890-SeCrEt"
	for name, text := range map[string]string{
		"token":             `{slack: {channel: "#a", token: ` + token + `}}`,
		"token, number":     `{slack: {channel: "#a", token: 5551234567}}`,
		"token, list":       `{slack: {channel: "#a", token: [` + token + `]}}`,
		"half a reference":  `{slack: {channel: "#a", token: "${env:A}` + token + `"}}`,
		"shell":             `{slack: {channel: "#a", token: "$` + token + `"}}`,
		"bad name":          `{slack: {channel: "#a", token: "${env:` + token + `}"}}`,
		"as channel":        `{slack: {channel: ` + token + `}}`,
		"as slack":          `{slack: ` + token + `}`,
		"as key":            `{slack: {channel: "#a", ` + token + `: b}}`,
		"as key, twice":     `{slack: {channel: "#a", ` + token + `: b, ` + token + `: c}}`,
		"as key, no value":  `{slack: {channel: "#a", ` + token + `}}`,
		"as notify":         token,
		"as apiURL":         `{slack: {channel: "#a", apiURL: ` + token + `}}`,
		"secret":            `{webhooks: [{url: "https://a.example", secret: ` + token + `}]}`,
		"as webhook":        `{webhooks: [` + token + `]}`,
		"as webhooks":       `{webhooks: ` + token + `}`,
		"url with user":     `{webhooks: [{url: "https://op1:` + token + `@a.example"}]}`,
		"url with query":    `{webhooks: [{url: "https://a.example/?key=` + token + `"}]}`,
		"url of Slack":      `{webhooks: [{url: "https://hooks.slack.com/services/T0/B0/` + token + `"}]}`,
		"url, broken":       `{webhooks: [{url: "https://a b/` + token + `"}]}`,
		"url, two lines":    `{webhooks: [{url: "https://a\n/` + token + `"}]}`,
		"url, no reference": `{webhooks: [{url: "${envi:` + token + `}"}]}`,
	} {
		_, err := Parse("f", []byte(noted("notify: "+text)))
		if err == nil {
			t.Errorf("%s is accepted", name)
			continue
		}
		if s := err.Error(); strings.Contains(s, "SeCrEt") || strings.Contains(s, "5551234567") {
			t.Errorf("%s: the error repeats the secret: %s", name, s)
		}
	}
}

// What passes here must not be refused when the secret is needed.
func TestReferencesAreThoseThatNotifyFollows(t *testing.T) {
	lookup := notify.Lookup{
		Env:  func(string) (string, bool) { return "value", true },
		File: func(string) ([]byte, error) { return []byte("value"), nil },
	}
	for _, ref := range []string{"${env:A_1}", "${file:/a/b c}", "${env:}", "${file:}", "${env:A}${env:B}", "$A", "A", "${env:1}", "${file:{}}"} {
		c, err := Parse("f", []byte(noted(`notify: {slack: {channel: "#a", token: '`+ref+`'}}`)))
		if err != nil {
			continue
		}
		if _, err := lookup.Resolve("token", c.Notify.Slack.Token); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

func TestAllProblemsOfThePipelineAtOnce(t *testing.T) {
	_, err := Parse("f", []byte(environment("name: a", "tier: staging", "path: p", "requires: {approvals: x, checks: 1}",
		"tests: [{name: t}, {name: u, http: {service: x}, timeout: 1}]")+
		"images: [{image: 'a:1', range: newest}]\nnotify: {slack: {channel: x, token: y}}\n"))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 9 {
		t.Errorf("%d problems:\n%v", len(problems), err)
	}
}

func checkTest(t *testing.T, test model.Test) {
	t.Helper()
	kinds := 0
	for _, there := range []bool{test.HTTP != nil, test.Job != nil, test.Command != nil} {
		if there {
			kinds++
		}
	}
	if kinds != 1 || test.Name == "" || test.Timeout < 0 {
		t.Errorf("%+v", test)
	}
	if h := test.HTTP; h != nil {
		_, err := regexp.Compile(h.Body)
		if err != nil || (h.URL == "") == (h.Service == "") || h.Retries < 0 || h.Interval < 0 {
			t.Errorf("%+v, %v", h, err)
		}
	}
	if j := test.Job; j != nil && (j.Path == "" || j.Path == "." || strings.HasPrefix(j.Path, "..")) {
		t.Errorf("%+v", j)
	}
	if c := test.Command; c != nil && len(c.Args) == 0 {
		t.Errorf("%+v", c)
	}
}
