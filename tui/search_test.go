package tui

import (
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

func TestSearch(t *testing.T) {
	play(t, 160, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("/")
		x.Type("timeout")
		x.Has("/ timeout", "0 here, 24 in 23 objects", "~ Deployment shop/petstore")
		x.Press("backspace", "backspace", "backspace", "backspace", "backspace", "backspace", "backspace")
		x.Lacks("here,")
		x.Type("image")
		x.Has("2 here, 4 in 2 objects")
		x.Press("enter")
		x.Has("match 1 of 2 here, 4 in 2 objects", "n next match")
		x.Press("n")
		x.Has("match 2 of 2 here")
		x.Press("n")
		x.Has("this is the last match")
		x.Press("N", "N")
		x.Has("~ Deployment shop/gateway", "match 2 of 2 here")
		x.Press("N")
		x.Has("match 1 of 2 here")
		x.Press("N")
		x.Has("this is the first match")
		x.Press("n", "n")
		x.Has("~ Deployment shop/petstore", "match 1 of 2 here")
		x.Send(tuitest.Key("["))
		x.Send(tuitest.Key("n"))
		x.Pass(100 * time.Millisecond)
		x.Has("~ Deployment shop/gateway", "match 1 of 2 here")
		x.Press("esc")
		x.Lacks("match 1 of", "next match")
		x.Has("hunk 2 of 2", "n next hunk")
	})
}

func TestASearchThatIsNotHereGoesWhereItIs(t *testing.T) {
	play(t, 160, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("/")
		x.Type("30s")
		x.Press("enter")
		x.Has("~ Deployment shop/petstore", "match 1 of 1 here, 2 in 2 objects")
		x.Press("/")
		x.Type("minAvailable")
		x.Press("enter")
		x.Has("+ PodDisruptionBudget shop/cart", "match 1 of 1 here, 1 in 1 object")
		x.Press("/")
		x.Type("service-07")
		x.Press("enter")
		x.Has("no match in what is listed; 1 object with a match is not listed")
		x.Press("=", "n")
		x.Has("Service shop/service-07", "match 1 of 1 here")
		x.Press("/")
		x.Type("nowhere at all")
		x.Has("not found in 26 objects")
		x.Press("esc")
		x.Has("match 1 of 1 here") // leaving the line brings back what was searched for
		x.Press("/", "up")
		x.Has("/ service-07", "1 here, 1 in 1 object")
	})
}

func TestWhatWasTypedOnTheWayStaysFolded(t *testing.T) {
	play(t, 160, 40, nil, func(t *testing.T, x table) {
		x.review()
		folded := x.Screen()
		x.Press("/")
		x.Type("serv") // in a stretch that is folded
		x.Has("serviceAccountName")
		for range 4 {
			x.Press("backspace")
		}
		x.Type("image")
		x.Has("2 here", "24 lines  spec.template")
		x.Lacks("serviceAccountName")
		x.Press("esc")
		if got := x.Screen(); got != folded {
			t.Errorf("leaving a search leaves\n%s\nwant\n%s", got, folded)
		}
		x.Press("/")
		x.Type("serviceA")
		x.Press("enter", "esc")
		x.Has("serviceAccountName") // it was gone to, and one is there
	})
}

func TestASearchGoesOnInAnotherReading(t *testing.T) {
	play(t, 160, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("/")
		x.Type("image")
		x.Press("enter", "n")
		x.backend.Set(func(b *tuitest.Backend) {
			p := *b.Plans["production"]
			p.Objects = p.Objects[:len(p.Objects)-21]
			b.Plans["production"] = &p
		})
		x.Press("ctrl+r")
		x.Has("match 2 of 2 here, 4 in 2 objects")
		x.Press("v")
		x.Has("lens git", "here, 4 in 2 objects")
		x.Press("esc")
		x.Lacks("match ")
	})
}

func TestSearchWaitsForNothing(t *testing.T) {
	play(t, 160, 40, nil, func(t *testing.T, x table) {
		x.review()
		x.Press("/")
		start := time.Now()
		for _, r := range "image" {
			x.Send(tuitest.Key(string(r)))
		}
		x.Send(tuitest.Key("enter"))
		if took := time.Since(start); took > 0 { // in the bubble, time passes only where somebody waits
			t.Errorf("a key waited for %s", took)
		}
		x.Has("4 in 2 objects")
	})
}
