package ical

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// property is a content line that matters here.
type property struct {
	line   int
	name   string
	params []param
	value  string
}

type param struct{ name, value string }

// param is the value of a parameter, empty if it is not there.
func (p *property) param(name string) string {
	for _, q := range p.params {
		if q.name == name {
			return q.value
		}
	}
	return ""
}

// component is what stands between a BEGIN and its END.
type component struct {
	kind     string
	line     int
	calendar int // which of the file's VCALENDARs it is in
	props    []property
	subs     []*component
}

// get is the only property of a name, nil if there is none.
func (c *component) get(name string) *property {
	for i := range c.props {
		if c.props[i].name == name {
			return &c.props[i]
		}
	}
	return nil
}

func (c *component) text(name string) string {
	if p := c.get(name); p != nil {
		return strings.TrimSpace(p.value)
	}
	return ""
}

// wanted are the properties that matter, by component. Some may be repeated.
var wanted = map[string][]string{
	"VEVENT": {"UID", "SUMMARY", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE",
		"RECURRENCE-ID", "STATUS", "SEQUENCE"},
	"VTIMEZONE": {"TZID", "X-LIC-LOCATION"},
	"STANDARD":  {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"},
	"DAYLIGHT":  {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"},
}

var repeated = []string{"RRULE", "RDATE", "EXDATE"}

// parents says within what a component counts.
var parents = map[string]string{
	"VEVENT": "VCALENDAR", "VTIMEZONE": "VCALENDAR", "STANDARD": "VTIMEZONE", "DAYLIGHT": "VTIMEZONE",
}

const maxDepth = 16

// contents are the components of a file that matter.
type contents struct{ events, zones []*component }

// reader goes from line to line.
type reader struct {
	contents
	open      []string     // the components it is within
	kept      []*component // the same, nil for those that do not matter
	calendars int
}

// read takes a file apart.
func read(data []byte) (*contents, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r := &reader{}
	var logical []byte
	number, begun := 0, 0 // of the physical line, and of that the logical one began with
	for len(data) > 0 {
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		number++
		if begun > 0 && len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			logical = append(logical, line[1:]...)
			continue
		}
		if begun > 0 {
			if err := r.take(begun, string(logical)); err != nil {
				return nil, err
			}
		}
		logical, begun = append(logical[:0], line...), number
	}
	if begun > 0 {
		if err := r.take(begun, string(logical)); err != nil {
			return nil, err
		}
	}
	switch {
	case r.calendars == 0:
		return nil, errors.New("it is empty, and no iCalendar file")
	case len(r.open) > 0:
		return nil, fmt.Errorf("line %d: it breaks off within %s: the file is not whole; fetch or export it again", number, r.open[len(r.open)-1])
	}
	return &r.contents, nil
}

// take reads a line that has been unfolded.
func (r *reader) take(line int, text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if r.calendars == 0 && !strings.EqualFold(strings.TrimSpace(text), "BEGIN:VCALENDAR") {
		// What it is instead is not quoted: a page that asks to sign in may repeat the address.
		hint := ""
		if strings.HasPrefix(strings.TrimSpace(text), "<") {
			hint = ": it looks like a web page, such as one to sign in"
		}
		return fmt.Errorf("line %d: it is no iCalendar file, which begins with BEGIN:VCALENDAR%s", line, hint)
	}
	head, value, ok := cut(text)
	if !ok {
		return fmt.Errorf("line %d: it is not NAME:VALUE, as all lines of an iCalendar file are", line)
	}
	name, _, _ := strings.Cut(head, ";")
	switch name = strings.ToUpper(strings.TrimSpace(name)); {
	case name == "BEGIN":
		return r.begin(line, strings.ToUpper(strings.TrimSpace(value)))
	case name == "END":
		return r.end(line, strings.ToUpper(strings.TrimSpace(value)))
	case len(r.open) == 0:
		return fmt.Errorf("line %d: %s is outside of BEGIN:VCALENDAR and END:VCALENDAR", line, quote(name))
	}
	c := r.kept[len(r.kept)-1]
	if c == nil || !slices.Contains(wanted[c.kind], name) {
		return nil
	}
	if c.get(name) != nil && !slices.Contains(repeated, name) {
		return fmt.Errorf("line %d: %s is there twice in the %s of line %d", line, name, c.kind, c.line)
	}
	c.props = append(c.props, property{line: line, name: name, params: params(head), value: value})
	return nil
}

func (r *reader) begin(line int, kind string) error {
	parent := ""
	if n := len(r.open); n > 0 {
		parent = r.open[n-1]
	}
	switch {
	case parent == "" && kind != "VCALENDAR":
		return fmt.Errorf("line %d: BEGIN:%s is outside of a VCALENDAR", line, quote(kind))
	case len(r.open) == maxDepth:
		return fmt.Errorf("line %d: components are nested more than %d deep", line, maxDepth)
	case kind == "VCALENDAR":
		r.calendars++
	}
	var c *component
	if within, matters := parents[kind]; matters && within == parent {
		c = &component{kind: kind, line: line, calendar: r.calendars}
		switch kind {
		case "VEVENT":
			r.events = append(r.events, c)
		case "VTIMEZONE":
			r.zones = append(r.zones, c)
		default:
			if of := r.kept[len(r.kept)-1]; of != nil {
				of.subs = append(of.subs, c)
			}
		}
		if len(r.events) > maxEvents {
			return fmt.Errorf("line %d: there are more than %d events; take old ones out", line, maxEvents)
		}
	}
	r.open, r.kept = append(r.open, kind), append(r.kept, c)
	return nil
}

func (r *reader) end(line int, kind string) error {
	n := len(r.open)
	if n == 0 || r.open[n-1] != kind {
		inside := "nothing is open"
		if n > 0 {
			inside = r.open[n-1] + " is open"
		}
		return fmt.Errorf("line %d: END:%s, but %s: the file is damaged; fetch or export it again", line, quote(kind), inside)
	}
	r.open, r.kept = r.open[:n-1], r.kept[:n-1]
	return nil
}

// cut parts a line at its first colon that is not quoted.
func cut(text string) (head, value string, ok bool) {
	quoted := false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ':' && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}

// params reads the parameters of a line's head.
func params(head string) (out []param) {
	quoted, begin := false, -1
	for i := 0; i <= len(head); i++ {
		if i < len(head) && (head[i] == '"' || head[i] != ';' || quoted) {
			quoted = quoted != (head[i] == '"')
			continue
		}
		if begin >= 0 {
			name, value, _ := strings.Cut(head[begin:i], "=")
			out = append(out, param{strings.ToUpper(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"`)})
		}
		begin = i + 1
	}
	return out
}

// maxName is how many characters of a name are kept.
const maxName = 60

// oneLine makes a name out of an escaped text: short, and on one line.
func oneLine(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if strings.Contains(text, `\`) {
		text = strings.NewReplacer(`\\`, `\`, `\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";").Replace(text)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > maxName {
		text = string([]rune(text)[:maxName-1]) + "…"
	}
	return text
}

// quote shows a part of the file in an error.
func quote(text string) string { return fmt.Sprintf("%q", oneLine(text)) }
