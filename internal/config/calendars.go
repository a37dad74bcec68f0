package config

import (
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/model"
)

// maxCalendarAge is how old a calendar may be called current.
const maxCalendarAge = 90 * 24 * time.Hour

// calendar reads where the spans of a window are read from.
func (d *decoder) calendar(n *yaml.Node, given map[string]*yaml.Node, what string) *model.WindowSource {
	for _, other := range slices.Sorted(maps.Keys(given)) {
		if other != "ics" && other != "maxAge" {
			d.at(n, "%s mixes ics with %s: make two windows of it", what, other)
			return nil
		}
	}
	at := given["ics"]
	if at == nil {
		d.at(n, "%s: ics is missing: maxAge is how old a calendar may be", what)
		return nil
	}
	var s model.WindowSource
	text := resolve(at).Value
	switch {
	case strings.HasPrefix(text, "$"):
		d.reference(at, what+": ics", &s.URL)
	case strings.Contains(text, ":"):
		d.calendarURL(at, what+": ics", &s.URL)
	default:
		if d.path(at, what+": ics", &s.File); s.File == "." {
			d.at(at, "%s: ics must be an iCalendar file, such as calendars/holidays.ics, or an address", what)
		}
	}
	age := given["maxAge"]
	switch {
	case age == nil && s.URL != "":
		s.MaxAge = model.DefaultCalendarAge
	case age != nil && s.File != "":
		d.at(age, "%s: maxAge is of use with an address: a file is read from the commit", what)
	case age != nil:
		d.calendarAge(age, what+": maxAge", &s.MaxAge)
	}
	return &s
}

func (d *decoder) calendarAge(n *yaml.Node, what string, to *time.Duration) {
	if d.long(n, what, to); *to > maxCalendarAge {
		d.at(n, "%s must be at most 90d", what)
	}
}

// credentials are names of what stands in the query of a URL for the right to
// read.
var credentials = regexp.MustCompile(`(?i)token|secret|passw|pwd|signature|^(?:api)?_?key$|^sig$|^auth$|credential`)

// privateCalendar is how Google writes an address that is a secret.
var privateCalendar = regexp.MustCompile(`/private-[0-9a-f]{8,}`)

// calendarURL reads an address that anybody may read. It is not repeated in
// errors, as it may be one that is a secret.
func (d *decoder) calendarURL(n *yaml.Node, what string, to *string) {
	defer d.hide()()
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	if rest, webcal := strings.CutPrefix(v, "webcal://"); webcal {
		v = "https://" + rest
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		d.at(n, "%s must be a file of the repository, or an https or webcal address, such as https://calendar.example/freeze.ics", what)
		return
	}
	secret := u.User != nil || privateCalendar.MatchString(u.Path)
	for name := range u.Query() {
		secret = secret || credentials.MatchString(name)
	}
	switch {
	case secret:
		d.notReference(n, what+" carries a credential, and")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		d.at(n, "%s must be https: anybody on the way could change when it is closed", what)
	default:
		if u.Scheme == "http" {
			d.warn(n, "%s is plain http, on the machine that fairtide runs on: each operator's own, and the build's", what)
		}
		*to = v
	}
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
