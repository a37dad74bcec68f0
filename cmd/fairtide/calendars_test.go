package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// The address of a calendar may be a secret: it is looked up to be asked, and
// stands in nothing that comes out.
func TestCalendarsAtSecretAddresses(t *testing.T) {
	t.Parallel()
	const secret = "private-0123456789abcdef"
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		_, _ = w.Write([]byte(stocktaking))
	}))
	env := map[string]string{"HOLIDAYS": server.URL + "/" + secret + "/stock.ics", "HOME": t.TempDir()}
	now := shoreDay
	p := &program{lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }, clock: func() time.Time { return now }}
	rule := func(address string) model.WindowRule {
		return model.WindowRule{Name: "holidays", Location: time.UTC, Freeze: &model.Schedule{}, Source: &model.WindowSource{URL: address, MaxAge: time.Hour}}
	}
	rules := []model.WindowRule{{Name: "always", Location: time.UTC, Freeze: &model.Schedule{}}, rule("${env:HOLIDAYS}"), rule("${env:NOT_SET}")}
	read := func(what string) []model.WindowRule {
		t.Helper()
		windows, err := p.calendars()
		if err != nil {
			t.Fatal(err)
		}
		cached := windows.Cached(t.Context(), rules, nil)
		out := windows.Read(t.Context(), rules, nil)
		for _, rules := range [][]model.WindowRule{cached, out} {
			if text := fmt.Sprintf("%+v %+v %v", rules, *rules[1].Source, rules[1].Freeze.Spans); strings.Contains(text, secret) {
				t.Errorf("%s: the address stands in what was read: %s", what, text)
			}
			if rules[0].Unreadable != "" || rules[1].Source.URL != "${env:HOLIDAYS}" || !strings.Contains(rules[2].Unreadable, "NOT_SET is not set") || rules[2].Source != out[2].Source {
				t.Errorf("%s: %+v", what, rules)
			}
		}
		return append(out, cached...)
	}
	first := read("for the first time")
	if first[1].Unreadable != "" || first[1].Freeze.Spans == nil || first[4].Unreadable == "" || len(asked) != 1 || asked[0] != "/"+secret+"/stock.ics" {
		t.Errorf("for the first time: %+v; asked %q", first, asked)
	}
	server.Close()
	now = now.Add(30 * time.Minute) // another program, half an hour later
	if again := read("from the cache"); again[1].Freeze.Spans == nil || !strings.Contains(again[1].Aside, "from the cache, fetched 30 min ago") || again[4].Freeze.Spans == nil {
		t.Errorf("from the cache: %+v", again)
	}
	now = now.Add(time.Hour)
	if old := read("too old"); old[1].Unreadable == "" || old[4].Unreadable == "" {
		t.Errorf("too old: %+v", old)
	}
	if rules[1].Source.URL != "${env:HOLIDAYS}" || rules[1].Freeze.Spans != nil {
		t.Errorf("the rules were altered: %+v", rules[1])
	}
}
