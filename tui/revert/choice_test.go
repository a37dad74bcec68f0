package revert

import (
	"slices"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func change(commit string, number int) model.Change {
	c := model.Change{Commit: commit, Title: "title of " + commit}
	if number > 0 {
		c.PullRequest = &model.PullRequest{Number: number}
	}
	return c
}

func TestChoices(t *testing.T) {
	cases := map[string]struct {
		choice Choice
		want   []string // kind, commit and name of each option
		none   string
	}{
		"a change":                      {Change("prod", change("c2", 42), "c1"), []string{"revert c2 revert of #42", "back-to c1 back to c1"}, ""},
		"a change without pull request": {Change("prod", change("c2", 0), "c1"), []string{"revert c2 revert of c2", "back-to c1 back to c1"}, ""},
		"the first change":              {Change("prod", change("c2", 42), ""), []string{"revert c2 revert of #42"}, ""},
		"one shipped":                   {Shipped("prod", "c0", []model.Change{change("c1", 41)}), []string{"revert c1 revert of #41", "back-to c0 back to c0"}, ""},
		"two shipped": {Shipped("prod", "c0", []model.Change{change("c2", 42), change("c1", 41)}),
			[]string{"back-to c0 back to c0", "revert c2 revert of #42", "revert c1 revert of #41"}, ""},
		"nothing known":        {Shipped("prod", "", nil), nil, "nothing to go back to"},
		"a run of one":         {Run("prod", model.Run{ID: "prod-7", From: "c0", Commit: "c1", PullRequests: []int{41}}), []string{"revert c1 revert of #41", "back-to c0 back to c0"}, ""},
		"a run of two":         {Run("prod", model.Run{ID: "prod-7", From: "c0", Commit: "c2", PullRequests: []int{42, 41}}), []string{"back-to c0 back to c0"}, ""},
		"a run of commits":     {Run("prod", model.Run{ID: "prod-7", From: "c0", Commit: "c2"}), []string{"back-to c0 back to c0"}, ""},
		"a run again":          {Run("prod", model.Run{ID: "prod-7", From: "c2", Commit: "c2", PullRequests: []int{42}}), nil, "shipped nothing new"},
		"the first run":        {Run("prod", model.Run{ID: "prod-1", Commit: "c2"}), nil, "was the first"},
		"a run that is listed": {Last("prod", "prod-7", []model.Run{{ID: "prod-8"}, {ID: "prod-7", From: "c0", Commit: "c2"}}), []string{"back-to c0 back to c0"}, ""},
		"a run that is gone":   {Last("prod", "prod-7", nil), nil, "prod-7 is gone"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, o := range c.choice.Options {
				if o.Request.Environment != "prod" || o.Title == "" || o.About == "" {
					t.Errorf("an option is incomplete: %+v", o)
				}
				got = append(got, strings.Join([]string{string(o.Request.Kind), o.Request.Commit, o.Of}, " "))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("options %q, want %q", got, c.want)
			}
			if (c.none == "") != (c.choice.None == "") || !strings.Contains(c.choice.None, c.none) {
				t.Errorf("none is %q, want %q", c.choice.None, c.none)
			}
		})
	}
}
