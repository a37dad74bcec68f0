package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// planProblem says why a plan must not be applied; empty when it may.
// applied is how many objects the environment's inventory has.
func planProblem(env model.Environment, items []*planItem, applied int) string {
	var problems, unpredictable []string
	deletes := 0
	for _, it := range items {
		switch it.planned.Verdict {
		case model.VerdictUnpredictable:
			unpredictable = append(unpredictable, fmt.Sprintf("%s (%s)", it.planned.ID, it.planned.Reason))
		case model.VerdictDelete:
			deletes++
		}
		if it.problem != "" && it.planned.Writes() && !slices.Contains(problems, it.problem) {
			problems = append(problems, it.problem)
		}
	}
	if n := len(unpredictable); n > 0 {
		const shown = 3
		list := strings.Join(unpredictable[:min(n, shown)], "; ")
		if n > shown {
			list += fmt.Sprintf("; and %d more", n-shown)
		}
		problems = append(problems, fmt.Sprintf("%s cannot be predicted: %s; fix or remove what is named", countOf(n, "object"), list))
	}
	if limit, why := pruneLimit(env.Prune, applied); deletes > limit {
		problems = append(problems, fmt.Sprintf(
			"it would delete %s, more than %s; check the path and the branch, or set prune.max for this environment to %d or more",
			countOf(deletes, "object"), why, deletes))
	}
	return strings.Join(problems, "; ")
}

// problemCode is what a command ends with that was to apply a plan with a
// problem. What Git asks for and the cluster does not have is as wrong as a
// configuration can be; that the cluster did not answer is no fault of Git's.
func problemCode(items []*planItem) model.ExitCode {
	for _, code := range []model.ExitCode{model.ExitUsage, model.ExitUnreachable} {
		if slices.ContainsFunc(items, func(it *planItem) bool { return it.code == code }) {
			return code
		}
	}
	return model.ExitRolloutFailed
}

// leastShare is what may always go of an environment that sets no limit: of a
// few objects a third is less than one.
const leastShare = 2

// pruneLimit is how many objects one plan may delete, and whose limit that is.
// A configured limit stands alone; without one it is the default or a third of
// what was applied, whichever is less.
func pruneLimit(policy model.PrunePolicy, applied int) (limit int, why string) {
	if third := max(leastShare, applied/3); policy.Share && third < policy.Max {
		return third, fmt.Sprintf("a third of the %s applied (%d)", countOf(applied, "object"), third)
	}
	return policy.Max, fmt.Sprintf("prune.max allows (%d)", policy.Max)
}

// countOf writes a number with its noun.
func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
