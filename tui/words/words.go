// Package words says numbers and times in words, the same everywhere in the
// UI. Ages and countdowns are coarse until they are near, so that what is on
// the screen does not fidget.
package words

import (
	"fmt"
	"strings"
	"time"
)

// Near is when a countdown is told to the second.
const Near = 2 * time.Minute

// Age says how long ago something was: "just now", "4 m", "2 h", "3 d".
func Age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d m", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 365*24*time.Hour:
		return fmt.Sprintf("%d d", int(d.Hours()/24))
	}
	return fmt.Sprintf("%d y", int(d.Hours()/24/365))
}

// Ago is Age as it stands in a sentence.
func Ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return Age(d) + " ago"
}

// Left says how long something still takes or lasts.
func Left(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < Near:
		return Took(d)
	case d < time.Hour:
		return fmt.Sprintf("%d m", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %02d m", int(d.Hours()), int(d.Minutes())%60)
	case d < 7*24*time.Hour:
		return fmt.Sprintf("%d d %d h", int(d.Hours()/24), int(d.Hours())%24)
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// Took says a duration to the second.
func Took(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d m %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d m", int(d.Hours()), int(d.Minutes())%60)
}

// Count is a number with its noun: "1 object", "3 objects".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay") {
		return fmt.Sprintf("%d %sies", n, noun[:len(noun)-1])
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// CutOff says where a run that stopped without an end was, as its record has it,
// which may lag behind: "in wave 2 of 3 or later". Empty: its waves are not known.
func CutOff(wave, waves int) string {
	switch {
	case waves == 0:
		return ""
	case wave == 0:
		return "at its beginning or later"
	case wave >= waves:
		return fmt.Sprintf("in wave %d of %d", wave, waves)
	}
	return fmt.Sprintf("in wave %d of %d or later", wave, waves)
}

// Since is Age after "for": "3 d", and "<1 m" of what is as it is just now.
func Since(d time.Duration) string {
	if d < time.Minute {
		return "<1 m"
	}
	return Age(d)
}

// Clock says a time as seen from now: the hour today, the weekday within a
// week, else the date. It is told in at's own zone.
func Clock(at, now time.Time) string {
	now = now.In(at.Location())
	y1, m1, d1 := at.Date()
	y2, m2, d2 := now.Date()
	switch {
	case y1 == y2 && m1 == m2 && d1 == d2:
		return at.Format("15:04")
	case at.Sub(now).Abs() < 6*24*time.Hour:
		return at.Format("Mon 15:04")
	case y1 == y2:
		return at.Format("2 Jan 15:04")
	}
	return at.Format("2 Jan 2006")
}

// List joins items with commas, and tells how many more than limit there are.
func List(items []string, limit int) string {
	if len(items) <= limit {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:limit], ", "), len(items)-limit)
}
