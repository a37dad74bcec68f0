package model

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestApprovedDigest(t *testing.T) {
	sides := func(replicas int64, image string) map[string]any {
		return map[string]any{"spec": map[string]any{"replicas": replicas, "image": image}}
	}
	o := PlannedObject{Verdict: VerdictUpdate, Before: sides(3, "a"), After: sides(3, "b"), Live: LiveRef{ResourceVersion: "1"}}
	same := o
	same.Before, same.After, same.Live.ResourceVersion = sides(5, "a"), sides(5, "b"), "2"
	other := o
	other.After = sides(3, "c")
	takes := o
	takes.TakesOwnership = true
	if d := o.ApprovedDigest(); len(d) != 64 || d != same.ApprovedDigest() || d == other.ApprovedDigest() || d == takes.ApprovedDigest() {
		t.Errorf("digests %s, %s, %s, %s", d, same.ApprovedDigest(), other.ApprovedDigest(), takes.ApprovedDigest())
	}
}

func TestOldRunRecord(t *testing.T) {
	var r Run
	old := `{"id":"a-1","operator":"op1@host","state":"failed","objects":[{"id":{"kind":"Service","name":"s"},"verdict":"create","result":"pending"}]}`
	if err := json.Unmarshal([]byte(old), &r); err != nil || r.Writer() != "op1@host" || len(r.Objects) != 1 || r.Wave != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	data, err := json.Marshal(r)
	if err != nil || strings.Contains(string(data), "wave") || strings.Contains(string(data), "attempts") || strings.Contains(string(data), "uid") {
		t.Errorf("%s, %v", data, err)
	}
}

func TestTakeOverError(t *testing.T) {
	err := error(&TakeOverError{Environment: "a", Lock: Lock{Holder: "op1@host", Run: "a-1"}})
	var asked *TakeOverError
	if CodeOf(err, ExitOK) != ExitLocked || !errors.As(err, &asked) || !strings.Contains(err.Error(), "run a-1") {
		t.Errorf("%v has code %d", err, CodeOf(err, ExitOK))
	}
}
