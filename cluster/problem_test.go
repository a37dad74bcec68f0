package cluster

import (
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestProblemCode(t *testing.T) {
	ordinary, down, unknown := &planItem{}, &planItem{code: model.ExitUnreachable}, &planItem{code: model.ExitUsage}
	for _, tc := range []struct {
		items []*planItem
		want  model.ExitCode
	}{
		{[]*planItem{ordinary}, model.ExitRolloutFailed},
		{[]*planItem{ordinary, down}, model.ExitUnreachable},
		{[]*planItem{down, unknown, ordinary}, model.ExitUsage},
	} {
		if got := problemCode(tc.items); got != tc.want {
			t.Errorf("%d items: %d, want %d", len(tc.items), got, tc.want)
		}
	}
}
