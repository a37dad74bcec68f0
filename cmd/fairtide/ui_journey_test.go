//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// TestJourneysThroughTheUI are those of one sample: first the ones that write
// nothing, beside each other, and then those that ship.
func TestJourneysThroughTheUI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{})
	w.deploy("staging")
	w.deploy("production")
	before := w.written(t)
	t.Run("without writing", func(t *testing.T) {
		for name, journey := range map[string]func(*testing.T, *world){
			"without colour, in ASCII": plainJourney, "resize": resizeJourney, "suspend and resume": suspendJourney,
			"a storm on the dialog": stormJourney, "a storm on the dialog that wants a name": namedStormJourney,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				journey(t, w.in(t))
			})
		}
	})
	if after := w.written(t); after != before {
		t.Errorf("something was written:\n%s\nwas\n%s", after, before)
	}
	t.Run("shipping", func(t *testing.T) {
		t.Run("by mouse only", func(t *testing.T) {
			t.Parallel()
			mouseJourney(t, w.in(t))
		})
		t.Run("by keyboard only", func(t *testing.T) {
			t.Parallel()
			keyboardJourney(t, w.in(t), 120, 40)
			keyboardJourney(t, w.in(t), 80, 24)
		})
	})
}

// in is the world for a test inside another.
func (w *world) in(t *testing.T) *world {
	inner := *w
	inner.t = t
	inner.env = append(slices.Clone(w.env), "HOME="+t.TempDir()) // what one has reviewed is no matter of the others
	return &inner
}

// pending are an environment's pending changes, newest first.
func (w *world) pending(env string) []model.Change {
	w.t.Helper()
	return decode[struct{ Changes []model.Change }](w.t, w.must(0, "changes", "-e", env, "-o", "json").stdout).Changes
}

// written is the state of all that fairtide could write to.
func (w *world) written(t *testing.T) string {
	t.Helper()
	var out []string
	for _, namespace := range []string{"petstore-staging", "petstore-production", "fairtide"} {
		for _, gvr := range []schema.GroupVersionResource{
			{Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "services"},
			{Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
		} {
			list, err := w.dynamic().Resource(gvr).Namespace(namespace+w.suffix).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range list.Items {
				version := o.GetResourceVersion()
				if o.GetGeneration() > 0 { // a status is not ours
					version = fmt.Sprint(o.GetGeneration())
				}
				out = append(out, fmt.Sprintf("%s %s/%s %s %s", gvr.Resource, o.GetNamespace(), o.GetName(), o.GetUID(), version))
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("nothing was ever written")
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

var allReviewed = regexp.MustCompile(`✓ all (\d+ )?reviewed`)

// reviews marks every object as reviewed.
func (s *seat) reviews(mark func()) {
	s.t.Helper()
	const most = 40
	for range most {
		if s.await(300*time.Millisecond, allReviewed.MatchString) == nil {
			return
		}
		mark()
	}
	s.t.Fatalf("not all is reviewed:\n%s", strings.Join(s.screen(), "\n"))
}

// keyboardJourney reviews the oldest pending change of production and ships
// it, by the keys that the footer names.
func keyboardJourney(t *testing.T, w *world, cols, rows int) {
	pending := w.pending("production")
	oldest := pending[len(pending)-1]
	s := w.sit(t, cols, rows)
	s.sees("production", "? help")
	s.types("3")
	s.sees("PENDING IN production", oldest.Title[:12])
	s.types("\tG\r")
	s.sees("production  review", model.Short(oldest.Commit), "space reviewed")
	s.reviews(func() { s.types(" ") })
	s.types("s")
	s.sees("Ship to", "Type production to confirm")
	s.until(func() { s.types("production") }, "confirm: production")
	s.presses("\t", "[ Ship "+model.Short(oldest.Commit))
	s.presses("\r", "succeeded: production runs "+model.Short(oldest.Commit))
	s.presses("\x1b", "PENDING IN production")
	s.leaves()
	if left := w.pending("production"); len(left) != len(pending)-1 {
		t.Errorf("%d changes are pending after shipping one of %d", len(left), len(pending))
	}
}

// mouseJourney does so in staging, with the mouse alone.
func mouseJourney(t *testing.T, w *world) {
	pending := w.pending("staging")
	oldest := pending[len(pending)-1]
	ship := "Ship " + model.Short(oldest.Commit)
	s := w.sit(t, 120, 40)
	s.sees("staging", "? help")
	s.until(func() { s.clicks("staging") }, "PENDING IN staging", oldest.Title[:12])
	col, row := s.at(oldest.Title[:12], 1)
	s.until(func() { s.types(click(col, row) + click(col, row)) }, "staging  review", model.Short(oldest.Commit))
	s.sees("reviewed")
	s.drags(t)
	s.scrolls(t)
	s.reviews(func() { s.clicks("space reviewed") })
	s.clicks("✓ all") // anywhere: the footer tells that all is reviewed until the next key or click
	s.until(func() { s.clicks("s ship") }, "Ship to", ship)
	s.until(func() { s.clicks(ship) }, "staging  rolling out")
	s.sees("succeeded: staging runs " + model.Short(oldest.Commit))
	s.until(func() { s.types(click(3, 1)) }, "PENDING IN staging") // the header leads back
	s.leaves()
	if left := w.pending("staging"); len(left) != len(pending)-1 {
		t.Errorf("%d changes are pending after shipping one of %d", len(left), len(pending))
	}
}

// drags moves the divider ten columns to the right.
func (s *seat) drags(t *testing.T) {
	t.Helper()
	col, row := s.at("┬", 1)
	moved := func(screen string) bool {
		before, _, _ := strings.Cut(strings.Split(screen, "\n")[1], "┬")
		return len([]rune(before)) == col+9
	}
	for range 10 { // after a double click has opened a page, no click is heard for a moment
		s.types(mouse(leftButton, col, row+2, false))
		for x := col; x <= col+10; x++ {
			s.types(mouse(leftButton+dragging, x, row+2, false))
		}
		s.types(mouse(leftButton, col+10, row+2, true))
		if s.await(600*time.Millisecond, moved) == nil {
			return
		}
	}
	t.Errorf("the divider was not moved from column %d to %d:\n%s", col, col+10, strings.Join(s.screen(), "\n"))
}

// scrolls turns the wheel over the list of objects, down and up again.
func (s *seat) scrolls(t *testing.T) {
	t.Helper()
	before := s.rests()
	col, row := s.at("▌", 2)
	s.types(strings.Repeat(mouse(wheelDown, col+3, row, false), 3))
	if err := s.await(10*time.Second, func(screen string) bool { return screen != strings.Join(before, "\n") }); err != nil {
		t.Errorf("the wheel does nothing: %v\n%s", err, strings.Join(s.screen(), "\n"))
	}
	s.types(strings.Repeat(mouse(wheelUp, col+3, row, false), 9))
	s.rests()
}

var colourSequence = regexp.MustCompile(`\x1b\[(?:[0-9;:]*[;:])?(?:3[0-8]|4[0-8]|58|9[0-7]|10[0-7])(?:[;:][0-9;:]*)?m`)

// plainJourney goes through the pages without colours and beyond ASCII.
func plainJourney(t *testing.T, w *world) {
	w.env = append(slices.Clone(w.env), "NO_COLOR=1")
	s := w.sit(t, 100, 30, "--ascii")
	s.sees("production", "? help")
	s.types("3")
	s.sees("PENDING IN production", "#121")
	for _, step := range []struct{ key, sees string }{
		{"?", "Keys everywhere"}, {"\x1b", "PENDING IN"}, {"c", "change #"}, {"\x1b", "PENDING IN"}, {"h", "history"}, {"\x1b", "PENDING IN"},
		{"w", "windows"}, {"\x1b", "PENDING IN"}, {"u", "upgrades"}, {"\x1b", "PENDING IN"}, {":", "> "}, {"\x1b", "PENDING IN"},
		{"\r", "hunk 1 of"}, {"n", "review"}, {" ", "1 of"}, {"|", "review"}, {"s", "Ship to"},
	} {
		s.types(step.key)
		s.sees(step.sees)
		s.rests()
	}
	s.presses("\x1b", "production  review")
	s.presses("\x1b", "PENDING IN production")
	s.leaves()
	raw := s.output()
	for i := range len(raw) {
		if raw[i] > '~' {
			t.Fatalf("%q was written: %q", raw[i], raw[max(0, i-60):min(len(raw), i+20)])
		}
	}
	if c := colourSequence.FindString(raw); c != "" {
		i := strings.Index(raw, c)
		t.Errorf("a colour was set: %q", raw[max(0, i-60):min(len(raw), i+40)])
	}
	if !strings.Contains(raw, "\x1b[7m") && !strings.Contains(raw, ";7m") && !strings.Contains(raw, "\x1b[1m") {
		t.Error("nothing stands out without colours")
	}
}

// resizeJourney holds that after a resize the screen is what it would be had
// the program been started at that size.
func resizeJourney(t *testing.T, w *world) {
	open := func(cols, rows int) *seat {
		s := w.sit(t, cols, rows)
		s.sees("production", "? help")
		s.types("3")
		s.sees("PENDING IN production", "#121")
		s.types("\r")
		s.sees("production  review", "hunk 1 of", "reviewed")
		return s
	}
	s := open(120, 40)
	for _, size := range [][2]int{{80, 24}, {200, 60}, {60, 15}, {121, 41}} {
		for _, between := range [][2]int{{97, 19}, {20, 5}, {300, 100}, {61, 33}} { // a window that is dragged
			s.resize(between[0], between[1])
		}
		s.resize(size[0], size[1])
		fresh := open(size[0], size[1])
		var want, got string
		for range 20 {
			want, got = withoutAges(fresh.rests()), withoutAges(s.rests())
			if got == want {
				break
			}
		}
		if got != want {
			t.Errorf("after a resize to %dx%d:\n%s\nwant, as started at that size:\n%s", size[0], size[1], got, want)
		}
		fresh.types("q")
	}
	s.leaves()
}

var ages = regexp.MustCompile(` +(read )?(just now|\d+ s ago|\d+ m ago)|\d+ h \d+ m|\d+ m \d+ s`)

func withoutAges(lines []string) string {
	return ages.ReplaceAllString(strings.Join(lines, "\n"), "")
}

// suspendJourney goes to the shell and comes back. A program can only be
// stopped by its terminal when a shell is there that could continue it.
func suspendJourney(t *testing.T, w *world) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	const script = `set -m; "$0"; echo "ended with $?"; read -r line; echo "the shell read $line"; fg >/dev/null; echo "ended with $?"`
	s := start(t, exec.Command("sh", "-c", script, path), w.env, 120, 40)
	s.sees("production", "? help")
	s.types("3")
	s.sees("PENDING IN production", "#121")
	modes := s.modes()
	s.types("\x1a")
	s.sees("ended with 148") // 128 and SIGTSTP: it is stopped, and not gone
	s.restored()
	// A terminal in raw mode would neither show what is typed nor end a line
	// at a carriage return.
	s.types("this\r")
	s.sees("PENDING IN production", "#121", "? help")
	if !strings.Contains(s.output(), "the shell read this") {
		t.Error("the shell did not get the line that was typed")
	}
	if again := s.modes(); !slices.Equal(again, modes) {
		t.Errorf("after coming back the terminal's modes are %q, before they were %q", again, modes)
	}
	s.types("?")
	s.sees("Keys everywhere")
	s.presses("\x1b", "PENDING IN production")
	s.types("q")
	s.sees("ended with 0")
	s.restored()
}

// opens goes to the confirm dialog of an environment by its place on the home
// page. Not all of what is typed is waited for: keys come as they come.
func (s *seat) opens(place, env string) {
	s.t.Helper()
	s.sees("production", "? help")
	s.types(place)
	s.sees("PENDING IN " + env)
	s.types("\r")
	s.sees(env+"  review", "hunk 1 of")
}

// repeats types keys again and again, as fast as keyboards repeat.
func (s *seat) repeats(keys string) {
	s.t.Helper()
	const times, pace = 40, 30 * time.Millisecond
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for range times {
		<-tick.C
		s.types(keys)
	}
}

func paste(text string) string { return "\x1b[200~" + text + "\x1b[201~" }

// storm is what comes over a dialog, and that it has led to nothing.
func (s *seat) storm(name string, early, late func()) {
	s.t.Helper()
	s.types("s")
	if early != nil {
		early()
	}
	tries := 0
	s.until(func() {
		if tries++; tries%2 == 0 { // what came before may have opened something else
			s.types("\x1b")
			s.rests() // else the two would be one key
		}
		s.types("s")
	}, "Ship to")
	if late != nil {
		late()
	}
	if screen := strings.Join(s.rests(), "\n"); strings.Contains(screen, "rolling out") || strings.Contains(screen, "succeeded") {
		s.t.Fatalf("%s: it was applied:\n%s", name, screen)
	}
	s.until(func() { s.types("\x1b") }, "? help")
	if strings.Contains(s.output(), "rolling out") {
		s.t.Fatalf("%s: it was applied", name)
	}
}

// stormJourney rains on a dialog whose button is only a tab away.
func stormJourney(t *testing.T, w *world) {
	s := w.sit(t, 120, 40)
	s.opens("2", "staging")
	runs := w.must(0, "history", "-e", "staging", "-o", "json").stdout
	s.storm("enter held down since before the dialog", func() { s.repeats("\r") }, nil)
	s.storm("tab and enter since before the dialog", func() { s.repeats("\t\r") }, nil)
	s.storm("the key that opens it held down", func() { s.repeats("s") }, nil)
	s.storm("pastes", func() { s.types(strings.Repeat(paste("staging\r\t\r\n"), 40)) }, func() { s.types(strings.Repeat(paste("\t\r\rstaging\r"), 40)) })
	s.storm("clicks on the button", nil, func() {
		s.rests()
		head := w.repo.Head
		col, row := s.at("Ship "+model.Short(head), 1)
		s.repeats(click(col+1, row) + mouse(wheelDown, col, row, false) + mouse(dragging, col, row, false))
	})
	if again := w.must(0, "history", "-e", "staging", "-o", "json").stdout; again != runs {
		t.Errorf("there is a run: %s", again)
	}
	s.presses("\x1b", "PENDING IN staging")
	s.leaves()
}

// namedStormJourney rains on one that wants the environment's name.
func namedStormJourney(t *testing.T, w *world) {
	s := w.sit(t, 120, 40)
	s.opens("3", "production")
	s.storm("pastes of the name", func() { s.types(strings.Repeat(paste("production"), 20)) }, func() { s.types(strings.Repeat(paste("production\r\r\r")+"\r", 40)) })
	s.storm("a paste that comes as keys", nil, func() { s.types(strings.Repeat("production\r\r\r", 10)) })
	s.storm("enter held down after the name", nil, func() {
		s.until(func() { s.types("production") }, "confirm: production")
		s.types("\r")                                                         // goes on to the button
		_ = s.await(660*time.Millisecond, func(string) bool { return false }) // until a held key is repeated
		s.repeats("\r")
	})
	s.presses("\x1b", "PENDING IN production")
	s.leaves()
}
