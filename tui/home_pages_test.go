package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// asked makes the forge say how the pending pull requests stand.
func asked(b *tuitest.Backend, _ *Config) {
	p := b.Pendings["production"]
	for i := range p.Changes {
		c := &p.Changes[i]
		pr := *c.PullRequest
		pr.State, pr.Author, pr.Checks = model.PullRequestMerged, c.Author, model.CheckSuccess
		pr.Approvals = []string{"dev5", "dev6"}
		c.PullRequest = &pr
		for j := range c.Objects {
			if c.Objects[j].ID.Kind == "Deployment" {
				c.Objects[j].Risk = "restarts its pods"
			}
		}
	}
}

// hurried makes runs take longer than the window is open, and one pull request
// lack what it needs.
func hurried(b *tuitest.Backend, c *Config) {
	asked(b, c)
	pr := b.Pendings["production"].Changes[1].PullRequest
	pr.Approvals, pr.Checks = pr.Approvals[:1], model.CheckFailure
	runs := b.Histories["production"]
	for i := range runs {
		runs[i].FinishedAt = runs[i].StartedAt.Add(2 * time.Hour)
	}
	b.Envs[2].Tests = []model.Test{{Name: "smoke"}, {Name: "checkout"}, {Name: "script"}}
}

// crowded is a repository with 30 environments, and 500 changes pending in one.
func crowded(b *tuitest.Backend, _ *Config) {
	production := b.Envs[2]
	b.Envs = nil
	for i := range 30 {
		env := production
		env.Name, env.Tier = fmt.Sprintf("region-%02d", i+1), model.Tiers[i%3]
		st := b.Statuses["production"]
		st.Name, st.Tier, st.Pending = env.Name, env.Tier, i%4
		b.Envs = append(b.Envs, env)
		b.Statuses[env.Name] = st
	}
	p := b.Pendings["production"]
	first := p.Changes[0]
	p.Changes = nil
	for i := range 500 {
		c := first
		c.Commit, c.Title = fmt.Sprintf("%040x", 1000000+i), fmt.Sprintf("service-%03d 1.%d.0", i, i%10)
		c.PullRequest = &model.PullRequest{Number: 900 - i, Title: c.Title}
		p.Changes = append(p.Changes, c)
	}
	b.Pendings["region-09"] = p
}

func locked(b *tuitest.Backend, _ *Config) {
	closeWindow(b, true)
	st := b.Statuses["production"]
	now := time.Now()
	st.Lock = &model.Lock{Holder: "op2@bastion", Since: now.Add(-4 * time.Minute), Expires: now.Add(11 * time.Minute)}
	b.Statuses["production"] = st
}

var homePages = []struct {
	name    string
	prepare func(*tuitest.Backend, *Config)
	open    func(table)
}{
	{name: "home-forge", prepare: asked, open: func(x table) { x.Press("3") }},
	{name: "home-filtered", prepare: asked, open: func(x table) { x.Press("3", "/"); x.Type("gateway"); x.Press("enter") }},
	{name: "home-filtering", open: func(x table) { x.Press("3", "/"); x.Type("by:dev") }},
	{name: "home-filtered-all", open: func(x table) { x.Press("3", "/"); x.Type("nothing"); x.Press("enter") }},
	{name: "home-many", prepare: crowded, open: func(x table) {
		x.Press("9", "tab", "G", "up", "up", "up")
	}},
	{name: "home-locked", prepare: locked, open: func(x table) { x.Press("3", "enter", "esc") }},
	{name: "home-settled", open: func(x table) { x.Press("1") }},
	{name: "home-empty", open: func(table) {}, prepare: func(b *tuitest.Backend, _ *Config) { b.Envs = nil }},
	{name: "confirm-hurried", prepare: hurried, open: func(x table) { x.Press("3", "tab", "j", "s"); x.Pass(time.Second) }},
	{name: "confirm-approved", prepare: asked, open: func(x table) { x.confirm() }},
	{name: "confirm-read-on", open: func(x table) { x.confirm(); x.Press("pgdown") }},
}

func TestHomePages(t *testing.T) {
	for _, p := range homePages {
		for _, s := range [][2]int{{60, 15}, {80, 24}, {120, 40}, {200, 60}} {
			name := fmt.Sprintf("%s-%dx%d", p.name, s[0], s[1])
			t.Run(name, func(t *testing.T) {
				play(t, s[0], s[1], p.prepare, func(t *testing.T, x table) {
					p.open(x)
					checkScreen(t, x, s[0], s[1])
					tuitest.Golden(t, name, x.Screen())
				})
			})
		}
	}
}

func TestPendingChangesAreFiltered(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "/")
		x.Has("3 of 3")
		x.Type("gat")
		x.Has("1 of 3", "#41")
		x.Lacks("#39  base")
		x.Press("esc") // as it was
		x.Has("#42  petstore 1.4.2", "#39  base")
		x.Press("/")
		x.Type("by:dev3")
		x.Press("enter")
		x.Has("1 of 3 match /by:dev3", "▌ #39")
		x.Lacks("#42  petstore 1.4.2")
		x.Press("enter") // what is selected is what is reviewed
		x.Has("review  1 change  3d09a11 → 57a0c9d")
		x.Press("esc", "esc")
		x.Has("#42  petstore 1.4.2", "#39  base", "newest first")
		x.Lacks("match")
	})
}

func TestAFilteredChangeSaysWhatElseItShips(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "/")
		x.Type("petstore")
		x.Press("enter")
		x.Has("ships #42, #41, #39", "2 changes of those the filter hides")
	})
}

func TestNothingToFilter(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("1", "/")
		x.Has("nothing is pending here that could be filtered")
	})
}

func TestDriftIsToldOnceAPlanWasRead(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3")
		x.Lacks("drift")
		x.Press("enter", "esc")
		x.Has("drift     ! 1 object: Deployment gateway, seen just now", "restarts 3 pods, one at a time (PDB min 2)")
		x.backend.Set(func(b *tuitest.Backend) {
			st := b.Statuses["production"]
			st.Deployed = &model.Deployed{Commit: tuitest.Third, At: time.Now()}
			b.Statuses["production"] = st
		})
		x.Press("ctrl+r")
		x.Lacks("drift") // something else is live by now
	})
}

func TestTheConfirmNamesWhatIsShippedThoughPendingCameLate(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		release := x.backend.Hold("Pending production")
		x.Press("3", "enter")
		x.Lacks("3 changes")
		x.Press("s")
		x.Pass(time.Second)
		x.Lacks("#42, #41, #39")
		release()
		x.Settle()
		x.Has("review  3 changes", "8f2c1d7  #42, #41, #39  by dev1, dev2, dev3")
	})
}

func TestTheConfirmSaysHowLongItTakes(t *testing.T) {
	for want, prepare := range map[string]func(*tuitest.Backend, *Config){
		"about 1 m, fits, median of 2 runs": nil,
		"! about 2 h 00 m, does not fit":    hurried,
		"not known: no run has succeeded here yet": func(b *tuitest.Backend, _ *Config) {
			b.Histories["production"] = nil
		},
		"not known: the history could not be read": func(b *tuitest.Backend, _ *Config) {
			b.Fail("History", fmt.Errorf("no"))
		},
	} {
		play(t, 120, 40, prepare, func(t *testing.T, x table) {
			x.confirm()
			x.Has(want)
		})
	}
}

func TestARefusalNamesNoCommand(t *testing.T) {
	play(t, 120, 40, rigid, func(t *testing.T, x table) {
		x.confirm()
		x.Has("This cannot be shipped", "allow it on the object for this plan only")
		if screen := x.Screen(); strings.Contains(screen, "--replace") {
			t.Errorf("a command is named where a key does it:\n%s", screen)
		}
	})
}

func TestTheConfirmSaysWhetherItsPlanIsWatched(t *testing.T) {
	play(t, 120, 40, watched, func(t *testing.T, x table) {
		x.confirm()
		x.Has("watched, unchanged")
		x.moves(t, "petstore", 7)
		x.Has("another one by now", "The plan moved while this was open")
		x.Lacks("watched, unchanged")
	})
	play(t, 120, 40, watched, func(t *testing.T, x table) {
		x.confirm()
		x.backend.Moves <- model.Observation{Unwatched: "nobody may watch Deployments"}
		x.Pass(time.Second)
		x.Has("not watched: read just now")
	})
}

func TestTheRolloutSaysHowMuchTimeIsLeft(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.ship()
		x.Pass(4 * time.Second)
		x.Has("about 1 m 10 s left") // of the 1 m 14 s of the last runs
	})
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		runs := b.Histories["production"]
		for i := range runs {
			runs[i].FinishedAt = runs[i].StartedAt.Add(2 * time.Second)
		}
	}, func(t *testing.T, x table) {
		x.ship()
		x.Pass(6 * time.Second)
		x.Has("longer than usual")
	})
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { b.Histories["production"] = nil }, func(t *testing.T, x table) {
		x.ship()
		x.Pass(4 * time.Second)
		x.Lacks(" left ", "usual")
	})
}
