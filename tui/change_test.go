package tui

import (
	"errors"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func wantOnScreen(t *testing.T, x table, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(x.Screen(), text) {
			t.Errorf("%q is not on the screen:\n%s", text, x.Screen())
		}
	}
}

func TestHomeSaysWhoMadeAChange(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "tab")
		wantOnScreen(t, x, "– unsigned", "1 file  environments", "c change")
		x.Press("j")
		wantOnScreen(t, x, "✓ signed by op1, verified", "with dev4 <dev4@example.com>, committed by op1")
		x.Press("j")
		wantOnScreen(t, x, "! signature unverified: its key is none")
	})
	play(t, 120, 40, func(_ *tuitest.Backend, c *Config) { c.ASCII = true }, func(t *testing.T, x table) {
		x.Press("3", "tab")
		wantOnScreen(t, x, "- unsigned")
		x.Press("j")
		wantOnScreen(t, x, "v signed by op1, verified")
	})
}

func TestAChangeInFull(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "tab", "j", "c")
		wantOnScreen(t, x, "✓ verified, signed by op1", "SHA256:2mVb", "co-author dev4", "The pet store answers late")
		x.Press("n")
		wantOnScreen(t, x, "this is no diff")
		x.Press("j")
		wantOnScreen(t, x, "production reads 2 of 5", "→ docs/timeouts.md  renamed from docs/old/timeouts.md  (not read)")
		x.Press("j")
		wantOnScreen(t, x, "ConfigMap shop/gateway", "timeout: 10s", "timeout: 30s", "hunk 1 of 1", "base/gateway/config.yaml:1")
		x.Press("n")
		wantOnScreen(t, x, "this is the last hunk")
		x.Press("]", "enter", "f")
		if strings.Contains(x.Screen(), "OBJECTS") {
			t.Errorf("the list is on a full screen:\n%s", x.Screen())
		}
		x.Press("esc", "esc")
		wantOnScreen(t, x, "OBJECTS")
		x.Press("esc")
		if x.app.at != action.Home {
			t.Errorf("esc led to %s", x.app.at)
		}
		x.Press("j", "c", "G")
		wantOnScreen(t, x, "too long to be shown")
		x.Press("k")
		wantOnScreen(t, x, "ConfigMap shop/legacy-flags", "before → removed")
		if n := x.backend.Count("Detail production"); n != 2 {
			t.Errorf("%d details were read", n)
		}
	})
}

func TestAChangeThatCannotBeRead(t *testing.T) {
	play(t, 80, 24, func(b *tuitest.Backend, _ *Config) {
		b.Fail("Detail", errors.New("production: cannot show commit b41e6f0: blob 12 is not in this clone"))
	}, func(t *testing.T, x table) {
		x.Press("3", "tab", "j", "c")
		wantOnScreen(t, x, "is not in this clone", "ctrl+r tries again", "author    dev2", "✓ verified")
		x.backend.Fail("Detail", nil)
		x.Press("ctrl+r")
		wantOnScreen(t, x, "OBJECTS")
		if strings.Contains(x.Screen(), "is not in this clone") {
			t.Errorf("the old error stays:\n%s", x.Screen())
		}
	})
	play(t, 80, 24, nil, func(t *testing.T, x table) {
		x.Press("1", "c")
		wantOnScreen(t, x, "nothing is pending here")
	})
}
