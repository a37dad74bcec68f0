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

// passed comes before all spans.
var passed = span{math.MinInt64, math.MinInt64}

// lane walks along the spans of a rule. It only ever goes forward, and computes
// no more than it is asked for.
type lane struct {
	s       *model.Schedule
	rule    *model.WindowRule
	offsets []offset
	to      int64 // spans that begin then or later are not looked for yet
	length  int64 // of a span that recurs, in seconds
	cutoff  int64
	on      uint8 // bits of the weekdays

	cur    span // the first that ends after where the lane stands
	next   int64
	date   time.Weekday // of a weekly schedule's next
	single int64        // the begins before it are not taken in runs
	// held is the end of the stretch in whose cutoff the lane was made to
	// stand; 0: it does not.
	held int64
}

// lane is that of a rule, at an instant in the calendar's range, for what
// begins before another.
func (c *calendar) lane(r *model.WindowRule, at, to int64) (l lane) {
	c.enter(&l, r, at, to)
	return l
}

func (c *calendar) enter(l *lane, r *model.WindowRule, at, to int64) {
	s := schedule(r)
	l.s, l.rule, l.to, l.cutoff, l.length = s, r, to, seconds(r.Cutoff), seconds(s.Duration)
	l.cur, l.next, l.single = passed, math.MinInt64, math.MinInt64
	if s.Spans == nil && !s.OneOff() {
		l.offsets = c.offsets(r.Location)
	}
	for _, d := range s.Days {
		l.on |= 1 << d
	}
	l.seek(at)
}

// reach looks for spans further than before.
func (l *lane) reach(to int64) {
	l.to = to
	if l.cur == none {
		l.cur = passed
	}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// seek goes to the first span that ends after t. With a cutoff, spans are those
// without a gap between, each without its end; of such only the begin is sure,
// as more may follow.
func (l *lane) seek(t int64) {
	if l.cur.to > t {
		return
	}
	if l.cutoff > 0 && l.cur != passed {
		if l.cut(max(t, l.to-1)); l.cur.to > t {
			return
		}
	}
	if l.on == 0 || l.cur == passed || t-l.cur.to > 2*day {
		l.jump(t)
	}
	for {
		l.cur = l.step(l.to - 1)
		if l.cutoff > 0 && l.cur != none {
			l.cur.to -= l.cutoff
			l.cut(max(t, l.cur.from))
			if end := l.cur.to + l.cutoff; l.cur.from <= t && t < end && l.cur.to <= t {
				l.held = end
			}
			if l.cur.from >= l.cur.to { // it is all end
				continue
			}
		}
		if l.cur.to > t {
			return
		}
	}
}

// jump leaves out what has ended at t.
func (l *lane) jump(t int64) {
	switch {
	case l.s.Spans != nil:
		l.next = max(l.next, t)
	case l.s.Starts != nil:
		l.next = max(l.next, shown(l.offsets, t-l.length)+1)
	case !l.s.OneOff():
		// The first date whose span ends after t: the clock will show less than its end.
		l.next = max(l.next, floorDay(shows(l.offsets, t)-l.end())+day)
		l.date = weekday(l.next)
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

// cut joins to the current span, which has lost its end already, what follows
// without a gap, until it ends after t.
func (l *lane) cut(t int64) {
	for l.cur.to <= t {
		more := l.onward(l.cur.to + l.cutoff)
		if more == none {
			return
		}
		l.cur.to = max(l.cur.to, more.to-l.cutoff)
	}
}

// onward is a span that begins until t.
func (l *lane) onward(t int64) span {
	l.jump(t)
	return l.late(l.step(t), t)
}

// late is, of many that begin until t and overlap, one that leads further than
// the first.
func (l *lane) late(s span, t int64) span {
	if l.s.Starts == nil || s.from > t || s.to > t+l.length/2 {
		return s
	}
	next := l.next
	l.next = max(next, shown(l.offsets, t-l.length/4)+1)
	if later := l.recurring(t); later != none {
		return later
	}
	l.next = next
	return s
}

// extend is seek where all until t counts as passed already.
func (l *lane) extend(t int64) {
	if l.cur.to > t {
		return
	}
	if l.seek(t); l.cutoff == 0 {
		l.cur = l.late(l.cur, t)
	}
}

// step is the next span, by begin and by end, if it begins until the latest
// instant, else none.
func (l *lane) step(latest int64) span {
	switch {
	case l.s.Starts != nil:
		return l.recurring(latest)
	case l.s.Spans != nil:
		return l.given(latest)
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
	for l.next+start <= latest+farthest {
		on, s := l.on>>l.date&1 == 1, none
		if on {
			if s = (span{reaches(l.offsets, l.next+start), leaves(l.offsets, l.next+end)}); s.from > latest {
				break
			}
		}
		l.next += day
		if l.date++; l.date > time.Saturday {
			l.date = time.Sunday
		}
		if on && s.from < s.to { // not all of it is skipped
			return s
		}
	}
	return none
}

// given is the next span of a calendar; those that end no later are left out.
func (l *lane) given(latest int64) span {
	from, to, _, ok := l.s.Spans.Next(l.next, latest+1)
	if !ok || to <= l.next { // nothing, or out of order
		return none
	}
	l.next = to
	return span{from, to}
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
