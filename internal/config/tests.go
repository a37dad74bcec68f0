package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	// maxTestName is the length of a test's name, in characters: it labels
	// the Jobs it makes.
	maxTestName = 63
	// maxDuration is longer than anybody waits for a test.
	maxDuration = 24 * time.Hour
	maxRetries  = 1000
)

// tests reads the acceptance tests of an environment.
func (d *decoder) tests(n *yaml.Node, env string) []model.Test {
	items, _ := d.list(n, env+": tests")
	var tests []model.Test
	lines := map[string]int{}
	for i, item := range items {
		t := d.test(item, env+": "+title("test", item, i))
		if first, taken := lines[t.Name]; taken && t.Name != "" {
			d.at(nameNode(item), "%s: test %s is there twice, first in line %d: names must differ", env, quote(t.Name), first)
		} else {
			lines[t.Name] = nameNode(item).Line
		}
		tests = append(tests, t)
	}
	return tests
}

func (d *decoder) test(n *yaml.Node, what string) model.Test {
	t := model.Test{Required: true}
	var kinds []string // that are there, right or wrong
	var second *yaml.Node
	kind := func(name string, read func(n *yaml.Node)) key {
		return key{name: name, read: func(n *yaml.Node) {
			if kinds = append(kinds, name); len(kinds) == 2 {
				second = n
			}
			read(n)
		}}
	}
	before := len(d.problems)
	ok := d.mapping(n, what, []key{
		{name: "name", required: true, hint: "give it one; it is what a failed run cites", read: func(n *yaml.Node) {
			d.testName(n, what+": name", &t.Name)
		}},
		kind("http", func(n *yaml.Node) { t.HTTP = d.http(n, what+": http") }),
		kind("job", func(n *yaml.Node) { t.Job = d.job(n, what+": job") }),
		kind("command", func(n *yaml.Node) { t.Command = d.command(n, what+": command") }),
		{name: "timeout", read: func(n *yaml.Node) { d.duration(n, what+": timeout", &t.Timeout) }},
		{name: "required", read: func(n *yaml.Node) { d.bool(n, what+": required", &t.Required) }},
	})
	switch {
	case !ok:
	case second != nil:
		d.at(second, "%s has both %s: make two tests of it", what, strings.Join(kinds[:2], " and "))
	case len(kinds) == 0 && len(d.problems) == before:
		d.at(n, "%s has neither http nor job nor command: say how to test", what)
	}
	limit := t.Timeout
	if limit == 0 {
		limit = model.DefaultTestTimeout
	}
	if t.HTTP != nil && t.HTTP.Interval >= limit {
		d.at(n, "%s: interval %s is not shorter than the timeout %s: there would be no second attempt", what, t.HTTP.Interval, limit)
	}
	return t
}

func (d *decoder) testName(n *yaml.Node, what string, to *string) {
	v, ok := d.text(n, what)
	if ok && utf8.RuneCountInString(v) > maxTestName {
		d.at(n, "%s is longer than %d characters", what, maxTestName)
		return
	}
	*to = v
}

// http reads a request. Keys that only go with some others are judged when all
// are known.
func (d *decoder) http(n *yaml.Node, what string) *model.HTTPTest {
	var h model.HTTPTest
	given := map[string]*yaml.Node{}
	take := func(name string, read func(n *yaml.Node, what string)) key {
		return key{name: name, read: func(n *yaml.Node) {
			given[name] = n
			read(n, what+": "+name)
		}}
	}
	before := len(d.problems)
	if !d.mapping(n, what, []key{
		take("url", func(n *yaml.Node, what string) { d.url(n, what, &h.URL) }),
		take("service", func(n *yaml.Node, what string) { d.service(n, what, &h.Service) }),
		take("path", func(n *yaml.Node, what string) { d.urlPath(n, what, &h.Path) }),
		take("status", func(n *yaml.Node, what string) { d.status(n, what, &h.Status) }),
		take("body", func(n *yaml.Node, what string) { d.pattern(n, what, &h.Body) }),
		take("retries", func(n *yaml.Node, what string) { d.retries(n, what, &h.Retries) }),
		take("interval", func(n *yaml.Node, what string) { d.duration(n, what, &h.Interval) }),
	}) {
		return nil
	}
	address, service := given["url"], given["service"]
	switch {
	case address != nil && service != nil:
		d.at(service, "%s has both url and service: make two tests of it", what)
	case address == nil && service == nil && len(d.problems) == before:
		d.at(n, "%s has neither url nor service: say what to ask, such as service: \"shop/petstore:8080\"", what)
	case address != nil && given["path"] != nil:
		d.at(given["path"], "%s: path goes with service: write it into the url", what)
	}
	return &h
}

// url reads an address. It is not repeated in errors, as it may hold a password.
func (d *decoder) url(n *yaml.Node, what string, to *string) {
	defer d.hide()()
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	u, err := url.Parse(v)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		d.at(n, "%s must be an http or https address, such as https://petstore.example/healthz", what)
	case u.User != nil:
		d.at(n, "%s holds a user or password, and Git forgets nothing: remove it, and change the password if it was a real one", what)
	default:
		*to = v
	}
}

var serviceName = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?/)?[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?:([a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?)$`)

// service reads "namespace/name:port", with the number or the name of a port.
func (d *decoder) service(n *yaml.Node, what string, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	m := serviceName.FindStringSubmatch(v)
	if m != nil {
		port, err := strconv.Atoi(m[1])
		if err != nil && strings.ContainsFunc(m[1], func(r rune) bool { return r >= 'a' && r <= 'z' }) || err == nil && port > 0 && port < 1<<16 {
			*to = v
			return
		}
	}
	hint := `write NAMESPACE/NAME:PORT or NAME:PORT, such as "shop/petstore:8080"`
	if !strings.Contains(v, ":") && serviceName.MatchString(v+":80") {
		hint = fmt.Sprintf("its port is missing: write %s", quote(v+":PORT"))
	}
	d.at(n, "%s %s is not a service; %s", what, quote(v), hint)
}

func (d *decoder) urlPath(n *yaml.Node, what string, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	_, err := url.ParseRequestURI("http://service" + v)
	switch {
	case !strings.HasPrefix(v, "/"):
		d.at(n, "%s %s must start with /; did you mean %s?", what, quote(v), quote("/"+v))
	case err != nil, strings.ContainsAny(v, "# "):
		d.at(n, "%s %s is not the path of a URL, such as /healthz?full=1; other characters are written as %%20", what, quote(v))
	default:
		*to = v
	}
}

func (d *decoder) status(n *yaml.Node, what string, to *int) {
	before := len(d.problems)
	d.count(n, what, to)
	if len(d.problems) == before && (*to < 100 || *to > 599) {
		d.at(n, "%s %d is not the status of an HTTP answer, such as 200", what, *to)
	}
}

func (d *decoder) retries(n *yaml.Node, what string, to *int) {
	d.count(n, what, to)
	if *to > maxRetries {
		d.at(n, "%s must be at most %d; make the interval longer instead", what, maxRetries)
	}
}

func (d *decoder) pattern(n *yaml.Node, what string, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	if _, err := regexp.Compile(v); err != nil {
		d.at(n, "%s is not a regular expression: %s", what, quoteLess(strings.TrimPrefix(err.Error(), "error parsing regexp: ")))
		return
	}
	*to = v
}

// duration reads a span of time, longer than nothing.
func (d *decoder) duration(n *yaml.Node, what string, to *time.Duration) {
	s := resolve(n)
	if s.Kind != yaml.ScalarNode || s.ShortTag() != "!!str" {
		hint := ""
		if s.Kind == yaml.ScalarNode && s.ShortTag() == "!!int" && d.number(s.Value) {
			hint = fmt.Sprintf("; did you mean %ss?", s.Value)
		}
		d.at(n, "%s must be a duration such as 90s or 5m, not %s%s", what, d.kindOf(s), hint)
		return
	}
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	span, err := time.ParseDuration(v)
	switch {
	case err != nil:
		d.at(n, "%s %s is not a duration such as 90s, 5m or 1h30m", what, quote(v))
	case span <= 0 || span > maxDuration:
		d.at(n, "%s %s must be longer than nothing and at most %s", what, quote(v), "24h")
	default:
		*to = span
	}
}

// number reports plain decimal digits that make a likely count of seconds.
func (d *decoder) number(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0 && n <= int(maxDuration/time.Second) && strconv.Itoa(n) == text
}

func (d *decoder) job(n *yaml.Node, what string) *model.JobTest {
	var j model.JobTest
	d.path(n, what, &j.Path)
	if j.Path == "." {
		d.at(n, "%s must be the file of a Job's manifest, such as tests/checkout.yaml", what)
	}
	return &j
}

func (d *decoder) command(n *yaml.Node, what string) *model.CommandTest {
	var c model.CommandTest
	if s := resolve(n); s.Kind == yaml.ScalarNode && s.ShortTag() == "!!str" && strings.TrimSpace(s.Value) != "" {
		var args []string
		for _, word := range strings.Fields(s.Value) {
			args = append(args, quote(word))
		}
		d.at(n, "%s must be a list, the program and its arguments, as no shell is in between: [%s]", what, shorten(strings.Join(args, ", ")))
		return &c
	}
	items, ok := d.list(n, what)
	if ok && len(items) == 0 {
		d.at(n, "%s is empty: name the program", what)
	}
	for _, item := range items {
		arg, _ := d.text(item, what+": argument")
		c.Args = append(c.Args, arg)
	}
	return &c
}
