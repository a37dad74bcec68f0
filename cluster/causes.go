package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// riskOverwritesDrift marks an object whose live values somebody else set and
// applying would take back.
const riskOverwritesDrift = "overwrites-drift"

// explain says for each changed path where the change comes from. The sides
// are masked, so that nothing said here holds a Secret's value; who owns what
// is read from the live object itself.
//
// A path that another field manager owns in the live object and Git writes
// differently is drift. A path that Git writes, or that fairtide owned and Git
// no longer writes, comes from Git; so does a field that somebody removed from
// the live object, because managedFields do not remember who removes. The rest
// is what the server makes of these. rendered is masked like the sides.
func explain(changes []fieldpath.Change, rendered, live map[string]any, commit string) ([]model.Cause, []fieldDrift) {
	owners := fieldOwners(live)
	own := ownEntry(owners)
	var causes []model.Cause
	var drifts []fieldDrift
	for _, c := range changes {
		cause := model.Cause{Path: c.Path, Kind: model.CauseServer}
		git, inGit := fieldpath.At(rendered, c.Steps)
		other, foreign := ownerOf(c.Steps, owners)
		switch {
		case foreign && c.HasOld && (inGit || !c.HasNew):
			cause.Kind, cause.By, cause.At = model.CauseDrift, other.manager, other.at
			drifts = append(drifts, fieldDrift{change: c, by: other})
		case inGit && c.HasOld && fieldpath.Equal(git, c.Old):
			// Live is as Git writes it; something in the server alters that.
		case inGit, own != nil && own.owns(c.Steps) != ownsNothing:
			cause.Kind, cause.By = model.CauseGit, commit
		}
		causes = append(causes, cause)
	}
	return causes, drifts
}

// ownerOf is the other manager that owns a path, the closest and then the
// latest of several. There is none when fairtide owns the path as closely.
func ownerOf(steps []fieldpath.Step, owners []fieldOwner) (fieldOwner, bool) {
	var best fieldOwner
	hold, ours := ownsNothing, ownsNothing
	for _, o := range owners {
		h := o.owns(steps)
		if o.ours() {
			ours = h
			continue
		}
		if h > hold || h == hold && o.at.After(best.at) {
			hold, best = h, o
		}
	}
	return best, hold > ours
}

// fieldDrift is a change that takes back what another manager set.
type fieldDrift struct {
	change fieldpath.Change
	by     fieldOwner
}

func (d fieldDrift) String() string {
	says := "Git says " + showValue(d.change.New)
	if !d.change.HasNew {
		says = "Git has none"
	}
	return fmt.Sprintf("%s: %s set %s%s, %s", d.change.Path, plainLine(d.by.manager, 60),
		showValue(d.change.Old), atTime(d.by.at), says)
}

func atTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " at " + t.UTC().Format("2006-01-02 15:04 UTC")
}

// driftRisk is one risk for all drift of an object; nil for none.
func driftRisk(drifts []fieldDrift) []model.Risk {
	if len(drifts) == 0 {
		return nil
	}
	const shown = 3
	var parts []string
	for _, d := range drifts[:min(shown, len(drifts))] {
		parts = append(parts, d.String())
	}
	if more := len(drifts) - shown; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more fields", more))
	}
	return []model.Risk{{Name: riskOverwritesDrift, Severity: model.SeverityWarning, Message: strings.Join(parts, "; ")}}
}

// whoChanged names who else set one of the changed paths of a live object, or
// failing that who wrote to it last; empty when it is not known. A path says
// more than the time: the server keeps none for writes to the scale
// subresource.
func whoChanged(changes []fieldpath.Change, live map[string]any) string {
	owners := fieldOwners(live)
	for _, c := range changes {
		if o, ok := ownerOf(c.Steps, owners); ok {
			return "by " + plainLine(o.manager, 60) + atTime(o.at)
		}
	}
	return lastWriter(live)
}

// lastWriter names who else wrote to an object last; empty when it is not
// known.
func lastWriter(live map[string]any) string {
	owners := slices.DeleteFunc(fieldOwners(live), func(o fieldOwner) bool { return o.ours() || o.subresource == "status" })
	if len(owners) == 0 {
		return ""
	}
	last := slices.MaxFunc(owners, func(a, b fieldOwner) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.manager, b.manager))
	})
	return "by " + plainLine(last.manager, 60) + atTime(last.at)
}
