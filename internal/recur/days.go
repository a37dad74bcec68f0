package recur

// date is a day of the Gregorian calendar.
type date struct {
	day         int64 // from 1970-01-01
	year        int
	month       int // 1 to 12
	dayOfMonth  int
	dayOfYear   int // 1 to 366
	weekday     int // 0 is Sunday
	monthLength int
}

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func yearLength(year int) int {
	if leap(year) {
		return 366
	}
	return 365
}

// before is how many days of a common year there are before a month.
var before = [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}

// beforeMonth is how many days of a year there are before a month, 1 to 13.
func beforeMonth(year, month int) int {
	n := before[month-1]
	if month > 2 && leap(year) {
		n++
	}
	return n
}

// Days are counted from 400 years before the year 1, so that they are positive.
const (
	cycle = 146097         // days in 400 years
	epoch = 719162 + cycle // 1970-01-01
)

// yearStart is the first day of a year.
func yearStart(year int) int64 {
	y := uint64(year + 399)
	return int64(365*y+y/4-y/100+y/400) - epoch
}

func dateOf(day int64) date {
	n := uint64(day + epoch)
	d := date{day: day, weekday: int((n + 1) % 7)}
	d.year = int(n*400/cycle) - 399 // or the next, or the one before
	if yearStart(d.year) > day {
		d.year--
	} else if yearStart(d.year+1) <= day {
		d.year++
	}
	rest := int(day - yearStart(d.year))
	d.dayOfYear = rest + 1
	d.month = min(12, rest/31+1) // or the next
	if beforeMonth(d.year, d.month+1) <= rest {
		d.month++
	}
	d.dayOfMonth = rest - beforeMonth(d.year, d.month) + 1
	d.monthLength = beforeMonth(d.year, d.month+1) - beforeMonth(d.year, d.month)
	return d
}

// advance makes it the date so many days later.
func (d *date) advance(days int64) {
	if days != 1 || d.dayOfMonth == d.monthLength {
		*d = dateOf(d.day + days)
		return
	}
	d.day++
	d.dayOfMonth++
	d.dayOfYear++
	if d.weekday++; d.weekday == 7 {
		d.weekday = 0
	}
}

// skip is how many days from a date on there can be no occurrence, by the
// period and the month; 0: the date has to be looked at.
func (r *Rule) skip(d *date) int64 {
	if n := r.skipPeriods(d); n > 0 {
		return n
	}
	if r.months != 0 && !has(r.months, d.month) {
		return int64(d.monthLength - d.dayOfMonth + 1)
	}
	return 0
}

// skipPeriods is how many days it is to a period that counts, 0 within one.
func (r *Rule) skipPeriods(d *date) int64 {
	if r.interval == 1 {
		return 0
	}
	start := &r.begin
	switch r.freq {
	case yearly:
		if k := mod(int64(d.year-start.year), r.interval); k > 0 {
			return yearStart(d.year+int(r.interval-k)) - d.day
		}
	case monthly:
		index := int64(d.year)*12 + int64(d.month) - 1
		if k := mod(index-int64(start.year)*12-int64(start.month)+1, r.interval); k > 0 {
			index += r.interval - k
			year, month := int(index/12), int(index%12)+1
			return yearStart(year) + int64(beforeMonth(year, month)) - d.day
		}
	case weekly:
		this := r.periodStart(d)
		if k := mod((this-r.periodStart(start))/7, r.interval); k > 0 {
			return this + 7*(r.interval-k) - d.day
		}
	default:
		if k := mod(d.day-start.day, r.interval); k > 0 {
			return r.interval - k
		}
	}
	return 0
}

// periodStart is the first day of a date's year, month or week.
func (r *Rule) periodStart(d *date) int64 {
	switch r.freq {
	case yearly:
		return yearStart(d.year)
	case monthly:
		return d.day - int64(d.dayOfMonth) + 1
	}
	return d.day - mod(int64(d.weekday-r.weekStart), 7)
}

// periodEnd is the first day after a date's year, month or week.
func (r *Rule) periodEnd(d *date) int64 {
	switch r.freq {
	case yearly:
		return yearStart(d.year + 1)
	case monthly:
		return d.day + int64(d.monthLength-d.dayOfMonth) + 1
	}
	return r.periodStart(d) + 7
}

// onDate reports whether there can be an occurrence on a date.
func (r *Rule) onDate(d *date) bool {
	return (r.months == 0 || has(r.months, d.month)) && r.on(d)
}

// on is onDate without the month.
func (r *Rule) on(d *date) bool {
	byMonth := r.monthDays == 0 && r.monthEnds == 0 ||
		has(r.monthDays, d.dayOfMonth) || has(r.monthEnds, d.monthLength-d.dayOfMonth+1)
	byWeek := r.weekdays == 0 && len(r.nth) == 0 || has(r.weekdays, d.weekday) || r.isNth(d)
	if r.eitherDays {
		return byMonth || byWeek
	}
	return byMonth && byWeek && r.inYear(d)
}

// isNth reports whether a date is one of the n-th weekdays.
func (r *Rule) isNth(d *date) bool {
	at, length := d.dayOfMonth, d.monthLength
	if r.nthInYear {
		at, length = d.dayOfYear, yearLength(d.year)
	}
	for _, o := range r.nth {
		if o.weekday == d.weekday && (o.n == (at-1)/7+1 || -o.n == (length-at)/7+1) {
			return true
		}
	}
	return false
}

// inYear reports whether a date is one of the days and in one of the weeks of
// the year.
func (r *Rule) inYear(d *date) bool {
	if len(r.yearDays) > 0 && !counted(r.yearDays, d.dayOfYear, yearLength(d.year)) {
		return false
	}
	if len(r.weeks) == 0 {
		return true
	}
	// A week belongs to the year most of its days are in: that of its fourth.
	fourth := dateOf(d.day - mod(int64(d.weekday-r.weekStart), 7) + 3)
	// The last week is the one with 28 December.
	last := yearStart(fourth.year+1) - 4
	last -= mod(int64(dateOf(last).weekday-r.weekStart), 7)
	return counted(r.weeks, (fourth.dayOfYear-1)/7+1, (dateOf(last+3).dayOfYear-1)/7+1)
}

// counted reports whether a list has the i-th of n, or what it is from the end.
func counted(list []int, i, n int) bool {
	for _, want := range list {
		if want == i || want == i-n-1 {
			return true
		}
	}
	return false
}
