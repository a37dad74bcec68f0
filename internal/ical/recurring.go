package ical

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/recur"
)

// recurring adds the occurrences of an event after its first.
func (p *parser) recurring(e *event, start when, l length, except *exceptions) error {
	for i := range e.c.props {
		prop := &e.c.props[i]
		var err error
		switch prop.name {
		case "RRULE":
			err = p.rule(e, prop, start, l, except)
		case "RDATE":
			err = p.dates(e, prop, start, l, except)
		case "EXRULE":
			err = errors.New("a rule of what is taken out is not supported; write the dates as EXDATE")
		}
		if err != nil {
			return e.fail(prop, err)
		}
	}
	return nil
}

// dates adds those of an RDATE.
func (p *parser) dates(e *event, prop *property, start when, l length, except *exceptions) error {
	for _, text := range strings.Split(prop.value, ",") {
		if p.exceptions++; p.exceptions > maxExceptions {
			return fmt.Errorf("the calendar has more than %d dates that are added or taken out", maxExceptions)
		}
		first, last, period := strings.Cut(text, "/")
		w, err := p.when(e.c, prop, first)
		if err != nil {
			return err
		}
		if w.floating && !w.date {
			w.loc = start.loc
		}
		own := l
		if period {
			if own, err = p.period(e, prop, w, last); err != nil {
				return err
			}
		}
		if own != (length{}) {
			p.single(e, w, own, except, start)
		}
	}
	return nil
}

// period reads how long a PERIOD lasts, by its end or its length.
func (p *parser) period(e *event, prop *property, begin when, text string) (length, error) {
	if text = strings.TrimSpace(text); !strings.HasPrefix(text, "P") && !strings.HasPrefix(text, "+") {
		w, err := p.when(e.c, prop, text)
		if err != nil {
			return length{}, err
		}
		if w.floating && !w.date {
			w.loc = begin.loc
		}
		l := length{exact: (&zone{loc: w.loc}).leaves(w.wall) - begin.instant()}
		if l.exact <= 0 || begin.date || w.date {
			return length{}, fmt.Errorf("%s is not a time after the period's begin", quote(text))
		}
		return l, nil
	}
	return readLength(text)
}

// rule adds what an RRULE names.
func (p *parser) rule(e *event, prop *property, start when, l length, except *exceptions) error {
	parts, err := splitRule(prop.value, start)
	if err != nil {
		return err
	}
	if l.days*day+l.exact > longest {
		return errors.New("an event that recurs may last 366 days at most")
	}
	second := start.wall - floorDiv(start.wall, 60)*60
	rule, err := recur.RRule(parts.text, time.Unix(start.wall-second, 0).UTC(), time.UTC)
	if err != nil {
		return err
	}
	s := series{
		name: e.name, rule: rule, loc: start.loc, from: start.wall + 1, last: lastWall,
		second: second, length: l, except: except,
	}
	if parts.until != nil {
		s.last = lastShown(*parts.until, start)
	}
	p.steps += parts.once + 20*parts.count
	if err := p.count(&s, parts); err != nil {
		return err
	}
	if s.from <= s.last && l != (length{}) {
		p.cal.series = append(p.cal.series, s)
	}
	return nil
}

// lastShown is what the clock of an event that begins so shows last when its
// rule ends.
func lastShown(until, start when) int64 {
	switch {
	case until.date:
		return until.wall + day - 1
	case until.floating, start.date && until.midnight():
		// Of an event of whole days an UNTIL in UTC at midnight is written by those who mean its date.
		return until.wall
	}
	return (&zone{loc: start.loc}).shown(until.instant())
}

// count finds the end that COUNT sets, and bounds how much there is to compute.
func (p *parser) count(s *series, parts ruleParts) error {
	if parts.count > 0 {
		ends := s.from - 1
		for range parts.count - 1 {
			wall, ok := s.next(ends+1, lastWall)
			if !ok {
				break
			}
			ends = wall
			if p.steps += parts.weight; p.steps > maxSteps {
				return errors.New("the calendar's rules take too long to count")
			}
		}
		s.last = ends
	}
	year := min(s.last, s.from+longest)
	for at, ok := s.next(s.from, year+1); ok; at, ok = s.next(at+1, year+1) {
		p.perYear++
		if p.steps += parts.weight; p.perYear > maxYear || p.steps > maxSteps {
			return fmt.Errorf("the calendar's events recur more than %d times a year, or take too long to count", maxYear)
		}
	}
	return nil
}

// ruleParts is an RRULE as package recur reads it, and what of it is done here.
type ruleParts struct {
	text   string
	until  *when
	count  int
	weight int // how costly an occurrence is
	once   int // how costly it is to see that the rule ever comes
}

// splitRule takes the end of a rule out of it, and what does not matter or is
// said otherwise.
func splitRule(text string, start when) (out ruleParts, err error) {
	var kept []string
	out.weight = 1
	for _, part := range strings.Split(strings.ToUpper(strings.TrimSpace(text)), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "":
			continue // a semicolon too many
		case "UNTIL":
			if out.until != nil {
				return out, errors.New("UNTIL is there twice")
			}
			w, err := readWhen(value, start.loc, true)
			if err != nil {
				return out, fmt.Errorf("UNTIL: %w", err)
			}
			out.until = &w
			continue
		case "COUNT":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > maxCount || out.count > 0 {
				return out, fmt.Errorf("COUNT=%s is not a single number from 1 to %d", oneLine(value), maxCount)
			}
			out.count = n
			continue
		case "BYSECOND":
			if start.date || value == strconv.FormatInt(start.wall%60, 10) {
				continue
			}
		case "BYHOUR", "BYMINUTE":
			if start.date {
				continue // RFC 5545: they are ignored there
			}
		case "RSCALE":
			if value == "GREGORIAN" {
				continue
			}
		case "SKIP":
			if value == "OMIT" {
				continue
			}
		case "FREQ":
			if start.date && slices.Contains([]string{"HOURLY", "MINUTELY"}, value) {
				return out, fmt.Errorf("FREQ=%s is not for whole days", value)
			}
			switch value {
			case "YEARLY":
				out.weight *= 100
			case "HOURLY", "MINUTELY":
				out.once = 20_000
			}
		case "BYSETPOS":
			out.weight *= 10
		}
		kept = append(kept, strings.TrimSpace(part))
	}
	if out.until != nil && out.count > 0 {
		return out, errors.New("UNTIL and COUNT cannot be together")
	}
	out.text = strings.Join(kept, ";")
	return out, nil
}
