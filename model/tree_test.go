package model

import (
	"fmt"
	"slices"
	"testing"
)

func TestTreeWalk(t *testing.T) {
	root := TreeNode{Name: "a", Children: []TreeNode{{Name: "b", Children: []TreeNode{{Name: "c"}}}, {Name: "d"}}}
	var seen []string
	root.Walk(func(n *TreeNode, depth int) bool {
		seen = append(seen, fmt.Sprint(n.Name, depth))
		return true
	})
	if want := []string{"a0", "b1", "c2", "d1"}; !slices.Equal(seen, want) {
		t.Errorf("visited %v, want %v", seen, want)
	}
	seen = nil
	root.Walk(func(n *TreeNode, _ int) bool {
		seen = append(seen, n.Name)
		return n.Name != "b"
	})
	if want := []string{"a", "b"}; !slices.Equal(seen, want) {
		t.Errorf("visited %v, want %v: it has to stop", seen, want)
	}
}
