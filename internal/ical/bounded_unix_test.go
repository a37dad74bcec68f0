//go:build unix

package ical

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// processor is the processor time that this process has taken: how long it
// takes by the clock says more about what else the computer does.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Calendars that are made to take long are refused, or read in a few seconds.
func TestReadingIsBounded(t *testing.T) {
	now := time.Now().Unix()
	for _, rule := range []string{
		"FREQ=MINUTELY;INTERVAL=7;BYMONTH=2;BYMONTHDAY=29;BYHOUR=1;BYMINUTE=3", "FREQ=DAILY", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=10000",
		"FREQ=YEARLY;BYSETPOS=-1;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=1,2,3,4,5,6,7,8", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
	} {
		event := "BEGIN:VEVENT\nDTSTART:20260101T000000Z\nDURATION:PT1M\nRRULE:" + rule + "\nEND:VEVENT\n"
		begun := processor(t)
		c, err := Parse("many", []byte(wrap(strings.Repeat(event, maxEvents))), time.UTC)
		if err == nil {
			c.Next(now, now+366*day)
		}
		took := (processor(t) - begun).Round(time.Millisecond)
		t.Logf("%s: %s, %v", rule, took, err)
		if took > time.Minute {
			t.Errorf("%s took %s", rule, took)
		}
	}
}
