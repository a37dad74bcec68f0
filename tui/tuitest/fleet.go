package tuitest

import (
	"fmt"

	"github.com/fairtide-dev/fairtide/model"
)

// Fleet adds n Deployments to a plan, all of which go from one release to the
// next. The last of them changes in another way too.
func Fleet(plan *model.Plan, n int) {
	for i := range n {
		name := fmt.Sprintf("worker-%02d", i)
		o := model.PlannedObject{
			ID: deploymentID(name), Version: "v1", Verdict: model.VerdictUpdate,
			Before: deployment(name, "3.1.0", 2, false), After: deployment(name, "3.2.0", 2, i == n-1),
			Causes: []model.Cause{{Path: "spec.template.spec.containers[" + name + "].image", Kind: model.CauseGit, By: Head, PullRequest: 42}},
			Risks:  []model.Risk{{Name: "restarts-pods", Severity: model.SeverityWarning, Message: fmt.Sprintf("restarts %d pods", 2+i%3)}},
		}
		o.Deployed, o.Rendered = o.Before, o.After
		plan.Objects = append(plan.Objects, o)
	}
	plan.Sort()
}
