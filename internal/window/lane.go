package window

import (
	"math"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// span is a half-open span of time in Unix seconds.
type span struct{ from, to int64 }

// none comes after all spans.
var none = span{math.MaxInt64, math.MaxInt64}

// lane walks along the spans of a schedule. It only ever goes forward, and
// computes no more than it is asked for.
type lane struct {
	s       *model.Schedule
	offsets []offset
	limit   int64 // spans that begin later are not looked for
	length  int64 // of a span that recurs, in seconds
	cutoff  int64
	on      uint8 // bits of the weekdays

	cur    span // the first that ends after where the lane stands
	next   int64
	single int64 // the begins before it are not taken in runs
}

// lane is that of a schedule, at the calendar's begin.
func (c *calendar) lane(s *model.Schedule, loc *time.Location, cutoff time.Duration) lane {
	l := lane{
		s: s, limit: c.to + seconds(cutoff) - 1, cutoff: seconds(cutoff), length: seconds(s.Duration),
		cur: span{math.MinInt64, math.MinInt64}, next: math.MinInt64, single: math.MinInt64,
	}
	if !s.OneOff() {
		l.offsets = c.offsets(loc)
	}
	for _, d := range s.Days {
		l.on |= 1 << d
	}
	l.seek(c.from)
	return l
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// seek goes to the first span that ends after t. With a cutoff, spans are those
// without a gap between, each without its end.
func (l *lane) seek(t int64) {
	if l.cur.to > t {
		return
	}
	l.jump(t)
	for {
		if l.cutoff == 0 {
			l.cur = l.step(l.limit)
		} else {
			l.cur = l.cutStep()
		}
		if l.cur.to > t {
			return
		}
	}
}

// jump leaves out what has ended at t.
func (l *lane) jump(t int64) {
	switch {
	case l.s.OneOff():
	case l.s.Starts != nil:
		l.next = max(l.next, shown(l.offsets, t-l.length)+1)
	default:
		// The first date whose span ends after t: the clock will show less than its end.
		l.next = max(l.next, floorDay(shows(l.offsets, t)-l.end())+day)
	}
}

// end is when a weekly span ends, in seconds after the midnight before its begin.
func (l *lane) end() int64 {
	end := int64(l.s.End) * 60
	if l.s.End <= l.s.Start {
		end += day
	}
	return end
}

// cutStep is the next span without its end. One that is all end is left out.
func (l *lane) cutStep() span {
	for {
		whole := l.step(l.limit)
		if whole == none {
			return none
		}
		for whole.to <= l.limit {
			more := l.onward(whole.to)
			if more == none {
				break
			}
			whole.to = max(whole.to, more.to)
		}
		if whole.to -= l.cutoff; whole.from < whole.to {
			return whole
		}
	}
}

// onward is a span that begins until t: of many that overlap a late one, which
// leads further than the next.
func (l *lane) onward(t int64) span {
	if l.s.Starts != nil {
		next := l.next
		l.next = max(next, shown(l.offsets, t-l.length/4)+1)
		if s := l.recurring(t); s != none {
			return s
		}
		l.next = next
		l.jump(t)
	}
	return l.step(t)
}

// extend is seek where all until t counts as passed already.
func (l *lane) extend(t int64) {
	if l.cur.to <= t && l.cutoff == 0 && l.s.Starts != nil {
		if s := l.onward(t); s != none && s.to > t {
			l.cur = s
			return
		}
	}
	l.seek(t)
}

// step is the next span, by begin and by end, if it begins until the latest
// instant, else none.
func (l *lane) step(latest int64) span {
	switch {
	case l.s.Starts != nil:
		return l.recurring(latest)
	case !l.s.OneOff():
		return l.weekly(latest)
	}
	s := span{l.s.From.Unix(), l.s.To.Unix()}
	if l.next > math.MinInt64 || s.from > latest {
		return none
	}
	l.next = math.MaxInt64
	return s
}

func (l *lane) weekly(latest int64) span {
	start, end := int64(l.s.Start)*60, l.end()
	d := weekday(l.next)
	for ; l.next+start <= latest+farthest; l.next += day {
		on := l.on>>d&1 == 1
		if d++; d > time.Saturday {
			d = time.Sunday
		}
		if !on {
			continue
		}
		s := span{reaches(l.offsets, l.next+start), leaves(l.offsets, l.next+end)}
		if s.from > latest {
			break
		}
		if s.from < s.to { // not all of it is skipped
			l.next += day
			return s
		}
	}
	return none
}

func (l *lane) recurring(latest int64) span {
	gap := l.length
	if l.next < l.single {
		gap = 0
	}
	// What the clock has not shown until then begins later.
	first, last, ok := l.s.Starts.Next(l.next, shown(l.offsets, latest)+1, gap)
	if !ok {
		return none
	}
	from := reaches(l.offsets, first)
	to := reaches(l.offsets, last)
	if last > first && repeats(l.offsets, from, to) {
		// On the wall the run has no gap, but in time it has: one by one.
		l.single, last, to = last+1, first, from
	}
	l.next = last + 1
	return span{from, to + l.length}
}

// cover is what some lanes cover together.
type cover struct {
	lanes []lane
	limit int64
	cur   span // the first span that ends after where it stands, as far as is known
}

// cover is that of the schedules that pick chooses, at the calendar's begin.
func (c *calendar) cover(rules []model.WindowRule, pick func(*model.WindowRule) *model.Schedule) cover {
	v := cover{limit: c.to, cur: span{math.MinInt64, math.MinInt64}}
	n := 0
	for i := range rules {
		if pick(&rules[i]) != nil {
			n++
		}
	}
	v.lanes = make([]lane, 0, n)
	for i := range rules {
		if s := pick(&rules[i]); s != nil {
			v.lanes = append(v.lanes, c.lane(s, rules[i].Location, rules[i].Cutoff))
		}
	}
	return v
}

// seek goes to the first span that ends after t.
func (v *cover) seek(t int64) span {
	if v.cur.to > t {
		return v.cur
	}
	v.cur = none
	for i := range v.lanes {
		v.lanes[i].seek(t)
		if v.lanes[i].cur.from < v.cur.from {
			v.cur = v.lanes[i].cur
		}
	}
	for grown := true; grown && v.cur.to < v.limit; {
		grown = false
		for i := range v.lanes {
			l := &v.lanes[i]
			if l.cur.from > v.cur.to {
				continue
			}
			if l.extend(v.cur.to); l.cur.from <= v.cur.to {
				v.cur.to, grown = l.cur.to, true
			}
		}
	}
	return v.cur
}

// sweep walks along the spans in which rules are open.
type sweep struct {
	to            int64
	anyAllow      bool
	allow, freeze cover
}

func allowed(r *model.WindowRule) *model.Schedule { return r.Allow }

func frozen(r *model.WindowRule) *model.Schedule { return r.Freeze }

func (c *calendar) sweep(rules []model.WindowRule) sweep {
	w := sweep{to: c.to, allow: c.cover(rules, allowed), freeze: c.cover(rules, frozen)}
	w.anyAllow = len(w.allow.lanes) > 0
	return w
}

// next is the first span from t on in which it is open; it ends where the
// calendar does. Ok is false if there is none.
func (w *sweep) next(t int64) (s span, ok bool) {
	for t < w.to {
		s = span{t, w.to}
		if w.anyAllow {
			a := w.allow.seek(t)
			s = span{max(t, a.from), min(a.to, w.to)}
		}
		if s.from >= w.to {
			break
		}
		f := w.freeze.seek(s.from)
		if f.from > s.from {
			return span{s.from, min(s.to, f.from)}, true
		}
		t = f.to
	}
	return span{}, false
}
