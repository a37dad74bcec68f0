package windows

import (
	"fmt"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/frame"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// BenchmarkDraw turns weeks over 25 environments with 20 rules each.
func BenchmarkDraw(b *testing.B) {
	berlin := zone(b, "Europe/Berlin")
	var envs []model.Environment
	for i := range 25 {
		e := model.Environment{Name: fmt.Sprint("environment-", i)}
		for j := range 20 {
			r := weekly(fmt.Sprint("rule ", j), berlin, everyDay[j%3:], model.ClockTime(j*60), model.ClockTime(j*60+45))
			if j%5 == 4 {
				r.Allow, r.Freeze = nil, r.Allow
			}
			e.Windows = append(e.Windows, r)
		}
		envs = append(envs, e)
	}
	p, _ := page(envs, 0)
	f := frame.Frame{W: 200, H: 60, Now: now, Theme: theme.New(theme.Options{})}
	var worst time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		p.Do(action.NextWeek, now)
		p.Draw(f)
		worst = max(worst, time.Since(start))
	}
	b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
}
