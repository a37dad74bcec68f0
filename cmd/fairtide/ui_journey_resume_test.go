//go:build unix

package main

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairtide-dev/fairtide/internal/sample"
	"github.com/fairtide-dev/fairtide/model"
)

// night is one in production: a run is cut off half way, somebody else takes it
// over and brings it to its end, and the next one is looked on at by a
// colleague, held up, stopped and taken back.
type night struct {
	*world
	shipped string // what the run ships that is cut off
}

func TestJourneyThroughANight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample.Options{Windows: map[string]string{"production": ""}})
	n := &night{world: w, shipped: w.change("gateway-timeout").Commit}
	n.staffs("op1", "op2", "dev1")
	w.deploy("production")
	n.cutsOff()
	s := n.sits("op2")
	n.takesOver(s)
	n.holdsUp(s)
	d := n.sits("dev1")
	n.looksOn(s, d)
	n.stops(s, d)
	n.rollsBack(s, d)
	s.leaves()
	d.leaves()
}

// staffs lets people do in the cluster what its administrator may.
func (n *night) staffs(names ...string) {
	n.t.Helper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "night" + n.suffix},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
	}
	for _, name := range names {
		binding.Subjects = append(binding.Subjects, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name + n.suffix})
	}
	bindings := n.cluster.Client(n.t).RbacV1().ClusterRoleBindings()
	if _, err := bindings.Create(n.t.Context(), binding, metav1.CreateOptions{}); err != nil {
		n.t.Fatal(err)
	}
}

// known is somebody's own name: the people of another test have other rights.
func (n *night) known(name string) string { return name + n.suffix }

// sits has somebody open the UI on the home page, with production selected.
func (n *night) sits(name string) *seat {
	n.t.Helper()
	s := n.in(n.t).as(n.known(name)).sit(n.t, 120, 40)
	ctx, cancel := context.WithTimeout(n.t.Context(), 5*time.Minute)
	n.t.Cleanup(cancel)
	s.ctx = ctx
	s.sees("production", "? help")
	s.types("3")
	s.sees("PENDING IN production", "locked")
	return s
}

// newest is the newest run as its record has it, and what is live.
func (n *night) newest() (model.Run, *model.Deployed) {
	n.t.Helper()
	run := decode[struct{ Runs []model.Run }](n.t, n.must(0, "history", "-e", "production", "-o", "json").stdout).Runs[0]
	status := decode[struct{ Environments []model.EnvironmentStatus }](n.t, n.must(0, "status", "-e", "production", "-o", "json").stdout)
	return run, status.Environments[0].Deployed
}

// cutsOff kills op1's program in the middle of a run. Its lock goes on for a
// while.
func (n *night) cutsOff() {
	n.t.Helper()
	run := n.as(n.known("op1")).starts("apply", "-e", "production", "--commit", n.shipped, "--yes")
	run.hears("wave 2 of 3")
	run.signal(syscall.SIGKILL)
	<-run.ended
}

// expires has the lock be as one that its holder did not renew for an hour.
func (n *night) expires() {
	n.t.Helper()
	leases := n.cluster.Client(n.t).CoordinationV1().Leases("fairtide" + n.suffix)
	list, err := leases.List(n.t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		n.t.Fatalf("%d leases, %v", len(list.Items), err)
	}
	lease := list.Items[0]
	lease.Spec.RenewTime = &metav1.MicroTime{Time: time.Now().Add(-time.Hour)}
	if _, err := leases.Update(n.t.Context(), &lease, metav1.UpdateOptions{}); err != nil {
		n.t.Fatal(err)
	}
}

// fills types a text into the field of a dialog, in place of what is there: it
// is typed again where the dialog was too new to hear it.
func (s *seat) fills(text string) {
	s.t.Helper()
	s.until(func() { s.types("\x15" + text) }, ": "+text)
}

// confirms types the environment's name and chooses the button.
func (s *seat) confirms(button string) {
	s.t.Helper()
	s.fills("production")
	s.types("\t")
	s.sees("[ " + button)
	s.types("\r")
}

// takesOver brings the run that was cut off to its end.
func (n *night) takesOver(s *seat) {
	n.t.Helper()
	op1, op2 := n.known("op1")+"@", n.known("op2")+"@"
	const reason = "the laptop of op1 has died"
	s.sees("locked "+n.known("op1"), "held by "+op1, "expires in")
	n.expires()
	s.presses("\x12", "→ resume production-2, which was interrupted", "interrupted: production-2 by "+op1, "C resumes it", "held by "+op1, ", expired")
	cut, _ := n.newest()
	if cut.State != model.RunInterrupted || !cut.FinishedAt.IsZero() || len(cut.Attempts) > 0 || !n.anyPending(cut) {
		n.t.Errorf("the run that was cut off is recorded as %+v", cut)
	}
	s.types("r")
	s.sees("production  interrupted", "run production-2 by "+op1, "stopped without an end", "C resumes it")
	s.types("C")
	s.sees("Resume production-2 in", op1, "Reason to ", "Type production to confirm:")
	s.fills(reason)
	s.types("\t")
	s.confirms("Resume " + model.Short(n.shipped))
	s.sees("resumed by " + op2)
	s.sees("succeeded: production runs " + model.Short(n.shipped))

	run := n.lastRun("production")
	if run.ID != cut.ID || run.State != model.RunSucceeded || !strings.HasPrefix(run.Operator, op1) {
		n.t.Errorf("the run that was resumed is recorded as %s %s by %s", run.ID, run.State, run.Operator)
	}
	if len(run.Attempts) != 1 || !strings.HasPrefix(run.Attempts[0].Operator, op2) || run.Attempts[0].Reason != reason {
		n.t.Errorf("that it was taken over is recorded as %+v", run.Attempts)
	}
	n.wentWell(run)
	if _, live := n.newest(); live == nil || live.Commit != n.shipped || !strings.HasPrefix(live.By, op2) {
		n.t.Errorf("live is %+v", live)
	}
}

func (n *night) anyPending(run model.Run) bool {
	return slices.ContainsFunc(run.Objects, func(o model.RunObject) bool { return o.Result == model.ResultPending })
}

func (n *night) wentWell(run model.Run) {
	n.t.Helper()
	for _, o := range run.Objects {
		if o.Result != model.ResultReady && o.Result != model.ResultPruned {
			n.t.Errorf("%s: %s is %s", run.ID, o.ID, o.Result)
		}
	}
}

// holdsUp ships what is left, and pauses before anything is written.
func (n *night) holdsUp(s *seat) {
	n.t.Helper()
	s.types("\x1b")
	s.sees("PENDING IN production", "then ship", "free")
	s.types("s")
	s.sees("Ship to", "Type production to confirm:")
	s.confirms("Ship " + model.Short(n.repo.Head))
	s.sees("production  rolling out")
	s.types("p")
	s.sees("production  paused", "production-3", "paused before wave 1 of 2", "p goes on")
	if run, _ := n.newest(); run.ID != "production-3" || run.State != model.RunApplying ||
		slices.ContainsFunc(run.Objects, func(o model.RunObject) bool { return o.Result != model.ResultPending }) {
		n.t.Errorf("the run that is paused is recorded as %+v", run)
	}
}

// looksOn has a colleague follow that run until it is in trouble.
func (n *night) looksOn(s, d *seat) {
	n.t.Helper()
	op2 := n.known("op2") + "@"
	d.sees("locked "+n.known("op2"), op2)
	d.types("r")
	d.sees("production  paused", "by "+op2, "production-3", "paused before wave 1 of 2")
	n.same(s, d)
	d.types("p")
	d.sees("only whoever carries the run out can hold it up")
	s.types("p")
	for _, x := range []*seat{s, d} {
		x.sees("cannot pull ghcr.io/petstore/gateway:2.0.9", "1 doomed", "will not become ready")
	}
	n.same(s, d)
}

var standing = regexp.MustCompile(`(?m)^[ ▌]*(\S) (wave \d+|[A-Z]\w+ \S+)(?: +(\d+ of \d+ ready))?`)

// same holds that two people see the same of every wave and object: the glyph
// that tells how it stands, its name, and how many pods are ready.
func (n *night) same(s, d *seat) {
	n.t.Helper()
	table := func(x *seat) (out []string) {
		for _, m := range standing.FindAllStringSubmatch(strings.Join(x.rests(), "\n"), -1) {
			out = append(out, strings.Join(m[1:], " "))
		}
		return out
	}
	const most, least = 20, 8
	var own, other []string
	for range most {
		if own, other = table(s), table(d); len(own) >= least && slices.Equal(own, other) {
			return
		}
	}
	n.t.Errorf("who carries out the run sees\n%s\nand who looks on\n%s", strings.Join(own, "\n"), strings.Join(other, "\n"))
}

// stops has the colleague ask for the run's end.
func (n *night) stops(s, d *seat) {
	n.t.Helper()
	const reason = "that image is not there"
	dev1 := n.known("dev1") + "@"
	d.types("a")
	d.sees("Ask "+n.known("op2")+"@", "to stop the run in", "Reason:")
	d.fills(reason)
	d.types("\t")
	d.sees("[ Ask to stop")
	d.types("\r")
	for _, x := range []*seat{s, d} {
		x.sees("production  aborted", dev1, reason, "B reviews "+model.Short(n.shipped))
	}
	run := n.lastRun("production")
	if run.ID != "production-3" || run.State != model.RunAborted || !strings.Contains(run.Reason, dev1) || !strings.Contains(run.Reason, reason) || !n.anyPending(run) {
		n.t.Errorf("the run that was stopped is recorded as %+v", run)
	}
	if _, live := n.newest(); live == nil || live.Commit != n.shipped {
		n.t.Errorf("after a run that was stopped, live is %+v", live)
	}
}

// rollsBack brings back what was live before that run.
func (n *night) rollsBack(s, d *seat) {
	n.t.Helper()
	s.types("B")
	s.sees("production  review", model.Short(n.shipped), "hunk 1 of")
	s.types("s")
	s.sees("Ship to", "Type production to confirm:")
	s.confirms("Ship " + model.Short(n.shipped))
	s.sees("succeeded: production runs " + model.Short(n.shipped))
	d.types("\x1b")
	d.presses("\x12", "succeeded", "production-4", "free")

	run := n.lastRun("production")
	if run.ID != "production-4" || run.State != model.RunSucceeded || run.Commit != n.shipped {
		n.t.Errorf("the way back is recorded as %s %s of %s", run.ID, run.State, run.Commit)
	}
	n.wentWell(run)
	if image := n.gateway().Spec.Template.Spec.Containers[0].Image; image != "ghcr.io/petstore/gateway:2.0.8" {
		n.t.Errorf("the gateway is to run %s", image)
	}
}

func (n *night) gateway() *appsv1.Deployment {
	n.t.Helper()
	found, err := n.cluster.Client(n.t).AppsV1().Deployments("petstore-production"+n.suffix).Get(n.t.Context(), "gateway", metav1.GetOptions{})
	if err != nil {
		n.t.Fatal(err)
	}
	return found
}
