package ical

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/recur"
)

// zoneKey is a TZID of one of the file's calendars.
type zoneKey struct {
	calendar int
	id       string
}

// location is the zone that a TZID stands for.
func (p *parser) location(calendar int, id string) (*time.Location, error) {
	key := zoneKey{calendar, strings.TrimSpace(id)}
	if loc := p.zones[key]; loc != nil {
		return loc, nil
	}
	defined := p.defined[key]
	loc := named(key.id)
	if loc == nil && defined != nil {
		loc = named(defined.text("X-LIC-LOCATION"))
	}
	if loc == nil && defined == nil {
		return nil, fmt.Errorf("the time zone %s is neither known nor defined in the file; set the event's zone to one such as Europe/Berlin", quote(id))
	}
	if loc == nil {
		var err error
		if loc, err = compute(defined); err != nil {
			return nil, fmt.Errorf("the time zone %s of line %d cannot be computed: %w; set the event's zone to one such as Europe/Berlin", quote(id), defined.line, err)
		}
	}
	p.zones[key] = loc
	return loc, nil
}

// named is the zone of an IANA or Windows name, nil if it is none. Some write
// the name at the end of a path of their own.
func named(id string) *time.Location {
	id = strings.TrimSpace(id)
	if name := ianaName(id); name != "" {
		id = name
	}
	parts := strings.Split(id, "/")
	for n := len(parts); n > 0; n-- {
		name := strings.Join(parts[len(parts)-n:], "/")
		if n < len(parts) && (n > 3 || parts[0] != "") {
			continue // only /vendor/…/Region/City
		}
		if name == "" || strings.EqualFold(name, "Local") {
			continue
		}
		if loc, err := time.LoadLocation(name); err == nil {
			return loc
		}
	}
	return nil
}

// transition is an instant from which on a clock is so many seconds ahead of UTC.
type transition struct{ at, before, after int64 }

const (
	maxTransitions = 10_000
	maxOffsets     = 100
	farOffset      = 16 * 60 * 60
)

// computedUntil is how far zones are computed that only the file defines.
var computedUntil = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// compute makes a zone out of its definition in the file.
func compute(defined *component) (*time.Location, error) {
	var list []transition
	for _, part := range defined.subs {
		more, err := transitions(part)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", part.line, part.kind, err)
		}
		if list = append(list, more...); len(list) > maxTransitions {
			return nil, errors.New("its clock is set too often")
		}
	}
	if len(list) == 0 {
		return nil, errors.New("it says neither STANDARD nor DAYLIGHT")
	}
	slices.SortStableFunc(list, func(a, b transition) int { return cmp.Compare(a.at, b.at) })
	data, err := zoneFile(list)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(oneLine(defined.text("TZID")), data)
}

// transitions are those of a STANDARD or DAYLIGHT.
func transitions(part *component) ([]transition, error) {
	begin := part.get("DTSTART")
	if begin == nil {
		return nil, errors.New("it has no DTSTART")
	}
	start, err := readWhen(begin.value, time.UTC, true)
	if err != nil {
		return nil, fmt.Errorf("DTSTART: %w", err)
	}
	from, err := readOffset(part.text("TZOFFSETFROM"))
	if err != nil {
		return nil, fmt.Errorf("TZOFFSETFROM: %w", err)
	}
	to, err := readOffset(part.text("TZOFFSETTO"))
	if err != nil {
		return nil, fmt.Errorf("TZOFFSETTO: %w", err)
	}
	list := []transition{{start.wall - from, from, to}}
	for _, prop := range part.props {
		switch prop.name {
		case "RDATE":
			for _, text := range strings.Split(prop.value, ",") {
				w, err := readWhen(text, time.UTC, true)
				if err != nil {
					return nil, fmt.Errorf("RDATE: %w", err)
				}
				list = append(list, transition{w.wall - from, from, to})
			}
		case "RRULE":
			parts, err := splitRule(prop.value, start)
			if err != nil {
				return nil, fmt.Errorf("RRULE: %w", err)
			}
			rule, err := recur.RRule(parts.text, time.Unix(start.wall, 0).UTC(), time.UTC)
			if err != nil {
				return nil, fmt.Errorf("RRULE: %w", err)
			}
			if parts.count > 0 {
				return nil, errors.New("RRULE: COUNT is not for zones")
			}
			limit := computedUntil
			if parts.until != nil {
				if limit = parts.until.wall; !parts.until.floating {
					limit += from
				}
			}
			for wall, _, ok := rule.Next(start.wall+1, limit+1, 0); ok; wall, _, ok = rule.Next(wall+1, limit+1, 0) {
				if list = append(list, transition{wall - from, from, to}); len(list) > maxTransitions {
					return nil, errors.New("RRULE: the clock is set too often")
				}
			}
		}
	}
	return list, nil
}

// readOffset reads +HHMM or +HHMMSS.
func readOffset(text string) (int64, error) {
	if len(text) == 5 {
		text += "00"
	}
	t, err := time.Parse("150405", strings.TrimLeft(text, "+-"))
	if err != nil || len(text) != 7 || text[0] != '+' && text[0] != '-' {
		return 0, fmt.Errorf("%s is not an offset such as +0100", quote(text))
	}
	seconds := int64(t.Hour()*60*60 + t.Minute()*60 + t.Second())
	if seconds > farOffset {
		return 0, fmt.Errorf("%s is more than 16 hours", quote(text))
	}
	if text[0] == '-' {
		seconds = -seconds
	}
	return seconds, nil
}

// zoneFile writes transitions as time.LoadLocationFromTZData reads them: the
// second form of RFC 8536, whose first form is left empty.
func zoneFile(list []transition) ([]byte, error) {
	offsets := []int64{list[0].before} // the first, which no transition leads to, is that before all of them
	index := make([]byte, len(list))
	for i, t := range list {
		at := slices.Index(offsets[1:], t.after) + 1
		if at == 0 {
			at = len(offsets)
			offsets = append(offsets, t.after)
		}
		if at > maxOffsets {
			return nil, errors.New("it has too many offsets")
		}
		index[i] = byte(at)
	}
	const name = "LMT\x00"
	header := func(times, types, chars int) []byte {
		out := append([]byte("TZif2"), make([]byte, 15+3*4)...)
		for _, n := range []int{times, types, chars} {
			out = binary.BigEndian.AppendUint32(out, uint32(n))
		}
		return out
	}
	data := append(header(0, 0, 0), header(len(list), len(offsets), len(name))...)
	for _, t := range list {
		data = binary.BigEndian.AppendUint64(data, uint64(t.at))
	}
	data = append(data, index...)
	for _, o := range offsets {
		data = binary.BigEndian.AppendUint32(data, uint32(int32(o)))
		data = append(data, 0, 0) // no summer time, the first name
	}
	return append(append(data, name...), "\n\n"...), nil
}
