package window

import "github.com/fairtide-dev/fairtide/model"

// cover is what the lanes of some rules cover together.
type cover struct {
	lanes []lane
	to    int64 // spans that begin then or later are not looked for yet
	cur   span  // the first span that ends after where it stands
	whole bool  // nothing follows cur without a gap
}

// cover is that of some rules, at an instant in the calendar's range, for what
// begins before another.
func (c *calendar) cover(rules []*model.WindowRule, at, to int64) cover {
	v := cover{lanes: make([]lane, len(rules)), to: to, cur: passed}
	for i, r := range rules {
		c.enter(&v.lanes[i], r, at, to)
	}
	return v
}

// reach looks for spans further than before.
func (v *cover) reach(to int64) {
	if to <= v.to {
		return
	}
	for i := range v.lanes {
		v.lanes[i].reach(to)
	}
	v.to = to
	if v.cur == none {
		v.cur = passed
	}
}

// seek goes to the first span that ends after t. Its end is not known: another
// may follow without a gap.
func (v *cover) seek(t int64) span {
	if v.cur.to <= t {
		v.cur, v.whole = none, false
		for i := range v.lanes {
			l := &v.lanes[i]
			if l.seek(t); l.cur.from < v.cur.from {
				v.cur = l.cur
			}
		}
	}
	return v.cur
}

// end is when the current span ends, if that is before another time.
func (v *cover) end(before int64) int64 {
	for before = min(before, v.to); !v.whole && v.cur.to < before; {
		v.whole = !v.grow()
	}
	return v.cur.to
}

// grow joins what follows without a gap, and reports whether there was anything.
func (v *cover) grow() (grown bool) {
	for i := range v.lanes {
		l := &v.lanes[i]
		if l.cur.from > v.cur.to {
			continue
		}
		if l.extend(v.cur.to); l.cur.from <= v.cur.to {
			v.cur.to, grown = l.cur.to, true
		}
	}
	return grown
}

// force is a rule that holds at an instant.
type force struct {
	rule *model.WindowRule // nil: there is none
	to   int64
	cut  bool // it lets nothing start any more
}

// inForce is the rule that holds where the lanes were made to stand, of several
// the one that holds longest, and of those the first. One that lets nothing
// start any more comes after all that do. It is asked for before anything else.
func (v *cover) inForce(now int64) (f force) {
	for i := range v.lanes {
		l := &v.lanes[i]
		here := force{rule: l.rule, to: l.cur.to}
		switch {
		case l.cur.from <= now:
			here.to = l.longest(now)
		case l.held > 0:
			here.to, here.cut = l.held, true
		default:
			continue
		}
		if f.rule == nil || f.cut && !here.cut || f.cut == here.cut && here.to > f.to {
			f = here
		}
	}
	return f
}

// longest is the latest end of the spans that hold at an instant.
func (l *lane) longest(now int64) int64 {
	if l.cutoff > 0 {
		l.cut(l.to - 1)
		return l.cur.to
	}
	to := l.cur.to
	if l.s.Spans == nil && l.s.Starts == nil { // they do not overlap
		return to
	}
	for ahead := *l; ahead.cur.from <= now; ahead.seek(ahead.cur.to) {
		to = ahead.cur.to
	}
	return to
}

// sweep walks along the spans in which rules are open. It only ever goes
// forward, and looks only as far as it has to.
type sweep struct {
	c      *calendar
	b      bound
	at     int64 // all before is behind, or closed
	to     int64 // and from there on nothing is known
	freeze cover
	allows []cover // of sets that have to allow; nil: not needed so far
	ready  bool
}

func (c *calendar) sweep(b bound, horizon int64) sweep {
	to := min(c.to, c.from+horizon)
	return sweep{c: c, b: b, at: c.from, to: to, freeze: c.cover(b.freezes, c.from, to)}
}

// start has the allow rules stand at an instant.
func (w *sweep) start(at int64) {
	if w.ready {
		return
	}
	w.ready = true
	w.allows = make([]cover, 0, len(w.b.sets))
	for i := range w.b.sets {
		if s := &w.b.sets[i]; !s.always {
			w.allows = append(w.allows, w.c.cover(s.rules, at, w.to))
		}
	}
}

// further has the sweep look further, if it can.
func (w *sweep) further() bool {
	if w.to >= w.c.to {
		return false
	}
	for _, h := range horizons {
		if to := min(w.c.to, w.c.from+h); to > w.to {
			w.to = to
			break
		}
	}
	w.freeze.reach(w.to)
	for i := range w.allows {
		w.allows[i].reach(w.to)
	}
	return true
}

// thaw is when the freezes that hold at the begin have all ended, with those
// that follow without a gap; 0: not within the calendar's range.
func (w *sweep) thaw() int64 {
	w.freeze.seek(w.c.from)
	for {
		if end := w.freeze.end(w.to); end < w.to {
			w.at = end
			return end
		}
		if !w.further() {
			w.at = w.to
			return 0
		}
	}
}

// find is next as far as the calendar's range goes. What ends there may go on.
func (w *sweep) find(t int64) (s span, ok bool) {
	for {
		s, ok = w.next(t)
		if ok && s.to < w.to || !w.further() {
			return s, ok
		}
	}
}

// next is the first span from t on in which it is open, as far as the sweep has
// looked; ok is false if there is none.
func (w *sweep) next(t int64) (s span, ok bool) {
	s.from, ok = w.opens(t)
	if !ok {
		return s, false
	}
	s.to = min(w.to, w.freeze.cur.from)
	for i := range w.allows {
		s.to = min(s.to, w.allows[i].end(s.to))
	}
	return s, true
}

// findOpens is opens as far as the calendar's range goes.
func (w *sweep) findOpens(t int64) (at int64, ok bool) {
	for {
		at, ok = w.opens(t)
		if ok || !w.further() {
			return at, ok
		}
	}
}

// opens is the first instant from t on at which it is open, as far as the sweep
// has looked; ok is false if there is none.
func (w *sweep) opens(t int64) (at int64, ok bool) {
	w.start(t)
	w.at = max(w.at, t)
search:
	for w.at < w.to {
		for i := range w.allows {
			if a := w.allows[i].seek(w.at); a.from > w.at {
				w.at = min(a.from, w.to)
				continue search
			}
		}
		f := w.freeze.seek(w.at)
		if f.from > w.at {
			return w.at, true
		}
		w.at = f.to
	}
	return 0, false
}
