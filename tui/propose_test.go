package tui

import (
	"errors"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// called fails the test unless that many calls start with prefix.
func (x table) called(t *testing.T, prefix string, want int) {
	t.Helper()
	if got := x.backend.Count(prefix); got != want {
		t.Fatalf("%d calls of %s, want %d: %q\n%s", got, prefix, want, x.backend.Calls(), x.Screen())
	}
}

// publish confirms opening the pull request of the draft on the screen.
func (x table) publish() {
	x.Press("o")
	x.Pass(time.Second)
	x.Press("tab", "enter")
}

// merge confirms merging the selected pull request of production.
func (x table) merge() {
	x.Press("M")
	x.Pass(time.Second)
	x.Type("production")
	x.Press("enter")
	x.Pass(time.Second)
	x.Press("enter")
}

func noForge() error {
	return model.Errorf(model.ExitUnreachable, "no forge is known for this repository: its remote is a path; set one to see pull requests")
}

func conflict(b *tuitest.Backend) {
	b.Fail("Draft production revert", model.Errorf(model.ExitRequirements,
		"#42 cannot be reverted: later changes touch the same lines\nbase/gateway/config.yaml: changed since by b41e6f0 gateway: timeout\nbase/pdb.yaml: deleted since by 57a0c9d"))
}

func TestRevertAPendingChange(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "tab", "j", "R")
		x.Has("production  revert", "Revert #41  gateway: timeout", "Back to 57a0c9d, as it was before #41", "Nothing is pushed")
		x.called(t, "Draft", 0)
		x.Press("enter")
		x.called(t, "Draft production revert "+tuitest.Second, 1)
		x.Has("production  revert of #41, not pushed yet", "5 of 26 objects", "o open pull request")
		x.publish()
		x.called(t, "Publish production fairtide/revert-b41e6f0", 1)
		x.Has("#46 is open", "https://github.com/shop/petstore-environments/pull/46", "[ Close ]")
		x.Pass(time.Minute)
		x.Has("#46 is open") // it stays until it is closed
		x.Press("esc")
		x.Has("ENVIRONMENTS")
		x.Lacks("#46 is open")
		x.Press("p")
		x.Has("#46", "2 approvals are missing")
		x.applied(t, 0)
	})
}

func TestPublishAsksWithCancelFirst(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "R", "enter", "s") // s is the primary key of any review
		x.Has("Open pull request for", "[ Cancel ]", "fairtide/revert-8f2c1d7", "environments/production/petstore.yaml", "Nothing is applied")
		x.Pass(time.Second)
		x.Press("enter")
		x.called(t, "Publish", 0)
		x.Has("revert of #42, not pushed yet")
		x.Press("esc")
		x.Has("HOW SHALL IT BE TAKEN BACK?")
		x.Press("esc")
		x.Has("ENVIRONMENTS")
	})
}

func TestARevertInConflictOffersTheOtherWay(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		conflict(x.backend)
		x.Press("3", "R", "enter")
		x.Has("cannot be reverted", "base/gateway/config.yaml: changed since by b41e6f0", "base/pdb.yaml: deleted since", "enter tries the other way: Back to b41e6f0")
		x.Press("enter")
		x.called(t, "Draft production back-to "+tuitest.Second, 1)
		x.Has("production  back to b41e6f0, not pushed yet")
	})
}

func TestABranchThatIsTakenIsSaid(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.backend.Fail("Publish", model.Errorf(model.ExitRequirements, "fairtide/revert-8f2c1d7 exists already on the forge with other commits: delete it, or use #40 that comes from it"))
		x.Press("3", "R", "enter")
		x.publish()
		x.Has("The pull request was not opened", "exists already", "[ Close ]")
		x.Press("esc")
		x.Has("revert of #42, not pushed yet") // nothing is lost
		x.backend.Fail("Publish", nil)
		x.publish()
		x.Has("#46 is open")
	})
}

func TestRevertWithNothingPendingIsOfTheLastRun(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		p := b.Pendings["production"]
		p.Changes = nil
		b.Pendings["production"] = p
	}, func(t *testing.T, x table) {
		release := x.backend.Hold("History production")
		x.Press("3", "R")
		x.Pass(time.Second)
		x.Has("Reading the last run")
		release()
		x.Settle()
		x.Has("Back to b41e6f0, as it was before #36, #35")
		x.Press("esc")
		x.backend.Set(func(b *tuitest.Backend) { b.Histories["production"][0].PullRequests = []int{36} })
		x.Press("R")
		x.Has("▌ Revert #36", "Back to b41e6f0")
		x.Press("esc")
		x.backend.Set(func(b *tuitest.Backend) { b.Histories["production"] = nil })
		x.Press("R")
		x.Has("The record of production-118 is gone")
		x.Press("enter")
		x.Has("there is nothing to revert")
		x.Press("esc")
		x.backend.Fail("History", errors.New("production: no access to the records"))
		x.Press("R")
		x.Has("no access to the records", "ctrl+r tries again")
	})
}

func TestRevertWhatWasNeverDeployed(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Pendings["dev"] = model.Pending{Head: model.Commit{Hash: tuitest.Head}, Adopt: true}
		st := b.Statuses["dev"]
		st.Deployed, st.LastRun, st.Adopt = nil, nil, true
		b.Statuses["dev"] = st
	}, func(t *testing.T, x table) {
		x.Press("1", "R")
		x.Has("has deployed nothing in dev")
	})
}

func TestRevertARunOfTheHistory(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "h", "j", "R")
		x.Has("Back to 57a0c9d, as it was before #36, #35")
		x.Press("enter")
		x.called(t, "Draft production back-to "+tuitest.Third, 1)
		x.Press("esc", "esc")
		x.Has("production  history")
		x.Press("j", "R") // from and to the same commit
		x.Has("production-116 shipped nothing new")
		x.Press("esc", "j", "R")
		x.Has("production-115 was the first")
	})
}

func TestRevertAFailedRollout(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { tuitest.Tested(b, time.Second, false) }, func(t *testing.T, x table) {
		x.ship()
		x.Press("R")
		x.Has("R reverts a run that has failed")
		x.Pass(30 * time.Second)
		x.Has("failed: acceptance test checkout failed: pod checkout-119-x7k2p", "R reverts #42, #41, #39 by a pull request", "R revert")
		x.Press("R")
		x.Has("▌ Back to 3d09a11, as it was before #42, #41, #39", "Revert #42  petstore 1.4.2", "Revert #39")
		x.Press("enter")
		x.called(t, "Draft production back-to "+tuitest.Live, 1)
		x.Press("esc", "esc")
		x.Has("production  failed")
	})
}

func TestAcceptanceTestsOnTheRolloutPage(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { tuitest.Tested(b, time.Second, true) }, func(t *testing.T, x table) {
		x.ship()
		x.Has("tests  acceptance", "smoke", "http", "checkout", "job", "lighthouse", "not required", "0 of 3 passed")
		x.Pass(9 * time.Second)
		x.Has("◐ smoke", "running", "LOG OF smoke", "smoke: step 2 of 5 done", "0 of 3 tests passed")
		x.Lacks("100 %")
		x.Press("esc")
		x.Has("testing")
		x.Press("r")
		x.Pass(5 * time.Second)
		x.Has("✓ smoke", "passed", "2 attempts", "LOG OF checkout")
		x.Pass(15 * time.Second)
		x.Has("succeeded: production runs 8f2c1d7, 5 objects, 2 of 3 tests passed", "100 %", "not required; exit code 1: score 0.71")
		x.Press("k")
		x.Has("LOG OF checkout", "checkout: step 5 of 5 done")
	})
}

func TestProposedSaysWhatIsMissing(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "p")
		x.Has("production  proposed  3 pull requests", "#45", "petstore 1.4.3", "2 of 2", "every requirement is met", "2 of 2 tests passed", "image 1.4.2 → 1.4.3")
		x.Press("j")
		x.Has("1 of 2 approvals: dev3 approved an", "check lint failed", "dev3 approved, but the earlier 57a0c9d", "stale, 25 h ago")
		x.Press("j")
		x.Has("draft: base: smaller r", "in conflict with its base", "dev1 asks for changes", "It could not be rendered")
		x.Press("enter")
		x.Has("#38 could not be rendered")
		x.called(t, "ProposedPlan", 0)
		x.Press("M")
		x.Pass(time.Second)
		x.Has("This cannot be merged: it is a draft", "[ Back ]")
		x.Type("production")
		x.Press("tab", "enter")
		x.called(t, "Merge", 0)
	})
}

func TestTheReviewOfAProposalShipsNothing(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "p", "enter")
		x.called(t, "ProposedPlan production 45", 1)
		x.Has("production  proposed #45, not merged", "5 of 26 objects")
		x.Press("s")
		x.Has("nothing to ship")
		x.Press("o")
		x.Has("this is none of them")
		x.Press("ctrl+r")
		x.called(t, "ProposedPlan production 45", 2)
		x.Press("esc")
		x.Has("OPEN PULL REQUESTS")
		x.applied(t, 0)
	})
}

func TestMerge(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "p", "M")
		x.Has("Merge #45 into main for", "aa11bb2", "by dev2, dev3", "every requirement is met", "open", "[ Cancel ]", "not live before it is shipped")
		x.Pass(time.Second)
		x.Press("enter")
		x.called(t, "Merge", 0)
		before := x.backend.Count("Status production")
		x.merge()
		x.called(t, "Merge production 45 "+tuitest.ReadyHead, 1)
		x.Has("#45 is merged as e5d4c3b", "s on the home page ships it")
		x.Press("esc")
		x.Lacks("petstore 1.4.3")
		x.Press("esc")
		x.Has("#45", "petstore 1.4.3")
		if x.backend.Count("Status production") <= before {
			t.Error("the home page was not read again")
		}
	})
}

func TestAMergeThatIsTurnedDownIsExplained(t *testing.T) {
	cases := map[string]struct {
		err  error
		want string
	}{
		"head moved":   {model.Errorf(model.ExitPlanMoved, "#45: the head moved from aa11bb2 to ffee001"), "is not what would be merged"},
		"unmet":        {model.Errorf(model.ExitRequirements, "#45: dev2 has withdrawn the approval"), "its right side says what is missing"},
		"window":       {model.Errorf(model.ExitWindowClosed, "production: the window has closed"), "asks for a reason"},
		"rate limited": {model.Errorf(model.ExitUnreachable, "GitHub allows no more requests before 10:00"), "says how it stands"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, 120, 40, nil, func(t *testing.T, x table) {
				x.backend.Fail("Merge", c.err)
				x.Press("3", "p")
				x.merge()
				x.Has("#45 was not merged", c.err.Error(), c.want, "[ Close ]")
				x.called(t, "Proposed production", 2)
			})
		})
	}
}

func TestAHeadThatMovesWhileAskingRefuses(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "p", "M")
		x.Pass(time.Second)
		x.Type("production")
		x.Press("enter")
		x.backend.Set(func(b *tuitest.Backend) { b.Proposals["production"][0].Head = "ffee00112233" })
		x.Send(x.app.loadProposed(x.app.proposed)())
		x.Pass(time.Second)
		x.Press("enter")
		x.called(t, "Merge", 0)
		x.Has("its head is ffee001 by now")
	})
}

func TestAMergeOutsideTheWindow(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { closeWindow(b, false) }, func(t *testing.T, x table) {
		x.Press("3", "p", "M")
		x.Pass(time.Second)
		x.Has("This cannot be merged: the window is closed", "no override", "[ Back ]")
		x.Press("tab", "enter")
		x.called(t, "Merge", 0)
	})
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { closeWindow(b, true) }, func(t *testing.T, x table) {
		x.Press("3", "p", "M")
		x.Pass(time.Second)
		x.Has("Reason to override the closed window")
		x.Type("incident 4711")
		x.Press("enter")
		x.Type("production")
		x.Pass(time.Second)
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter")
		x.called(t, "Merge production 45 "+tuitest.ReadyHead+" incident 4711", 1)
	})
}

func TestReadOnlyWritesNothingToTheForge(t *testing.T) {
	play(t, 120, 40, func(_ *tuitest.Backend, c *Config) { c.ReadOnly = true }, func(t *testing.T, x table) {
		x.Press("3", "p", "M")
		x.Pass(time.Second)
		x.Has("--read-only: nothing is merged")
		x.Lacks("Merge #")
		x.Press("esc", "R", "enter", "o")
		x.Pass(time.Second)
		x.Has("--read-only: nothing is pushed")
		x.Lacks("Open pull request")
		x.called(t, "Publish", 0)
		x.called(t, "Merge", 0)
	})
}

func TestWithoutAForgeEverythingElseWorks(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) {
		b.Fail("Proposed", noForge())
		b.Fail("Publish", noForge())
	}, func(t *testing.T, x table) {
		x.Press("3", "p")
		x.Has("no forge is known for this repository")
		x.Press("M")
		x.Has("no pull request is selected")
		x.Press("enter", "esc", "R", "enter")
		x.Has("not pushed yet", "5 of 26 objects")
		x.publish()
		x.Has("The pull request was not opened", "no forge is known")
		x.Press("esc", "esc", "esc")
		x.ship()
		x.applied(t, 1)
	})
}

func TestStaleResultsOfTheNewPagesAreDropped(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		draft := x.backend.Hold("Draft")
		x.Press("3", "R", "enter")
		x.Pass(time.Second)
		x.Has("Making the commit")
		x.Press("enter")
		x.Has("the commit is being made")
		x.Press("esc")
		draft()
		x.Settle()
		x.Has("ENVIRONMENTS") // the review does not jump up
		list := x.backend.Hold("Proposed production")
		x.Press("p", "esc", "2", "p")
		x.Has("no open pull request touches staging")
		list()
		x.Settle()
		x.Has("no open pull request touches staging")
	})
}

func TestUpgrade(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		x.Press("3", "u")
		x.Has("production  upgrades  4 images", "ghcr.io/shop/petstore", "1.4.2", "→ 1.4.3", "none newer", "not known", "petstore-admin")
		x.Press("j", "enter")
		x.Has("no newer tag that the policy allows")
		x.Press("j")
		x.Has("registry.internal cannot be reached")
		x.Press("enter")
		x.Has("its registry could not be asked")
		x.Press("j", "enter")
		x.Has("– by digest", "pinned by digest, without a tag")
		x.called(t, "Draft", 0)
		x.backend.Fail("Draft", errors.New("petstore: its tag stands in two places: a.yaml:4 and b.yaml:9"))
		x.Press("g", "enter")
		x.Has("its tag stands in two places")
		x.backend.Fail("Draft", nil)
		x.Press("enter")
		x.called(t, "Draft production bump ghcr.io/shop/petstore=1.4.3", 2)
		x.Has("production  upgrade of petstore to 1.4.3, not pushed yet")
		x.Press("ctrl+r")
		x.called(t, "Draft production bump ghcr.io/shop/petstore=1.4.3", 3)
		x.publish()
		x.Has("#46 is open", "bump ghcr.io/shop/petstore=1.4.3")
		x.applied(t, 0)
	})
}

func TestWritingIsNotLeftUntold(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, x table) {
		release := x.backend.Hold("Publish")
		x.Press("3", "R", "enter")
		x.publish()
		x.Has("opening the pull request")
		x.Press("o")
		x.Has("still opening the pull request")
		x.Press("esc", "esc", "q")
		x.Has("what becomes of it would go untold")
		x.Press("?")
		x.Press("esc")
		x.Press("s") // another dialog is on the screen when it is done
		x.Pass(time.Second)
		x.Has("Ship to")
		release()
		x.Settle()
		x.Has("Ship to")
		x.Press("esc")
		x.Has("#46 is open")
		x.Press("esc")
		x.Has("production  review")
		x.Press("q")
		if !x.Quit {
			t.Error("q does not quit")
		}
	})
}
