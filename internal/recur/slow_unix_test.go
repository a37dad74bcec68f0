//go:build unix

package recur

import (
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

// A rule is read, and asked, within a time that nobody notices, however odd it is.
func TestOddRulesAreReadSoon(t *testing.T) {
	const tooLong = 10 * time.Second // of a slow computer; half a second is the most of a usual one
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYHOUR=3;BYMINUTE=1;COUNT=1000",
		"FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
		"FREQ=MINUTELY;INTERVAL=1439;BYHOUR=3;BYMINUTE=1;COUNT=1000",
		"FREQ=HOURLY;INTERVAL=2;BYHOUR=1",
		"FREQ=HOURLY;INTERVAL=999999;BYHOUR=1;COUNT=1000",
		"FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=1;COUNT=1000",
		"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=0,1,2,3,4,5;BYMINUTE=0,1,2,3;BYSETPOS=-366;COUNT=1000",
		"FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
		"FREQ=DAILY;INTERVAL=999999;COUNT=1000",
		"FREQ=YEARLY;INTERVAL=1000000",
	} {
		begin := processor(t)
		if r, err := RRule(text, start, time.UTC); err == nil {
			r.Next(start.Unix(), lastWall, 0)
		}
		took := processor(t) - begin
		t.Logf("%s: %s", text, took)
		if took > tooLong {
			t.Errorf("%s: %s", text, took)
		}
	}
}
