package ical

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzParse reads anything, and asks what could be read: nothing panics, and
// nothing takes long.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.ics")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, rule := range []string{
		"FREQ=MINUTELY;INTERVAL=7;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;BYSETPOS=-1;BYDAY=MO,TU;COUNT=900", "FREQ=YEARLY;BYWEEKNO=53",
		"FREQ=MONTHLY;BYMONTHDAY=30;BYMONTH=2", "FREQ=HOURLY;INTERVAL=999999",
	} {
		f.Add([]byte(vevent("DTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:" + rule)))
	}
	berlin := zoneOf(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, data []byte) {
		begun := time.Now()
		c, err := Parse("fuzz", data, berlin)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the error has more than a line: %q", err)
			}
			return
		}
		at := int64(-1 << 62)
		for range 50 {
			from, to, name, ok := c.Next(at, 1<<62)
			if !ok {
				break
			}
			if to <= at || from >= to || strings.ContainsAny(name, "\n\x1b") {
				t.Fatalf("%d to %d %q after %d", from, to, name, at)
			}
			at = to
		}
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// A calendar of thousands of events answers in a few microseconds.
func BenchmarkNext(b *testing.B) {
	for name, every := range map[string]string{"single": "", "recurring": "RRULE:FREQ=WEEKLY\n"} {
		b.Run(name, func(b *testing.B) {
			var text strings.Builder
			begin := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
			for i := range 3000 {
				at := begin.Add(time.Duration(i) * 20 * time.Hour)
				fmt.Fprintf(&text, "BEGIN:VEVENT\nUID:%d\nDTSTART;TZID=Europe/Berlin:%s\nDURATION:PT10M\n%sEND:VEVENT\n", i, at.Format(wallLayout), every)
			}
			data := wrap(text.String())
			begun := time.Now()
			c := parse(b, data, "UTC")
			parsed := time.Since(begun)
			at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC).Unix()
			begun = time.Now()
			c.Next(at, at+366*day)
			first := time.Since(begun)
			i := int64(0)
			for b.Loop() {
				i++
				c.Next(at+i%1000*3600, at+i%1000*3600+366*day)
			}
			b.ReportMetric(float64(parsed.Milliseconds()), "ms-parse")
			b.ReportMetric(float64(first.Microseconds()), "µs-first")
		})
	}
}
