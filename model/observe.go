package model

// Observation is news about the live objects of a plan that is being looked at.
type Observation struct {
	// Moved are objects that are not as they were, in more than their status.
	Moved []ObjectID
	// Unwatched says what may not be watched, in words: of that there will be
	// no news. Empty: everything is.
	Unwatched string
}
