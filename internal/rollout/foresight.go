package rollout

import (
	"regexp"
	"slices"

	"github.com/fairtide-dev/fairtide/model"
)

// foresight is why objects of a wave cannot become ready before a later one, as
// the plan said. It belongs to one goroutine.
type foresight map[model.ObjectID]*foreseeing

type foreseeing struct {
	why     string
	missing *regexp.Regexp // what names the object that is waited for; nil: not known
	seen    bool           // that it is missing was read from the cluster
}

// waitedFor finds kind and name of what a workload waits for in the risk's words.
var waitedFor = regexp.MustCompile(`waits for (?:key \S+ of )?(\w+) (?:[\w.-]+/)?([\w.-]+), which`)

func foreseen(w model.Wave) foresight {
	out := foresight{}
	for _, o := range w.Objects {
		for _, r := range o.Risks {
			if r.Name != model.RiskLaterWave || out[o.ID] != nil {
				continue
			}
			f := &foreseeing{why: r.Message}
			if m := waitedFor.FindStringSubmatch(r.Message); m != nil {
				f.missing = regexp.MustCompile(`(?i)\b` + m[1] + ` "?(?:[\w.-]+/)?` + regexp.QuoteMeta(m[2]) + `(?:[^\w.-]|$)`)
			}
			out[o.ID] = f
		}
	}
	return out
}

// explain gives a reading the cause that was foreseen, as long as nothing in the
// readings speaks against it: somebody may bring what is missing. Another cause
// that a reading has stays.
func (f foresight) explain(p *model.Progress) {
	known := f[p.ID]
	if known == nil {
		return
	}
	stuck := p.Readiness == model.ReadinessWaiting || p.Readiness == model.ReadinessProgress
	about := known.missing != nil && known.missing.MatchString(p.Cause)
	switch {
	case !stuck, p.Ready > 0, slices.ContainsFunc(p.Pods, started), p.Cause == "" && known.seen:
		delete(f, p.ID)
	case p.Cause == "", about:
		known.seen = known.seen || about
		p.Cause, p.Doomed = known.why, true
	}
}

// started reports whether the containers of a pod were made, for which all that
// they refer to has to be there.
func started(p model.Pod) bool {
	return p.Ready || p.Restarts > 0 || p.Phase == "Running" || p.Phase == "Succeeded"
}
