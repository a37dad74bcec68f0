package tuitest

import (
	"slices"

	"github.com/fairtide-dev/fairtide/model"
)

// Rigid is the plan of an environment, with a selector of its Deployment
// petstore that cannot change, and with a note and a risk of the plan as a whole.
func Rigid(plan *model.Plan) {
	const reason = "spec.selector is immutable: spec.selector.matchLabels.app store → petstore"
	for i := range plan.Objects {
		o := &plan.Objects[i]
		if o.ID.Kind != "Deployment" || o.ID.Name != "petstore" {
			continue
		}
		o.Verdict, o.Reason = model.VerdictReplace, reason
		o.Immutable = []string{"spec.selector.matchLabels.app"}
		o.Before, o.After = selecting(o.Before, "store"), selecting(o.After, "petstore")
		o.Risks = []model.Risk{
			{Name: "replaces-object", Severity: model.SeverityDanger, TypeName: true,
				Message: "is deleted and made again, and does not exist in between: " + reason},
			{Name: "stops-pods", Severity: model.SeverityDanger, Message: "stops 3 pods at once; none runs until the new ones are ready"},
		}
	}
	plan.Problem = "Deployment shop/petstore: " + reason + "; applying it fails unless it may be deleted and made again: " +
		"allow that with replace: {allowed: true} in the environment's configuration, or this once with `fairtide apply --replace`"
	plan.Risks = []model.Risk{{Name: "restarts-several-workloads", Severity: model.SeverityWarning, Message: "restarts 6 pods of 2 workloads together: Deployment gateway, Deployment petstore"}}
	plan.Notes = []string{"the record of what was applied does not fit into one object of the cluster, and is cut: 2,400 of 5,000 objects"}
	plan.Sort()
}

func selecting(side map[string]any, app string) map[string]any {
	spec, _ := side["spec"].(map[string]any)
	out := map[string]any{}
	for k, v := range side {
		out[k] = v
	}
	with := map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": app}}}
	for k, v := range spec {
		if k != "selector" {
			with[k] = v
		}
	}
	out["spec"] = with
	return out
}

// replacing is a plan after what has to be replaced in it was allowed to be.
func replacing(p *model.Plan) *model.Plan {
	if !p.Replaces {
		return p
	}
	p.Objects = slices.Clone(p.Objects)
	for i := range p.Objects {
		if o := &p.Objects[i]; o.Verdict == model.VerdictReplace {
			o.MayReplace, p.Problem = true, ""
		}
	}
	return p
}
