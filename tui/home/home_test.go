package home

import (
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func fill(p *Page, commits ...string) {
	p.Environments.Value = []model.Environment{{Name: "staging"}}
	changes := make([]model.Change, len(commits))
	for i, c := range commits {
		changes[i].Commit = c
	}
	p.Pending("staging").Value = model.Pending{Changes: changes}
	p.Sync()
}

func selected(t *testing.T, p *Page) string {
	t.Helper()
	c, ok := p.Change()
	if !ok {
		t.Fatal("nothing is selected")
	}
	return c.Commit
}

func TestTheSelectionFollowsTheHeadUntilItIsMoved(t *testing.T) {
	p := New("shop")
	fill(p, "c2", "c1")
	if got := selected(t, p); got != "c2" {
		t.Fatalf("selected %s at first, want the head", got)
	}
	fill(p, "c3", "c2", "c1")
	if got := selected(t, p); got != "c3" {
		t.Errorf("selected %s after a merge, want the new head", got)
	}

	// In the list, what was chosen stays chosen.
	p.inList = true
	fill(p, "c4", "c3", "c2", "c1")
	if got := selected(t, p); got != "c3" {
		t.Errorf("selected %s after a merge, want what the operator was on", got)
	}
	p.move("staging", 1)
	p.Leave()
	fill(p, "c5", "c4", "c3", "c2", "c1")
	if got := selected(t, p); got != "c2" {
		t.Errorf("selected %s after leaving the list, want what was chosen in it", got)
	}
}
