package ical

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parser makes a calendar out of components.
type parser struct {
	cal        *Calendar
	loc        *time.Location
	defined    map[zoneKey]*component
	zones      map[zoneKey]*time.Location // that were resolved
	exceptions int
	perYear    int
	steps      int
}

// event is a VEVENT before it is known whether it counts.
type event struct {
	c         *component
	uid, name string
	sequence  int
	cancelled bool
	replaces  *when // the occurrence it stands for; nil: none
}

// fail tells of an event what is wrong with one of its properties.
func (e *event) fail(prop *property, err error) error {
	return fmt.Errorf("line %d: %s: %s: %w; correct the event where the calendar is kept, or delete it there", prop.line, e, prop.name, err)
}

func (e *event) String() string {
	switch {
	case e.name != "":
		return "the event " + strconv.Quote(e.name)
	case e.uid != "":
		return "the event with the UID " + quote(e.uid)
	}
	return fmt.Sprintf("the event of line %d", e.c.line)
}

// all reads the events that count.
func (p *parser) all(components []*component) error {
	events := make([]*event, 0, len(components))
	for _, c := range components {
		e, err := p.event(c)
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	replaced := map[string][]when{}
	for _, e := range newest(events) {
		if e.replaces != nil && e.uid != "" {
			replaced[e.uid] = append(replaced[e.uid], *e.replaces)
		}
	}
	for _, e := range newest(events) {
		if e.cancelled {
			continue
		}
		var without []when
		if e.replaces == nil {
			without = replaced[e.uid]
		}
		if err := p.add(e, without); err != nil {
			return err
		}
	}
	return nil
}

// event reads what says whether a VEVENT counts.
func (p *parser) event(c *component) (*event, error) {
	e := &event{c: c, uid: c.text("UID"), name: oneLine(c.text("SUMMARY"))}
	e.cancelled = strings.EqualFold(c.text("STATUS"), "CANCELLED")
	if s := c.get("SEQUENCE"); s != nil {
		n, err := strconv.Atoi(strings.TrimSpace(s.value))
		if err != nil || n < 0 {
			return nil, e.fail(s, fmt.Errorf("%s is not a number", quote(s.value)))
		}
		e.sequence = n
	}
	if r := c.get("RECURRENCE-ID"); r != nil {
		if r.param("RANGE") != "" {
			return nil, e.fail(r, errors.New("RANGE, which changes all occurrences from one on, is not supported; end the first series and begin another"))
		}
		w, err := p.when(c, r, r.value)
		if err != nil {
			return nil, e.fail(r, err)
		}
		e.replaces = &w
	}
	return e, nil
}

// newest leaves out what a later SEQUENCE of the same event, or of the same
// occurrence, replaces, and the occurrences of series that are cancelled.
func newest(events []*event) []*event {
	type key struct {
		uid, kind string
		at        int64
	}
	of := func(e *event) key {
		switch {
		case e.replaces == nil:
			return key{e.uid, "series", 0}
		case e.replaces.date:
			return key{e.uid, "day", e.replaces.wall}
		}
		return key{e.uid, "time", e.replaces.instant()}
	}
	latest := map[key]int{}
	for _, e := range events {
		k := of(e)
		latest[k] = max(latest[k], e.sequence)
	}
	ended := map[string]bool{}
	for _, e := range events {
		if e.replaces == nil && e.cancelled && e.sequence == latest[of(e)] {
			ended[e.uid] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(events), func(e *event) bool {
		return e.uid != "" && (e.sequence < latest[of(e)] || e.replaces != nil && ended[e.uid])
	})
}

// when reads a value of a property of an event.
func (p *parser) when(c *component, prop *property, text string) (when, error) {
	loc, floating := p.loc, true
	if id := prop.param("TZID"); id != "" && strings.Contains(strings.ToUpper(text), "T") && !strings.HasSuffix(strings.TrimSpace(text), "Z") {
		var err error
		if loc, err = p.location(c.calendar, id); err != nil {
			return when{}, err
		}
		floating = false
	}
	return readWhen(text, loc, floating)
}

// add reads an event that counts. Some of its occurrences are replaced by
// other events.
func (p *parser) add(e *event, without []when) error {
	begin := e.c.get("DTSTART")
	if begin == nil {
		return fmt.Errorf("line %d: %s has no DTSTART; correct the event where the calendar is kept, or delete it there", e.c.line, e)
	}
	start, err := p.when(e.c, begin, begin.value)
	if err != nil {
		return e.fail(begin, err)
	}
	l, err := p.length(e, start)
	if err != nil {
		return err
	}
	except, err := p.except(e, start, without)
	if err != nil {
		return err
	}
	before := len(p.cal.pending) + len(p.cal.series)
	if l == (length{}) {
		p.cal.problem("line %d: %s lasts no time and is left out", e.c.line, e)
	} else {
		p.single(e, start, l, except, start)
	}
	if e.replaces == nil { // an occurrence does not recur
		if err := p.recurring(e, start, l, except); err != nil {
			return err
		}
	}
	if len(p.cal.pending)+len(p.cal.series) > before {
		p.cal.events++
	}
	return nil
}

// single adds what begins at one time.
func (p *parser) single(e *event, w when, l length, except *exceptions, start when) {
	z := zone{loc: w.loc}
	begin := z.reaches(w.wall)
	own := zone{loc: start.loc}
	wall := w.wall
	if w.loc != start.loc {
		wall = own.shows(begin)
	}
	if except.has(&own, wall, begin) {
		return
	}
	if end := l.end(&z, w.wall); end > begin {
		p.cal.pending = append(p.cal.pending, span{begin, end, e.name})
	}
}

// length reads how long an event lasts; zero: no time.
func (p *parser) length(e *event, start when) (length, error) {
	end, lasts := e.c.get("DTEND"), e.c.get("DURATION")
	switch {
	case end != nil:
		w, err := p.when(e.c, end, end.value)
		if err == nil && w.date != start.date {
			err = errors.New("it has to be a date where DTSTART is one, and a time where that is one")
		}
		if err != nil {
			return length{}, e.fail(end, err)
		}
		var l length
		if start.date {
			// Some mean the one day when they write it twice.
			l.days = (w.wall - start.wall) / day
			if l.days == 0 {
				l.days = 1
			}
		} else {
			l.exact = (&zone{loc: w.loc}).leaves(w.wall) - start.instant()
			if l.exact < 0 && w.loc == start.loc && w.wall > start.wall {
				l.exact = 0 // all of it is skipped
			}
		}
		if l.days < 0 || l.exact < 0 {
			return length{}, e.fail(end, errors.New("it is before DTSTART"))
		}
		return l, nil
	case lasts != nil:
		l, err := readLength(lasts.value)
		if err == nil && start.date && l.exact != 0 {
			err = errors.New("that of a whole day has to be in days or weeks")
		}
		if err != nil {
			return length{}, e.fail(lasts, err)
		}
		return l, nil
	case start.date:
		return length{days: 1}, nil
	}
	return length{}, nil
}

// except reads the occurrences of an event that are taken out.
func (p *parser) except(e *event, start when, without []when) (*exceptions, error) {
	var out *exceptions
	add := func(w when) error {
		if out == nil {
			out = &exceptions{map[int64]bool{}, map[int64]bool{}}
		}
		out.add(w, start)
		if p.exceptions++; p.exceptions > maxExceptions {
			return fmt.Errorf("the calendar has more than %d dates that are added or taken out", maxExceptions)
		}
		return nil
	}
	for _, w := range without {
		if err := add(w); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", e.c.line, e, err)
		}
	}
	for i := range e.c.props {
		prop := &e.c.props[i]
		if prop.name != "EXDATE" || strings.TrimSpace(prop.value) == "" {
			continue
		}
		for _, text := range strings.Split(prop.value, ",") {
			w, err := p.when(e.c, prop, text)
			if err == nil {
				err = add(w)
			}
			if err != nil {
				return nil, e.fail(prop, err)
			}
		}
	}
	return out, nil
}
