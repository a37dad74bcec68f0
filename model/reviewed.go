package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Reviewed says how an object's diff stands to what its operator has read.
type Reviewed uint8

// How a diff stands.
const (
	ReviewedNot     Reviewed = iota // it was never read
	ReviewedBefore                  // the object was, with another diff
	ReviewedAlready                 // it was read as it is
)

// DiffMark is a mark that an operator puts on the diff of an object, or takes
// away.
type DiffMark struct {
	ID     ObjectID
	Digest string // see DiffDigest
	Gone   bool   // the mark is taken away
}

// DiffDigest is a hash over what an operator reads of an object before it is
// written: the verdict, the reason and the two sides, as far as an approval is
// about them. Another commit, another reading or other causes leave it as it
// is while the diff stays the same.
func (o PlannedObject) DiffDigest() (string, error) {
	before, after := o.Approved()
	h := sha256.New()
	err := json.NewEncoder(h).Encode([]any{o.ID, o.Verdict, o.Reason, o.TakesOwnership, o.Migrates, before, after})
	if err != nil {
		return "", fmt.Errorf("hash the diff of %s: %w", o.ID, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
