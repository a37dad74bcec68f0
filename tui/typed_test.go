package tui

import (
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/tuitest"
)

// lose makes so many volume claims of production's plan go.
func lose(b *tuitest.Backend, names ...string) {
	p := *b.Plans["production"]
	p.Objects = append([]model.PlannedObject(nil), p.Objects...)
	for _, n := range names {
		p.Objects = append(p.Objects, model.PlannedObject{
			ID: model.ObjectID{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: n}, Verdict: model.VerdictDelete,
			Risks: []model.Risk{{Name: "deletes-data", Severity: model.SeverityDanger, TypeName: true, Message: "deletes the data of " + n}},
		})
	}
	b.Plans["production"] = &p
}

// What does not come back is confirmed by its name, besides the environment's.
func TestLosingOneObjectNeedsItsName(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { lose(b, "orders-data") }, func(t *testing.T, x table) {
		x.confirm()
		x.Has("Type production to confirm", "Type orders-data, the name of the PersistentVolumeClaim")
		x.Type("production")
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter")
		x.Has("type orders-data to go on")
		x.applied(t, 0)
		x.Type("orders-data")
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter")
		x.applied(t, 1)
	})
}

// Several are confirmed by their number, with the environment's name.
func TestLosingSeveralObjectsNeedsTheirNumber(t *testing.T) {
	play(t, 120, 40, func(b *tuitest.Backend, _ *Config) { lose(b, "one", "two", "three") }, func(t *testing.T, x table) {
		x.confirm()
		x.Has("Type production 3 to delete 3 objects:", "deletes   PersistentVolumeClaim shop/", "shop/three")
		x.Lacks("Type production to confirm")
		x.Type("production")
		x.Press("enter")
		x.Has("type production 3 to go on")
		x.applied(t, 0)
		x.Pass(time.Second)
		x.Type(" 3")
		x.Press("enter")
		x.Pass(time.Second)
		x.Press("enter")
		x.applied(t, 1)
	})
}
