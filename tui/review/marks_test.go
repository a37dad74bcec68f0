package review

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fairtide-dev/fairtide/internal/marks"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
)

// release is a plan of n services that all go from 1 to a version.
func release(n int, version string) *model.Plan {
	plan := &model.Plan{Commit: "commit-" + version}
	for i := range n {
		plan.Objects = append(plan.Objects, service(fmt.Sprintf("service-%02d", i), "1", version, nil))
	}
	plan.Sort()
	return plan
}

// press carries out an action and all that follows from it.
func press(p *Page, id action.ID) (note string) {
	cmd, note, _ := p.Do(id)
	drain(cmd)
	return note
}

// opened is a page over a store, as another start of the program has it.
func opened(store Marks, plan *model.Plan) *Page {
	p := New(model.Environment{Name: "production"}, "", nil, 0)
	p.Marks = store
	load(p, plan)
	return p
}

func load(p *Page, plan *model.Plan) {
	p.Plan.Value, p.Plan.Loaded = plan, true
	drain(p.Sync())
}

func wantsLeft(t *testing.T, p *Page, n, of int) {
	t.Helper()
	if left, all := p.Unreviewed(); left != n || all != of {
		t.Errorf("%d of %d are not reviewed, want %d of %d", left, all, n, of)
	}
}

func TestReviewedMarks(t *testing.T) {
	store := marks.Open(t.TempDir(), "repository", time.Now)
	p := opened(store, release(4, "2"))
	first, _ := p.Selected()
	wantsLeft(t, p, 4, 4)
	press(p, action.Reviewed)
	next, _ := p.Selected()
	if next.ID == first.ID || p.Reviewed(first.ID) != model.ReviewedAlready {
		t.Error("the mark is not put, or the next object is not selected")
	}
	press(p, action.Reviewed)
	wantsLeft(t, p, 2, 4)

	p = opened(store, release(4, "2"))
	wantsLeft(t, p, 2, 4)
	if p.Reviewed(first.ID) != model.ReviewedAlready {
		t.Error("the mark does not survive a restart")
	}
	press(p, action.Reviewed)
	wantsLeft(t, opened(store, release(4, "2")), 3, 4) // it was taken away
	press(p, action.Reviewed)

	other := release(4, "2")
	other.Commit = "another"
	other.Objects[0] = service("service-00", "1", "3", nil)
	p = opened(store, other)
	wantsLeft(t, p, 3, 4)
	if got := p.Reviewed(first.ID); got != model.ReviewedBefore {
		t.Errorf("a diff that changed since is %d", got)
	}
	load(p, release(4, "2"))
	wantsLeft(t, p, 2, 4)
	for range 2 {
		press(p, action.NextUnreviewed)
		press(p, action.Reviewed)
	}
	if note := press(p, action.NextUnreviewed); !strings.Contains(note, "all 4 objects reviewed") {
		t.Errorf("after the last one: %q", note)
	}
	wantsLeft(t, opened(store, release(4, "2")), 0, 4)
}

func TestAMarkIsOfTheDiffOnTheScreen(t *testing.T) {
	p := opened(marks.Open("", "", time.Now), release(2, "2"))
	press(p, action.Reviewed)
	p.Plan.Value = release(2, "3")
	cmd := p.Sync() // the other plan is on the screen, and nothing is known of it
	wantsLeft(t, p, 2, 2)
	if note := press(p, action.Reviewed); note != notCompared {
		t.Errorf("a diff that is not hashed yet can be marked: %q", note)
	}
	drain(cmd)
	wantsLeft(t, p, 2, 2)
}

func selectObject(p *Page, id model.ObjectID) {
	p.SelectObject(id)
	drain(p.Follow())
}

func TestAcceptAlike(t *testing.T) {
	store := marks.Open("", "", time.Now)
	plan := release(5, "2")
	plan.Objects = append(plan.Objects, service("odd", "1", "2", func(o *model.PlannedObject) { o.After["spec"].(map[string]any)["paused"] = true }))
	plan.Sort()
	p := opened(store, plan)
	selectObject(p, service("service-01", "1", "2", nil).ID)
	press(p, action.Reviewed)
	if note := press(p, action.AcceptAlike); !strings.Contains(note, "5 objects change alike") {
		t.Error(note)
	}
	wantsLeft(t, p, 1, 6)
	wantsLeft(t, opened(store, plan), 1, 6)
	press(p, action.AcceptAlike) // takes it back, but not what was read by itself
	wantsLeft(t, p, 5, 6)
	selectObject(p, model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "odd"})
	if note := press(p, action.AcceptAlike); !strings.Contains(note, "no other object") {
		t.Error(note)
	}
	wantsLeft(t, p, 5, 6)
}

// broken is a store that keeps nothing.
type broken struct{}

func (broken) Reviewed(string, map[model.ObjectID]string) (map[model.ObjectID]model.Reviewed, error) {
	return nil, errors.New("it is damaged")
}

func (broken) Mark(string, []model.DiffMark) error { return errors.New("no space left on device") }

func TestWhatCannotBeKeptIsSaid(t *testing.T) {
	p := opened(broken{}, release(3, "2"))
	screen := func() string { return strings.Join(p.Draw(at(120, 36)).Lines, "\n") }
	if !strings.Contains(screen(), "it is damaged") {
		t.Error("a damaged store is not said")
	}
	press(p, action.Reviewed)
	wantsLeft(t, p, 2, 3)
	if !strings.Contains(screen(), "no space left") {
		t.Error("a mark that is not kept is not said")
	}
}

// slow is a store whose writes are carried out when the test wants it.
type slow struct{ wrote [][]model.DiffMark }

func (*slow) Reviewed(string, map[model.ObjectID]string) (map[model.ObjectID]model.Reviewed, error) {
	return nil, nil
}

func (s *slow) Mark(_ string, changes []model.DiffMark) error {
	s.wrote = append(s.wrote, changes)
	return nil
}

func TestWritesKeepTheirOrder(t *testing.T) {
	store := &slow{}
	p := opened(store, release(3, "2"))
	id := p.Plan.Value.Objects[0].ID
	var first tea.Cmd
	for i := range 4 {
		cmd := p.mark([]model.ObjectID{id}, i%2 == 0)
		if i == 0 {
			first = cmd
		} else if cmd != nil {
			t.Fatal("a second write starts while one is under way")
		}
	}
	drain(first)
	if len(store.wrote) != 2 || store.wrote[0][0].Gone || len(store.wrote[1]) != 1 || !store.wrote[1][0].Gone {
		t.Errorf("wrote %+v", store.wrote)
	}
}
