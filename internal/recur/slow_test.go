package recur

import (
	"testing"
	"time"
)

// A rule is read, and asked, within a time that nobody notices, however odd it is.
func TestOddRulesAreReadSoon(t *testing.T) {
	const tooLong = 2 * time.Second // of a slow computer; here it is a few milliseconds
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
		begin := time.Now()
		if r, err := RRule(text, start, time.UTC); err == nil {
			r.Next(start.Unix(), lastWall, 0)
		}
		took := time.Since(begin)
		t.Logf("%s: %s", text, took)
		if took > tooLong {
			t.Errorf("%s: %s", text, took)
		}
	}
}
